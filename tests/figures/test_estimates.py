"""Estimates against the truth."""

import numpy as np

from safegrid.figures.estimates import plot_estimates, plot_regrets


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
