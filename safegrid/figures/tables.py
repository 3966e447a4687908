"""A table of results as coloured cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from scipy.stats import trim_mean

from safegrid.array_types import Floats
from safegrid.intervals import Interval

from .style import find_palette, panel, true_minus


def plot_cells(
    columns: Sequence[float],
    rows: Sequence[float],
    runs: ArrayLike,
    *,
    field: str,
    xlabel: str = "conservative weight",
    ylabel: str = "",
    title: str = "",
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A table of results as colours: in each cell the summary of its runs and, below, the lowest and the highest.

    A frame marks the best cell of each row: the highest return, the lowest hazard, the claim nearest to the truth.

    Args:
        columns: (C,) what changes along a row, such as the conservative weight.
        rows: (R,) what changes from row to row.
        runs: (R, C, N) one score a run; interquartile mean, for rates the plain mean.
        field: `return_mean`, `hazard_rate` or `overestimate`.
        xlabel: what the columns are.
        ylabel: what the rows are.
        title: over the panel.
        limits: lowest and highest colour.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: the runs are not one list a cell.
    """
    ax = panel(ax, 4.6, 2.6)
    values = np.asarray(runs, float)
    if values.ndim != 3 or values.shape[:2] != (len(rows), len(columns)):
        raise ValueError(f"runs has shape {values.shape}, expected ({len(rows)}, {len(columns)}, runs)")
    centre = values.mean(-1) if field.endswith("_rate") else np.asarray(trim_mean(values, 0.25, axis=-1))
    cost = {"return_mean": -centre, "hazard_rate": centre, "overestimate": np.abs(centre)}[field]
    palette = find_palette({"return_mean": "rising", "hazard_rate": "cividis_r", "overestimate": "balance"}[field])
    low, high = limits or (None, None)
    image = ax.imshow(centre, cmap=palette, vmin=low, vmax=high, aspect="auto")
    for row, column in np.ndindex(centre.shape):
        luminance = np.dot(palette(image.norm(centre[row, column]))[:3], (0.299, 0.587, 0.114))
        ink = "black" if luminance > 0.45 else "white"
        words = _describe(float(centre[row, column]), values[row, column], field.endswith("_rate"))
        for text, below, align, size in zip(words, (0, 0.06), ("bottom", "top"), (10, 7), strict=True):
            ax.text(column, row + below, text, ha="center", va=align, fontsize=size, color=ink)
        if cost[row, column] == cost[row].min():
            ax.add_patch(Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, fill=False, edgecolor=ink, lw=1.6))
    ax.set_xticks(range(len(columns)), [f"{c:g}" for c in columns])
    ax.set_yticks(range(len(rows)), [f"{r:g}" for r in rows])
    ax.tick_params(length=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    return ax


def _describe(centre: float, runs: Floats, rate: bool) -> tuple[str, str]:
    """A cell's summary, and its lowest and highest run."""
    low, high = runs.min(), runs.max()
    n = Interval(centre).decimals(percent=rate) - 1
    ends = f"{100 * low:.{n}f}–{100 * high:.{n}f}%" if rate else f"{low:.{n}f} … {high:.{n}f}"
    return true_minus(format(Interval(centre), "%" if rate else "")), true_minus(ends)
