"""What an episode earns and risks: scores, exact or sampled, and the episodes they are sampled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from .array_types import Bools, ByValue, Floats, Ints

CVAR_FRACTION = 0.05


@dataclass(frozen=True, eq=False)
class PolicyScore(ByValue):
    """What a policy earns and risks over one episode, undiscounted.

    The fields are the same whether the score is exact (`TabularMDP.evaluate`) or sampled (`Rollouts.score`); only a
    sampled score has `n_episodes` and `intervals`.

    Attributes:
        return_mean: expected sum of rewards.
        return_std: standard deviation of that sum over episodes.
        hazard_rate, goal_rate, timeout_rate: probability of ending on a hazard, on a goal, or alive at the horizon.
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


WORST = {"return_mean": -np.inf, "return_cvar": -np.inf, "hazard_rate": 1.0, "goal_rate": 0.0, "timeout_rate": 0.0}
"""What counts for a run whose network diverged; its own scores are NaN, as are those that have no worst."""


def as_counted(name: str, scores: Floats, diverged: Bools) -> Floats:
    """A score of many runs by its name, with the worst possible where the network diverged; both (L, K)."""
    if name == "overestimate" and np.isfinite(scores).any():  # of agents that claim values
        return np.where(diverged, np.inf, scores)
    return np.where(diverged, WORST.get(name, np.nan), scores)


@dataclass(frozen=True, eq=False)
class Rollouts(ByValue):
    """Sampled episodes, one row a step, episode after episode.

    Attributes:
        states, actions, next_states: (N,) int64.
        rewards: (N,) float64.
        terminals, timeouts: (N,) bool, the world, or the horizon, ended the episode here; one of them in its last row.
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

        returns, last = self.returns, self.terminals | self.timeouts
        n = len(returns)

        def mean(x: Floats) -> tuple[float, tuple[float, float]]:
            half = t.ppf(0.975, n - 1) * x.std(ddof=1) / np.sqrt(n) if n > 1 else np.inf
            return float(x.mean()), (float(x.mean() - half), float(x.mean() + half))

        def rate(ends: Floats | Bools) -> tuple[float, tuple[float, float]]:
            found = binomtest(int(ends.sum()), n)
            low, high = found.proportion_ci(method="wilson")
            return float(found.statistic), (float(low), float(high))

        known = {
            "return_mean": mean(returns),
            "hazard_rate": rate(self.costs[last]),
            "goal_rate": rate(self.goals[last]),
            "timeout_rate": rate(self.timeouts),
            "length_mean": mean(np.bincount(self.episode).astype(float)),
        }
        return PolicyScore(
            **{name: estimate for name, (estimate, _) in known.items()},
            return_std=float(returns.std()),
            return_cvar=lower_tail_mean(returns, np.full(n, 1.0 / n)),
            n_episodes=n,
            intervals={name: bounds for name, (_, bounds) in known.items()},
        )


def lower_tail_mean(values: Floats, masses: Floats, fraction: float = CVAR_FRACTION) -> float:
    """CVaR at `fraction`: the atom at the quantile is split (Rockafellar & Uryasev 2002)."""
    order = np.argsort(values)
    before = np.concatenate([[0.0], np.cumsum(masses[order])[:-1]])
    taken = np.clip(fraction * masses.sum() - before, 0.0, masses[order])
    return float(taken @ values[order] / taken.sum())
