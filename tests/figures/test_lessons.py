"""Each lesson teaches what it says."""

import numpy as np
import pytest

import safegrid as sg
from safegrid.figures.laboratory import LEARNING, WORLD
from safegrid.figures.lessons import presets

SETTINGS = {preset["name"]: preset["settings"] for preset in presets()}


class Shown:
    """A lesson, or one with other settings: scores of the clone and of CQL, what it claims, and what it is worth."""

    def __init__(self, name, **change):
        self.study = sg.SafetyLab(**SETTINGS[name] | change).study()
        mdp = self.study.env.mdp
        self.clone, self.cql = mdp.evaluate(self.study.clone), mdp.evaluate(self.study.policy)
        self.claimed = mdp.start @ self.study.q_values.max(1)
        self.true = mdp.start @ mdp.values(self.study.policy, 0.99)[0]
        self.best = mdp.start @ mdp.values(mdp.optimal(0.99), 0.99)[0]

    def untried(self):
        """How many steps of an episode CQL expects to take where the log never took its move, but had been."""
        taken = (self.study.policy * sg.coverage(self.study.log, self.study.env.mdp).unseen).sum(1)
        return self.study.env.mdp.expected_visits(self.study.policy) @ taken


@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_lesson_shows_is_there_to_stay_or_says_that_it_is_not(name):
    """At the laboratory's most steps, and in the limit, the policies are those of the lesson, but for one."""
    first, longest, limit = (Shown(name, n_steps=n).cql.hazard_rate for n in (2000, 5000, None))
    if name == "much weight: it imitates":
        assert limit < first / 5
    else:
        assert [longest, limit] == pytest.approx([first, first], rel=0.02)


def test_every_preset_brings_its_whole_laboratory():
    for settings in SETTINGS.values():
        assert set(settings) == set(WORLD) | set(LEARNING)


def test_without_weight_it_freezes_and_dreams():
    shown = Shown("no weight: it freezes")
    assert SETTINGS["no weight: it freezes"]["belief"] == shown.study.env.goal_reward
    assert shown.cql.timeout_rate > 0.99
    assert shown.untried() > 20
    assert shown.claimed > 3 * shown.best
    assert shown.true == pytest.approx(-100, abs=0.1)  # the least that there is: −1 a step for ever


def test_with_some_weight_it_chooses_and_claims_less_than_is_true():
    shown = Shown("some weight: it chooses")
    driver = shown.study.env.mdp.evaluate(shown.study.env.behaviour_policy(0.22))
    assert min(shown.clone.hazard_rate, driver.hazard_rate) > 0.5 > 0.01 > shown.cql.hazard_rate
    assert shown.cql.goal_rate > 0.99
    log, gap = shown.study.log, shown.study.env.state_of((7, 0))
    assert len(set(log.episode[log.next_states == gap])) < 0.03 * log.n_episodes  # few drives took the detour
    assert shown.study.env.mdp.occupancy(shown.study.policy)[gap] > 0.9
    assert shown.claimed < shown.true


def test_with_much_weight_it_crashes_nearly_as_often_as_the_clone():
    shown = Shown("much weight: it imitates")
    assert shown.cql.hazard_rate == pytest.approx(shown.clone.hazard_rate, abs=0.1)


def test_a_dream_may_crash_even_from_an_expert_s_log():
    shown, weighed = Shown("a dream that crashes"), Shown("a dream that crashes", conservative_weight=6.0)
    optimum = shown.study.env.mdp.evaluate(shown.study.env.expert_policy())
    assert shown.clone.return_mean == pytest.approx(optimum.return_mean, abs=0.1)
    assert weighed.cql.return_mean == pytest.approx(shown.clone.return_mean, abs=0.1)
    assert shown.cql.hazard_rate > 0.4
    assert shown.untried() > 5


def test_luck_needs_no_belief_in_the_untried():
    shown = Shown("no dream, but luck")
    assert shown.untried() == 0
    assert shown.claimed > shown.best > shown.true + 5


def test_a_small_scale_makes_a_good_policy_and_an_absurd_claim():
    shown = Shown("small scale, large weight")
    assert shown.cql.return_mean > shown.clone.return_mean + 100
    assert shown.claimed > 10 * shown.best
    assert Shown("small scale, large weight", conservative_weight=400.0).claimed > shown.claimed + 5


def test_on_the_edge_of_a_cliff_boldness_is_safer():
    shown, bold = Shown("the edge of a cliff"), Shown("the edge of a cliff", conservative_weight=0.0)
    assert shown.cql.hazard_rate == pytest.approx(shown.clone.hazard_rate, abs=0.03)
    assert bold.cql.hazard_rate < shown.cql.hazard_rate / 3


def test_the_first_three_lessons_are_those_of_nearly_every_log():
    """Ten logs that they were not chosen on: without weight nine freeze, and one crashes; with some all choose."""
    names = ("no weight: it freezes", "some weight: it chooses", "much weight: it imitates")
    found = {name: [Shown(name, seed=seed) for seed in range(100, 110)] for name in names}
    frozen, chosen, imitated = ([shown.cql for shown in found[name]] for name in names)
    assert sum(score.timeout_rate > 0.95 for score in frozen) == 9
    assert max(score.hazard_rate for score in frozen) > 0.5
    assert not any(score.goal_rate > 0.001 for score in frozen)
    assert max(score.hazard_rate for score in chosen) < 0.015
    assert min(score.return_mean for score in chosen) > 19.5
    apart = [abs(shown.clone.hazard_rate - shown.cql.hazard_rate) for shown in found[names[2]]]
    assert np.median(apart) < 0.1
    assert sum(score.hazard_rate > 0.04 for score in imitated) == 10
