"""A file is read by its columns and in bounds, whatever it declares; a bad cell is found in it again."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_logs import short_log

from safegrid.dataset import Episodes
from safegrid.formats import sources
from safegrid.formats.table import read_table, write_table

ENDINGS = [".csv", ".parquet"]


def test_a_log_whose_rows_are_all_alike_is_believed_though_its_file_would_be_tiny(tmp_path, monkeypatch):
    ends = np.arange(5_000) % 50 == 49
    log = Episodes.from_arrays(np.zeros(5_000), np.zeros(5_000), np.zeros(5_000), ends, n_actions=1)
    small = write_table(log, tmp_path / "small.parquet").stat().st_size
    monkeypatch.setattr(sources, "_A_FILE", 0)
    monkeypatch.setattr(sources, "_A_BYTE", 20)
    with pytest.raises(ValueError, match=r"its columns need [\d,]+ bytes, expected at most [\d,]+ in a file of [\d,]+"):
        read_table(tmp_path / "small.parquet")
    large = write_table(log, tmp_path / "large.parquet")
    assert large.stat().st_size > 10 * small
    assert read_table(large) == log


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (pa.array([1, 2], pa.decimal128(5, 2)), r"column 'x' holds decimal128\(5, 2\), expected numbers"),
        (pa.array([{"a": 1}] * 2), "column 'x' holds struct<a: int64>, expected numbers"),
        (pa.array([b"1"] * 2), "column 'x' holds binary, expected numbers"),
        (pa.array(["1", "2"]), "column 'x' holds its numbers as text, expected numbers"),
        (pa.array([1.0, None]), "column 'x' in row 1 is missing"),
        (pa.array([1.0, np.nan]), "column 'x' in row 1 is missing"),
        (pa.nulls(2), "column 'x' in row 0 is missing"),
        (pa.array([1, 2**63], pa.uint64()), None),
        (
            pa.array([1, 2**63 + 1], pa.uint64()),
            "column 'x' of observations in row 1 is 9223372036854775809",
        ),
        (pa.array(np.float16([1, 2])), None),
        (pa.array([True, False]), None),
        (pa.array([1, 2]).dictionary_encode(), None),
    ],
)
@pytest.mark.parametrize("stored", [True, False])
def test_a_column_is_taken_exactly_or_not_at_all(odd, message, stored, tmp_path):
    held = pa.table({"x": odd, "a": [0, 0], "over": [False, True]})
    if stored:
        pq.write_table(held, tmp_path / "log.parquet")
        held = tmp_path / "log.parquet"
    roles = {"observations": "x", "actions": "a", "rewards": "a", "terminals": "over"}
    if message is None:
        expected = np.array(odd.to_pylist(), np.float32)[:, None]
        np.testing.assert_array_equal(read_table(held, roles, n_actions=1).observations, expected)
    else:
        with pytest.raises(ValueError, match=message):
            read_table(held, roles, n_actions=1)


def test_a_source_of_another_kind_is_named(tmp_path):
    for name in ("log.xlsx", "log.csv.gz", "log"):
        with pytest.raises(ValueError, match=rf"source is '.*{name}', expected a file that ends in .csv or .parquet"):
            read_table(tmp_path / name)
    with pytest.raises(ValueError, match=r"path is '.*log\.json', expected a file that ends in .csv or .parquet"):
        write_table(short_log(), tmp_path / "log.json")
    with pytest.raises(ValueError, match="source is a int, expected a path, or a table such as pandas's"):
        read_table(3)
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match=r"source is '.*folder\.csv', expected a file"):
        read_table(tmp_path / "folder.csv")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_or_cut_file_is_refused_by_name(ending, tmp_path):
    path = write_table(short_log(), tmp_path / f"log{ending}")
    whole = path.read_bytes()
    for part in (b"", whole[:50], whole[: len(whole) // 2], whole[: whole.index(b"\n") + 1]):
        path.write_bytes(part)
        with pytest.raises(ValueError, match=rf"log\{ending}: "):
            read_table(path, n_actions=4)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_that_does_not_fit_is_refused_before_it_is_read_with_what_it_needs(ending, tmp_path, monkeypatch):
    path = write_table(short_log(n=300), tmp_path / f"log{ending}")

    def read(*_, **__):
        raise AssertionError("it was read")

    monkeypatch.setattr(sources.arrow_csv, "read_csv", read)
    monkeypatch.setattr(sources.pq.ParquetFile, "read", read)
    monkeypatch.setattr(sources.psutil, "virtual_memory", lambda: type("M", (), {"available": 10_000}))
    with pytest.raises(MemoryError, match=rf"log\{ending}: its columns need \d+\.\d GiB, 0\.0 GiB are free"):
        read_table(path, n_actions=4)


def test_what_a_csv_file_needs_is_told_by_its_first_lines(tmp_path):
    path, rows = tmp_path / "log.csv", 100_000
    path.write_text("a,b\n" + "0.123456789,0.987654321\n" * rows)
    assert path.stat().st_size > 2 * 2**20
    assert sources.CsvFile(path).needed(["a"]) == pytest.approx(324 * rows + path.stat().st_size, rel=0.01)


N = 10**5
BOMBS = {
    "rows": lambda: {"x": np.zeros(N)},
    "a text": lambda: {"trip": pa.array(["x" * 200 * N])},
    "lists": lambda: {"x": pa.FixedSizeListArray.from_arrays(np.zeros(20 * N), 20)},
}


@pytest.mark.parametrize("name", BOMBS)
def test_much_in_few_bytes_is_refused_before_it_is_decoded(name, tmp_path, monkeypatch):
    odd, path = BOMBS[name](), tmp_path / "bomb.parquet"
    zero = np.zeros(len(next(iter(odd.values()))))
    pq.write_table(pa.table({"trip": zero, "x": zero, "a": zero, "over": zero > 0} | odd), path, compression="zstd")
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(sources, "_A_FILE", 10**6)
    monkeypatch.setattr(sources.pq.ParquetFile, "read", None)
    roles = {"episode": "trip", "observations": "x", "actions": "a", "rewards": "a", "terminals": "over"}
    with pytest.raises(ValueError, match=r"its columns need [\d,]+ bytes, expected at most"):
        read_table(path, roles, n_actions=1)


def test_a_long_text_in_every_row_stays_one_text(tmp_path):
    rows = 4_000  # of a megabyte
    path, trip = tmp_path / "long.parquet", pa.DictionaryArray.from_arrays(np.zeros(rows, int), ["x" * 10 * N])
    pq.write_table(pa.table({"trip": trip, "x": np.zeros(rows)}), path, compression="zstd")
    roles = {"episode": "trip", "observations": "x", "actions": "x", "rewards": "x"}
    assert read_table(path, roles, n_actions=1, ends="terminal").lengths.tolist() == [rows]


def test_a_footer_that_promises_more_rows_than_its_pages_hold_is_refused(tmp_path):
    path = tmp_path / "log.parquet"
    numbers = np.arange(1_000)
    held = pa.table({"x": numbers / 3, "a": numbers * 0, "r": numbers / 7, "over": numbers == 999})
    pq.write_table(held, path, store_schema=False, write_statistics=False)
    roles = {"observations": "x", "actions": "a", "rewards": "r", "terminals": "over"}
    assert len(read_table(path, roles, n_actions=1)) == 1_000
    raw = path.read_bytes()
    footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    lie = raw[:footer] + raw[footer:].replace(b"\xd0\x0f", b"\xfe\x7f")  # 1 000 and 8 191, in Thrift's zigzag
    assert lie != raw
    path.write_bytes(lie)
    assert pq.ParquetFile(path).metadata.num_rows == 8_191
    with pytest.raises(ValueError, match="x has 1,000 values in 8,191 rows"):
        read_table(path, roles, n_actions=1)


def test_a_footer_that_is_most_of_a_file_is_refused(tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"x": [1.0]}).replace_schema_metadata({"x": "y" * 300_000}), path)
    with pytest.raises(ValueError, match=r"its footer has [\d,]+ bytes, expected at most 2\d\d,\d+ in a"):
        read_table(path, n_actions=1)


def test_more_columns_than_a_log_has_are_refused(tmp_path):
    names = [f"observation_{i}" for i in range(5_000)]
    (tmp_path / "wide.csv").write_text(",".join([*names, "action,reward,terminal"]) + "\n" + "0," * 5_002 + "1\n")
    with pytest.raises(ValueError, match="5,003 columns are asked for, expected at most 4,000, or one of lists"):
        read_table(tmp_path / "wide.csv", n_actions=1)
