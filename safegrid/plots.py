"""Every figure. A figure takes results and never trains; colours are safe for all eyes (Okabe & Ito 2008)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from .evaluation import Comparison, Interval, interquartile_mean, mean
from .mdp import Floats, PolicyScore, TabularMDP
from .sweep import Sweep

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56606b"
_MOVES = np.array([(0.0, 1.6), (1.6, 0.0), (0.0, -1.6), (-1.6, 0.0)])


def plot_board(
    mdp: TabularMDP,
    layer: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    *,
    label: str = "",
    title: str = "",
    limits: tuple[float, float] | None = None,
    cmap: str = "viridis",
    ax: Axes | None = None,
) -> Axes:
    """A grid world from above: hazards hatched, S and G, a coloured layer, and an arrow for each likeliest action.

    Args:
        mdp: of a `SafetyCriticalGridWorld`; its observations are the cells.
        layer: (S,) one number a cell, NaN where there is none.
        policy: (S, A) probabilities; an arrow for each likeliest action, longer the likelier.
        label: what the layer is, with its unit; adds a colour bar.
        title: over the board.
        limits: lowest and highest colour.
        cmap: matplotlib's colour map.
        ax: where to draw; a new figure by default.
    """
    ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")[1] if ax is None else ax
    cells = mdp.observations.astype(int)
    width, height = cells.max(0) + 1
    grid = np.full((height, width), np.nan)
    if layer is not None:
        values = np.array(layer, float)
        values[mdp.terminal] = np.nan
        grid[cells[:, 1], cells[:, 0]] = values
    low, high = limits if limits else (None, None)
    image = ax.imshow(grid, cmap=cmap, vmin=low, vmax=high)
    if label:
        ax.figure.colorbar(image, ax=ax, label=label, shrink=0.85)
    for x, y in cells[mdp.hazard]:
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=RED, edgecolor="white", hatch="////", lw=0))
    for x, y in cells[mdp.goal]:
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=GREEN, lw=0))
        ax.text(x, y, "G", ha="center", va="center", color="white", weight="bold")
    if policy is not None:
        _draw_arrows(ax, mdp, np.asarray(policy, float), np.isfinite(grid[cells[:, 1], cells[:, 0]]) | (layer is None))
    for x, y in cells[mdp.start > 0]:
        ax.add_patch(Rectangle((x - 0.44, y - 0.44), 0.88, 0.88, fill=False, edgecolor="white", lw=3))
        ax.add_patch(Rectangle((x - 0.44, y - 0.44), 0.88, 0.88, fill=False, edgecolor="black", lw=1.5))
        if policy is None:
            ax.text(x, y, "S", ha="center", va="center", weight="bold")
    ax.set(xticks=[0, width - 1], yticks=[0, height - 1], title=title)
    ax.set_xticks(np.arange(width + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(height + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="#dcd8cf", lw=0.5)
    ax.tick_params(which="both", length=0)
    return ax


def _draw_arrows(ax: Axes, mdp: TabularMDP, policy: Floats, shown: Any) -> None:
    """From the middle of a cell outwards, so that tied actions fork; white with a dark edge shows on every colour."""
    best = (policy >= policy.max(1, keepdims=True) - 1e-9) & (shown & ~mdp.terminal)[:, None]
    state, action = np.nonzero(best)
    step = _MOVES[action] * (0.2 + 0.28 * policy[state, action])[:, None]
    tail = mdp.observations[state] - np.where(best.sum(1)[state] > 1, 0.0, 0.5)[:, None] * step
    ax.quiver(
        tail[:, 0], tail[:, 1], step[:, 0], step[:, 1], angles="xy", scale_units="xy", scale=1, units="xy",
        width=0.09, headwidth=3.2, headlength=2.6, headaxislength=2.6, minshaft=1, color="white", edgecolor="#222222",
        linewidth=0.5,
    )  # fmt: skip


def plot_distribution(
    returns: Mapping[str, ArrayLike], *, xlabel: str = "return of an episode (raw reward)", ax: Axes | None = None
) -> Axes:
    """Share of episodes with each return, one outline a name; returns are (E,)."""
    ax = plt.subplots(figsize=(6.4, 3.0), layout="constrained")[1] if ax is None else ax
    low = min(np.min(r) for r in returns.values())
    high = max(np.max(r) for r in returns.values())
    bins = np.linspace(low - 0.5, high + 0.5, 60).tolist()
    for (name, sample), colour, style in zip(returns.items(), _palette(), cycle(("-", "--", ":", "-.")), strict=False):
        sample = np.asarray(sample, float)
        shares = np.full(len(sample), 1 / len(sample))
        ax.hist(sample, bins, weights=shares, histtype="step", lw=1.8, color=colour, ls=style, label=name)
    ax.set(xlabel=xlabel, ylabel="share of episodes")
    ax.legend(frameon=False)
    return ax


def plot_losses(history: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Each loss that `fit` returned, over gradient steps."""
    ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")[1] if ax is None else ax
    for (name, values), colour in zip(((k, v) for k, v in history.items() if k != "step"), _palette(), strict=False):
        ax.plot(history["step"], values, color=colour, lw=1.8, label=name.replace("_", " "))
    ax.set(xlabel="gradient step", ylabel="loss, mean since the last point")
    ax.legend(frameon=False)
    return ax


def plot_comparison(comparison: Comparison, *, figsize: tuple[float, float] = (8.4, 3.2)) -> Figure:
    """Return and hazard of every agent: a dot a run, a bar for the 95% interval, dashed lines for the references."""
    fig, axes = plt.subplots(1, 2, figsize=figsize, sharey=True, layout="constrained")
    names = list(comparison.scores)
    panels = (
        ("return_mean", "return (raw reward), exact", interquartile_mean),
        ("hazard_rate", "hazard rate, exact", mean),
    )
    for ax, (field, label, summary) in zip(axes, panels, strict=True):
        for row, (name, colour) in enumerate(zip(names, _palette(), strict=False)):
            values = comparison.values(name, field).ravel()
            nudge = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
            ax.plot(values, row + nudge, "o", ms=4, color=colour, alpha=0.55, mew=0)
            _draw_interval(ax, summary(comparison.values(name, field)), row, colour)
        for (name, score), style in zip(comparison.references.items(), cycle(("--", ":", "-.")), strict=False):
            ax.axvline(getattr(score, field), color=GREY, ls=style, lw=1.2, label=name)
        ax.set(xlabel=label, yticks=range(len(names)))
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    if comparison.references:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    return fig


def _draw_interval(ax: Axes, interval: Interval, row: float, colour: str) -> None:
    if np.isfinite(interval.low):
        ax.plot([interval.low, interval.high], [row, row], color="black", lw=2.2, solid_capstyle="butt", zorder=3)
    ax.plot(interval.estimate, row, "D", ms=7, color=colour, mec="black", zorder=4)


def plot_weights(
    mdp: TabularMDP,
    policies: Mapping[float, ArrayLike],
    layers: Mapping[float, ArrayLike],
    *,
    label: str,
    columns: int = 3,
) -> Figure:
    """One board for each conservative weight, on one colour scale: a static slider.

    Args:
        mdp: the world.
        policies: (S, A) for each weight.
        layers: (S,) for each weight.
        label: what the layer is, with its unit.
        columns: boards a row.
    """
    rows = -(-len(policies) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(3.1 * columns, 3.15 * rows), layout="constrained", squeeze=False)
    live = ~mdp.terminal
    stack = np.array([np.asarray(v, float)[live] for v in layers.values()])
    limits = (float(np.nanmin(stack)), float(np.nanmax(stack)))
    for ax, weight in zip(axes.flat, policies, strict=False):
        score = mdp.evaluate(policies[weight])
        title = f"weight {weight:g}\nreturn {score.return_mean:.1f}, hazard {score.hazard_rate:.1%}"
        plot_board(mdp, layers[weight], policies[weight], title=title, limits=limits, ax=ax)
        ax.title.set_fontsize(9)
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[len(policies) :]:
        ax.set_visible(False)
    fig.colorbar(axes[0, 0].images[0], ax=axes, label=label, shrink=0.7)
    return fig


def plot_curve(
    weights: Sequence[float],
    panels: Mapping[str, Sequence[Interval]],
    references: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Quantities over the conservative weight, each with its 95% interval; one panel each.

    Args:
        weights: (W,) weights, 0 among them or not; the axis is symmetric-logarithmic.
        panels: label → W intervals.
        references: label → name → level, drawn as dashed lines.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.0), layout="constrained", squeeze=False)
    for ax, (label, intervals) in zip(axes.flat, panels.items(), strict=True):
        estimate, low, high = np.array([(i.estimate, i.low, i.high) for i in intervals]).T
        ax.set_xscale("symlog", linthresh=1.0)
        ax.fill_between(weights, low, high, color=BLUE, alpha=0.2, lw=0)
        ax.plot(weights, estimate, "o-", color=BLUE, lw=1.8)
        for (name, level), style in zip(
            (references or {}).get(label, {}).items(), cycle(("--", ":", "-.")), strict=False
        ):
            ax.axhline(level, color=GREY, ls=style, lw=1.2, label=name)
        ax.set_xticks(weights, [f"{w:g}" for w in weights], rotation=45 if len(weights) > 7 else 0)
        ax.minorticks_off()
        ax.set(xlabel="conservative weight", ylabel=label)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=8)
    return fig


def plot_sweep(
    sweep: Sweep, references: Mapping[str, PolicyScore] | None = None, clones: Sweep | None = None
) -> Figure:
    """Return, hazard and claimed minus true value over the conservative weight, each with its 95% interval over logs.

    Args:
        sweep: trained with the world.
        references: exact scores to stand beside it, such as the optimum's; dashed lines.
        clones: from `train_clone_sweep`; their first penalty is one more line.
    """
    labels = {
        "return_mean": "return (raw reward), exact",
        "hazard_rate": "hazard rate, exact",
        "overestimate": "claimed − true value of the start",
    }
    levels: dict[str, dict[str, float]] = {labels["overestimate"]: {"honest": 0.0}}
    for field in ("return_mean", "hazard_rate"):
        levels[labels[field]] = {name: getattr(score, field) for name, score in (references or {}).items()}
        if clones is not None:
            levels[labels[field]]["BC"] = clones.curve(field)[0].estimate
    return plot_curve(sweep.weights.tolist(), {label: sweep.curve(name) for name, label in labels.items()}, levels)


def plot_sensitivity(
    series: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]],
    *,
    default: str = "default",
    figsize: tuple[float, float] = (12, 4.6),
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
        ("return_mean", "return (raw reward), exact", interquartile_mean),
        ("return_mean", "worst run (raw reward)", _least),
        ("hazard_rate", "hazard rate, exact", mean),
        ("overestimate", "claimed − true value of the start", interquartile_mean),
    )
    fig, axes = plt.subplots(1, len(panels), figsize=figsize, sharey=True, layout="constrained")
    for ax, (field, label, summary) in zip(axes, panels, strict=True):
        for i, (key, colour, marker) in enumerate(zip(series, _palette(), cycle("osD^v"), strict=False)):
            nudge = 0.5 * ((i + 0.5) / len(series) - 0.5)
            for row, name in enumerate(names):
                at = summary(np.asarray(series[key][name][field], float))
                if name == default and np.isfinite(at.low):
                    ax.axvspan(at.low, at.high, color=colour, alpha=0.15, lw=0)
                ax.plot([at.low, at.high], [row + nudge] * 2, color=colour, lw=1.8, solid_capstyle="butt")
                ax.plot(at.estimate, row + nudge, marker, ms=5, color=colour, label=key if row == 0 else None)
        ax.set(xlabel=label, yticks=range(len(names)))
        ax.grid(axis="y", color="#dcd8cf", lw=0.5)
    axes[-1].axvline(0, color=GREY, ls="--", lw=1)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    if len(series) > 1:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(series), frameon=False)
    return fig


def _least(runs: Floats) -> Interval:
    """The worst run; there is no interval for it."""
    return Interval(float(np.min(runs)), float("nan"), float("nan"))


def _palette() -> Iterator[str]:
    """Colours without end: a figure may have more rows than there are colours, but may leave none out."""
    return cycle((BLUE, ORANGE, GREEN, RED, PURPLE, GREY, "black"))
