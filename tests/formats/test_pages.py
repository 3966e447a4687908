"""The headers of a Parquet file's pages are read as Arrow writes them, and none beyond its column's chunk."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safegrid.formats.pages import page_sizes, row_groups


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_headers_of_pages_say_what_the_footer_says(version, compression, tmp_path):
    n = 3_000
    held = pa.table({
        "number": np.random.default_rng(0).normal(size=n), "text": [f"{i % 7}" for i in range(n)],
        "gap": pa.array([None, 1] * (n // 2)), "lists": [[1.0] * (i % 3) for i in range(n)], "truth": [True] * n,
    })  # fmt: skip
    path = tmp_path / "any.parquet"
    made = {"data_page_version": version, "compression": compression, "data_page_size": 2_000, "row_group_size": 2_000}
    pq.write_table(held, path, write_page_checksum=True, **made)
    metadata = pq.ParquetFile(path).metadata
    with open(path, "rb") as stream:
        groups = row_groups(stream)
        assert [rows for rows, _ in groups] == [2_000, 1_000]
        for group, (_, chunks) in enumerate(groups):
            assert len(chunks) == metadata.num_columns == 5
            for i, chunk in enumerate(chunks):
                told = metadata.row_group(group).column(i)
                values, size = page_sizes(stream, chunk)
                assert values == told.num_values
                assert 0 < size <= told.total_uncompressed_size < size + 60 * (5 + values * 8 // 2_000)


def chunk_of(raw):
    return {9: 0, 7: len(raw)}


PAGE = b"\x15\x00\x15\x10\x15\x04\x2c\x15\x06\x00\x00ab"
"""Type 0, 8 bytes decompressed, 2 in the file, and a struct that says 3 values; then the two bytes."""


def test_pages_are_added_up():
    assert page_sizes(io.BytesIO(3 * PAGE), chunk_of(3 * PAGE)) == (9, 24)


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        (PAGE[:-1], ValueError, "a page ends at byte 13, expected none beyond its chunk's 12"),
        (b"\x00ab", ValueError, "the page at byte 0 declares None, None, 0, expected whole numbers of at"),
        (PAGE.replace(b"\x15\x10", b"\x15\x0f"), ValueError, "declares -8, 2, 3"),
        (PAGE.replace(b"\x15\x06", b"\x15\x05"), ValueError, "declares 8, 2, -3"),
        (PAGE.replace(b"\x15\x10", b"\x1b\x10"), ValueError, "a field has type 11, expected one of Parquet's"),
        (b"\x19\xf3" + b"\xff" * 4 + b"\x0f" + PAGE, IndexError, "range"),
        (b"\x19\xf8" + b"\xff" * 4 + b"\x0f\x7f" + PAGE, ValueError, "a list of [0-9,]+ ends beyond its 21 bytes"),
        (b"\x1c" * 40_000, RecursionError, "recursion"),
        (b"\x15" + b"\xff" * 40_000, IndexError, "range"),
    ],
)
def test_a_malformed_header_ends_the_walk(raw, error, message):
    """A reader turns all of these into a ValueError that names the file."""
    with pytest.raises(error, match=message):
        page_sizes(io.BytesIO(raw), chunk_of(raw))
