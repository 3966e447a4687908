"""Columns that carry nothing, or that carry something else: codes for missing values, clipped ends, row counters."""

from __future__ import annotations

import numpy as np

from safegrid.array_types import Array, Bools, Floats, Ints
from safegrid.dataset import Episodes

from .coded import measured
from .finding import Finding, Severity, found, listed

_FEW = 100
_CODES = np.array([99, 999, 9999, 99999, 999999, 32767, 32768, 65535, 2147483647, 1e20, 1e30], np.float32)
_FAR = 3.0
_NEAR = 0.1  # of a range: what was clipped goes on until there


def find(log: Episodes) -> tuple[list[Finding], tuple[int, ...]]:
    """Kinds of columns, each with all its rows, and kinds of values, each with theirs; and the columns that count."""
    if len(log) < _FEW:
        return [], ()
    seen = log.observations
    usual = [i for i, column in enumerate(seen.T) if (column != column[0]).any()]
    dull = [i for i in range(seen.shape[1]) if i not in usual]
    findings = _columns(
        log, "constant_columns", "doubtful", dull if seen.shape[1] > 1 else [],
        "never changes: it tells nothing, and a learner may do without it",
    )  # fmt: skip
    findings += _columns(
        log, "copied_columns", "doubtful", [i for i in usual if _repeats(seen, i, usual)],
        "says, up to unit and origin, what an earlier column says",
    )  # fmt: skip
    counters = [i for i in usual if _counts(log, seen[:, i])]
    findings += _columns(
        log, "counter_columns", "wrong", counters,
        "rises from the first row of the log to the last, over all episodes: a row number or a date, which no new "
        "episode has again",
    )  # fmt: skip
    ignored = tuple(counters) if len(counters) < seen.shape[1] else ()
    missing = _missing_codes(log)
    kept = np.setdiff1d(np.arange(len(log)), missing[0].rows if missing else [])
    return findings + missing + _unrounded(log, usual) + _clipped(log, kept, counters), ignored


def _columns(log: Episodes, kind: str, severity: Severity, which: list[int], what: str) -> list[Finding]:
    names = f"column{'s' * (len(which) != 1)} {listed(which)} of the observations {what}"
    return found(kind, severity, np.full(len(log), bool(which)), names)


def _repeats(seen: Array, i: int, usual: list[int]) -> bool:
    """Whether an earlier column determines column i by a straight line."""
    column = seen[:, i].astype(float)
    low, high = int(column.argmin()), int(column.argmax())
    for j in (j for j in usual if j < i):
        other = seen[:, j].astype(float)
        if (span := other[high] - other[low]) and np.isclose(abs(span), np.ptp(other)):
            line = column[low] + (other - other[low]) * (column[high] - column[low]) / span
            if np.allclose(line, column, rtol=1e-6, atol=1e-6 * np.ptp(column)):
                return True
    return False


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
    return found("missing_codes", "wrong", odd, f"a code for a missing value in {listed(names)}: it is no measurement")


def _unrounded(log: Episodes, usual: list[int]) -> list[Finding]:
    """Numbers a hair beside a whole one, in a column of whole ones."""
    seen = log.observations[:, usual]
    beside = np.abs(seen - np.rint(seen))
    odd = (beside > 0) & (beside < 0.01)
    odd = np.asarray(odd & ((beside == 0) | odd).all(0) & (odd.mean(0) < 0.05))
    names = [f"column {usual[i]}" for i in np.flatnonzero(odd.any(0))]
    return found(
        "unrounded_values", "wrong", np.asarray(odd.any(1)),
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
        "clipped_values", "doubtful", odd,
        f"many rows at exactly the end of the range, {listed(names)}: what lay beyond was cut off, and looks alike",
    )  # fmt: skip
