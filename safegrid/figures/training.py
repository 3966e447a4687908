"""Quantities over the steps of training: losses, scores and claims."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import trim_mean

from safegrid.sweep.results import Sweep

from .style import BLUE, RED, draw_levels, line_colours, panel


def plot_losses(history: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Each loss that `fit` returned, over gradient steps."""
    ax = panel(ax, 6.4, 2.8)
    losses = {name: values for name, values in history.items() if name != "step"}
    for (name, values), colour in zip(losses.items(), line_colours(), strict=False):
        ax.plot(history["step"], values, color=colour, lw=1.8, label=name.replace("_", " "))
    ax.set(xlabel="gradient step", ylabel="loss, mean since the last point")
    ax.legend(frameon=False)
    return ax


def plot_training(sweep: Sweep, *, references: Mapping[str, float] | None = None) -> Figure:
    """Scores over the steps of training: a column a weight, a thin line a run, a thick one their interquartile mean.

    Above the return; below what the agent claims for the start beside what its own policy is worth there, both
    discounted, in raw reward.

    Args:
        sweep: trained with the world and a `score_interval`.
        references: name → return, drawn as dashed lines in the upper panels.
    """
    n = len(sweep.weights)
    fig, axes = plt.subplots(
        2, n, figsize=(2.2 * n + 0.8, 4.6), sharex=True, sharey="row", layout="constrained", squeeze=False
    )
    rows = ({"return_mean": ("return", BLUE, "-")},
            {"true_value": ("true", BLUE, "-"), "claimed_value": ("claimed", RED, "--")})  # fmt: skip
    for column, weight in enumerate(sweep.weights):
        for ax, lines in zip(axes[:, column], rows, strict=True):
            for field, (name, colour, style) in lines.items():
                runs = sweep.history[field][:, column].reshape(len(sweep.steps), -1)
                ax.plot(sweep.steps, runs, style, color=colour, lw=0.8, alpha=0.45)
                ax.plot(sweep.steps, trim_mean(runs, 0.25, axis=1), style, color=colour, lw=2.4, label=name)
        draw_levels(axes[0, column], references or {}, upright=False, dashes=": -.")
        axes[0, column].set_title(f"weight {weight:g}", fontsize=10)
    axes[0, 0].set_ylabel("return (raw reward), exact")
    axes[1, 0].set_ylabel("value of the start\n(discounted raw reward)")
    axes[1, 0].set_yscale("symlog", linthresh=20)
    for ax in axes[:, 0]:
        ax.legend(frameon=False)
    fig.supxlabel("gradient step", fontsize=10)
    return fig
