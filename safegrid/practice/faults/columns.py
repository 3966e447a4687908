"""Columns that carry nothing, or that carry something else: codes for missing values, clipped ends, row counters."""

from __future__ import annotations

import numpy as np

from safegrid.array_types import Array, Bools, Floats, Ints
from safegrid.dataset import Episodes

from .coded import measured
from .finding import Finding, found, listed

_FEW = 100
_CODES = np.array([99, 999, 9999, 99999, 999999, 32767, 32768, 65535, 2147483647, 1e20, 1e30], np.float32)
_FAR = 3.0
_SAME = 1e-5  # of a range
_NEAR = 0.1  # of a range: what was clipped goes on until there


def find(log: Episodes) -> tuple[list[Finding], tuple[int, ...]]:
    """Kinds of columns, each with all its rows, and kinds of values, each with theirs; and the columns that count."""
    if len(log) < _FEW:
        return [], ()
    seen = log.observations
    usual = [i for i, column in enumerate(seen.T) if (column != column[0]).any()]
    dull = [i for i in range(seen.shape[1]) if i not in usual]
    findings = _columns(
        log, "constant_columns", dull if seen.shape[1] > 1 else [],
        "never changes: it tells nothing, and a learner may do without it",
    )  # fmt: skip
    findings += _columns(
        log, "copied_columns", _repeats(seen, usual),
        "says, up to unit and origin, what an earlier column says",
    )  # fmt: skip
    counters = [i for i in usual if _counts(log, seen[:, i])]
    findings += _columns(
        log, "counter_columns", counters,
        "rises from the first row of the log to the last, over all episodes: a row number or a date, which no new "
        "episode has again",
    )  # fmt: skip
    ignored = tuple(counters) if len(counters) < seen.shape[1] else ()
    missing = _missing_codes(log)
    kept = np.setdiff1d(np.arange(len(log)), missing[0].rows if missing else [])
    return findings + missing + _unrounded(log, usual) + _clipped(log, kept, counters), ignored


def _columns(log: Episodes, kind: str, which: list[int], what: str) -> list[Finding]:
    names = f"what stands in column{'s' * (len(which) != 1)} {listed(which)} of the observations {what}"
    return found(kind, np.full(len(log), bool(which)), names)


def _repeats(seen: Array, usual: list[int]) -> list[int]:
    """Columns that an earlier one determines by a straight line, up or down."""
    columns = seen[:, usual]
    low, span = columns.min(0).astype(float), np.ptp(columns, axis=0).astype(float)

    def differ(i: int, earlier: Array, rows: Array) -> Floats:
        """The largest difference of column i to earlier ones, or to those turned over, each scaled to 0…1."""
        one, others = ((columns[rows][:, j] - low[j]) / span[j] for j in ([i], earlier))
        return np.asarray(np.minimum(np.abs(others - one).max(0), np.abs(1 - others - one).max(0)))

    some, rows = np.linspace(0, len(seen) - 1, 16).astype(int), np.arange(len(seen))
    again = []
    for i in range(1, len(usual)):
        alike = np.flatnonzero(differ(i, np.arange(i), some) < _SAME)  # the few that are worth a look at all rows
        if any(differ(i, alike[k : k + 1], rows)[0] < _SAME for k in range(len(alike))):
            again.append(usual[i])
    return again


def _counts(log: Episodes, column: Floats) -> bool:
    rises = np.diff(column)
    return log.n_episodes >= 10 and bool((rises >= 0).all()) and (rises > 0).sum() >= 20


def _missing_codes(log: Episodes) -> list[Finding]:
    """Well-known codes for a missing value that lie far outside of all that is measured."""
    odd, names = np.zeros(len(log), bool), []
    columns = {f"column {i} of the observations": log.observations[:, i] for i in range(log.observations.shape[1])}
    for name, column in {**columns, "rewards": log.rewards, "costs": log.costs}.items():
        coded_rows = np.isin(np.abs(column), _CODES)
        if not coded_rows.any() or coded_rows.mean() > 0.2:
            continue
        rest = column[~coded_rows]
        coded_rows &= (np.abs(column) >= _FAR * np.abs(rest).max()) | ((column < 0) & (rest.min() >= 0))
        if name == "rewards" and log.terminals[coded_rows].all():  # a price of the end
            continue
        if coded_rows.any():
            odd |= coded_rows
            names.append(f"{name} ({listed(f'{value:g}' for value in np.unique(column[coded_rows]))})")
    return found("missing_codes", odd, f"a code for a missing value in {listed(names)}: it is no measurement")


def _unrounded(log: Episodes, usual: list[int]) -> list[Finding]:
    """Numbers a hair beside a whole one, in a column of whole ones."""
    seen = log.observations[:, usual]
    beside = np.abs(seen - np.rint(seen))
    odd = (beside > 0) & (beside < 0.01)
    odd = np.asarray(odd & ((beside == 0) | odd).all(0) & (odd.mean(0) < 0.05))
    names = [f"column {usual[i]}" for i in np.flatnonzero(odd.any(0))]
    return found(
        "unrounded_values", np.asarray(odd.any(1)),
        f"a hair beside a whole number in {listed(names)} of whole numbers: to a table, another place; round them",
    )  # fmt: skip


def _clipped(log: Episodes, kept: Ints, counters: list[int]) -> list[Finding]:
    """Measured numbers of which many are the largest or the smallest to the last digit."""
    odd: Bools = np.zeros(len(log), bool)
    names = []
    for i in np.flatnonzero(measured(log.observations)):
        if i in counters:
            continue
        column = log.observations[kept, i]
        inside = np.sort(column[(column > column.min()) & (column < column.max())])
        again = np.diff(np.flatnonzero(np.r_[True, inside[1:] != inside[:-1], True])).max(initial=1)
        for end in (column.min(), column.max()):
            here, near = column == end, np.abs(inside - end).min(initial=np.inf) <= _NEAR * np.ptp(column)
            if near and here.sum() >= max(10, 10 * again, len(column) // 1_000):
                odd[kept[here]] = True
                names.append(f"column {i} at {end:g}")
    return found(
        "clipped_values", odd,
        f"many rows at exactly the end of the range, {listed(names)}: what lay beyond was cut off, and looks alike",
    )  # fmt: skip
