"""Agents beside each other: the scores of their runs, and the share of runs above each score."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safegrid.evaluation import Comparison
from safegrid.intervals import interquartile_mean, mean, performance_profile

from .runs import draw_row
from .style import LABELS, draw_levels, line_colours, line_dashes, name_rows, panel, rate_axis


def plot_comparison(
    comparison: Comparison,
    fields: Sequence[str] = ("return_mean", "hazard_rate", "timeout_rate"),
    *,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Scores of every agent, a panel a field: a dot a run, a bar for the 95% interval, dashed lines for the references.

    The diamond is the interquartile mean; where rare disasters must count, of rates and CVaR, the plain mean. The
    hazard rate's axis is logarithmic.

    Args:
        comparison: from `compare`, or put together from sweeps.
        fields: of `PolicyScore`.
        figsize: in inches.
    """
    size = figsize or (3.7 * len(fields), 3.2)
    fig, (axes,) = plt.subplots(1, len(fields), figsize=size, sharey=True, layout="constrained", squeeze=False)
    names = list(comparison.scores)
    for ax, field in zip(axes, fields, strict=True):
        label, summary = LABELS.get(field, field), interquartile_mean if field == "return_mean" else mean
        for row, (name, colour) in enumerate(zip(names, line_colours(), strict=False)):
            draw_row(ax, row, comparison.values(name, field), summary, colour)
        draw_levels(ax, {name: getattr(score, field) for name, score in comparison.references.items()})
        ax.margins(x=0.1)  # the optimum's line keeps clear of the frame
        rate_axis(ax, field)
        ax.set(xlabel=label, yticks=range(len(names)))
    name_rows(axes[0], names)
    if comparison.references:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    return fig


def plot_profiles(
    comparison: Comparison, field: str = "return_mean", *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Performance profiles (Agarwal et al. 2021): over each score τ, the share of runs above it, with a 95% band.

    Further to the right and higher is better, wherever two lines do not cross. Vertical lines are the references.

    Args:
        comparison: from `compare`, or put together from sweeps.
        field: of `PolicyScore`, such as `return_mean`, `return_cvar`.
        title: over the panel.
        ax: where to draw; a new figure by default.
    """
    ax = panel(ax, 5.2, 3.4)
    scores = {name: comparison.values(name, field) for name in comparison.scores}
    marks = [getattr(score, field) for score in comparison.references.values()]
    seen = np.concatenate([marks, *(s[np.isfinite(s)] for s in scores.values())])  # a run that diverged has no place
    room = 0.04 * float(np.ptp(seen)) or 1.0
    levels = np.linspace(seen.min() - room, seen.max() + room, 400)
    for (name, values), colour, style in zip(scores.items(), line_colours(), line_dashes(), strict=False):
        share, low, high = np.array([(i.estimate, i.low, i.high) for i in performance_profile(values, levels)]).T
        ax.fill_between(levels, low, high, color=colour, alpha=0.15, lw=0)
        ax.plot(levels, share, ls=style, color=colour, lw=2, label=name)
    draw_levels(ax, {name: getattr(score, field) for name, score in comparison.references.items()})
    label = LABELS.get(field, field)
    ax.set(xlabel=f"τ: {label}", ylabel="share of runs above τ", ylim=(-0.03, 1.03), title=title)
    return ax
