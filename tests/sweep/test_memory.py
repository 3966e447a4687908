"""A sweep needs no more memory than its formula says, and refuses to need more than there is."""

import subprocess
import sys

import pytest
from example_sweeps import QUIET

from safegrid.agents import create_discrete_cql
from safegrid.sweep import training
from safegrid.sweep.memory import sweep_memory
from safegrid.sweep.training import train_sweep


@pytest.mark.parametrize("cells", [False, True])
def test_memory_stays_within_the_formula(cells):
    """Peak of 1 600 members over that of 320, in bytes, against the formula's own difference."""
    code = f"""
import resource, sys
from safegrid.env import SafetyCriticalGridWorld
from safegrid.dataset import generate_offline_episodes
from safegrid.sweep.training import train_sweep
log = generate_offline_episodes(SafetyCriticalGridWorld(), 60, seed=0)
for n in (20, 100):
    train_sweep(log, range(16), n, 3, size=15, cells={cells}, n_jobs=1, progress=False, checkpoint_interval=1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    few, many = map(int, done.stdout.split())
    agent = create_discrete_cql(cells=cells)
    agent.create_impl((2,), 4)
    promised = sweep_memory(1_600, agent, 200, 200, 1, 2_000, 256) - sweep_memory(320, agent, 200, 200, 1, 2_000, 256)
    assert many - few < promised


def test_the_memory_formula_promises_no_more_than_twice_what_is_held(logs, monkeypatch):
    held, train_and_score = [], training.train_and_score

    def bytes_of(arrays):
        return sum(array.nbytes for array in arrays)

    def watched(shard, state, **rest):
        after, scores = train_and_score(shard, state, **rest)
        for s in (state, after):
            held.append(bytes_of([*s.parameters, *s.average, *s.first_moment, *s.second_moment, s.target]))
        return after, scores

    monkeypatch.setattr(training, "train_and_score", watched)
    sweep = train_sweep(logs[0], range(16), 60, 3, size=15, checkpoint_interval=3, **QUIET)
    counted = sum(held) + bytes_of([*sweep.parameters, *sweep.last_parameters, sweep.q_values])
    agent = create_discrete_cql()
    agent.create_impl((2,), 4)
    states = len(sweep.observations)
    assert counted < sweep_memory(960, agent, states, states, 1, len(logs[0]), 256) < 2 * counted


def test_more_members_than_memory_allows_says_how_much_is_needed(logs):
    with pytest.raises(MemoryError, match=r"30000000 members in 1 processes need [\d.]+ GiB, [\d.]+ GiB are free"):
        train_sweep(logs, range(10), 1_000_000, 5, **QUIET)
