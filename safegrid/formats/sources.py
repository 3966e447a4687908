"""Where a table stands: a CSV file, a Parquet file, or memory. What reading it takes is known before it is taken."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from safegrid.checks import RowError

from .pages import page_sizes, row_groups


class Source(Protocol):
    """A table that is read by column.

    Attributes:
        where: its path, or "source".
        names: of all its columns.
        metadata: what a writer said of it.
    """

    where: str
    names: list[str]
    metadata: dict[bytes, bytes]

    def read(self, names: Sequence[str], texts: Collection[str]) -> Any:
        """Some columns as an Arrow table; those of `texts` stay texts, though they look like numbers."""

    def place(self, row: int) -> str:
        """Where a row stands beside its number, such as "line 7", or nothing."""


class InMemory:
    """Whatever hands itself over by Arrow's PyCapsule protocol."""

    def __init__(self, table: Any) -> None:
        self.where = "source"
        self._table = table if isinstance(table, pa.Table) else pa.table(table)
        self.names, self.metadata = list(self._table.column_names), dict(self._table.schema.metadata or {})

    def read(self, names: Sequence[str], texts: Collection[str]) -> Any:
        """See `Source`."""
        return self._table.select(list(names))

    def place(self, row: int) -> str:
        """Nowhere else."""
        return ""


class CsvFile:
    """Comma-separated values in UTF-8 below a line of names (RFC 4180)."""

    def __init__(self, path: Path) -> None:
        self.where, self._size = str(path), path.stat().st_size
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.read(_HEAD)
        lines = max(1, head.count("\n") or head.count("\r"))
        self._rows = self._size * lines // max(1, len(head.encode()))
        self.names = next(filter(None, csv.reader(io.StringIO(head, newline=""))), [])
        self.metadata: dict[bytes, bytes] = {}

    def read(self, names: Sequence[str], texts: Collection[str]) -> Any:
        """See `Source`; a whole number that a float64 does not hold is refused."""
        _check_width(names)
        _check_memory(self.where, self.needed(names))
        table = self._read(names, dict.fromkeys(texts, pa.string()))
        floats = [name for name in names if pa.types.is_floating(table.column(name).type)]
        if large := [name for name in floats if pc.any(_large(table.column(name))).as_py()]:
            written = self._read(large, dict.fromkeys(large, pa.string()))
            for name in large:
                _refuse_rounded(name, table.column(name), written.column(name))
        return table

    def needed(self, names: Sequence[str]) -> int:
        """Bytes that reading some columns takes, if all rows are as long as the first."""
        return _needed(self._rows, self._rows * len(names), min(self._size, _AHEAD))

    def _read(self, names: Sequence[str], types: dict[str, Any]) -> Any:
        parse = arrow_csv.ParseOptions(newlines_in_values=True)
        convert = arrow_csv.ConvertOptions(include_columns=list(names), column_types=types)
        try:
            return arrow_csv.read_csv(self.where, None, parse, convert)
        except pa.ArrowInvalid:  # one thread says in which row
            return arrow_csv.read_csv(self.where, arrow_csv.ReadOptions(use_threads=False), parse, convert)

    def place(self, row: int) -> str:
        """The line on which a row begins; the first is 1, and has the names."""
        begin, left = 1, row + 1  # the names are a record too
        try:
            with open(self.where, encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file)
                for record in reader:
                    if left == 0 and record:
                        return f"line {begin}"
                    left, begin = left - bool(record), reader.line_num + 1
        except (csv.Error, UnicodeDecodeError):  # Python reads fewer files than Arrow
            pass
        return ""


class ParquetFile:
    """Apache Parquet. Texts stay codes of those that differ."""

    def __init__(self, path: Path) -> None:
        self.where, self._size = str(path), path.stat().st_size
        with open(path, "rb") as stream:
            self._groups = row_groups(stream)
        with pq.ParquetFile(self.where) as file:
            self.names, self.metadata = list(file.schema_arrow.names), dict(file.schema_arrow.metadata or {})
            self._leaves = [file.schema.column(i) for i in range(len(file.schema))]

    def read(self, names: Sequence[str], texts: Collection[str]) -> Any:
        """See `Source`; refused before it is decoded where it declares more than its size justifies."""
        _check_width(names)
        needed, most = self.needed(names), self._most()
        if needed > most:
            raise ValueError(
                f"its columns need {needed:,} bytes, expected at most {most:,} in a file of {self._size:,}; if you "
                "trust it, read it with pyarrow and pass that table"
            )
        _check_memory(self.where, needed)
        texts = [leaf.path for leaf in self._leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.path in names]
        with pq.ParquetFile(self.where, read_dictionary=texts, coerce_int96_timestamp_unit="us") as file:
            return file.read(list(names), use_threads=False)

    def is_believed(self, names: Sequence[str]) -> bool:
        """Whether `read` would read some columns of a file of this size."""
        return self.needed(names) <= self._most()

    def _most(self) -> int:
        """Bytes that reading the file may take."""
        return _A_FILE + _A_BYTE * self._size

    def needed(self, names: Sequence[str]) -> int:
        """Bytes that reading some columns takes at most, by the headers of their pages."""
        rows = values = size = 0
        wanted = [i for i, leaf in enumerate(self._leaves) if _is_of(names, leaf)]
        with open(self.where, "rb") as stream:
            for its_rows, chunks in self._groups:
                rows += its_rows
                for i in wanted:
                    its_values, its_size = page_sizes(stream, chunks[i])
                    if its_values < its_rows:
                        raise ValueError(f"{self._leaves[i].path} has {its_values:,} values in {its_rows:,} rows")
                    values, size = values + its_values, size + its_size
        return _needed(rows, values, size)

    def place(self, row: int) -> str:
        """Nowhere else."""
        return ""


_WIDEST = 4_000  # columns of a file: Arrow takes some 10 kB for each, however short
_AHEAD = 128 << 20  # bytes of a CSV file that Arrow reads ahead of what it has parsed
_HEAD = 1 << 20  # letters of a CSV file that are looked at first, as many as Arrow's first block
_A_FILE, _A_BYTE = 80_000_000, 1_000  # bytes of memory that any Parquet file may take, and more for each of its own
_A_VALUE, _A_ROW = 24, 300  # bytes of memory: a number in Arrow and in arrays; a row of `Episodes`, and its copies
_LONGEST_FIXED = 16  # bytes of a value of fixed length: a decimal's


def _needed(rows: int, values: int, page_bytes: int) -> int:
    return _A_ROW * rows + _A_VALUE * values + page_bytes


def _check_width(names: Sequence[str]) -> None:
    if len(names) > _WIDEST:
        raise ValueError(f"{len(names):,} columns are asked for, expected at most {_WIDEST:,}, or one of lists")


def _check_memory(where: str, needed: int) -> None:
    if needed > (there := psutil.virtual_memory().available):
        raise MemoryError(
            f"{where}: its columns need {needed / 2**30:.1f} GiB, {there / 2**30:.1f} GiB are free; "
            "expected fewer rows: a log stands in memory as a whole"
        )


def _large(column: Any) -> Any:
    return pc.greater_equal(pc.abs(column), 2.0**53)


def _refuse_rounded(name: str, column: Any, written: Any) -> None:
    """A whole number in a column that Arrow took for numbers with a point, beyond those that float64 tells apart."""
    whole = pc.and_(_large(column).fill_null(False), pc.match_substring_regex(written, r"^\s*[+-]?\d+\s*$"))
    for row in np.flatnonzero(np.asarray(whole)):
        text, value = written[row].as_py(), column[row].as_py()
        if not np.isfinite(value) or int(text) != int(value):
            expected = "a whole number that float64 holds: it would become another"
            raise RowError.of(f"column {name!r}", int(row), text.strip()[:60], expected)


def _is_of(names: Collection[str], column: Any) -> bool:
    """Whether a leaf of the schema is one of the columns, or in one; a leaf that cannot be numbers is refused."""
    parts = column.path.split(".")
    if not any(".".join(parts[: i + 1]) in names for i in range(len(parts))):
        return False
    if column.physical_type == "BYTE_ARRAY" and column.path not in names:
        raise ValueError(f"{column.path} holds texts in lists, expected numbers")
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY" and column.length > _LONGEST_FIXED:
        raise ValueError(f"{column.path} holds {column.length} bytes in each row, expected numbers")
    return True


def opened(source: Any) -> Source:
    """The source by its kind: what hands itself over is a table in memory, and the suffix of a path says its format."""
    if isinstance(source, Path):
        return CsvFile(source) if source.suffix.lower() == ".csv" else ParquetFile(source)
    return InMemory(source)
