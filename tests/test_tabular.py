"""CQL in a table does what its equation says, at every step and in the limit."""

import dataclasses
import itertools
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from example_logs import columns, short_log

from safegrid.dataset import Episodes, coverage, generate_offline_episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP, portable_rng
from safegrid.ope import log_model, log_shares
from safegrid.tabular import (
    argmax_clone,
    conservative_values,
    greedy,
    tabular_cql,
    tabular_iql,
    tabular_spibb,
)


@pytest.fixture(scope="module")
def dense():
    """A small world whose log tried every action of every state it acted in."""
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(2, 1)], slip_prob=0.1)
    return env.mdp, sample_episodes(env.mdp, env.uniform_policy(), 3_000, 0)


def softmax(q):
    weights = np.exp(q - q.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def targets(log, mdp, q, gamma):
    """The log's mean of r + γ max Q(s′, ·) for each pair, one row after the other."""
    total, counts = np.zeros((mdp.n_states, 4)), coverage(log, mdp).counts
    value = log.rewards + gamma * np.where(log.terminals, 0.0, q.max(1)[log.next_states])
    np.add.at(total, (log.states, log.actions), value)
    return total / np.maximum(counts, 1), counts


def test_the_generator_is_the_mersenne_twister():
    """The C++ standard names the ten thousandth number of std::mt19937 with its default seed."""
    assert portable_rng(5489).bit_generator.random_raw(10_000)[-1] == 4_123_659_995
    assert (portable_rng(7).random(5) == np.random.RandomState(7).random_sample(5)).all()


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None])
def test_a_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"seed is .*, expected a whole number in 0…4294967295"):
        portable_rng(seed)


def test_the_same_seed_gives_the_same_log(original):
    one, two = (generate_offline_episodes(original, 20, seed=portable_rng(3)) for _ in range(2))
    assert (one.states == two.states).all()
    assert (one.rewards == two.rewards).all()


def test_the_clone_counts_votes_and_shares_ties(original, log):
    counts, clone = coverage(log, original.mdp).counts, argmax_clone(log, original.mdp)
    assert np.allclose(clone.sum(1), 1)
    assert ((clone > 0) == (counts == counts.max(1, keepdims=True))).all()
    assert (clone[counts.sum(1) == 0] == 0.25).all()


def test_greedy_shares_what_rounding_cannot_tell_apart():
    q = np.array([[1.0, 1.0 + 1e-9, 0.0, -np.inf], [0.0, 1.0, 2.0, 3.0]])
    assert greedy(q).tolist() == [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("weight", [0.3, 6.0, 200.0])
@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_in_the_limit_every_pull_is_balanced(original, log, weight, scale):
    """share·(Q − y) = α·(share − softmax over tried actions), in raw reward with temperature 1/ρ."""
    mdp = original.mdp
    q = tabular_cql(log, mdp, weight, reward_scale=scale)
    y, counts = targets(log, mdp, q, 0.99)
    tried = counts > 0
    visited = tried.any(1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    soft = softmax(np.where(visited[:, None], scale * q, 0.0))
    pull = share * (np.where(tried, q, 0.0) - y) - weight * (share - soft)
    assert np.abs(pull[tried]).max() < 1e-8 * max(1.0, weight)
    assert (q[visited[:, None] & ~tried] == -np.inf).all()
    assert (q[~visited] == 0).all()


def test_many_steps_come_near_the_limit_where_everything_was_tried(dense):
    mdp, log = dense
    limit = tabular_cql(log, mdp, 2.0, reward_scale=0.1)
    assert np.isfinite(limit).all()
    errors = [np.abs(tabular_cql(log, mdp, 2.0, reward_scale=0.1, n_steps=n) - limit).max() for n in (5, 50, 500)]
    assert errors[0] > 2 * errors[1] > 1_000 * errors[2]
    assert errors[2] < 1e-5


def test_an_action_never_tried_sinks_for_ever_and_without_weight_stays(original, log):
    mdp = original.mdp
    unseen = coverage(log, mdp).unseen
    short, long = (tabular_cql(log, mdp, 6.0, n_steps=n)[unseen] for n in (200, 2_000))
    assert (long < short).all()
    assert (short < 0).all()
    for n in (2_000, None):
        assert (tabular_cql(log, mdp, 0.0, n_steps=n)[unseen] == 0).all()


def test_without_weight_a_complete_log_without_slips_teaches_the_truth():
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(2, 1)], slip_prob=0.0, max_steps=300)
    log = sample_episodes(env.mdp, env.uniform_policy(), 3_000, 0)
    policy = env.mdp.optimal(0.99)
    acted = coverage(log, env.mdp).visited
    q = tabular_cql(log, env.mdp, 0.0)
    assert np.abs(q - env.mdp.values(policy, 0.99)[1])[acted].max() < 1e-6


def test_the_first_step_is_the_equation(original, log):
    """From Q = 0 the softmax is ¼, the target the mean reward."""
    mdp, weight, scale = original.mdp, 6.0, 0.1
    y, counts = targets(log, mdp, np.zeros((mdp.n_states, 4)), 0.99)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    slope = share * (0 - scale * y) + scale * weight * (0.25 - share) * (counts.sum(1, keepdims=True) > 0)
    expected = -slope / (1 + scale * weight / 2) / scale
    assert np.abs(tabular_cql(log, mdp, weight, reward_scale=scale, n_steps=1) - expected).max() < 1e-6


@pytest.mark.parametrize("weight", [0.0, 6.0])
@pytest.mark.parametrize("keywords", [{}, {"n_steps": 300}, {"n_steps": 300, "huber": True}], ids=str)
def test_a_belief_is_a_shift_of_every_value(original, log, weight, keywords):
    """Q + b solves the equations in which each reward is (γ − 1) b higher, or b lower where nothing follows."""
    belief = 50.0
    shifted = dataclasses.replace(log, rewards=log.rewards + (0.99 * ~log.terminals - 1) * belief)
    q = tabular_cql(log, original.mdp, weight, belief=belief, **keywords)
    expected = belief + tabular_cql(shifted, original.mdp, weight, **keywords)
    np.testing.assert_allclose(q, expected, rtol=0, atol=1e-4)  # a log holds rewards in single precision


def test_what_was_never_tried_keeps_its_belief_where_nothing_pushes(original, log):
    mdp, found = original.mdp, coverage(log, original.mdp)
    for n_steps in (300, None):
        assert tabular_cql(log, mdp, 0.0, n_steps=n_steps, belief=50.0)[found.unseen] == pytest.approx(50.0)
        assert tabular_cql(log, mdp, 6.0, n_steps=n_steps, belief=50.0)[found.unseen].max() < 50.0
        for weight in (0.0, 6.0):
            kept = tabular_cql(log, mdp, weight, n_steps=n_steps, belief=50.0)[~found.visited]
            assert kept == pytest.approx(50.0)


@pytest.mark.parametrize("belief", [-100.0, 20.0, 50.0])
def test_without_weight_the_limit_is_the_optimum_of_the_logs_model_at_that_price(original, log, belief):
    model = log_model(log, original.mdp.n_states, unseen=belief)
    best, _ = model.mdp.values(model.mdp.optimal(0.99), 0.99)
    alive = ~model.mdp.terminal[:-1]
    claims = tabular_cql(log, original.mdp, 0.0, belief=belief).max(1)
    assert claims[alive] == pytest.approx(best[:-1][alive], abs=1e-6)


def test_where_everything_was_tried_a_belief_is_forgotten(dense):
    mdp, log = dense
    acted = coverage(log, mdp).visited
    for weight in (0.0, 2.0):
        low, high = (tabular_cql(log, mdp, weight, belief=belief)[acted] for belief in (-1_000.0, 1_000.0))
        assert low == pytest.approx(high, abs=1e-6)
        high = tabular_cql(log, mdp, weight, n_steps=20_000, belief=1_000.0)[acted]
        assert low == pytest.approx(high, abs=1e-3)


def test_hubers_loss_is_the_squared_one_for_small_errors_and_caps_large_ones(original, log):
    """At rest the push of an action is at most the cap of its pull: μ stays within 1/(ρα) of the log's share."""
    one, two = (
        tabular_cql(log, original.mdp, 6.0, reward_scale=1e-3, n_steps=50, huber=huber) for huber in (False, True)
    )
    assert np.abs(one - two).max() < 1e-9
    weight, counts = 6.0, coverage(log, original.mdp).counts
    ratio = {}
    for huber in (False, True):
        mu = softmax(tabular_cql(log, original.mdp, weight, reward_scale=1.0, n_steps=4_000, huber=huber))
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        ratio[huber] = np.abs(mu[share > 0] / share[share > 0] - 1).max()
    assert ratio[True] < 1 / weight + 1e-3 < ratio[False]


@pytest.mark.parametrize("n_steps", [300, None])
def test_rewards_weight_and_scale_obey_the_law_of_units(original, log, n_steps):
    mdp = original.mdp
    q = tabular_cql(log, mdp, 6.0, reward_scale=0.2, n_steps=n_steps)
    larger = dataclasses.replace(log, rewards=4 * log.rewards)
    again = tabular_cql(larger, mdp, 24.0, reward_scale=0.05, n_steps=n_steps)
    finite = np.isfinite(q)
    assert (finite == np.isfinite(again)).all()
    assert np.abs(4 * q[finite] - again[finite]).max() < 1e-6


def test_a_claim_falls_with_the_weight_at_scale_one_and_rises_at_a_small_scale(original, log):
    def claims(scale):
        return [tabular_cql(log, original.mdp, w, reward_scale=scale)[0].max() for w in (1.0, 6.0, 20.0, 200.0)]

    assert claims(1.0) == sorted(claims(1.0), reverse=True)
    assert claims(0.05) == sorted(claims(0.05))
    best = original.mdp.values(original.mdp.optimal(0.99), 0.99)[0][0]
    assert claims(1.0)[0] < best < 10 * best < claims(0.05)[-1]


def test_a_state_that_was_entered_but_never_acted_in_is_worth_the_belief():
    """One step, cut by the clock: its value is its reward and γ times the belief, in both forms."""
    mdp = SafetyCriticalGridWorld(size=3, max_steps=1, slip_prob=0.0).mdp
    log = Episodes.from_arrays([[0, 0]], [1], [-1.0], [False], [True], n_actions=4, next_observations=[[1, 0]],
                               states=[0], next_states=[1])  # fmt: skip
    assert tabular_cql(log, mdp, 0.0)[0].tolist() == [0, -1, 0, 0]
    assert tabular_cql(log, mdp, 1.0)[0, 1] == pytest.approx(-1)
    assert tabular_cql(log, mdp, 0.0, n_steps=2_000)[0, 1] == pytest.approx(-1)
    assert tabular_cql(log, mdp, 0.0, n_steps=2_000, belief=10.0)[0].tolist() == pytest.approx([10, 8.9, 10, 10])
    assert tabular_cql(log, mdp, 1.0, belief=10.0)[0, 1] == pytest.approx(8.9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conservative_weight": -1.0}, "conservative_weight is -1.0, expected a number of at least 0"),
        ({"conservative_weight": np.nan}, "conservative_weight is nan"),
        ({"reward_scale": 0.0}, "reward_scale is 0.0, expected a number above 0"),
        ({"gamma": 1.5}, r"gamma is 1.5, expected a number of at least 0, at most 1"),
        ({"gamma": 1.0}, "gamma is 1, expected less for the limit"),
        ({"n_steps": 0}, "n_steps is 0, expected a whole number of at least 1"),
        ({"belief": np.inf}, "belief is inf, expected a finite number"),
        ({"belief": True}, "belief is True, expected a finite number"),
        ({"belief": "50"}, "belief is '50', expected a finite number"),
        ({"huber": True}, "huber is True, expected a number of n_steps with it"),
    ],
)
def test_a_bad_argument_is_named(original, log, change, message):
    with pytest.raises(ValueError, match=message):
        tabular_cql(log, original.mdp, **change)


def test_a_log_without_states_is_refused(original, log):
    with pytest.raises(ValueError, match="states in row 0 is -1, expected a state of the mdp"):
        argmax_clone(dataclasses.replace(log, states=np.full(len(log), -1)), original.mdp)


@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-9])
def test_the_limit_of_a_tiny_weight_is_that_of_none(dense, weight):
    mdp, log = dense
    q, plain = (tabular_cql(log, mdp, w, reward_scale=10.0) for w in (weight, 0.0))
    assert np.allclose(q, plain, atol=1e-6)


@pytest.mark.parametrize("push_up", [True, False])
def test_conservative_values_solve_the_papers_equation(crossroads, push_up):
    mdp, live = crossroads.mdp, ~crossroads.mdp.terminal
    policy, beta = crossroads.expert_policy(0.22), crossroads.behaviour_policy(0.22)
    v, q = conservative_values(mdp, policy, beta, 3.0, push_up=push_up)
    expected = mdp.backup((policy * q).sum(1), 0.99) - 3.0 * (policy / beta - push_up)
    assert np.abs(q - expected)[live].max() < 1e-8
    assert np.abs(v - (policy * q).sum(1))[live].max() < 1e-8
    assert not v[mdp.terminal].any()


def test_theorems_hold_where_their_conditions_do(crossroads):
    """Kumar et al. 2020: 3.1 pair by pair without the push up, 3.2 state by state with it."""
    mdp, live = crossroads.mdp, ~crossroads.mdp.terminal
    policy, beta = crossroads.expert_policy(0.22), crossroads.behaviour_policy(0.22)
    true_v, true_q = mdp.values(policy, 0.99)
    for weight in (0.01, 1.0, 100.0):
        assert (conservative_values(mdp, policy, beta, weight, push_up=False)[1] < true_q)[live].all()
        v, q = conservative_values(mdp, policy, beta, weight)
        assert (v < true_v)[live].all()
        assert not (q < true_q)[live].all()
    assert np.allclose(conservative_values(mdp, beta, beta, 5.0)[0], mdp.values(beta, 0.99)[0])


def test_tabular_cql_claims_the_conservative_value_of_a_greedy_policy_pushed_down_by_a_softmax():
    """Its fixed point is eq. 2's with π greedy and μ the softmax, in the log's own world."""
    mdp = SafetyCriticalGridWorld(size=4, hazard_coords=[(2, 1)], slip_prob=0.1).mdp
    log = sample_episodes(mdp, np.full((16, 4), 0.25), 3_000, 0)
    counts = coverage(log, mdp).counts
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    flow, gain = np.zeros((16, 4, 16)), np.zeros((16, 4, 16))
    np.add.at(flow, (log.states, log.actions, log.next_states), 1)
    gain[log.states, log.actions, log.next_states] = log.rewards
    flow[mdp.terminal, :, 0] = 1
    world = TabularMDP.from_dense(flow / flow.sum(-1, keepdims=True), gain, terminal=mdp.terminal, start=mdp.start)
    q = tabular_cql(log, mdp, 2.0, reward_scale=0.1)
    v, _ = conservative_values(world, greedy(q), share, 2.0, pushed_down=softmax(0.1 * q))
    assert np.abs(v - q.max(1))[~mdp.terminal].max() < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conservative_weight": -1.0}, "conservative_weight is -1.0, expected a number of at least 0"),
        ({"behaviour": np.ones((3, 4))}, r"behaviour has shape \(3, 4\), expected \(225, 4\)"),
        (
            {"behaviour": np.eye(4)[np.zeros(225, int)]},
            r"behaviour\[0, 1\] is 0, expected more where pushed_down is 0.25",
        ),
        ({"pushed_down": np.ones(4)}, r"pushed_down has shape \(4,\)"),
    ],
)
def test_conservative_values_name_a_bad_argument(original, change, message):
    even = original.uniform_policy()
    with pytest.raises(ValueError, match=message):
        conservative_values(original.mdp, even, **({"behaviour": even} | change))


@pytest.mark.parametrize("weight", [0.0, 6.0])
@pytest.mark.parametrize("n_steps", [300, None])
def test_an_action_that_does_not_exist_is_neither_learned_nor_taken(original, weight, n_steps):
    mdp = original.mdp
    mask = mdp.successors[:, 0] != np.arange(mdp.n_states)[:, None]  # nobody may walk into the border
    walled = replace(mdp, action_mask=mask)
    driver = np.where(walled.action_mask, original.behaviour_policy(0.22), 0.0)
    log = sample_episodes(walled, driver / driver.sum(1, keepdims=True), 200, 0)
    q = tabular_cql(log, walled, weight, n_steps=n_steps)
    gone = ~walled.action_mask
    assert (q[gone] == -np.inf).all()
    for policy in (greedy(q), argmax_clone(log, walled)):
        assert not policy[gone].any()
        assert np.isfinite(walled.evaluate(policy).return_mean)
    open_q = tabular_cql(log, mdp, weight, n_steps=n_steps)
    inside = mask.all(1) & ~mdp.terminal
    if n_steps is None:
        assert np.isfinite(q[inside]).any()
        if weight:  # in the limit an action that was never tried counts for nothing, whether it exists or not
            np.testing.assert_allclose(q[inside], open_q[inside], atol=1e-6)


def test_a_log_that_takes_an_action_that_does_not_exist_is_refused(original, log):
    mask = np.ones((225, 4), bool)
    mask[0, 1] = False
    with pytest.raises(ValueError, match=r"actions in row \d+ is 1, which state 0 does not have"):
        tabular_cql(log, replace(original.mdp, action_mask=mask))


@pytest.fixture(scope="module")
def mapped():
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)], max_steps=6)
    return env.mdp, short_log()


LEARNERS = {
    "coverage": coverage,
    "argmax_clone": argmax_clone,
    "tabular_cql": tabular_cql,
    "tabular_cql, steps": partial(tabular_cql, n_steps=2, huber=True),
}


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("name", ["states", "next_states"])
@pytest.mark.parametrize(
    "change",
    [
        lambda s: np.minimum(s + 1, 15),  # counted from one
        lambda s: s % 4 * 4 + s // 4,  # transposed
        lambda s: np.random.default_rng(0).permutation(s),
        lambda s: s // 4 * 3 + s % 4,  # of a map three cells wide
    ],
)
def test_states_that_are_seen_elsewhere_than_the_log_was_are_refused(mapped, learner, name, change):
    mdp, log = mapped
    wrong = dataclasses.replace(log, **{name: change(getattr(log, name))})
    row = int(np.argmax(getattr(wrong, name) != getattr(log, name)))
    seen, place = getattr(log, name.replace("states", "observations"))[row], getattr(wrong, name)[row]
    message = f"{name} in row {row} is {place}, expected one observed as {seen}, not {mdp.observations[place]}"
    with pytest.raises(ValueError, match=re.escape(message)):
        LEARNERS[learner](wrong, mdp)


@pytest.mark.parametrize("state", [-1, 16])
def test_a_next_state_that_is_needed_and_unknown_is_named(mapped, state):
    mdp, log = mapped
    row = int(np.flatnonzero(~log.terminals)[0])
    following = np.where(np.arange(len(log)) == row, state, log.next_states)
    for n_steps in (None, 3):
        with pytest.raises(ValueError, match=f"next_states in row {row} is {state}, expected a state of the mdp, 0…15"):
            tabular_cql(dataclasses.replace(log, next_states=following), mdp, n_steps=n_steps)


def test_what_follows_a_terminal_may_be_unknown(mapped):
    mdp, log = mapped
    untold = dataclasses.replace(log, next_states=np.where(log.terminals, -1, log.next_states))
    for keywords in ({}, {"n_steps": 5}, {"n_steps": 5, "huber": True}):
        np.testing.assert_array_equal(tabular_cql(untold, mdp, **keywords), tabular_cql(log, mdp, **keywords))
    arrays = columns(log)
    del arrays["next_observations"]
    assert coverage(Episodes.from_arrays(**arrays, n_actions=4), mdp).counts.sum() == len(log) - log.timeouts.sum()


def test_states_are_not_compared_where_observations_do_not_tell_them_apart(mapped):
    mdp, log = mapped
    wrong = dataclasses.replace(log, states=np.minimum(log.states + 1, 15))
    alike = dataclasses.replace(mdp, observations=np.zeros_like(mdp.observations))
    longer = dataclasses.replace(mdp, observations=np.zeros((16, 3)))
    for world in (alike, longer):
        assert coverage(wrong, world).counts.sum() == len(log)


@pytest.mark.parametrize("expectile", [0.2, 0.5, 0.9, 0.99])
def test_implicit_q_learning_rests_where_each_state_is_the_expectile_of_its_tried_actions(crossroads, expectile):
    log = generate_offline_episodes(crossroads, seed=200)
    q = tabular_iql(log, crossroads.mdp, expectile)
    counts = coverage(log, crossroads.mdp).counts
    value = np.array([
        _expectile(q[s, counts[s] > 0], counts[s, counts[s] > 0], expectile) if counts[s].any() else 0.0
        for s in range(crossroads.mdp.n_states)
    ])  # fmt: skip
    following = np.where(log.terminals, 0.0, value[log.next_states])
    total = np.zeros(q.shape)
    np.add.at(total, (log.states, log.actions), log.rewards + 0.99 * following)
    tried = counts > 0
    assert q[tried] == pytest.approx((total / np.maximum(counts, 1))[tried], abs=1e-7)
    assert (q[counts.any(1, keepdims=True) & ~tried] == -np.inf).all()


def _expectile(values, weights, tau):
    low, high = values.min(), values.max()
    for _ in range(100):
        v = (low + high) / 2
        pull = (weights * np.where(values > v, tau, 1 - tau) * (values - v)).sum()
        low, high = (v, high) if pull > 0 else (low, v)
    return (low + high) / 2


def test_the_expectile_goes_from_the_value_of_the_logs_habits_to_the_best_tried_action(dense):
    mdp, log = dense
    _, habits = log_model(log, mdp.n_states, unseen=0.0).values(log_shares(log, mdp.n_states))
    seen = coverage(log, mdp).counts > 0
    assert tabular_iql(log, mdp, 0.5)[seen] == pytest.approx(habits[seen], abs=1e-7)
    boldest = tabular_cql(log, mdp, 0.0)
    assert tabular_iql(log, mdp, 1 - 1e-9)[seen] == pytest.approx(boldest[seen], abs=1e-3)
    rising = [tabular_iql(log, mdp, tau)[seen] for tau in (0.3, 0.5, 0.7, 0.9)]
    assert all((high >= low - 1e-9).all() for low, high in itertools.pairwise(rising))


def test_values_within_the_data_leave_the_cliff_that_cql_keeps_to():
    env = SafetyCriticalGridWorld(map_name="cliff")
    log = generate_offline_episodes(env, seed=200)
    hazard = [env.mdp.evaluate(greedy(q(log, env.mdp))).hazard_rate for q in (tabular_cql, tabular_iql)]
    assert hazard[0] > 0.1 > 0.03 > hazard[1]


def test_spibb_trusts_what_was_tried_often_and_keeps_the_rest_as_it_was(crossroads):
    log = generate_offline_episodes(crossroads, seed=200)
    counts, shares = coverage(log, crossroads.mdp).counts, log_shares(log, crossroads.mdp.n_states)
    acted = counts.any(1)
    never, always = (tabular_spibb(log, crossroads.mdp, n) for n in (10**9, 1))
    assert never[acted] == pytest.approx(shares[acted])
    model = log_model(log, crossroads.mdp.n_states, unseen=-100.0)
    assert model.value(always) == pytest.approx(model.mdp.start @ model.mdp.values(model.mdp.optimal(0.99), 0.99)[0])
    worth = [model.value(tabular_spibb(log, crossroads.mdp, n)) for n in (1, 5, 20, 50)]
    assert worth == sorted(worth, reverse=True)
    policy = tabular_spibb(log, crossroads.mdp, 20)
    few = (counts < 20) & acted[:, None]
    assert policy[few] == pytest.approx(shares[few])
    assert policy.sum(1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("learn", "message"),
    [
        (partial(tabular_iql, expectile=0.0), "expectile is 0.0, expected a number above 0"),
        (partial(tabular_iql, expectile=1.0), "expectile is 1, expected less"),
        (partial(tabular_iql, gamma=1.0), "gamma is 1, expected less"),
        (partial(tabular_spibb, threshold=0), "threshold is 0, expected a whole number of at least 1"),
        (partial(tabular_spibb, gamma=1.2), "gamma is 1.2, expected a number of at least 0, at most 1"),
    ],
)
def test_a_bad_argument_of_a_careful_learner_is_named(original, log, learn, message):
    with pytest.raises(ValueError, match=message):
        learn(log, original.mdp)


def test_a_table_that_believes_in_the_untried_freezes_chooses_or_imitates_by_its_weight(crossroads):
    """Six logs: a belief as high as the goal's reward, reward scale 1, 2,000 steps."""
    mdp = crossroads.mdp
    logs = [generate_offline_episodes(crossroads, seed=seed) for seed in range(100, 106)]

    def learned(weight, belief=50.0):
        tables = [tabular_cql(log, mdp, weight, reward_scale=1.0, n_steps=2_000, belief=belief) for log in logs]
        return np.array([mdp.start @ q.max(1) for q in tables]), [mdp.evaluate(greedy(q)) for q in tables]

    claims, scores = learned(0.0)
    assert all(-80.3 < score.return_mean < -79.9 and score.timeout_rate > 0.997 for score in scores)
    assert 40 < claims.min() < claims.max() < 43
    for weight in (1.0, 6.0):
        claims, scores = learned(weight)
        assert all(score.return_mean > 19.7 and score.hazard_rate < 0.014 for score in scores)
        assert sum(score.hazard_rate < 0.004 for score in scores) == 5
        assert claims.max() < 12
    returns = [score.return_mean for score in learned(200.0)[1]]
    assert sorted(returns) == pytest.approx([-116, -107, 2.5, 7, 15, 18], abs=0.6)
    assert min(score.return_mean for score in learned(0.0, belief=0.0)[1]) > 10
