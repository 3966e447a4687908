"""A table is read as what it says, or refused by its column, its row and its line; what is written is read again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from example_logs import any_log, columns, short_log
from hypothesis import given, settings

from safegrid.dataset import Episodes
from safegrid.formats import table
from safegrid.formats.table import read_table, write_table

ENDINGS = [".csv", ".parquet"]
WARD = """patient,hour,when,severity,treatment,gain,harm,outcome
a,0,2031-05-28 06:00,1,wait,0.5,0,in care
a,1,2031-05-28 07:00,2,drug,1,true,cured
b,0,2031-05-29 06:00,0,wait,0,false,in care
b,1,2031-05-29 07:00,1,drug,-1,1,died
"""
ROLES = {"episode": "patient", "step": "hour", "observations": ["severity"], "actions": "treatment", "rewards": "gain",
         "costs": "harm", "terminals": "outcome"}  # fmt: skip
WORDS = {"treatment": ["wait", "drug"], "outcome": {"in care": 0, "cured": 1, "died": 1}}


def ward(tmp_path, text=WARD, roles=ROLES, **told):
    path = tmp_path / "ward.csv"
    path.write_bytes(text.encode())
    return read_table(path, roles, **({"categories": WORDS} | told))


def without(mapping, *names):
    return {name: value for name, value in mapping.items() if name not in names}


@pytest.mark.parametrize("ending", ENDINGS)
@settings(deadline=None, max_examples=15)
@given(log=any_log())
def test_what_is_written_is_read_again(ending, log, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / f"log{ending}"
    assert write_table(log, path) == path
    assert read_table(path, n_actions=log.n_actions) == log


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_float32_comes_back_as_it_was(ending, tmp_path):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    whole = np.r_[2.0 ** np.arange(-149, 128), rng.integers(-(2**53), 2**53, 500), 2**24 + 2 * np.arange(50)]
    numbers = np.r_[bits[np.isfinite(bits)], whole.astype(np.float32), np.float32([0.1, -0.0, 16777216, 1e10])]
    ends = np.arange(len(numbers)) == len(numbers) - 1
    log = Episodes.from_arrays(numbers, np.zeros(len(ends)), numbers, ends, n_actions=1, costs=abs(numbers))
    assert read_table(write_table(log, tmp_path / f"log{ending}"), n_actions=1) == log


def test_csv_is_what_a_person_would_write(tmp_path):
    log = Episodes.from_arrays([[0.1, 2]], [1], [-0.5], [True], n_actions=2, next_observations=[[3, 1e10]], states=[7])
    assert write_table(log, tmp_path / "log.csv").read_text() == (
        "episode,observation_0,observation_1,action,reward,next_observation_0,next_observation_1,terminal,timeout,cost,"
        "state,next_state\n0,0.1,2,1,-0.5,3,1e+10,true,false,0,7,-1\n"
    )


def test_parquet_knows_how_many_actions_there_are_and_csv_must_be_told(tmp_path):
    log = short_log()
    assert read_table(write_table(log, tmp_path / "log.PARQUET")).n_actions == 4
    with pytest.raises(ValueError, match="n_actions is None, expected the size of the action space, or a list of cat"):
        read_table(write_table(log, tmp_path / "log.csv"))


class Handed:
    """Only Arrow's protocol, as any library has it."""

    def __init__(self, held):
        self.held = held

    def __arrow_c_stream__(self, requested_schema=None):
        return self.held.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("library", ["pyarrow", "protocol", "pandas", "polars"])
def test_a_table_in_memory_is_read_as_the_file_is(library, tmp_path):
    log = short_log()
    path = write_table(log, tmp_path / "log.parquet")
    if library in ("pyarrow", "protocol"):
        held = pq.read_table(path).replace_schema_metadata()
        held = held if library == "pyarrow" else Handed(held)
    else:
        held = pytest.importorskip(library).read_parquet(path)
    assert read_table(held, n_actions=4) == log


def test_words_dates_and_truth_become_numbers_as_told(tmp_path):
    log = ward(tmp_path)
    assert log.actions.tolist() == [0, 1, 0, 1]
    assert log.n_actions == 2
    assert log.terminals.tolist() == [False, True, False, True]
    assert log.costs.tolist() == [0, 1, 0, 1]
    assert log.rewards.tolist() == [0.5, 1, 0, -1]
    assert log.observations.ravel().tolist() == [1, 2, 0, 1]
    assert log.next_observations.ravel().tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_text_is_text_however_it_is_stored(kind, tmp_path):
    held = arrow_csv.read_csv(pa.BufferReader(WARD.encode()))
    for name in ("patient", "treatment", "outcome"):
        held = held.set_column(held.column_names.index(name), name, held[name].cast(kind))
    assert read_table(held, ROLES, categories=WORDS) == ward(tmp_path)


def test_whole_numbers_may_be_categories_too():
    held = pa.table({"dose": [250, 0, 500], "x": [1.0, 2.0, 3.0], "r": [0, 0, 0], "over": [0, 0, 1]})
    roles = {"actions": "dose", "observations": "x", "rewards": "r", "terminals": "over"}
    assert read_table(held, roles, categories={"dose": [0, 250, 500]}).actions.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="column 'dose' in row 2 is 500, expected one of 0, 250"):
        read_table(held, roles, categories={"dose": [0, 250]})


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("hours", [0, 1, 24, 25]),
        ("minutes", [0, 60, 1440, 1500]),
        (("days", "2031-05-27T06:00"), [1, 1 + 1 / 24, 2, 2 + 1 / 24]),
        (("seconds", "2031-05-29 07:00"), [-90_000, -86_400, -3_600, 0]),
    ],
)
def test_a_date_is_the_time_since_the_first_or_since_what_is_said(unit, expected, tmp_path):
    roles = ROLES | {"observations": ["when", "severity"]}
    seen = ward(tmp_path, roles=roles, dates={"when": unit}).observations
    np.testing.assert_array_equal(seen[:, 0], np.float32(expected))
    if isinstance(unit, tuple):
        zoned = WARD.replace(":00,", ":00+02:00,")
        with pytest.raises(ValueError, match="column 'when' holds dates with the zone UTC, expected the same of"):
            ward(tmp_path, zoned, roles, dates={"when": unit})
        there = unit[0], unit[1] + "+02:00"
        np.testing.assert_array_equal(ward(tmp_path, zoned, roles, dates={"when": there}).observations, seen)


def test_dates_may_be_steps_if_they_rise(tmp_path):
    roles = ROLES | {"step": "when"}
    assert ward(tmp_path, roles=roles, dates={"when": "minutes"}) == ward(tmp_path)
    late = WARD.replace("28 07", "28 06")
    with pytest.raises(ValueError, match=r"line 3, column 'when': step in row 1 is 0.0, expected more than"):
        ward(tmp_path, late, roles, dates={"when": "minutes"})


def test_a_date_far_off_is_none_of_another_century(tmp_path):
    """Parquet's old dates are 96 bits wide; Arrow would fold those after 2262 into 64 bits of nanoseconds."""
    when = pa.array(np.array(["3000-01-01T00", "3000-01-01T06"], "M8[us]"))
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table({"when": when, "a": [0, 0], "over": [0, 1]}), path, use_deprecated_int96_timestamps=True)
    roles = {"observations": "when", "actions": "a", "rewards": "a", "terminals": "over"}
    log = read_table(path, roles, n_actions=1, dates={"when": ("days", "2999-12-31")})
    assert log.observations.ravel().tolist() == [1, 1.25]


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.int16()), pa.list_(pa.float32(), 2)])
def test_observations_may_be_lists(kind):
    held = pa.table({"seen": pa.array([[1, 2], [3, 4]], kind), "a": [0, 1], "r": [1.0, 2.0], "over": [False, True]})
    roles = {"observations": "seen", "actions": "a", "rewards": "r", "terminals": "over"}
    assert read_table(held, roles, n_actions=2).observations.tolist() == [[1, 2], [3, 4]]
    for odd, message in (
        ([[1, 2], [3]], r"column 'seen' in row 1 is \[3\], expected a list of 2 numbers as in row 0"),
        ([[1, 2], [3, None]], r"column 'seen' in row 1 is \[3, None\], expected numbers: none may be missing"),
        ([[1, 2], None], "column 'seen' in row 1 is missing, expected a number"),
        ([["a"], ["b"]], "column 'seen' in row 0 is 'a', expected a number"),
        ([[[1]], [[1]]], "column 'seen' holds lists of lists, expected lists of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            read_table(held.set_column(0, "seen", pa.array(odd)), roles, n_actions=2)
    with pytest.raises(ValueError, match="column 'seen' holds lists, expected numbers beside other"):
        read_table(held, roles | {"observations": ["seen", "a"]}, n_actions=2)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("0.5", "a lot", "line 2: column 'gain' in row 0 is 'a lot', expected a number, or categories"),
        ("0.5", "", "line 2: column 'gain' in row 0 is missing, expected a number"),
        ("b,1,", ",1,", "line 5: column 'patient' in row 3 is missing, expected its episode"),
        (
            "b,1,",
            "a,1,",
            "line 5: column 'patient' in row 3 is 'a', expected another: rows of that episode",
        ),
        ("b,1,", "b,2,", "line 5, column 'hour': step in row 3 is 2, expected one more than in the row before it"),
        ("b,1,", "b,-1,", "line 5, column 'hour': step in row 3 is -1, expected more than in the row before it"),
        ("drug,-1", "pray,-1", "line 5: column 'treatment' in row 3 is 'pray', expected one of 'wait', 'drug'"),
        ("drug,-1", ",-1", "line 5: column 'treatment' in row 3 is missing, expected one of"),
        ("1,died", "1,", "line 5: column 'outcome' in row 3 is missing, expected one of 'in care', 'cured', 'died'"),
        ("0.5,0", "0.5,2031-01-01", "column 'harm' in row 0 is '2031-01-01', expected a number"),
        ("0.5", "1e39", r"line 2, column 'gain': rewards in row 0 is 1e\+39, expected at most 3.4e\+38 in size"),
        ("0.5", "inf", "line 2, column 'gain': rewards in row 0 is inf, expected finite numbers"),
        (":00,2,", ":00,16777217,", "line 3: column 'severity' of observations in row 1 is 16777217, expected a whole"),
        (
            ":00,2,",
            ":00,9007199254740993,",
            "'severity' of observations in row 1 is 9007199254740993, expected",
        ),
        (":00,1,wait", ":00,1.5,wait", "'severity' in row 1 is 9007199254740993, expected a whole number that float64"),
        (
            "in care\nb,1",
            "died\nb,1",
            "line 4, column 'outcome': terminals in row 2 is True, expected False",
        ),
        ("1,died", "1,died,x", "Row #5: Expected 8 columns, got 9"),
        ("died", "di\xe9d", "column 'outcome' in row 3 is 'diéd'"),
    ],
)
def test_a_bad_cell_is_named_by_column_row_and_line(before, after, message, tmp_path):
    text = WARD.replace(before, after)
    if "1.5" in after:
        text = text.replace(":00,2,", ":00,9007199254740993,")
    assert text != WARD
    with pytest.raises(ValueError, match=rf"ward\.csv: cannot be read as a log \(ValueError: .*{message}"):
        ward(tmp_path, text)


def test_the_line_is_the_files_own_whatever_stands_above(tmp_path):
    lines = WARD.replace("-1,1", "bad,1").splitlines()
    text = "\ufeff\r\n" + "\r\n\r\n".join([lines[0].replace("hour", '"hour",note'), *lines[1:]])
    for row, note in zip("ab", ('"two\r\nlines"', "x"), strict=True):
        text = text.replace(f"{row},0,", f"{row},0,{note},").replace(f"{row},1,", f"{row},1,,")
    with pytest.raises(ValueError, match="line 11: column 'gain' in row 3 is 'bad'"):
        ward(tmp_path, text)
    assert ward(tmp_path, text.replace("bad", "-1")) == ward(tmp_path)


@pytest.mark.parametrize("column", ["actions", "terminals", "states"])
def test_a_row_is_counted_before_last_steps_are_dropped(column, tmp_path):
    log = short_log()
    held = columns(log)
    row = len(log) - 1
    held[column][row] = {"actions": 4, "terminals": 0, "states": -2}[column]
    held["timeouts"][row] = False
    names = {"observation_0": log.observations[:, 0], "action": held["actions"], "reward": held["rewards"]}
    names |= {"terminal": held["terminals"], "timeout": held["timeouts"], "state": held["states"]}
    arrow_csv.write_csv(pa.table(names), tmp_path / "log.csv")
    assert log.timeouts.sum() > 1
    with pytest.raises(ValueError, match=rf"line {row + 2}, column '.*': {column} in row {row} is"):
        read_table(tmp_path / "log.csv", n_actions=4)


def test_an_end_is_said_and_never_guessed(tmp_path):
    roles = without(ROLES, "terminals")
    told = {"categories": without(WORDS, "outcome")}
    with pytest.raises(ValueError, match=r"ward\.csv: no column says which steps are terminals, expected one, for"):
        ward(tmp_path, roles=roles, **told)
    assert ward(tmp_path, roles=roles, ends="terminal", **told) == ward(tmp_path)
    cut = ward(tmp_path, roles=roles, ends="timeout", **told)
    assert (len(cut), cut.timeouts.tolist(), cut.terminals.any()) == (2, [True, True], False)
    after = {"next_observations": "severity"}
    with pytest.raises(
        ValueError, match=r"next_observations in row 0 is .*, expected the observation of the row after"
    ):
        ward(tmp_path, roles=roles | after, ends="timeout", **told)
    with pytest.raises(ValueError, match="ends is 'timeout' beside a column for terminals, expected None"):
        ward(tmp_path, ends="timeout")
    with pytest.raises(ValueError, match="ends is 'terminal' beside no column for episode, expected None"):
        ward(tmp_path, roles=without(roles, "episode", "step"), ends="terminal", **told)
    with pytest.raises(ValueError, match="ends is 'maybe', expected 'terminal' or 'timeout'"):
        ward(tmp_path, ends="maybe")


def test_an_episode_whose_last_row_has_no_flag_was_cut_and_its_last_step_is_dropped(tmp_path):
    log = ward(tmp_path, WARD.replace("1,died", "1,in care"))
    assert (log.lengths.tolist(), log.timeouts.tolist()) == ([2, 1], [False, False, True])
    assert log.next_observations[2] == 1


def test_flags_alone_end_episodes_and_the_last_row_must_have_one(tmp_path):
    roles = without(ROLES, "episode", "step")
    assert ward(tmp_path, roles=roles) == ward(tmp_path)
    with pytest.raises(ValueError, match=r"line 5, column 'outcome': terminals in row 3 is 0, expected an end"):
        ward(tmp_path, WARD.replace("1,died", "1,in care"), roles)
    with pytest.raises(ValueError, match="step is given without episode"):
        ward(tmp_path, roles=roles | {"step": "hour"})


def test_episodes_are_texts_so_that_007_is_not_7(tmp_path):
    text = WARD.replace("\na,", "\n007,").replace("\nb,", "\n7,")
    assert ward(tmp_path, text).n_episodes == 2
    with pytest.raises(ValueError, match="terminals in row 1 is True, expected False: its episode goes on"):
        ward(tmp_path, text.replace("007", "7"), without(ROLES, "step"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": ROLES | {"reward": "gain"}}, r"columns has 'reward', expected .* \(did you mean 'rewards'\?\)"),
        ({"columns": without(ROLES, "actions")}, "columns has no 'actions', expected the name of their column"),
        (
            {"columns": ROLES | {"actions": ["treatment"]}},
            r"columns\['actions'\] is \['treatment'\], expected a",
        ),
        (
            {"columns": ROLES | {"observations": []}},
            r"columns\['observations'\] is \[\], expected a column's",
        ),
        ({"columns": ["severity"]}, r"columns is \['severity'\], expected a mapping"),
        (
            {"columns": ROLES | {"rewards": "gains"}},
            r"ward.csv: column 'gains', for rewards, is missing \(did you",
        ),
        (
            {"columns": ROLES | {"rewards": "gains"}},
            "expected it once among 'patient', 'hour', 'when', 'severity'",
        ),
        ({"columns": None}, "'observation_0', for observations, is missing; .* say other names in columns"),
        (
            {"categories": WORDS | {"treatmnt": ["a"]}},
            r"column 'treatmnt' has categories or dates and is not read",
        ),
        ({"categories": {"treatment": "drug"}}, r"categories\['treatment'\] is 'drug', expected a list of words"),
        (
            {"categories": {"treatment": ["a", "a"]}},
            r"categories\['treatment'\] is \['a', 'a'\], expected a list",
        ),
        ({"categories": {"treatment": ["a", 1]}}, r"categories\['treatment'\] is \['a', 1\], expected a list of words"),
        (
            {"categories": {"treatment": {"a": 0.5}}},
            r"categories\['treatment'\]\['a'\] is 0.5, expected a whole",
        ),
        ({"categories": {"treatment": []}}, r"categories\['treatment'\] is \[\], expected a list of words"),
        ({"categories": {"treatment": [1, 2]}}, "column 'treatment' holds string, expected one of 1, 2"),
        ({"dates": {"hour": "hours"}}, "column 'hour' holds int64, expected dates"),
        ({"dates": {"when": "years"}}, r"dates\['when'\] is 'years', expected one of seconds, minutes, hours, days"),
        ({"dates": {"when": ("days", "May")}}, r"dates\['when'\] is \('days', 'May'\), expected an origin such as"),
        (
            {"columns": ROLES | {"step": "when"}},
            r"column 'when' holds timestamp\[s\], expected numbers, or a",
        ),
        ({"n_actions": 0}, "n_actions is 0, expected a whole number of at least 1"),
        ({"n_actions": 1}, "line 3, column 'treatment': actions in row 1 is 1, expected an action in 0…0"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(changes, message, tmp_path):
    (tmp_path / "ward.csv").write_text(WARD)
    told = {"columns": ROLES, "categories": WORDS} | changes
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "ward.csv", **told)


def test_a_date_that_is_none_is_named_by_its_row(tmp_path):
    roles = ROLES | {"observations": "when"}
    for text, message in (
        ("soon", "line 3: column 'when' in row 1 is 'soon', expected a date, such as"),
        ("", "line 3: column 'when' in row 1 is missing, expected a date"),
        ("2031-05-28 07:00Z", "column 'when' holds its dates as text, expected dates, all with a zone or all without"),
    ):
        with pytest.raises(ValueError, match=message):
            ward(tmp_path, WARD.replace("2031-05-28 07:00", text), roles, dates={"when": "hours"})
    held = pa.table({"when": pa.array([0, 10**12], pa.timestamp("s")), "a": [0, 0], "over": [0, 1]})
    roles = {"observations": "when", "actions": "a", "rewards": "a", "terminals": "over"}
    with pytest.raises(ValueError, match=r"column 'when' in row 1 is 33658-.*, expected a date in the years 1 to 9999"):
        read_table(held, roles, n_actions=1, dates={"when": "days"})


def test_a_column_that_stands_there_twice_is_refused_if_it_is_read(tmp_path):
    double = WARD.replace("harm", "gain")
    with pytest.raises(ValueError, match="column 'gain', for rewards, stands there twice"):
        ward(tmp_path, double, without(ROLES, "costs"))
    assert len(ward(tmp_path, WARD.replace("hour", "when"), without(ROLES, "step"))) == 4


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_replaced_whole_or_not_at_all(ending, tmp_path, monkeypatch):
    first, path = short_log(0), tmp_path / f"log{ending}"
    write_table(first, path)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(table.arrow_csv, "write_csv", interrupted)
        patch.setattr(table.pq, "write_table", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_table(short_log(1), path)
    assert os.listdir(tmp_path) == [path.name]
    assert read_table(path, n_actions=4) == first
    assert read_table(write_table(short_log(1), path), n_actions=4) == short_log(1)


def test_without_pyarrow_the_rest_works_and_it_is_said_what_to_install():
    code = "import sys; sys.modules['pyarrow'] = None; import safegrid as sg; sg.Episodes; sg.read_table"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert "read_table and write_table need pyarrow: pip install 'safegrid[tables]'" in done.stderr
