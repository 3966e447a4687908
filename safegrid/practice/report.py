"""What a log is, what it has tried, what looks wrong in it, and what can be learnt from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import binomtest, t

from safegrid.array_types import Bools, ByValue, Floats, frozen
from safegrid.dataset import Episodes
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.recipe import Recipe, proposal, propose_recipe

from .evidence import Evidence, weigh
from .faults.finding import Finding
from .faults.search import find_faults
from .truth import Truth, hold

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
_ENDINGS = 10  # terminal rewards, up to which the lowest is a kind of end


@dataclass(frozen=True, eq=False)
class LogFacts(ByValue):
    """All that a log says of itself, in numbers; what they mean is for `verdict` to say.

    Attributes:
        log: the log.
        lengths: (5,) least, quarter, median, three quarters and most steps of an episode.
        returns: (5,) the same of the episodes' undiscounted returns, in raw reward.
        return_mean: their mean, with Student's 95% interval.
        harm_told: how harm is known: by "costs"; where there are none, by the "lowest terminal reward"; or not, "".
        harm: share of the episodes with harm, with the 95% interval of Clopper & Pearson (1934).
        evidence: what was tried how often.
        findings: what looks wrong; none in a clean log.
        recipe: settings to begin with, as `propose_recipe` reads them.
        truth: exact scores beside the log's, where the world was given.
    """

    log: Episodes
    lengths: Floats
    returns: Floats
    return_mean: Interval
    harm_told: str
    harm: Interval
    evidence: Evidence
    findings: tuple[Finding, ...]
    recipe: Recipe
    truth: Truth | None

    @cached_property
    def harmful(self) -> Bools:
        """Episodes with harm, as `harm_told` says, (E,)."""
        return harmful_episodes(self.log)[1]


def examine(log: Episodes, mdp: TabularMDP | None = None) -> LogFacts:
    """Reads a log as `safegrid.report` does; see there."""
    if not isinstance(log, Episodes):
        raise ValueError(f"log is a {type(log).__name__}, expected Episodes")
    truth, impossible = (None, []) if mdp is None else hold(log, mdp)
    coded, findings = find_faults(log)
    told, harmful = harmful_episodes(log)
    share = binomtest(int(harmful.sum()), log.n_episodes)
    return LogFacts(
        log=log,
        lengths=frozen(np.quantile(log.lengths, QUANTILES)),
        returns=frozen(np.quantile(log.returns, QUANTILES)),
        return_mean=_mean(log.returns),
        harm_told=told,
        harm=Interval(float(share.statistic), *map(float, share.proportion_ci(method="exact"))),
        evidence=weigh(coded),
        findings=(*impossible, *findings),
        recipe=propose_recipe(log) if mdp is None else proposal([log], mdp),
        truth=truth,
    )


def harmful_episodes(log: Episodes) -> tuple[str, Bools]:
    """How harm is known, and the episodes that have it, (E,)."""
    if (log.costs > 0).any():
        return "costs", np.bincount(log.episode, log.costs > 0) > 0
    last = np.unique(log.rewards[log.terminals])
    if 2 <= len(last) <= _ENDINGS:
        worst = log.terminals & (log.rewards == last[0])
        return "lowest terminal reward", np.bincount(log.episode, worst) > 0
    return "", np.zeros(log.n_episodes, bool)


def _mean(values: Floats) -> Interval:
    n = len(values)
    half = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return Interval(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)
