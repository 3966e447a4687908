"""Minari's format holds the log, and others' logs in it are read as they were driven."""

import json
import os
import socket
import warnings

import gymnasium
import h5py
import minari
import numpy as np
import pytest
from example_logs import any_log, same, short_log
from hypothesis import given, settings
from minari.data_collector import EpisodeBuffer
from minari.dataset._storages.hdf5_storage import HDF5Storage

from safegrid.dataset import Episodes, build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.formats.minari import read_minari, write_minari
from safegrid.mdpdataset import d3rlpy


@settings(deadline=None, max_examples=15)
@given(log=any_log())
def test_minari_and_back_is_the_identity(log, tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    written = write_minari(log, "any/log-v0", path=folder)
    assert same(log, read_minari(written))
    assert same(log, read_minari("any/log-v0", path=folder))


def test_minaris_own_reader_finds_the_log(tmp_path, monkeypatch):
    log, env = short_log(n=40), gymnasium.make("SafeGrid-v0", size=4, hazard_coords=[(1, 2)], max_steps=6)
    about = {"description": "d", "algorithm_name": "n", "author": "a", "author_email": "e", "code_permalink": "p"}
    write_minari(log, "made/here/careless-v3", path=tmp_path, env=env, **about)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    assert list(minari.list_local_datasets()) == ["made/here/careless-v3"]
    assert set(minari.namespace.list_local_namespaces()) == {"made", "made/here"}
    found = minari.load_dataset("made/here/careless-v3")
    assert (found.total_episodes, found.total_steps) == (log.n_episodes, len(log))
    assert (found.observation_space, found.action_space) == (env.observation_space, env.action_space)
    assert {k: found.storage.metadata[k] for k in about} == about | {"author": {"a"}, "author_email": {"e"}}
    assert found.recover_environment().unwrapped.desc == env.unwrapped.desc
    for number, episode in enumerate(found.iterate_episodes()):
        rows = log.episode == number
        np.testing.assert_array_equal(episode.observations[:-1], log.observations[rows])
        np.testing.assert_array_equal(episode.observations[1:], log.next_observations[rows])
        assert all(found.observation_space.contains(o) for o in episode.observations)
        np.testing.assert_array_equal(episode.actions, log.actions[rows])
        np.testing.assert_array_equal(episode.rewards, log.rewards[rows])
        np.testing.assert_array_equal(episode.terminations, log.terminals[rows])
        np.testing.assert_array_equal(episode.truncations, log.timeouts[rows])
        np.testing.assert_array_equal(episode.infos["cost"], [0, *log.costs[rows]])
        np.testing.assert_array_equal(episode.infos["state"], [0, *log.next_states[rows]])
        assert set(episode.infos) == {"cost", "state"}
    assert number + 1 == log.n_episodes
    assert log.timeouts.any()
    assert log.terminals.any()


def test_a_filtered_or_split_dataset_is_a_log_too(tmp_path):
    log = short_log(n=30)
    found = write_minari(log, "log-v0", path=tmp_path)
    kept = np.flatnonzero(log.lengths == 6)
    part = read_minari(found.filter_episodes(lambda episode: len(episode) == 6))
    assert 0 < len(kept) < log.n_episodes == 30
    np.testing.assert_array_equal(part.returns, log.returns[kept])
    np.testing.assert_array_equal(part.rewards, log.rewards[np.isin(log.episode, kept)])
    first, second = minari.split_dataset(found, [10, 20], seed=0)
    returns = np.r_[read_minari(first).returns, read_minari(second).returns]
    np.testing.assert_array_equal(np.sort(returns), np.sort(log.returns))


def recorded(env, n_episodes, seed, infos=lambda steps: None):
    """Episodes as Minari's own writer takes them, recorded by hand; its collector needs jax."""
    rng, buffers = np.random.default_rng(seed), []
    for i in range(n_episodes):
        observations, rest, over = [env.reset(seed=seed if i == 0 else None)[0]], [], False
        while not over:
            action = int(rng.integers(env.action_space.n))
            observation, reward, terminated, truncated, _ = env.step(action)
            observations.append(np.array(observation))
            rest.append((action, reward, terminated, truncated))
            over = terminated or truncated
        actions, *others = map(list, zip(*rest, strict=True))
        buffers.append(EpisodeBuffer(i, None, None, observations, actions, *others, infos(len(rest))))
    return buffers


def by_minari(dataset_id, buffers, folder, monkeypatch, **spaces):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it wishes for an author, a description and the like
        return minari.create_dataset_from_buffers(dataset_id, buffers, **spaces)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CartPole-v1"])
def test_what_others_wrote_is_read_as_it_was_driven(name, tmp_path, monkeypatch):
    env = gymnasium.make(name, max_episode_steps=12)
    found = by_minari("theirs-v0", recorded(env, 25, 3), tmp_path, monkeypatch, env=env)
    driven = Episodes.from_gymnasium(env, lambda _, rng: rng.integers(env.action_space.n), 25, 3)
    assert same(read_minari(found), driven)
    assert (driven.states >= 0).all() == (name == "FrozenLake-v1")
    assert same(read_minari("theirs-v0"), driven)
    assert driven.timeouts.any()
    assert driven.terminals.any()


LINE, TWO = gymnasium.spaces.Box(-9, 9, (1,), np.float32), gymnasium.spaces.Discrete(2)


def one_episode(steps=2, **changed):
    whole = {"observations": np.zeros((steps + 1, 1), np.float32), "actions": np.zeros(steps, int),
             "rewards": np.zeros(steps), "terminations": np.arange(steps) == steps - 1,
             "truncations": np.zeros(steps, bool)}  # fmt: skip
    return EpisodeBuffer(**(whole | changed))


@pytest.mark.parametrize(
    ("second", "spaces", "message"),
    [
        ({"actions": np.zeros((2, 1), np.float32)}, {"action_space": LINE}, "action_space is Box.*expected Discrete"),
        ({}, {"action_space": gymnasium.spaces.Discrete(2, start=1)}, "action_space is .* counted from 0"),
        ({"actions": np.array([0, 2])}, {}, "actions in row 3 is 2, expected an action in 0…1"),
        ({"observations": np.zeros((2, 1))}, {}, "episode 1 has 2 observations and 2 rewards, expected 3"),
        ({"actions": np.zeros(3, int)}, {}, "episode 1 has 3 actions and 2 rewards, expected 2"),
        ({"truncations": np.zeros(1, bool)}, {}, "episode 1 has 1 truncations and 2 rewards, expected 2"),
        ({"terminations": np.zeros(2, bool)}, {}, "row 3 ends episode 1 as neither terminal nor time-out"),
        ({"terminations": np.ones(2, bool)}, {}, "episode in row 3 is 1, expected the next episode's number"),
        ({"rewards": np.array([0.0, np.nan])}, {}, "rewards in row 3 is nan"),
        ({"infos": {"cost": np.zeros(7)}}, {}, r"infos\['cost'\] of episode 1 has shape \(7,\), expected \(3,\)"),
    ],
)
def test_a_dataset_that_is_no_log_is_named(second, spaces, message, tmp_path, monkeypatch):
    buffers = [one_episode(), one_episode(**second)]
    if second.get("actions", np.zeros(2)).ndim == 2:
        buffers = buffers[1:]
    spaces = {"observation_space": LINE, "action_space": TWO} | spaces
    found = by_minari("bad-v0", buffers, tmp_path, monkeypatch, **spaces)
    with pytest.raises(ValueError, match=message):
        read_minari(found)


def test_observations_in_named_parts_are_refused(tmp_path, monkeypatch):
    parts = gymnasium.spaces.Dict({"place": LINE})
    episode = one_episode(observations={"place": np.zeros((3, 1), np.float32)})
    found = by_minari("parts-v0", [episode], tmp_path, monkeypatch, observation_space=parts, action_space=TWO)
    with pytest.raises(ValueError, match="observation_space is Dict"):
        read_minari(found)


def test_a_dataset_without_episodes_is_refused(tmp_path):
    found = write_minari(short_log(), "log-v0", path=tmp_path)
    with pytest.raises(ValueError, match="'log-v0' has no episodes, expected at least one"):
        read_minari(found.filter_episodes(lambda _: False))


def test_an_end_flagged_both_ways_is_the_worlds_and_costs_may_lack_the_resets(tmp_path, monkeypatch):
    infos = {"cost": np.array([0.0, 2.0]), "state": np.zeros((3, 5))}  # another world's state may be anything
    episode = one_episode(truncations=np.array([False, True]), infos=infos)
    found = by_minari("both-v0", [episode], tmp_path, monkeypatch, observation_space=LINE, action_space=TWO)
    log = read_minari(found)
    assert (log.terminals.tolist(), log.timeouts.tolist()) == ([False, True], [False, False])
    assert (log.costs.tolist(), log.states.tolist()) == ([0.0, 2.0], [-1, -1])


@pytest.mark.parametrize("name", ["name", "../up-v0", "/abs-v0", "two words-v0", "aa//bb/log-v0", "", None])
def test_a_malformed_id_is_named_and_writes_nothing(name, tmp_path):
    with pytest.raises(ValueError, match=r"dataset_id is .* expected '\(namespace/\)name-v0'"):
        write_minari(short_log(), name, path=tmp_path)
    assert os.listdir(tmp_path) == []


def test_an_existing_dataset_is_never_touched(tmp_path):
    log = short_log(0)
    write_minari(log, "log-v0", path=tmp_path)
    with pytest.raises(ValueError, match="dataset_id 'log-v0' exists already in"):
        write_minari(short_log(1), "log-v0", path=tmp_path)
    assert os.listdir(tmp_path) == ["log-v0"]
    assert same(log, read_minari("log-v0", path=tmp_path))


def test_no_half_written_dataset_is_left(tmp_path, monkeypatch):
    def interrupted(storage, episodes):
        next(iter(episodes))
        raise KeyboardInterrupt

    monkeypatch.setattr(HDF5Storage, "update_episodes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_minari(short_log(), "deep/log-v0", path=tmp_path)
    assert os.listdir(tmp_path) == []


def test_the_folder_is_the_callers_and_nothing_goes_online(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a dataset is a local file")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "shared"))
    log = short_log()
    write_minari(log, "log-v0")
    assert os.listdir(tmp_path) == ["shared"]
    assert os.listdir(tmp_path / "shared") == ["log-v0"]
    assert same(log, read_minari("log-v0"))
    for path in (None, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"'other-v0' is not in .* nothing is downloaded"):
            read_minari("other-v0", path=path)
    with pytest.raises(FileNotFoundError, match=r"path is .*missing', expected a folder that exists"):
        write_minari(log, "log-v0", path=tmp_path / "missing")


def test_a_dataset_of_another_kind_is_named(tmp_path):
    with pytest.raises(ValueError, match="dataset is 3, expected a MinariDataset"):
        read_minari(3)
    found = write_minari(short_log(), "log-v0", path=tmp_path)
    with pytest.raises(ValueError, match=r"path is .* expected none beside a MinariDataset"):
        read_minari(found, path=tmp_path)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (lambda: SafetyCriticalGridWorld(), "env has no spec"),
        (lambda: "CartPole-v1", r"env\.action_space is Discrete\(2\), expected Discrete\(4\)"),
        (lambda: "Pendulum-v1", r"env\.action_space is Box"),
        (lambda: gymnasium.make("SafeGrid-v0", size=2), r"observations in row .* expected one of env.observation_sp"),
    ],
)
def test_an_env_that_did_not_write_the_log_is_named(env, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_minari(short_log(), "log-v0", path=tmp_path, env=env())
    assert os.listdir(tmp_path) == []


def test_what_is_said_of_a_log_is_text(tmp_path):
    with pytest.raises(ValueError, match="author is 3, expected text"):
        write_minari(short_log(), "log-v0", path=tmp_path, author=3)


def test_d3rlpys_own_conversion_shifts_every_episode_but_the_first_and_ours_none(tmp_path, monkeypatch):
    """It joins T + 1 observations an episode to T actions. When this fails, d3rlpy is mended: say so in chapter 02."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = gymnasium.make("SafeGrid-v0", max_episode_steps=80)
    log = generate_offline_episodes(env, 40, 0.22, seed=1)
    found = write_minari(log, "careless-v0", env=env)
    theirs, _ = d3rlpy.datasets.get_minari("careless-v0")
    ours = build_mdpdataset(read_minari(found))
    stored = np.concatenate([episode.observations for episode in found.iterate_episodes()])
    for number, (a, b) in enumerate(zip(ours.episodes, theirs.episodes, strict=True)):
        rows = np.flatnonzero(log.episode == number)
        np.testing.assert_array_equal(a.observations, log.observations[rows])
        np.testing.assert_array_equal(b.actions, a.actions)
        np.testing.assert_array_equal(b.observations, stored[rows])
        assert np.array_equal(b.observations, a.observations) == (number == 0)


def replaced(tmp_path, name, make):
    """A good dataset, one member of which is another."""
    data = write_minari(short_log(n=3), "log-v0", path=tmp_path).storage.data_path
    with h5py.File(data / "main_data.hdf5", "r+") as file:
        del file["episode_1"][name]
        make(file["episode_1"], name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g, name: g.update({name: h5py.ExternalLink("/etc/hostname", "/")}), "is missing, a link"),
        (lambda g, name: g.update({name: h5py.SoftLink("/episode_0/rewards")}), "is missing, a link"),
        (lambda g, name: g.create_dataset(name, (2,), "f8", external=[("/etc/passwd", 0, 16)]), "in another file"),
        (
            lambda g, name: g.create_dataset(name, (10**9,), "f8", chunks=(10,)),
            "numbers are declared, expected at most",
        ),
        (lambda g, name: g.create_dataset(name, (10**6,), "f8", chunks=(6,)), "numbers are declared"),
        (lambda g, name: g.create_dataset(name, data=["x", "y"]), "holds object"),
    ],
)
def test_a_member_that_reaches_elsewhere_or_declares_too_much_is_refused(make, message, tmp_path):
    replaced(tmp_path, "rewards", make)
    with pytest.raises(ValueError, match=rf"main_data\.hdf5: cannot be read as a log in Minari's format.*{message}"):
        read_minari("log-v0", path=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observation_space": None, "env_spec": '{"id": "x-v0", "entry_point": "os:system"}'}, "JSON object must be"),
        ({"observation_space": '{"type": "Box", "shape": [1000000000], "low": 0, "high": 1}'}, "fewer bounds"),
        ({"total_episodes": 10**12}, "total_episodes is 1000000000000"),
        ({"data_format": "arrow"}, "data_format is 'arrow', expected 'hdf5'"),
    ],
)
def test_metadata_that_would_make_more_than_a_log_are_refused(changes, message, tmp_path):
    about = write_minari(short_log(), "log-v0", path=tmp_path).storage.data_path / "metadata.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | changes))
    with pytest.raises(ValueError, match=f"log-v0/data: cannot be read as a log in Minari's format.*{message}"):
        read_minari("log-v0", path=tmp_path)
