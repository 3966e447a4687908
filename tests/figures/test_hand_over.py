"""A guard at a dial, in Python."""

import numpy as np
import pytest
import traitlets

import safegrid as sg

TRIES = (0.0, 5.0, np.inf)


@pytest.fixture(scope="module")
def yard():
    return sg.SafetyCriticalGridWorld(size=5, hazard_coords=[(1, 2), (3, 3)], max_steps=20)


@pytest.fixture(scope="module")
def worlds(yard):
    slippery = sg.SafetyCriticalGridWorld(size=5, hazard_coords=[(2, 2)], max_steps=20, slip_prob=0.3)
    return {"as logged": yard.mdp, "changed": slippery.mdp}


@pytest.fixture(scope="module")
def logs(yard):
    return [sg.generate_offline_episodes(yard, 40, seed=seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def policies(yard, logs):
    return [sg.greedy(sg.tabular_cql(log, yard.mdp, 1.0)) for log in logs]


@pytest.fixture(scope="module")
def deterministic(policies):
    return np.eye(4)[np.argmax(policies, -1)]


@pytest.fixture(scope="module")
def figure(deterministic, logs, worlds):
    return sg.HandOver(deterministic, logs, worlds, TRIES, ask_cost=7.0, index=1, log=1, world=1)


def test_every_score_is_that_of_a_guarded_policy(figure, deterministic, logs, worlds, yard):
    for w, world in enumerate(worlds.values()):
        instead = {"clone": {}, "ask": {"fallback": "ask", "ask_cost": 7.0}}
        instead["operator"] = {"fallback": world.optimal(0.99)}
        for fallback, settings in instead.items():
            for i, tries in enumerate(TRIES):
                for k, (policy, log) in enumerate(zip(deterministic, logs, strict=True)):
                    guarded = sg.guarded_policy(policy, log, yard.mdp, evidence=tries, **settings)
                    own = guarded.score(world)
                    assert figure.scores[fallback][w][i][k] == own
                    assert figure.data["hazard"][fallback][w][i][k] == pytest.approx(own.score.hazard_rate, abs=1e-6)
                    assert figure.data["return"][fallback][w][i][k] == pytest.approx(own.score.return_mean, abs=1e-6)
                    assert figure.data["handed"][w][i][k] == pytest.approx(own.fallback_episodes, abs=1e-6)


def test_at_its_ends_the_dial_is_the_policy_and_whoever_takes_over(figure, deterministic, logs, worlds, yard):
    for w, world in enumerate(worlds.values()):
        assert figure.scores["clone"][w][0][0].score == world.evaluate(deterministic[0])
        assert figure.scores["operator"][w][0][0].score == world.evaluate(deterministic[0])
        assert figure.scores["ask"][w][0][0].score.hazard_rate == pytest.approx(
            world.evaluate(deterministic[0]).hazard_rate
        )
        assert figure.scores["operator"][w][-1][1].score == world.evaluate(world.optimal(0.99))
        assert figure.scores["clone"][w][-1][1].score == world.evaluate(sg.argmax_clone(logs[1], yard.mdp))
        assert figure.scores["ask"][w][-1][1].score.return_mean == pytest.approx(-7)


def test_what_is_shown_is_what_is_set(figure, deterministic, logs, yard):
    assert figure.policy == sg.guarded_policy(deterministic[1], logs[1], yard.mdp, evidence=5.0)
    assert figure.score is figure.scores["clone"][1][1][1]


def test_the_log_s_own_choice_is_the_stop_at_or_above_it(figure, deterministic, logs, yard):
    for k, (policy, log) in enumerate(zip(deterministic, logs, strict=True)):
        own = sg.guarded_policy(policy, log, yard.mdp).evidence
        assert figure.chosen["clone"][k] == next(i for i, tries in enumerate(TRIES) if tries >= own)


def test_infinity_is_carried_as_a_number_that_no_count_reaches(figure, logs):
    assert figure.data["tries"] == [0, 5, 1e9]
    assert np.reshape(figure.data["counts"], (2, -1)).sum(1).tolist() == [len(log) for log in logs]
    assert max(figure.data["counts"]) < 1e9


def test_its_picture_names_world_log_and_tries(figure):
    board, lines = figure.picture().axes[:2]
    assert board.get_title().startswith("changed, log 2, tries wanted: 5; hazard ")
    assert [line.get_label() for line in lines.lines[:3]] == ["clone", "ask", "operator"]
    figure.fallback = "ask"
    assert figure.picture().axes
    figure.fallback = "clone"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("index", 3, "index is 3, expected a whole number in 0…2"),
        ("log", -1, "log is -1, expected a whole number in 0…1"),
        ("world", 2, "world is 2, expected a whole number in 0…1"),
        ("fallback", "driver", "driver"),
        ("layer", "claimed", "claimed"),
    ],
)
def test_a_setting_out_of_bounds_is_named_and_changes_nothing(figure, name, value, message):
    before = getattr(figure, name)
    with pytest.raises(traitlets.TraitError, match=message):
        figure.set_trait(name, value)
    assert getattr(figure, name) == before


def test_what_cannot_be_guarded_is_refused(deterministic, logs, worlds):
    with pytest.raises(ValueError, match="there are 0 logs and 2 worlds"):
        sg.HandOver(deterministic, [], worlds)
    with pytest.raises(ValueError, match=r"policies has shape \(1, 25, 4\), expected \(2, 25, 4\)"):
        sg.HandOver(deterministic[:1], logs, worlds)
    with pytest.raises(ValueError, match=r"policies\[0\] has shares, expected one action in every state"):
        sg.HandOver(np.full_like(deterministic, 0.25), logs, worlds)
    for tries in ((), (1.0, 1.0), (-1.0, 2.0), (np.nan,)):
        with pytest.raises(ValueError, match="expected numbers from 0 on that rise"):
            sg.HandOver(deterministic, logs, worlds, tries)
    larger = worlds | {"larger": sg.SafetyCriticalGridWorld(size=6, hazard_coords=[]).mdp}
    with pytest.raises(ValueError, match=r"worlds\['larger'\] has other cells than the first"):
        sg.HandOver(deterministic, logs, larger)
