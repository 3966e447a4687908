"""Distinct rows are numpy's own, found another way; records that hold arrays are compared by value."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from example_logs import short_log
from example_worlds import random_mdp

import safegrid
from safegrid.array_types import content_hash, distinct
from safegrid.dataset import Episodes
from safegrid.env import SafetyCriticalGridWorld

TABLES = {
    "floats": lambda rng: rng.normal(size=(300, 2)).round(1),
    "float32": lambda rng: rng.integers(-4, 5, (300, 3)).astype(np.float32),
    "integers": lambda rng: rng.integers(0, 9, (300, 2)),
    "negative": lambda rng: rng.integers(-9, 0, (300, 2)),
    "halves": lambda rng: rng.integers(-4, 5, (300, 2)) / 2,
    "a huge range": lambda rng: rng.choice([np.iinfo(np.int64).min, -1, 0, np.iinfo(np.int64).max], (300, 2)),
    "huge floats": lambda rng: rng.choice(np.array([-3e38, -1e30, 0, 3e38], np.float32), (300, 2)),
    "one huge float": lambda rng: np.full((5, 1), 1e30, np.float32),
    "beyond 2⁵³": lambda rng: 2**60 + rng.integers(0, 4, (300, 2)),
    "unsigned": lambda rng: rng.choice(np.array([0, 1, 2**64 - 1], np.uint64), (300, 2)),
    "both zeros": lambda rng: rng.choice([-0.0, 0.0, 1.0], (300, 2)),
    "one row": lambda rng: rng.normal(size=(1, 3)),
    "no rows": lambda rng: np.zeros((0, 2)),
}


@pytest.mark.parametrize("kind", TABLES)
def test_distinct_rows_are_numpys(kind):
    rows = TABLES[kind](np.random.default_rng(0))
    found, codes = distinct(rows)
    wanted, inverse = np.unique(rows, axis=0, return_inverse=True)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(codes, inverse.ravel())
    assert found.dtype == rows.dtype


def test_whole_numbers_that_float32_cannot_add_stay_apart():
    """−1 and 2²⁴ are float32s, but their difference is none: it rounds to that of 0 and 2²⁴."""
    column = np.zeros((9_000_000, 1), np.float32)
    column[:3, 0] = -1, 2**24, 2**24 - 1
    assert distinct(column)[0].ravel().tolist() == [-1, 0, 2**24 - 1, 2**24]


def _sweep(seed):
    q, unknown = np.zeros((1, 1, 1, 2, 2)), np.full((1, 1, 1, 1), np.nan)
    return safegrid.Sweep(
        "cql", np.ones(1), np.array([[seed]]), np.zeros((2, 1)), q, (q,), (q,), np.ones(1),
        {"return_mean": unknown}, {}, {"hidden_units": [64, 64]},
    )  # fmt: skip


def _score(seed):
    return safegrid.PolicyScore(seed, 1.0, 0.0, 1.0, 0.0, 3.0, float("nan"), 9, {"return_mean": (0.0, float("nan"))})


def _agent_score(seed):
    return safegrid.AgentScore(_score(seed), None, float("nan"), 1.0)


def _study(seed):
    return safegrid.SafetyLab(SafetyCriticalGridWorld(size=3), n_episodes=3, n_steps=5, seed=seed).study()


RECORDS = {
    "Episodes": short_log,
    "Coverage": lambda seed: safegrid.coverage(short_log(seed)),
    "TabularMDP": random_mdp,
    "Rollouts": lambda seed: random_mdp(0).rollouts(np.full((4, 2), 0.5), 3, seed, horizon=5),
    "PolicyScore": _score,
    "AgentScore": _agent_score,
    "Comparison": lambda seed: safegrid.Comparison({"CQL": [[_agent_score(seed)]]}, {"driver": _score(0)}),
    "Interval": lambda seed: safegrid.Interval(seed, float("nan"), float("nan")),
    "Recipe": lambda seed: safegrid.propose_recipe(
        dataclasses.replace(short_log(0), rewards=short_log(0).rewards * (1 + seed))
    ),
    "LogModel": lambda seed: safegrid.log_model(short_log(seed), 16, unseen=0.0),
    "BudgetedPolicy": lambda seed: safegrid.BudgetedPolicy(np.full((2, 2), 0.5), float("nan"), 0.1, seed),
    "Report": lambda seed: safegrid.report(short_log(seed)),
    "Evidence": lambda seed: safegrid.report(short_log(seed)).evidence,
    "Verdict": lambda seed: safegrid.report(short_log(seed)).verdict,
    "Truth": lambda seed: (
        safegrid.report(short_log(seed), SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)]).mdp).truth
    ),
    "Finding": lambda seed: safegrid.report(
        dataclasses.replace(short_log(0), costs=-np.eye(len(short_log(0)))[seed])
    ).findings[0],
    "Sweep": _sweep,
    "Study": _study,
}


def test_every_public_record_has_an_example():
    public = {name for name in safegrid.__all__ if dataclasses.is_dataclass(getattr(safegrid, name))}
    assert set(RECORDS) == public


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_compared_by_value_and_not_by_the_truth_of_an_array(name):
    one, again, other = (RECORDS[name](seed) for seed in (0, 0, 1))
    for twin in (again, copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert twin == one
        assert hash(twin) == hash(one)
    assert one != other
    assert one != name
    assert one in [other, again]
    assert other not in [one, again]
    assert len({one, again, other}) == 2


@pytest.mark.parametrize(
    ("numbers", "other", "equal"),
    [
        ([0.0, np.nan], [-0.0, np.float64.fromhex("nan") * -1], True),
        ([1.0, 2.0], [2.0, 1.0], False),
        ([1.0, 2.0], [[1.0, 2.0]], False),
        ([1.0, 2.0], np.array([1, 2]), False),
        ([1.0, 2.0], np.array([1, 2], np.float32), False),
        ([1.0, 2.0], np.array([1.0, 9.0, 2.0])[::2], True),
    ],
)
def test_arrays_are_equal_in_shape_type_and_numbers(numbers, other, equal):
    one, two = (safegrid.Coverage(np.asarray(x), np.zeros(1)) for x in (numbers, other))
    assert (one == two) is equal
    assert (hash(one) == hash(two)) or not equal


@pytest.mark.parametrize("name", ["Episodes", "TabularMDP"])
def test_what_is_read_only_stays_so_in_a_copy(name):
    for twin in (copy.deepcopy(RECORDS[name](0)), pickle.loads(pickle.dumps(RECORDS[name](0)))):
        arrays = [v for v in vars(twin).values() if isinstance(v, np.ndarray)]
        assert len(arrays) > 5
        assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize("name", ["returns", "lengths", "harmful"])
def test_what_a_log_works_out_cannot_be_changed_behind_its_back(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(short_log(), name).sort()


def test_a_content_hash_is_the_same_on_every_machine_and_another_for_everything_else():
    columns = {"x": np.array([[0.0, 1.5]], np.float32), "n": np.array(3, np.int64), "ends": np.array([True])}
    found = content_hash(columns)
    assert found == "fd9c7c4ef858204a617cf81a58d50f2584dc868f95029313551d742818b3edbd"
    swapped = {name: column.astype(column.dtype.newbyteorder()) for name, column in columns.items()}
    assert content_hash(swapped) == found
    assert content_hash(columns | {"x": np.array([[-0.0, 1.5]], np.float32)}) == found
    assert content_hash(columns | {"x": np.asfortranarray(columns["x"])}) == found
    for name, other in {
        "x": np.array([[0.0, 1.5]]), "n": np.array([3], np.int64), "ends": np.array([False]), "more": np.zeros(0)
    }.items():  # fmt: skip
        assert content_hash(columns | {name: other}) != found
    assert content_hash({"y": columns["x"], "n": columns["n"], "ends": columns["ends"]}) != found


def test_a_fingerprint_knows_a_log_wherever_it_was_saved_and_no_other(tmp_path):
    log = short_log()
    again = Episodes.load(log.save(tmp_path / "log.npz"))
    assert again.fingerprint == log.fingerprint
    changed = [
        dataclasses.replace(log, n_actions=5), dataclasses.replace(log, states=np.full(len(log), -1)),
        dataclasses.replace(log, rewards=np.r_[log.rewards[:-1], log.rewards[-1] + 1]),
    ]  # fmt: skip
    assert len({log.fingerprint, *(other.fingerprint for other in changed)}) == 4


def test_the_fingerprint_of_a_log_is_the_same_on_every_machine():
    log = Episodes.from_arrays([[0.0], [1.0], [0.5]], [0, 1, 0], [1, -1, 0.25], [False, True, True], n_actions=2)
    assert log.fingerprint == "23dfcd5a2373a219946a1860bf713b11a099300474bd50cc1332cda0e66c09dc"
