"""Observations that jump, and observations that stand still."""

from __future__ import annotations

import numpy as np

from safegrid.array_types import Array, Bools, Floats, Ints

from .coded import UNSEEN, Coded, gap, ranked, runs
from .finding import Finding, found, listed

_FEW = 100
_RARE = 200  # one row of so many may jump
_WALL, _TAIL = 1.9, 5.0
_SURE = 20.0
_LONGER = 3


def find(coded: Coded, doubtful: Bools) -> list[Finding]:
    """`jumps` and `frozen_observations`; `doubtful` (N,) are rows whose steps are odd for another reason."""
    if len(coded.log) < _FEW:
        return []
    frozen = _frozen(coded)
    for finding in frozen:
        doubtful = doubtful | np.isin(np.arange(len(doubtful)), finding.rows + 1)  # where it thaws
    return frozen + _jumps(coded, doubtful)


def _jumps(coded: Coded, doubtful: Bools) -> list[Finding]:
    """Steps far longer than all others that the world does not announce by a reward of its own.

    Where one step in 200 reaches the same length, as a cell of a board, that is a wall, and twice as long is too long.
    """
    log = coded.log
    common = np.bincount(coded.price)[coded.price] * 100 >= len(log)
    announced = ~common & (len(coded.prices) * 20 <= len(log))
    rows = np.flatnonzero((coded.there != UNSEEN) & ~log.terminals & ~announced & ~doubtful)
    sizes = np.abs(coded.step_of[rows])
    columns = list(sizes.T) + ([sizes.sum(1)] if coded.whole and sizes.shape[1] > 1 else [])
    odd, most = np.zeros(len(log), bool), max(3, len(rows) // _RARE)
    which = set()
    for i, size in enumerate(columns):
        far = size >= _limit(size, most)
        if i < sizes.shape[1]:
            far &= ~_at_walls(rows, far, log.next_observations[rows, i])
        if far.any():
            odd[rows[far]] = True
            which.add(i if i < sizes.shape[1] else None)
    names = [f"column {i}" for i in sorted(which - {None})] or ["all columns together"]  # type: ignore[type-var]
    return found(
        "jumps", odd,
        f"the step to the next observation is far longer than any other of the log, in {listed(names)}: a glitch of a "
        "sensor, or rows that are missing",
    )  # fmt: skip


def _at_walls(rows: Ints, far: Bools, arrived: Floats) -> Bools:
    """Jumps to one same number from which the next step is usual, as of a speed that a wall takes."""
    _, code, often = np.unique(arrived[far], return_inverse=True, return_counts=True)
    back = np.isin(rows + 1, rows[far])
    same = np.zeros(len(rows), bool)
    same[far] = often[code] >= 3
    return same & ~back


def _limit(sizes: Floats, most: int) -> float:
    """From which length on a step is a jump."""
    if len(sizes) <= most:
        return np.inf
    if (limit := gap(sizes, most, _WALL)) < np.inf:
        usual = sizes[sizes < limit].max()
        wall = (sizes >= 0.9 * usual).mean() * _RARE >= 1
        return limit if wall else gap(sizes, most, _TAIL)
    return np.inf


def _frozen(coded: Coded) -> list[Finding]:
    """Runs in which nothing moves, where the same actions in the same place otherwise move something."""
    still = coded.here == coded.there
    found_here = _runs_of(coded, still, coded.pairs) if coded.recurs else _runs_of(coded, still)
    if not coded.recurs:
        for column in np.flatnonzero(coded.smooth):
            found_here |= _runs_of(coded, coded.step_of[:, column] == 0)
    return found(
        "frozen_observations", found_here,
        "the same observation in row after row, where it otherwise changes: a sensor stood still, or a missing value "
        "was filled with the last one",
    )  # fmt: skip


def _runs_of(coded: Coded, still: Bools, keys: Ints | None = None) -> Bools:
    """Rows of runs that the other rows of their keys make impossible, and of no other length than a few others are."""
    begins, stops = runs(still, coded.ends)
    if not len(begins):
        return still
    run = np.full(len(still), UNSEEN)
    run[still] = np.repeat(np.arange(len(begins)), stops - begins)
    rows = np.flatnonzero(still)
    keys = np.zeros(len(still), np.int64) if keys is None else keys
    together = ranked(keys[rows] * len(begins) + run[rows])
    own = np.bincount(together)[together]
    met, stays, overall = np.bincount(keys)[keys[rows]], np.bincount(keys, still)[keys[rows]], still.mean()
    share = (stays - own + overall) / (met - own + 1)
    chance, length = np.bincount(run[rows], np.log(share)), stops - begins
    odd = chance < -_SURE - np.log(len(still))
    if odd.any() and length[odd].min() < _LONGER * length[~odd].max(initial=0):
        odd[:] = False
    chosen: Array = np.zeros(len(still), bool)
    chosen[rows] = odd[run[rows]]
    return chosen
