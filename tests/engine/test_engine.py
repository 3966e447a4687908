"""The exact engine is exact: brute force on tiny worlds, laws on larger ones; every way of solving gives the same."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from example_worlds import FEW, dense, enumerate_episodes, random_mdp, random_policy, worst_twentieth
from hypothesis import assume, given
from hypothesis import strategies as st

import safegrid.engine.pairs
import safegrid.engine.returns
import safegrid.engine.values
from safegrid.env import Action, SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP


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
    often = [p @ [path.count(state) for path in paths] for state in range(mdp.n_states)]
    np.testing.assert_allclose(mdp.expected_visits(policy, horizon), often, atol=1e-12)


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
        patch.setattr(safegrid.engine.pairs, "_FEW", 0)
        untold = replace(mdp).evaluate(policy, horizon).as_dict()
    assert np.isnan(untold.pop("return_cvar"))
    assert untold == pytest.approx({name: told[name] for name in untold}, abs=1e-6)


def test_a_return_that_outgrows_its_budget_is_given_up_on_the_way(monkeypatch):
    mdp = random_mdp(1)
    policy = random_policy(mdp, 1)
    told = mdp.evaluate(policy, 30).as_dict()
    monkeypatch.setattr(safegrid.engine.returns, "_CELLS", 200)
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


def test_rounding_does_not_make_an_endless_walk_end():
    rng = np.random.default_rng(0)
    for _ in range(20):
        table = np.zeros((6, 1, 6))
        table[:5, 0, :5], table[5, 0, 5] = rng.dirichlet(np.ones(5), 5), 1.0  # the terminal state is out of reach
        mdp = TabularMDP.from_dense(table, np.ones((6, 1)), terminal=np.arange(6) == 5, start=np.eye(6)[0])
        with pytest.raises(ValueError, match="need never end"):
            mdp.values(np.ones((6, 1)), 1.0)


def test_a_policy_that_never_ends_has_no_value_at_gamma_1():
    env = SafetyCriticalGridWorld(slip_prob=0.0)
    left = np.eye(4)[np.full(225, Action.LEFT)]
    with pytest.raises(ValueError, match=r"gamma=1\.0: this policy need never end"):
        env.mdp.values(left, 1.0)
    assert env.mdp.values(left, 1 - 1e-8)[0][0] == pytest.approx(-1e8)
    assert env.mdp.values(left, 0.99)[0][0] == pytest.approx(-100)  # −1 a step for ever: −1 / (1 − γ)


def test_the_undiscounted_optimum_does_not_wait_for_ever():
    mdp = TabularMDP.from_dense(
        [[[1, 0], [0, 1]], [[0, 1]] * 2], [[[0], [1]], [[0], [0]]], terminal=[0, 1], start=[1, 0]
    )
    assert mdp.evaluate(mdp.optimal(1.0), 50).return_mean == 1
    dry = SafetyCriticalGridWorld(step_reward=0, slip_prob=0).mdp
    assert dry.evaluate(dry.optimal(1.0)).return_mean == 50


def plain_values(mdp, policy, gamma):
    """By dense elimination, straight from the definition."""
    transition, rewards = dense(mdp)
    live = ~mdp.terminal
    step = np.einsum("sa,saz->sz", policy, transition) * np.outer(live, live)
    gain = (policy * (transition * rewards).sum(-1)).sum(1) * live
    return np.linalg.solve(np.eye(mdp.n_states) - gamma * step, gain)


def shuffled_grid(seed):
    """The original world with its states numbered anew: as narrow as before, and no longer to be seen."""
    mdp = SafetyCriticalGridWorld().mdp
    new = np.random.default_rng(seed).permutation(mdp.n_states)
    old = np.argsort(new)
    columns = {name: getattr(mdp, name)[old] for name in ("terminal", "start", "hazard", "goal", "observations")}
    table = new[mdp.successors[old]], mdp.probabilities[old], mdp.rewards[old]
    return TabularMDP(*table, **columns, horizon=80), new


def test_the_numbers_of_states_mean_nothing():
    mdp, (other, new) = SafetyCriticalGridWorld().mdp, shuffled_grid(0)
    np.testing.assert_array_equal(other.optimal(0.99)[new], mdp.optimal(0.99))
    policy = random_policy(mdp, 1)
    moved = policy[np.argsort(new)]
    np.testing.assert_allclose(other.values(moved, 0.99)[0][new], mdp.values(policy, 0.99)[0], atol=1e-10)
    np.testing.assert_allclose(other.occupancy(moved)[new], mdp.occupancy(policy), atol=1e-13)
    assert other.evaluate(moved).as_dict() == pytest.approx(mdp.evaluate(policy).as_dict(), abs=1e-10)


def loop_of(n):
    """A ring of n states, gone round in steps of 1 and of 1 + 3 n // 7; wide, and slow to mix."""
    state = np.arange(n)
    successors = np.stack([(state + 1) % n, (state + 1 + 3 * n // 7) % n], 1)[:, None]
    chances = np.broadcast_to([0.999, 0.001], successors.shape)
    rewards = np.sin(state)[:, None, None] + np.zeros(successors.shape)
    return TabularMDP(successors, chances, rewards, np.zeros(n, bool), np.eye(n)[0])


@pytest.mark.parametrize("largest", [6_000, 0])
def test_a_wide_world_that_mixes_slowly_is_solved_all_the_same(largest, monkeypatch):
    monkeypatch.setattr(safegrid.engine.values, "_DENSE", largest)
    mdp, policy = loop_of(401), np.ones((401, 1))
    wanted = plain_values(mdp, policy, 0.999)
    np.testing.assert_allclose(mdp.values(policy, 0.999)[0], wanted, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("n_states", [7, 300])
def test_a_wide_world_that_mixes_quickly_is_solved_to_rounding(n_states):
    mdp = random_mdp(5, n_states, n_actions=3, width=6)
    policy = random_policy(mdp, 0)
    for gamma in (0.0, 0.5, 0.99, 0.9999):
        np.testing.assert_allclose(
            mdp.values(policy, gamma)[0], plain_values(mdp, policy, gamma), rtol=1e-10, atol=1e-10
        )


def test_a_world_carries_only_its_table_to_another_process(original):
    mdp, policy = replace(original.mdp), original.behaviour_policy(0.22)
    before = len(pickle.dumps(mdp))
    score = mdp.evaluate(policy)
    assert len(pickle.dumps(mdp)) == before
    again = pickle.loads(pickle.dumps(mdp))
    assert again.evaluate(policy) == score


def test_an_end_that_is_far_and_unlikely_is_an_end():
    n = 60  # a rope of cells, each of which lets go with one chance in a thousand
    state = np.arange(n)
    successors = np.stack([state, np.minimum(state + 1, n - 1)], 1)[:, None]
    mdp = TabularMDP(
        successors, np.broadcast_to([0.999, 0.001], (n, 1, 2)), np.full(n, -1.0), state == n - 1, np.eye(n)[0]
    )
    assert mdp.values(np.ones((n, 1)), 1.0)[0][0] == pytest.approx(-1_000 * (n - 1))


def test_a_grid_of_two_thousand_cells_is_scored_without_a_table_of_pairs_of_states():
    world = SafetyCriticalGridWorld(size=45, hazard_coords=[(x, 22) for x in range(40)], max_steps=200)
    mdp, policy = world.mdp, world.behaviour_policy(0.1)
    score, visits = mdp.evaluate(policy), mdp.occupancy(policy)
    assert score.hazard_rate == pytest.approx(visits[mdp.hazard].sum(), abs=1e-12)
    assert score.goal_rate == pytest.approx(visits[mdp.goal].sum(), abs=1e-12)
    assert score.hazard_rate + score.goal_rate + score.timeout_rate == pytest.approx(1, abs=1e-12)
    assert "transition" not in vars(mdp)


# ── Actions that do not exist ─────────────────────────────────────────────────────────────────────────────────────────


def walled(env):
    """A grid in which nobody may walk into the border; what stands in the rows of such moves is nonsense."""
    mdp = env.mdp
    mask = mdp.successors[:, 0] != np.arange(mdp.n_states)[:, None]
    nonsense = np.where(mask[..., None], mdp.probabilities, 0.0)
    return replace(mdp, probabilities=nonsense, action_mask=mask)


def test_actions_that_do_not_exist_are_never_optimal_and_worth_nothing(original):
    mdp = walled(original)
    live = ~mdp.terminal
    best, (v, q) = mdp.optimal(0.99), mdp.values(mdp.optimal(0.99), 0.99)
    assert not (best[live] * ~mdp.action_mask[live]).any()
    assert (q[live] == -np.inf).sum() == (~mdp.action_mask[live]).sum() > 0
    np.testing.assert_allclose(v, q.max(1), atol=1e-9)
    np.testing.assert_allclose(v, original.mdp.values(best, 0.99)[0], atol=1e-9)  # bumping is no use
    assert not (mdp.optimal(1.0, 5)[:, live] * ~mdp.action_mask[live]).any()


def test_a_policy_that_takes_an_action_that_does_not_exist_is_refused(original):
    mdp = walled(original)
    with pytest.raises(ValueError, match=r"policy row \(0,\) takes action 2, which action_mask says does not exist"):
        mdp.evaluate(original.uniform_policy())
    spread = mdp.action_mask / mdp.action_mask.sum(1, keepdims=True)
    assert mdp.rollouts(spread, 50, 0).score().return_mean < 0
    assert mdp.evaluate(spread).timeout_rate > 0


def test_a_state_without_an_action_is_refused(original):
    mask = np.ones((225, 4), bool)
    mask[7] = False
    with pytest.raises(ValueError, match=r"action_mask\[7\] is all False, expected an action that exists"):
        replace(original.mdp, action_mask=mask)


def test_rows_of_terminal_states_are_not_read(original):
    mdp = original.mdp
    bare = np.where(mdp.terminal[:, None, None], 0.0, mdp.probabilities)
    silent = np.where(mdp.terminal[:, None], np.nan, original.behaviour_policy(0.22))
    other = replace(mdp, probabilities=bare)
    policy = original.behaviour_policy(0.22)
    assert other.evaluate(silent) == mdp.evaluate(policy)
    np.testing.assert_array_equal(other.values(silent, 0.99)[0], mdp.values(policy, 0.99)[0])
    np.testing.assert_array_equal(other.optimal(0.99), mdp.optimal(0.99))


# ── What was found by trying to break it ──────────────────────────────────────────────────────────────────────────────


def test_a_huge_reward_out_of_reach_rounds_nothing():
    rewards = [[[-1.0, -3.0], [-1e10, -1e10]], [[-1, -1]] * 2, [[0, 0]] * 2]
    mdp = TabularMDP([[[1, 1]] * 2, [[2, 2]] * 2, [[2, 2]] * 2], np.full((3, 2, 2), 0.5), rewards, [0, 0, 1], [1, 0, 0])
    score = mdp.evaluate([[1, 0]] * 3, 5)
    assert (score.return_mean, score.return_std) == (-3.0, 1.0)
    assert score.return_cvar == -4.0


def test_equal_sums_in_another_order_are_one_return():
    rng = np.random.default_rng(0)
    successors = rng.integers(0, 30, (30, 2, 4))
    paid = rng.choice([0.1, 0.2, -0.3, 1e-3], successors.shape)
    mdp = TabularMDP(successors, rng.dirichlet(np.ones(4), (30, 2)), paid, np.arange(30) > 27, np.eye(30)[0])
    policy = random_policy(mdp, 0)
    exact = replace(mdp, rewards=np.rint(1000 * paid)).evaluate(policy, 25).as_dict()
    found = mdp.evaluate(policy, 25).as_dict()
    for name in ("return_mean", "return_std", "return_cvar"):
        assert found[name] == pytest.approx(exact[name] / 1000, rel=1e-9)


def test_many_whole_rewards_cost_no_more_than_their_sums():
    rng = np.random.default_rng(0)
    successors = rng.integers(0, 100, (100, 1, 2))
    rewards = rng.integers(-128, 128, successors.shape).astype(float)
    mdp = TabularMDP(successors, np.full(successors.shape, 0.5), rewards, np.arange(100) == 0, np.eye(100)[1])
    score = mdp.evaluate(np.ones((100, 1)), 12)
    p, returns, _ = enumerate_episodes(mdp, np.ones((100, 1)), 12)
    assert score.return_mean == pytest.approx(p @ returns)
    assert score.return_cvar == pytest.approx(worst_twentieth(p, returns))


@pytest.mark.parametrize("gamma", [0.999999, 1 - 1e-9])
def test_near_gamma_1_the_better_action_is_still_taken(gamma):
    for rewards in ([0.0, 1.0], [1.0, 1.005]):
        mdp = TabularMDP([[[0], [0]]], np.ones((1, 2, 1)), [[[r] for r in rewards]], [0], [1])
        assert mdp.optimal(gamma).tolist() == [[0, 1]]


def test_ties_that_rounding_could_swap_for_ever_come_to_rest():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        successors = rng.integers(0, 4, (4, 2, 1))
        mdp = TabularMDP(
            successors, np.ones((4, 2, 1)), rng.integers(0, 3, (4, 2, 1)) / 10, np.zeros(4, bool), np.eye(4)[0]
        )
        best = mdp.optimal(0.999999)
        v, q = mdp.values(best, 0.999999)
        assert (q.max(1) <= v + 1e-8 * np.abs(v).max()).all()


@pytest.mark.parametrize("seed", [52, 87])
@pytest.mark.parametrize("gamma", [0.9999, 1 - 1e-9])
def test_an_optimum_that_sweeps_only_creep_towards_is_found(seed, gamma):
    rng = np.random.default_rng(seed)
    (n, n_actions), width = (int(rng.integers(2, 7)), int(rng.integers(1, 4))), int(rng.integers(1, 3))
    chances, shape = rng.dirichlet(np.ones(width), (n, n_actions)), (n, n_actions, width)
    successors, rewards = rng.integers(0, n, shape), rng.integers(-2, 3, shape) / rng.choice([1, 10])
    mdp = TabularMDP(successors, chances, rewards, np.zeros(n, bool), np.eye(n)[0])
    v, q = mdp.values(mdp.optimal(gamma), gamma)
    assert (q.max(1) <= v + 1e-6 * np.abs(v).max()).all()


def test_an_end_that_rounding_swallows_is_no_end():
    mdp = TabularMDP([[[0, 1]], [[1, 1]]], [[[1, 1e-17]], [[1, 0]]], [-1.0, 0], [0, 1], [1, 0])
    with pytest.raises(ValueError, match="this policy need never end"):
        mdp.values(np.ones((2, 1)), 1)


def test_what_was_computed_once_cannot_be_changed(original):
    for mdp in (replace(original.mdp), pickle.loads(pickle.dumps(original.mdp))):
        for name in ("possible", "transition", "expected_rewards", "rewards", "start"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(mdp, name)[0] = 0
