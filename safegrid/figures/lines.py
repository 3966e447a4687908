"""One quantity over another, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from safegrid.array_types import Floats
from safegrid.intervals import Interval, interquartile_mean

from .style import draw_levels, line_colours, line_dashes, panel


def plot_lines(
    x: ArrayLike,
    lines: Mapping[str, Sequence[Interval] | ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    summary: Callable[[Floats], Interval] = interquartile_mean,
    scale: str = "linear",
    linthresh: float = 1.0,
    levels: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One quantity over another: a line, a marker and a dash for each name, with its 95% interval where it has one.

    Args:
        x: (N,) positions.
        lines: name → N intervals, N numbers, or (N, L) or (N, L, K) runs of L logs and K network seeds.
        xlabel: what x is, with its unit.
        ylabel: what the lines are, with their unit.
        title: over the panel.
        summary: of the runs at one position: `interquartile_mean`, or `mean` for rates.
        scale: of the horizontal axis: "linear", "log" or "symlog".
        linthresh: below it a "symlog" axis is linear.
        levels: name → height of a grey horizontal line, such as the optimum's.
        ax: where to draw; a new figure by default.
    """
    ax = panel(ax, 6.4, 3.2)
    if scale == "symlog":
        ax.set_xscale(scale, linthresh=linthresh)
    else:
        ax.set_xscale(scale)
    styles = zip(lines.items(), line_colours(), cycle("os^Dvx"), line_dashes(), strict=False)
    for (name, given), colour, marker, dash in styles:
        values: Any = given
        if np.ndim(values) > 1:
            values = [summary(np.asarray(runs, float)) for runs in values]
        if intervals := [v for v in values if isinstance(v, Interval)]:
            low, high = [v.low for v in intervals], [v.high for v in intervals]
            ax.fill_between(np.asarray(x, float), low, high, color=colour, alpha=0.2, lw=0)
        heights = [v.estimate if isinstance(v, Interval) else float(v) for v in values]
        ax.plot(np.asarray(x, float), heights, color=colour, marker=marker, ls=dash, ms=4.5, lw=1.6, label=name)
    draw_levels(ax, levels or {}, upright=False)
    if scale != "linear":  # the positions themselves, not the powers of ten
        ax.set_xticks(np.asarray(x, float), [f"{position:,g}" for position in np.asarray(x, float)])
        ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend(frameon=False)
    return ax
