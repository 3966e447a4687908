"""The world behaves as its documentation says, and as its table says."""

import doctest
import re
import warnings
from fractions import Fraction

import gymnasium
import numpy as np
import pytest
from example_worlds import MAZE
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from stable_baselines3.common.env_checker import check_env as check_env_sb3

import safegrid.env
from safegrid.env import MAPS, MOVES, Action, SafetyCriticalGridWorld

SMALL = ("SFF", "FHF", "FFG")
SPECS = [{}, {"map_name": "crossroads"}, {"desc": SMALL, "max_steps": 9}, {"size": 4, "slip_prob": 1.0}, {"desc": MAZE}]
MODES = [None, "ansi", "rgb_array"]


def walk(env, *actions):
    env.reset(seed=0)
    return [env.step(a) for a in actions][-1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spec", SPECS)
def test_gymnasium_finds_nothing_to_complain_about(spec, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make("SafeGrid-v0", render_mode=mode, **spec).unwrapped)
        # A class called by itself carries no spec, so the checker cannot try its other render modes, and would say so.
        check_env(SafetyCriticalGridWorld(render_mode=mode, **spec), skip_render_check=True)


@pytest.mark.parametrize("spec", SPECS)
def test_stable_baselines_finds_nothing_to_complain_about(spec):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env_sb3(SafetyCriticalGridWorld(**spec))


@pytest.mark.parametrize("spec", SPECS)
def test_two_copies_side_by_side_never_differ(spec):
    a, b = SafetyCriticalGridWorld(**spec), gymnasium.make("SafeGrid-v0", **spec)
    rng = np.random.default_rng(0)
    outcomes = set()
    for episode in range(30):
        left, right = a.reset(seed=episode), b.reset(seed=episode)
        assert (left[1]["outcome"], left[1]["cost"], tuple(left[0])) == ("running", 0.0, a.start)
        over = False
        while not over:
            np.testing.assert_array_equal(left[0], right[0])
            assert left[1:] == right[1:]
            action = int(rng.integers(4))
            left, right = a.step(action), b.step(action)
            over = left[2] or left[3]
        assert left[1:] == right[1:]
        outcomes.add(left[4]["outcome"])
    assert len(outcomes) > 1


def test_another_seed_is_another_walk():
    env = SafetyCriticalGridWorld(slip_prob=1.0)
    walks = []
    for seed in (0, 0, 1):
        env.reset(seed=seed)
        walks.append([env.step(Action.DOWN)[4]["state"] for _ in range(15)])
    assert walks[0] == walks[1] != walks[2]


def test_what_is_handed_out_is_a_copy():
    env = SafetyCriticalGridWorld(slip_prob=0.0)
    observation, _ = env.reset(seed=0)
    observation[:] = 9
    assert tuple(env.step(Action.RIGHT)[0]) == (1, 0)
    assert tuple(env.reset()[0]) == (0, 0)


def test_the_documentation_runs():
    assert doctest.testmod(safegrid.env).failed == 0
    assert doctest.testmod(safegrid.env).attempted >= 5


def test_the_original_is_the_default(original):
    assert original.desc == MAPS["original"] == SafetyCriticalGridWorld(map_name="original").desc
    assert set(original.hazard_coords) == {(2, 9), (2, 10), (4, 3), (6, 11), (7, 12), (9, 6), (10, 10)}
    assert (original.size, original.max_steps, original.slip_prob, original.start, original.goal) == (
        15, 80, 0.05, (0, 0), (14, 14),
    )  # fmt: skip


def test_crossroads_is_a_cross_with_three_gaps(crossroads):
    column = {(7, y) for y in range(3, 12) if y != 4}
    row = {(x, 7) for x in range(2, 13) if x not in (4, 11)}
    assert set(crossroads.hazard_coords) == column | row


def test_the_cliff_runs_under_the_whole_way_from_start_to_goal(cliff):
    assert set(cliff.hazard_coords) == {(x, 14) for x in range(15)}
    assert (cliff.start, cliff.goal) == ((0, 13), (14, 13))


def test_two_rooms_share_one_door(rooms):
    assert set(rooms.hazard_coords) == {(7, y) for y in range(15)} - {(7, 7)}
    assert (rooms.start, rooms.goal) == ((0, 0), (14, 14))


@pytest.mark.parametrize("name", MAPS)
def test_every_named_map_differs_from_the_original_in_its_letters_alone(name, original):
    env = SafetyCriticalGridWorld(map_name=name)
    assert (env.size, env.max_steps, env.slip_prob) == (original.size, original.max_steps, original.slip_prob)
    assert (env.step_reward, env.hazard_reward, env.goal_reward) == (-1.0, -100.0, 50.0)


def test_on_the_cliff_the_driver_means_to_walk_along_the_edge(cliff):
    policy = cliff.behaviour_policy(0.0)
    assert all(policy[cliff.state_of((x, 13)), Action.RIGHT] == 1.0 for x in range(14))
    best = cliff.mdp.optimal(0.99)
    assert all(best[cliff.state_of((x, 13)), Action.UP] == 1.0 for x in range(12))


def test_the_driver_seldom_finds_the_door(rooms):
    visits = rooms.mdp.occupancy(rooms.behaviour_policy(0.22))
    assert visits[rooms.state_of((7, 7))] == pytest.approx(0.2762, abs=5e-5)


@pytest.mark.parametrize(("action", "cell"), [(0, (1, 2)), (1, (2, 1)), (2, (1, 0)), (3, (0, 1))])
def test_each_action_moves_as_documented(action, cell):
    env = SafetyCriticalGridWorld(size=4, start=(1, 1), slip_prob=0.0)
    assert tuple(walk(env, action)[0]) == cell
    assert env.mdp.transition[env.state_of((1, 1)), action, env.state_of(cell)] == 1.0


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("corner", [(0, 0), (2, 0), (0, 2), (2, 2)])
def test_the_border_holds(corner, action):
    other = tuple(2 - c for c in corner)
    env = SafetyCriticalGridWorld(size=3, slip_prob=0.0, start=corner, goal=other)
    dx, dy = {Action.DOWN: (0, 1), Action.RIGHT: (1, 0), Action.UP: (0, -1), Action.LEFT: (-1, 0)}[action]
    inside = (min(max(corner[0] + dx, 0), 2), min(max(corner[1] + dy, 0), 2))
    observation, reward, terminated, _, _ = walk(env, action)
    assert (tuple(observation), reward, terminated) == (inside, -1.0, False)


def test_the_intended_action_happens_with_0_9625(original):
    centre = original.state_of((5, 5))
    assert original.mdp.transition[centre, Action.RIGHT, original.state_of((6, 5))] == pytest.approx(0.9625)


@pytest.mark.parametrize("start", [(2, 2), (0, 4)])
@pytest.mark.parametrize("slip", [0.0, 0.05, 0.6, 1.0])
def test_steps_follow_the_table(slip, start):
    env = SafetyCriticalGridWorld(size=5, start=start, slip_prob=slip)
    env.reset(seed=1)
    counts = np.zeros(25)
    for _ in range(2_000):
        env.reset()
        counts[env.step(Action.DOWN)[4]["state"]] += 1
    p = env.mdp.transition[env.state_of(start), Action.DOWN]
    assert counts[p == 0].sum() == 0
    assert (p == 1).any() or chisquare(counts[p > 0], 2_000 * p[p > 0]).pvalue > 1e-3


@pytest.mark.parametrize("action", list(Action))
def test_who_always_slips_goes_anywhere_alike(action):
    env = SafetyCriticalGridWorld(size=5, slip_prob=1.0)
    around = [env.state_of(cell) for cell in ((2, 3), (3, 2), (2, 1), (1, 2))]
    np.testing.assert_allclose(env.mdp.transition[env.state_of((2, 2)), action, around], 0.25)


@pytest.mark.parametrize(
    ("actions", "reward", "terminated", "cost", "outcome"),
    [
        ((Action.RIGHT,), -1.0, False, 0.0, "running"),
        ((Action.RIGHT, Action.DOWN), -100.0, True, 1.0, "hazard"),
        ((Action.RIGHT, Action.RIGHT, Action.DOWN, Action.DOWN), 50.0, True, 0.0, "goal"),
    ],
)
def test_what_a_step_returns(actions, reward, terminated, cost, outcome):
    _, got, ended, truncated, info = walk(SafetyCriticalGridWorld(desc=SMALL, slip_prob=0.0), *actions)
    assert (got, ended, truncated, info["cost"], info["outcome"]) == (reward, terminated, False, cost, outcome)


def test_the_clock_truncates_and_the_world_terminates():
    env = SafetyCriticalGridWorld(desc=SMALL, slip_prob=0.0, max_steps=4)
    *_, terminated, truncated, info = walk(env, *[Action.LEFT] * 4)
    assert (terminated, truncated, info["outcome"]) == (False, True, "timeout")
    with pytest.raises(RuntimeError, match="the episode has ended: call reset"):
        env.step(0)


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ((Action.RIGHT, Action.RIGHT, Action.DOWN, Action.DOWN), "goal"),
        ((Action.RIGHT, Action.RIGHT, Action.DOWN, Action.LEFT), "hazard"),
    ],
)
def test_an_end_on_the_very_last_step_is_the_worlds_not_the_clocks(path, end):
    *_, terminated, truncated, info = walk(SafetyCriticalGridWorld(desc=SMALL, slip_prob=0.0, max_steps=4), *path)
    assert (terminated, truncated, info["outcome"]) == (True, False, end)


@pytest.mark.parametrize("path", [(Action.RIGHT, Action.DOWN), (Action.DOWN, Action.DOWN, Action.RIGHT, Action.RIGHT)])
def test_no_step_after_a_terminal(path):
    env = SafetyCriticalGridWorld(desc=SMALL, slip_prob=0.0)
    assert walk(env, *path)[2]
    with pytest.raises(RuntimeError, match="the episode has ended: call reset"):
        env.step(0)
    env.reset()
    env.step(0)


@pytest.mark.parametrize("action", [4, -1, 1.5, 1.0, "up", None, np.nan, np.array([1])])
def test_a_bad_action_is_refused_and_moves_nobody(action):
    env = SafetyCriticalGridWorld(slip_prob=0.0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(f"action is {action!r}, expected 0, 1, 2 or 3")):
        env.step(action)
    assert tuple(env.step(Action.RIGHT)[0]) == (1, 0)


@pytest.mark.parametrize("right", [1, Action.RIGHT, np.int64(1), np.uint8(1), np.array(1)])
def test_whole_numbers_of_any_kind_are_actions(right):
    assert tuple(walk(SafetyCriticalGridWorld(slip_prob=0.0), right)[0]) == (1, 0)


def test_text_rendering_shows_walker_hazards_and_goal(crossroads):
    env = SafetyCriticalGridWorld(map_name="crossroads", render_mode="ansi")
    env.reset(seed=0)
    text = env.render()
    hazards = len(crossroads.hazard_coords)
    assert (text.count("●"), text.count("S"), text.count("G"), text.count("▒")) == (1, 0, 1, hazards)
    env.step(Action.RIGHT)
    assert env.render() != text


def test_text_rendering_is_the_map_with_the_walker_on_it():
    env = SafetyCriticalGridWorld(desc=SMALL, slip_prob=0.0, render_mode="ansi")

    def board():
        return ["".join(line[2:-2].split()) for line in env.render().splitlines()[2:-1]]

    env.reset(seed=0)
    assert board() == ["●··", "·▒·", "··G"]
    env.step(Action.RIGHT)
    assert board() == ["S●·", "·▒·", "··G"]
    env.step(Action.DOWN)
    assert board() == ["S··", "·✕·", "··G"]
    assert env.render().startswith("2: down")


def test_rendering_without_a_mode_says_how():
    with pytest.warns(UserWarning, match="render_mode='ansi' or 'rgb_array'"):
        assert SafetyCriticalGridWorld().render() is None


def test_picture_rendering_follows_the_walker():
    env = SafetyCriticalGridWorld(render_mode="rgb_array", slip_prob=0.0)
    env.reset(seed=0)
    before = env.render()
    env.step(Action.RIGHT)
    changed = (before != env.render()).any(-1)
    assert before.dtype == np.uint8
    assert before.shape == (480, 480, 3)
    assert changed[:32, :32].any()
    assert changed[:32, 32:64].any()
    assert not changed[40:].any()


@pytest.mark.parametrize("world", ["original", "crossroads", "cliff", "rooms"])
def test_the_driver_never_means_to_enter_a_hazard(world, request):
    env = request.getfixturevalue(world)
    policy = env.behaviour_policy(0.0)
    live = ~env.mdp.terminal
    into = env.mdp.hazard[env.mdp.successors[:, 0]]
    assert policy[live][into[live]].max() == 0.0
    for epsilon in (0.0, 0.22, 1.0):
        mixed = env.behaviour_policy(epsilon)
        np.testing.assert_allclose(mixed.sum(1), 1)
        np.testing.assert_allclose(mixed, (1 - epsilon) * policy + epsilon * env.uniform_policy())


def test_the_driver_goes_down_or_right_wherever_either_is_free(original):
    policy = original.behaviour_policy(0.0)
    for x, y in np.ndindex(14, 14):
        free = [cell not in original.hazard_coords for cell in ((x, y + 1), (x + 1, y))]
        wanted = np.array([*free, 0, 0]) / sum(free)  # this map leaves one of the two everywhere
        np.testing.assert_allclose(policy[original.state_of((x, y))], wanted)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 6), share=st.floats(0, 0.9))
def test_on_no_map_does_the_driver_mean_to_enter_a_hazard_while_any_other_move_is_left(seed, size, share):
    letters = np.where(np.random.default_rng(seed).random((size, size)) < share, "H", "F")
    letters[0, 0], letters[-1, -1] = "S", "G"
    env = SafetyCriticalGridWorld(desc=["".join(row) for row in letters])
    policy, into = env.behaviour_policy(0.0), env.mdp.hazard[env.mdp.successors[:, 0]]
    np.testing.assert_allclose(policy.sum(1), 1)
    assert (policy[into & ~into.all(1, keepdims=True)] == 0).all()


def test_the_driver_takes_the_move_nearest_the_goal_where_both_ways_are_hazards(crossroads):
    np.testing.assert_allclose(crossroads.behaviour_policy(0.0)[crossroads.state_of((6, 6))], [0, 0, 0.5, 0.5])


def test_the_driver_turns_back_rather_than_press_against_the_border():
    env = SafetyCriticalGridWorld(desc=("SFF", "FFH", "FFG"))
    np.testing.assert_allclose(env.behaviour_policy(0.0)[env.state_of((2, 0))], np.eye(4)[Action.LEFT])


def test_a_walled_in_driver_stands_still_rather_than_crash():
    env = SafetyCriticalGridWorld(desc=("SHF", "HFF", "FFG"))
    np.testing.assert_allclose(env.behaviour_policy(0.0)[0], [0, 0, 0.5, 0.5])


def mirrored(rows, way):
    """A map turned or mirrored in one of eight ways, and what that makes of a table by cell and of the four moves."""
    turn = (lambda a: a.swapaxes(0, 1)) if way & 4 else np.copy
    flips = tuple(axis for axis in (0, 1) if way >> axis & 1)
    letters = np.flip(turn(np.array([list(row) for row in rows])), flips)
    moved = (MOVES[:, ::-1] if way & 4 else MOVES) * np.where([1 in flips, 0 in flips], -1, 1)
    return letters, lambda policy: np.flip(turn(policy), flips), [MOVES.tolist().index(move) for move in moved.tolist()]


@pytest.mark.parametrize("way", range(8))
@pytest.mark.parametrize("world", [*MAPS, "pocket", "maze"])
def test_the_driver_goes_down_and_right_wherever_the_goal_lies(world, way):
    rows = MAPS | {"pocket": ("FFFFF", "FSFHF", "FFHGF", "FFFFF", "FFHFF"), "maze": MAZE}
    env = SafetyCriticalGridWorld(desc=rows[world])
    letters, place, moves = mirrored(env.desc, way)
    other = SafetyCriticalGridWorld(desc=letters)
    policy = place(env.behaviour_policy(0.22).reshape(env.height, env.width, 4))
    np.testing.assert_allclose(
        other.behaviour_policy(0.22).reshape(policy.shape)[..., moves], policy, rtol=0, atol=1e-15
    )


@pytest.mark.parametrize(
    ("arguments", "arrives"),
    [
        ({"goal": (7, 7)}, 0.926),
        ({"start": (14, 14), "goal": (0, 0)}, 0.794),
        ({"desc": [row[::-1] for row in MAPS["crossroads"]]}, 0.358),
        ({"desc": MAZE}, 0.496),
    ],
    ids=["middle", "swapped", "mirrored crossroads", "maze"],
)
def test_the_driver_s_log_reaches_the_goal_wherever_it_lies(arguments, arrives):
    env = SafetyCriticalGridWorld(**arguments)
    assert env.mdp.evaluate(env.behaviour_policy(0.22)).goal_rate == pytest.approx(arrives, abs=5e-4)


def test_a_map_is_what_gymnasium_s_desc_arrays_say():
    lake = gymnasium.make("FrozenLake-v1", map_name="4x4").unwrapped.desc
    wanted = ("SFFF", "FHFH", "FFFH", "HFFG")
    for desc in (lake, lake.tolist(), lake.astype(str), lake.astype(object), [b"".join(row) for row in lake], wanted):
        assert SafetyCriticalGridWorld(desc=desc).desc == wanted


def test_a_map_need_be_no_square_and_may_have_walls():
    env = SafetyCriticalGridWorld(desc=MAZE, slip_prob=0.0, render_mode="ansi")
    mdp, walls = env.mdp, np.array(list("".join(MAZE))) == "W"
    assert (env.width, env.height, env.size, mdp.n_states) == (8, 4, 8, 32)
    assert (env.state_of((5, 2)), mdp.observations[21].tolist()) == (21, [5, 2])
    assert env.observation_space.high.tolist() == [7, 3]
    assert not walls[mdp.successors[~walls]].any()
    assert (mdp.terminal & ~mdp.goal).tolist() == walls.tolist()
    observation, reward, over, _, info = walk(env, Action.DOWN, Action.RIGHT)
    assert (observation.tolist(), reward, over, info["outcome"]) == ([0, 1], -1.0, False, "running")
    assert "".join(env.render().split("\n")[2][2:-2].split()) == "S" + MAZE[0][1:].replace("F", "·").replace("W", "█")
    assert mdp.evaluate(mdp.optimal(0.99)).return_mean == 50 - 6


def test_a_goal_that_no_way_leads_to_is_a_world_too():
    env = SafetyCriticalGridWorld(desc=("SFW", "FWG"), slip_prob=0.0)
    assert env.mdp.evaluate(env.mdp.optimal(0.99)).timeout_rate == 1.0


def test_the_noisy_expert_lies_between_optimum_and_chance(original):
    scores = [original.mdp.evaluate(original.expert_policy(e)).return_mean for e in (0.0, 0.3, 1.0)]
    assert scores[0] == pytest.approx(21.688494, abs=5e-7)
    assert scores[0] > scores[1] > scores[2]
    assert scores[2] == pytest.approx(original.mdp.evaluate(original.uniform_policy()).return_mean)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slip_prob": 1.2}, r"slip_prob is 1.2, expected a probability in \[0, 1\]"),
        ({"slip_prob": float("nan")}, "slip_prob is nan"),
        ({"hazard_coords": [(1, 1), (0, 0)]}, r"hazard_coords\[1\] is \(0, 0\), the start"),
        ({"hazard_coords": [(14, 14)]}, r"hazard_coords\[0\] is \(14, 14\), the goal"),
        ({"hazard_coords": [(15, 0)]}, r"hazard_coords\[0\] is \(15, 0\), expected \(x, y\)"),
        ({"hazard_coords": [(1, 2.5)]}, r"hazard_coords\[0\] is \(1, 2.5\)"),
        ({"goal": (0, 0)}, r"goal is \(0, 0\), expected a cell other than the start"),
        ({"start": (-1, 0)}, r"start is \(-1, 0\)"),
        ({"size": 1}, "size is 1, expected a whole number of at least 2"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_steps": 1.5}, "max_steps is 1.5, expected a whole number"),
        ({"slip_prob": -0.01}, "slip_prob is -0.01"),
        ({"step_reward": float("nan")}, "step_reward is nan, expected a finite number"),
        ({"hazard_reward": float("nan")}, "hazard_reward is nan, expected a finite number"),
        ({"goal_reward": float("inf")}, "goal_reward is inf, expected a finite number"),
        ({"size": 2.5}, "size is 2.5, expected a whole number"),
        ({"goal": (0, 15)}, r"goal is \(0, 15\), expected \(x, y\) with whole numbers in 0…14"),
        ({"start": (1, 2, 3)}, r"start is \(1, 2, 3\), expected \(x, y\)"),
        ({"map_name": "original", "goal": (1, 1)}, r"goal=\(1, 1\) goes with neither desc nor map_name"),
        ({"desc": ("SG", "FG")}, "desc has 2 cells G, expected exactly one goal"),
        ({"desc": ("FF", "FG")}, "desc has 0 cells S, expected exactly one start"),
        ({"render_mode": "human"}, "render_mode is 'human'"),
        ({"map_name": "maze"}, "map_name is 'maze', expected one of cliff, crossroads, original, rooms"),
        ({"map_name": "original", "desc": SMALL}, "desc and map_name='original'"),
        ({"desc": SMALL, "size": 3}, "size=3 goes with neither desc nor map_name"),
        ({"desc": ("SF", "F")}, "desc row 1 is 'F', 1 long; expected 2 as row 0"),
        ({"desc": [["S", "F"], ["G"]]}, "desc row 1 is 'G', 1 long; expected 2 as row 0"),
        ({"desc": ("S", "G")}, "desc row 0 is 'S', 1 long; expected at least 2"),
        (
            {"desc": ("SF", "FX", "FG")},
            r"desc row 1 is 'FX': unknown letter 'X' in cell \(1, 1\), expected one",
        ),
        ({"desc": np.array([[b"S", b"#"], [b"F", b"G"]])}, r"unknown letter '#' in cell \(1, 0\)"),
        ({"desc": 5}, "desc is 5, expected rows of letters"),
        ({"desc": ("SS", "FG")}, "desc has 2 cells S, expected exactly one start"),
        ({"desc": ("SF", "FF")}, "desc has 0 cells G"),
        ({"desc": ("S",)}, "desc has 1 rows"),
        ({"desc": [b"S\xff", b"FG"]}, r"desc row 0 is 'Sÿ': unknown letter 'ÿ' in cell \(1, 0\)"),
        ({"step_reward": 10**400}, "step_reward is 10*, expected a finite number"),
        ({"start": {0, 1}}, r"start is \{0, 1\}, expected \(x, y\)"),
        ({"goal": {0: 1, 1: 1}}, r"goal is \{0: 1, 1: 1\}, expected \(x, y\)"),
        ({"goal": (10**400, 0)}, r"goal is \(10*, 0\), expected \(x, y\)"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SafetyCriticalGridWorld(**arguments)


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="slip"):
        SafetyCriticalGridWorld(slip=0.1)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan")])
def test_epsilon_is_a_probability(original, epsilon):
    with pytest.raises(ValueError, match=f"epsilon is {epsilon}"):
        original.behaviour_policy(epsilon)


@pytest.mark.parametrize(
    "arguments",
    [
        {"slip_prob": "x"},
        {"slip_prob": None},
        {"start": 5},
        {"start": ("a", "b")},
        {"hazard_coords": [3]},
        {"step_reward": None},
    ],
)
def test_a_wrong_type_is_named(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        SafetyCriticalGridWorld(**arguments)


def test_true_is_no_action():
    env = SafetyCriticalGridWorld()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action is True"):
        env.step(True)


def test_a_fraction_is_a_reward():
    assert SafetyCriticalGridWorld(step_reward=Fraction(-1, 2)).step_reward == -0.5
