"""What a fault in a file is, is found with its rows; and a log without one shows none."""

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import planted_faults as plant
import pytest
from example_logs import any_log, columns, short_log
from example_worlds import FEW, random_mdp, random_policy
from hypothesis import given
from hypothesis import strategies as st

from safegrid.dataset import Episodes, generate_offline_episodes, sample_episodes
from safegrid.env import LETTERS, MAPS, SafetyCriticalGridWorld
from safegrid.practice.faults.coded import Elsewhere, gap, runs
from safegrid.practice.faults.finding import KINDS
from safegrid.practice.faults.search import find_faults

CLOCKS = {"original": 45, "crossroads": 45, "cliff": 20, "rooms": 60}
"""So early that some episodes are cut."""
LARGE = {"original": 3_000, "crossroads": 3_600, "cliff": 8_500, "rooms": 3_000}
"""Episodes of 100 000 rows."""
FACTS = {"constant_actions", "constant_columns"}
"""What may be true of a clean log of a world too small, or of a driver who never doubts."""


def kinds(log):
    return {finding.kind: finding for finding in find_faults(log)[1]}


def board_log(name, n_episodes, seed):
    env = SafetyCriticalGridWorld(desc=MAPS[name], max_steps=CLOCKS[name])
    return generate_offline_episodes(env, n_episodes, seed=seed)


@pytest.fixture(scope="module")
def large():
    made = {}
    return lambda name: made.setdefault(name, board_log(name, LARGE[name], 0))


@pytest.fixture(scope="module")
def cart():
    """Measured numbers: a pole that a careless hand balances, often until the clock ends it."""

    def hand(seen, rng):
        return int(rng.integers(2)) if rng.random() < 0.3 else int(seen[2] + 0.5 * seen[3] + 0.1 * seen[1] > 0)

    return Episodes.from_gymnasium(gymnasium.make("CartPole-v1", max_episode_steps=150), hand, 120, 0)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("spoil", plant.PLANTED, ids=lambda spoil: spoil.__name__)
def test_a_planted_fault_is_found_with_exactly_its_rows_and_nothing_else(spoil, name, large):
    log = large(name)
    assert len(log) > 95_000
    spoiled, rows = spoil(log, np.random.default_rng(0))
    found = kinds(spoiled)
    assert set(found) == {plant.PLANTED[spoil]}
    other = np.setxor1d(found[plant.PLANTED[spoil]].rows, rows)
    beside = 1 if spoil is plant.other_coding else 0  # where a file's edge lies, an episode of a few rows may not tell
    assert len(np.unique(spoiled.episode[other])) <= beside


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("spoil", plant.PLANTED, ids=lambda spoil: spoil.__name__)
def test_in_a_smaller_log_too_nearly_all_rows_are_found_and_no_other(spoil, seed):
    name = ("crossroads", "rooms")[seed % 2]
    spoiled, rows = spoil(board_log(name, 1_500, seed), np.random.default_rng(seed))
    found = kinds(spoiled)
    named = np.unique(np.concatenate([finding.rows for finding in found.values()]))
    assert np.isin(rows, found[plant.PLANTED[spoil]].rows).mean() >= 0.9
    assert np.isin(named, rows).mean() >= 0.98


@pytest.mark.parametrize("spoil", plant.PLANTED_IN_NUMBERS, ids=lambda spoil: spoil.__name__)
def test_faults_are_found_where_no_observation_recurs(spoil, cart):
    spoiled, rows = spoil(cart, np.random.default_rng(0))
    found = kinds(spoiled)
    assert set(found) == {plant.PLANTED_IN_NUMBERS[spoil]}
    assert found[plant.PLANTED_IN_NUMBERS[spoil]].rows.tolist() == rows.tolist()


@pytest.mark.parametrize("name", ["original", "crossroads"])  # where others walk too
def test_a_file_with_its_columns_swapped_is_found(name, large):
    spoiled, rows = plant.columns_swapped(large(name), np.random.default_rng(0))
    found = kinds(spoiled)
    assert np.isin(rows, found["foreign_actions"].rows).mean() > 0.9
    assert np.isin(found["foreign_actions"].rows, rows).mean() > 0.99


def test_all_kinds_are_told_and_planted():
    planted = set(plant.PLANTED.values()) | set(plant.PLANTED_IN_NUMBERS.values())
    assert set(KINDS) - planted == {"impossible_rows", "negative_costs"}
    page = (Path(__file__).parents[2] / "book" / "api.md").read_text(encoding="utf-8")
    assert [line for line in page.split("\n") if line.startswith("| `")] == [
        f"| `{kind}` | {severity} | {what} |" for kind, (severity, what) in KINDS.items()
    ]


def test_five_faults_at_once_are_all_found(large):
    rng, spoiled = np.random.default_rng(0), large("rooms")
    faults = (
        plant.rewards_a_thousandfold, plant.glitches, plant.other_coding, plant.costs_lost_and_invented,
        plant.timeouts_as_terminals,
    )  # fmt: skip
    for spoil in faults:
        spoiled, _ = spoil(spoiled, rng)
    assert {plant.PLANTED[spoil] for spoil in faults} <= set(kinds(spoiled))


@pytest.mark.parametrize("epsilon", [0.02, 0.1, 0.22, 0.5, 1.0])
@pytest.mark.parametrize("name", MAPS)
def test_a_clean_log_of_any_driver_has_no_finding(name, epsilon):
    env = SafetyCriticalGridWorld(map_name=name)
    assert kinds(generate_offline_episodes(env, 700, epsilon, 3)) == {}
    assert kinds(sample_episodes(env.mdp, env.expert_policy(epsilon), 300, 3)) == {}


@pytest.mark.parametrize("name", MAPS)
def test_a_large_clean_log_has_no_finding(name, large):
    assert kinds(large(name)) == {}


@FEW
@given(st.integers(0, 10**6))
def test_no_random_map_raises_a_false_alarm(seed):
    rng = np.random.default_rng(seed)
    cells = rng.choice(list("FFFFFFHW"), rng.integers(2, 13, 2))
    start, goal = rng.choice(cells.size, 2, replace=False)
    cells.flat[[start, goal]] = list("SG")
    assert set(cells.flat) <= set(LETTERS)
    env = SafetyCriticalGridWorld(
        desc=["".join(row) for row in cells], max_steps=int(rng.integers(5, 90)), slip_prob=rng.choice([0, 0.05, 0.3])
    )
    epsilon = float(rng.choice([0, 0.02, 0.22, 1]))
    assert set(kinds(generate_offline_episodes(env, int(rng.integers(1, 800)), epsilon, seed))) <= FACTS


@FEW
@given(st.integers(0, 10**6))
def test_no_random_world_with_rewards_by_chance_raises_a_false_alarm(seed):
    rng = np.random.default_rng(seed)
    world = random_mdp(seed, int(rng.choice([4, 8, 30])), int(rng.integers(1, 5)), int(rng.integers(2, 5)))
    mdp, policy = replace(world, horizon=int(rng.integers(2, 60))), random_policy(world, seed)
    assert set(kinds(sample_episodes(mdp, policy, int(rng.integers(1, 1_500)), seed))) <= FACTS


@FEW
@given(any_log())
def test_a_log_of_a_few_rows_of_noise_raises_no_false_alarm(log):
    assert kinds(log) == {}


def test_other_peoples_worlds_raise_no_false_alarm(cart):
    assert kinds(cart) == {}
    assert kinds(short_log(n=400)) == {}
    for name, steps in {"FrozenLake-v1": 100, "Taxi-v3": 200, "CliffWalking-v0": 100, "MountainCar-v0": 150}.items():
        env = gymnasium.make(name, max_episode_steps=steps)
        assert (
            kinds(Episodes.from_gymnasium(env, lambda _, rng, env=env: int(rng.integers(env.action_space.n)), 60, 1))
            == {}
        )


def test_a_driver_that_never_doubts_in_a_world_without_luck_repeats_itself_and_copies_nothing():
    def along_the_edge(seen, _):
        return {36: 0}.get(int(seen), 2 if int(seen) == 35 else 1)

    log = Episodes.from_gymnasium(gymnasium.make("CliffWalking-v0"), along_the_edge, 200, 0)
    assert log.lengths.tolist() == [13] * 200
    assert kinds(log) == {}


def test_falls_back_to_the_start_that_are_rare_are_no_glitch_and_their_price_no_slip():
    def careful(seen, rng):
        here = int(seen)
        return int(rng.integers(4)) if rng.random() < 0.005 else {36: 0}.get(here, 2 if here == 35 else 1)

    log = Episodes.from_gymnasium(gymnasium.make("CliffWalking-v0"), careful, 600, 0)
    assert 0 < (log.rewards == -100).sum() < 20
    assert kinds(log) == {}


def test_where_nothing_after_a_terminal_is_told_a_clock_is_still_found(large):
    log = large("original")
    untold = Episodes.from_arrays(
        log.observations, log.actions, log.rewards, log.terminals | log.timeouts, n_actions=4, costs=log.costs
    )
    assert not untold.next_observations[untold.terminals].any()
    hit, rows = kinds(untold)["clock_ends"].rows, np.flatnonzero(log.timeouts)
    assert np.isin(hit, rows).all()
    assert len(hit) > 0.95 * len(rows)


def test_an_action_column_of_one_value_and_costs_below_0_are_named():
    log = short_log(n=60)
    assert "constant_actions" in kinds(plant.one_action(log, None)[0])
    costs = np.zeros(len(log))
    costs[[5, 9]] = -1
    assert kinds(plant.rebuilt(log, costs=costs))["negative_costs"].rows.tolist() == [5, 9]


def test_a_finding_says_how_many_rows_and_the_first_of_them(large):
    spoiled, rows = plant.rewards_a_thousandfold(large("rooms"), np.random.default_rng(1))
    found = kinds(spoiled)["contradicting_rewards"]
    assert found.where == f"20 rows: {', '.join(map(str, rows[:6]))}, …"
    assert str(found).startswith("contradicting_rewards (wrong): rewards such as -1")
    assert not found.rows.flags.writeable


def test_the_search_is_the_same_each_time(large):
    spoiled, _ = plant.episodes_twice(large("cliff"), np.random.default_rng(2))
    assert find_faults(spoiled)[1] == find_faults(replace(spoiled, actions=spoiled.actions.copy()))[1]


def test_by_hand_what_others_of_a_key_say():
    told = Elsewhere(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0]), 2)
    overall = 2.5 / 5
    assert np.exp(told.log_share()) == pytest.approx([(1 + overall) / 3, (1 + overall) / 3, overall / 3, overall])
    assert np.exp(told.log_share(np.array([0, 0, 1, 1]))) == pytest.approx(
        [(1 + overall) / 3, (1 + overall) / 3, (2 + overall) / 3, overall]
    )


def test_by_hand_runs_and_gaps():
    on, wall = np.array([1, 1, 0, 1, 1, 1], bool), np.array([0, 0, 0, 0, 1, 0], bool)
    assert [part.tolist() for part in runs(on)] == [[0, 3], [2, 6]]
    assert [part.tolist() for part in runs(on, wall)] == [[0, 3, 5], [2, 5, 6]]
    sizes = np.array([1.0, 1.0, 1.2, 9.0, 0.5, 1.0, 8.0])
    assert gap(sizes, 2, 5.0) == 8.0
    assert gap(sizes, 1, 5.0) == np.inf
    assert gap(np.zeros(5), 2, 5.0) == np.inf


def test_columns_keep_their_log():
    log = short_log()
    assert columns(log).keys() == columns(plant.rebuilt(log)).keys()
    assert (plant.rebuilt(log).observations == log.observations).all()
