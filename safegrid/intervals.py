"""How sure: interquartile means, shares and comparisons over many logs, with their 95% intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, trim_mean

from .array_types import Array, ByValue, Floats
from .checks import checked_generator, refuse_rows

_RESAMPLES = 4_000


@dataclass(frozen=True, eq=False)
class Interval(ByValue):
    """An estimate and its 95% interval; NaN bounds, or none, where one run leaves nothing to resample.

    Printed, estimate and bounds have the same decimals: as many as show a digit of half the width, and two where the
    numbers are small. `f"{interval:.2%}"` is a rate in percent, with at least two decimals instead of one.
    """

    estimate: float
    low: float = math.nan
    high: float = math.nan

    def decimals(self, least: int = 1, percent: bool = False) -> int:
        """How many decimals the interval deserves, in its own unit or in percent."""
        scale = 100.0 if percent else 1.0
        sizes = [abs(value) * scale for value in (self.estimate, self.low, self.high) if math.isfinite(value)]
        largest = max((size for size in sizes if size > 1e-11), default=math.inf)  # what is smaller is as good as 0
        small, half = 0 if percent else _showing(2, largest), (self.high - self.low) / 2 * scale
        if half > 1e-9 * largest and half < math.inf:
            small = max(_showing(1, half), min(_showing(2, half), small))
        return max(least, min(small, _showing(4, largest)))

    def __format__(self, spec: str) -> str:
        sign, least = "%" if spec.endswith("%") else "f", int(spec.strip(".%") or 1)
        n = self.decimals(least, percent=sign == "%")
        estimate, low, high = (f"{value:z.{n}{sign}}" for value in (self.estimate, self.low, self.high))
        unknown = math.isnan(self.low) or math.isnan(self.high) or -self.low == self.high == math.inf
        return estimate if unknown else f"{estimate} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self, "")


def interquartile_mean(strata: Floats | Sequence[ArrayLike], *, seed: int = 0) -> Interval:
    """Mean of the middle half of all runs, with a 95% stratified-bootstrap interval (Agarwal et al. 2021).

    Args:
        strata: (L, K) scores of L logs and K network seeds; or a sequence of such arrays, one a world. Whole logs are
            drawn again, each world's among its own: most of the spread is between logs.
        seed: of the bootstrap.
    """
    return _bootstrap(strata, partial(trim_mean, proportiontocut=0.25), seed)


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
        strata, seed: as `interquartile_mean`; every world counts alike.
        thresholds: (T,) scores τ, in the unit of the scores.
    """
    levels, rng = np.asarray(thresholds, float), checked_generator("seed", seed)
    if levels.ndim != 1 or np.isnan(levels).any():
        raise ValueError(f"thresholds has shape {levels.shape}, expected (T,) numbers")
    above = [(s[:, :, None] > levels).mean(1) for s in _checked(strata)]
    estimate = np.mean([a.mean(0) for a in above], axis=0)
    low, high = np.full((2, len(levels)), np.nan)
    if min(map(len, above)) > 1:
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
        x, y: (L, K) scores of each agent on the same L logs, with K network seeds that may differ in number; or (L,).
        seed: of the bootstrap.
    """
    (a,), (b,) = _checked([x]), _checked([y])
    for name, scores in {"x": a, "y": b}.items():
        refuse_rows(np.isnan(scores), name, scores, "numbers: NaN is neither higher nor lower")
    if len(a) != len(b):
        raise ValueError(f"y has {len(b)} logs, expected {len(a)} as x")
    wins = (a[:, :, None] > b[:, None]) + 0.5 * (a[:, :, None] == b[:, None])
    return mean(wins.mean((1, 2)), seed=seed)


def _showing(digits: int, size: float) -> int:
    """Decimals that show the first digits of a number."""
    return digits - 1 - math.floor(math.log10(size)) if size < math.inf else 0


def _checked(strata: Floats | Sequence[ArrayLike]) -> list[Floats]:
    scores = [np.asarray(s, float) for s in ([strata] if isinstance(strata, np.ndarray) else strata)]
    scores = [s[:, None] if s.ndim == 1 else s for s in scores]
    for i, s in enumerate(scores):
        if s.ndim != 2 or not s.size:
            raise ValueError(f"strata[{i}] has shape {s.shape}, expected (logs, network seeds)")
    return scores


def _bootstrap(strata: Floats | Sequence[ArrayLike], statistic: Callable[..., Floats], seed: int) -> Interval:
    scores, rng = _checked(strata), checked_generator("seed", seed)

    def of_logs(*rows: Array, axis: int = -1) -> Floats:
        drawn = [s[r.astype(int)].reshape(*r.shape[:-1], -1) for s, r in zip(scores, rows, strict=True)]
        return statistic(np.concatenate(drawn, -1), axis=-1)

    logs = tuple(np.arange(len(s)) for s in scores)
    estimate = float(of_logs(*logs))
    if min(map(len, logs)) < 2 or np.isnan(estimate):
        return Interval(estimate, float("nan"), float("nan"))
    with np.errstate(invalid="ignore"):
        spread = bootstrap(logs, of_logs, vectorized=True, n_resamples=_RESAMPLES, method="percentile", rng=rng)
    bounds = np.array(spread.confidence_interval)
    if not np.isfinite(bounds).all():  # nothing lies between two infinities
        bounds = np.quantile(spread.bootstrap_distribution, (0.025, 0.975), method="inverted_cdf")
    return Interval(estimate, *map(float, bounds))
