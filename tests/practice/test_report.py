"""A report says what a log is, by counts that can be made by hand, and no more than its numbers carry."""

import re
from dataclasses import replace

import numpy as np
import pytest
from example_logs import any_log, short_log
from example_worlds import FEW
from hypothesis import given

import safegrid as sg
from safegrid.dataset import Episodes, coverage, generate_offline_episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.logs import impossible_rows
from safegrid.practice.evidence import weigh
from safegrid.practice.faults.coded import Coded
from safegrid.practice.report import examine, harmful_episodes
from safegrid.practice.sections import WIDTH, as_text
from safegrid.practice.verdict import judge


@pytest.fixture(scope="module")
def facts(crossroads):
    return examine(generate_offline_episodes(crossroads, seed=100), crossroads.mdp)


def fork():
    """Three places; in the first, action 0 six times and action 1 once; in the second, action 1 twice."""
    places = np.array([0, 1, 0, 1, 0, 0, 0, 0, 0], float)
    actions = np.array([0, 1, 0, 1, 0, 0, 0, 0, 1])
    ends = np.array([0, 1, 0, 1, 1, 1, 1, 1, 1], bool)
    rewards = np.array([0, 5, 0, -5, -5, 5, 5, 5, 5.0])
    following = np.where(ends, 2.0, np.roll(places, -1))
    return Episodes.from_arrays(places, actions, rewards, ends, n_actions=3, next_observations=following)


def test_by_hand_tries_are_counted_by_class():
    evidence = weigh(Coded(fork()))
    assert coverage(fork()).counts.tolist() == [[6, 1, 0], [0, 2, 0]]
    assert not evidence.recurs  # four and a half rows a place
    assert evidence.places == 2
    assert evidence.pairs.tolist() == [3, 1, 1, 1, 0]
    assert evidence.visits == pytest.approx([0, 1 / 9, 2 / 9, 6 / 9, 0])
    assert evidence.lone == pytest.approx(2 / 9)
    assert evidence.habit == pytest.approx(8 / 9)
    assert evidence.choice == 0
    assert evidence.tried.tolist() == [1, 1, 2]
    assert evidence.thin_episodes == pytest.approx(3 / 7)
    assert evidence.actions.tolist() == [6, 3, 0]


def test_by_hand_a_coverage_tells_its_thin_pairs():
    counted = coverage(fork())
    assert counted.thin().tolist() == [[False, True, False], [False, True, False]]
    assert counted.thin(2).tolist() == [[False, True, False], [False, False, False]]
    assert counted.thin(7).sum() == 3
    with pytest.raises(ValueError, match="least is 0, expected a whole number of at least 1"):
        counted.thin(0)


def test_harm_is_a_cost_or_where_there_is_none_the_lowest_terminal_reward():
    log = fork()
    told, harmful = harmful_episodes(log)
    assert told == "lowest terminal reward"
    assert harmful.tolist() == [False, True, True, False, False, False, False]
    costly = replace(log, costs=np.arange(9) == 8)
    assert harmful_episodes(costly)[0] == "costs"
    assert harmful_episodes(costly)[1].tolist() == [False] * 6 + [True]
    even = replace(log, rewards=np.ones(9))
    assert harmful_episodes(even)[0] == ""
    assert not harmful_episodes(even)[1].any()


def test_the_interval_of_harm_is_clopper_and_pearsons_and_that_of_returns_students(facts):
    from scipy.stats import beta, t

    log, k, n = facts.log, int(facts.harmful.sum()), facts.log.n_episodes
    assert facts.harm.estimate == k / n
    assert (facts.harm.low, facts.harm.high) == pytest.approx(
        (beta.ppf(0.025, k, n - k + 1), beta.ppf(0.975, k + 1, n - k)), abs=1e-9
    )
    low, high = t.interval(0.95, n - 1, log.returns.mean(), log.returns.std(ddof=1) / np.sqrt(n))
    assert (facts.return_mean.low, facts.return_mean.high) == pytest.approx((low, high))


def test_the_quantiles_are_the_episodes(facts):
    assert facts.lengths.tolist() == np.quantile(facts.log.lengths, [0, 0.25, 0.5, 0.75, 1]).tolist()
    assert facts.returns[[0, -1]].tolist() == [facts.log.returns.min(), facts.log.returns.max()]


def test_the_truth_stands_beside_the_log(facts, crossroads):
    mdp, log = crossroads.mdp, facts.log
    counts = coverage(log, mdp).counts
    shares = np.where(counts.any(1, keepdims=True), counts, 1.0)
    exact = mdp.evaluate(shares / shares.sum(1, keepdims=True))
    assert facts.truth.driver == exact
    assert facts.truth.best == mdp.evaluate(mdp.optimal(0.99))
    assert abs(facts.return_mean.estimate - exact.return_mean) < 8
    best = mdp.optimal(0.99)
    met, untried = 0.0, 0.0
    for state, visits in enumerate(mdp.expected_visits(best)):
        if not mdp.terminal[state]:
            met += visits
            untried += visits * best[state] @ (counts[state] == 0)
    assert facts.truth.untried == pytest.approx(untried / met)
    assert "What is true" in as_text(facts)
    assert f"{exact.return_mean:.1f}" in as_text(facts)


def test_rows_that_cannot_happen_in_the_world_are_found(crossroads):
    log = generate_offline_episodes(crossroads, 60, seed=1)
    assert not impossible_rows(log, crossroads.mdp).any()
    rewards, states = log.rewards.copy(), log.states.copy()
    rewards[[7, 40]] = 3.0
    found = examine(replace(log, rewards=rewards, states=states), crossroads.mdp).findings
    assert found[0].kind == "impossible_rows"
    assert found[0].rows.tolist() == [7, 40]
    other = generate_offline_episodes(SafetyCriticalGridWorld(map_name="rooms"), 60, seed=1)
    assert len(examine(other, crossroads.mdp).findings[0].rows) > 10


def test_a_log_that_does_not_fit_the_world_is_refused_by_name(crossroads):
    with pytest.raises(ValueError, match="log has n_actions 3, expected 4 as the mdp"):
        sg.report(fork(), crossroads.mdp)
    with pytest.raises(ValueError, match="log has observations of length 1, expected 2 as the mdp"):
        sg.report(replace(fork(), n_actions=4), crossroads.mdp)
    with pytest.raises(ValueError, match="mdp is a SafetyCriticalGridWorld, expected a TabularMDP"):
        sg.report(fork(), crossroads)
    with pytest.raises(ValueError, match="log is a list, expected Episodes"):
        sg.report([short_log()])


def verdict_of(log):
    verdict = judge(examine(log))
    return "\n".join(verdict.learnable), "\n".join(verdict.unlearnable)


def test_a_log_without_harm_says_what_it_cannot_say_with_the_rule_of_three():
    env = SafetyCriticalGridWorld(size=5, max_steps=40)
    _, cannot = verdict_of(generate_offline_episodes(env, 300, seed=0))
    assert "no episode ends in any" in cannot
    assert f"fewer than {np.ceil((1 - 0.05 ** (1 / 300)) * 1e4) / 100:.2f}% of episodes" in cannot


def test_where_one_action_alone_was_tried_little_can_be_learnt(original):
    log = sample_episodes(original.mdp, original.expert_policy(), 200, 0)
    can, cannot = verdict_of(log)
    assert re.search(r"Another choice in 100% of the rows", cannot)
    assert "nearly deterministic" in cannot
    assert "never taken in" in cannot
    assert "Which of two actions" not in can


def test_a_careless_log_says_where_two_actions_can_be_compared(facts):
    evidence = facts.evidence
    often = (evidence.coverage.counts >= 20).sum(1) > 1
    share = evidence.coverage.counts[often].sum() / len(facts.log)
    assert evidence.choice == pytest.approx(share)
    assert f"take up {100 * share:.1f}% of the rows" in "\n".join(judge(facts).learnable)


def hidden(n=4_000):
    """A driver who acts by a light that the log leaves out, which changes seldom; and one who sees none."""
    rng = np.random.default_rng(0)
    light = np.cumsum(rng.random(n) < 0.05) % 2
    places, ends = np.tile(np.arange(4.0), n // 4), np.tile([False, False, False, True], n // 4)
    following = np.where(ends, 9.0, places + 1)
    acts = {"light": light, "dice": rng.integers(0, 2, n)}
    return {
        name: Episodes.from_arrays(places, act, act, ends, n_actions=2, next_observations=following)
        for name, act in acts.items()
    }


def test_a_driver_who_saw_more_than_the_log_gives_itself_away():
    logs = hidden()
    assert "It acted by something that the log leaves out" in verdict_of(logs["light"])[1]
    assert "leaves out" not in verdict_of(logs["dice"])[1]
    assert weigh(Coded(logs["dice"])).driver_memory == 0


def test_an_observation_that_is_no_state_gives_itself_away():
    """Forth and back on a line, where the way is not observed."""
    there = np.r_[0, 1, 2, 3, 2, 1]
    places = np.tile(there, 300).astype(float)
    ends = np.tile(np.arange(6) == 5, 300)
    acts = np.random.default_rng(0).integers(0, 2, len(places))
    following = np.where(ends, 0.0, np.roll(places, -1))
    log = Episodes.from_arrays(places, acts, acts, ends, n_actions=2, next_observations=following)
    assert weigh(Coded(log)).world_memory > 0.3
    assert "A state: the observation before tells" in verdict_of(log)[1]


def test_where_nothing_recurs_the_counts_are_not_shown_as_evidence():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(301, 2))
    ends = np.arange(300) % 10 == 9
    following = np.where(ends[:, None], 0.5, seen[1:])
    log = Episodes.from_arrays(seen[:-1], rng.integers(0, 2, 300), ends, ends, n_actions=2, next_observations=following)
    text = as_text(examine(log))
    assert "they hardly recur" in text
    assert "20 times or more" not in text


def test_rows_found_wrong_come_first_in_what_cannot_be_learnt(facts):
    rewards = facts.log.rewards.copy()
    rewards[[30, 300, 3000]] = -1e5
    _, cannot = verdict_of(replace(facts.log, rewards=rewards))
    assert cannot.startswith("Anything that rests on the rows found wrong (contradicting_rewards)")


def test_the_text_keeps_its_columns_and_says_everything(facts):
    text = as_text(facts)
    assert max(map(len, text.split("\n"))) <= WIDTH
    for part in ("What the log is", "What looks wrong", "Nothing of what was looked for", "What cannot", "n_steps"):
        assert part in text
    assert f"{facts.log.n_episodes} episodes with {len(facts.log):,} rows, 4 actions" in text


def test_a_report_is_the_same_for_the_same_log(facts, crossroads):
    again = examine(generate_offline_episodes(crossroads, seed=100), crossroads.mdp)
    assert again == facts
    assert again != examine(generate_offline_episodes(crossroads, seed=101), crossroads.mdp)
    assert as_text(again) == as_text(facts)


@FEW
@given(any_log())
def test_a_log_of_any_shape_has_a_report(log):
    text = as_text(examine(log))
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert "nan" not in text
