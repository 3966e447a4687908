"""Figures draw what they are given, and never train."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safegrid.evaluation import AgentScore, Comparison, Interval, interquartile_mean, mean
from safegrid.plots import (
    plot_bands,
    plot_board,
    plot_comparison,
    plot_curve,
    plot_distribution,
    plot_losses,
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


def test_a_band_is_the_interval_over_logs_and_its_line_the_summary():
    runs = np.array([[0.0, 0.0, 0.0, 8.0], [1.0, 2.0, 3.0, 4.0]])  # (T, L)
    ax = plot_bands([10, 20], {"a": runs, "b": runs[..., None]}, xlabel="x", ylabel="y", references={"level": 2.0})
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[0.0, 2.5], [0.0, 2.5]]
    interval = interquartile_mean(runs[1])
    edges = ax.collections[0].get_paths()[0].vertices
    assert {interval.low, interval.high} <= set(edges[edges[:, 0] == 20, 1])
    assert ax.lines[2].get_ydata()[0] == 2.0
    rates = plot_bands([10, 20], {"a": runs}, xlabel="x", ylabel="y", summary=mean)
    assert rates.lines[0].get_ydata().tolist() == [2.0, 2.5]
