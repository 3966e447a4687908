"""Each lesson teaches what it says."""

import pytest

import safegrid as sg
from safegrid.figures.laboratory import LEARNING, WORLD
from safegrid.figures.lessons import presets


@pytest.fixture(scope="module")
def lessons():
    """Preset → exact score of the clone and of CQL, what CQL claims, and what its policy is worth."""
    found = {}
    for preset in presets():
        study = sg.SafetyLab(**preset["settings"]).study()
        mdp = study.env.mdp
        claimed, true = mdp.start @ study.q_values.max(1), mdp.start @ mdp.values(study.policy, 0.99)[0]
        best = mdp.start @ mdp.values(mdp.optimal(0.99), 0.99)[0]
        found[preset["name"]] = mdp.evaluate(study.clone), mdp.evaluate(study.policy), claimed, true, best
    return found


def test_what_a_lesson_shows_is_there_to_stay_or_says_that_it_is_not():
    """At the laboratory's most steps, and in the limit, the policies are those of the lesson, but for one."""
    for preset in presets():
        settings = preset["settings"]
        shown, longest = (sg.SafetyLab(**settings | {"n_steps": n}).study() for n in (settings["n_steps"], 5000))
        weight, scale = settings["conservative_weight"], settings["reward_scale"]
        limit = sg.greedy(sg.tabular_cql(shown.log, shown.env.mdp, weight, reward_scale=scale))
        first, *later = (shown.env.mdp.evaluate(p).hazard_rate for p in (shown.policy, longest.policy, limit))
        if preset["name"] == "too much weight, too few steps":
            assert max(later) < first / 10
        else:
            assert later == pytest.approx([first, first], rel=0.02)


def test_every_preset_brings_its_whole_laboratory():
    for preset in presets():
        assert set(preset["settings"]) == set(WORLD) | set(LEARNING)


def test_the_presets_teach_what_they_say(lessons):
    clone, cql, *_ = lessons["habit kills a clone"]
    assert clone.hazard_rate > 0.5 > 0.01 > cql.hazard_rate
    _, cql, claimed, true, best = lessons["no weight, thin log"]
    assert claimed > best > true + 5
    clone, cql, *_ = lessons["too much weight, too few steps"]
    assert cql.hazard_rate == pytest.approx(clone.hazard_rate, abs=0.01)
    _, cql, claimed, true, _ = lessons["a lower bound"]
    assert cql.return_mean > 18
    assert claimed < true
    clone, cql, claimed, true, best = lessons["small scale, large weight"]
    assert cql.return_mean > clone.return_mean + 100
    assert claimed > 10 * best
    clone, cql, *_ = lessons["an expert's log"]
    assert clone.return_mean == pytest.approx(cql.return_mean, abs=0.2)
    clone, cql, *_ = lessons["the original world"]
    assert 0 < cql.return_mean - clone.return_mean < 10
    clone, cql, *_ = lessons["the edge of a cliff"]
    assert cql.hazard_rate == pytest.approx(clone.hazard_rate, abs=0.03)
    settings = next(preset["settings"] for preset in presets() if preset["name"] == "the edge of a cliff")
    bold = sg.SafetyLab(**settings | {"conservative_weight": 0.0}).study()
    assert bold.env.mdp.evaluate(bold.policy).hazard_rate < cql.hazard_rate / 3
    clone, cql, *_ = lessons["one door"]
    assert 2 * cql.hazard_rate < clone.hazard_rate
    assert cql.goal_rate > clone.goal_rate + 0.1
