"""Estimates from a log alone stand where the mathematics says, against values that are known exactly."""

import dataclasses

import numpy as np
import pytest

from safegrid.agents import create_discrete_bc, create_discrete_cql, fit
from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes, build_mdpdataset, generate_offline_episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP
from safegrid.ope import (
    bootstrap_interval,
    create_discrete_fqe,
    doubly_robust,
    effective_sample_size,
    estimate_errors,
    importance_ratios,
    importance_sampling,
    log_model,
    log_shares,
    regret,
    select_episodes,
    split_episodes,
)

GAMMA = 0.9
KINDS = [{"weighted": w, "per_decision": p} for w in (False, True) for p in (False, True)]


def chain(success: float = 0.7, horizon: int = 40) -> TabularMDP:
    """Three rooms in a row; action 0 tries to go on, action 1 gambles: half the time the goal, else a hazard."""
    successors = np.array([[[1, 0], [3, 4]], [[2, 1], [3, 4]], [[3, 2], [3, 4]], [[3, 3]] * 2, [[4, 4]] * 2])
    probabilities = np.zeros(successors.shape)
    probabilities[:, 0], probabilities[:, 1] = (success, 1 - success), (0.5, 0.5)
    rewards = np.where(successors == 3, 9.0, np.where(successors == 4, -21.0, -1.0))
    ends = np.arange(5) >= 3
    return TabularMDP(
        successors, probabilities, rewards, ends, np.eye(5)[0], hazard=np.arange(5) == 4, goal=np.arange(5) == 3,
        horizon=horizon,
    )  # fmt: skip


def mixed(share: float) -> np.ndarray:
    return np.tile([1 - share, share], (5, 1))


def value(mdp: TabularMDP, policy: np.ndarray, steps: int | None = None) -> float:
    if steps is None:
        return float(mdp.start @ mdp.values(policy, GAMMA)[0])
    v = np.zeros(mdp.n_states)
    for _ in range(steps):
        v = (policy * mdp.backup(v, GAMMA)).sum(1)
    return float(mdp.start @ v)


def discounted_returns(log: Episodes) -> np.ndarray:
    step = np.concatenate([np.arange(n) for n in log.lengths])
    return np.bincount(log.episode, log.rewards * GAMMA**step)


@pytest.fixture(scope="module")
def world() -> TabularMDP:
    return chain()


@pytest.fixture(scope="module")
def small_logs(world):
    return [sample_episodes(world, mixed(0.3), 10, seed) for seed in range(600)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_on_policy_importance_sampling_is_the_discounted_sample_mean(world, kind):
    log = sample_episodes(world, mixed(0.3), 200, 0)
    estimate = importance_sampling(log, mixed(0.3), mixed(0.3), GAMMA, **kind)
    assert estimate == pytest.approx(discounted_returns(log).mean())
    assert importance_ratios(log, mixed(0.3), mixed(0.3)) == pytest.approx(1.0)


@pytest.mark.parametrize("per_decision", [True, False])
def test_ordinary_importance_sampling_is_unbiased(world, small_logs, per_decision):
    kind = {"weighted": False, "per_decision": per_decision}
    values = [importance_sampling(log, mixed(0.15), mixed(0.3), GAMMA, **kind) for log in small_logs]
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(value(world, mixed(0.15)), abs=3 * error)
    assert error < 0.3


def test_a_cut_log_is_worth_its_own_horizon():
    """Where the clock cuts episodes, importance sampling estimates the cut value, and a bootstrapped one the whole."""
    world = chain(horizon=3)
    cut, whole = value(world, mixed(0.1), 3), value(world, mixed(0.1))
    assert abs(cut - whole) > 0.5
    log = sample_episodes(world, mixed(0.3), 40_000, 0)
    assert importance_sampling(log, mixed(0.1), mixed(0.3), GAMMA) == pytest.approx(cut, abs=0.15)
    q = world.values(mixed(0.1), GAMMA)[1]
    assert doubly_robust(log, mixed(0.1), q, mixed(0.3), GAMMA) == pytest.approx(whole, abs=0.15)
    assert log_model(log, 5, unseen=0.0).value(mixed(0.1), GAMMA) == pytest.approx(whole, abs=0.15)


def test_weighted_importance_sampling_stays_within_the_returns_and_varies_less(world, small_logs):
    whole, ordinary = [], []
    for log in small_logs[:300]:
        returns = discounted_returns(log)
        estimate = importance_sampling(log, mixed(0.7), mixed(0.3), GAMMA, per_decision=False)
        assert returns.min() - 1e-9 <= estimate <= returns.max() + 1e-9
        whole.append(estimate)
        kind = {"weighted": False, "per_decision": False}
        ordinary.append(importance_sampling(log, mixed(0.7), mixed(0.3), GAMMA, **kind))
    assert np.std(whole) < np.std(ordinary)


def test_per_decision_by_hand():
    """Two episodes of two steps in two states; ratios 2, 2·½ and ½, ½·2."""
    log = Episodes.from_arrays(
        observations=[0, 1, 0, 1], actions=[0, 1, 1, 0], rewards=[1, 2, 3, 4], terminals=[0, 1, 0, 1], n_actions=2,
        next_observations=[1, 2, 1, 2], states=[0, 1, 0, 1], next_states=[1, 2, 1, 2],
    )  # fmt: skip
    pi, beta = np.array([[0.8, 0.2], [0.8, 0.2], [0.5, 0.5]]), np.array([[0.4, 0.6], [0.4, 0.6], [0.5, 0.5]])
    ratios = np.array([[2, 2 / 3], [1 / 3, 2 / 3]])
    np.testing.assert_allclose(importance_ratios(log, pi, beta), ratios)
    by_step = ratios * [[1, 2 * GAMMA], [3, 4 * GAMMA]]
    ordinary = importance_sampling(log, pi, beta, GAMMA, weighted=False)
    assert ordinary == pytest.approx(by_step.sum() / 2)
    assert importance_sampling(log, pi, beta, GAMMA) == pytest.approx((by_step / ratios.sum(0)).sum())
    whole = ratios[:, 1] * [1 + 2 * GAMMA, 3 + 4 * GAMMA]
    kind = {"per_decision": False}
    assert importance_sampling(log, pi, beta, GAMMA, **kind) == pytest.approx(whole.sum() / ratios[:, 1].sum())
    np.testing.assert_allclose(log_shares(log, 3), [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])


def test_where_no_episode_follows_the_policy_there_is_no_weighted_estimate(world):
    log = sample_episodes(world, np.tile([1.0, 0.0], (5, 1)), 20, 0)
    other = np.tile([0.0, 1.0], (5, 1))
    for per_decision in (True, False):
        assert np.isnan(importance_sampling(log, other, gamma=GAMMA, per_decision=per_decision))
    assert importance_sampling(log, other, gamma=GAMMA, weighted=False) == 0.0
    assert effective_sample_size(importance_ratios(log, other)[:, -1]) == 0.0
    assert doubly_robust(log, other, np.full((5, 2), 7.0), gamma=GAMMA) == pytest.approx(7.0)  # left to the model


def endless(n_steps: int, action: int = 0) -> Episodes:
    """Three episodes in one state that pay 1 a step, with the same action throughout."""
    n, last = 3 * n_steps, np.tile(np.arange(n_steps) == n_steps - 1, 3)
    zeros = np.zeros(n, int)
    return Episodes.from_arrays(
        zeros, np.full(n, action), np.ones(n), terminals=zeros, timeouts=last, n_actions=2, next_observations=zeros,
        states=zeros, next_states=zeros,
    )  # fmt: skip


@pytest.mark.parametrize(("policy", "driver"), [(1.0, 0.25), (1e-3, 0.999)])
def test_ratios_beyond_every_number_overflow_no_weighted_estimate(policy, driver):
    """Each step multiplies them by 4, or by a thousandth: after 600 they are 10^361, or 10^−1800."""
    log, pi, beta = endless(600), np.array([[policy, 1 - policy]]), np.array([[driver, 1 - driver]])
    paid = (1 - 0.99**600) / 0.01
    assert paid == pytest.approx(99.76, abs=0.01)
    for per_decision in (True, False):
        assert importance_sampling(log, pi, beta, per_decision=per_decision) == pytest.approx(paid)
    assert doubly_robust(log, pi, np.zeros((1, 2)), beta) == pytest.approx(paid)
    logarithms = importance_ratios(log, pi, beta, logarithms=True)
    assert logarithms[:, -1] == pytest.approx(600 * np.log(policy / driver))
    assert effective_sample_size(logarithms[:, -1], logarithms=True) == pytest.approx(3.0)


def test_ratios_beyond_every_number_are_refused_and_not_infinite():
    log, pi, beta = endless(600), np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
    for estimate in (
        lambda: importance_ratios(log, pi, beta),
        lambda: importance_sampling(log, pi, beta, weighted=False),
        lambda: importance_sampling(log, pi, beta, weighted=False, per_decision=False),
        lambda: doubly_robust(log, pi, np.zeros((1, 2)), beta, weighted=False),
    ):
        with pytest.raises(ValueError, match=r"importance ratios in row 0 is 83\d.*, expected at most"):
            estimate()
    for bad in ([1.0, np.inf], [1.0, np.nan], [1.0, -1.0]):
        with pytest.raises(ValueError, match=r"weights in row 1 is .*, expected 0 or more"):
            effective_sample_size(bad)
    assert effective_sample_size([1e200, 1e200]) == pytest.approx(2.0)


def test_doubly_robust_keeps_the_model_s_error_at_a_time_out():
    log, q = endless(20), np.full((1, 2), 7.0)
    pi, worth = np.array([[1.0, 0.0]]), 1 / (1 - GAMMA)
    for weighted in (True, False):
        estimate = doubly_robust(log, pi, q, pi, GAMMA, weighted=weighted)
        assert estimate == pytest.approx(worth + GAMMA**20 * (7.0 - worth))


def test_effective_sample_size_takes_one_weight_an_episode(small_logs):
    ratios = importance_ratios(small_logs[0], mixed(0.1), mixed(0.3), logarithms=True)
    with pytest.raises(ValueError, match=r"weights has shape \(10, \d+\), expected \(E,\), one an episode"):
        effective_sample_size(ratios, logarithms=True)


@pytest.mark.parametrize("weighted", [True, False])
def test_doubly_robust_reads_no_value_of_what_the_policy_never_does(world, small_logs, weighted):
    q = world.values(mixed(0.0), GAMMA)[1]
    masked = np.where(mixed(0.0) > 0, q, -np.inf)
    for log in small_logs[:5]:
        found, wanted = (doubly_robust(log, mixed(0.0), v, mixed(0.3), GAMMA, weighted=weighted) for v in (masked, q))
        assert found == wanted
    for bad in (np.where(mixed(0.0) > 0, -np.inf, q), np.where(mixed(0.0) > 0, q, np.nan)):
        with pytest.raises(ValueError, match=r"q_values in row 0 is \[.*\], expected finite numbers, or −∞ where"):
            doubly_robust(small_logs[0], mixed(0.0), bad, mixed(0.3), GAMMA)


def test_effective_sample_size_counts_equal_weights():
    assert effective_sample_size([2.0, 2.0, 0.0, 2.0]) == pytest.approx(3.0)
    assert effective_sample_size([1.0, 1e-9]) == pytest.approx(1.0)


@pytest.mark.parametrize("weighted", [True, False])
def test_doubly_robust_with_the_exact_model_has_no_variance_in_a_deterministic_world(weighted):
    """No luck in the world and none in the candidate: each episode alone gives the exact value."""
    world, candidate = chain(success=1.0), np.tile([1.0, 0.0], (5, 1))
    q = world.values(candidate, GAMMA)[1]
    exact = value(world, candidate)
    for seed in range(20):
        log = sample_episodes(world, mixed(0.0) * 0.999 + mixed(1.0) * 0.001, 5, seed)
        log = log if not log.harmful.any() else select_episodes(log, ~log.harmful)
        assert doubly_robust(log, candidate, q, mixed(0.001), GAMMA, weighted=weighted) == pytest.approx(
            exact, abs=1e-4
        )


def test_doubly_robust_is_unbiased_whatever_the_model_and_sharper_with_a_good_one(world, small_logs):
    exact = value(world, mixed(0.15))
    good = world.values(mixed(0.15), GAMMA)[1]
    spreads = []
    for q in (good, np.random.default_rng(0).normal(0, 5, (5, 2)), np.zeros((5, 2))):
        q = np.where(world.terminal[:, None], 0.0, q)
        values = [doubly_robust(log, mixed(0.15), q, mixed(0.3), GAMMA, weighted=False) for log in small_logs]
        spreads.append(np.std(values))
        assert np.mean(values) == pytest.approx(exact, abs=3 * spreads[-1] / np.sqrt(len(values)))
    assert spreads[0] < min(spreads[1:])
    nothing = [doubly_robust(log, mixed(0.15), np.zeros((5, 2)), mixed(0.3), GAMMA, weighted=False)
               for log in small_logs[:5]]  # fmt: skip
    plain = [importance_sampling(log, mixed(0.15), mixed(0.3), GAMMA, weighted=False) for log in small_logs[:5]]
    assert nothing == pytest.approx(plain)


def test_a_log_of_every_transition_in_its_true_share_gives_the_exact_value(world):
    """One episode a transition, as often as it is likely: the model is the world."""
    rows = []
    for s in range(3):
        for a in range(2):
            for k in range(2):
                for _ in range(round(10 * world.probabilities[s, a, k])):
                    rows.append((s, a, world.rewards[s, a, k], world.successors[s, a, k]))
    states, actions, rewards, following = (np.array(c) for c in zip(*rows, strict=True))
    log = Episodes.from_arrays(
        states, actions, rewards, terminals=following >= 3, timeouts=following < 3, n_actions=2,
        next_observations=following, costs=following == 4, states=states, next_states=following,
    )  # fmt: skip
    model = log_model(log, 5, unseen=-1e6)
    for share in (0.0, 0.4, 1.0):
        v, q = model.values(mixed(share), GAMMA)
        exact_v, exact_q = world.values(mixed(share), GAMMA)
        np.testing.assert_allclose(v[:3], exact_v[:3], atol=1e-9)
        np.testing.assert_allclose(q[:3], exact_q[:3], atol=1e-9)
    assert model.mdp.hazard.nonzero()[0].tolist() == [4]
    assert model.mdp.goal.nonzero()[0].tolist() == [3]


@pytest.mark.parametrize("seed", range(8))
def test_the_model_is_a_count_row_by_row(seed):
    rng = np.random.default_rng(seed)
    n, n_states, n_actions = int(rng.integers(1, 400)), 7, 3
    ends = np.r_[rng.random(n - 1) < 0.1, True]
    states = rng.integers(5, size=n)
    following = np.where(ends, rng.integers(5, 7, n), np.roll(states, -1))
    log = Episodes.from_arrays(
        states, rng.integers(n_actions, size=n), rng.normal(size=n), ends, n_actions=n_actions,
        next_observations=following, costs=ends & (following == 5), states=states, next_states=following,
    )  # fmt: skip
    model = log_model(log, n_states, unseen=-3.0)
    seen = {}
    for s, a, r, after in zip(log.states, log.actions, log.rewards, log.next_states, strict=True):
        seen.setdefault((s, a), {}).setdefault(after, []).append(float(r))
    assert model.mdp.successors.shape[2] == max(len(found) for found in seen.values())
    for s in range(n_states):
        for a in range(n_actions):
            found = seen.get((s, a), {n_states: [-3.0]})
            total, k = sum(map(len, found.values())), len(found)
            assert model.counts[s, a] == (total if (s, a) in seen else 0)
            assert model.mdp.successors[s, a, :k].tolist() == sorted(found)
            assert model.mdp.probabilities[s, a, k:].tolist() == [0.0] * (model.mdp.successors.shape[2] - k)
            for i, after in enumerate(sorted(found)):
                assert model.mdp.probabilities[s, a, i] == pytest.approx(len(found[after]) / total, abs=1e-15)
                assert model.mdp.rewards[s, a, i] == pytest.approx(np.mean(found[after]), abs=1e-12)


def test_the_log_of_an_expert_knows_nothing_of_other_ways(world):
    log = sample_episodes(world, mixed(0.0), 50, 0)
    model, gamble = log_model(log, 5, unseen=-30.0), mixed(1.0)
    assert model.value(gamble, GAMMA) == pytest.approx(-30.0)
    assert model.unknown_rate(gamble, 40) == 1.0
    assert model.unknown_rate(mixed(0.0), 40) == pytest.approx(0.0)
    assert model.values(gamble, GAMMA)[1][0, 1] == pytest.approx(-30.0)
    half = log_model(log, 5, unseen=0.0).evaluate(mixed(0.5), 40)
    assert half.hazard_rate == 0.0
    assert 0 < half.goal_rate < 1


def test_thin_evidence_is_the_share_of_time_on_steps_hardly_seen(world):
    """From room 0 on: the expected time in each room is 1/(1 − γ·0.3) of what arrives, and room 1 was seen once."""
    rows = [(0, 0, 1)] * 7 + [(0, 0, 0)] * 3 + [(1, 0, 2)] + [(2, 0, 3)] * 9
    states, actions, following = np.array(rows).T
    log = Episodes.from_arrays(
        states, actions, np.zeros(20), terminals=following == 3, timeouts=following < 3, n_actions=2,
        next_observations=following, states=states, next_states=following,
    )  # fmt: skip
    model = log_model(log, 5, unseen=0.0)
    assert model.mdp.start[:3].tolist() == pytest.approx([0.5, 0.05, 0.45])
    first = 0.5 / (1 - GAMMA * 0.3)
    second = 0.05 + GAMMA * 0.7 * first
    third = 0.45 + GAMMA * second
    assert model.thin_rate(mixed(0.0), 3, GAMMA) == pytest.approx(second / (first + second + third))
    assert model.thin_rate(mixed(0.0), 10, GAMMA) == pytest.approx(1.0)
    assert model.thin_rate(mixed(1.0), 0, GAMMA) == pytest.approx(1.0)
    assert model.thin_rate(mixed(0.0), 0, GAMMA) == 0.0


def test_a_model_of_the_same_log_is_not_corrected_where_the_log_is_silent():
    """The driver hardly ever gambles; most logs of eight episodes never do, and nothing contradicts a price."""
    world, driver = chain(), mixed(0.05)
    exact, same, other = value(world, driver), [], []
    for seed in range(400):
        log, fresh = (sample_episodes(world, driver, 8, s) for s in (seed, 10_000 + seed))
        q = log_model(log, 5, unseen=-300.0).values(driver, GAMMA)[1]
        same.append(doubly_robust(log, driver, q, driver, GAMMA, weighted=False))
        other.append(doubly_robust(fresh, driver, q, driver, GAMMA, weighted=False))
    assert np.mean(other) == pytest.approx(exact, abs=3 * np.std(other) / 20)
    assert np.mean(same) < exact - 10


def test_a_long_log_converges_to_the_truth(crossroads):
    mdp = crossroads.mdp
    log = sample_episodes(mdp, crossroads.uniform_policy() * 0.5 + 0.5 * mdp.optimal(0.99), 20_000, 0)
    exact = mdp.start @ mdp.values(mdp.optimal(0.99), 0.99)[0]
    assert log_model(log, mdp.n_states, unseen=-100.0).value(mdp.optimal(0.99)) == pytest.approx(exact, abs=0.2)


def test_d3rlpys_fitted_q_evaluation_meets_the_model_where_the_log_covers_the_policy():
    """Without slip every TD error can vanish, and then Huber's loss forgets nothing."""
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(2, 1)], slip_prob=0.0)
    log = sample_episodes(env.mdp, (env.uniform_policy() + env.behaviour_policy(0.0)) / 2, 300, 0)
    dataset = build_mdpdataset(log)
    agent = create_discrete_bc(size=4)
    fit(agent, dataset, 200, progress=False)
    policy = policy_table(agent, env.mdp)
    model = log_model(log, env.mdp.n_states, unseen=-100.0)
    assert model.unknown_rate(policy, 80) == pytest.approx(0.0, abs=1e-9)
    fqe = create_discrete_fqe(agent, size=4, reward_scale=0.1)
    fit(fqe, dataset, 900, averaging=0.99, progress=False)
    claimed = float(env.mdp.start @ (policy * q_table(fqe, env.mdp)).sum(1))
    assert model.value(policy) > 40
    assert claimed == pytest.approx(model.value(policy), abs=2.0)


def test_fitted_q_evaluation_needs_a_trained_agent_and_known_settings():
    with pytest.raises(ValueError, match="never trained"):
        create_discrete_fqe(create_discrete_cql())
    with pytest.raises(TypeError):
        create_discrete_fqe(create_discrete_cql(), scorers={})


def test_selected_episodes_are_the_same_episodes(world):
    log = sample_episodes(world, mixed(0.3), 30, 0)
    some = select_episodes(log, [7, 7, 2])
    assert some.n_episodes == 3
    assert some.returns.tolist() == log.returns[[7, 7, 2]].tolist()
    assert select_episodes(log, log.harmful).harmful.all()
    for bad in ([], [30], [-1], [0.5], np.ones(29, bool)):
        with pytest.raises(ValueError, match=r"which is .*, expected at least one index in 0…29"):
            select_episodes(log, bad)


def test_halves_share_no_episode_and_lose_none(world):
    log = sample_episodes(world, mixed(0.3), 31, 0)
    one, two = split_episodes(log, seed=1)
    assert sorted([*one.returns, *two.returns]) == sorted(log.returns)
    assert len(one) + len(two) == len(log)
    assert abs(one.n_episodes - two.n_episodes) <= 1
    with pytest.raises(ValueError, match="fraction is 1"):
        split_episodes(log, 0, 1)


def test_the_bootstrap_interval_covers_about_nineteen_times_in_twenty(world):
    exact, hits = value(world, mixed(0.15)), 0
    for seed in range(60):
        log = sample_episodes(world, mixed(0.3), 100, seed)
        interval = bootstrap_interval(lambda d: importance_sampling(d, mixed(0.15), mixed(0.3), GAMMA), log, seed=seed)
        assert interval.low <= interval.estimate <= interval.high
        hits += interval.low <= exact <= interval.high
    assert 49 <= hits <= 60


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda log: importance_ratios(log, np.ones((5, 3)) / 3), "expected \\(states, 2\\)"),
        (lambda log: importance_ratios(log, np.ones((5, 2))), r"policy row \(0,\) is .*, expected probabilities"),
        (lambda log: importance_ratios(log, mixed(0.1)[:3]), "next_states in row .* expected a state in 0…2"),
        (lambda log: importance_ratios(log, mixed(0.1), np.vstack([mixed(0.1)] * 2)), "behaviour has shape"),
        (lambda log: importance_ratios(log, mixed(0.1), mixed(0.0)), "behaviour gives action 1 in state . prob"),
        (lambda log: importance_sampling(log, mixed(0.1), gamma=1.5), "gamma is 1.5"),
        (lambda log: doubly_robust(log, mixed(0.1), np.zeros((5, 3))), "q_values has shape"),
        (lambda log: doubly_robust(log, mixed(0.1), np.full((5, 2), np.nan)), "expected finite numbers"),
        (lambda log: log_model(log, 5, unseen=float("-inf")), "unseen is -inf, expected a finite number"),
        (lambda log: log_model(log, 3, unseen=0.0), "next_states in row"),
        (lambda log: log_model(log, 0, unseen=0.0), "n_states is 0"),
        (lambda log: log_model(log, 5, unseen=0.0).value(mixed(0.1)[:4]), "policy has shape .4, 2., expected"),
        (lambda log: bootstrap_interval(lambda d: 0.0, log, n_resamples=0), "n_resamples is 0"),
    ],
)  # fmt: skip
def test_errors_name_what_is_wrong(world, call, message):
    log = sample_episodes(world, mixed(0.3), 30, 0)
    with pytest.raises(ValueError, match=message):
        call(log)


def test_a_state_that_both_ends_and_goes_on_is_no_model():
    log = Episodes.from_arrays(
        observations=[0, 1], actions=[0, 0], rewards=[0, 0], terminals=[1, 1], n_actions=1, next_observations=[1, 2],
        states=[0, 1], next_states=[1, 2],
    )  # fmt: skip
    with pytest.raises(ValueError, match="states in row 1 is 1, which is terminal elsewhere"):
        log_model(log, 3, unseen=0.0)


def test_errors_and_regret_by_hand():
    truth = np.array([[0.0, 5.0], [1.0, 4.0], [3.0, 0.0]])
    error = estimate_errors(truth * [2, -1], truth)
    np.testing.assert_allclose(error["rank"], [1, -1])
    np.testing.assert_allclose(error["bias"], [4 / 3, -6])
    np.testing.assert_allclose(error["rmse"], [np.sqrt(10 / 3), np.sqrt(164 / 3)])
    assert regret(truth, truth).tolist() == [0, 0]
    assert regret(-truth, truth).tolist() == [3, 5]
    assert regret(np.where(truth == 3, np.nan, truth), truth).tolist() == [2, 0]
    with pytest.raises(ValueError, match=r"scores\[:, 1\] are all NaN"):
        regret(truth * [1, np.nan], truth)
    with pytest.raises(ValueError, match="expected the same"):
        estimate_errors(truth, truth[:2])
    assert np.isnan(estimate_errors(truth * np.nan, truth)["bias"]).all()


def test_next_states_are_read_only_where_an_estimate_needs_them(original):
    log = generate_offline_episodes(SafetyCriticalGridWorld(max_steps=30), 40)
    policy, q = original.expert_policy(0.22), np.ones((225, 4))
    nowhere = dataclasses.replace(log, next_states=np.full(len(log), -1))
    cut = dataclasses.replace(log, next_states=np.where(log.timeouts, log.next_states, -1))
    assert importance_sampling(nowhere, policy) == importance_sampling(log, policy)
    assert doubly_robust(cut, policy, q) == doubly_robust(log, policy, q)
    row = int(np.flatnonzero(log.timeouts)[0])
    with pytest.raises(ValueError, match=f"next_states in row {row} is -1, expected a state in 0…224"):
        doubly_robust(nowhere, policy, q)
    with pytest.raises(ValueError, match="next_states in row 0 is -1, expected a state in 0…224"):
        log_model(nowhere, 225, unseen=0.0)
