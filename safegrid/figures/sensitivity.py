"""What each changed setting does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from safegrid.array_types import Floats
from safegrid.intervals import Interval, interquartile_mean, mean

from .style import GREY, GRID, LABELS, line_colours, name_rows, rate_axis


def plot_sensitivity(
    series: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]],
    *,
    default: str = "default",
    figsize: tuple[float, float] = (10.5, 5),
) -> Figure:
    """What each changed setting does: return, worst run, hazard and claimed minus true value, a row a setting.

    A marker is the interquartile mean over the runs, for the hazard the mean; its bar the 95% interval over logs. A
    shaded band is the interval of the row named `default`. The worst run has no interval.

    Args:
        series: name of a series, such as a map → setting → "return_mean", "hazard_rate" and "overestimate" → (L, K)
            scores of L logs and K network seeds. Every series has the same settings.
        default: the row to compare with.
        figsize: width and height in inches.

    Raises:
        ValueError: a series lacks the row `default`, or its settings differ from the first one's.
    """
    names = list(next(iter(series.values())))
    for key, rows in series.items():
        if default not in rows or list(rows) != names:
            raise ValueError(f"series[{key!r}] has rows {list(rows)}, expected {names} with {default!r} among them")
    panels: tuple[tuple[str, str, Callable[[Floats], Interval]], ...] = (
        ("return_mean", LABELS["return_mean"], interquartile_mean),
        ("return_mean", "worst run's return (raw reward)", _least),
        ("hazard_rate", LABELS["hazard_rate"], mean),
        ("overestimate", LABELS["overestimate"], interquartile_mean),
    )
    widths = {"width_ratios": [1, 1, 1.5, 1]}  # a logarithmic axis has the longest labels
    fig, axes = plt.subplots(1, len(panels), figsize=figsize, sharey=True, layout="constrained", gridspec_kw=widths)
    for ax, (field, label, summary) in zip(axes, panels, strict=True):
        for i, (key, colour, marker) in enumerate(zip(series, line_colours(), cycle("osD^v"), strict=False)):
            nudge = 0.5 * ((i + 0.5) / len(series) - 0.5)
            for row, name in enumerate(names):
                at = summary(np.asarray(series[key][name][field], float))
                if name == default and np.isfinite(at.low):
                    ax.axvspan(at.low, at.high, color=colour, alpha=0.15, lw=0)
                ax.plot([at.low, at.high], [row + nudge] * 2, color=colour, lw=1.8, solid_capstyle="butt")
                ax.plot(at.estimate, row + nudge, marker, ms=5, color=colour, label=key if row == 0 else None)
        rate_axis(ax, field)
        ax.set(xlabel=label.replace(" (", "\n("), yticks=range(len(names)))
        ax.grid(axis="y", color=GRID, lw=0.5)
    axes[-1].axvline(0, color=GREY, ls="--", lw=1)
    name_rows(axes[0], names)
    if len(series) > 1:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(series), frameon=False)
    return fig


def _least(runs: Floats) -> Interval:
    """The worst run; there is no interval for it."""
    return Interval(float(np.min(runs)), float("nan"), float("nan"))
