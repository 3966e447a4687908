"""One column of somebody's table as numbers: exactly, or refused by its name and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safegrid.array_types import Array, Bools, Floats, Ints
from safegrid.checks import RowError, refuse_rows

Words = Sequence[str] | Sequence[int] | Mapping[str, int] | Mapping[int, int]
"""What stands for numbers: each for its place in a list, or for the number that it is mapped to."""

UNITS = ("seconds", "minutes", "hours", "days")


def is_text(kind: Any) -> bool:
    """Arrow's type of a column of text, however it is stored."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def as_numbers(name: str, column: Any) -> Array:
    """A column of numbers or truth values, (N,); or of lists of them, all of one length, (N, d)."""
    column = _plain(column)
    if is_text(column.type):
        codes, texts = _coded(name, column, "a number")
        words = ~np.asarray(pc.match_substring_regex(texts, _NUMBER))
        _refuse(words[codes], name, column, "a number, or categories that say which number each word is")
        raise ValueError(f"column {name!r} holds its numbers as text, expected numbers")
    _refuse(_missing(column), name, column, "a number")
    if _is_list(column.type):
        return _lists(name, column)
    if pa.types.is_temporal(column.type):
        raise ValueError(f"column {name!r} holds {column.type}, expected numbers, or a unit in dates, such as 'hours'")
    if not any(is_kind(column.type) for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)):
        raise ValueError(f"column {name!r} holds {column.type}, expected numbers")
    return np.asarray(column.to_numpy())


def as_categories(name: str, column: Any, words: Words) -> Ints:
    """The number of each row's word, (N,)."""
    column, listed = _plain(column), list(words)
    known = pa.array(listed)
    expected = f"one of {', '.join(map(repr, listed))}"[:150]
    if is_text(known.type) and is_text(column.type):
        codes, texts = _coded(name, column, expected)
        places = pc.index_in(texts, known.cast(texts.type)).fill_null(-1).to_numpy()[codes]
    elif pa.types.is_integer(known.type) and pa.types.is_integer(column.type):
        _refuse(_missing(column), name, column, expected)
        places = pc.index_in(column.cast(known.type), known).fill_null(-1).to_numpy()
    else:
        raise ValueError(f"column {name!r} holds {column.type}, expected {expected}")
    _refuse(places < 0, name, column, expected)
    meant = list(words.values()) if isinstance(words, Mapping) else np.arange(len(listed))
    return np.asarray(np.asarray(meant, np.int64)[places])


def as_times(name: str, column: Any, unit: str, origin: datetime | None) -> Floats:
    """Time since the origin, or since the column's earliest date, in a unit, (N,)."""
    column = _plain(column)
    if is_text(column.type):
        codes, texts = _coded(name, column, "a date")
        words = ~np.asarray(pc.match_substring_regex(texts, _DATE))
        _refuse(words[codes], name, column, "a date, such as 2031-05-28 or 2031-05-28 14:30")
        raise ValueError(f"column {name!r} holds its dates as text, expected dates, all with a zone or all without")
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise ValueError(f"column {name!r} holds {column.type}, expected dates")
    _refuse(_missing(column), name, column, "a date")
    zone = getattr(column.type, "tz", None)
    options = pc.CastOptions(target_type=pa.timestamp("us", zone), allow_time_truncate=True)
    moments = np.asarray(pc.cast(column, options=options).to_numpy(), "datetime64[us]")
    outside = (moments < _FIRST) | (moments > _LAST)
    refuse_rows(outside, f"column {name!r}", moments, "a date in the years 1 to 9999")
    if origin is not None and (origin.tzinfo is None) != (zone is None):
        told = "no zone" if zone is None else f"the zone {zone}"
        raise ValueError(f"column {name!r} holds dates with {told}, expected the same of its origin {origin}")
    start = moments.min() if origin is None else np.datetime64(origin.replace(tzinfo=None) - _offset(origin), "us")
    return np.asarray((moments - start) / np.timedelta64(timedelta(**{unit: 1})))


def as_episodes(name: str, column: Any) -> Ints:
    """The number of each row's episode, (N,), counted from 0: rows of equal entries, which stand together."""
    column = _plain(column)
    if is_text(column.type):
        codes, texts = _coded(name, column, "its episode")
        _refuse(np.asarray(pc.equal(texts, ""))[codes], name, column, "its episode")
    else:
        _refuse(_missing(column), name, column, "its episode")
        codes = column.combine_chunks().dictionary_encode().indices.to_numpy()
    begins = np.r_[True, codes[1:] != codes[:-1]]
    firsts = np.flatnonzero(begins)
    returned = np.zeros(len(codes), bool)
    returned[firsts] = True
    returned[firsts[np.unique(codes[firsts], return_index=True)[1]]] = False
    _refuse(returned, name, column, "another: rows of that episode stand further up, and those of one stand together")
    return np.asarray(np.cumsum(begins) - 1)


_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?$"
_FIRST, _LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31T23:59:59", "us")
_SHOWN = 60  # letters of a value


def _refuse(bad: Bools, name: str, column: Any, expected: str) -> None:
    """As `refuse_rows`, of a column that stays in Arrow."""
    if bad.any():
        row = int(np.argmax(bad))
        value = column[row].as_py()
        shown = "missing" if value is None or value == "" or value != value else repr(value)[:_SHOWN]
        raise RowError.of(f"column {name!r}", row, shown, expected)


def _missing(column: Any) -> Bools:
    return np.asarray(pc.is_null(column, nan_is_null=True))


def _plain(column: Any) -> Any:
    """Without a dictionary, unless it holds texts: a stranger's may be long, and stand in every row.

    Half a float becomes a whole one: not every version of Arrow can do with it what it can with others.
    """
    if pa.types.is_dictionary(column.type) and not is_text(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column


def _coded(name: str, column: Any, expected: str) -> tuple[Ints, Any]:
    """Texts as codes, (N,), of the texts that differ."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.large_string()).dictionary_encode()
    coded = column.unify_dictionaries().combine_chunks()
    _refuse(_missing(coded), name, column, expected)
    texts = coded.dictionary.cast(pa.large_string())
    same = pc.index_in(texts, texts).to_numpy()  # a dictionary of somebody's may hold a text twice
    codes = np.asarray(same[coded.indices.to_numpy()])
    _refuse(_missing(texts)[codes], name, column, expected)
    return codes, texts


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _lists(name: str, column: Any) -> Array:
    lists = column.combine_chunks()
    lengths = np.asarray(pc.list_value_length(lists))
    _refuse(lengths != lengths[0], name, column, f"a list of {lengths[0]} numbers as in row 0")
    flat = lists.flatten()
    if _is_list(flat.type):
        raise ValueError(f"column {name!r} holds lists of lists, expected lists of numbers")
    shape = len(lengths), int(lengths[0])
    _refuse(np.any(_missing(flat).reshape(shape), axis=1), name, column, "numbers: none may be missing")
    return as_numbers(name, pa.chunked_array([flat])).reshape(shape)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()
