"""A recording is what the environment showed, through its wrappers, or is refused by name."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces, wrappers

from safegrid import recording
from safegrid.dataset import Episodes, coverage, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.ope import log_shares


class Corridor(gymnasium.Env):
    """Walks right for three steps; what it shows and tells is up to the test."""

    def __init__(self, space=None, see=lambda x: x, info=lambda x: {}, ends=True, shape=lambda *taken: taken):
        self.observation_space = spaces.Discrete(9) if space is None else space
        self.action_space = spaces.Discrete(2)
        self.see, self.info, self.ends, self.shape = see, info, ends, shape

    def reset(self, *, seed=None, options=None):
        self.here = 0
        return self.see(0), self.info(0)

    def step(self, action):
        self.here += 1
        taken = (self.see(self.here), 1.0, self.ends and self.here == 3, False, self.info(self.here))
        return self.shape(*taken)


def right(*_):
    return 1


def test_discrete_observations_are_the_states():
    log = Episodes.from_gymnasium(Corridor(), right, 2, 0)
    assert log.states.tolist() == [0, 1, 2] * 2
    assert log.next_states.tolist() == [1, 2, 3] * 2
    ones = Corridor(spaces.Discrete(9, start=1), see=lambda x: np.int64(x + 1))
    assert Episodes.from_gymnasium(ones, right, 1, 0).states.tolist() == [0, 1, 2]
    lake = Episodes.from_gymnasium(gymnasium.make("FrozenLake-v1"), right, 3, 0)
    assert (lake.states == lake.observations[:, 0]).all()


STRANGE = [None, "left", [1, 2], np.arange(3), np.array([[1]]), 0.5, np.nan, -3, True, 1e300, 10**400, {}]


@pytest.mark.parametrize("state", STRANGE)
def test_somebody_elses_state_is_unknown_and_no_error(state):
    env = Corridor(spaces.Box(0, 9, (1,)), lambda x: np.array([x]), lambda x: {"state": state})
    log = Episodes.from_gymnasium(env, right, 1, 0)
    assert (log.states == -1).all()
    assert (log.next_states == -1).all()


@pytest.mark.parametrize("kind", [int, np.int32, float, np.array])
def test_a_state_is_a_whole_number_of_any_type(kind):
    env = Corridor(spaces.Box(0, 9, (1,)), lambda x: np.array([x]), lambda x: {"state": kind(x + 4), "cost": kind(x)})
    log = Episodes.from_gymnasium(env, right, 1, 0)
    assert log.states.tolist() == [4, 5, 6]
    assert log.costs.tolist() == [1, 2, 3]


@pytest.mark.parametrize("cost", [None, "high", [1.0], np.arange(2), np.nan, np.inf, 10**400])
def test_somebody_elses_cost_is_none(cost):
    assert not Episodes.from_gymnasium(Corridor(info=lambda x: {"cost": cost}), right, 1, 0).costs.any()


@pytest.mark.parametrize("shape", [lambda *taken: taken, lambda o, r, end, cut, info: (o, r, 0.0, end, cut, info)])
def test_an_info_that_is_none_tells_nothing_and_another_is_named(shape):
    log = Episodes.from_gymnasium(Corridor(info=lambda x: None, shape=shape), right, 1, 0)
    assert log.states.tolist() == [0, 1, 2]
    for source, told in {"reset": lambda x: "all well", "step": lambda x: "all well" if x else {}}.items():
        with pytest.raises(ValueError, match=f"env.{source} returned the info 'all well', expected a dict"):
            Episodes.from_gymnasium(Corridor(info=told, shape=shape), right, 1, 0)


def test_a_cost_after_the_reward_is_kept():
    safety = Corridor(shape=lambda o, r, end, cut, info: (o, r, 0.5 * o, end, cut, info))
    log = Episodes.from_gymnasium(safety, right, 1, 0)
    assert log.costs.tolist() == [0.5, 1.0, 1.5]
    assert log.rewards.tolist() == [1, 1, 1]


@pytest.mark.parametrize("n", [4, 7])
def test_a_step_of_another_length_is_named(n):
    with pytest.raises(ValueError, match=f"env.step returned {n} values, expected observation, reward, terminated"):
        Episodes.from_gymnasium(Corridor(shape=lambda *taken: (taken * 2)[:n]), right, 1, 0)


def test_an_episode_that_never_ends_is_cut_or_refused(monkeypatch):
    log = Episodes.from_gymnasium(Corridor(spaces.Discrete(99), ends=False), right, 2, 0, max_steps=5)
    assert log.lengths.tolist() == [5, 5]
    assert log.timeouts.sum() == 2
    assert log.next_states[log.timeouts].tolist() == [5, 5]
    assert Episodes.from_gymnasium(Corridor(), right, 1, 0, max_steps=3).terminals[-1]
    monkeypatch.setattr(recording, "_ENDLESS", 50)
    with pytest.raises(ValueError, match="episode 0 has not ended after 50 steps: pass max_steps"):
        Episodes.from_gymnasium(Corridor(ends=False), right, 1, 0)
    with pytest.raises(ValueError, match="max_steps is 0, expected a whole number"):
        Episodes.from_gymnasium(Corridor(), right, 1, 0, max_steps=0)


@pytest.mark.parametrize("action", [1.7, 1.0, True, np.True_, None, "1", np.array([1]), -1, 2])
def test_what_is_no_action_is_refused(action):
    first = iter([1] * 5)
    with pytest.raises(ValueError, match=r"policy's action in step 2 of episode 1, row 5, is .*, expected a whole num"):
        Episodes.from_gymnasium(Corridor(), lambda *_: next(first, action), 2, 0)


@pytest.mark.parametrize("action", [1, np.int64(1), np.uint8(1), np.array(1)])
def test_whole_numbers_are_actions(action):
    assert Episodes.from_gymnasium(Corridor(), lambda *_: action, 1, 0).actions.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "space", [spaces.Dict(x=spaces.Discrete(9)), spaces.Tuple([spaces.Discrete(9)]), spaces.Text(3)], ids=str
)
def test_observations_that_are_no_vectors_are_refused(space):
    with pytest.raises(ValueError, match=r"env\.observation_space is .*, expected vectors or numbers"):
        Episodes.from_gymnasium(Corridor(space), right, 1, 0)


def test_observations_of_many_shapes_are_vectors():
    whole = Corridor(spaces.MultiDiscrete([9, 9]), lambda x: np.array([x, 1]))
    assert Episodes.from_gymnasium(whole, right, 1, 0).observations.tolist() == [[0, 1], [1, 1], [2, 1]]
    picture = Corridor(spaces.Box(0, 9, (2, 2)), lambda x: np.full((2, 2), x))
    assert Episodes.from_gymnasium(picture, right, 1, 0).observations.shape == (3, 4)
    growing = Corridor(spaces.Box(0, 9, (2,)), lambda x: np.zeros(x + 1))
    with pytest.raises(ValueError, match="observations has rows of different lengths"):
        Episodes.from_gymnasium(growing, right, 1, 0)


def test_wrappers_that_change_nothing_leave_the_log_as_it_was(original, log):
    made = gymnasium.make("SafeGrid-v0", max_episode_steps=80)
    for env in (made, wrappers.TimeLimit(original, 100), wrappers.OrderEnforcing(original)):
        assert generate_offline_episodes(env) == log


def test_a_time_limit_below_the_worlds_cuts_the_log(original):
    log = generate_offline_episodes(gymnasium.make("SafeGrid-v0", max_episode_steps=28), 300)
    assert log.lengths.max() == 28
    assert (log.lengths[log.episode[log.timeouts]] == 28).all()
    assert log.timeouts.any()
    often = coverage(log, original.mdp).counts.sum(1) > 120
    assert often.sum() > 3
    shares = log_shares(log, original.mdp.n_states)[often]
    np.testing.assert_allclose(shares, original.behaviour_policy(0.22)[often], atol=0.15)


def test_a_wrapped_worlds_rewards_and_observations_are_the_wrappers(original):
    plain = original.mdp
    tenth = wrappers.TransformReward(SafetyCriticalGridWorld(), lambda reward: reward / 10)
    log = generate_offline_episodes(tenth, 40)
    np.testing.assert_allclose(np.unique(log.rewards), [-10, -0.1, 5], rtol=1e-6)
    small = wrappers.TransformObservation(SafetyCriticalGridWorld(), lambda o: o / 14, spaces.Box(0, 1, (2,)))
    log = generate_offline_episodes(small, 40)
    np.testing.assert_allclose(log.observations, plain.observations[log.states] / 14, rtol=1e-6)
    np.testing.assert_allclose(log.next_observations, plain.observations[log.next_states] / 14, rtol=1e-6)


def test_a_wrapped_log_follows_its_seed():
    env = gymnasium.make("SafeGrid-v0", max_episode_steps=20)
    one, again, other = (generate_offline_episodes(env, 5, seed=seed) for seed in (1, np.random.default_rng(1), 2))
    assert one == again != other


class HidesState(gymnasium.Wrapper):
    def reset(self, **keywords):
        return super().reset(**keywords)[0], {}


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (lambda: HidesState(SafetyCriticalGridWorld()), r"info\['state'\] of env is None, expected the state"),
        (
            lambda: wrappers.TransformAction(SafetyCriticalGridWorld(), lambda a: a % 4, spaces.Discrete(8)),
            r"env.action_space is Discrete\(8\), expected Discrete\(4\) as the driver's",
        ),
        (lambda: gymnasium.make("CartPole-v1"), "env is .*CartPole.*no mdp and no behaviour_policy.*from_gymnasium"),
    ],
)
def test_a_world_that_the_driver_cannot_drive_is_refused(env, message):
    with pytest.raises(ValueError, match=message):
        generate_offline_episodes(env(), 2)
