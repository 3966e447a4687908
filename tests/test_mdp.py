"""The truth is true: published numbers, brute force on tiny worlds, and laws."""

import itertools
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP

FEW = settings(deadline=None, max_examples=40)


def random_mdp(seed, n_states=4, n_actions=2, integer=True, n_terminal=2):
    """A small process: state 0 starts, the last two are a hazard and a goal."""
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.ones(n_states), (n_states, n_actions))
    transition[rng.random(transition.shape) < 0.3] = 0.0
    transition += 1e-3 * (transition.sum(-1, keepdims=True) == 0)
    transition /= transition.sum(-1, keepdims=True)
    shape = (n_states, n_actions, n_states)
    rewards = rng.integers(-5, 4, shape) if integer else rng.normal(size=shape)
    terminal = np.arange(n_states) >= n_states - n_terminal
    return TabularMDP.from_dense(
        transition, rewards, terminal=terminal, start=np.eye(n_states)[0],
        hazard=np.arange(n_states) == n_states - 2, goal=np.arange(n_states) == n_states - 1,
    )  # fmt: skip


def dense_rewards(mdp):
    rewards = np.zeros((mdp.n_states, mdp.n_actions, mdp.n_states))
    s, a, _ = np.indices(mdp.successors.shape)
    rewards[s, a, mdp.successors] = mdp.rewards
    return rewards


def enumerate_episodes(mdp, policy, horizon):
    """Every trajectory of a tiny world with its probability, by recursion: (probability, return, last state, steps)."""
    rewards = dense_rewards(mdp)

    def walk(t, s, p, total):
        if mdp.terminal[s] or t == horizon:
            yield p, total, s, t
            return
        table = policy[t] if policy.ndim == 3 else policy
        for a, z in itertools.product(range(mdp.n_actions), range(mdp.n_states)):
            q = p * table[s, a] * mdp.transition[s, a, z]
            if q > 0:
                yield from walk(t + 1, z, q, total + rewards[s, a, z])

    return [np.array(column) for column in zip(*walk(0, 0, 1.0, 0.0), strict=True)]


def worst_twentieth(p, returns):
    """CVaR by spreading each atom over a fine uniform grid of the probability."""
    order = np.argsort(returns)
    upper = np.cumsum(p[order])
    lower = upper - p[order]
    share = np.minimum(upper, 0.05) - np.minimum(lower, 0.05)
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
    ],
)
def test_known_scores(world, policy, field, value, tolerance, request):
    env = request.getfixturevalue(world)
    policies = {
        "optimal": lambda: env.mdp.optimal(0.99),
        "timed": lambda: env.mdp.optimal(1.0, horizon=80),
        "behaviour": lambda: env.behaviour_policy(0.22),
        "uniform": env.uniform_policy,
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
    p, returns, last, steps = enumerate_episodes(mdp, policy, horizon)
    score = mdp.evaluate(policy, horizon)
    mean = p @ returns
    wanted = {
        "return_mean": mean,
        "return_std": np.sqrt(p @ (returns - mean) ** 2),
        "hazard_rate": p[last == mdp.n_states - 2].sum(),
        "goal_rate": p[last == mdp.n_states - 1].sum(),
        "timeout_rate": p[last < mdp.n_states - 2].sum(),
        "length_mean": p @ steps,
        "return_cvar": worst_twentieth(p, returns),
    }
    assert score.as_dict() == pytest.approx(wanted, abs=1e-6)


def test_cvar_splits_the_atom_at_five_percent():
    transition = [[[0.0, 0.03, 0.97]], [[0, 1, 0]], [[0, 0, 1]]]
    mdp = TabularMDP.from_dense(
        transition, [[[0, -100, 50]]] * 3, terminal=[False, True, True], start=[1, 0, 0], hazard=[False, True, False]
    )
    assert mdp.evaluate(np.ones((3, 1)), 1).return_cvar == pytest.approx((0.03 * -100 + 0.02 * 50) / 0.05)


def test_cvar_is_nan_where_returns_lie_on_no_lattice():
    mdp = random_mdp(1, integer=False)
    assert np.isnan(mdp.evaluate(random_policy(mdp, 1), 3).return_cvar)


def test_cvar_of_rewards_in_cents(original):
    mdp = original.mdp
    cents = replace(mdp, rewards=mdp.rewards / 100)
    policy = original.behaviour_policy(0.22)
    assert cents.evaluate(policy).return_cvar == pytest.approx(mdp.evaluate(policy).return_cvar / 100)


@FEW
@given(seed=st.integers(0, 10_000), gamma=st.floats(0.0, 0.99))
def test_values_satisfy_bellman_and_agree_with_long_sums(seed, gamma):
    mdp = random_mdp(seed, n_states=6, n_actions=3)
    policy = random_policy(mdp, seed)
    v, q = mdp.values(policy, gamma)
    live = ~mdp.terminal
    np.testing.assert_allclose(v[live], (policy * q).sum(1)[live], atol=1e-9)
    step = np.einsum("sa,saz->sz", policy, mdp.transition) * live[:, None] * live
    reward = (policy[:, :, None] * mdp.transition * dense_rewards(mdp)).sum((1, 2)) * live
    total, mass = np.zeros(6), np.eye(6)
    for t in range(400):
        total, mass = total + gamma**t * mass @ reward, mass @ step
    np.testing.assert_allclose(v, total, atol=gamma**400 * 1e4 + 1e-7)


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
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 4))
def test_occupancy_counts_trajectories_that_visit(seed, horizon):
    mdp = random_mdp(seed)
    policy = random_policy(mdp, seed)
    tables = np.einsum("sa,saz->sz", policy, mdp.transition) * ~mdp.terminal[:, None]
    visits = np.zeros(mdp.n_states)
    for path in itertools.product(range(mdp.n_states), repeat=horizon):
        p, s, seen, alive = 1.0, 0, {0}, True
        for z in path:
            if mdp.terminal[s]:
                alive = False
                break
            p, s, seen = p * tables[s, z], z, seen | {z}
        if alive or not any(path[_end(path, mdp) :]):
            visits[list(seen)] += p
    np.testing.assert_allclose(mdp.occupancy(policy, horizon), visits, atol=1e-9)


def _end(path, mdp):
    """Steps until a path has entered a terminal state; what follows is padding and counts once, as zeros."""
    return next(i for i, z in enumerate(path) if mdp.terminal[z]) + 1


@FEW
@given(seed=st.integers(0, 10_000))
def test_dense_and_sparse_are_the_same_world(seed):
    mdp = random_mdp(seed, n_states=5, n_actions=3)
    np.testing.assert_allclose(mdp.transition.sum(-1), 1, atol=1e-12)
    again = TabularMDP.from_dense(
        mdp.transition, dense_rewards(mdp), terminal=mdp.terminal, start=mdp.start, hazard=mdp.hazard, goal=mdp.goal
    )
    policy = random_policy(mdp, seed)
    assert again.evaluate(policy, 5).as_dict() == pytest.approx(mdp.evaluate(policy, 5).as_dict())


@pytest.mark.parametrize("seed", [0, 1])
def test_rollouts_agree_with_the_exact_score(seed, crossroads):
    policy = crossroads.behaviour_policy(0.22)
    exact, sampled = crossroads.mdp.evaluate(policy), crossroads.mdp.rollouts(policy, 4_000, seed).score()
    for name, (low, high) in sampled.intervals.items():
        width = high - low
        assert low - width / 2 <= getattr(exact, name) <= high + width / 2, name
    assert sampled.return_std == pytest.approx(exact.return_std, rel=0.05)
    assert sampled.return_cvar == pytest.approx(exact.return_cvar, rel=0.05)


def test_rollouts_are_whole_episodes_in_order(original):
    r = original.mdp.rollouts(original.uniform_policy(), 300, seed=0)
    last = np.r_[np.diff(r.episode) == 1, True]
    assert (r.episode[0], r.episode[-1]) == (0, 299)
    assert set(np.diff(r.episode)) == {0, 1}
    np.testing.assert_array_equal(r.terminals ^ r.timeouts, last)
    np.testing.assert_array_equal(r.next_states[:-1][~last[:-1]], r.states[1:][~last[:-1]])
    assert (np.bincount(r.episode)[r.episode[r.timeouts]] == 80).all()
    assert (original.mdp.transition[r.states, r.actions, r.next_states] > 0).all()


def test_same_seed_same_rollouts(original):
    policy = original.behaviour_policy(0.22)
    a, b, c = (original.mdp.rollouts(policy, 50, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a.states, b.states)
    assert a.states.shape != c.states.shape or (a.states != c.states).any()


def test_rollouts_follow_a_policy_that_depends_on_time():
    two = TabularMDP.from_dense(np.ones((1, 2, 1)), [[0.0, 1.0]], terminal=[False], start=[1.0], horizon=3)
    policy = np.array([[[1, 0]], [[0, 1]], [[1, 0]]], float)
    assert two.rollouts(policy, 5, 0).actions.tolist() == [0, 1, 0] * 5
    assert two.evaluate(policy).return_mean == 1.0


def test_a_world_of_700_states_and_25_actions_is_solved():
    rng = np.random.default_rng(0)
    n, a, k = 700, 25, 30
    probabilities = rng.dirichlet(np.ones(k), (n, a))
    terminal = np.arange(n) >= n - 2
    mdp = TabularMDP(
        rng.integers(0, n, (n, a, k)), probabilities, np.zeros((n, a, k)), terminal, ~terminal / (n - 2),
        goal=np.arange(n) == n - 1,
    )  # fmt: skip
    arriving = replace(mdp, rewards=(mdp.successors == n - 1).astype(float))
    best = arriving.optimal(0.95)
    v, q = arriving.values(best, 0.95)
    np.testing.assert_allclose(v, q.max(1), atol=1e-9)
    assert arriving.evaluate(best, 500).goal_rate > arriving.evaluate(np.full((n, a), 1 / a), 500).goal_rate


def test_frozen_lake_reads_as_a_table():
    table = gymnasium.make("FrozenLake-v1", map_name="4x4").unwrapped.P
    transition, rewards = np.zeros((16, 4, 16)), np.zeros((16, 4, 16))
    terminal = np.array([all(z == s for a in table[s] for _, z, _, _ in table[s][a]) for s in range(16)])
    for s, a in itertools.product(range(16), range(4)):
        for p, z, r, _ in table[s][a]:
            transition[s, a, z] += p
            rewards[s, a, z] = r
    mdp = TabularMDP.from_dense(transition, rewards, terminal=terminal, start=np.eye(16)[0])
    v = np.zeros(16)
    for _ in range(5_000):
        v = np.where(terminal, 0.0, (transition * (rewards + 0.999 * v)).sum(-1).max(1))
    assert mdp.values(mdp.optimal(0.999), 0.999)[0][0] == pytest.approx(v[0], abs=1e-6)


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
        ("start", (0,), 0.5, "start sums to 0.5"),
        ("hazard", (0,), True, r"hazard\[0\] is True, expected terminal"),
        ("goal", (2,), True, r"goal\[2\] is True, expected terminal states that are no hazard"),
        ("observations", (3, 0), np.nan, r"observations\[3, 0\] is nan"),
    ],
)
def test_a_bad_table_is_refused_with_its_row(name, index, value, message):
    parts = fields_of(random_mdp(0))
    parts["probabilities"] = np.array(random_mdp(0).probabilities)
    parts[name][index] = value
    with pytest.raises(ValueError, match=message):
        TabularMDP(**parts)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("terminal", np.zeros(3, bool), r"terminal must have shape \(4,\), got \(3,\)"),
        ("rewards", np.zeros((4, 2)), "rewards must have shape"),
        ("successors", np.zeros((4, 2), int), r"successors must have shape \(S, A, K\)"),
        ("start", [0, 0, 1, 0], r"start\[2\] is 1.0, expected 0 in a terminal"),
    ],
)
def test_shapes_must_agree(name, value, message):
    with pytest.raises(ValueError, match=message):
        TabularMDP(**(fields_of(random_mdp(0)) | {name: value}))


def test_bad_questions_are_refused(original):
    mdp = original.mdp
    with pytest.raises(ValueError, match=r"gamma must lie in \[0, 1\], got 1.1"):
        mdp.optimal(1.1)
    with pytest.raises(ValueError, match="need never end"):
        SafetyCriticalGridWorld(slip_prob=0.0).mdp.values(np.eye(4)[np.full(225, 3)], 1.0)
    with pytest.raises(ValueError, match=r"policy must have shape \(225, 4\)"):
        mdp.evaluate(np.ones((3, 4)) / 4)
    with pytest.raises(ValueError, match=r"policy row \(7,\) is"):
        mdp.evaluate(np.where(np.arange(225)[:, None] == 7, 0.5, np.full(4, 0.25)))
    with pytest.raises(ValueError, match="horizon must be given"):
        replace(mdp, horizon=None).evaluate(original.uniform_policy())
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        mdp.rollouts(original.uniform_policy(), 0, 0)


def test_the_table_cannot_be_changed(original):
    with pytest.raises(ValueError, match="read-only"):
        original.mdp.rewards[0] = 0
