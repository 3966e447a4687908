"""Episodes that are in a log twice, where chance would not have repeated them."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from safegrid.array_types import Bools, Floats, Ints

from .coded import Coded, ranked, rows_of, runs
from .finding import Finding, found

_CHANCE = np.log(1e-6)  # of one false alarm in a log
_STARTS, _LAGS = 20, 200


def find(coded: Coded, odd: Bools) -> list[Finding]:
    """`copied_episodes`: in rows, each copy but not its original; in `odd` rows (N,) counts of actions say nothing."""
    group, known = _alike(coded), np.bincount(coded.log.episode, odd) == 0
    size = np.bincount(group)[group]
    habit = size > np.maximum(5, coded.log.n_episodes / 100)  # of a driver with a plan, which counts of steps miss
    chance = np.where(known, _ln_chance(coded), 0.0)
    anywhere = (size - 1) * chance + size * np.log(len(group)) - gammaln(size + 1)
    unlikely = ~habit & (anywhere < _CHANCE)
    sure = (size > 1) & (unlikely | _never_by_chance(coded, group))
    copies = _in_blocks(group, chance, sure & (group < np.arange(len(group))))
    n = int(copies.sum())
    return found(
        "copied_episodes", rows_of(copies, coded),
        f"{n:,} of {coded.log.n_episodes:,} episodes are copies of earlier ones, row by row, which chance would not "
        "repeat: part of a file was read twice, or a seed used twice. They count as evidence that is not there",
    )  # fmt: skip


def _rows_alike(coded: Coded) -> Ints:
    """One number for all that a row says, (N,)."""
    alike = ranked(coded.steps * len(coded.prices) + coded.price)
    harm = ranked(coded.log.costs.view(np.int32).astype(np.int64))
    return ranked((alike * (int(harm.max()) + 1) + harm) * 2 + coded.log.terminals)


def _alike(coded: Coded) -> Ints:
    """Episodes that are the same row by row have the same number, (E,), that of the first of them."""
    words = np.random.default_rng(0).integers(0, 2**64, (2, int(coded.time.max()) + 1), np.uint64) | np.uint64(1)
    rows = _rows_alike(coded).astype(np.uint64) + np.uint64(1)
    mixed = (rows * np.uint64(0x9E3779B97F4A7C15)) ^ (rows << np.uint64(31))
    sums = [np.add.reduceat(mixed * word[coded.time], coded.first) for word in words]
    table = np.rec.fromarrays([*sums, coded.log.lengths])
    _, first, code = np.unique(table, return_index=True, return_inverse=True)
    return np.asarray(first[code])


def _ln_chance(coded: Coded) -> Floats:
    """Logarithm of each episode's probability by the log's counts, (E,); they hold the copies too, and make it larger.

    Of contents c of probability p(c) ≤ p, n of E episodes are the same Σ E^n p(c)^n / n! ≤ E^n p^(n − 1) / n! times.
    """
    log = coded.log
    price = ranked(coded.steps * len(coded.prices) + coded.price)
    likely = np.log(np.bincount(price)[price]) - np.log(coded.visits[coded.here])
    starts = coded.here[coded.first]
    begins = np.log(np.bincount(starts)[starts] / log.n_episodes)
    return np.asarray(begins + np.bincount(log.episode, likely))


def _never_by_chance(coded: Coded, group: Ints) -> Bools:
    """In a world of measured numbers, episodes that begin anywhere never begin in the same place twice, (E,)."""
    starts, different = coded.here[coded.first], np.unique(group)
    anywhere = coded.smooth.any() and len(different) >= _STARTS
    alone = anywhere and len(np.unique(starts[different])) == len(different)
    return (coded.log.lengths > 1) & alone


def _in_blocks(group: Ints, chance: Floats, copies: Bools) -> Bools:
    """Copies, (E,), and those that stand in a row as their originals do, which together are no chance.

    A run of k twins at one distance comes by chance E² p(1) … p(k) times at most.
    """
    n, twins = len(group), np.flatnonzero(group < np.arange(len(group)))
    lags, often = np.unique((twins - group[twins])[np.argsort(~copies[twins], kind="stable")], return_counts=True)
    for lag in lags[np.argsort(-often, kind="stable")][:_LAGS]:
        begins, stops = runs(group[lag:] == group[:-lag])
        total = np.r_[0.0, np.cumsum(chance[lag:])]
        for begin, stop in zip(begins, stops, strict=True):
            sure = total[stop] - total[begin] + 2 * np.log(n) < _CHANCE
            if sure or copies[lag + begin : lag + stop].any():
                copies[lag + begin : lag + stop] = True
    return copies
