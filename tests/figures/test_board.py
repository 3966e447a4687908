"""Figures draw what they are given, and never train."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safegrid.dataset import generate_offline_episodes
from safegrid.evaluation import AgentScore, Comparison, Interval, interquartile_mean, mean
from safegrid.figures.board import (
    plot_board,
    plot_cells,
    plot_comparison,
    plot_distribution,
    plot_estimates,
    plot_lines,
    plot_losses,
    plot_lower_tail,
    plot_profiles,
    plot_regrets,
    plot_runs,
    plot_sensitivity,
    plot_sweep,
    plot_training,
    plot_weights,
)
from safegrid.sweep import train_sweep

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


def test_the_lower_tail_runs_from_the_worst_episode_up_to_the_share_shown():
    ax = plot_lower_tail({"a": np.arange(100.0)[::-1], "b": np.zeros(100)}, shown=0.2)
    values, edges, _ = ax.patches[-2].get_data()
    np.testing.assert_allclose(values, np.arange(20.0))
    np.testing.assert_allclose(edges, np.arange(21.0))
    assert ax.get_xlim() == (0.0, 20.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["worst 5%", "a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fraction": 0.0}, r"fraction is 0.0, expected a share in \(0, 1\]"),
        ({"shown": 0.01}, r"shown is 0.01, expected a share in \[0.05, 1\]"),
        ({"shown": 1.5}, "shown is 1.5"),
    ],
)
def test_a_share_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_lower_tail({"a": [1.0]}, **arguments)


def test_the_other_figures_draw(original):
    policy = original.uniform_policy()
    assert isinstance(plot_distribution({"a": [1.0, 2.0], "b": np.zeros(9)}), Axes)
    assert isinstance(plot_losses({"step": [1, 2], "loss": [3.0, 2.0]}), Axes)
    figure = plot_weights(
        original.mdp, dict.fromkeys((0.0, 1.0), policy), dict.fromkeys((0.0, 1.0), np.arange(225.0)), label="x"
    )
    assert "weight 0" in figure.axes[0].get_title()


def test_lines_differ_without_colour_and_carry_their_intervals():
    lines = {"sure": [1.0, 2.0], "unsure": [Interval(1, 0, 2), Interval(3, 2, 5)]}
    ax = plot_lines([0.1, 10], lines, xlabel="x", ylabel="y", scale="log", levels={"honest": 0.0})
    drawn = {line.get_label(): line for line in ax.lines}
    assert drawn["unsure"].get_ydata().tolist() == [1, 3]
    assert set(drawn["honest"].get_ydata()) == {0}
    assert drawn["sure"].get_marker() != drawn["unsure"].get_marker()
    assert drawn["sure"].get_linestyle() != drawn["unsure"].get_linestyle()
    assert len(ax.collections) == 1
    assert ax.collections[0].get_paths()[0].get_extents().bounds == (0.1, 0, 9.9, 5)
    assert ax.get_xscale() == "log"


def test_a_comparison_has_a_panel_a_field(original):
    exact = original.mdp.evaluate(original.uniform_policy())
    comparison = Comparison({"a": [[AgentScore(exact, None, float("nan"), 0.0)]]}, {})
    figure = plot_comparison(comparison, ("return_mean", "return_cvar", "hazard_rate"))
    assert [ax.lines[0].get_xdata()[0] for ax in figure.axes] == [
        exact.return_mean, exact.return_cvar, exact.hazard_rate,
    ]  # fmt: skip


def test_a_profile_falls_from_one_to_zero_at_its_scores(original):
    scores = [replace(original.mdp.evaluate(original.uniform_policy()), return_mean=x) for x in (0.0, 10.0)]
    runs = [[AgentScore(score, None, float("nan"), 0.0)] for score in scores]
    level, share = plot_profiles(Comparison({"a": runs}, {"reference": scores[1]})).lines[0].get_data()
    assert set(share) == {0.0, 0.5, 1.0}
    assert level[share == 1.0].max() < 0 <= level[share == 0.5].min()
    assert level[share == 0.5].max() < 10 <= level[share == 0.0].min()


def test_cells_are_labelled_and_the_best_of_a_row_is_framed():
    runs = np.array([[[0.0, 2.0, 4.0], [-3.0, -3.0, -3.0]], [[-9.0, 1.0, 2.0], [5.0, 6.0, 7.0]]])
    ax = plot_cells([1, 6], [100, 500], runs, field="return_mean")
    labels = [text.get_text() for text in ax.texts]
    assert labels[:4] == ["2.0", "0 … 4", "−3.0", "−3 … −3"]
    assert [patch.get_xy()[0] > 0 for patch in ax.patches] == [False, True]
    ax = plot_cells([1, 6], [100], np.array([[[0.5], [0.05]]]), field="hazard_rate")
    assert [text.get_text() for text in ax.texts] == ["50.0%", "50–50%", "5.0%", "5–5%"]
    assert ax.patches[0].get_xy()[0] > 0
    ax = plot_cells([1], [100], np.array([[[-0.04, -0.04, -0.04, -0.05]]]), field="return_mean")
    assert [text.get_text() for text in ax.texts] == ["0.0", "0 … 0"]
    near = plot_cells([1, 6], [100], np.array([[[-8.0], [3.0]]]), field="overestimate")
    assert near.patches[0].get_xy()[0] > 0


def test_cells_want_a_run_for_each():
    with pytest.raises(ValueError, match=r"runs has shape \(1, 2, 3\), expected \(2, 2, runs\)"):
        plot_cells([1, 6], [100, 500], np.zeros((1, 2, 3)), field="return_mean")


@pytest.fixture(scope="module")
def small_sweep(original):
    logs = [generate_offline_episodes(original, 20, seed=seed) for seed in (0, 1)]
    return train_sweep(
        logs, (0.0, 6.0), n_steps=20, mdp=original.mdp, score_interval=10, hidden_units=(8,), n_jobs=1, progress=False
    )


def test_a_sweep_shows_the_same_three_quantities_over_the_weight(original, small_sweep):
    optimum = original.mdp.evaluate(original.mdp.optimal(0.99))
    axes = plot_sweep(small_sweep, {"optimum": optimum}).axes
    assert [ax.get_ylabel().split(" ")[0] for ax in axes] == ["return", "hazard", "claimed"]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["0", "6"]
    for ax, field, level in zip(axes, ("return_mean", "hazard_rate", "overestimate"),
                                (optimum.return_mean, optimum.hazard_rate, 0.0), strict=True):  # fmt: skip
        assert ax.lines[0].get_ydata().tolist() == [at.estimate for at in small_sweep.curve(field)]
        assert set(ax.lines[1].get_ydata()) == {level}


def test_training_has_a_column_a_weight_and_a_line_a_run(small_sweep):
    sweep = small_sweep
    axes = np.array(plot_training(sweep, references={"optimum": 21.7}).axes).reshape(2, 2)
    assert [ax.get_title() for ax in axes[0]] == ["weight 0", "weight 6"]
    assert len(axes[0, 1].lines) == 2 + 1 + 1
    assert len(axes[1, 1].lines) == 2 * (2 + 1)
    np.testing.assert_array_equal(axes[1, 1].lines[3].get_ydata(), sweep.history["claimed_value"][:, 1, 0, 0])


def test_a_band_is_the_interval_over_logs_and_its_line_the_summary():
    runs = np.array([[0.0, 0.0, 0.0, 8.0], [1.0, 2.0, 3.0, 4.0]])  # (T, L)
    ax = plot_lines([10, 20], {"a": runs, "b": runs[..., None]}, xlabel="x", ylabel="y", levels={"level": 2.0})
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[0.0, 2.5], [0.0, 2.5]]
    interval = interquartile_mean(runs[1])
    edges = ax.collections[0].get_paths()[0].vertices
    assert {interval.low, interval.high} <= set(edges[edges[:, 0] == 20, 1])
    assert ax.lines[2].get_ydata()[0] == 2.0
    rates = plot_lines([10, 20], {"a": runs}, xlabel="x", ylabel="y", summary=mean)
    assert rates.lines[0].get_ydata().tolist() == [2.0, 2.5]


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
