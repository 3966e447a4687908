"""Sampled episodes are whole, repeatable, and their intervals hold the truth."""

import numpy as np
import pytest
from example_worlds import random_mdp, random_policy

from safegrid.mdp import TabularMDP


@pytest.mark.parametrize("world", ["original", "crossroads"])
def test_many_rollouts_find_the_exact_score(world, request):
    env = request.getfixturevalue(world)
    policy = env.behaviour_policy(0.22)
    exact, sampled = env.mdp.evaluate(policy), env.mdp.rollouts(policy, 10_000, seed=0).score()
    assert sampled.n_episodes == 10_000
    assert set(sampled.intervals) == {"return_mean", "hazard_rate", "goal_rate", "timeout_rate", "length_mean"}
    for name, (low, high) in sampled.intervals.items():  # twice as wide: how often 95% hold is the next test's
        assert low - (high - low) / 2 <= getattr(exact, name) <= high + (high - low) / 2, name
        assert low <= getattr(sampled, name) <= high, name
    assert sampled.return_std == pytest.approx(exact.return_std, rel=0.03)
    assert sampled.return_cvar == pytest.approx(exact.return_cvar, rel=0.03)


@pytest.mark.parametrize("timed", [False, True])
def test_the_95_percent_intervals_hold_the_truth_95_times_in_100(timed):
    mdp = random_mdp(2)
    policy = random_policy(mdp, 2, 4 if timed else None)
    exact = mdp.evaluate(policy, 4)
    scores = [mdp.rollouts(policy, 80, seed, horizon=4).score() for seed in range(400)]
    for name in scores[0].intervals:
        held = np.mean([s.intervals[name][0] <= getattr(exact, name) <= s.intervals[name][1] for s in scores])
        assert 0.91 < held < 0.985, name  # 400 draws of 0.95 leave a standard error of 0.011


def test_rollouts_are_whole_episodes_in_order(original):
    r = original.mdp.rollouts(original.uniform_policy(), 300, seed=0)
    last = np.r_[np.diff(r.episode) == 1, True]
    assert (r.episode[0], r.episode[-1]) == (0, 299)
    assert set(np.diff(r.episode)) == {0, 1}
    np.testing.assert_array_equal(r.terminals ^ r.timeouts, last)
    np.testing.assert_array_equal(r.next_states[:-1][~last[:-1]], r.states[1:][~last[:-1]])
    assert (np.bincount(r.episode)[r.episode[r.timeouts]] == 80).all()
    first = np.r_[True, last[:-1]]
    assert (r.states[first] == original.state_of(original.start)).all()
    assert (original.mdp.transition[r.states, r.actions, r.next_states] > 0).all()
    np.testing.assert_array_equal(r.terminals, original.mdp.terminal[r.next_states])
    np.testing.assert_array_equal(r.costs, original.mdp.hazard[r.next_states])
    np.testing.assert_array_equal(r.goals, original.mdp.goal[r.next_states])
    np.testing.assert_array_equal(r.rewards, np.select([r.costs > 0, r.goals], [-100.0, 50.0], -1.0))
    np.testing.assert_allclose(r.returns, [r.rewards[r.episode == e].sum() for e in range(300)])


def test_same_seed_same_rollouts(original):
    policy = original.behaviour_policy(0.22)
    a, b, c = (vars(original.mdp.rollouts(policy, 50, seed)) for seed in (3, np.random.default_rng(3), 4))
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not np.array_equal(a["states"], c["states"])


def test_rollouts_follow_a_policy_that_depends_on_time():
    two = TabularMDP.from_dense(np.ones((1, 2, 1)), [[0.0, 1.0]], terminal=[False], start=[1.0], horizon=3)
    policy = np.array([[[1, 0]], [[0, 1]], [[1, 0]]], float)
    assert two.rollouts(policy, 5, 0).actions.tolist() == [0, 1, 0] * 5
    assert two.evaluate(policy).return_mean == 1.0
