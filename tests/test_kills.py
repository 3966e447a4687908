"""A process that is killed while it writes leaves a whole file, and nothing that the next save does not clear."""

import pytest
from kills import count_kills


@pytest.mark.parametrize(
    "name", ["log.npz", "log.parquet", "policy.pt", "exported.pt", "figure.png", "report.html", "log-v0"]
)
def test_after_kill_9_a_file_is_whole_and_the_next_save_leaves_nothing_beside_it(name):
    assert count_kills(name, 2) == (0, 0)
