"""The truth: a finite Markov decision process whose every value can be computed, not estimated.

It knows no grid and no network. Everything the book measures is compared with what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .array_types import Array, Bools, Floats, Ints, ReadOnly, frozen
from .checks import check_gamma, check_horizon, checked_generator, checked_policy, refuse_changed
from .scores import PolicyScore, Rollouts, lower_tail_mean

if TYPE_CHECKING:
    from .engine.chain import Chain
    from .engine.pairs import Pairs


@dataclass(frozen=True, eq=False)
class TabularMDP(ReadOnly):
    """A finite Markov decision process with terminal states, hazards and goals.

    Transitions are kept sparse: each (state, action) pair lists up to K successors. `from_dense` takes the usual
    (S, A, S) table instead. An episode ends on entering a terminal state, or after `horizon` steps.

    Args:
        successors: (S, A, K) int, states that may follow; repeated entries add up.
        probabilities: (S, A, K), each pair's row sums to 1; pad with 0. Rows of terminal states, and of actions that do
            not exist, need not, and no score reads them.
        rewards: (S, A, K), received on that transition, in raw reward; or (S,) by the state acted in, (S, A) by the
            pair, (S, S) by the state and the one that follows. Where A = S the last two look alike and are refused;
            then (S, A, 1) means by the pair.
        terminal: (S,) bool, states that end the episode.
        start: (S,) probabilities of the first state, none of them terminal.
        hazard: (S,) bool, terminal states that count as harm; none by default.
        goal: (S,) bool, terminal states that count as success; none by default.
        observations: (S, d) float32, what an agent sees in each state; by default its index, (S, 1).
        horizon: steps after which an episode is cut (time-out), or None.
        action_mask: (S, A) bool, actions that exist in each state; all by default, and in terminal states always.

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
    action_mask: Bools = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if np.ndim(self.successors) != 3:
            raise ValueError(f"successors must have shape (S, A, K), got {np.shape(self.successors)}")
        n_states = len(self.successors)
        none = np.zeros(n_states, bool)
        index = np.arange(n_states, dtype=np.float32)[:, None]
        triples = np.shape(self.successors)
        every = np.ones(triples[:2], bool)
        wanted: dict[str, tuple[ArrayLike, type, tuple[int, ...]]] = {
            "successors": (self.successors, np.int64, triples),
            "probabilities": (self.probabilities, np.float64, triples),
            "terminal": (self.terminal, np.bool_, (n_states,)),
            "start": (self.start, np.float64, (n_states,)),
            "hazard": (none if self.hazard is None else self.hazard, np.bool_, (n_states,)),
            "goal": (none if self.goal is None else self.goal, np.bool_, (n_states,)),
            "observations": (index if self.observations is None else self.observations, np.float32, (n_states, -1)),
            "action_mask": (every if self.action_mask is None else self.action_mask, np.bool_, triples[:2]),
        }
        for name, (value, dtype, shape) in wanted.items():
            with np.errstate(invalid="ignore"):
                array: Array = np.array(value).astype(dtype)
            if dtype in (np.int64, np.bool_) and (changed := np.asarray(value) != array).any():
                row = tuple(int(i) for i in np.argwhere(changed)[0])
                wanted_kind = "truth value" if dtype is np.bool_ else "whole number"
                raise ValueError(f"{name}{list(row)} is {np.asarray(value)[row]}, expected a {wanted_kind}")
            if array.ndim != len(shape) or any(w not in (-1, g) for w, g in zip(shape, array.shape, strict=True)):
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if dtype is np.float32:
                refuse_changed(name, np.asarray(value), array)
            self._keep(name, array)
        self._keep("action_mask", self.action_mask | self.terminal[:, None])
        self._check_table()
        self._keep("rewards", _of_transitions(self.rewards, self.successors))
        self._check_values()

    def _keep(self, name: str, array: Array) -> None:
        object.__setattr__(self, name, frozen(array))

    def _refuse(self, bad: Bools, name: str, expected: str) -> None:
        if bad.any():
            row = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"{name}{list(row)} is {getattr(self, name)[row]}, expected {expected}")

    def _check_table(self) -> None:
        outside = (self.successors < 0) | (self.successors >= self.n_states)
        self._refuse(outside, "successors", f"a state below {self.n_states}")
        self._refuse(~(self.probabilities >= 0), "probabilities", "a probability")
        total = self.probabilities.sum(-1)
        if (rows := np.argwhere(self.possible & ~(np.abs(total - 1) <= 1e-9))).size:
            s, a = rows[0]
            raise ValueError(f"probabilities of state {s}, action {a} sum to {total[s, a]}, expected 1")
        if (bad := ~self.action_mask.any(1)).any():
            raise ValueError(f"action_mask[{int(np.argmax(bad))}] is all False, expected an action that exists")

    def _check_values(self) -> None:
        self._refuse(~np.isfinite(self.rewards), "rewards", "a finite number")
        self._refuse(~np.isfinite(self.observations), "observations", "a finite number")
        self._refuse(~(self.start >= 0), "start", "a probability")
        self._refuse((self.start > 0) & self.terminal, "start", "0 in a terminal state")
        if not abs(self.start.sum() - 1) <= 1e-9:
            raise ValueError(f"start sums to {self.start.sum()}, expected 1")
        self._refuse(self.hazard & ~self.terminal, "hazard", "terminal states only")
        self._refuse(self.goal & (~self.terminal | self.hazard), "goal", "terminal states that are no hazard")
        if self.horizon is not None:
            check_horizon(self.horizon)

    @classmethod
    def from_dense(cls, transition: ArrayLike, rewards: ArrayLike, **rest: Any) -> TabularMDP:
        """Builds the process from the usual dense table.

        Args:
            transition: (S, A, S) probabilities.
            rewards: (S, A, S); or (S,), (S, A) or (S, S), as `TabularMDP`'s.
            rest: the other arguments of `TabularMDP`.
        """
        table = np.asarray(transition, float)
        if table.ndim != 3 or table.shape[0] != table.shape[2]:
            raise ValueError(f"transition must have shape (S, A, S), got {table.shape}")
        width = max(1, int((table != 0).sum(-1).max()))
        successors = np.argsort(table == 0, axis=-1, kind="stable")[..., :width]
        if np.shape(rewards) == table.shape:
            rewards = np.take_along_axis(np.asarray(rewards, float), successors, -1)
        return cls(successors, np.take_along_axis(table, successors, -1), rewards, **rest)  # type: ignore[arg-type]

    @classmethod
    def from_gymnasium(
        cls, env: Any, *, horizon: int | None = None, hazard: ArrayLike = (), goal: ArrayLike | None = None,
        observations: ArrayLike | None = None, start: ArrayLike | None = None,
    ) -> TabularMDP:  # fmt: skip
        """The world of a Gymnasium environment that has a table `P`, such as FrozenLake, CliffWalking or Taxi.

        A state has its number in `P`. One that episodes enter `terminated` is terminal; where others, from this start,
        go on from it, it is two: itself, and after all states of `P` one in which they end. Harm that ends no episode,
        such as a fall in CliffWalking, is in the rewards alone.

        Args:
            env: in no wrapper that changes it but `TimeLimit`.
            horizon: by default the `TimeLimit`'s, or None where there is no such wrapper.
            hazard: numbers of the terminal states that count as harm, such as FrozenLake's holes; none by default.
            goal: those that count as success; by default all that are no hazard.
            observations: (S, d) what an agent sees in each state; by default its number, (S, 1).
            start: (S,) probabilities of the first state; by default `initial_state_distrib`'s.

        Raises:
            ValueError: there is no table, or an entry of it, a state or the start does not fit; names them.
        """
        from .engine.toytext import read_world

        return cls(**read_world(env, horizon, hazard, goal, observations, start))

    @property
    def n_states(self) -> int:
        """Number of states, S."""
        return len(self.successors)

    @property
    def n_actions(self) -> int:
        """Number of actions, A."""
        return self.successors.shape[1]

    @cached_property
    def possible(self) -> Bools:
        """Pairs that exist, in states where the episode goes on, (S, A)."""
        return frozen(self.action_mask & ~self.terminal[:, None])

    @cached_property
    def transition(self) -> Floats:
        """The dense table, (S, A, S)."""
        dense = np.zeros((self.n_states, self.n_actions, self.n_states))
        s, a = np.ogrid[: self.n_states, : self.n_actions]
        np.add.at(dense, (s[..., None], a[..., None], self.successors), self.probabilities)
        return frozen(dense)

    @cached_property
    def expected_rewards(self) -> Floats:
        """Expected reward of each pair, (S, A)."""
        return frozen((self.probabilities * self.rewards).sum(-1))

    @cached_property
    def _pairs(self) -> Pairs:
        from .engine.pairs import GOAL, HAZARD, NEITHER, Pairs  # here, so that importing the world stays quick

        kinds = np.select([self.hazard, self.goal], [HAZARD, GOAL], NEITHER)
        return Pairs(self.successors, self.probabilities, self.rewards, self.possible, self.terminal, kinds)

    def backup(self, values: ArrayLike, gamma: float) -> Floats:
        """Bellman's one-step look-ahead Q(s, a) = E[r + γ V(s')] with V = 0 in terminal states, (S, A).

        Q is 0 in terminal states, and −∞ for actions that do not exist.
        """
        future = self._pairs.onward @ np.asarray(values, float)
        q = (self._pairs.gain + gamma * future).reshape(self.action_mask.shape)
        return np.where(self.action_mask, q, -np.inf)

    def optimal(self, gamma: float, horizon: int | None = None) -> Floats:
        """An optimal deterministic policy, one-hot; ties go to the lowest action.

        Args:
            gamma: discount factor in [0, 1].
            horizon: None for the stationary policy of the infinite horizon, (S, A), by modified policy iteration
                (Puterman & Shin 1978), or at γ = 1 by value iteration (Bellman 1957); a number of steps for the
                time-dependent policy (backward induction), (horizon, S, A).

        Raises:
            ValueError: `gamma` is outside [0, 1], or values do not converge because an episode need never end.
        """
        from .engine.values import solve, sweep

        check_gamma(gamma)
        values: Floats = np.zeros(self.n_states)
        if horizon is not None:
            policy = np.zeros((check_horizon(horizon), self.n_states, self.n_actions))
            for t in reversed(range(horizon)):
                q = self.backup(values, gamma)
                policy[t], values = _greedy(q, 1e-9), q.max(1)
            return policy
        if gamma == 1:
            return self._undiscounted()
        before, solved, own = np.zeros(0, int), False, np.arange(self.n_states)
        rounding = max(4e-15, 1e-9 * min(1.0, 100 * (1 - gamma)))  # a tie's loss may be taken for ever
        for turn in range(1_000):
            q = self.backup(values, gamma)
            choice = q.argmax(1)
            if len(before):  # who ties with the best stays, or rounding would change places for ever
                choice = np.where(_tied(q, rounding)[own, before], before, choice)
            same = np.array_equal(choice, before)
            if same and solved:
                return _greedy(q, rounding)
            chain = self._chain(np.eye(self.n_actions)[choice])
            solved = same or turn > 100  # near γ = 1 sweeps may creep on for ever
            values = solve(chain, gamma) if solved else sweep(chain, q.max(1), gamma, 20)
            before = choice
        raise ValueError(f"gamma={gamma}: values lie below rounding and do not settle; pass a smaller one")

    def _undiscounted(self) -> Floats:
        """The optimal policy at γ = 1, by value iteration; it ends wherever that costs nothing."""
        values: Floats = np.zeros(self.n_states)
        for _ in range(1_000_000):
            q = self.backup(values, 1.0)
            change, values = np.abs(q.max(1) - values).max(), q.max(1)
            if change <= 1e-12 * np.abs(values).max():
                return self._ending(q)
        raise ValueError("gamma=1: values do not converge, some episode need never end; pass a horizon")

    def _ending(self, q: Floats) -> Floats:
        """Greedy, with ties broken towards an end: undiscounted, waiting ties with going and would be for ever."""
        tied = _tied(q, 1e-9)  # as far as value iteration may be off
        policy, leads = np.eye(self.n_actions)[tied.argmax(1)], self.terminal.copy()
        while True:
            onward = tied & ((self.probabilities > 0) & leads[self.successors]).any(-1)
            new = onward.any(1) & ~leads
            if not new.any():
                return policy
            policy[new], leads = np.eye(self.n_actions)[onward[new].argmax(1)], leads | new

    def values(self, policy: ArrayLike, gamma: float) -> tuple[Floats, Floats]:
        """Discounted value of a stationary policy over the infinite horizon, by one linear solve.

        Args:
            policy: (S, A) action probabilities; rows of terminal states are not read.
            gamma: discount factor in [0, 1].

        Returns:
            V (S,) and Q (S, A), in discounted raw reward, 0 in terminal states; Q of actions that do not exist is −∞.

        Raises:
            ValueError: the policy is no (S, A) table of probabilities, or `gamma` is 1 and it need never end.
        """
        from .engine.values import solve

        check_gamma(gamma)
        pi = self._check_policy(policy)
        if pi.ndim == 3:
            raise ValueError(f"policy must have shape (S, A) to have values, got {pi.shape}; use evaluate")
        v = solve(self._chain(pi), gamma)
        return v, self.backup(v, gamma)

    def evaluate(self, policy: ArrayLike, horizon: int | None = None) -> PolicyScore:
        """The exact score of a policy over episodes of at most `horizon` steps: no sampling, no error bar.

        Where there are too many different returns to tell apart, CVaR is NaN, and a spread below 1e-7 of the returns is
        lost in rounding.

        Args:
            policy: (S, A) action probabilities, or (horizon, S, A) where they depend on the time; rows of terminal
                states are not read.
            horizon: number of steps, by default the process's own.

        Raises:
            ValueError: the policy is no table of probabilities, or no horizon is known.
        """
        from .engine.pairs import GOAL, HAZARD, TIMEOUT
        from .engine.returns import outcomes

        found = outcomes(self.start, self._chains(policy, horizon))
        hazard, goal, timeout = (float(found.masses[found.kinds == kind].sum()) for kind in (HAZARD, GOAL, TIMEOUT))
        told = not np.isnan(found.returns).any()
        return PolicyScore(
            return_mean=found.mean,
            return_std=float(np.sqrt(found.variance)),
            hazard_rate=hazard,
            goal_rate=goal,
            timeout_rate=timeout,
            length_mean=found.length,
            return_cvar=lower_tail_mean(found.returns, found.masses) if told else float("nan"),
        )

    def occupancy(self, policy: ArrayLike, horizon: int | None = None) -> Floats:
        """Probability that an episode visits each state at least once within the horizon, (S,)."""
        from .engine.visits import visits

        return visits(self.start, self._chains(policy, horizon))

    def expected_visits(self, policy: ArrayLike, horizon: int | None = None) -> Floats:
        """How often an episode is in each state within the horizon, on average, (S,)."""
        from .engine.visits import expected_visits

        return expected_visits(self.start, self._chains(policy, horizon))

    def rollouts(
        self,
        policy: ArrayLike,
        n: int,
        seed: int | np.random.Generator,
        horizon: int | None = None,
        *,
        own_dice: bool = False,
    ) -> Rollouts:
        """Samples `n` episodes in lock-step: every step advances all episodes that are still alive.

        Args:
            policy: (S, A) or (horizon, S, A) action probabilities.
            n: number of episodes, at least 1.
            seed: seed or generator; the same seed gives the same episodes.
            horizon: number of steps, by default the process's own.
            own_dice: each episode has its own 2·horizon + 1 random numbers, all drawn beforehand. Then two worlds or
                two policies can be compared episode by episode (common random numbers; Glasserman & Yao 1992): one that
                meets no difference is the same in both, and what differs is no new luck. Otherwise all that are alive
                share one stream, and where one ends sooner the others' luck is new.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        rng = checked_generator("seed", seed)
        pi = self._check_policy(policy)
        steps = self._horizon(horizon, pi)
        choose = np.cumsum(pi, -1)
        branch = np.cumsum(self.probabilities, -1).reshape(-1, self.successors.shape[2])
        follow, gain = self.successors.reshape(branch.shape), self.rewards.reshape(branch.shape)

        walker, dice = np.arange(n), rng.random((n, 2 * steps + 1)) if own_dice else None

        def thrown(place: int) -> Floats:
            return rng.random(len(walker)) if dice is None else dice[walker, place]

        begin = np.cumsum(self.start)
        state = np.searchsorted(begin, thrown(0) * begin[-1], side="right")
        columns: list[tuple[NDArray[np.generic], ...]] = []
        for t in range(steps):
            action = _draw((choose[t] if pi.ndim == 3 else choose)[state], thrown(2 * t + 1))
            pair = state * self.n_actions + action
            k = _draw(branch[pair], thrown(2 * t + 2))
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
        shape = np.shape(policy)
        if len(shape) not in (2, 3) or shape[-2:] != (self.n_states, self.n_actions):
            raise ValueError(
                f"policy must have shape ({self.n_states}, {self.n_actions}) or (horizon, {self.n_states}, "
                f"{self.n_actions}), got {shape}"
            )
        pi = checked_policy("policy", policy, ~self.terminal)
        if not self.action_mask.all() and (bad := (pi > 0) & ~self.action_mask).any():
            *row, action = (int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"policy row {tuple(row)} takes action {action}, which action_mask says does not exist")
        return pi

    def _horizon(self, horizon: int | None, policy: Floats) -> int:
        known = [h for h in (horizon, self.horizon, len(policy) if policy.ndim == 3 else None) if h is not None]
        if not known:
            raise ValueError("horizon is None, expected a number of steps, or a process that has one of its own")
        if policy.ndim == 3 and len(policy) < known[0]:
            raise ValueError(f"policy covers {len(policy)} steps, the horizon is {known[0]}")
        return check_horizon(known[0])

    def _chain(self, policy: Floats) -> Chain:
        from .engine.chain import Chain

        return Chain(self._pairs, np.where(self.terminal[:, None], 0.0, policy))

    def _chains(self, policy: ArrayLike, horizon: int | None) -> list[Chain]:
        """The chain of each step within the horizon."""
        pi = self._check_policy(policy)
        steps = self._horizon(horizon, pi)
        return [self._chain(p) for p in pi[:steps]] if pi.ndim == 3 else [self._chain(pi)] * steps


def _of_transitions(rewards: ArrayLike, successors: Ints) -> Floats:
    """Rewards by state, by pair or by state and follower as rewards of each transition, (S, A, K)."""
    array = np.array(rewards, float)
    n_states, n_actions, _ = successors.shape
    if array.shape == successors.shape:
        return array
    if array.shape == (n_states, n_actions) == (n_states, n_states):
        raise ValueError(
            f"rewards of shape {array.shape} may be by pair or by state and follower: there are as many actions as "
            f"states; expected shape ({n_states}, {n_actions}, 1) or {successors.shape}"
        )
    if array.shape == (n_states, n_states):
        return array[np.arange(n_states)[:, None, None], successors]
    if array.shape in ((n_states,), (n_states, n_actions), (n_states, n_actions, 1)):
        return np.broadcast_to(array.reshape(n_states, -1, 1), successors.shape).copy()
    raise ValueError(
        f"rewards must have shape {successors.shape}, ({n_states},), ({n_states}, {n_actions}) or "
        f"({n_states}, {n_states}), got {array.shape}"
    )


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


def _greedy(q: Floats, rounding: float) -> Floats:
    """One-hot argmax; actions within rounding of the best count as tied, and the first wins."""
    return np.eye(q.shape[1])[_tied(q, rounding).argmax(1)]


def _tied(q: Floats, rounding: float) -> Bools:
    size = max(1.0, np.abs(q[np.isfinite(q)]).max())
    return np.asarray(q >= q.max(1, keepdims=True) - rounding * size)


def _draw(cumulative: Floats, dice: Floats) -> Ints:
    """One index a row from cumulative probabilities (rows, k) and numbers of [0, 1) (rows,)."""
    return (dice[:, None] * cumulative[:, -1:] >= cumulative).sum(1)
