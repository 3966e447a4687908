"""What a Parquet file declares before anything in it is decoded: in its footer, and in the headers of its pages.

Arrow believes both, and a stranger's may lie. Of chunks it is not even asked: a footer that is odd in the right place
ends its process. Both are in Thrift's compact protocol (Apache Parquet's `parquet.thrift`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

Struct = dict[int, Any]
"""Fields by their numbers in `parquet.thrift`."""

_LONGEST_HEADER = 32_768  # bytes, of a page


def row_groups(stream: BinaryIO) -> list[tuple[int, list[Struct]]]:
    """The rows of each group of a file's rows, and its columns' chunks, in the order of the schema's leaves.

    Raises:
        ValueError: the footer is longer than a file of this size justifies, or malformed.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 8))
    length = int.from_bytes(stream.read(4), "little")
    if length > (most := min(size, _FOOTER + size // 50)):
        raise ValueError(f"its footer has {length:,} bytes, expected at most {most:,} in a file of this size")
    stream.seek(max(0, size - 8 - length))
    footer, _ = _struct(stream.read(length), 0)
    groups = [(group[3], [chunk[3] for chunk in group[1]]) for group in footer[4]]
    for rows, _ in groups:
        _check_whole("a group of rows", rows)
    return groups


def page_sizes(stream: BinaryIO, chunk: Struct) -> tuple[int, int]:
    """Values in the data pages of a column's chunk, and the bytes of all its pages, decompressed.

    Raises:
        ValueError: a header is malformed, or a page does not lie within its chunk.
    """
    at = chunk[9]
    at, values, size = min(at, chunk.get(11) or at), 0, 0  # the dictionary's page comes first, where there is one
    for header in _headers(stream, at, at + chunk[7]):
        data = header.get(5) or header.get(8) or {}  # a data page of the first or the second version
        values, size = values + data.get(1, 0), size + header[2]
    return values, size


_FOOTER = 200_000  # bytes that any file's may have


def _headers(stream: BinaryIO, at: int, end: int) -> Iterator[Struct]:
    while at < end:
        stream.seek(at)
        header, length = _struct(stream.read(_LONGEST_HEADER), 0)
        numbers = header.get(2), header.get(3), (header.get(5) or header.get(8) or {}).get(1, 0)
        _check_whole(f"the page at byte {at}", *numbers)
        yield header
        at += length + header[3]
    if at > end:
        raise ValueError(f"a page ends at byte {at}, expected none beyond its chunk's {end}")


def _check_whole(name: str, *numbers: Any) -> None:
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError(f"{name} declares {', '.join(map(str, numbers))}, expected whole numbers of at least 0")


def _struct(raw: bytes, at: int) -> tuple[Struct, int]:
    """A struct's fields, and where it ends."""
    fields: Struct = {}
    number = 0
    while kind := raw[at]:
        at += 1
        if kind >> 4:
            number += kind >> 4
        else:
            number, at = _whole(raw, at)
        fields[number], at = _value(raw, at, kind & 15)
    return fields, at + 1


def _value(raw: bytes, at: int, kind: int) -> tuple[Any, int]:
    """A field's value, and where it ends. Bytes and fractions that nobody asks for are None."""
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return raw[at], at + 1
    if kind in (4, 5, 6):
        return _whole(raw, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _unsigned(raw, at)
        return None, at + length
    if kind == 9:
        return _list(raw, at)
    if kind == 12:
        return _struct(raw, at)
    raise ValueError(f"a field has type {kind}, expected one of Parquet's")


def _list(raw: bytes, at: int) -> tuple[list[Any], int]:
    length, kind, at = raw[at] >> 4, raw[at] & 15, at + 1
    if length == 15:
        length, at = _unsigned(raw, at)
    values = []
    for _ in range(length):
        value, at = _value(raw, at, 3 if kind in (1, 2) else kind)  # in a list a truth value is a byte
        values.append(value)
        if at > len(raw):
            raise ValueError(f"a list of {length:,} ends beyond its {len(raw):,} bytes")
    return values, at


def _whole(raw: bytes, at: int) -> tuple[int, int]:
    """A number in zigzag: 0, −1, 1, −2 and so on."""
    number, at = _unsigned(raw, at)
    return (number >> 1) ^ -(number & 1), at


def _unsigned(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while raw[at] & 128:
        number, shift, at = number | (raw[at] & 127) << shift, shift + 7, at + 1
    return number | raw[at] << shift, at + 1
