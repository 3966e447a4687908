"""Named errors: what an argument must be, said with its name, its value and what was expected."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from numbers import Number, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .array_types import Array, Bools, Floats


def checked(
    name: str, value: float, low: float = -math.inf, high: float = math.inf, *, exclusive: bool = False
) -> float:
    """A finite number in [low, high], or above low."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (number and abs(value) <= sys.float_info.max and low <= value <= high and (value > low or not exclusive)):
        most = "" if high == math.inf else f", at most {high:g}"
        bounds = f"number above {low:g}" if exclusive else f"number of at least {low:g}{most}"
        raise ValueError(f"{name} is {value!r}, expected a {'finite number' if low == -math.inf else bounds}")
    return float(value)


def whole(name: str, value: int, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if not (isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least):
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
    return int(value)


def is_finite(value: Any) -> bool:
    """A real number that float64 holds, as it is or rounded."""
    real = isinstance(value, (Real, np.bool_))
    return real and bool(abs(value) <= sys.float_info.max)


def checked_generator(name: str, seed: int | np.random.Generator) -> np.random.Generator:
    """A generator as it is, or a new one from a seed."""
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(whole(name, seed, least=0))


class RowError(ValueError):
    """A row that is not what was expected, for who knows where else it stands, such as on a line of a file."""

    name = ""
    row = -1

    @classmethod
    def of(cls, name: str, row: int, value: str, expected: str) -> RowError:
        """The error of a row of a named column."""
        error = cls(f"{name} in row {row} is {value}, expected {expected}")
        error.name, error.row = name, row
        return error


def refuse_rows(bad: Bools, name: str, column: Array, expected: str) -> None:
    """Rows of a column that are not what was expected, (N, …); the first of them is named."""
    if bad.any():
        row = int(np.argmax(bad)) // (bad.size // len(bad))
        value = repr(column[row]) if isinstance(column[row], str) else str(column[row])
        raise RowError.of(name, row, value, expected)


def number_array(name: str, value: ArrayLike, rank: int = 1, kinds: str = "biuf") -> Array:
    """Numbers and truth values, (N,) or (N, d), whatever held them; none is missing, masked or of another kind.

    Args:
        rank: 1; or 2, and then (N,) is a column.
        kinds: numpy's letters; with "U" text will do as well.
    """
    if isinstance(value, (list, tuple)):
        masked = [any(map(np.ma.is_masked, row if isinstance(row, (list, tuple)) else [row])) for row in value]
        refuse_rows(np.array(masked, bool), name, value, "a number that is not masked")  # type: ignore[arg-type]
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} has rows of different lengths, expected {'(N,)' if rank == 1 else '(N, d)'}"
        ) from error
    array = array[:, None] if (array.ndim, rank) == (1, 2) else array
    if array.ndim != rank or 0 in array.shape[1:]:
        raise ValueError(f"{name} has shape {array.shape}, expected {'(N,)' if rank == 1 else '(N, d)'}")
    if np.ma.is_masked(value):
        refuse_rows(np.ma.getmaskarray(value), name, value, "a number that is not masked")  # type: ignore[arg-type]
    if array.dtype == object and not isinstance(value, np.ndarray):  # a list with None, or a column of pandas
        held = (Number, np.bool_, str) if "U" in kinds else (Number, np.bool_)
        missing = [not isinstance(entry, held) or entry != entry for entry in array.flat]
        refuse_rows(np.reshape(missing, array.shape), name, array, "a number: none may be missing")
        array = np.array(array.tolist())
    if array.dtype.kind not in kinds:
        raise ValueError(f"{name} has type {array.dtype}, expected numbers")
    large = array.dtype.kind == "f" and (np.abs(array) >= 2**53).any()
    if not isinstance(value, np.ndarray) and (large or array.dtype.kind == "U"):
        given = np.asarray(value, object).reshape(array.shape)
        changed = np.asarray((given != array) & (given == given), bool)
        refuse_rows(changed, name, given, f"all of one type: {array.dtype} makes it another")
    return array


def refuse_changed(name: str, array: Array, column: Array) -> None:
    """Rows that a cast of `array` to `column` made another: whole numbers, truth values, and what became infinite or 0.

    Numbers with a point are rounded. Only in observations, where two that were different must not become one, is such a
    number whole if it looks so and float64 tells it from the next; and only there may a small one become 0.
    """
    if column.dtype.kind == "f":
        endless = np.isinf(column) & np.isfinite(array)
        refuse_rows(
            endless, name, array, f"at most {np.finfo(column.dtype).max:.1e} in size: {column.dtype} makes it inf"
        )
        changed = column.astype(array.dtype) != array
        if array.dtype.kind == "f":
            place = name.endswith("observations")
            vanished = (column == 0) & changed & (not place)
            least = np.finfo(column.dtype).smallest_subnormal
            refuse_rows(vanished, name, array, f"0, or at least {least:.1e} in size: {column.dtype} makes it 0")
            changed &= (array == np.trunc(array)) & (np.abs(array) < 2**53) & place
        refuse_rows(changed, name, array, f"a whole number that {column.dtype} holds: it would become another")
    else:
        kind = "truth value" if column.dtype == bool else "whole number"
        refuse_rows(array != column, name, array, f"a {kind}")


def check_gamma(gamma: float) -> None:
    """A discount factor in [0, 1]."""
    checked("gamma", gamma, 0.0, 1.0)


def check_horizon(horizon: int) -> int:
    """A whole number of steps."""
    return whole("horizon", horizon)


def checked_averaging(decay: float) -> float:
    """A decay in [0, 1)."""
    if checked("averaging", decay, 0.0) >= 1:
        raise ValueError(f"averaging is {decay!r}, expected a number below 1")
    return float(decay)


def checked_widths(hidden_units: Sequence[int]) -> list[int]:
    """The width of each hidden layer, at least one."""
    if np.ndim(hidden_units) != 1 or not len(hidden_units):
        raise ValueError(f"hidden_units is {hidden_units!r}, expected the width of each hidden layer, such as (64, 64)")
    return [whole(f"hidden_units[{i}]", width) for i, width in enumerate(hidden_units)]


def checked_policy(name: str, table: ArrayLike, read: Bools | None = None) -> Floats:
    """Probabilities (…, S, A), each row summing to 1. Rows that `read` (S,) leaves out do not count, and become 0."""
    pi = np.asarray(table, float)
    fits = (pi >= 0).all(-1) & (np.abs(pi.sum(-1) - 1) <= 1e-6)
    if read is not None and not read.all():
        pi, fits = np.where(read[:, None], pi, 0.0), fits | ~read
    if not fits.all():
        row = tuple(int(i) for i in np.argwhere(~fits)[0])
        raise ValueError(f"{name} row {row} is {pi[row]}, expected probabilities that sum to 1")
    return pi
