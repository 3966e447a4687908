"""How much of a column linear regression explains, where observations are measured and nothing recurs to be counted."""

from __future__ import annotations

import numpy as np

from safegrid.array_types import Array, Floats, Ints

from .coded import UNSEEN, Coded

_ROWS, _LEAST = 500_000, 5_000
_WIDE = 8  # numbers of an observation, up to which their products are features too


def features(coded: Coded, rows: Ints, moved: bool = True) -> Floats:
    """Observation and step, or the observation alone, and their products where there are few, (n, p)."""
    plain = [coded.log.observations[rows].astype(float)] + [coded.step_of[rows]] * moved
    columns = [np.ones((len(rows), 1)), *plain]
    if coded.log.observations.shape[1] <= _WIDE:
        both = _scaled(np.hstack(plain))
        i, j = np.triu_indices(both.shape[1])
        columns.append(both[:, i] * both[:, j])
    return _scaled(np.hstack(columns))


def some_rows(coded: Coded) -> Ints:
    """Rows with a row before and a row after them whose arrival is told, evenly spread, (n,)."""
    inner = np.flatnonzero(coded.there != UNSEEN)
    inner = inner[(inner > 0) & (inner < len(coded.log) - 1)]
    most = max(_LEAST, _ROWS // max(coded.log.n_actions, coded.log.observations.shape[1]))
    return inner[:: -(-len(inner) // most)] if len(inner) else inner


def explained(known: Floats, asked: Array) -> float:
    """Share of the variance of `asked` (n, q) that a linear function of `known` (n, p) explains, adjusted for p."""
    target = asked - asked.mean(0)
    total = (target**2).sum()
    n, p = known.shape
    if total == 0 or n <= 2 * p:
        return 0.0
    fit = np.linalg.lstsq(known.T @ known, known.T @ target, rcond=1e-10)[0]
    left = ((target - known @ fit) ** 2).sum()
    return float(1 - left / total * n / (n - p))


def _scaled(columns: Floats) -> Floats:
    spread = columns.std(0)
    return np.asarray((columns - np.where(spread > 0, columns.mean(0), 0.0)) / np.where(spread > 0, spread, 1.0))
