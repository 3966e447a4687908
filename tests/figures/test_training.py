"""Quantities over the steps of training."""

import numpy as np

from safegrid.figures.training import plot_losses, plot_training


def test_training_has_a_column_a_weight_and_a_line_a_run(small_sweep):
    sweep = small_sweep
    axes = np.array(plot_training(sweep, references={"optimum": 21.7}).axes).reshape(2, 2)
    assert [ax.get_title() for ax in axes[0]] == ["weight 0", "weight 6"]
    assert len(axes[0, 1].lines) == 2 + 1 + 1
    assert len(axes[1, 1].lines) == 2 * (2 + 1)
    np.testing.assert_array_equal(axes[1, 1].lines[3].get_ydata(), sweep.history["claimed_value"][:, 1, 0, 0])


def test_each_loss_is_a_line_over_the_steps():
    ax = plot_losses({"step": [1, 2], "loss": [3.0, 2.0], "td_loss": [1.0, 0.5]})
    assert [line.get_label() for line in ax.lines] == ["loss", "td loss"]
    assert ax.lines[0].get_data()[0].tolist() == [1, 2]
