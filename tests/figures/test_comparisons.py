"""Agents beside each other."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from safegrid.evaluation import AgentScore, Comparison
from safegrid.figures.comparisons import plot_comparison, plot_profiles
from safegrid.figures.episodes import plot_distribution


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


def test_a_hazard_rate_is_drawn_logarithmic_from_never_to_always(original):
    exact = original.mdp.evaluate(original.uniform_policy())
    scores = [[AgentScore(replace(exact, hazard_rate=rate), None, float("nan"), 0.0)] for rate in (0.0, 1e-4, 1e-3)]
    returns, hazard, idle = plot_comparison(Comparison({"a": scores}, {})).axes
    places = hazard.transData.transform([(rate, 0) for rate in (0.0, 1e-4, 1e-3, 1e-2)])[:, 0]
    assert places[3] - places[2] == pytest.approx(places[2] - places[1])
    assert 0 < places[0] - hazard.bbox.x0 < places[1] - places[0]
    assert [text.get_text() for text in hazard.get_xticklabels()][:3] == ["0%", "", "0.01%"]
    assert idle.get_xscale() == returns.get_xscale() == "linear"
