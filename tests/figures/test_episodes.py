"""Returns of single episodes."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from safegrid.figures.episodes import plot_distribution, plot_lower_tail


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


def test_returns_of_any_kind_are_drawn():
    assert isinstance(plot_distribution({"a": [1.0, 2.0], "b": np.zeros(9)}), Axes)
