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
    plot_runs,
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


def test_runs_have_a_dot_each_and_a_bar_around_their_mean():
    figure = plot_runs(
        {"return": {"a": [1.0, 2.0, 6.0], "b": [4.0]}, "claim": {"a": [0.0, 0.0, 1.0]}}, {"claim": {"truth": 0.5}}
    )
    dots, bar, diamond, *rest = figure.axes[0].lines
    assert dots.get_xdata().tolist() == [1.0, 2.0, 6.0]
    assert bar.get_xdata()[0] < diamond.get_xdata()[0] == 3.0 < bar.get_xdata()[1]
    assert len(rest) == 2  # a single run has no interval
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert len(figure.axes[1].lines) == 3 + 1  # "b" claims nothing, and there is one level


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
