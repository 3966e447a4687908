"""The truth: a finite Markov decision process whose every value can be computed, not estimated.

It knows no grid and no network. Everything the book measures is compared with what stands here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CVAR_FRACTION = 0.05
_LATTICE_LIMIT = 50_000_000
"""Largest number of (state, return) cells the exact return distribution may touch over a horizon."""


@dataclass(frozen=True)
class PolicyScore:
    """What a policy earns and risks over one episode, undiscounted.

    The fields are the same whether the score is exact (`TabularMDP.evaluate`) or sampled (`Rollouts.score`); only a
    sampled score has `n_episodes` and `intervals`.

    Attributes:
        return_mean: expected sum of rewards.
        return_std: standard deviation of that sum over episodes.
        hazard_rate: probability of ending on a hazard.
        goal_rate: probability of ending on a goal.
        timeout_rate: probability of reaching the horizon alive.
        length_mean: expected number of steps.
        return_cvar: mean of the worst 5% of episodes (CVaR); NaN where the exact distribution is out of reach.
        n_episodes: episodes behind a sampled score, None for an exact one.
        intervals: 95% interval of each mean and rate of a sampled score, by name; None for an exact one.
    """

    return_mean: float
    return_std: float
    hazard_rate: float
    goal_rate: float
    timeout_rate: float
    length_mean: float
    return_cvar: float
    n_episodes: int | None = None
    intervals: Mapping[str, tuple[float, float]] | None = None

    def as_dict(self) -> dict[str, float]:
        """The seven measured fields by name."""
        return {name: getattr(self, name) for name in SCORE_FIELDS}


SCORE_FIELDS = tuple(f.name for f in fields(PolicyScore)[:7])
"""The measured fields of `PolicyScore`."""


@dataclass(frozen=True)
class Rollouts:
    """Sampled episodes, one row a step, episode after episode.

    Attributes:
        states: (N,) int64.
        actions: (N,) int64.
        next_states: (N,) int64.
        rewards: (N,) float64.
        terminals: (N,) bool, the world ended the episode here; every last row has a terminal or a time-out.
        timeouts: (N,) bool, the horizon cut it here.
        costs: (N,) float64, 1.0 where the step entered a hazard.
        goals: (N,) bool, true where the step entered a goal.
        episode: (N,) int64, counted from 0.
    """

    states: Ints
    actions: Ints
    rewards: Floats
    next_states: Ints
    terminals: Bools
    timeouts: Bools
    costs: Floats
    goals: Bools
    episode: Ints

    @property
    def returns(self) -> Floats:
        """Undiscounted return of each episode, (E,)."""
        return np.asarray(np.bincount(self.episode, self.rewards), float)

    def score(self) -> PolicyScore:
        """The sampled score with 95% intervals: Student's for means, Wilson's for rates (Wilson 1927)."""
        from scipy.stats import binomtest, t  # here, so that importing the world stays quick

        returns, lengths = self.returns, np.bincount(self.episode).astype(float)
        n, last = len(returns), self.terminals | self.timeouts
        hazards, goals = int(self.costs[last].sum()), int(self.goals[last].sum())
        timeouts = int(self.timeouts.sum())

        def mean(x: Floats) -> tuple[float, float]:
            half = t.ppf(0.975, n - 1) * x.std(ddof=1) / np.sqrt(n) if n > 1 else np.inf
            return float(x.mean() - half), float(x.mean() + half)

        def rate(count: int) -> tuple[float, float]:
            low, high = binomtest(count, n).proportion_ci(method="wilson")
            return float(low), float(high)

        return PolicyScore(
            return_mean=float(returns.mean()),
            return_std=float(returns.std()),
            hazard_rate=hazards / n,
            goal_rate=goals / n,
            timeout_rate=timeouts / n,
            length_mean=float(lengths.mean()),
            return_cvar=_lower_tail_mean(returns, np.full(n, 1.0 / n)),
            n_episodes=n,
            intervals={
                "return_mean": mean(returns),
                "hazard_rate": rate(hazards),
                "goal_rate": rate(goals),
                "timeout_rate": rate(timeouts),
                "length_mean": mean(lengths),
            },
        )


@dataclass(frozen=True)
class TabularMDP:
    """A finite Markov decision process with terminal states, hazards and goals.

    Transitions are kept sparse: each (state, action) pair lists up to K successors. `from_dense` takes the usual
    (S, A, S) table instead. An episode ends on entering a terminal state, or after `horizon` steps.

    Args:
        successors: (S, A, K) int, states that may follow; repeated entries add up.
        probabilities: (S, A, K), each pair's row sums to 1; pad with 0.
        rewards: (S, A, K), received on that transition, in raw reward.
        terminal: (S,) bool, states that end the episode.
        start: (S,) probabilities of the first state, none of them terminal.
        hazard: (S,) bool, terminal states that count as harm; none by default.
        goal: (S,) bool, terminal states that count as success; none by default.
        observations: (S, d) float32, what an agent sees in each state; by default its index, (S, 1).
        horizon: steps after which an episode is cut (time-out), or None.

    Raises:
        ValueError: a shape, a probability, a reward or a mask does not fit; the message names the argument and the row.
    """

    successors: Ints
    probabilities: Floats
    rewards: Floats
    terminal: Bools
    start: Floats
    hazard: Bools = None  # type: ignore[assignment]
    goal: Bools = None  # type: ignore[assignment]
    observations: NDArray[np.float32] = None  # type: ignore[assignment]
    horizon: int | None = None

    def __post_init__(self) -> None:
        if np.ndim(self.successors) != 3:
            raise ValueError(f"successors must have shape (S, A, K), got {np.shape(self.successors)}")
        n_states = len(self.successors)
        none = np.zeros(n_states, bool)
        index = np.arange(n_states, dtype=np.float32)[:, None]
        pairs = np.shape(self.successors)
        wanted: dict[str, tuple[ArrayLike, type, tuple[int, ...]]] = {
            "successors": (self.successors, np.int64, pairs),
            "probabilities": (self.probabilities, np.float64, pairs),
            "rewards": (self.rewards, np.float64, pairs),
            "terminal": (self.terminal, np.bool_, (n_states,)),
            "start": (self.start, np.float64, (n_states,)),
            "hazard": (none if self.hazard is None else self.hazard, np.bool_, (n_states,)),
            "goal": (none if self.goal is None else self.goal, np.bool_, (n_states,)),
            "observations": (index if self.observations is None else self.observations, np.float32, (n_states, -1)),
        }
        for name, (value, dtype, shape) in wanted.items():
            with np.errstate(invalid="ignore"):
                array: NDArray[Any] = np.array(value).astype(dtype)
            if dtype in (np.int64, np.bool_) and (changed := np.asarray(value) != array).any():
                row = tuple(int(i) for i in np.argwhere(changed)[0])
                wanted_kind = "truth value" if dtype is np.bool_ else "whole number"
                raise ValueError(f"{name}{list(row)} is {np.asarray(value)[row]}, expected a {wanted_kind}")
            if array.ndim != len(shape) or any(w not in (-1, g) for w, g in zip(shape, array.shape, strict=True)):
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        self._check_values()

    def _check_values(self) -> None:
        def refuse(bad: NDArray[np.bool_], name: str, expected: str) -> None:
            if bad.any():
                row = tuple(int(i) for i in np.argwhere(bad)[0])
                raise ValueError(f"{name}{list(row)} is {getattr(self, name)[row]}, expected {expected}")

        refuse(
            (self.successors < 0) | (self.successors >= self.n_states), "successors", f"a state below {self.n_states}"
        )
        refuse(~(self.probabilities >= 0), "probabilities", "a probability")
        total = self.probabilities.sum(-1)
        if (bad := np.argwhere(~(np.abs(total - 1) <= 1e-9))).size:
            s, a = bad[0]
            raise ValueError(f"probabilities of state {s}, action {a} sum to {total[s, a]}, expected 1")
        refuse(~np.isfinite(self.rewards), "rewards", "a finite number")
        refuse(~np.isfinite(self.observations), "observations", "a finite number")
        refuse(~(self.start >= 0), "start", "a probability")
        refuse((self.start > 0) & self.terminal, "start", "0 in a terminal state")
        if not abs(self.start.sum() - 1) <= 1e-9:
            raise ValueError(f"start sums to {self.start.sum()}, expected 1")
        refuse(self.hazard & ~self.terminal, "hazard", "terminal states only")
        refuse(self.goal & (~self.terminal | self.hazard), "goal", "terminal states that are no hazard")
        if self.horizon is not None:
            _check_horizon(self.horizon)

    @classmethod
    def from_dense(cls, transition: ArrayLike, rewards: ArrayLike, **rest: object) -> TabularMDP:
        """Builds the process from the usual dense table.

        Args:
            transition: (S, A, S) probabilities.
            rewards: (S, A, S), or (S, A) where they do not depend on the successor.
            rest: the other arguments of `TabularMDP`.
        """
        table = np.asarray(transition, float)
        if table.ndim != 3 or table.shape[0] != table.shape[2]:
            raise ValueError(f"transition must have shape (S, A, S), got {table.shape}")
        reward = np.asarray(rewards, float)
        if reward.shape not in (table.shape, table.shape[:2]):
            raise ValueError(f"rewards must have shape {table.shape} or {table.shape[:2]}, got {reward.shape}")
        width = max(1, int((table != 0).sum(-1).max()))
        successors = np.argsort(table == 0, axis=-1, kind="stable")[..., :width]
        if reward.ndim == 2:
            reward = np.broadcast_to(reward[..., None], table.shape)
        return cls(
            successors=successors,
            probabilities=np.take_along_axis(table, successors, -1),
            rewards=np.take_along_axis(reward, successors, -1),
            **rest,  # type: ignore[arg-type]
        )

    @property
    def n_states(self) -> int:
        """Number of states, S."""
        return len(self.successors)

    @property
    def n_actions(self) -> int:
        """Number of actions, A."""
        return self.successors.shape[1]

    @cached_property
    def transition(self) -> Floats:
        """The dense table, (S, A, S)."""
        dense = np.zeros((self.n_states, self.n_actions, self.n_states))
        s, a, _ = np.indices(self.successors.shape)
        np.add.at(dense, (s, a, self.successors), self.probabilities)
        return dense

    @cached_property
    def expected_rewards(self) -> Floats:
        """Expected reward of each pair, (S, A)."""
        return (self.probabilities * self.rewards).sum(-1)

    @cached_property
    def _alive(self) -> Floats:
        """1.0 in states where the episode goes on, (S,)."""
        return (~self.terminal).astype(float)

    def backup(self, values: ArrayLike, gamma: float) -> Floats:
        """Bellman's one-step look-ahead Q(s, a) = E[r + γ V(s')] with V = 0 in terminal states, (S, A)."""
        future = np.asarray(values, float) * self._alive
        q = self.expected_rewards + gamma * (self.probabilities * future[self.successors]).sum(-1)
        return np.where(self.terminal[:, None], 0.0, q)

    def optimal(self, gamma: float, horizon: int | None = None) -> Floats:
        """An optimal deterministic policy, one-hot; ties go to the lowest action.

        Args:
            gamma: discount factor in [0, 1].
            horizon: None for the stationary policy of the infinite horizon (value iteration, Bellman 1957), (S, A);
                a number of steps for the time-dependent policy (backward induction), (horizon, S, A).

        Raises:
            ValueError: `gamma` is outside [0, 1], or values do not converge because an episode need never end.
        """
        check_gamma(gamma)
        values = np.zeros(self.n_states)
        if horizon is not None:
            policy = np.zeros((_check_horizon(horizon), self.n_states, self.n_actions))
            for t in reversed(range(horizon)):
                q = self.backup(values, gamma)
                policy[t], values = _greedy(q), q.max(1)
            return policy
        for _ in range(1_000_000):
            q = self.backup(values, gamma)
            change, values = np.abs(q.max(1) - values).max(), q.max(1)
            if change <= 1e-12 * max(1.0, np.abs(values).max()):
                return self._ending(q) if gamma == 1 else _greedy(q)
        raise ValueError(f"gamma={gamma}: values do not converge, some episode need never end; pass a horizon")

    def _ending(self, q: Floats) -> Floats:
        """Greedy, with ties broken towards an end: undiscounted, waiting ties with going and would be for ever."""
        policy, leads, tied = _greedy(q), self.terminal.copy(), _tied(q)
        while True:
            onward = tied & ((self.probabilities > 0) & leads[self.successors]).any(-1)
            new = onward.any(1) & ~leads
            if not new.any():
                return policy
            policy[new], leads = np.eye(self.n_actions)[onward[new].argmax(1)], leads | new

    def values(self, policy: ArrayLike, gamma: float) -> tuple[Floats, Floats]:
        """Discounted value of a stationary policy over the infinite horizon, by one linear solve.

        Args:
            policy: (S, A) action probabilities.
            gamma: discount factor in [0, 1].

        Returns:
            V (S,) and Q (S, A), in discounted raw reward, 0 in terminal states.

        Raises:
            ValueError: the policy is no (S, A) table of probabilities, or `gamma` is 1 and it need never end.
        """
        check_gamma(gamma)
        pi = self._check_policy(policy)
        if pi.ndim == 3:
            raise ValueError(f"policy must have shape (S, A) to have values, got {pi.shape}; use evaluate")
        step = np.zeros((self.n_states, self.n_states))
        rows = np.broadcast_to(np.arange(self.n_states)[:, None, None], self.successors.shape)
        np.add.at(step, (rows, self.successors), pi[..., None] * self.probabilities)
        step *= self._alive[:, None] * self._alive
        reward = (pi * self.expected_rewards).sum(1) * self._alive
        system = np.eye(self.n_states) - gamma * step
        if gamma > 1 - 1e-6 and np.linalg.cond(system, 1) > 1e14:  # below, no process makes it singular
            raise ValueError(f"gamma={gamma}: this policy need never end, so its value is not defined; pass gamma < 1")
        v = np.linalg.solve(system, reward)
        return v, self.backup(v, gamma)

    def evaluate(self, policy: ArrayLike, horizon: int | None = None) -> PolicyScore:
        """The exact score of a policy over episodes of at most `horizon` steps: no sampling, no error bar.

        Args:
            policy: (S, A) action probabilities, or (horizon, S, A) where they depend on the time.
            horizon: number of steps, by default the process's own.

        Raises:
            ValueError: the policy is no table of probabilities, or no horizon is known.
        """
        pi = self._check_policy(policy)
        steps = self._horizon(horizon, pi)
        weights = [self._joint(p) for p in (pi[:steps] if pi.ndim == 3 else pi[None])]
        weights *= steps if pi.ndim == 2 else 1

        first, spread = np.zeros(self.n_states), np.zeros(self.n_states)  # mean and variance of the return-to-go
        for w in reversed(weights):
            gain = self.rewards + first[self.successors]
            first = (w * gain).sum((1, 2))
            spread = (w * ((gain - first[:, None, None]) ** 2 + spread[self.successors])).sum((1, 2))
        mean = float(self.start @ first)
        variance = float(self.start @ (spread + (first - mean) ** 2))

        alive, ended, length = self.start, np.zeros(self.n_states), 0.0
        for w in weights:
            length += float(alive.sum())
            arrived = self._push(w, alive)
            ended, alive = ended + arrived * self.terminal, arrived * self._alive
        return PolicyScore(
            return_mean=mean,
            return_std=float(np.sqrt(variance)),
            hazard_rate=float(ended[self.hazard].sum()),
            goal_rate=float(ended[self.goal].sum()),
            timeout_rate=float(alive.sum()),
            length_mean=length,
            return_cvar=self._exact_cvar(weights),
        )

    def occupancy(self, policy: ArrayLike, horizon: int | None = None) -> Floats:
        """Probability that an episode visits each state at least once within the horizon, (S,).

        One pass per state, with the mass that has arrived there held fast.
        """
        from scipy.sparse import csr_matrix  # here, so that importing the world stays quick

        pi = self._check_policy(policy)
        steps = self._horizon(horizon, pi)
        tables = [csr_matrix(self._matrix(p).T) for p in (pi[:steps] if pi.ndim == 3 else pi[None])]
        n = self.n_states
        mass = np.tile(self.start, (n, 1)).T.copy()  # column s: where walks are that have not met s
        met = np.diag(mass).copy()
        np.fill_diagonal(mass, 0.0)
        for t in range(steps):
            mass = tables[t if pi.ndim == 3 else 0] @ mass
            met += np.diag(mass)
            np.fill_diagonal(mass, 0.0)
        return met

    def rollouts(
        self, policy: ArrayLike, n: int, seed: int | np.random.Generator, horizon: int | None = None
    ) -> Rollouts:
        """Samples `n` episodes in lock-step: every step advances all episodes that are still alive.

        Args:
            policy: (S, A) or (horizon, S, A) action probabilities.
            n: number of episodes, at least 1.
            seed: seed or generator; the same seed gives the same episodes.
            horizon: number of steps, by default the process's own.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        rng = np.random.default_rng(seed)
        pi = self._check_policy(policy)
        steps = self._horizon(horizon, pi)
        choose = np.cumsum(pi, -1)
        branch = np.cumsum(self.probabilities, -1).reshape(-1, self.successors.shape[2])
        follow, gain = self.successors.reshape(branch.shape), self.rewards.reshape(branch.shape)

        walker = np.arange(n)
        state = _draw(np.cumsum(self.start)[None].repeat(n, 0), rng)
        columns: list[tuple[NDArray[np.generic], ...]] = []
        for t in range(steps):
            action = _draw((choose[t] if pi.ndim == 3 else choose)[state], rng)
            pair = state * self.n_actions + action
            k = _draw(branch[pair], rng)
            arrived = follow[pair, k]
            done = self.terminal[arrived]
            columns.append((walker, state, action, gain[pair, k], arrived, done, ~done & (t + 1 == steps)))
            walker, state = walker[~done], arrived[~done]
            if not len(walker):
                break
        episode, states, actions, rewards, arrived, done, cut = (np.concatenate(c) for c in zip(*columns, strict=True))
        order = np.argsort(episode, kind="stable")
        arrived = arrived[order]
        return Rollouts(
            states=states[order],
            actions=actions[order],
            rewards=rewards[order],
            next_states=arrived,
            terminals=done[order],
            timeouts=cut[order],
            costs=self.hazard[arrived].astype(float),
            goals=self.goal[arrived],
            episode=episode[order],
        )

    def _check_policy(self, policy: ArrayLike) -> Floats:
        pi = np.asarray(policy, float)
        if pi.ndim not in (2, 3) or pi.shape[-2:] != (self.n_states, self.n_actions):
            raise ValueError(
                f"policy must have shape ({self.n_states}, {self.n_actions}) or (horizon, {self.n_states}, "
                f"{self.n_actions}), got {pi.shape}"
            )
        bad = np.argwhere(~((pi >= 0).all(-1) & (np.abs(pi.sum(-1) - 1) <= 1e-6)))
        if bad.size:
            row = tuple(int(i) for i in bad[0])
            raise ValueError(f"policy row {row} is {pi[row]}, expected probabilities that sum to 1")
        return pi

    def _horizon(self, horizon: int | None, policy: Floats) -> int:
        known = [h for h in (horizon, self.horizon, len(policy) if policy.ndim == 3 else None) if h is not None]
        if not known:
            raise ValueError("horizon must be given: this process has none of its own")
        if policy.ndim == 3 and len(policy) < known[0]:
            raise ValueError(f"policy covers {len(policy)} steps, the horizon is {known[0]}")
        return _check_horizon(known[0])

    def _joint(self, policy: Floats) -> Floats:
        """Probability of each action and successor from each state, 0 in terminal states, (S, A, K)."""
        return policy[..., None] * self.probabilities * self._alive[:, None, None]

    def _matrix(self, policy: Floats) -> Floats:
        """State-to-state probabilities under a policy; terminal states keep nothing, (S, S)."""
        return np.einsum("sa,saz->sz", policy, self.transition) * self._alive[:, None]

    def _push(self, weights: Floats, mass: Floats) -> Floats:
        flow = (weights * mass[:, None, None]).ravel()
        return np.asarray(np.bincount(self.successors.ravel(), flow, minlength=self.n_states), float)

    def _exact_cvar(self, weights: list[Floats]) -> float:
        """Mean of the worst 5% by dynamic programming over state × return; NaN without a small lattice."""
        values = np.unique(self.rewards[(self.probabilities > 0) & ~self.terminal[:, None, None]])
        unit = _lattice_unit(values)
        if unit is None:
            return float("nan")
        jump = np.rint(self.rewards / unit).astype(np.int64)
        mass, low = self.start[:, None] * self._alive[:, None], 0  # mass[s, z]: alive in s with return (low + z)·unit
        final: dict[int, float] = {}
        work = 0
        for w in weights:
            s, a, k = np.nonzero((w > 0) & np.asarray(mass.any(axis=1))[:, None, None])
            if not len(s):
                break
            arrived, moved, p = self.successors[s, a, k], jump[s, a, k], w[s, a, k]
            shift, width = int(moved.min()), mass.shape[1] + int(np.ptp(moved))
            work += len(s) * mass.shape[1] + self.n_states * width
            if work > _LATTICE_LIMIT:
                return float("nan")
            grown = np.zeros((self.n_states, width))
            column = np.arange(mass.shape[1])
            np.add.at(grown, (arrived[:, None], (moved - shift)[:, None] + column), p[:, None] * mass[s])
            low += shift
            _collect(final, grown[self.terminal].sum(0), low)
            grown[self.terminal] = 0.0
            used = np.flatnonzero(grown.any(0))
            if not used.size:
                mass = np.zeros((self.n_states, 1))
                break
            mass, low = grown[:, used[0] : used[-1] + 1], low + int(used[0])
        _collect(final, mass.sum(0), low)
        points = np.array(sorted(final))
        return _lower_tail_mean(points * unit, np.array([final[z] for z in points]))


def portable_rng(seed: int) -> np.random.Generator:
    """A generator that a web page can have too: the Mersenne Twister MT19937 (Matsumoto & Nishimura 1998).

    Its state is filled from `seed` by the authors' 2002 rule, as in numpy's `RandomState` and C++'s `std::mt19937`,
    and its numbers have 53 bits. `random.js` mirrors it, so that a log sampled on a page can be sampled again here:
    pass it as the seed of `sample_episodes` or `generate_offline_episodes`.

    Args:
        seed: 0…2³² − 1.
    """
    if not (isinstance(seed, (int, np.integer)) and 0 <= seed < 2**32):
        raise ValueError(f"seed is {seed!r}, expected a whole number in 0…{2**32 - 1}")
    bits: Any = np.random.MT19937()
    bits.state = np.random.RandomState(seed).get_state(legacy=False)
    return np.random.Generator(bits)


def _collect(final: dict[int, float], masses: Floats, low: int) -> None:
    for z in np.flatnonzero(masses):
        final[low + int(z)] = final.get(low + int(z), 0.0) + float(masses[z])


def _lattice_unit(values: Floats) -> float | None:
    """Greatest common divisor of the rewards, or None where they are no fractions with small denominators."""
    exact = [Fraction(float(v)).limit_denominator(1000) for v in values]
    if any(abs(float(f) - v) > 1e-12 * abs(v) for f, v in zip(exact, values, strict=True)):
        return None
    scale = math.lcm(*(f.denominator for f in exact))
    return math.gcd(*(int(f * scale) for f in exact)) / scale or 1.0


def _lower_tail_mean(values: Floats, masses: Floats, fraction: float = CVAR_FRACTION) -> float:
    """CVaR at `fraction`: the atom at the quantile is split (Rockafellar & Uryasev 2002)."""
    order = np.argsort(values)
    before = np.concatenate([[0.0], np.cumsum(masses[order])[:-1]])
    taken = np.clip(fraction * masses.sum() - before, 0.0, masses[order])
    return float(taken @ values[order] / taken.sum())


def _greedy(q: Floats) -> Floats:
    """One-hot argmax; actions within rounding of the best count as tied, and the first wins."""
    return np.eye(q.shape[1])[_tied(q).argmax(1)]


def _tied(q: Floats) -> Bools:
    return np.asarray(q >= q.max(1, keepdims=True) - 1e-9 * np.maximum(1.0, np.abs(q).max()))


def _draw(cumulative: Floats, rng: np.random.Generator) -> Ints:
    """One index a row from cumulative probabilities (rows, k)."""
    return (rng.random(len(cumulative))[:, None] * cumulative[:, -1:] >= cumulative).sum(1)


def check_gamma(gamma: float) -> None:
    """A discount factor in [0, 1]."""
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must lie in [0, 1], got {gamma}")


def _check_horizon(horizon: int) -> int:
    if not (isinstance(horizon, (int, np.integer)) and horizon >= 1):
        raise ValueError(f"horizon must be a whole number of at least 1, got {horizon!r}")
    return int(horizon)
