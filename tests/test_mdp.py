"""The truth is true: published numbers, brute force on tiny worlds, and laws."""

import itertools
from dataclasses import FrozenInstanceError, replace

import gymnasium
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import safegrid.chain
from safegrid.env import Action, SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP

FEW = settings(deadline=None, max_examples=40)


def random_mdp(seed, n_states=4, n_actions=2, width=3):
    """Starts anywhere but in the last two states, a hazard and a goal; successors may repeat or have probability 0."""
    rng = np.random.default_rng(seed)
    shape = (n_states, n_actions, width)
    probabilities = rng.dirichlet(np.ones(width), shape[:2])
    probabilities[..., 0] += probabilities[..., 1] * (gone := rng.random(shape[:2]) < 0.3)
    probabilities[gone, 1] = 0.0
    state = np.arange(n_states)
    terminal = state >= n_states - 2
    start = np.append(rng.dirichlet(np.ones(n_states - 2)), [0, 0])
    return TabularMDP(
        rng.integers(0, n_states, shape), probabilities, rng.integers(-5, 4, shape), terminal, start,
        hazard=state == n_states - 2, goal=state == n_states - 1,
    )  # fmt: skip


def dense(mdp):
    """Transitions (S, A, S) and the reward expected on each, summed entry by entry."""
    shape = (mdp.n_states, mdp.n_actions, mdp.n_states)
    transition, flow = np.zeros(shape), np.zeros(shape)
    for s, a, k in np.ndindex(mdp.successors.shape):
        z = mdp.successors[s, a, k]
        transition[s, a, z] += mdp.probabilities[s, a, k]
        flow[s, a, z] += mdp.probabilities[s, a, k] * mdp.rewards[s, a, k]
    return transition, np.divide(flow, transition, out=np.zeros(shape), where=transition > 0)


def enumerate_episodes(mdp, policy, horizon):
    """Every trajectory of a tiny world: its probability, its return, and the states it passed through."""

    def walk(p, total, path):
        t, s = len(path) - 1, path[-1]
        if mdp.terminal[s] or t == horizon:
            yield p, total, path
            return
        for a, k in np.ndindex(mdp.successors.shape[1:]):
            q = p * (policy[t] if policy.ndim == 3 else policy)[s, a] * mdp.probabilities[s, a, k]
            if q > 0:
                yield from walk(q, total + mdp.rewards[s, a, k], (*path, mdp.successors[s, a, k]))

    walks = (walk(p, 0.0, (s,)) for s, p in enumerate(mdp.start) if p > 0)
    p, returns, paths = zip(*itertools.chain(*walks), strict=True)
    return np.array(p), np.array(returns), paths


def worst_twentieth(p, returns):
    """CVaR at 5%: each outcome counts with that part of its probability which lies in the first twentieth."""
    order = np.argsort(returns)
    upper = np.cumsum(p[order])
    share = np.minimum(upper, 0.05) - np.minimum(upper - p[order], 0.05)
    return (share * returns[order]).sum() / 0.05


def random_policy(mdp, seed, horizon=None):
    shape = (mdp.n_states,) if horizon is None else (horizon, mdp.n_states)
    return np.random.default_rng(seed).dirichlet(np.ones(mdp.n_actions), shape)


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
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 4), timed=st.booleans())
def test_evaluation_is_the_sum_over_all_trajectories(seed, horizon, timed):
    mdp = random_mdp(seed)
    policy = random_policy(mdp, seed, horizon if timed else None)
    p, returns, paths = enumerate_episodes(mdp, policy, horizon)
    last, steps = np.array([path[-1] for path in paths]), np.array([len(path) - 1 for path in paths])
    mean = p @ returns
    wanted = {
        "return_mean": mean,
        "return_std": np.sqrt(p @ (returns - mean) ** 2),
        "hazard_rate": p @ mdp.hazard[last],
        "goal_rate": p @ mdp.goal[last],
        "timeout_rate": p @ ~mdp.terminal[last],
        "length_mean": p @ steps,
        "return_cvar": worst_twentieth(p, returns),
    }
    assert mdp.evaluate(policy, horizon).as_dict() == pytest.approx(wanted, abs=1e-6)


@FEW
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 4), timed=st.booleans())
def test_occupancy_is_the_chance_of_passing_through(seed, horizon, timed):
    mdp = random_mdp(seed)
    policy = random_policy(mdp, seed, horizon if timed else None)
    p, _, paths = enumerate_episodes(mdp, policy, horizon)
    met = [p @ [state in path for path in paths] for state in range(mdp.n_states)]
    np.testing.assert_allclose(mdp.occupancy(policy, horizon), met, atol=1e-12)


def test_cvar_splits_the_atom_at_five_percent():
    transition = [[[0.0, 0.03, 0.97]], [[0, 1, 0]], [[0, 0, 1]]]
    mdp = TabularMDP.from_dense(
        transition, [[[0, -100, 50]]] * 3, terminal=[False, True, True], start=[1, 0, 0], hazard=[False, True, False]
    )
    assert mdp.evaluate(np.ones((3, 1)), 1).return_cvar == pytest.approx((0.03 * -100 + 0.02 * 50) / 0.05)


@pytest.mark.parametrize("reward", [np.sqrt(2), -np.pi, 1e-3, 1e6 + 1 / 3])
def test_cvar_is_exact_on_no_lattice_too(reward):
    mdp = random_mdp(1)
    policy, rewards = random_policy(mdp, 1), np.array(mdp.rewards)
    rewards[:2, :, 0] = reward
    odd = replace(mdp, rewards=rewards)
    p, returns, _ = enumerate_episodes(odd, policy, 4)
    assert odd.evaluate(policy, 4).return_cvar == pytest.approx(worst_twentieth(p, returns))


@FEW
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 4), timed=st.booleans())
def test_too_many_returns_cost_the_cvar_and_nothing_else(seed, horizon, timed):
    mdp = random_mdp(seed)
    policy = random_policy(mdp, seed, horizon if timed else None)
    with pytest.MonkeyPatch.context() as patch:
        told = replace(mdp).evaluate(policy, horizon).as_dict()
        patch.setattr(safegrid.chain, "_FEW", 0)
        untold = replace(mdp).evaluate(policy, horizon).as_dict()
    assert np.isnan(untold.pop("return_cvar"))
    assert untold == pytest.approx({name: told[name] for name in untold}, abs=1e-6)


def test_a_return_that_outgrows_its_budget_is_given_up_on_the_way(monkeypatch):
    mdp = random_mdp(1)
    policy = random_policy(mdp, 1)
    told = mdp.evaluate(policy, 30).as_dict()
    monkeypatch.setattr(safegrid.chain, "_CELLS", 200)
    untold = mdp.evaluate(policy, 30).as_dict()
    assert np.isfinite(told.pop("return_cvar"))
    assert np.isnan(untold.pop("return_cvar"))
    assert untold == pytest.approx(told, abs=1e-9)


def test_rewards_at_the_end_alone_leave_few_returns_whatever_they_are():
    rng = np.random.default_rng(0)
    successors, shape = rng.integers(0, 60, (60, 3, 5)), (60, 3, 5)
    goal = np.arange(60) == 59
    mdp = TabularMDP(
        successors, rng.dirichlet(np.ones(5), shape[:2]), np.where(goal[successors], np.pi, 0.0), np.arange(60) >= 58,
        np.eye(60)[0], hazard=np.arange(60) == 58, goal=goal, horizon=500,
    )  # fmt: skip
    score = mdp.evaluate(random_policy(mdp, 0))
    assert score.return_cvar == 0.0
    assert score.return_mean == pytest.approx(np.pi * score.goal_rate)


def test_cvar_of_rewards_in_cents(original):
    mdp = original.mdp
    cents = replace(mdp, rewards=mdp.rewards / 100)
    policy = original.behaviour_policy(0.22)
    assert cents.evaluate(policy).return_cvar == pytest.approx(mdp.evaluate(policy).return_cvar / 100)


@FEW
@given(seed=st.integers(0, 10_000), gamma=st.floats(0.0, 0.99))
def test_values_satisfy_bellman_and_are_long_discounted_sums(seed, gamma):
    mdp = random_mdp(seed, n_states=6, n_actions=3)
    policy, (transition, rewards), live = random_policy(mdp, seed), dense(mdp), ~mdp.terminal
    v, q = mdp.values(policy, gamma)
    expected = (transition * (rewards + gamma * v)).sum(-1) * live[:, None]
    np.testing.assert_allclose(q, expected, atol=1e-9)
    np.testing.assert_allclose(v, (policy * q).sum(1), atol=1e-9)
    total = np.zeros(6)
    for _ in range(3_000):  # 0.99**3000 < 1e-13
        total = (policy * (transition * (rewards + gamma * total)).sum(-1)).sum(1) * live
    np.testing.assert_allclose(v, total, atol=1e-8)


@FEW
@given(seed=st.integers(0, 10_000))
def test_at_gamma_1_values_are_the_undiscounted_score_and_success_its_chance(seed):
    mdp = random_mdp(seed, n_states=7, n_actions=3, width=7)
    policy = random_policy(mdp, seed)
    score = mdp.evaluate(policy, 60)
    assume(score.timeout_rate < 1e-10)
    assert mdp.start @ mdp.values(policy, 1.0)[0] == pytest.approx(score.return_mean, abs=1e-7)
    success = replace(mdp, rewards=mdp.goal[mdp.successors].astype(float))
    assert mdp.start @ success.values(policy, 1.0)[0] == pytest.approx(score.goal_rate, abs=1e-9)


@FEW
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 6))
def test_no_policy_beats_the_optimum(seed, horizon):
    mdp = random_mdp(seed, n_states=6, n_actions=3)
    best = mdp.evaluate(mdp.optimal(1.0, horizon), horizon).return_mean
    v, _ = mdp.values(mdp.optimal(0.9), 0.9)
    for k in range(5):
        other = random_policy(mdp, 7 * seed + k)
        assert mdp.evaluate(other, horizon).return_mean <= best + 1e-9
        assert (mdp.values(other, 0.9)[0] <= v + 1e-9).all()


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


def test_a_hospital_sized_world_of_700_states_and_25_actions_is_solved():
    rng = np.random.default_rng(0)
    n, a, k = 700, 25, 8
    terminal, goal = np.arange(n) >= n - 2, np.arange(n) == n - 1
    successors = rng.integers(0, n, (n, a, k))
    mdp = TabularMDP(
        successors, rng.dirichlet(np.ones(k), (n, a)), goal[successors], terminal, ~terminal / (n - 2),
        hazard=terminal & ~goal, goal=goal,
    )  # fmt: skip
    best, chance = mdp.optimal(0.99), np.full((n, a), 1 / a)
    v, q = mdp.values(best, 0.99)
    np.testing.assert_allclose(v, q.max(1), atol=1e-9)
    assert (v >= mdp.values(chance, 0.99)[0] - 1e-12).all()
    scores = [mdp.evaluate(policy, 100) for policy in (best, chance)]
    assert scores[0].goal_rate > scores[1].goal_rate
    for score in scores:  # a reward of 1 on the goal and nowhere else
        assert score.return_mean == pytest.approx(score.goal_rate)
        assert score.hazard_rate + score.goal_rate + score.timeout_rate == pytest.approx(1)


def test_frozen_lake_is_crossed_fourteen_times_in_seventeen():
    lake = gymnasium.make("FrozenLake-v1", map_name="4x4", is_slippery=True).unwrapped
    letters = lake.desc.astype(str).ravel()
    width = max(len(entries) for actions in lake.P.values() for entries in actions.values())
    table = np.zeros((3, 16, 4, width))
    for s, a in np.ndindex(16, 4):
        for k, (p, z, r, _) in enumerate(lake.P[s][a]):
            table[:, s, a, k] = z, p, r
    mdp = TabularMDP(
        *table, np.isin(letters, ["H", "G"]), lake.initial_state_distrib,
        hazard=letters == "H", goal=letters == "G",
    )  # fmt: skip
    v = np.zeros(16)
    for _ in range(1_500):
        v = np.array([
            max(sum(p * (r + (not done) * v[z]) for p, z, r, done in entries) for entries in lake.P[s].values())
            for s in range(16)
        ])  # fmt: skip
    best = mdp.optimal(1.0)
    assert v[0] == pytest.approx(14 / 17, abs=1e-9)
    assert mdp.values(best, 1.0)[0][0] == pytest.approx(v[0], abs=1e-9)
    assert mdp.evaluate(best, 2_000).goal_rate == pytest.approx(v[0], abs=1e-9)


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
        ("horizon", 0, r"horizon must be .*at least 1, got 0"),
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
        (lambda mdp: mdp.optimal(1.1), r"gamma must lie in \[0, 1\], got 1.1"),
        (lambda mdp: mdp.optimal(np.nan), r"gamma must lie in \[0, 1\], got nan"),
        (lambda mdp: mdp.values(UNIFORM, -0.1), r"gamma must lie in \[0, 1\], got -0.1"),
        (lambda mdp: mdp.values(UNIFORM[None], 0.9), r"policy must have shape \(S, A\) .*, got \(1, 4, 2\)"),
        (lambda mdp: mdp.optimal(0.9, horizon=0), r"horizon must be .*at least 1, got 0"),
        (lambda mdp: mdp.evaluate(UNIFORM, 0), r"horizon must be .*at least 1, got 0"),
        (lambda mdp: mdp.evaluate(UNIFORM), "horizon must be given"),
        (lambda mdp: mdp.occupancy(UNIFORM), "horizon must be given"),
        (lambda mdp: mdp.rollouts(UNIFORM, 5, 0), "horizon must be given"),
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


def test_rounding_does_not_make_an_endless_walk_end():
    rng = np.random.default_rng(0)
    for _ in range(20):
        table = np.zeros((6, 1, 6))
        table[:5, 0, :5], table[5, 0, 5] = rng.dirichlet(np.ones(5), 5), 1.0  # the terminal state is out of reach
        mdp = TabularMDP.from_dense(table, np.ones((6, 1)), terminal=np.arange(6) == 5, start=np.eye(6)[0])
        with pytest.raises(ValueError, match="need never end"):
            mdp.values(np.ones((6, 1)), 1.0)


def test_nothing_is_earned_after_a_terminal():
    mdp = random_mdp(3)
    rewards, values = np.array(mdp.rewards), np.ones(4)
    rewards[2:] = np.sqrt(2)
    values[2:] = 1e6
    policy, other = random_policy(mdp, 3), replace(mdp, rewards=rewards)
    assert other.evaluate(policy, 3).as_dict() == mdp.evaluate(policy, 3).as_dict()
    np.testing.assert_array_equal(mdp.backup(values, 0.9), other.backup(np.where(mdp.terminal, 0, 1), 0.9))


def test_a_policy_that_never_ends_has_no_value_at_gamma_1():
    env = SafetyCriticalGridWorld(slip_prob=0.0)
    left = np.eye(4)[np.full(225, Action.LEFT)]
    with pytest.raises(ValueError, match=r"gamma=1\.0: this policy need never end"):
        env.mdp.values(left, 1.0)
    assert env.mdp.values(left, 0.99)[0][0] == pytest.approx(-100)  # −1 a step for ever: −1 / (1 − γ)


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


def test_the_undiscounted_optimum_does_not_wait_for_ever():
    mdp = TabularMDP.from_dense(
        [[[1, 0], [0, 1]], [[0, 1]] * 2], [[[0], [1]], [[0], [0]]], terminal=[0, 1], start=[1, 0]
    )
    assert mdp.evaluate(mdp.optimal(1.0), 50).return_mean == 1
    dry = SafetyCriticalGridWorld(step_reward=0, slip_prob=0).mdp
    assert dry.evaluate(dry.optimal(1.0)).return_mean == 50


def test_a_certain_return_has_no_spread():
    assert one_step_left().evaluate(np.ones((2, 1))).return_std < 1e-12


@pytest.mark.parametrize("horizon", [2.5, float("nan"), "9"])
def test_a_horizon_is_a_whole_number(horizon):
    with pytest.raises(ValueError, match="horizon must be"):
        one_step_left(horizon=horizon)


@pytest.mark.parametrize(
    ("name", "value"),
    [("successors", [[[0.7]], [[1]]]), ("terminal", [0, 0.5]), ("successors", [[[np.nan]], [[1]]])],
)
def test_nothing_is_rounded_without_a_word(name, value):
    with pytest.raises(ValueError, match=rf"{name}\["):
        one_step_left(**{name: value})
