"""A budget of harm on several logs, in Python."""

import numpy as np
import pytest
import traitlets

import safegrid as sg


@pytest.fixture(scope="module")
def rooms():
    return sg.SafetyCriticalGridWorld(map_name="rooms")


@pytest.fixture(scope="module")
def logs(rooms):
    return [sg.generate_offline_episodes(rooms, seed=seed) for seed in (100, 101, 103)]


@pytest.fixture(scope="module")
def figure(rooms, logs):
    return sg.HarmBudget(logs, rooms.mdp, (0.002, 0.05))


def test_what_it_shows_is_what_the_budget_s_programme_finds(figure, rooms, logs):
    for budget, of_budget, scores in zip(figure.budgets, figure.found, figure.scores, strict=True):
        for log, found, score in zip(logs, of_budget, scores, strict=True):
            own = sg.budgeted_policy(log, rooms.mdp, budget)
            assert found == own
            assert score == rooms.mdp.evaluate(own.policy)


def test_the_first_log_shown_is_the_one_in_the_middle(figure):
    hazards = sorted(score.hazard_rate for score in figure.scores[0])
    assert figure.score.hazard_rate == hazards[1]
    assert figure.policy is figure.found[0][figure.log]


def test_the_page_gets_every_policy_with_its_coins(figure):
    rows = iter(np.reshape(figure.data["shares"], (-1, 4)))
    carried = [[_shares(mark, rows) for mark in marks] for marks in figure.data["policies"]]
    own = [found.policy for of_budget in figure.found for found in of_budget]
    assert np.array(carried) == pytest.approx(np.array(own), abs=1e-8)
    assert next(rows, None) is None
    assert any("*" in marks for marks in figure.data["policies"])


def _shares(mark, rows):
    return np.full(4, 0.25) if mark == "." else next(rows) if mark == "*" else np.eye(4)[int(mark)]


def test_tries_and_crashes_are_the_logs(figure, logs):
    tries, crashes = (np.reshape(figure.data[name], (3, -1)) for name in ("counts", "crashed"))
    assert tries.sum(1).tolist() == [len(log) for log in logs]
    assert crashes.sum(1).tolist() == [int(log.costs.sum()) for log in logs]
    assert (crashes <= tries).all()


def test_its_lines_are_medians_between_quartiles(figure):
    hazards = [score.hazard_rate for score in figure.scores[1]]
    assert figure.data["curves"]["hazard"][1] == pytest.approx(np.quantile(hazards, (0.5, 0.25, 0.75)), abs=1e-6)


def test_its_picture_names_the_budget(figure):
    board, lines = figure.picture().axes[:2]
    assert board.get_title().startswith("budget 0.2%")
    assert len(lines.lines) >= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"index": 2}, "index is 2, expected a whole number in 0…1"),
        ({"log": -1}, "log is -1, expected a whole number in 0…2"),
        ({"layer": "claimed"}, "claimed"),
    ],
)
def test_a_setting_out_of_bounds_is_named(figure, settings, message):
    before = figure.index, figure.log, figure.layer
    with pytest.raises(traitlets.TraitError, match=message):
        figure.set_trait(*next(iter(settings.items())))
    assert (figure.index, figure.log, figure.layer) == before


def test_what_cannot_be_asked_is_refused(rooms, logs):
    with pytest.raises(ValueError, match="logs is empty"):
        sg.HarmBudget([], rooms.mdp)
    with pytest.raises(ValueError, match="expected budgets above 0 that rise"):
        sg.HarmBudget(logs, rooms.mdp, (0.1, 0.1))
    with pytest.raises(ValueError, match="expected budgets above 0 that rise"):
        sg.HarmBudget(logs, rooms.mdp, ())
    ledge = sg.SafetyCriticalGridWorld(desc=["SHF", "HFG"], slip_prob=0.5, max_steps=20)
    with pytest.raises(ValueError, match=r"budget is 0.001, expected at least .* the least harm in the log's model"):
        sg.HarmBudget([sg.generate_offline_episodes(ledge, 300, seed=0, epsilon=1.0)], ledge.mdp, (0.001,))
