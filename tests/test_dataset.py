"""The log is what was driven, checked row by row, and d3rlpy sees exactly it."""

import dataclasses
import os

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from safegrid import dataset as dataset_module
from safegrid._d3rlpy import d3rlpy
from safegrid.dataset import Episodes, build_mdpdataset, coverage, generate_offline_episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld

COLUMNS = [f.name for f in dataclasses.fields(Episodes) if f.name != "n_actions"]


def same(a, b):
    return a.n_actions == b.n_actions and all(np.array_equal(getattr(a, c), getattr(b, c)) for c in COLUMNS)


def short_log(seed=0, n=20):
    """With terminals and time-outs both."""
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)], max_steps=6)
    return generate_offline_episodes(env, n, 0.5, seed)


def columns(log, **changed):
    names = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations", "costs")
    return {name: np.array(getattr(log, name)) for name in (*names, "states", "next_states")} | changed


def test_the_same_seed_gives_the_same_log(original, log):
    assert same(log, generate_offline_episodes(original))
    assert not same(log, generate_offline_episodes(original, seed=43))


def test_the_default_log_is_the_drivers(original, log):
    exact = original.mdp.evaluate(original.behaviour_policy(0.22))
    assert log.n_episodes == 500 == len(log.returns) == len(log.lengths)
    assert log.harmful.mean() == pytest.approx(exact.hazard_rate, abs=4 * np.sqrt(0.2 * 0.8 / 500))
    assert log.lengths.mean() == pytest.approx(exact.length_mean, rel=0.05)
    np.testing.assert_array_equal(log.observations, original.mdp.observations[log.states])


def test_a_wrapped_env_serves_too(log):
    assert same(log, generate_offline_episodes(gymnasium.make("SafeGrid-v0")))


def test_a_log_cannot_be_changed(log):
    with pytest.raises(ValueError, match="read-only"):
        log.rewards[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.n_actions = 5


def test_terminals_and_timeouts_are_apart():
    log = short_log(n=200)
    ends = np.r_[np.diff(log.episode) == 1, True]
    np.testing.assert_array_equal(log.terminals ^ log.timeouts, ends)
    assert log.terminals.sum() > 0 < log.timeouts.sum()
    assert (log.lengths[log.episode[log.timeouts]] == 6).all()


def spoil(name, row, value):
    def change(log):
        column = np.array(getattr(log, name))
        column = column.astype(float) if isinstance(value, float) else column
        column[row] = value
        return {name: column}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil("observations", 5, np.nan), r"observations in row 5 is \[nan nan\], expected finite"),
        (spoil("next_observations", 5, np.inf), r"next_observations in row 5"),
        (spoil("rewards", 7, np.inf), "rewards in row 7 is inf, expected finite"),
        (spoil("costs", 7, np.nan), "costs in row 7 is nan"),
        (spoil("actions", 3, 4), "actions in row 3 is 4, expected an action in 0…3"),
        (spoil("actions", 3, -1), "actions in row 3 is -1"),
        (spoil("actions", 3, 0.5), "actions in row 3 is 0.5, expected a whole number"),
        (spoil("terminals", 2, 0.5), "terminals in row 2 is 0.5, expected a truth value"),
        (spoil("states", 2, -2), "states in row 2 is -2, expected a state or −1"),
        (lambda log: {"actions": np.array(log.actions)[:-1]}, "observations has .* rows, expected"),
        (lambda log: {"rewards": np.array(log.rewards)[:-1]}, "rewards has .* rows, expected"),
        (lambda log: {"rewards": np.array(["x"] * len(log))}, "rewards has type <U1, expected numbers"),
        (lambda log: {"observations": np.zeros((len(log), 2, 2))}, r"observations has shape .* expected \(N, d\)"),
        (lambda log: {"next_observations": np.zeros((len(log), 3))}, "next_observations has shape"),
        (
            lambda log: {"timeouts": log.terminals | log.timeouts},
            "timeouts in row .* is True, expected False where term",
        ),
        (lambda log: {"terminals": np.zeros(len(log), bool), "timeouts": np.zeros(len(log), bool)}, "as neither"),
        (lambda log: {"next_observations": np.roll(log.next_observations, 1, 0)}, "the log is shifted"),
    ],
)
def test_a_bad_row_is_named(change, message):
    log = short_log()
    with pytest.raises(ValueError, match=message):
        Episodes.from_arrays(**columns(log, **change(log)), n_actions=4)


def test_an_episode_ends_at_its_terminal():
    log = short_log()
    merged = {c: getattr(log, c) for c in COLUMNS} | {"episode": np.zeros(len(log), int), "n_actions": 4}
    with pytest.raises(ValueError, match="the row before it is a terminal or a time-out"):
        Episodes(**merged)
    with pytest.raises(ValueError, match=r"episode in row .*, expected 0, 1, 2"):
        Episodes(**merged | {"episode": log.episode * 2})


def test_an_empty_log_teaches_nothing():
    empty = np.zeros(0)
    with pytest.raises(ValueError, match="actions is empty"):
        Episodes.from_arrays(np.zeros((0, 2)), empty, empty, empty, n_actions=4)


def test_from_arrays_gives_back_the_log():
    log = short_log()
    assert same(log, Episodes.from_arrays(**columns(log), n_actions=4))


def test_without_next_observations_a_timeouts_last_step_is_dropped_as_d3rlpy_does():
    log = short_log(n=100)
    arrays = columns(log)
    del arrays["next_observations"]
    ours = Episodes.from_arrays(**arrays, n_actions=4)
    assert len(ours) == len(log) - log.timeouts.sum()
    plain = d3rlpy.dataset.MDPDataset(
        log.observations, log.actions, log.rewards, log.terminals.astype(float), log.timeouts.astype(float),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=4,
    )  # fmt: skip
    assert len(ours) == plain.transition_count
    running = ~ours.terminals
    known = {tuple(r) for r in np.c_[log.observations, log.actions, log.next_observations]}
    assert {tuple(r) for r in np.c_[ours.observations, ours.actions, ours.next_observations][running]} <= known


def test_numbers_may_be_observations():
    log = Episodes.from_arrays([0, 1, 2], [0, 0, 0], [0, 0, 1], [0, 0, 1], n_actions=1)
    assert log.observations.shape == (3, 1)
    assert (log.states == -1).all()


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CartPole-v1", "SafeGrid-v0"])
def test_any_discrete_gymnasium_world_can_be_logged(name):
    env = gymnasium.make(name)
    logs = [
        Episodes.from_gymnasium(env, lambda _, rng: rng.integers(env.action_space.n), n_episodes=6, seed=3)
        for _ in range(2)
    ]
    assert logs[0].n_episodes == 6
    assert same(*logs)
    assert logs[0].n_actions == env.action_space.n
    if name == "SafeGrid-v0":
        world = env.unwrapped.mdp
        np.testing.assert_array_equal(logs[0].observations, world.observations[logs[0].states])
        assert (world.transition[logs[0].states, logs[0].actions, logs[0].next_states] > 0).all()
        np.testing.assert_array_equal(logs[0].costs, world.hazard[logs[0].next_states])


def test_continuous_actions_are_refused():
    with pytest.raises(ValueError, match=r"env\.action_space is Box"):
        Episodes.from_gymnasium(gymnasium.make("Pendulum-v1"), lambda *_: 0, n_episodes=1, seed=0)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1_000), n=st.integers(1, 30))
def test_saving_and_loading_is_the_identity(seed, n, tmp_path_factory):
    log = short_log(seed, n)
    assert same(log, Episodes.load(log.save(tmp_path_factory.mktemp("logs") / "log.npz")))


def test_a_broken_file_is_refused(tmp_path):
    path = short_log().save(tmp_path / "log.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut short"):
        Episodes.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read"):
        Episodes.load(path)


def test_a_pickle_is_never_opened(tmp_path):
    marker = tmp_path / "opened"

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    np.savez(tmp_path / "trap.npz", header=np.array([Trap()], object))
    np.save(tmp_path / "trap.npy", np.array([Trap()], object))
    for name in ("trap.npz", "trap.npy"):
        with pytest.raises(ValueError, match="cannot be read"):
            Episodes.load(tmp_path / name)
    assert not marker.exists()


def test_another_format_is_named(tmp_path):
    dataset_module.write_npz(tmp_path / "other.npz", '{"format": "something-else"}', {})
    with pytest.raises(ValueError, match="format is 'something-else', expected 'safegrid-episodes-1'"):
        Episodes.load(tmp_path / "other.npz")


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    path = tmp_path / "log.npz"
    old = short_log(0)
    old.save(path)

    def interrupted(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        short_log(1).save(path)
    assert os.listdir(tmp_path) == ["log.npz"]
    assert same(old, Episodes.load(path))


def test_an_unwritable_folder_is_named(tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*missing"):
        short_log().save(tmp_path / "missing" / "log.npz")
    assert not list(tmp_path.iterdir())


def test_coverage_counts_every_step(original, log):
    by_state, by_observation = coverage(log, original.mdp), coverage(log)
    assert by_state.counts.sum() == by_observation.counts.sum() == len(log)
    assert by_state.unseen.sum() == by_observation.unseen.sum()
    assert by_state.visited.sum() == len(by_observation.counts)
    s, a = 0, 1
    assert by_state.counts[s, a] == ((log.states == s) & (log.actions == a)).sum()


def test_coverage_of_unknown_states_is_refused(original):
    log = Episodes.from_arrays([[0, 0]], [0], [0], [1], n_actions=4)
    with pytest.raises(ValueError, match="states in row 0 is -1, expected a state of the mdp"):
        coverage(log, original.mdp)


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_a_log_has_at_least_one_episode(original, n):
    with pytest.raises(ValueError, match=f"n_episodes is {n}"):
        sample_episodes(original.mdp, original.uniform_policy(), n, 0)


def test_d3rlpy_is_told_the_action_space():
    log = Episodes.from_arrays([[0, 0]] * 2, [0, 0], [0, 0], [1, 1], n_actions=4)
    data = build_mdpdataset(log)
    assert isinstance(data, d3rlpy.dataset.MDPDataset)
    assert data.dataset_info.action_size == 4
    assert data.dataset_info.action_space == d3rlpy.constants.ActionSpace.DISCRETE
    assert data.size() == 2


def test_batches_hold_rows_of_the_log_and_nothing_else():
    log = short_log(n=50)
    data = build_mdpdataset(log, seed=1)
    batch = data.sample_transition_batch(5_000)
    following = np.where(log.terminals[:, None], 0.0, log.next_observations)
    rows = np.c_[log.observations, log.actions, log.rewards, following, log.terminals]
    drawn = np.c_[batch.observations, batch.actions, batch.rewards, batch.next_observations, batch.terminals]
    wanted, expected = np.unique(rows, axis=0, return_counts=True)
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    np.testing.assert_array_equal(wanted, found)
    assert chisquare(counts, expected / len(log) * 5_000).pvalue > 1e-3


def test_a_timeouts_last_step_keeps_its_true_successor():
    log = short_log(n=50)
    data = build_mdpdataset(log)
    assert data.transition_count == len(log)
    assert log.timeouts.any()
    last = data._flat["next_observations"][log.timeouts]
    np.testing.assert_array_equal(last, log.next_observations[log.timeouts])
    assert (data._flat["terminals"][log.timeouts] == 0).all()


def test_the_same_seed_gives_the_same_batches(log):
    a, b, c = (build_mdpdataset(log, seed).sample_transition_batch(64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.observations, b.observations)
    assert (a.observations != c.observations).any()


def test_d3rlpys_own_interface_still_serves(log):
    data = build_mdpdataset(log)
    assert data.sample_transition().observation.shape == (2,)
    assert data.sample_trajectory_batch(3, 5).observations.shape == (3, 5, 2)
    assert [len(e) for e in data.episodes[:20]] == log.lengths[:20].tolist()
    assert sum(e.terminated for e in data.episodes) == log.terminals.sum()
