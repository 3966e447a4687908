"""One quantity over another."""

import numpy as np

from safegrid.figures.lines import plot_lines
from safegrid.intervals import Interval, interquartile_mean, mean


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
