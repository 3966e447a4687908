"""What each changed setting does."""

import json

import numpy as np
import pytest
import traitlets

from safegrid.env import SafetyCriticalGridWorld
from safegrid.figures.sensitivity import RUN_SCORES, Sensitivity, plot_sensitivity


def test_sensitivity_marks_every_row_of_every_series_and_shades_the_default():
    rng = np.random.default_rng(0)
    fields = ("return_mean", "hazard_rate", "overestimate")
    rows = ("default", "a", "b")
    series = {name: {row: {f: rng.random((5, 2)) for f in fields} for row in rows} for name in ("one", "two")}
    figure = plot_sensitivity(series)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(rows)
    for ax, shaded in zip(figure.axes, (2, 0, 2, 2), strict=True):
        assert sum(line.get_marker() in "os" for line in ax.lines) == 6
        assert len(ax.patches) == shaded
    worst = next(line for line in figure.axes[1].lines if line.get_marker() == "o")
    assert worst.get_xdata()[0] == series["one"]["default"]["return_mean"].min()


def test_sensitivity_refuses_series_whose_rows_differ():
    scores = {"return_mean": [0.0], "hazard_rate": [0.0], "overestimate": [0.0]}
    with pytest.raises(ValueError, match=r"series\['two'\] has rows \['default'\], expected \['default', 'a'\]"):
        plot_sensitivity({"one": {"default": scores, "a": scores}, "two": {"default": scores}})
    with pytest.raises(ValueError, match="'default' among them"):
        plot_sensitivity({"one": {"a": scores}})


@pytest.fixture
def runs():
    rng = np.random.default_rng(0)

    def row():
        return {name: rng.normal(size=(3, 2)) for name in RUN_SCORES} | {"actions": rng.integers(0, 4, (3, 2, 225))}

    return {name: {setting: row() for setting in ("default", "raw")} for name in ("crossroads", "original")}


def test_the_figure_carries_every_run_of_every_map_and_setting(runs):
    data = json.loads(json.dumps(Sensitivity(runs).data, allow_nan=False))
    assert (data["settings"], data["n_logs"], data["n_networks"]) == (["default", "raw"], 3, 2)
    for name, rows in runs.items():
        world = SafetyCriticalGridWorld(map_name=name).mdp
        assert data["maps"][name]["world"]["hazard"] == world.hazard.astype(int).tolist()
        for described, row in zip(data["maps"][name]["rows"], rows.values(), strict=True):
            for score in RUN_SCORES:
                assert described[score] == pytest.approx(row[score].ravel(), abs=1e-5)
            acts = [[int(digit) for digit in one] for one in described["actions"]]
            assert (np.reshape(acts, (3, 2, 225)) == row["actions"]).all()


def test_a_setting_is_explained_in_plain_words_or_by_its_name(runs):
    assert Sensitivity(runs, {"raw": "two numbers"}).data["meanings"] == ["default", "two numbers"]
    with pytest.raises(ValueError, match=r"meanings has 'rwa', expected names among \['default', 'raw'\]"):
        Sensitivity(runs, {"rwa": "two numbers"})


def test_python_knows_who_is_on_the_boards(runs):
    figure = Sensitivity(runs, map="original", run=3)
    for setting, policy in figure.policies().items():
        assert (policy.argmax(-1) == runs["original"][setting]["actions"][1, 1]).all()
        assert (policy.sum(-1) == 1).all()
    drawn = figure.picture()
    assert [ax.get_title().split(":")[0] for ax in drawn.axes[:2]] == ["default", "raw"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("setting", 0, "setting is 0, expected a whole number in 1…1"),
        ("setting", 2, "setting is 2, expected a whole number in 1…1"),
        ("run", 6, "run is 6, expected a whole number in 0…5"),
        ("map", "moon", "map is 'moon', expected one of crossroads, original"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(runs, name, value, message):
    figure = Sensitivity(runs)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(figure, name, value)


def test_runs_that_do_not_fit_are_refused_by_name(runs):
    with pytest.raises(ValueError, match=r"runs\['original'\] has settings \['raw'\], expected \['default', 'raw'\]"):
        Sensitivity(runs | {"original": {"raw": runs["original"]["raw"]}})
    runs["original"]["raw"]["hazard_rate"] = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"runs\['original'\]\['raw'\]\['hazard_rate'\] has shape \(3, 1\), expected"):
        Sensitivity(runs)
    runs["crossroads"]["raw"]["actions"][0, 0, 0] = 4
    with pytest.raises(ValueError, match=r"runs\['crossroads'\]\['raw'\]\['actions'\] holds other than whole numbers"):
        Sensitivity(runs)
