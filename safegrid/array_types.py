"""Arrays by their kind, the distinct rows of large ones, and records that hold arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

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
        codes *= len(values)
        codes += code
        codes = _ranks(codes)[1]
    first = np.empty(int(codes.max()) + 1 if len(codes) else 0, np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the earliest row of each code is written last
    return rows[first], codes


def frozen(array: Array) -> Array:
    """Makes an array read-only, in place: one that nobody else holds need not be copied to stay as it is."""
    array.flags.writeable = False
    return array


def content_hash(columns: Mapping[str, Array]) -> str:
    """SHA-256 of arrays, their names, types and shapes, the same on every machine; −0 counts as 0."""
    found = hashlib.sha256()
    for name, column in columns.items():
        plain = column + 0 if column.dtype.kind == "f" else column
        plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        found.update(f"{name} {plain.dtype.str} {plain.shape}\n".encode() + plain.tobytes())
    return found.hexdigest()


class ByValue:
    """A frozen dataclass (`eq=False`) that equals another of its type where every field does, NaN and NaN included.

    Arrays are equal where shape, type and numbers are. Equal records have the same hash.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def compared(self) -> list[Any]:
        """What stands for the record."""
        return [getattr(self, name) for name in self.__dataclass_fields__]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        pairs = zip(self.compared(), other.compared(), strict=True)  # type: ignore[attr-defined]
        return all(a is b or _key(a) == _key(b) for a, b in pairs)

    def __hash__(self) -> int:
        return hash((type(self), *(hash(_key(value)) for value in self.compared())))


class ReadOnly(ByValue):
    """One whose arrays are `frozen`, and stay so in a copy, in a pickle and in another process."""

    def __getstate__(self) -> dict[str, Any]:
        """Without what was computed from it: that is quicker made anew than sent to another process."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)


def _key(value: Any) -> Hashable:
    """What equal values, and no others, have in common."""
    if isinstance(value, np.ndarray):
        plain = np.array(value)
        if plain.dtype.kind == "f":
            plain += 0.0  # −0 is 0
            plain[np.isnan(plain)] = np.nan  # which has many bit patterns
        return plain.shape, plain.dtype.str, plain.tobytes()
    if isinstance(value, Mapping):
        return frozenset((name, _key(entry)) for name, entry in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    return _key(np.array(value)) if isinstance(value, (float, np.floating)) and np.isnan(value) else value


def _ranks(values: Array) -> tuple[Array, Ints]:
    """`np.unique(values, return_inverse=True)`; whole numbers in a narrow range are counted instead of sorted."""
    if not len(values):
        return values, np.zeros(0, np.int64)
    low, high = float(values.min()), float(values.max())
    narrow = max(-low, high) < 2**53 and high - low < 2 * len(values) + 1024
    if narrow and (values.dtype.kind in "iu" or not (np.trunc(values) != values).any()):
        offset = values.astype(np.int64, copy=False)
        if low:
            offset = offset - int(low)  # of whole numbers, where float32 would round
        there = np.bincount(offset) > 0
        return (np.flatnonzero(there) + int(low)).astype(values.dtype), np.take(np.cumsum(there) - 1, offset)
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse.ravel()
