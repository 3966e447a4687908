"""A guard lets pass what the log vouches for, hands over the rest, and says exactly how often."""

import re
from dataclasses import replace

import numpy as np
import pytest

from safegrid.dataset import Episodes, coverage, generate_offline_episodes, sample_episodes
from safegrid.env import Action, SafetyCriticalGridWorld
from safegrid.ope import log_model
from safegrid.practice.guard import LADDER, guarded_policy
from safegrid.tabular import argmax_clone, greedy, tabular_cql


@pytest.fixture(scope="module")
def world():
    return SafetyCriticalGridWorld(map_name="rooms")


@pytest.fixture(scope="module")
def log(world):
    return generate_offline_episodes(world, 200, seed=100)


@pytest.fixture(scope="module")
def mixed(world, log):
    """A learner that tosses a coin now and then, so that one action of a state may pass and another not."""
    return 0.9 * greedy(tabular_cql(log, world.mdp)) + 0.1 * world.uniform_policy()


@pytest.fixture(scope="module")
def networks(world, log):
    """What three networks might claim: the table's values and noise."""
    q = np.maximum(tabular_cql(log, world.mdp), -100.0)
    return q + np.random.default_rng(0).normal(0.0, 3.0, (3, *q.shape))


def test_without_evidence_asked_for_the_policy_stays_as_it_is(world, log, mixed):
    found = guarded_policy(mixed, log, world.mdp, evidence=0)
    assert (found.policy == mixed).all()
    assert not found.handed.any()
    scored = found.score(world.mdp)
    assert scored.score == world.mdp.evaluate(mixed)
    assert (scored.fallback_steps, scored.fallback_episodes) == (0.0, 0.0)


def test_where_no_evidence_is_enough_it_is_the_clone(world, log, mixed):
    found = guarded_policy(mixed, log, world.mdp, evidence=np.inf)
    assert (found.policy == argmax_clone(log, world.mdp)).all()
    scored = found.score(world.mdp)
    assert (scored.fallback_steps, scored.fallback_episodes) == pytest.approx((1.0, 1.0))


def test_each_action_passes_or_not_by_its_own_tries(world, log, mixed):
    found = guarded_policy(mixed, log, world.mdp, evidence=20, fallback=Action.DOWN)
    counts = coverage(log, world.mdp).counts
    often = np.where(counts >= 20, mixed, 0.0)
    assert (found.kept == often).all()
    assert found.handed == pytest.approx(1.0 - often.sum(1))
    instead = np.zeros(4)
    instead[Action.DOWN] = 1.0
    assert found.policy == pytest.approx(often + found.handed[:, None] * instead)
    assert (found.handed > 0).any()
    assert ((found.handed > 0) & (found.handed < 1)).any()


def test_the_shares_are_those_of_sampled_episodes(world, log, mixed):
    found = guarded_policy(mixed, log, world.mdp, evidence=5)
    scored = found.score(world.mdp)
    twice = {name: np.concatenate([getattr(world.mdp, name)] * 2, 1) for name in ("successors", "probabilities")}
    rewards, there = (np.concatenate([column] * 2, 1) for column in (world.mdp.rewards, world.mdp.action_mask))
    both = replace(world.mdp, **twice, rewards=rewards, action_mask=there)  # each action once more, for the guard
    drives = sample_episodes(both, np.hstack([found.kept, found.policy - found.kept]), 4_000, 1)
    by_guard = drives.actions >= 4
    assert by_guard.mean() == pytest.approx(scored.fallback_steps, abs=0.01)
    some = np.bincount(drives.episode, by_guard) > 0
    assert some.mean() == pytest.approx(scored.fallback_episodes, abs=0.02)
    assert 0.01 < scored.fallback_steps < scored.fallback_episodes < 0.99
    assert drives.harmful.mean() == pytest.approx(scored.score.hazard_rate, abs=0.02)
    start = found.handed[world.state_of(world.start)]
    assert (start, start) == (found.score(world.mdp, 1).fallback_steps, found.score(world.mdp, 1).fallback_episodes)


def test_who_asks_ends_the_episode_at_its_price(world, log, mixed):
    found = guarded_policy(mixed, log, world.mdp, evidence=10, fallback="ask", ask_cost=7.0)
    scored, asking = found.score(world.mdp), found.world(world.mdp)
    drives = sample_episodes(asking, found.policy, 4_000, 1)
    asked = drives.actions == 4
    assert (drives.rewards[asked] == -7.0).all()
    assert drives.terminals[asked].all()
    assert not drives.costs[asked].any()
    assert asked.mean() == pytest.approx(scored.fallback_steps, abs=0.01)
    assert asked.sum() / drives.n_episodes == pytest.approx(scored.fallback_episodes, abs=0.02)
    rates = scored.score.hazard_rate + scored.score.goal_rate + scored.score.timeout_rate
    assert rates + scored.fallback_episodes == pytest.approx(1.0)
    assert 0.1 < scored.fallback_episodes < 0.99
    at_once = guarded_policy(mixed, log, world.mdp, evidence=np.inf, fallback="ask", ask_cost=7.0).score(world.mdp)
    assert (at_once.score.return_mean, at_once.score.length_mean) == pytest.approx((-7.0, 1.0))


def test_an_operator_acts_where_the_guard_does(world, log, mixed):
    best = world.mdp.optimal(0.99)
    returns = [guarded_policy(mixed, log, world.mdp, evidence=e, fallback=best).score(world.mdp) for e in LADDER]
    assert returns[-1].score == world.mdp.evaluate(best)
    assert returns[0].score == world.mdp.evaluate(mixed)
    steps = [scored.fallback_steps for scored in returns]
    assert steps == sorted(steps)


def test_networks_that_agree_pass_and_those_that_toss_coins_do_not(world, log, networks):
    least = guarded_policy(networks, log, world.mdp, evidence=0)
    assert (least.policy == np.eye(4)[networks.mean(0).argmax(1)]).all()
    found = guarded_policy(networks, log, world.mdp, evidence=0, noise=2.0)
    order = np.argsort(-networks.mean(0), 1)
    gaps = np.take_along_axis(networks, order[None, :, :1], 2) - np.take_along_axis(networks, order[None, :, 1:2], 2)
    sure = gaps[..., 0].mean(0) >= 2.0 * gaps[..., 0].std(0, ddof=1)
    assert ((found.handed == 0) == sure).all()
    assert 0 < sure.sum() < len(sure)
    assert not guarded_policy(networks[:1].repeat(2, 0), log, world.mdp, evidence=0, noise=9.0).handed.any()


def test_an_action_that_does_not_exist_is_beyond_doubt_and_never_taken(world, log, networks):
    there = world.mdp.action_mask.copy()
    there[0, 1:] = False
    only = replace(world.mdp, action_mask=there | world.mdp.terminal[:, None])
    claims = np.where(only.action_mask, networks, -np.inf)
    with pytest.raises(ValueError, match="which state 0 does not have"):
        guarded_policy(claims, log, only, evidence=0)
    rows = (log.states != 0) | (log.actions == 0)
    from_there = np.isin(log.episode, log.episode[~rows], invert=True)
    short = Episodes.from_arrays(
        log.observations[from_there], log.actions[from_there], log.rewards[from_there], log.terminals[from_there],
        log.timeouts[from_there], n_actions=4, next_observations=log.next_observations[from_there],
        states=log.states[from_there], next_states=log.next_states[from_there],
    )  # fmt: skip
    found = guarded_policy(claims, short, only, evidence=0, noise=9.0)
    assert found.policy[0].tolist() == [1, 0, 0, 0]
    with pytest.raises(ValueError, match="fallback takes action 1 in state 0, which has no such action"):
        guarded_policy(claims, short, only, evidence=1, fallback=1)


def test_without_a_world_rows_are_the_logs_observations(world, log, mixed):
    seen = coverage(log)
    rows = [world.state_of(cell) for cell in seen.observations.astype(int)]
    inside = guarded_policy(mixed, log, world.mdp, evidence=8)
    outside = guarded_policy(mixed[rows], log, evidence=8)
    assert (outside.policy == inside.policy[rows]).all()
    told = guarded_policy(mixed[rows[::-1]], log, seen.observations[::-1], evidence=8)
    assert (told.policy == outside.policy[::-1]).all()
    with pytest.raises(ValueError, match=r"observations in row 0 is \[0\. 0\.\], expected one of the rows in mdp"):
        guarded_policy(mixed[rows[1:]], log, seen.observations[1:], evidence=8)


def test_the_log_chooses_the_same_threshold_with_and_without_its_world(world, log, mixed):
    seen = coverage(log)
    rows = [world.state_of(cell) for cell in seen.observations.astype(int)]
    for caution in (0.0, 0.1, 1.0):
        inside = guarded_policy(mixed, log, world.mdp, caution=caution)
        assert inside.evidence == guarded_policy(mixed[rows], log, caution=caution).evidence


def test_the_log_chooses_what_is_worth_most_in_its_model_where_nothing_is_worse_than_what_was_never_tried(
    world, log, mixed
):
    model = log_model(log, world.mdp.n_states, unseen=-100.0)
    worths = [model.value(guarded_policy(mixed, log, world.mdp, evidence=e).policy) for e in LADDER]
    assert guarded_policy(mixed, log, world.mdp).evidence == LADDER[int(np.argmax(worths))]
    careful = guarded_policy(mixed, log, world.mdp, caution=5.0)
    assert careful.evidence > LADDER[int(np.argmax(worths))]


def test_of_equals_the_log_chooses_what_interferes_least(world, log):
    clone = argmax_clone(log, world.mdp)
    assert guarded_policy(clone, log, world.mdp).evidence == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evidence": -1}, "evidence is -1, expected a number of at least 0"),
        ({"evidence": "most"}, "evidence is 'most', expected a number of at least 0"),
        ({"noise": -1.0}, "noise is -1.0, expected a number of at least 0"),
        ({"noise": 1.0}, "noise is 1, expected 0 with a policy: only networks' Q values have a spread"),
        ({"caution": -0.1}, "caution is -0.1, expected a number of at least 0"),
        ({"gamma": 1.0}, "gamma is 1.0, expected a number of at least 0, at most 1"),
        ({"fallback": "brake"}, "fallback is 'brake', expected 'clone', 'ask', an action or a policy"),
        ({"fallback": 4}, "fallback is 4, expected 'clone', 'ask', a policy or an action in range(0, 4)"),
        ({"fallback": np.ones((2, 4))}, "fallback has shape (2, 4), expected (225, 4) as policy"),
        ({"fallback": np.ones((225, 4))}, "fallback row (0,) is [1. 1. 1. 1.], expected probabilities"),
        ({"fallback": "ask"}, "ask_cost is None, expected a number with fallback='ask'"),
        ({"ask_cost": 1.0}, "ask_cost is 1.0, expected None without fallback='ask'"),
        ({"policy": np.ones((3, 4))}, "policy has shape (3, 4), expected (225, 4), or Q values (K, 225, 4)"),
        ({"policy": np.full((225, 4), 0.3)}, "policy row (0,) is [0.3 0.3 0.3 0.3], expected probabilities"),
        ({"policy": np.full((2, 225, 4), np.nan)}, "policy[0, 0, 0] is nan, expected a claim"),
        ({"policy": np.full((2, 225, 4), 0.25)}, "policy has shape (2, 225, 4) and holds probabilities"),
        ({"policy": np.zeros((1, 225, 4)), "noise": 1.0}, "noise is 1, expected 0 with one network"),
        ({"mdp": np.zeros((5, 3))}, "mdp has observations of length 3, expected 2"),
    ],
)
def test_a_bad_argument_is_named(world, log, mixed, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        guarded_policy(**{"policy": mixed, "log": log, "mdp": world.mdp} | change)
