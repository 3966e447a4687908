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
    plot_estimates,
    plot_losses,
    plot_regrets,
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


def test_an_estimate_lies_on_the_diagonal_where_it_is_right_and_is_counted_where_it_is_missing():
    truth = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    off = truth + 2.0
    off[0, 0] = np.nan
    figure = plot_estimates({"right": truth, "off": off}, truth, {"a": [0, 1], "b": [2]}, columns=2)
    right, wrong = figure.axes
    assert "bias 0.0, rmse 0.0, rank 1.00" in right.get_title()
    assert "bias 2.0, rmse 2.0" in wrong.get_title()
    assert [t.get_text() for t in wrong.texts] == ["no estimate: 1"]
    assert (right.lines[0].get_xdata() == right.lines[0].get_ydata()).all()
    figure = plot_estimates({"off": off}, truth, {"a": [0, 1, 2]}, limits=(0, 8))
    assert figure.axes[0].texts[0].get_text() == "no estimate: 1\nnot shown: 1"
    assert figure.axes[0].get_ylim() == (0, 8)


def test_regrets_have_a_dot_a_log_and_no_rule_is_left_out():
    rules = {f"rule {i}": np.arange(4.0) + i for i in range(9)}
    figure = plot_regrets({"here": rules, "there": rules}, {"here": 3.0, "there": 4.0})
    assert len(figure.axes) == 2
    assert [len(line.get_xdata()) for line in figure.axes[0].lines].count(4) == 9
    assert figure.axes[1].lines[-1].get_xdata() == [4.0, 4.0]
