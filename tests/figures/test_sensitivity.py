"""What each changed setting does."""

import numpy as np
import pytest

from safegrid.figures.sensitivity import plot_sensitivity


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
