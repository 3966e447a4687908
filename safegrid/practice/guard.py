"""A guard: where the log tried too little, or networks disagree by chance, somebody else decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve

from safegrid.array_types import Bools, ByValue, Floats, Ints, distinct
from safegrid.checks import checked, checked_policy, number_array, refuse_rows
from safegrid.dataset import Episodes, check_states, coverage
from safegrid.mdp import TabularMDP
from safegrid.recipe import Auto, is_auto
from safegrid.scores import PolicyScore
from safegrid.tabular import TIE, greedy

LADDER = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 50.0, 80.0, 130.0, 200.0, 300.0, np.inf)
"""Thresholds among which "auto" chooses."""


@dataclass(frozen=True, eq=False)
class GuardedScore(ByValue):
    """What a guarded policy earns and risks in a world, and how often the guard decides, all exact.

    Attributes:
        score: over the world's horizon, undiscounted; what its rates leave to 1 ended by asking.
        fallback_steps: share of all decisions that the guard took.
        fallback_episodes: share of episodes in which it took at least one.
    """

    score: PolicyScore
    fallback_steps: float
    fallback_episodes: float


@dataclass(frozen=True, eq=False)
class GuardedPolicy(ByValue):
    """A policy whose guard decides where the log cannot vouch for it.

    Attributes:
        policy: (S, A) action probabilities, the guard's part included; where the guard asks, (S + 1, A + 1): asking is
            the last action, and the last state is where it leads. It fits `world(mdp)`.
        kept: (S, A), the part of the policy that the guard lets pass.
        handed: (S,), probability that it decides there itself; each row of `kept` and this sum to 1.
        evidence: tries of a pair from which on it passes.
        ask_cost: what asking costs, in raw reward; None where the guard acts.
    """

    policy: Floats
    kept: Floats
    handed: Floats
    evidence: float
    ask_cost: float | None = None

    def world(self, mdp: TabularMDP) -> TabularMDP:
        """The world in which `policy` is scored: the same one; where the guard asks, one that has asking in it.

        To ask is an action of every state. It pays −`ask_cost` and ends the episode, neither in harm nor at a goal.
        """
        if self.ask_cost is None:
            return mdp
        n, n_actions, width = mdp.successors.shape
        after, sure = np.full((n + 1, n_actions + 1, width), n), np.zeros((n + 1, n_actions + 1, width))
        gain, there = np.full(after.shape, -self.ask_cost), np.ones((n + 1, n_actions + 1), bool)
        sure[..., 0] = 1.0
        inner = np.s_[:n, :n_actions]
        after[inner], sure[inner], gain[inner] = mdp.successors, mdp.probabilities, mdp.rewards
        there[inner] = mdp.action_mask
        return TabularMDP(
            after, sure, gain, np.append(mdp.terminal, True), np.append(mdp.start, 0.0), np.append(mdp.hazard, False),
            np.append(mdp.goal, False), np.vstack([mdp.observations, mdp.observations.max(0) + 1]), mdp.horizon, there,
        )  # fmt: skip

    def score(self, mdp: TabularMDP, horizon: int | None = None) -> GuardedScore:
        """Scores it exactly in a world, be it the log's or one that has changed since.

        Raises:
            ValueError: as `TabularMDP.evaluate`.
        """
        score = self.world(mdp).evaluate(self.policy, horizon)
        steps = int(mdp.horizon if horizon is None else horizon)  # type: ignore[arg-type]
        acts = self.policy if self.ask_cost is None else self.kept
        decided, decisions = _decisions(mdp, acts, self.handed, steps)
        first, _ = _decisions(mdp, self.kept, self.handed, steps)  # what the guard once took is followed no further
        return GuardedScore(score, decided / decisions, min(1.0, first))


def guarded_policy(
    policy: ArrayLike,
    log: Episodes,
    mdp: TabularMDP | ArrayLike | None = None,
    *,
    evidence: float | Auto = "auto",
    noise: float = 0.0,
    fallback: Literal["clone", "ask"] | int | ArrayLike = "clone",
    ask_cost: float | None = None,
    caution: float = 0.0,
    gamma: float = 0.99,
) -> GuardedPolicy:
    r"""Lets a policy act where the log vouches for it, and somebody else everywhere else.

    The guard decides where the action was tried fewer than `evidence` times in its state, as baseline bootstrapping
    does (Laroche et al. 2019), but of a policy that is there already; and where several networks' gap between the best
    and the second-best action is below `noise` times its standard deviation over the networks.

    By default the log chooses the threshold: the one of `LADDER` whose policy is worth most in the log's model, in
    which a pair that was never tried ends worst; of equals, the one that interferes least. With `caution` c, a pair
    that was tried n times ends worst in c/(n + c) of the cases, too.

    With the clone behind it, a guard rescues a network that is lost, and costs where the driver's habit is dangerous:
    on this book's maps it does more harm than good (`benchmarks/guard.py`).

    Args:
        policy: (S, A) action probabilities; or (K, S, A) Q values of networks that differ by their seed, such as
            `sweep.q_values[weight, log]`, which act by the largest mean.
        log: what the threshold counts in.
        mdp: its world, of which only states and actions are used; or observations (S, d), a row of the policy each; by
            default the log's distinct observations.
        evidence: tries of a pair from which on it passes: at 0 all do, at infinity none; "auto" as above.
        noise: z ≥ 0, standard deviations that a gap needs; above 0 for Q values of several networks alone.
        fallback: who decides instead: "clone", the log's most frequent action, all alike where the log is silent; the
            number of an action; the probabilities (S, A) of an operator; or "ask", which ends the episode.
        ask_cost: what asking costs, in raw reward; with "ask", and with nothing else.
        caution: c ≥ 0, of "auto".
        gamma: discount factor of "auto", in [0, 1).

    Raises:
        ValueError: names the argument, its value and what was expected, or the row of the log.
    """
    states, n_states = _rows(log, mdp)
    shape, there = (n_states, log.n_actions), mdp.action_mask if isinstance(mdp, TabularMDP) else np.True_
    pi, unsure = _checked(policy, shape, checked("noise", noise, 0.0))
    pair = states * log.n_actions + log.actions
    counts = np.bincount(pair, minlength=n_states * log.n_actions).reshape(shape)
    instead = _fallback(fallback, greedy(np.where(there, counts, -np.inf)), there)
    if (instead is None) != (ask_cost is not None):
        wanted = "a number with fallback='ask'" if instead is None else "None without fallback='ask'"
        raise ValueError(f"ask_cost is {ask_cost!r}, expected {wanted}")
    price = None if ask_cost is None else checked("ask_cost", ask_cost)

    def guarded(threshold: float) -> GuardedPolicy:
        passes = (counts >= threshold) & ~unsure[:, None]
        kept, handed = np.where(passes, pi, 0.0), np.where(passes, 0.0, pi).sum(1)
        if instead is not None:
            return GuardedPolicy(kept + handed[:, None] * instead, kept, handed, threshold)
        asking = np.block([[kept, handed[:, None]], [np.zeros((1, shape[1])), np.ones((1, 1))]])
        return GuardedPolicy(asking, kept, handed, threshold, price)

    if not is_auto(evidence):
        return guarded(np.inf if evidence == np.inf else checked("evidence", evidence, 0.0))  # type: ignore[arg-type]
    checked("caution", caution, 0.0)
    checked("gamma", gamma, 0.0, np.nextafter(1.0, 0.0))
    worth = _careful_worth(log, states, mdp, counts, caution, gamma)
    candidates = [guarded(threshold) for threshold in LADDER]
    worths = [worth(candidate) for candidate in candidates]
    return candidates[next(i for i, value in enumerate(worths) if value >= max(worths) - TIE)]


def _rows(log: Episodes, mdp: TabularMDP | ArrayLike | None) -> tuple[Ints, int]:
    """The policy's row in which each step of the log was taken, (N,), and how many rows there are."""
    if isinstance(mdp, TabularMDP):
        coverage(log, mdp)  # which holds the log against the world
        return log.states, mdp.n_states
    if mdp is None:
        rows, states = distinct(log.observations)
        return states, len(rows)
    rows = _observations(log, mdp)
    states = _places(rows, log.observations)
    refuse_rows(states < 0, "observations", log.observations, "one of the rows in mdp")
    return states, len(rows)


def _observations(log: Episodes, mdp: ArrayLike | None) -> Floats:
    if mdp is None:
        return distinct(log.observations)[0]
    rows = number_array("mdp", mdp, 2).astype(np.float32)
    if rows.shape[1] != log.observations.shape[1]:
        raise ValueError(f"mdp has observations of length {rows.shape[1]}, expected {log.observations.shape[1]}")
    return rows


def _places(rows: Floats, seen: Floats) -> Ints:
    """Which row each observation is, (N,), the first of equals; −1 for none."""
    everything, codes = distinct(np.concatenate([rows, seen]))
    place = np.full(len(everything), -1)
    place[codes[: len(rows)][::-1]] = np.arange(len(rows))[::-1]
    return place[codes[len(rows) :]]


def _checked(policy: ArrayLike, shape: tuple[int, int], noise: float) -> tuple[Floats, Bools]:
    """The policy's probabilities, (S, A), and where its networks are not sure of it, (S,)."""
    table = np.asarray(policy, float)
    if table.ndim not in (2, 3) or table.shape[-2:] != shape or not len(table):
        raise ValueError(f"policy has shape {table.shape}, expected {shape}, or Q values (K, {shape[0]}, {shape[1]})")
    if table.ndim == 2:
        if noise > 0:
            raise ValueError(f"noise is {noise:g}, expected 0 with a policy: only networks' Q values have a spread")
        return checked_policy("policy", table), np.zeros(len(table), bool)
    if (bad := ~(table < np.inf)).any():
        network, state, action = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"policy[{network}, {state}, {action}] is {table[network, state, action]}, expected a claim")
    if (table >= 0).all() and (np.abs(table.sum(-1) - 1) <= 1e-6).all():
        raise ValueError(f"policy has shape {table.shape} and holds probabilities, expected Q values, or one policy")
    if noise > 0 and len(table) < 2:
        raise ValueError(f"noise is {noise:g}, expected 0 with one network: its gaps have no spread")
    average = table.mean(0)
    best = average.argmax(1)
    unsure = np.zeros(len(best), bool)
    if noise > 0 and shape[1] > 1:
        own, second = np.arange(len(best)), np.argsort(-average, 1, kind="stable")[:, 1]
        with np.errstate(invalid="ignore"):  # a gap to an action that does not exist is endless, and beyond doubt
            gaps = table[:, own, best] - table[:, own, second]
            unsure = gaps.mean(0) < noise * gaps.std(0, ddof=1)
    return np.eye(shape[1])[best], unsure


def _fallback(fallback: Any, clone: Floats, there: Any) -> Floats | None:
    """Who decides where the guard does, (S, A); None where it asks."""
    if isinstance(fallback, str):
        if fallback not in ("clone", "ask"):
            raise ValueError(f"fallback is {fallback!r}, expected 'clone', 'ask', an action or a policy")
        return clone if fallback == "clone" else None
    if np.ndim(fallback) == 0:
        actions = range(clone.shape[1])
        if isinstance(fallback, (bool, np.bool_)) or fallback not in actions:
            raise ValueError(f"fallback is {fallback!r}, expected 'clone', 'ask', a policy or an action in {actions}")
        table: Floats = np.zeros_like(clone)
        table[:, int(fallback)] = 1.0
    else:
        table = np.asarray(fallback, float)
        if table.shape != clone.shape:
            raise ValueError(f"fallback has shape {table.shape}, expected {clone.shape} as policy")
        table = checked_policy("fallback", table)
    if (odd := (table > 0) & ~there).any():
        state, action = (int(i) for i in np.argwhere(odd)[0])
        raise ValueError(f"fallback takes action {action} in state {state}, which has no such action")
    return table


def _careful_worth(
    log: Episodes, states: Ints, mdp: TabularMDP | ArrayLike | None, counts: Ints, caution: float, gamma: float
) -> Callable[[GuardedPolicy], float]:
    """What a guarded policy is worth at the log's starts if each pair ended worst `caution` times more than it did.

    What was never tried does, and so does what lies behind an observation that has no row.
    """
    n_states, n_actions = counts.shape
    on = ~log.terminals
    if isinstance(mdp, TabularMDP):
        check_states(log, mdp, following=on)
        after = log.next_states
    else:
        after = _places(_observations(log, mdp), log.next_observations)
    steady = log.rewards[on].min(initial=np.inf) / (1 - gamma)
    worst = float(min(steady, log.rewards[log.terminals].min(initial=np.inf)))
    pair, lost, known = states * n_actions + log.actions, on & (after < 0), on & (after >= 0)
    more = np.where(counts.ravel() > 0, caution, max(caution, 1.0))  # what was never tried ends worst for certain
    share = 1.0 / (counts.ravel() + more)
    total = np.bincount(pair, log.rewards + gamma * worst * lost, counts.size)
    gain = share * (total + more * worst)
    follow = csr_array((gamma * share[pair[known]], (pair[known], after[known])), (counts.size, n_states))
    first = np.flatnonzero(np.diff(log.episode, prepend=-1))
    start = np.bincount(states[first], minlength=n_states) / log.n_episodes

    def worth(guarded: GuardedPolicy) -> float:
        cost = guarded.ask_cost
        acts = guarded.policy if cost is None else guarded.kept
        choose = csr_array((acts.ravel(), np.arange(acts.size), np.arange(n_states + 1) * n_actions))
        paid = choose @ gain - guarded.handed * (cost or 0.0)
        values = spsolve(csr_array(eye_array(n_states)) - choose @ follow, paid)
        return float(start @ values)

    return worth


def _decisions(mdp: TabularMDP, acts: Floats, handed: Floats, steps: int) -> tuple[float, float]:
    """How often on average an episode comes to a decision that is handed over, and to any decision.

    It goes on by `acts` (S, A), whose rows may sum to less than 1: the rest is followed no further.
    """
    live, (n, n_actions, width) = ~mdp.terminal, mdp.successors.shape
    weights = np.where(live[:, None], acts, 0.0)[..., None] * mdp.probabilities
    origin = np.repeat(np.arange(n), n_actions * width)
    onward = csr_array((weights.ravel(), (mdp.successors.ravel(), origin)), (n, n))
    mass, decided, decisions = mdp.start, 0.0, 0.0
    for _ in range(steps):
        mass = np.where(live, mass, 0.0)
        decided += float(mass @ handed)
        decisions += float(mass.sum())
        mass = onward @ mass
    return decided, decisions
