"""The truth is true: published numbers, every way to write a table, and what is refused."""

from dataclasses import FrozenInstanceError, replace

import gymnasium
import numpy as np
import pytest
from example_worlds import FEW, random_mdp, random_policy
from hypothesis import given
from hypothesis import strategies as st

from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP, portable_rng


@pytest.mark.parametrize(
    ("world", "policy", "field", "value", "tolerance"),
    [
        ("original", "optimal", "return_mean", 21.688494, 5e-7),
        ("original", "optimal", "hazard_rate", 2.5e-5, 5e-7),
        ("original", "timed", "return_mean", 21.688498, 5e-7),
        ("original", "behaviour", "return_mean", -13.851093, 5e-7),
        ("original", "behaviour", "hazard_rate", 0.2073, 5e-5),
        ("original", "behaviour", "goal_rate", 0.7927, 5e-5),
        ("original", "uniform", "return_mean", -115.96, 5e-3),
        ("crossroads", "optimal", "return_mean", 21.5395, 5e-5),
        ("crossroads", "optimal", "hazard_rate", 0.0011, 5e-5),
        ("crossroads", "timed", "return_mean", 21.5629, 5e-5),
        ("crossroads", "behaviour", "return_mean", -73.7, 5e-2),
        ("crossroads", "behaviour", "hazard_rate", 0.64, 5e-3),
        ("crossroads", "behaviour", "goal_rate", 0.36, 5e-3),
        ("cliff", "optimal", "return_mean", 31.8576, 5e-5),
        ("cliff", "optimal", "hazard_rate", 0.015076, 5e-7),
        ("cliff", "timed", "return_mean", 31.8576, 5e-5),
        ("cliff", "behaviour", "return_mean", -59.4265, 5e-5),
        ("cliff", "behaviour", "hazard_rate", 0.6570, 5e-5),
        ("cliff", "behaviour", "goal_rate", 0.3430, 5e-5),
        ("cliff", "fearless", "return_mean", 12.3978, 5e-5),
        ("cliff", "fearless", "hazard_rate", 0.1671, 5e-5),
        ("rooms", "optimal", "return_mean", 17.982656, 5e-7),
        ("rooms", "optimal", "hazard_rate", 0.026446, 5e-7),
        ("rooms", "timed", "return_mean", 17.982667, 5e-7),
        ("rooms", "behaviour", "return_mean", -98.5507, 5e-5),
        ("rooms", "behaviour", "hazard_rate", 0.7541, 5e-5),
        ("rooms", "behaviour", "goal_rate", 0.2085, 5e-5),
        ("rooms", "fearless", "return_mean", 6.5561, 5e-5),
    ],
)
def test_known_scores(world, policy, field, value, tolerance, request):
    env = request.getfixturevalue(world)
    policies = {
        "optimal": lambda: env.mdp.optimal(0.99),
        "timed": lambda: env.mdp.optimal(1.0, horizon=80),
        "behaviour": lambda: env.behaviour_policy(0.22),
        "uniform": env.uniform_policy,
        "fearless": lambda: SafetyCriticalGridWorld(desc=env.desc, slip_prob=0.0).mdp.optimal(0.99),
    }
    assert getattr(env.mdp.evaluate(policies[policy]()), field) == pytest.approx(value, abs=tolerance)


def test_known_value_of_the_start(original):
    mdp = original.mdp
    assert mdp.values(mdp.optimal(0.99), 0.99)[0][0] == pytest.approx(12.870, abs=5e-4)


@FEW
@given(seed=st.integers(0, 10_000))
def test_splitting_shuffling_and_padding_the_successors_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    transition, rewards = rng.dirichlet(np.ones(5), (5, 3)), rng.integers(-5, 4, (5, 3, 5)).astype(float)
    rest = {"terminal": np.arange(5) > 2, "start": [0.2, 0.3, 0.5, 0, 0], "hazard": np.eye(5, dtype=bool)[3]}
    order = rng.permuted(np.tile(np.repeat(np.arange(6), 2), (5, 3, 1)), axis=-1)  # each state twice, and two to pad
    padding, state = order == 5, np.where(order == 5, rng.integers(0, 5, order.shape), order)
    p, r = (np.take_along_axis(table, state, -1) for table in (transition, rewards))
    sparse = TabularMDP(state, np.where(padding, 0.0, p / 2), np.where(padding, np.sqrt(2), r), **rest)
    table = TabularMDP.from_dense(transition, rewards, **rest)
    policy = random_policy(table, seed)
    np.testing.assert_allclose(sparse.transition, transition)
    assert sparse.evaluate(policy, 4).as_dict() == pytest.approx(table.evaluate(policy, 4).as_dict(), abs=1e-6)
    for ours, theirs in zip(sparse.values(policy, 0.9), table.values(policy, 0.9), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_array_equal(sparse.optimal(0.9), table.optimal(0.9))


def test_rewards_may_be_by_state_by_pair_or_by_state_and_follower():
    rng = np.random.default_rng(0)
    table, rest = rng.dirichlet(np.ones(3), (3, 2)), {"terminal": [False, False, True], "start": [1, 0, 0]}
    by_state, by_pair, by_follower = rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=(3, 3))
    whole = np.zeros((3, 2, 3))
    for rewards, full in (
        (by_state, whole + by_state[:, None, None]),
        (by_pair, whole + by_pair[:, :, None]),
        (by_pair[:, :, None], whole + by_pair[:, :, None]),
        (by_follower, whole + by_follower[:, None]),
    ):
        found, wanted = (TabularMDP.from_dense(table, r, **rest) for r in (rewards, full))
        np.testing.assert_array_equal(found.rewards, wanted.rewards)
        sparse = TabularMDP(wanted.successors, wanted.probabilities, rewards, **rest)
        np.testing.assert_array_equal(sparse.rewards, wanted.rewards)


def test_rewards_that_may_mean_two_things_are_refused():
    rest = {"terminal": [False, True], "start": [1, 0], "horizon": 1}
    with pytest.raises(ValueError, match=r"rewards of shape \(2, 2\) may be by pair or by state and follower"):
        TabularMDP.from_dense(np.full((2, 2, 2), 0.5), [[1, 2], [3, 4]], **rest)
    mdp = TabularMDP.from_dense(np.full((2, 2, 2), 0.5), [[[1], [2]], [[3], [4]]], **rest)
    assert mdp.expected_rewards.tolist() == [[1, 2], [3, 4]]


def table_values(world, gamma, horizon=None):
    """Value iteration on Gymnasium's own table: V (S,), to convergence or with so many steps to go."""
    v = np.zeros(len(world.P))
    for _ in range(horizon or 3_000):
        v = np.array([
            max(sum(p * (r + gamma * (not over) * v[z]) for p, z, r, over in entries) for entries in actions.values())
            for _, actions in sorted(world.P.items())
        ])  # fmt: skip
    return v


LAKES = {
    f"lake {name}, {'slippery' if slips else 'dry'}": ("FrozenLake-v1", {"map_name": name, "is_slippery": slips})
    for name in ("4x4", "8x8")
    for slips in (True, False)
}
TOYS = LAKES | {"cliff": ("CliffWalking-v0", {}), "taxi": ("Taxi-v3", {})}


@pytest.mark.parametrize("name", TOYS)
def test_gymnasium_s_toy_worlds_have_the_values_of_their_own_table(name):
    env = gymnasium.make(TOYS[name][0], **TOYS[name][1])
    mdp, wanted = TabularMDP.from_gymnasium(env), table_values(env.unwrapped, 0.9, 250)
    assert mdp.n_states == len(env.unwrapped.P)
    assert mdp.horizon == env.spec.max_episode_steps
    assert mdp.observations.ravel().tolist() == list(range(mdp.n_states))
    visited = mdp.expected_visits(np.full((mdp.n_states, mdp.n_actions), 1 / mdp.n_actions), 200) > 0
    live = visited & ~mdp.terminal
    np.testing.assert_allclose(mdp.values(mdp.optimal(0.9), 0.9)[0][live], wanted[live], rtol=0, atol=1e-8)
    best = mdp.optimal(1.0, horizon=100)
    timed = env.unwrapped.initial_state_distrib @ table_values(env.unwrapped, 1.0, 100)
    assert mdp.evaluate(best, 100).return_mean == pytest.approx(timed, abs=1e-9)


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_world_steps_as_its_table_says(name):
    env = gymnasium.make(TOYS[name][0], **TOYS[name][1])
    mdp, rng = TabularMDP.from_gymnasium(env), np.random.default_rng(0)
    tried, met, wanted = set(), [], []
    for episode in range(60):
        state, _ = env.reset(seed=episode)
        assert mdp.start[state] > 0
        over = cut = False
        while not (over or cut):
            action = int(rng.integers(mdp.n_actions))
            follower, reward, over, cut, _ = env.step(action)
            way = (mdp.successors[state, action] == follower) & (mdp.rewards[state, action] == reward)
            assert mdp.probabilities[state, action][way].sum() > 0
            assert mdp.terminal[follower] == over
            met.append(follower)
            wanted.append(mdp.probabilities[state, action] @ mdp.successors[state, action])
            tried.add((state, action))
            state = follower
            if len(met) % 500 == 0:
                break  # CliffWalking has no clock
    assert len(tried) > 20
    spread = np.std(np.subtract(met, wanted)) / np.sqrt(len(met))
    assert abs(np.mean(np.subtract(met, wanted))) <= 4 * spread + 1e-9


def test_frozen_lake_is_crossed_fourteen_times_in_seventeen():
    lake = gymnasium.make("FrozenLake-v1", map_name="4x4", is_slippery=True)
    holes = np.flatnonzero(lake.unwrapped.desc.ravel() == b"H")
    mdp = TabularMDP.from_gymnasium(lake, hazard=holes)
    assert (np.flatnonzero(mdp.hazard).tolist(), np.flatnonzero(mdp.goal).tolist()) == ([5, 7, 11, 12], [15])
    v = table_values(lake.unwrapped, 1.0)
    best = mdp.optimal(1.0)
    assert v[0] == pytest.approx(14 / 17, abs=1e-9)
    assert mdp.values(best, 1.0)[0][0] == pytest.approx(v[0], abs=1e-9)
    assert mdp.evaluate(best, 2_000).goal_rate == pytest.approx(v[0], abs=1e-9)
    assert mdp.evaluate(best).goal_rate == pytest.approx(0.7402, abs=5e-5)  # within its own hundred steps


def test_a_fall_in_cliff_walking_costs_a_hundred_and_ends_nothing():
    mdp = TabularMDP.from_gymnasium(gymnasium.make("CliffWalking-v0"))
    assert (np.flatnonzero(mdp.terminal).tolist(), mdp.hazard.any()) == ([47], False)
    assert mdp.evaluate(mdp.optimal(1.0), 20).return_mean == -13
    right_away = np.full((48, 4), [0.0, 1.0, 0.0, 0.0])
    assert mdp.evaluate(right_away, 3).return_mean == -300
    with pytest.raises(ValueError, match="hazard has state 37, expected states in which an episode ends"):
        TabularMDP.from_gymnasium(gymnasium.make("CliffWalking-v0"), hazard=[37])


class Toy(gymnasium.Env):
    """Three states in each of which some episodes end while others go on."""

    def __init__(self, **changed):
        back = [(0.5, 1, 3.0, False), (0.5, 1, 4.0, True)]
        self.P = {
            0: {0: [(0.25, 0, 1.0, False), (0.5, 0, 1.0, False), (0.25, 0, 1.0, True)], 1: [(1.0, 1, 2.0, True)]},
            1: {0: back, 1: back},
            2: {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 2, 0.0, True)]},
        }
        self.initial_state_distrib = np.array([0.5, 0.0, 0.5])
        self.action_space, self.observation_space = gymnasium.spaces.Discrete(2), gymnasium.spaces.Discrete(3)
        for name, value in changed.items():
            setattr(self, name, value)


def test_a_state_that_ends_some_episodes_while_others_go_on_is_two():
    env = Toy()
    mdp = TabularMDP.from_gymnasium(gymnasium.wrappers.TimeLimit(gymnasium.wrappers.TimeLimit(env, 9), 12), hazard=[1])
    assert mdp.terminal.tolist() == [False, False, False, True, True, True]
    assert mdp.observations.ravel().tolist() == [0, 1, 2, 0, 1, 2]
    assert (np.flatnonzero(mdp.hazard).tolist(), np.flatnonzero(mdp.goal).tolist()) == ([4], [3, 5])
    assert (mdp.horizon, mdp.successors.shape[2], mdp.probabilities[0, 0].tolist()) == (9, 2, [0.75, 0.25])
    np.testing.assert_allclose(mdp.values(mdp.optimal(0.9), 0.9)[0][:3], table_values(env, 0.9), atol=1e-9)
    assert mdp.evaluate(mdp.optimal(1.0, horizon=7), 7).return_mean == pytest.approx(
        env.initial_state_distrib @ table_values(env, 1.0, 7)
    )


def test_a_toy_world_takes_a_start_a_clock_and_observations_of_one_s_own():
    env = Toy()
    del env.initial_state_distrib
    seen = np.array([[0, 1], [2, 3], [4, 5]])
    mdp = TabularMDP.from_gymnasium(env, start=[0, 0, 1], horizon=4, observations=seen, goal=[2])
    assert (mdp.start.tolist(), mdp.horizon) == ([0, 0, 1, 0, 0], 4)
    assert (np.flatnonzero(mdp.terminal).tolist(), np.flatnonzero(mdp.goal).tolist()) == ([0, 3, 4], [4])
    assert mdp.observations.tolist() == [[0, 1], [2, 3], [4, 5], [2, 3], [4, 5]]
    with pytest.raises(ValueError, match=r"start \(by default initial_state_distrib\) is nan, expected 3 prob"):
        TabularMDP.from_gymnasium(env)


def with_entry(*entry):
    """The table of a toy with another entry in state 2, action 0."""
    return Toy().P | {2: Toy().P[2] | {0: [entry]}}


@pytest.mark.parametrize(
    ("changed", "arguments", "message"),
    [
        ({"P": with_entry(0.9, 1, 0.0, False)}, {}, "probabilities of state 2, action 0 sum to 0.9, expected 1"),
        ({"P": with_entry(0.0, 1, 0.0, False)}, {}, "probabilities of state 2, action 0 sum to 0.0, expected 1"),
        ({"P": with_entry(np.nan, 1, 0.0, False)}, {}, r"P\[2\]\[0\] holds \(nan, 1, 0.0, False\), expected \(prob"),
        ({"P": with_entry(1.0, 3, 0.0, False)}, {}, r"P\[2\]\[0\] holds .*, expected \(probability, state in 0…2, f"),
        ({"P": with_entry(1.0, -1, 0.0, False)}, {}, r"P\[2\]\[0\] holds \(1.0, -1, 0.0, False\)"),
        ({"P": with_entry(1.0, 0.5, 0.0, False)}, {}, r"P\[2\]\[0\] holds \(1.0, 0.5, 0.0, False\)"),
        ({"P": with_entry(1.0, 1, np.nan, False)}, {}, r"P\[2\]\[0\] holds \(1.0, 1, nan, False\)"),
        ({"P": with_entry(1.0, 1, 0.0)}, {}, r"P\[2\]\[0\] holds \(1.0, 1, 0.0\), expected"),
        ({"P": with_entry(1, 1, "x", True)}, {}, r"P\[2\]\[0\] holds \(1, 1, 'x', True\), expected \(probability"),
        ({"P": with_entry(1, (0, 1), 0, True)}, {}, r"P\[2\]\[0\] holds \(1, \(0, 1\), 0, True\), expected"),
        ({"P": with_entry(1, 1, 10**400, True)}, {}, r"P\[2\]\[0\] holds \(1, 1, 10*, True\), expected"),
        ({"P": Toy().P | {2: Toy().P[2] | {0: [3]}}}, {}, r"P\[2\]\[0\] holds 3, expected \(probability"),
        ({"P": Toy().P | {2: Toy().P[2] | {0: 3}}}, {}, r"P\[2\]\[0\] is 3, expected a list of entries"),
        ({"action_space": gymnasium.spaces.Box(0, 1)}, {}, r"env.action_space is Box\(.*, expected Discrete\(n\)"),
        ({"P": Toy().P | {1: {1: []}}}, {}, r"P\[1\] has the actions \[1\], expected 0…1"),
        ({"P": {0: Toy().P[0], 2: Toy().P[2]}}, {}, "expected one with a dict P whose keys are the states 0, 1, …"),
        ({"P": None}, {}, "env is .*, expected one with a dict P"),
        ({}, {"start": [0.5, 0.5]}, r"start .* is \[0.5 0.5\], expected 3 probabilities"),
        ({}, {"start": [0.5, 0.2, 0.5]}, "start sums to 1.2, expected 1"),
        ({}, {"hazard": [3]}, "hazard has state 3, expected states in which an episode ends"),
        ({}, {"hazard": [True, False, False]}, r"hazard is \[True, False, False\], expected numbers of states"),
        ({}, {"goal": [0], "hazard": [0]}, r"goal\[3\] is True, expected terminal states that are no hazard"),
        ({}, {"observations": np.zeros((6, 2))}, "observations has 6 rows, expected 3, one a state"),
        ({}, {"horizon": 0}, "horizon is 0, expected"),
    ],
)
def test_a_toy_world_that_does_not_fit_is_named(changed, arguments, message):
    with pytest.raises(ValueError, match=message):
        TabularMDP.from_gymnasium(Toy(**changed), **arguments)


def fields_of(mdp):
    names = ("successors", "probabilities", "rewards", "terminal", "start", "hazard", "goal", "observations")
    return {name: np.array(getattr(mdp, name)) for name in names}


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("probabilities", (1, 0, 0), 0.9, "probabilities of state 1, action 0 sum to"),
        ("probabilities", (1, 0, 0), -0.1, r"probabilities\[1, 0, 0\] is -0.1"),
        ("probabilities", (0, 1, 0), np.nan, r"probabilities\[0, 1, 0\] is nan"),
        ("rewards", (0, 0, 1), np.inf, r"rewards\[0, 0, 1\] is inf"),
        ("successors", (0, 0, 0), 9, r"successors\[0, 0, 0\] is 9, expected a state below 4"),
        ("start", (0,), 9.0, "start sums to .*, expected 1"),
        ("hazard", (0,), True, r"hazard\[0\] is True, expected terminal"),
        ("goal", (2,), True, r"goal\[2\] is True, expected terminal states that are no hazard"),
        ("observations", (3, 0), np.nan, r"observations\[3, 0\] is nan"),
        ("successors", (2, 1, 1), -1, r"successors\[2, 1, 1\] is -1, expected a state below 4"),
        ("rewards", (3, 1, 2), np.nan, r"rewards\[3, 1, 2\] is nan, expected a finite number"),
        ("start", (1,), -0.5, r"start\[1\] is -0.5, expected a probability"),
        ("start", (1,), np.nan, r"start\[1\] is nan, expected a probability"),
        ("goal", (0,), True, r"goal\[0\] is True, expected terminal states"),
    ],
)
def test_a_bad_table_is_refused_with_its_row(name, index, value, message):
    parts = fields_of(random_mdp(0))
    parts[name][index] = value
    with pytest.raises(ValueError, match=message):
        TabularMDP(**parts)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("terminal", np.zeros(3, bool), r"terminal must have shape \(4,\), got \(3,\)"),
        (
            "rewards",
            np.zeros((4, 3)),
            r"rewards must have shape \(4, 2, 3\), \(4,\), .*, got \(4, 3\)",
        ),
        ("successors", np.zeros((4, 2), int), r"successors must have shape \(S, A, K\)"),
        ("start", [0, 0, 1, 0], r"start\[2\] is 1.0, expected 0 in a terminal"),
        ("start", np.ones(3) / 3, r"start must have shape \(4,\), got \(3,\)"),
        ("probabilities", np.ones((4, 2, 1)), r"probabilities must have shape \(4, 2, 3\), got \(4, 2, 1\)"),
        ("hazard", np.zeros((4, 1), bool), r"hazard must have shape \(4,\), got \(4, 1\)"),
        ("goal", np.zeros(5, bool), r"goal must have shape \(4,\), got \(5,\)"),
        ("observations", np.zeros(4), r"observations must have shape .*, got \(4,\)"),
        ("observations", np.zeros((3, 2)), r"observations must have shape .*, got \(3, 2\)"),
        ("horizon", 0, r"horizon is 0, expected a whole number of at least 1"),
    ],
)
def test_shapes_must_agree(name, value, message):
    with pytest.raises(ValueError, match=message):
        TabularMDP(**(fields_of(random_mdp(0)) | {name: value}))


@pytest.mark.parametrize(
    ("transition", "rewards", "message"),
    [
        (np.ones((2, 1)), np.ones((2, 1)), r"transition must have shape \(S, A, S\), got \(2, 1\)"),
        (np.ones((2, 1, 3)), np.ones((2, 1)), r"transition must have shape \(S, A, S\), got \(2, 1, 3\)"),
        (np.ones((2, 1, 2)) / 2, np.ones(3), r"rewards must have shape \(2, 1, 2\), \(2,\), .* got \(3,\)"),
        (np.ones((2, 1, 2)), np.ones((2, 1)), "probabilities of state 0, action 0 sum to 2.0, expected 1"),
    ],
)
def test_a_bad_dense_table_is_refused(transition, rewards, message):
    with pytest.raises(ValueError, match=message):
        TabularMDP.from_dense(transition, rewards, terminal=[False, True], start=[1, 0])


UNIFORM = np.full((4, 2), 0.5)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (lambda mdp: mdp.optimal(1.1), r"gamma is 1.1, expected a number of at least 0, at most 1"),
        (lambda mdp: mdp.optimal(np.nan), r"gamma is nan, expected a number of at least 0, at most 1"),
        (lambda mdp: mdp.optimal("0.9"), r"gamma is '0.9', expected a number"),
        (lambda mdp: mdp.optimal(True), "gamma is True, expected a number"),
        (lambda mdp: mdp.optimal(10**400), r"gamma is 1000.*, expected a number"),
        (lambda mdp: mdp.values(UNIFORM, -0.1), r"gamma is -0.1, expected a number of at least 0, at most 1"),
        (lambda mdp: mdp.values(UNIFORM[None], 0.9), r"policy must have shape \(S, A\) .*, got \(1, 4, 2\)"),
        (lambda mdp: mdp.optimal(0.9, horizon=0), r"horizon is 0, expected a whole number of at least 1"),
        (lambda mdp: mdp.evaluate(UNIFORM, 0), r"horizon is 0, expected a whole number of at least 1"),
        (lambda mdp: mdp.evaluate(UNIFORM), "horizon is None, expected a number of steps"),
        (lambda mdp: mdp.occupancy(UNIFORM), "horizon is None, expected a number of steps"),
        (lambda mdp: mdp.rollouts(UNIFORM, 5, 0), "horizon is None, expected a number of steps"),
        (lambda mdp: mdp.evaluate(UNIFORM[None], 2), "policy covers 1 steps, the horizon is 2"),
        (lambda mdp: mdp.evaluate(UNIFORM[:3], 2), r"policy must have shape \(4, 2\) or .*, got \(3, 2\)"),
        (lambda mdp: mdp.evaluate(UNIFORM[0], 2), r"policy must have shape \(4, 2\) or .*, got \(2,\)"),
        (lambda mdp: mdp.evaluate(UNIFORM * [[1], [2], [2], [1]], 2), r"policy row \(1,\) is \[1. 1.\], expected"),
        (lambda mdp: mdp.evaluate(np.add(UNIFORM, [1, -1]), 2), r"policy row \(0,\) is \[ 1.5 -0.5\], expected"),
        (lambda mdp: mdp.evaluate([UNIFORM, UNIFORM * np.nan], 2), r"policy row \(1, 0\) is \[nan nan\], expected"),
        (lambda mdp: mdp.rollouts(UNIFORM, 0, 0, horizon=2), "n must be at least 1, got 0"),
    ],
)
def test_a_bad_question_is_refused_with_its_argument(question, message):
    with pytest.raises(ValueError, match=message):
        question(random_mdp(0))


def test_nothing_is_earned_after_a_terminal():
    mdp = random_mdp(3)
    rewards, values = np.array(mdp.rewards), np.ones(4)
    rewards[2:] = np.sqrt(2)
    values[2:] = 1e6
    policy, other = random_policy(mdp, 3), replace(mdp, rewards=rewards)
    assert other.evaluate(policy, 3).as_dict() == mdp.evaluate(policy, 3).as_dict()
    np.testing.assert_array_equal(mdp.backup(values, 0.9), other.backup(np.where(mdp.terminal, 0, 1), 0.9))


def test_an_asked_horizon_goes_before_the_worlds_own(original):
    policy = original.uniform_policy()
    assert original.mdp.evaluate(policy).length_mean == original.mdp.evaluate(policy, 80).length_mean
    assert original.mdp.evaluate(policy, 3).return_mean == pytest.approx(-3)
    assert original.mdp.rollouts(policy, 4, 0, horizon=3).timeouts.tolist() == [False, False, True] * 4


@pytest.mark.parametrize("name", list(fields_of(random_mdp(0))))
def test_the_table_cannot_be_changed(original, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(original.mdp, name)[0] = 0
    with pytest.raises(FrozenInstanceError):
        setattr(original.mdp, name, None)


def one_step_left(**changed):
    """State 0 leads to the end for a certain reward that has no exact binary fraction."""
    parts = {"successors": [[[0]], [[1]]], "probabilities": np.ones((2, 1, 1)), "rewards": np.full((2, 1, 1), -0.1)}
    return TabularMDP(**parts | {"terminal": [False, True], "start": [1, 0], "horizon": 80} | changed)


def test_a_certain_return_has_no_spread():
    assert one_step_left().evaluate(np.ones((2, 1))).return_std < 1e-12


@pytest.mark.parametrize("horizon", [2.5, float("nan"), "9", True])
def test_a_horizon_is_a_whole_number(horizon):
    with pytest.raises(ValueError, match=r"horizon is .*, expected a whole number"):
        one_step_left(horizon=horizon)


@pytest.mark.parametrize(
    ("name", "value"),
    [("successors", [[[0.7]], [[1]]]), ("terminal", [0, 0.5]), ("successors", [[[np.nan]], [[1]]])],
)
def test_nothing_is_rounded_without_a_word(name, value):
    with pytest.raises(ValueError, match=rf"{name}\["):
        one_step_left(**{name: value})


def test_observations_that_float32_takes_for_one_another_are_refused():
    table = SafetyCriticalGridWorld(size=2).mdp
    seen = np.array([[0], [2**24], [2**24 + 1], [1]])
    with pytest.raises(ValueError, match=r"observations in row 2 is .16777217., expected a whole number that float32"):
        replace(table, observations=seen)


def test_a_wrapper_that_changes_a_toy_world_is_no_secret_to_its_table():
    lake = gymnasium.make("FrozenLake-v1")
    with pytest.raises(ValueError, match=r"env is .*TransformReward.*, expected no wrapper but TimeLimit"):
        TabularMDP.from_gymnasium(gymnasium.wrappers.TransformReward(lake, lambda reward: 2 * reward))


def drives(rollouts):
    """Each episode's steps as they went, a list of tuples."""
    steps = zip(rollouts.states, rollouts.actions, rollouts.rewards, rollouts.next_states, strict=True)
    told = [tuple(map(float, step)) for step in steps]
    ends = np.cumsum(np.bincount(rollouts.episode))
    return [told[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize("letter", "HW")
@pytest.mark.parametrize("cell", [(6, 6), (3, 1), (14, 12)])
def test_with_dice_of_its_own_a_drive_goes_as_it_went_until_it_meets_what_changed(crossroads, cell, letter):
    x, y = cell
    desc = [row[:x] + letter + row[x + 1 :] if y == line else row for line, row in enumerate(crossroads.desc)]
    painted = SafetyCriticalGridWorld(desc=desc)
    policies = [world.behaviour_policy(0.22) for world in (crossroads, painted)]
    warned = (policies[0] != policies[1]).any(1)  # where the driver sees it, and decides anew
    changed, share = painted.state_of(cell), {}
    for own_dice in (False, True):
        before, after = (
            drives(world.mdp.rollouts(policy, 500, portable_rng(2), own_dice=own_dice))
            for world, policy in zip((crossroads, painted), policies, strict=True)
        )
        share[own_dice] = sum(old == new for old, new in zip(before, after, strict=True)) / 500
    for old, new in zip(before, after, strict=True):
        meets = [warned[int(s)] or int(z) == changed for s, _, _, z in old]
        until = meets.index(True) if True in meets else len(old)
        assert new[:until] == old[:until]
        assert until < len(old) or new == old
        assert all(letter == "H" and reward == -100 for _, _, reward, z in new if z == changed)
    assert share[True] > share[False] + 0.1
    assert share[True] < 1


def test_with_dice_of_their_own_the_first_drives_of_a_longer_log_are_the_shorter_log(crossroads):
    few, many = (
        drives(crossroads.mdp.rollouts(crossroads.behaviour_policy(0.22), n, 5, own_dice=True)) for n in (20, 50)
    )
    assert few == many[:20]


def test_dice_of_their_own_sample_the_same_policy(crossroads):
    policy = crossroads.behaviour_policy(0.22)
    sampled = crossroads.mdp.rollouts(policy, 20_000, 0, own_dice=True).score()
    exact = crossroads.mdp.evaluate(policy)
    assert sampled.hazard_rate == pytest.approx(exact.hazard_rate, abs=0.01)
    assert sampled.return_mean == pytest.approx(exact.return_mean, abs=1.5)
    assert sampled.length_mean == pytest.approx(exact.length_mean, abs=0.3)
