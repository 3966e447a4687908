"""Figures draw what they are given, and never train."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safegrid.evaluation import AgentScore, Comparison, Interval
from safegrid.plots import (
    plot_board,
    plot_comparison,
    plot_curve,
    plot_distribution,
    plot_losses,
    plot_sensitivity,
    plot_weights,
)

mpl.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_a_board_shows_each_hazard_hatched_and_an_arrow_for_each_best_action(crossroads):
    policy = crossroads.behaviour_policy(0.0)
    ax = plot_board(crossroads.mdp, policy=policy)
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    assert {patch.get_xy() for patch in hatched} == {(x - 0.5, y - 0.5) for x, y in crossroads.hazard_coords}
    live = ~crossroads.mdp.terminal
    assert (policy[live] == policy[live].max(1, keepdims=True)).sum() == ax.collections[-1].N


def test_a_board_shows_its_layer_upright(original):
    layer = np.arange(225, dtype=float)
    grid = plot_board(original.mdp, layer, label="index").images[0].get_array()
    assert grid[2, 5] == original.state_of((5, 2)) == 35
    assert np.ma.getmaskarray(np.ma.masked_invalid(grid)).sum() == original.mdp.terminal.sum()


def test_arrows_stand_only_where_the_layer_does(original):
    layer = np.where(np.arange(225) < 3, 1.0, np.nan)
    ax = plot_board(original.mdp, layer, original.mdp.optimal(0.99))
    assert ax.collections[-1].N == 3


def test_comparison_has_a_dot_a_run(original):
    exact = original.mdp.evaluate(original.uniform_policy())
    score = AgentScore(exact, None, float("nan"), -1.0)
    figure = plot_comparison(Comparison({"a": [[score, score]], "b": [[score, score]]}, {"chance": exact}))
    assert isinstance(figure, Figure)
    assert len(figure.axes[0].lines[0].get_xdata()) == 2


def test_no_row_is_left_out_for_want_of_a_colour(original):
    exact = original.mdp.evaluate(original.uniform_policy())
    scores = {f"agent {i}": [[AgentScore(exact, None, float("nan"), 0.0)]] for i in range(9)}
    figure = plot_comparison(Comparison(scores, {f"reference {i}": exact for i in range(4)}))
    assert len(figure.axes[0].lines) == 9 * 2 + 4
    assert len(plot_distribution({str(i): [0.0, 1.0] for i in range(9)}).patches) == 9


def test_the_other_figures_draw(original):
    policy = original.uniform_policy()
    assert isinstance(plot_distribution({"a": [1.0, 2.0], "b": np.zeros(9)}), Axes)
    assert isinstance(plot_losses({"step": [1, 2], "loss": [3.0, 2.0]}), Axes)
    figure = plot_weights(
        original.mdp, dict.fromkeys((0.0, 1.0), policy), dict.fromkeys((0.0, 1.0), np.arange(225.0)), label="x"
    )
    assert "weight 0" in figure.axes[0].get_title()
    nan = float("nan")
    figure = plot_curve(
        [0, 1, 6], {"y": [Interval(1, 0, 2), Interval(2, nan, nan), Interval(3, 2, 4)]}, {"y": {"best": 4}}
    )
    assert figure.axes[0].get_xscale() == "symlog"


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
