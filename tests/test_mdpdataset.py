"""d3rlpy sees exactly the log: every row of it, and nothing else."""

import numpy as np
from example_logs import any_log, short_log
from hypothesis import given, settings
from scipy.stats import chisquare

from safegrid.dataset import Episodes, build_mdpdataset
from safegrid.mdpdataset import d3rlpy


def test_d3rlpy_is_told_the_action_space():
    log = Episodes.from_arrays([[0, 0]] * 2, [0, 0], [0, 0], [1, 1], n_actions=4)
    data = build_mdpdataset(log)
    assert isinstance(data, d3rlpy.dataset.MDPDataset)
    assert data.dataset_info.action_size == 4
    assert data.dataset_info.action_space == d3rlpy.constants.ActionSpace.DISCRETE
    assert data.size() == 2


def rows_of(batch):
    names = ("observations", "actions", "rewards", "next_observations", "terminals", "next_actions", "intervals")
    assert all(getattr(batch, name).dtype == np.float32 for name in names)
    return np.hstack([getattr(batch, name) for name in names])


def every_row(log):
    """Each step as d3rlpy holds one: nothing follows an end, and a time-out's successor is the true one."""
    ends = log.terminals | log.timeouts
    following = np.where(log.terminals[:, None], 0.0, log.next_observations)
    then = np.where(ends, 0, np.roll(log.actions, -1))
    return np.c_[log.observations, log.actions, log.rewards, following, log.terminals, then, np.ones(len(log))]


@settings(deadline=None, max_examples=20)
@given(log=any_log())
def test_batches_hold_rows_of_the_log_and_nothing_else(log):
    batch = build_mdpdataset(log, seed=1).sample_transition_batch(40 * len(log))
    wanted = every_row(log).astype(np.float32)
    np.testing.assert_array_equal(np.unique(rows_of(batch), axis=0), np.unique(wanted, axis=0))


def test_batches_are_drawn_uniformly():
    log = short_log(n=50)
    assert log.timeouts.any()
    batch = build_mdpdataset(log, seed=1).sample_transition_batch(5_000)
    wanted, share = np.unique(every_row(log), axis=0, return_counts=True)
    found, counts = np.unique(rows_of(batch), axis=0, return_counts=True)
    np.testing.assert_array_equal(found, wanted)
    assert chisquare(counts, share / len(log) * 5_000).pvalue > 1e-3


def test_every_step_may_be_drawn_a_timeouts_last_one_too():
    log = short_log(n=50)
    assert log.timeouts.any()
    assert build_mdpdataset(log).transition_count == len(log)


def test_successive_batches_differ(log):
    data = build_mdpdataset(log)
    first, second = (rows_of(data.sample_transition_batch(64)) for _ in range(2))
    assert (first != second).any()


def test_the_same_seed_gives_the_same_batches(log):
    a, b, c = (rows_of(build_mdpdataset(log, seed).sample_transition_batch(64)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_d3rlpys_single_transitions_are_steps_of_the_log():
    log = short_log(n=6)
    data, again = build_mdpdataset(log, seed=4), build_mdpdataset(log, seed=4)
    drawn = [[], []]
    for _ in range(600):
        for rows, source in zip(drawn, (data, again), strict=True):
            t = source.sample_transition()
            row = (*t.observation, *t.action, *t.reward, *t.next_observation, t.terminal)
            rows.append(tuple(map(float, row)))
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {tuple(row) for row in every_row(log)[~log.timeouts, :7].tolist()}


def test_d3rlpy_sees_every_episode(log):
    data = build_mdpdataset(log)
    assert len(data.episodes) == data.size() == log.n_episodes
    assert [len(e) for e in data.episodes] == log.lengths.tolist()
    assert sum(e.terminated for e in data.episodes) == log.terminals.sum()
    np.testing.assert_array_equal(np.concatenate([e.observations for e in data.episodes]), log.observations)
    np.testing.assert_array_equal(np.concatenate([e.actions for e in data.episodes])[:, 0], log.actions)
    assert data.sample_trajectory_batch(3, 5).observations.shape == (3, 5, 2)
