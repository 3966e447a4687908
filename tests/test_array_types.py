"""Distinct rows are numpy's own, found another way."""

import numpy as np
import pytest

from safegrid.array_types import distinct

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
