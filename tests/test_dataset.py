"""The log is what was driven, checked row by row."""

import dataclasses

import gymnasium
import numpy as np
import pytest
from example_logs import COLUMNS, any_log, columns, same, short_log
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from safegrid.dataset import Episodes, coverage, generate_offline_episodes, sample_episodes
from safegrid.files.npz import write_npz
from safegrid.intervals import interquartile_mean, mean, performance_profile, probability_of_improvement
from safegrid.mdpdataset import d3rlpy
from safegrid.ope import bootstrap_interval, select_episodes, split_episodes


def test_the_same_seed_gives_the_same_log(original, log):
    assert same(log, generate_offline_episodes(original))
    assert not same(log, generate_offline_episodes(original, seed=43))


@pytest.mark.parametrize("seed", [-1, "a", 1.5, True, None])
def test_a_bad_seed_is_named_wherever_random_numbers_are_drawn(seed, original, log):
    def right(*_):
        return 1

    wrapped = gymnasium.make("SafeGrid-v0", max_episode_steps=20)
    driver, few = original.behaviour_policy(0.2), select_episodes(log, [0, 1])
    for draw in (
        lambda: generate_offline_episodes(original, 2, seed=seed),
        lambda: generate_offline_episodes(wrapped, 2, seed=seed),
        lambda: sample_episodes(original.mdp, driver, 2, seed),
        lambda: original.mdp.rollouts(driver, 2, seed),
        lambda: Episodes.from_gymnasium(original, right, 1, seed),
        lambda: split_episodes(few, seed),
        lambda: bootstrap_interval(len, few, n_resamples=2, seed=seed),
        lambda: mean(np.arange(3.0), seed=seed),
        lambda: interquartile_mean(np.zeros(1), seed=seed),
        lambda: performance_profile(np.arange(3.0), [1.0], seed=seed),
        lambda: probability_of_improvement(np.arange(3.0), np.arange(3.0), seed=seed),
    ):
        with pytest.raises(ValueError, match=f"seed is {seed!r}, expected a whole number of at least 0"):
            draw()


def test_the_default_log_is_the_drivers(original, log):
    exact = original.mdp.evaluate(original.behaviour_policy(0.22))
    assert log.n_episodes == 500 == len(log.returns) == len(log.lengths)
    assert log.harmful.mean() == pytest.approx(exact.hazard_rate, abs=4 * np.sqrt(0.2 * 0.8 / 500))
    assert log.lengths.mean() == pytest.approx(exact.length_mean, rel=0.05)
    np.testing.assert_array_equal(log.observations, original.mdp.observations[log.states])


def test_a_wrapped_env_serves_too(log):
    assert same(log, generate_offline_episodes(gymnasium.make("SafeGrid-v0")))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_log_cannot_be_changed(log, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(log, name)[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(log, name, None)


def test_a_log_keeps_its_own_copy():
    log = short_log()
    arrays = columns(log)
    copy = Episodes.from_arrays(**arrays, n_actions=4)
    for column in arrays.values():
        column[:] = 0
    assert same(copy, log)


def test_a_frozen_array_that_owns_its_numbers_is_shared_and_a_view_is_not():
    log = short_log()
    again = dataclasses.replace(log, rewards=log.rewards + 1)
    assert np.shares_memory(again.observations, log.observations)
    numbers = np.zeros(2 * len(log), np.float32)
    view = numbers[: len(log)]
    view.flags.writeable = False
    copy = dataclasses.replace(log, rewards=view)
    numbers[:] = 1
    assert not copy.rewards.any()


@settings(deadline=None, max_examples=30)
@given(log=any_log())
def test_returns_lengths_and_harm_are_sums_over_episodes(log):
    rows = [log.episode == e for e in range(log.n_episodes)]
    assert log.lengths.tolist() == [r.sum() for r in rows]
    np.testing.assert_allclose(log.returns, [log.rewards[r].sum() for r in rows], atol=1e-5)
    assert log.harmful.tolist() == [(log.costs[r] > 0).any() for r in rows]


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
        (spoil("observations", 5, -np.inf), "observations in row 5 is .*inf.*, expected finite"),
        (spoil("next_observations", 5, np.nan), "next_observations in row 5 is .*nan.*, expected finite"),
        (spoil("rewards", 7, np.inf), "rewards in row 7 is inf, expected finite"),
        (spoil("rewards", 7, np.nan), "rewards in row 7 is nan, expected finite"),
        (spoil("costs", 7, np.nan), "costs in row 7 is nan"),
        (spoil("actions", 3, 4), "actions in row 3 is 4, expected an action in 0…3"),
        (spoil("actions", 3, -1), "actions in row 3 is -1"),
        (spoil("actions", 3, 0.5), "actions in row 3 is 0.5, expected a whole number"),
        (spoil("terminals", 2, 0.5), "terminals in row 2 is 0.5, expected a truth value"),
        (spoil("terminals", 2, 2.0), "terminals in row 2 is 2.0, expected a truth value"),
        (spoil("states", 2, -2), "states in row 2 is -2, expected a state or −1"),
        (spoil("next_states", 2, -2), "next_states in row 2 is -2, expected a state or −1"),
        (lambda log: {"actions": np.array(log.actions)[:-1]}, "observations has .* rows, expected"),
        (lambda log: {"rewards": np.array(["x"] * len(log))}, "rewards has type <U1, expected numbers"),
        (lambda log: {"observations": np.zeros((len(log), 2, 2))}, r"observations has shape .* expected \(N, d\)"),
        (lambda log: {"next_observations": np.zeros((len(log), 3))}, "next_observations has shape"),
        (lambda log: {"terminals": np.zeros(len(log), bool), "timeouts": np.zeros(len(log), bool)}, "as neither"),
        (lambda log: {"next_observations": np.roll(log.next_observations, 1, 0)}, "the log is shifted"),
    ],
)
def test_a_bad_row_is_named(change, message):
    log = short_log()
    with pytest.raises(ValueError, match=message):
        Episodes.from_arrays(**columns(log, **change(log)), n_actions=4)


def test_an_episode_ends_in_one_way(log):
    with pytest.raises(ValueError, match=r"timeouts in row .* is True, expected False where term"):
        dataclasses.replace(log, timeouts=log.terminals | log.timeouts)


def test_a_clock_that_strikes_on_the_last_step_takes_neither_the_terminal_nor_its_reward():
    env, rng, rows, arrived = gymnasium.make("SafeGrid-v0", max_episode_steps=28), np.random.default_rng(0), [], 0
    driver = env.unwrapped.expert_policy()
    for i in range(60):
        observation, info = env.reset(seed=0 if i == 0 else None)
        over = False
        while not over:
            before, action = observation, rng.choice(4, p=driver[info["state"]])
            observation, reward, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            rows.append((before, action, reward, terminated, truncated))
        arrived += info["outcome"] == "goal"
    seen, actions, rewards, terminals, timeouts = map(np.array, zip(*rows, strict=True))
    assert (terminals & timeouts & (rewards == 50)).any()
    log = Episodes.from_arrays(seen, actions, rewards, terminals, timeouts, n_actions=4)
    assert (log.rewards == 50).sum() == arrived > 20
    assert log.terminals.sum() == terminals.sum()
    assert len(log) == len(rows) - (timeouts & ~terminals).sum()


@pytest.mark.parametrize("ids", [lambda e: e, lambda e: 7 - 3 * e, lambda e: np.array([f"run {i}" for i in e])])
@pytest.mark.parametrize("told", [True, False])
def test_rows_of_an_episode_are_brought_together(ids, told):
    log = short_log()
    rows = np.random.default_rng(0).permutation(len(log))
    rows = np.r_[0, rows[rows > 0]]
    step = np.arange(len(log))[rows]
    arrays = {name: column[rows] for name, column in columns(log, timeouts=None).items() if column is not None}
    if not told:
        del arrays["next_observations"]
    found = Episodes.from_arrays(**arrays, n_actions=4, episode=ids(log.episode[rows]), step=step)
    _, first = np.unique(log.episode[rows], return_index=True)
    wanted = select_episodes(log, np.argsort(first))
    if not told:
        arrays = columns(wanted)
        del arrays["next_observations"]
        wanted = Episodes.from_arrays(**arrays, n_actions=4)
    assert found == wanted


def test_rows_of_an_episode_keep_their_order():
    log = Episodes.from_arrays(
        [0, 10, 1, 11, 2, 12], [0] * 6, range(6), [0, 0, 0, 0, 1, 0], n_actions=1, episode=[*"bababa"]
    )
    assert log.observations.ravel().tolist() == [0, 1, 2, 10, 11]
    assert log.rewards.tolist() == [0, 2, 4, 1, 3]
    assert log.terminals.tolist() == [False, False, True, False, False]
    assert log.timeouts.tolist() == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"terminals": [1, 0, 0, 1]}, "terminals in row 0 is True, expected False: its episode goes on"),
        ({"timeouts": [0, 1, 0, 0]}, "timeouts in row 1 is True, expected False: its episode goes on"),
        ({"episode": [0, 1, 0]}, "episode has 3 rows, expected 4 as actions"),
        ({"episode": [0, np.nan, 0, 1]}, "episode in row 1 is nan, expected finite numbers"),
        ({"episode": ["a", None, "a", "b"]}, "episode in row 1 is None, expected a number: none may be missing"),
        ({"step": [0, 1, 0, 2]}, "step in row 2 is 0.*, expected another than that of an earlier row of its episode"),
        ({"episode": None, "step": [0, 1, 2, 3]}, "step is given without episode"),
    ],
)
def test_a_bad_numbering_of_episodes_is_named(change, message):
    given = {"terminals": [0, 0, 1, 1], "episode": [5, 3, 5, 3]}
    with pytest.raises(ValueError, match=message):
        Episodes.from_arrays([0, 1, 2, 3], [0] * 4, [0] * 4, **given | change, n_actions=1)


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in ("actions", "episode")])
def test_columns_are_equally_long(name):
    log = short_log()
    arrays = columns(log)
    arrays[name] = arrays[name][:-1]
    with pytest.raises(ValueError, match=f"^{name} has {len(log) - 1} rows, expected {len(log)} as actions"):
        Episodes.from_arrays(**arrays, n_actions=4)


@settings(deadline=None, max_examples=40)
@given(log=any_log(), data=st.data())
def test_any_one_broken_link_is_found_in_its_row(log, data):
    inner = np.flatnonzero(~(log.terminals | log.timeouts))
    assume(inner.size)
    row = data.draw(st.sampled_from(inner.tolist()))
    column = data.draw(st.integers(0, log.observations.shape[1] - 1))
    following = np.array(log.next_observations)
    following[row, column] += 1
    with pytest.raises(ValueError, match=f"next_observations in row {row} is .* the log is shifted"):
        dataclasses.replace(log, next_observations=following)


def test_a_log_ends_with_its_last_episode():
    log = short_log()
    ends = np.flatnonzero(log.terminals | log.timeouts)
    row = ends[-1] - 1
    assert row not in ends
    arrays = {name: column[: row + 1] for name, column in columns(log).items()}
    message = f"row {row} ends episode {log.n_episodes - 1} as neither terminal nor time-out"
    with pytest.raises(ValueError, match=message):
        Episodes.from_arrays(**arrays, n_actions=4)


@pytest.mark.parametrize("n_actions", [0, -1])
def test_an_action_space_has_an_action(log, n_actions):
    with pytest.raises(ValueError, match=rf"n_actions is {n_actions}, expected .*at least 1"):
        dataclasses.replace(log, n_actions=n_actions)


def test_an_episode_ends_at_its_terminal():
    log = short_log()
    first = int(np.flatnonzero(log.terminals | log.timeouts)[0])
    with pytest.raises(ValueError, match=r"episode in row .* is 0, expected the next episode's number"):
        dataclasses.replace(log, episode=np.zeros(len(log), int))
    with pytest.raises(ValueError, match=f"episode in row {first + 1} is 2, expected 0, 1, 2 … without a gap"):
        dataclasses.replace(log, episode=log.episode * 2)
    with pytest.raises(ValueError, match="episode in row 0 is 1, expected 0, 1, 2 … without a gap"):
        dataclasses.replace(log, episode=log.episode + 1)
    with pytest.raises(ValueError, match="without a gap"):
        dataclasses.replace(log, episode=log.episode[::-1])


def test_an_empty_log_teaches_nothing():
    empty = np.zeros(0)
    with pytest.raises(ValueError, match="actions is empty"):
        Episodes.from_arrays(np.zeros((0, 2)), empty, empty, empty, n_actions=4)


@pytest.mark.parametrize("name", ["actions", "rewards", "terminals"])
def test_a_column_that_has_no_default_has_none(name):
    arrays = columns(short_log(), **{name: None})
    with pytest.raises(ValueError, match=r"has shape \(\), expected \(N,\)|rows, expected 1 as actions"):
        Episodes.from_arrays(**arrays, n_actions=4)


@settings(deadline=None, max_examples=30)
@given(log=any_log())
def test_from_arrays_gives_back_the_log(log):
    assert same(log, Episodes.from_arrays(**columns(log), n_actions=log.n_actions))


@settings(deadline=None, max_examples=40)
@given(log=any_log())
def test_without_next_observations_a_timeouts_last_step_is_dropped_as_d3rlpy_does(log):
    arrays = columns(log)
    del arrays["next_observations"]
    assume((~log.timeouts).any())
    ours = Episodes.from_arrays(**arrays, n_actions=log.n_actions)
    plain = d3rlpy.dataset.MDPDataset(
        log.observations, log.actions, log.rewards, log.terminals.astype(float), log.timeouts.astype(float),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=log.n_actions,
    )  # fmt: skip
    assert len(ours) == plain.transition_count == len(log) - log.timeouts.sum()
    for name in ("observations", "actions", "rewards", "terminals", "costs", "states", "next_states"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(log, name)[~log.timeouts])
    known, going_on = log.next_observations[~log.timeouts], ~ours.terminals
    np.testing.assert_array_equal(ours.next_observations[going_on], known[going_on])
    assert (ours.next_observations[ours.terminals] == 0).all()  # not the next episode's first
    assert ours.timeouts.sum() == (log.timeouts & (log.lengths[log.episode] > 1)).sum()


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
    observation, _ = env.reset(seed=3)
    np.testing.assert_array_equal(logs[0].observations[0], np.ravel(observation))
    if name == "SafeGrid-v0":
        world = env.unwrapped.mdp
        np.testing.assert_array_equal(logs[0].observations, world.observations[logs[0].states])
        assert (world.transition[logs[0].states, logs[0].actions, logs[0].next_states] > 0).all()
        np.testing.assert_array_equal(logs[0].costs, world.hazard[logs[0].next_states])


def test_a_log_tells_what_the_world_returned():
    env, seen, rng = gymnasium.make("CartPole-v1", max_episode_steps=12), [], np.random.default_rng(5)
    log = Episodes.from_gymnasium(env, lambda _, rng: rng.integers(2), n_episodes=30, seed=5)
    for i in range(30):
        observation, _ = env.reset(seed=5 if i == 0 else None)
        over = False
        while not over:
            before, action = observation, rng.integers(2)
            observation, reward, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
            seen.append((*before, action, reward, *observation, terminated, truncated and not terminated))
    got = np.c_[log.observations, log.actions, log.rewards, log.next_observations, log.terminals, log.timeouts]
    np.testing.assert_allclose(got, np.array(seen, np.float32))
    assert log.terminals.any()
    assert log.timeouts.any()


def test_continuous_actions_are_refused():
    with pytest.raises(ValueError, match=r"env\.action_space is Box"):
        Episodes.from_gymnasium(gymnasium.make("Pendulum-v1"), lambda *_: 0, n_episodes=1, seed=0)


@settings(deadline=None, max_examples=25)
@given(log=any_log())
def test_saving_and_loading_is_the_identity(log, tmp_path_factory):
    assert same(log, Episodes.load(log.save(tmp_path_factory.mktemp("logs") / "log.npz")))


def test_a_missing_column_is_named(tmp_path):
    header = '{"format": "safegrid-episodes-1", "n_actions": 4}'
    arrays = {name: getattr(short_log(), name) for name in COLUMNS if name != "rewards"}
    with pytest.raises(ValueError, match="column 'rewards' is missing"):
        Episodes.load(write_npz(tmp_path / "log.npz", header, arrays))


def test_what_is_loaded_is_checked_again(tmp_path):
    header = '{"format": "safegrid-episodes-1", "n_actions": 1}'
    arrays = {name: getattr(short_log(), name) for name in COLUMNS}
    with pytest.raises(ValueError, match=r"actions in row .* expected an action in 0…0"):
        Episodes.load(write_npz(tmp_path / "log.npz", header, arrays))


def test_coverage_counts_every_step(original, log):
    by_state, by_observation = coverage(log, original.mdp), coverage(log)
    counted = {}
    for observation, action in zip(log.observations.tolist(), log.actions.tolist(), strict=True):
        counted.setdefault(tuple(observation), [0] * 4)[action] += 1
    assert by_state.counts.sum() == by_observation.counts.sum() == len(log)
    for cover, rows in ((by_state, by_state.visited), (by_observation, slice(None))):
        found = dict(zip(map(tuple, cover.observations[rows].tolist()), cover.counts[rows].tolist(), strict=True))
        assert found == counted
        assert cover.visited.sum() == len(counted)
        assert cover.unseen.sum() == sum(row.count(0) for row in counted.values())


@pytest.mark.parametrize("state", [-1, 225])
def test_coverage_of_unknown_states_is_refused(original, state):
    log = Episodes.from_arrays([[0, 0]], [0], [0], [1], n_actions=4, states=[state])
    with pytest.raises(ValueError, match=f"states in row 0 is {state}, expected a state of the mdp, 0…224"):
        coverage(log, original.mdp)


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_a_log_has_at_least_one_episode(original, n):
    with pytest.raises(ValueError, match=f"n_episodes is {n}"):
        sample_episodes(original.mdp, original.uniform_policy(), n, 0)


class ReusesItsBuffer(gymnasium.Env):
    """Returns the same array every time, as fast environments do."""

    observation_space, action_space = gymnasium.spaces.Box(0, 9, (1,)), gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.here = np.zeros(1, np.float32)
        return self.here, {}

    def step(self, _):
        self.here += 1
        return self.here, 0.0, bool(self.here[0] >= 3), False, {}


def test_an_env_may_reuse_its_observation_buffer():
    reused = Episodes.from_gymnasium(ReusesItsBuffer(), lambda *_: 0, 1, 0)
    assert reused.observations.ravel().tolist() == [0, 1, 2]
    assert reused.next_observations.ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize("entry", ["", ', "n_actions": null', ', "n_actions": "x"', ', "n_actions": 4.7'])
def test_a_header_without_a_number_of_actions_is_refused(entry, tmp_path):
    header = f'{{"format": "safegrid-episodes-1"{entry}}}'
    write_npz(tmp_path / "log.npz", header, {c: getattr(short_log(), c) for c in COLUMNS})
    with pytest.raises(ValueError, match="n_actions is"):
        Episodes.load(tmp_path / "log.npz")


def test_the_row_named_is_the_one_after_the_terminal():
    merged = short_log()
    first = int(np.flatnonzero(merged.terminals | merged.timeouts)[0])
    with pytest.raises(ValueError, match=f"episode in row {first + 1} is"):
        dataclasses.replace(merged, episode=np.zeros(len(merged), int))


@pytest.mark.parametrize("n_actions", [2.5, None, "2"])
def test_the_number_of_actions_is_a_whole_number(n_actions):
    with pytest.raises(ValueError, match="n_actions is"):
        Episodes.from_arrays([[0]], [0], [0], [1], n_actions=n_actions)


@pytest.mark.parametrize("action", [np.nan, np.inf, 1e30])
def test_an_impossible_action_is_named_without_a_warning_first(action):
    with pytest.raises(ValueError, match="actions in row 0 is"):
        Episodes.from_arrays([[0]], [action], [0], [1], n_actions=1)


def test_a_log_of_nothing_but_cut_steps_asks_for_their_successors():
    with pytest.raises(ValueError, match="pass next_observations"):
        Episodes.from_arrays([[0]], [0], [0], [0], [1], n_actions=1)


def test_coverage_wants_the_worlds_actions(original):
    log = Episodes.from_arrays([[0, 0]], [0], [0], [1], n_actions=2, states=[0])
    with pytest.raises(ValueError, match="n_actions is 2, expected 4"):
        coverage(log, original.mdp)


@settings(deadline=None, max_examples=25)
@given(log=any_log(), other=any_log())
def test_logs_one_after_another_keep_every_row(log, other):
    logs = [log, dataclasses.replace(log, rewards=log.rewards + 1), log]
    joined = Episodes.concatenate(logs)
    assert joined.n_episodes == 3 * log.n_episodes
    for name in set(COLUMNS) - {"episode"}:
        np.testing.assert_array_equal(getattr(joined, name), np.concatenate([getattr(one, name) for one in logs]))
    np.testing.assert_array_equal(joined.returns, np.concatenate([one.returns for one in logs]))
    np.testing.assert_array_equal(joined.lengths, np.tile(log.lengths, 3))
    assert same(Episodes.concatenate([log]), log)
    if (log.n_actions, log.observations.shape[1]) != (other.n_actions, other.observations.shape[1]):
        with pytest.raises(ValueError, match=rf"logs\[1\] has {other.n_actions} actions .* expected {log.n_actions}"):
            Episodes.concatenate([log, other])


def test_no_logs_make_no_log():
    with pytest.raises(ValueError, match="logs is empty, expected at least one"):
        Episodes.concatenate([])


def test_a_step_that_is_missing_joins_no_two_others():
    rows = {"actions": [0, 0, 0, 0], "rewards": [0.0] * 4, "terminals": [False, True, False, True], "n_actions": 1}
    with pytest.raises(ValueError, match="step in row 1 is 3, expected one more than in the row before it"):
        Episodes.from_arrays([0.0, 1.0, 2.0, 3.0], **rows, episode=[7, 7, 8, 8], step=[1, 3, 0, 1])
    log = Episodes.from_arrays([0.0, 1.0, 2.0, 3.0], **rows, episode=[7, 7, 8, 8], step=[0.5, 3.25, 1.5, 9.0])
    assert log.n_episodes == 2


def test_a_bad_row_is_named_as_it_was_given():
    with pytest.raises(ValueError, match="rewards in row 1 is nan"):
        Episodes.from_arrays(
            [0.0, 1.0, 2.0], [0] * 3, [0.0, np.nan, 0.0], [False, True, True], n_actions=1, episode=[5, 4, 5]
        )
    with pytest.raises(ValueError, match="actions in row 0 is '4', expected a number"):
        Episodes.from_arrays([0.0, 1.0], ["4", None], [0.0, 1.0], [False, True], n_actions=5)
