"""A budget for harm is kept in the log's model, costs what its price says, and is refused where nothing keeps it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from safegrid.dataset import Episodes, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP
from safegrid.ope import log_model
from safegrid.practice.budget import budgeted_policy


@pytest.fixture(scope="module")
def fork():
    """One decision: left pays 0 for sure; right pays 10 and does harm in one try of four. States: start, end, wreck."""
    follow = np.zeros((3, 2, 3))
    follow[0, 0, 1] = 1.0
    follow[0, 1] = 0.0, 0.75, 0.25
    follow[1:, :, 1] = 1.0
    reward = np.zeros((3, 2))
    reward[0, 1] = 10.0
    ends = np.array([False, True, True])
    mdp = TabularMDP.from_dense(
        follow, reward, terminal=ends, start=[1.0, 0, 0], hazard=[False, False, True], goal=[False, True, False]
    )
    tries = [(0, 1)] * 4 + [(1, 1)] * 3 + [(1, 2)]
    actions, nexts = np.array(tries).T
    log = Episodes.from_arrays(
        np.zeros((8, 1), np.float32), actions, 10.0 * actions, np.ones(8, bool), np.zeros(8, bool),
        n_actions=2, states=np.zeros(8, int), next_states=nexts, costs=(nexts == 2).astype(float),
    )  # fmt: skip
    return log, mdp


def test_by_hand_a_budget_of_an_eighth_lets_half_of_the_trips_go_right(fork):
    found = budgeted_policy(*fork, 0.125)
    assert found.policy[0] == pytest.approx([0.5, 0.5])
    assert (found.value, found.harm, found.price) == pytest.approx((5.0, 0.125, 40.0))


def test_a_bound_on_each_pair_counts_more_harm_than_the_log_saw(fork):
    bolder, careful = budgeted_policy(*fork, 0.125), budgeted_policy(*fork, 0.25, confidence=0.5)
    assert 0 < careful.policy[0, 1] < 0.5
    assert bolder.harm == pytest.approx(0.125)
    with pytest.raises(ValueError, match=re.escape("budget is 0.1, expected at least 0.1592, the least harm")):
        budgeted_policy(*fork, 0.1, confidence=0.5)  # 1 − 0.5^(1/4) for the way that never crashed


@pytest.fixture(scope="module")
def rooms():
    env = SafetyCriticalGridWorld(map_name="rooms")
    return generate_offline_episodes(env, seed=100), env.mdp


def test_an_ample_budget_buys_the_models_optimum(rooms):
    log, mdp = rooms
    model = log_model(log, mdp.n_states, unseen=-100.0).mdp
    found = budgeted_policy(log, mdp, 1.0)
    assert found.value == pytest.approx(model.start @ model.values(model.optimal(0.99), 0.99)[0], abs=1e-6)
    assert found.price == 0


def test_the_models_harm_keeps_the_budget_and_the_price_is_the_slope(rooms):
    log, mdp = rooms
    low, middle, high = (budgeted_policy(log, mdp, b) for b in (0.009, 0.01, 0.011))
    assert middle.harm == pytest.approx(0.01)
    assert middle.price == pytest.approx((high.value - low.value) / 0.002, rel=1e-6)
    model = log_model(log, mdp.n_states, unseen=-100.0).mdp
    harmful = replace(model, rewards=np.where(model.hazard[model.successors], 1.0, 0.0))
    policy = np.vstack([middle.policy, np.full((1, 4), 0.25)])
    assert harmful.start @ harmful.values(policy, 0.99)[0] == pytest.approx(0.01, abs=1e-6)
    again = budgeted_policy(log, mdp, 0.01)
    assert (again.policy == middle.policy).all()


def test_every_row_is_a_distribution_and_takes_only_what_was_tried_often_enough(rooms):
    log, mdp = rooms
    found = budgeted_policy(log, mdp, 0.05, minimum_tries=5)
    counts = np.zeros(found.policy.shape)
    np.add.at(counts, (log.states, log.actions), 1)
    assert found.policy.sum(1) == pytest.approx(1.0)
    often = (counts >= 5).any(1)
    assert not (found.policy[often] > 0)[counts[often] < 5].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": -0.1}, "budget is -0.1, expected a number of at least 0, at most 1"),
        ({"gamma": 1.0}, "gamma is 1.0, expected a number"),
        ({"minimum_tries": 0}, "minimum_tries is 0, expected a whole number of at least 1"),
        ({"minimum_tries": 9}, "minimum_tries is 9, expected at most 4, the most tries of a pair"),
        ({"confidence": 1.0}, "confidence is 1.0, expected a number between 0 and 1"),
    ],
)
def test_a_bad_argument_is_named(fork, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        budgeted_policy(*fork, **{"budget": 0.1} | change)


def test_a_cost_that_is_no_share_is_named_with_its_row(fork):
    log, mdp = fork
    costs = log.costs.copy()
    costs[3] = 0.5
    with pytest.raises(ValueError, match=r"costs.*row 3.*0\.5.*expected 0 or 1"):
        budgeted_policy(replace(log, costs=costs), mdp, 0.1)


def test_the_least_harm_that_a_refusal_names_can_be_kept():
    env = SafetyCriticalGridWorld(map_name="cliff")
    refused = 0
    for seed in range(100, 125):
        log = generate_offline_episodes(env, seed=seed)
        try:
            budgeted_policy(log, env.mdp, 0.0)
        except ValueError as error:
            least = float(str(error).split("at least ")[1].split(",")[0])
            assert budgeted_policy(log, env.mdp, least).harm <= least + 1e-9
            refused += 1
    assert refused
