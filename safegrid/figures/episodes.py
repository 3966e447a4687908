"""Returns of single episodes: how they spread, and how bad the worst ones are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from safegrid.scores import CVAR_FRACTION

from .style import GREY, line_colours, line_dashes, panel


def plot_distribution(
    returns: Mapping[str, ArrayLike], *, xlabel: str = "return of an episode (raw reward)", ax: Axes | None = None
) -> Axes:
    """Share of episodes with each return, one outline a name; returns are (E,)."""
    ax = panel(ax, 6.4, 3.0)
    low = min(np.min(r) for r in returns.values())
    high = max(np.max(r) for r in returns.values())
    bins = np.linspace(low - 0.5, high + 0.5, 60).tolist()
    for (name, sample), colour, style in zip(returns.items(), line_colours(), line_dashes(), strict=False):
        sample = np.asarray(sample, float)
        shares = np.full(len(sample), 1 / len(sample))
        ax.hist(sample, bins, weights=shares, histtype="step", lw=1.8, color=colour, ls=style, label=name)
    ax.set(xlabel=xlabel, ylabel="share of episodes")
    ax.legend(frameon=False)
    return ax


def plot_lower_tail(
    returns: Mapping[str, ArrayLike], *, fraction: float = CVAR_FRACTION, shown: float = 0.25, ax: Axes | None = None
) -> Axes:
    """Returns from the worst episode on, with the share that CVaR averages shaded.

    Args:
        returns: name → (E,) return of each episode, in raw reward.
        fraction: share of the worst episodes that counts, in (0, 1].
        shown: how far to go, as a share of the episodes, in [fraction, 1].
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: names the argument, its value and what was expected.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction!r}, expected a share in (0, 1]")
    if not fraction <= shown <= 1:
        raise ValueError(f"shown is {shown!r}, expected a share in [{fraction}, 1]")
    ax = panel(ax, 6.4, 3.0)
    ax.axvspan(0, 100 * fraction, color=GREY, alpha=0.2, lw=0, label=f"worst {fraction:.0%}")
    for (name, sample), colour, style in zip(returns.items(), line_colours(), line_dashes(), strict=False):
        ordered = np.sort(np.asarray(sample, float))
        values, counts = np.unique(ordered[: max(1, round(shown * len(ordered)))], return_counts=True)
        edges = 100 * np.append(0, np.cumsum(counts)) / len(ordered)
        ax.stairs(values, edges, baseline=None, lw=1.8, color=colour, ls=style, label=name)
    ax.set(xlabel="share of episodes, worst first (%)", ylabel="return of an episode\n(raw reward)")
    ax.set_xlim(0, 100 * shown)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax
