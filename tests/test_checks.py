"""Columns hold what they were given, or are refused by name."""

import re

import numpy as np
import pytest

from safegrid.dataset import Episodes

LARGE = [100_000_000, 100_000_001, 100_000_002]


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("observations", "next_observations", "rewards", "costs")
     for kind in (np.int64, np.float64, np.uint32) if kind != np.float64 or "observations" in name],
)  # fmt: skip
def test_whole_numbers_that_float32_takes_for_one_another_are_refused(name, kind):
    plain = {"observations": [0, 1, 2], "next_observations": [1, 2, 3], "rewards": [0, 0, 0], "costs": [0, 0, 0]}
    rest = {"actions": [0, 0, 0], "terminals": [0, 0, 1], "n_actions": 1}
    with pytest.raises(ValueError, match=rf"{name} in row 1 is .*1.* holds: it would become another"):
        Episodes.from_arrays(**plain | {name: np.array(LARGE, kind)}, **rest)


def test_numbers_that_float32_rounds_or_holds_pass():
    observations = np.array([2**24, 2**25 + 2**2, 0.1 + 2**30, -(2**60)])
    log = Episodes.from_arrays(observations, [0] * 4, [0.1] * 4, [0, 0, 0, 1], n_actions=1)
    np.testing.assert_array_equal(log.observations[:, 0], observations.astype(np.float32))


@pytest.mark.parametrize("value", [1e39, -1e300])
def test_a_number_that_float32_makes_infinite_is_named_as_it_was(value):
    with pytest.raises(ValueError, match=re.escape(f"rewards in row 1 is {value}, expected at most 3.4e+38 in size")):
        Episodes.from_arrays([0, 1], [0, 0], [0.5, value], [0, 1], n_actions=1)


class Nullable:
    """A column as pandas hands it over: an array of objects."""

    def __init__(self, entries):
        self.entries = entries

    def __array__(self, dtype=None, copy=None):
        return np.array(self.entries, object)


def test_columns_of_objects_that_hold_numbers_load():
    columns = {"observations": [[1, 0.5], [2, 1.5]], "actions": [0, 1], "rewards": [0.5, 2], "terminals": [False, True]}
    log = Episodes.from_arrays(**{name: Nullable(entries) for name, entries in columns.items()}, n_actions=2)
    assert log == Episodes.from_arrays(**columns, n_actions=2)


def test_pandas_nullable_columns_load_and_what_is_missing_is_named():
    pandas = pytest.importorskip("pandas")
    kinds = {"observations": "Float64", "actions": "Int64", "rewards": "Float64", "terminals": "boolean"}
    columns = {"observations": [0.5, 1.5], "actions": [0, 1], "rewards": [0.5, 2.0], "terminals": [False, True]}
    given = {name: pandas.Series(columns[name], dtype=kinds[name]) for name in columns}
    assert Episodes.from_arrays(**given, n_actions=2) == Episodes.from_arrays(**columns, n_actions=2)
    for name in columns:
        missing = given[name].copy()
        missing[1] = None
        with pytest.raises(ValueError, match=f"{name} in row 1 is "):
            Episodes.from_arrays(**given | {name: missing}, n_actions=2)


@pytest.mark.parametrize("value", [1e30, 123456789.0, 16777217.5, -(2.0**70) - 2.0**20])
def test_a_large_float_is_rounded_even_if_it_looks_whole(value):
    log = Episodes.from_arrays([0, 1], [0, 0], [0.5, value], [0, 1], costs=[0.0, abs(value)], n_actions=1)
    assert log.rewards[1] == np.float32(value)
    assert log.costs[1] == np.float32(abs(value))
    far = Episodes.from_arrays([0.5, 1e30], [0, 0], [0, 0], [0, 1], n_actions=1)
    assert far.observations[1] == np.float32(1e30)


@pytest.mark.parametrize("name", ["rewards", "costs"])
def test_a_reward_or_cost_that_float32_makes_nothing_is_refused(name):
    columns = {"rewards": [1.0, 0.0], "costs": [1.0, 0.0]}
    with pytest.raises(ValueError, match=f"{name} in row 1 is 1e-50, expected 0, or at least .*: float32 makes it 0"):
        Episodes.from_arrays([0, 1], [0, 0], terminals=[0, 1], n_actions=1, **columns | {name: [1.0, 1e-50]})
    small = Episodes.from_arrays([0.0, 1e-50], [0, 0], **columns, terminals=[0, 1], n_actions=1)
    assert not small.observations.any()


@pytest.mark.parametrize(
    ("ids", "row"),
    [([2**63 + 1, 2**63 + 2, -1, -1], 0), ([0.5, 2**53 + 1, 2**53, 1], 1), (["1", 1, "a", "b"], 1), (["a", "a\0"], 1)],
)
def test_numbers_and_texts_of_a_list_that_numpy_makes_another_are_refused(ids, row):
    n = len(ids)
    with pytest.raises(ValueError, match=f"episode in row {row} is .*, expected all of one type: .* makes it another"):
        Episodes.from_arrays(range(n), [0] * n, [0] * n, [1] * n, episode=ids, n_actions=1)


@pytest.mark.parametrize("rows", [(1,), ()])
def test_a_list_of_masked_arrays_is_no_number(rows):
    entries = [np.ma.array(np.zeros(rows), mask=np.full(rows, i == 1)) for i in range(2)]
    for observations in (entries, [[entry] for entry in entries])[: 2 - len(rows)]:
        with pytest.raises(ValueError, match=r"(?s)observations in row 1 is .*, expected a number that is not masked"):
            Episodes.from_arrays(observations, [0, 0], [0, 0], [0, 1], n_actions=1)


MASKED = np.ma.masked_array([0, 1], [False, True])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (MASKED, r"in row 1 is \[?--\]?, expected a number that is not masked"),
        ([0, None], r"in row 1 is \[?None\]?, expected a number: none may be missing"),
        (Nullable([0, "x"]), r"in row 1 is \[?'?x'?\]?, expected a number: none may be missing"),
        (np.array([0, 1], object), "has type object, expected numbers"),
        (np.array([0, 1], complex), "has type complex128, expected numbers"),
        (np.array([0, 1], "M8[s]"), r"has type datetime64\[s\], expected numbers"),
        (np.array([0, 1], "m8[s]"), r"has type timedelta64\[s\], expected numbers"),
        (["0", "1"], "has type <U1, expected numbers"),
        ([10**30, 0], "has type object, expected numbers"),
        ([[0], [1, 2]], "has rows of different lengths, expected"),
    ],
)
@pytest.mark.parametrize("name", ["observations", "actions", "rewards", "terminals", "costs", "states"])
def test_what_holds_no_plain_numbers_is_refused(name, column, message):
    plain = {"observations": [0, 1], "actions": [0, 0], "rewards": [0, 0], "terminals": [0, 1]}
    with pytest.raises(ValueError, match=rf"^{name} {message}"):
        Episodes.from_arrays(**plain | {name: column}, n_actions=2)


def test_an_array_that_masks_nothing_loads():
    masked = np.ma.masked_array([0, 1], [False, False])
    assert Episodes.from_arrays([0, 1], masked, [0, 0], [0, 1], n_actions=2).actions.tolist() == [0, 1]


@pytest.mark.parametrize("empty", [[[]], np.zeros((1, 0))])
def test_observations_of_no_numbers_are_refused(empty):
    with pytest.raises(ValueError, match=r"observations has shape \(1, 0\), expected \(N, d\)"):
        Episodes.from_arrays(empty, [0], [0], [1], n_actions=1)
