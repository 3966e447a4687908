"""A table of results as colours."""

import numpy as np
import pytest

from safegrid.figures.tables import plot_cells


def test_returns_between_0_and_1_are_told_apart_in_their_cells():
    ax = plot_cells([1, 6], [100], np.array([[[0.41, 0.42, 0.43], [0.82, 0.84, 0.86]]]), field="return_mean")
    assert [text.get_text() for text in ax.texts] == ["0.42", "0.4 … 0.4", "0.84", "0.8 … 0.9"]


def test_cells_are_labelled_and_the_best_of_a_row_is_framed():
    runs = np.array([[[0.0, 2.0, 4.0], [-3.0, -3.0, -3.0]], [[-9.0, 1.0, 2.0], [5.0, 6.0, 7.0]]])
    ax = plot_cells([1, 6], [100, 500], runs, field="return_mean")
    labels = [text.get_text() for text in ax.texts]
    assert labels[:4] == ["2.0", "0 … 4", "−3.0", "−3 … −3"]
    assert [patch.get_xy()[0] > 0 for patch in ax.patches] == [False, True]
    ax = plot_cells([1, 6], [100], np.array([[[0.5], [0.05]]]), field="hazard_rate")
    assert [text.get_text() for text in ax.texts] == ["50.0%", "50–50%", "5.0%", "5–5%"]
    assert ax.patches[0].get_xy()[0] > 0
    ax = plot_cells([1], [100], np.array([[[-4e-14, -4e-14, -4e-14, -5e-14]]]), field="return_mean")
    assert [text.get_text() for text in ax.texts] == ["0.0", "0 … 0"]
    near = plot_cells([1, 6], [100], np.array([[[-8.0], [3.0]]]), field="overestimate")
    assert near.patches[0].get_xy()[0] > 0


def test_cells_want_a_run_for_each():
    with pytest.raises(ValueError, match=r"runs has shape \(1, 2, 3\), expected \(2, 2, runs\)"):
        plot_cells([1, 6], [100, 500], np.zeros((1, 2, 3)), field="return_mean")
