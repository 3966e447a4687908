"""d3rlpy sees exactly the log: in batches drawn by column, and in its own episodes once it asks for them."""

import gymnasium
import numpy as np
import pytest
from example_logs import any_log, short_log
from hypothesis import given, settings
from scipy.stats import chisquare

from safegrid.agents import create_discrete_cql, create_double_dqn, fit
from safegrid.dataset import Episodes, build_mdpdataset
from safegrid.mdpdataset import checked_rows, d3rlpy


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


def test_training_makes_none_of_d3rlpys_episodes(log):
    data = build_mdpdataset(log)
    fit(create_discrete_cql(), data, n_steps=3, progress=False)
    assert "_buffer" not in vars(data)
    assert data.size() == log.n_episodes
    assert data.buffer.transition_count == len(log) - log.timeouts.sum()


@pytest.mark.parametrize("asked_before", [False, True])
def test_an_appended_episode_comes_after_the_log(asked_before):
    log = short_log()
    data = build_mdpdataset(log)
    if asked_before:
        assert data.size() == log.n_episodes
    for i in range(3):
        data.append(np.full(2, 90 + i, np.float32), i, float(i))
    data.clip_episode(True)
    assert data.size() == log.n_episodes + 1
    assert data.episodes[-1].observations[:, 0].tolist() == [90, 91, 92]
    np.testing.assert_array_equal(data.episodes[0].observations, log.observations[log.episode == 0])
    assert any(data.sample_transition().observation[0] >= 90 for _ in range(1_000))
    data.append_episode(data.episodes[0])
    assert data.size() == log.n_episodes + 2


def test_batches_hold_what_was_appended_as_often_as_the_log():
    log = short_log(n=50)
    assert log.timeouts.any()
    data, untouched = build_mdpdataset(log, seed=1), build_mdpdataset(log, seed=1)
    assert rows_of(data.sample_transition_batch(99)).tolist() == rows_of(untouched.sample_transition_batch(99)).tolist()
    for episode in range(2):
        for i in range(30):
            data.append(np.full(2, 100 * episode + 100 + i, np.float32), i % 4, float(i))
        data.clip_episode(episode == 0)
    data.append_episode(data.episodes[-2])
    assert data.transition_count == len(log) + 30 + 29 + 30
    batch = data.sample_transition_batch(20_000)
    wanted, share = np.unique(every_row(log), axis=0, return_counts=True)
    new = batch.observations[:, 0] >= 100
    assert new.sum() / 20_000 == pytest.approx(89 / data.transition_count, abs=0.02)
    found, counts = np.unique(rows_of(batch)[~new], axis=0, return_counts=True)
    np.testing.assert_array_equal(found, wanted)
    assert chisquare(counts, share / len(log) * counts.sum()).pvalue > 1e-3
    assert np.unique(batch.observations[new, 0]).tolist() == [*range(100, 130), *range(200, 229)]
    late = batch.observations[:, 0] == 128
    assert (batch.next_observations[late] == 129).all()
    assert (batch.terminals[batch.observations[:, 0] == 129] == 1).all()


def test_an_agent_is_tuned_online_after_its_log(original, log):
    data = build_mdpdataset(log)
    agent = create_double_dqn(batch_size=32)
    fit(agent, data, 5, progress=False)
    quiet = d3rlpy.logging.NoopAdapterFactory()
    env = gymnasium.make("SafeGrid-v0")
    agent.fit_online(env, data, n_steps=90, n_steps_per_epoch=30, show_progress=False, logger_adapter=quiet)
    assert agent.grad_step == 95
    assert data.transition_count >= len(log) + 88
    fit(agent, data, 5, progress=False)
    data.append(np.full(2, 99, np.float32), 0, 0.0)
    data.append(np.full(2, 99, np.float32), 0, 0.0)
    with pytest.raises(ValueError, match=r"observations in row \d+ are \[99.0, 99.0\]"):
        fit(agent, data, 5, progress=False)


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_a_bad_seed_of_batches_is_named(seed, log):
    with pytest.raises(ValueError, match=f"seed is {seed}, expected a whole number of at least 0"):
        build_mdpdataset(log, seed)


def test_a_dataset_of_another_kind_is_refused(log):
    empty = d3rlpy.dataset.create_fifo_replay_buffer(9, env=gymnasium.make("SafeGrid-v0"))
    halves = np.full((len(log), 1), 0.5, np.float32)
    halves = np.full((len(log), 1), 0.5, np.float32)
    moving = d3rlpy.dataset.MDPDataset(log.observations, halves, log.rewards, log.terminals, log.timeouts)
    for dataset, message in (
        (empty, "dataset is empty"),
        (moving, "dataset has continuous actions, expected discrete"),
    ):
        with pytest.raises(ValueError, match=message):
            checked_rows(dataset)
