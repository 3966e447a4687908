"""Every run as a dot, with a summary and its interval: the rows of many figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from safegrid.array_types import Floats
from safegrid.intervals import Interval, mean

from .style import LABELS, draw_levels, line_colours, name_rows, rate_axis


def plot_runs(
    panels: Mapping[str, Mapping[str, ArrayLike]],
    levels: Mapping[str, Mapping[str, float]] | None = None,
    *,
    row_height: float = 0.38,
) -> Figure:
    """Every run of every recipe: a dot a run, a diamond for the mean, a bar for its 95% interval.

    Args:
        panels: field of `PolicyScore`, or label of another quantity with its unit → name of a recipe → (K,) one number
            a run. The first panel's names are the rows. A hazard rate's axis is logarithmic.
        levels: field or label → name → level, drawn as dashed lines.
        row_height: of one recipe, in inches.
    """
    names = list(next(iter(panels.values())))
    size = (0.8 + 3.6 * len(panels), 0.9 + row_height * len(names))
    fig, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, layout="constrained", squeeze=False)
    for ax, (label, runs) in zip(axes[0], panels.items(), strict=True):
        for (row, name), colour in zip(enumerate(names), line_colours(), strict=False):
            if name in runs:
                draw_row(ax, row, np.ravel(runs[name]), mean, colour)
        draw_levels(ax, (levels or {}).get(label, {}))
        rate_axis(ax, label)
        ax.set(xlabel=LABELS.get(label, label), yticks=range(len(names)))
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    name_rows(axes[0, 0], names)
    return fig


def draw_row(ax: Axes, row: int, runs: ArrayLike, summary: Callable[[Floats], Interval], colour: str) -> None:
    """A dot a run, a diamond for their summary, a bar for its interval."""
    values = np.asarray(runs, float)
    nudge = np.linspace(-0.22, 0.22, values.size) if values.size > 1 else np.zeros(1)
    ax.plot(values.ravel(), row + nudge, "o", ms=4, color=colour, alpha=0.55, mew=0)
    interval = summary(values)
    if np.isfinite(interval.low):
        ax.plot([interval.low, interval.high], [row, row], color="black", lw=2.2, solid_capstyle="butt", zorder=3)
    ax.plot(interval.estimate, row, "D", ms=7, color=colour, mec="black", zorder=4)
