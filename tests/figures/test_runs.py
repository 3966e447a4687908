"""A dot a run."""

from safegrid.figures.runs import plot_runs


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
