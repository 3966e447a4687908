"""How good, how risky, and how sure: exact and sampled scores, and comparisons over many logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, trim_mean
from tabulate import tabulate

from .agents import DEFAULT_STEPS, Agent, fit, policy_table, progress_bar, q_table
from .dataset import Episodes, build_mdpdataset
from .mdp import Floats, PolicyScore, TabularMDP


@dataclass(frozen=True)
class AgentScore:
    """One agent in one world: what it does, what a test drive would show, and what it believes.

    Attributes:
        exact: the truth over the world's horizon, undiscounted.
        sampled: the same from sampled episodes, with intervals; None where none were asked for.
        claimed_value: the agent's own V̂(s₀) = max Q̂(s₀, ·), discounted, in raw reward; NaN where it claims none.
        true_value: V^π(s₀) of its policy, exact, discounted the same way.
    """

    exact: PolicyScore
    sampled: PolicyScore | None
    claimed_value: float
    true_value: float

    @property
    def overestimate(self) -> float:
        """Claimed minus true value of the start, in discounted raw reward."""
        return self.claimed_value - self.true_value

    def __str__(self) -> str:
        drive, bounds = self.sampled, (self.sampled.intervals or {}) if self.sampled else {}
        rows = [[name, f"{value:.4f}"] for name, value in self.exact.as_dict().items()]
        for row in rows if drive else []:
            low, high = bounds.get(row[0], (np.nan, np.nan))
            row += [f"{getattr(drive, row[0]):.4f}", "" if np.isnan(low) else f"{low:.4f} to {high:.4f}"]
        rows += [["true value of the start", f"{self.true_value:.4f}"]]
        rows += [] if np.isnan(self.claimed_value) else [["claimed value of the start", f"{self.claimed_value:.4f}"]]
        return str(tabulate(rows, ("", "exact", "sampled", "95% interval")[: 4 if drive else 2], disable_numparse=True))


def score_agent(
    agent: Agent, mdp: TabularMDP, *, stochastic: bool = False, n_episodes: int = 0, seed: int = 0
) -> AgentScore:
    """Scores a trained agent exactly and, with `n_episodes` above 0, by sampled episodes as well.

    Args:
        agent: a trained agent.
        mdp: a world with a horizon.
        stochastic: act by the clone's probabilities (behaviour cloning only).
        n_episodes: sampled episodes; 0 for none.
        seed: of those episodes.
    """
    policy = policy_table(agent, mdp, stochastic)
    claims = hasattr(agent.impl.modules, "q_funcs")
    claimed = float(mdp.start @ q_table(agent, mdp).max(1)) if claims else float("nan")
    return AgentScore(
        exact=mdp.evaluate(policy),
        sampled=mdp.rollouts(policy, n_episodes, seed).score() if n_episodes else None,
        claimed_value=claimed,
        true_value=float(mdp.start @ mdp.values(policy, agent.gamma if claims else 0.99)[0]),
    )


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95% interval (NaN bounds where one run leaves nothing to resample)."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.1f} [{self.low:.1f}, {self.high:.1f}]"


_RESAMPLES = 4_000


def _interquartile_mean(x: Floats, axis: int) -> Floats:
    return np.asarray(trim_mean(x, 0.25, axis=axis))


def interquartile_mean(strata: Floats | Sequence[ArrayLike], *, seed: int = 0) -> Interval:
    """Mean of the middle half of all runs, with a 95% stratified-bootstrap interval (Agarwal et al. 2021).

    Args:
        strata: (L, K) scores of L logs and K network seeds; or a sequence of such arrays, one a world. Whole logs are
            drawn again, each world's among its own: most of the spread is between logs.
        seed: of the bootstrap.
    """
    return _bootstrap(strata, _interquartile_mean, seed)


def mean(strata: Floats | Sequence[ArrayLike], *, seed: int = 0) -> Interval:
    """Plain mean with the same interval as `interquartile_mean`: for rates, whose rare large values must count."""
    return _bootstrap(strata, np.mean, seed)


def performance_profile(
    strata: Floats | Sequence[ArrayLike], thresholds: ArrayLike, *, seed: int = 0
) -> list[Interval]:
    """Share of runs that score above each threshold, with its 95% stratified-bootstrap interval.

    The performance profile, or run-score distribution, of Agarwal et al. (2021, section 4.2): the whole distribution of
    scores, so that neither a mean nor a median hides a part of it. Each interval holds for its own threshold.

    Args:
        strata: as `interquartile_mean`; whole logs are drawn again, and every world counts alike.
        thresholds: (T,) scores τ, in the unit of the scores.
        seed: of the bootstrap.
    """
    levels, rng = np.asarray(thresholds, float), np.random.default_rng(seed)
    if levels.ndim != 1 or np.isnan(levels).any():
        raise ValueError(f"thresholds has shape {levels.shape}, expected (T,) numbers")
    above = [(s[:, :, None] > levels).mean(1) for s in _checked(strata)]
    estimate = np.mean([a.mean(0) for a in above], axis=0)
    if min(map(len, above)) < 2:
        return [Interval(float(e), float("nan"), float("nan")) for e in estimate]
    # how often each log is drawn says all that its place in the draw would
    drawn = [rng.multinomial(len(a), np.full(len(a), 1 / len(a)), _RESAMPLES) / len(a) @ a for a in above]
    low, high = np.percentile(np.mean(drawn, axis=0), (2.5, 97.5), axis=0)
    return [Interval(*map(float, bounds)) for bounds in zip(estimate, low, high, strict=True)]


def probability_of_improvement(x: ArrayLike, y: ArrayLike, *, seed: int = 0) -> Interval:
    """How probably a run of X scores higher than a run of Y *on the same log*; a tie counts half (Agarwal et al. 2021).

    Where their paper averages over tasks we average over logs: on each, all pairs of network seeds are compared (the
    Mann-Whitney statistic); the 95% interval comes from drawing the logs again. Where X wins on every log the interval
    has no width, which says more about ten logs than about X.

    Args:
        x: (L, K) scores of one agent on L logs with K network seeds; or (L,).
        y: (L, K') scores of the other on the same logs.
        seed: of the bootstrap.
    """
    (a,), (b,) = _checked([x]), _checked([y])
    if len(a) != len(b):
        raise ValueError(f"y has {len(b)} logs, expected {len(a)} as x")
    wins = (a[:, :, None] > b[:, None]) + 0.5 * (a[:, :, None] == b[:, None])
    return mean(wins.mean((1, 2)), seed=seed)


def _checked(strata: Floats | Sequence[ArrayLike]) -> list[Floats]:
    scores = [np.asarray(s, float) for s in ([strata] if isinstance(strata, np.ndarray) else strata)]
    scores = [s[:, None] if s.ndim == 1 else s for s in scores]
    for i, s in enumerate(scores):
        if s.ndim != 2 or not s.size:
            raise ValueError(f"strata[{i}] has shape {s.shape}, expected (logs, network seeds)")
    return scores


def _bootstrap(strata: Floats | Sequence[ArrayLike], statistic: Callable[..., Floats], seed: int) -> Interval:
    scores = _checked(strata)

    def of_logs(*rows: NDArray[Any], axis: int = -1) -> Floats:
        drawn = [s[r.astype(int)].reshape(*r.shape[:-1], -1) for s, r in zip(scores, rows, strict=True)]
        return statistic(np.concatenate(drawn, -1), axis=-1)

    logs = tuple(np.arange(len(s)) for s in scores)
    estimate = float(of_logs(*logs))
    if min(map(len, logs)) < 2 or np.isnan(estimate):
        return Interval(estimate, float("nan"), float("nan"))
    spread = bootstrap(logs, of_logs, vectorized=True, n_resamples=_RESAMPLES, method="percentile", rng=seed)
    return Interval(estimate, float(spread.confidence_interval.low), float(spread.confidence_interval.high))


SUMMARY_HEADERS = ("", "runs", "return", "worst run", "hazard", "claimed − true")


def summary_row(name: str, returns: Floats, hazards: Floats, overestimates: Floats | None) -> list[str]:
    """One line of a table under `SUMMARY_HEADERS`, from scores (L, K) each."""
    hazard = mean(hazards)
    rate = f"{hazard.estimate:.1%} [{hazard.low:.1%}, {hazard.high:.1%}]"
    over = None if overestimates is None else interquartile_mean(overestimates)
    claim = "" if over is None or np.isnan(over.estimate) else str(over)
    return [name, str(returns.size), str(interquartile_mean(returns)), f"{returns.min():.1f}", rate, claim]


def reference_row(name: str, score: PolicyScore) -> list[str]:
    """One line under the same headers for a policy that needs no training."""
    return [name, "", f"{score.return_mean:.1f}", "", f"{score.hazard_rate:.1%}", ""]


@dataclass(frozen=True)
class Comparison:
    """Several agents over the same logs and network seeds, beside policies that need no training.

    Printed, or shown in a notebook, it is a table: return as interquartile mean with its 95% interval, and the worst
    run; hazard as mean with its interval; claimed minus true start value as interquartile mean.

    Attributes:
        scores: for each agent L lists (logs) of K scores (network seeds).
        references: exact scores of the optimum, the behaviour policy and the like.
    """

    scores: Mapping[str, Sequence[Sequence[AgentScore]]]
    references: Mapping[str, PolicyScore]

    def values(self, agent: str, field: str) -> Floats:
        """One field of `PolicyScore` (exact), or "overestimate", "claimed_value", "true_value"; (L, K)."""

        def pick(score: AgentScore) -> float:
            return float(getattr(score if hasattr(score, field) else score.exact, field))

        return np.array([[pick(score) for score in seeds] for seeds in self.scores[agent]])

    def rows(self) -> list[list[str]]:
        """The table's lines as text."""
        lines = [reference_row(name, score) for name, score in self.references.items()]
        for name in self.scores:
            columns = (self.values(name, field) for field in ("return_mean", "hazard_rate", "overestimate"))
            lines.append(summary_row(name, *columns))
        return lines

    def __str__(self) -> str:
        return tabulate(self.rows(), SUMMARY_HEADERS, disable_numparse=True)

    def _repr_html_(self) -> str:
        return str(tabulate(self.rows(), SUMMARY_HEADERS, tablefmt="html", disable_numparse=True))


def compare(
    recipes: Mapping[str, Callable[[], Agent]],
    mdp: TabularMDP,
    logs: Sequence[Episodes],
    *,
    network_seeds: Iterable[int] = (0,),
    n_steps: int = DEFAULT_STEPS,
    references: Mapping[str, ArrayLike] | None = None,
    n_episodes: int = 0,
    n_jobs: int = 1,
    progress: bool = True,
) -> Comparison:
    """Trains every recipe on every log with every network seed, and scores all of them in the same world.

    Behaviour cloning appears twice: by its likeliest action, and as "… (stochastic)" by its probabilities.

    Args:
        recipes: a name and a function that makes a fresh agent, such as `functools.partial(create_discrete_cql,
            conservative_weight=1.0)`.
        mdp: the world the logs come from.
        logs: one `Episodes` or more.
        network_seeds: passed to `fit`.
        n_steps: gradient steps of each agent.
        references: policies (S, A) to stand beside the agents.
        n_episodes: sampled episodes for each agent besides its exact score; 0 for none.
        n_jobs: processes, through joblib; results do not depend on it.
        progress: show a progress bar.
    """
    seeds = list(network_seeds)
    for name, items in {"recipes": recipes, "logs": logs, "network_seeds": seeds}.items():
        if not items:
            raise ValueError(f"{name} is empty, expected at least one")
    jobs = [(name, i, seed) for name in recipes for i in range(len(logs)) for seed in seeds]
    work = (delayed(_train_and_score)(recipes[name], mdp, logs[i], seed, n_steps, n_episodes) for name, i, seed in jobs)
    results = Parallel(n_jobs=n_jobs, return_as="generator")(work)
    scores: dict[str, list[list[AgentScore]]] = {}
    bar = progress_bar(progress, iterable=results, total=len(jobs), desc="agents")
    for (name, i, _), kinds in zip(jobs, bar, strict=True):
        for kind, score in kinds.items():
            scores.setdefault(f"{name}{kind}", [[] for _ in logs])[i].append(score)
    return Comparison(scores, {name: mdp.evaluate(policy) for name, policy in (references or {}).items()})


def _train_and_score(
    create: Callable[[], Agent], mdp: TabularMDP, log: Episodes, seed: int, n_steps: int, n_episodes: int
) -> dict[str, AgentScore]:
    agent = create()
    fit(agent, build_mdpdataset(log), n_steps, seed=seed, progress=False)
    kinds = {"": False, " (stochastic)": True} if hasattr(agent.impl.modules, "imitator") else {"": False}
    return {k: score_agent(agent, mdp, stochastic=s, n_episodes=n_episodes, seed=seed) for k, s in kinds.items()}
