"""Arrays by their kind, and the distinct rows of large ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def distinct(rows: Array) -> tuple[Array, Ints]:
    """`np.unique(rows, axis=0, return_inverse=True)`, column by column and so many times faster.

    Args:
        rows: (N, d).

    Returns:
        The distinct rows in order, (R, d), and for each row of `rows` which of them it is, (N,).
    """
    codes = np.zeros(len(rows), np.int64)
    for column in rows.T:
        values, code = _ranks(column)
        codes = _ranks(codes * len(values) + code)[1]
    first = np.empty(int(codes.max()) + 1 if len(codes) else 0, np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the earliest row of each code is written last
    return rows[first], codes


def _ranks(values: Array) -> tuple[Array, Ints]:
    """`np.unique(values, return_inverse=True)`; whole numbers in a narrow range are counted instead of sorted."""
    if not len(values):
        return values, np.zeros(0, np.int64)
    low, high = values.min(), values.max()
    narrow = high - low < 2 * len(values) + 1024
    if narrow and (values.dtype.kind in "iu" or not np.mod(values, 1).any()):
        offset = (values - low).astype(np.int64)
        there = np.bincount(offset) > 0
        return low + np.flatnonzero(there).astype(values.dtype), (np.cumsum(there) - 1)[offset]
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse.ravel()
