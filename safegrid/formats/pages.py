"""What a Parquet file declares before anything in it is decoded: the sizes in its footer and in its pages' headers.

Arrow believes both, and a stranger's may lie. The headers are in Thrift's compact protocol (Apache Parquet's
`parquet.thrift`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

_LONGEST_HEADER = 32_768  # bytes, of a page


def footer_size(stream: BinaryIO) -> int:
    """Bytes of the footer, as the last eight of the file say."""
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - 8))
    return int.from_bytes(stream.read(4), "little")


def page_sizes(stream: BinaryIO, chunk: Any) -> tuple[int, int]:
    """Values in the data pages of a column's chunk, and the bytes of all its pages, decompressed.

    Args:
        stream: the file.
        chunk: pyarrow's metadata of the chunk, which say only where it lies.

    Raises:
        ValueError: a header is malformed, or a page does not lie within its chunk.
    """
    at, values, size = chunk.data_page_offset, 0, 0
    if chunk.has_dictionary_page:
        at = min(at, chunk.dictionary_page_offset or at)
    end = at + chunk.total_compressed_size
    for header in _headers(stream, at, end):
        data = header.get(5) or header.get(8) or {}  # a data page of the first or the second version
        values, size = values + data.get(1, 0), size + header[2]
    return values, size


def _headers(stream: BinaryIO, at: int, end: int) -> Iterator[dict[int, Any]]:
    while at < end:
        stream.seek(at)
        header, length = _struct(stream.read(_LONGEST_HEADER), 0)
        numbers = [header.get(2), header.get(3), (header.get(5) or header.get(8) or {}).get(1, 0)]
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            raise ValueError(f"the page at byte {at} declares {numbers}, expected its sizes and its number of values")
        yield header
        at += length + header[3]
    if at > end:
        raise ValueError(f"a page ends at byte {at}, expected none beyond its chunk's {end}")


def _struct(raw: bytes, at: int) -> tuple[dict[int, Any], int]:
    """A struct's fields by number, and where it ends."""
    fields: dict[int, Any] = {}
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
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return raw[at], at + 1
    if kind in (4, 5, 6):
        return _whole(raw, at)
    if kind == 8:
        length, at = _unsigned(raw, at)
        return None, at + length
    if kind == 12:
        return _struct(raw, at)
    raise ValueError(f"a page's header has a field of type {kind}, expected numbers, bytes or a struct")


def _whole(raw: bytes, at: int) -> tuple[int, int]:
    """A number in zigzag: 0, −1, 1, −2 and so on."""
    number, at = _unsigned(raw, at)
    return (number >> 1) ^ -(number & 1), at


def _unsigned(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while raw[at] & 128:
        number, shift, at = number | (raw[at] & 127) << shift, shift + 7, at + 1
    return number | raw[at] << shift, at + 1
