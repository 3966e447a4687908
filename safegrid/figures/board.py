"""Every figure. A figure takes results and never trains; colours are safe for all eyes (Okabe & Ito 2008)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from scipy.stats import trim_mean

from ..evaluation import Comparison, Interval, interquartile_mean, mean, performance_profile
from ..mdp import CVAR_FRACTION, Floats, PolicyScore, TabularMDP
from ..ope import estimate_errors
from ..sweep import Sweep

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
    ax = plt.subplots(figsize=(6.4, 3.0), layout="constrained")[1] if ax is None else ax
    ax.axvspan(0, 100 * fraction, color=GREY, alpha=0.2, lw=0, label=f"worst {fraction:.0%}")
    for (name, sample), colour, style in zip(returns.items(), _palette(), cycle(("-", "--", ":", "-.")), strict=False):
        ordered = np.sort(np.asarray(sample, float))
        values, counts = np.unique(ordered[: max(1, round(shown * len(ordered)))], return_counts=True)
        edges = 100 * np.append(0, np.cumsum(counts)) / len(ordered)
        ax.stairs(values, edges, baseline=None, lw=1.8, color=colour, ls=style, label=name)
    ax.set(xlabel="share of episodes, worst first (%)", ylabel="return of an episode\n(raw reward)")
    ax.set_xlim(0, 100 * shown)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def plot_losses(history: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Each loss that `fit` returned, over gradient steps."""
    ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")[1] if ax is None else ax
    for (name, values), colour in zip(((k, v) for k, v in history.items() if k != "step"), _palette(), strict=False):
        ax.plot(history["step"], values, color=colour, lw=1.8, label=name.replace("_", " "))
    ax.set(xlabel="gradient step", ylabel="loss, mean since the last point")
    ax.legend(frameon=False)
    return ax


_LABELS = {
    "return_mean": "return (raw reward), exact",
    "return_cvar": "worst 5% of episodes, mean (raw reward)",
    "hazard_rate": "hazard rate, exact",
    "overestimate": "claimed − true value of the start\n(discounted raw reward)",
}


def plot_comparison(
    comparison: Comparison,
    fields: Sequence[str] = ("return_mean", "hazard_rate"),
    *,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Scores of every agent, a panel a field: a dot a run, a bar for the 95% interval, dashed lines for the references.

    The diamond is the interquartile mean; where rare disasters must count, of hazard rate and CVaR, the plain mean.

    Args:
        comparison: from `compare`, or put together from sweeps.
        fields: of `PolicyScore`.
        figsize: in inches.
    """
    size = figsize or (4.2 * len(fields), 3.2)
    fig, (axes,) = plt.subplots(1, len(fields), figsize=size, sharey=True, layout="constrained", squeeze=False)
    names = list(comparison.scores)
    for ax, field in zip(axes, fields, strict=True):
        label, summary = _LABELS.get(field, field), interquartile_mean if field == "return_mean" else mean
        for row, (name, colour) in enumerate(zip(names, _palette(), strict=False)):
            _draw_row(ax, row, comparison.values(name, field), summary, colour)
        for (name, score), style in zip(comparison.references.items(), cycle(("--", ":", "-.")), strict=False):
            ax.axvline(getattr(score, field), color=GREY, ls=style, lw=1.2, label=name)
        ax.margins(x=0.1)  # the optimum's line keeps clear of the frame
        ax.set(xlabel=label, yticks=range(len(names)))
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
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
    ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")[1] if ax is None else ax
    scores = {name: comparison.values(name, field) for name in comparison.scores}
    marks = [getattr(score, field) for score in comparison.references.values()]
    ends = [min([*marks, *(s.min() for s in scores.values())]), max([*marks, *(s.max() for s in scores.values())])]
    room = 0.04 * (ends[1] - ends[0]) or 1.0
    levels = np.linspace(ends[0] - room, ends[1] + room, 400)
    for (name, values), colour, style in zip(scores.items(), _palette(), cycle(("-", "--", ":", "-.")), strict=False):
        share, low, high = np.array([(i.estimate, i.low, i.high) for i in performance_profile(values, levels)]).T
        ax.fill_between(levels, low, high, color=colour, alpha=0.15, lw=0)
        ax.plot(levels, share, ls=style, color=colour, lw=2, label=name)
    for (name, score), style in zip(comparison.references.items(), cycle(("--", ":", "-.")), strict=False):
        ax.axvline(getattr(score, field), color=GREY, ls=style, lw=1.2, label=name)
    label = _LABELS.get(field, field)
    ax.set(xlabel=f"τ: {label}", ylabel="share of runs above τ", ylim=(-0.03, 1.03), title=title)
    return ax


def plot_runs(
    panels: Mapping[str, Mapping[str, ArrayLike]],
    levels: Mapping[str, Mapping[str, float]] | None = None,
    *,
    row_height: float = 0.38,
) -> Figure:
    """Every run of every recipe: a dot a run, a diamond for the mean, a bar for its 95% interval.

    Args:
        panels: label of a quantity, with its unit → name of a recipe → (K,) one number a run. The first panel's names
            are the rows.
        levels: label → name → level, drawn as dashed lines.
        row_height: of one recipe, in inches.
    """
    names = list(next(iter(panels.values())))
    size = (0.8 + 3.6 * len(panels), 0.9 + row_height * len(names))
    fig, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, layout="constrained", squeeze=False)
    for ax, (label, runs) in zip(axes[0], panels.items(), strict=True):
        for (row, name), colour in zip(enumerate(names), _palette(), strict=False):
            if name in runs:
                _draw_row(ax, row, np.ravel(runs[name]), mean, colour)
        for (name, level), style in zip((levels or {}).get(label, {}).items(), cycle(("--", ":", "-.")), strict=False):
            ax.axvline(level, color=GREY, ls=style, lw=1.2, label=name)
        ax.set(xlabel=label, yticks=range(len(names)))
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].invert_yaxis()
    return fig


def _draw_row(ax: Axes, row: int, runs: ArrayLike, summary: Callable[[Floats], Interval], colour: str) -> None:
    """A dot a run, a diamond for their summary, a bar for its interval."""
    values = np.asarray(runs, float)
    nudge = np.linspace(-0.22, 0.22, values.size) if values.size > 1 else np.zeros(1)
    ax.plot(values.ravel(), row + nudge, "o", ms=4, color=colour, alpha=0.55, mew=0)
    interval = summary(values)
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
        plot_board(mdp, layers[weight], policies[weight], title=_true_minus(title), limits=limits, ax=ax)
        ax.title.set_fontsize(9)
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[len(policies) :]:
        ax.set_visible(False)
    fig.colorbar(axes[0, 0].images[0], ax=axes, label=label, shrink=0.7)
    return fig


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
    ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")[1] if ax is None else ax
    if scale == "symlog":
        ax.set_xscale(scale, linthresh=linthresh)
    else:
        ax.set_xscale(scale)
    styles = zip(lines.items(), _palette(), cycle("os^Dvx"), cycle(("-", "--", ":", "-.")), strict=False)
    for (name, given), colour, marker, dash in styles:
        values: Any = given
        if np.ndim(values) > 1:
            values = [summary(np.asarray(runs, float)) for runs in values]
        if intervals := [v for v in values if isinstance(v, Interval)]:
            low, high = [v.low for v in intervals], [v.high for v in intervals]
            ax.fill_between(np.asarray(x, float), low, high, color=colour, alpha=0.2, lw=0)
        heights = [v.estimate if isinstance(v, Interval) else float(v) for v in values]
        ax.plot(np.asarray(x, float), heights, color=colour, marker=marker, ls=dash, ms=4.5, lw=1.6, label=name)
    for (name, level), dash in zip((levels or {}).items(), cycle(("--", ":", "-.")), strict=False):
        ax.axhline(level, color=GREY, ls=dash, lw=1.2, label=name)
    if scale != "linear":  # the positions themselves, not the powers of ten
        ax.set_xticks(np.asarray(x, float), [f"{position:,g}" for position in np.asarray(x, float)])
        ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_sweep(
    sweep: Sweep, references: Mapping[str, PolicyScore] | None = None, clones: Sweep | None = None
) -> Figure:
    """Return, hazard and claimed minus true value over the conservative weight, each with its 95% interval over logs.

    Args:
        sweep: trained with the world.
        references: exact scores to stand beside it, such as the optimum's; dashed lines.
        clones: from `train_clone_sweep`; their first penalty is one more line.
    """
    fig, axes = plt.subplots(1, 3, figsize=(10.8, 3.3), layout="constrained")
    for ax, field in zip(axes, ("return_mean", "hazard_rate", "overestimate"), strict=True):
        levels = {"honest": 0.0}
        if field != "overestimate":
            levels = {name: getattr(score, field) for name, score in (references or {}).items()}
            if clones is not None:
                bc = clones.curve(field)[0]
                levels["BC"] = bc.estimate
                ax.axhspan(bc.low, bc.high, color=GREY, alpha=0.12, lw=0)
        plot_lines(
            sweep.weights, {"CQL": sweep.curve(field)}, xlabel="conservative weight", ylabel=_LABELS[field],
            scale="symlog", levels=levels, ax=ax,
        )  # fmt: skip
        ax.tick_params(axis="x", rotation=90 if len(sweep.weights) > 7 else 0)
        ax.get_legend().remove()
    named = {name: line for ax in axes for line, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(named.values(), named.keys(), loc="outside upper right", ncols=len(named), frameon=False)
    return fig


def _true_minus(text: str) -> str:
    """Numbers as the axes print them: a true minus, and none before a zero."""
    return re.sub(r"-(?=0(?:\.0+)?(?![\d.]))", "", text).replace("-", "−")


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
    """
    ax = plt.subplots(figsize=(4.6, 2.6), layout="constrained")[1] if ax is None else ax
    values = np.asarray(runs, float)
    if values.ndim != 3 or values.shape[:2] != (len(rows), len(columns)):
        raise ValueError(f"runs has shape {values.shape}, expected ({len(rows)}, {len(columns)}, runs)")
    centre = values.mean(-1) if field.endswith("_rate") else np.asarray(trim_mean(values, 0.25, axis=-1))
    cost = {"return_mean": -centre, "hazard_rate": centre, "overestimate": np.abs(centre)}[field]
    cmap = {"return_mean": "viridis", "hazard_rate": "cividis_r", "overestimate": "PuOr_r"}[field]
    image = ax.imshow(
        centre, cmap=cmap, vmin=(limits or (None, None))[0], vmax=(limits or (None, None))[1], aspect="auto"
    )
    show = "{:.1%}" if field.endswith("_rate") else "{:.1f}"
    for row, column in np.ndindex(centre.shape):
        luminance = np.dot(image.cmap(image.norm(centre[row, column]))[:3], (0.299, 0.587, 0.114))
        ends = values[row, column].min(), values[row, column].max()
        if field.endswith("_rate"):
            brief = "{:.0f}–{:.0f}%".format(*(100 * end for end in ends))
        else:
            brief = "{:.0f} … {:.0f}".format(*ends)
        text: dict[str, Any] = {"ha": "center", "color": "black" if luminance > 0.45 else "white"}
        ax.text(column, row, _true_minus(show.format(centre[row, column])), va="bottom", fontsize=10, **text)
        ax.text(column, row + 0.06, _true_minus(brief), va="top", fontsize=7, **text)
        if cost[row, column] == cost[row].min():
            ax.add_patch(
                Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, fill=False, edgecolor=text["color"], lw=1.6)
            )
    ax.set_xticks(range(len(columns)), [f"{c:g}" for c in columns])
    ax.set_yticks(range(len(rows)), [f"{r:g}" for r in rows])
    ax.tick_params(length=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
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
        for (name, level), style in zip((references or {}).items(), cycle((":", "-.")), strict=False):
            axes[0, column].axhline(level, color=GREY, ls=style, lw=1.2, label=name)
        axes[0, column].set_title(f"weight {weight:g}", fontsize=10)
    axes[0, 0].set_ylabel("return (raw reward), exact")
    axes[1, 0].set_ylabel("value of the start\n(discounted raw reward)")
    axes[1, 0].set_yscale("symlog", linthresh=20)
    for ax in axes[:, 0]:
        ax.legend(frameon=False, fontsize=8)
    fig.supxlabel("gradient step", fontsize=10)
    return fig


def plot_sensitivity(
    series: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]],
    *,
    default: str = "default",
    figsize: tuple[float, float] = (9.5, 5),
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
        ("return_mean", _LABELS["return_mean"], interquartile_mean),
        ("return_mean", "worst run's return (raw reward)", _least),
        ("hazard_rate", _LABELS["hazard_rate"], mean),
        ("overestimate", _LABELS["overestimate"], interquartile_mean),
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
        ax.set(xlabel=label.replace(" (", "\n("), yticks=range(len(names)))
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


def plot_estimates(
    estimates: Mapping[str, ArrayLike],
    truth: ArrayLike,
    groups: Mapping[str, Sequence[int]],
    *,
    limits: tuple[float, float] | None = None,
    columns: int = 3,
) -> Figure:
    """Each estimator's values against the exact ones, a mark for each candidate and log; on the diagonal it is right.

    Above each panel stand the mean over logs of bias, root-mean-square error and rank correlation, in it how many
    estimates there are none of, or none within the limits.

    Args:
        estimates: name → (C, L), NaN where there is none.
        truth: (C, L), exact values.
        groups: name → indices of candidates that share a mark.
        limits: lowest and highest estimate shown; by default all are.
        columns: panels a row.
    """
    exact, rows = np.asarray(truth, float), -(-len(estimates) // columns)
    size = (3.1 * columns, 0.4 + 2.9 * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False)
    for ax, (name, values) in zip(axes.flat, estimates.items(), strict=False):
        guess = np.asarray(values, float)
        for (group, members), colour, mark in zip(groups.items(), _palette(), cycle("osD^v"), strict=False):
            x, y = exact[list(members)].ravel(), guess[list(members)].ravel()
            ax.plot(x, y, mark, ms=4, color=colour, alpha=0.6, mew=0, label=group)
        ax.axline((0, 0), (1, 1), color=GREY, ls="--", lw=1)
        error = estimate_errors(guess, exact)
        bias, rmse, rank = (np.mean(error[key][np.isfinite(error[key])]) for key in ("bias", "rmse", "rank"))
        ax.set_title(f"{name}\n" + _true_minus(f"bias {bias:.1f}, rmse {rmse:.1f}, rank {rank:.2f}"), fontsize=9)
        low, high = limits if limits else (-np.inf, np.inf)
        absent = {"no estimate": np.isnan(guess), "not shown": (guess < low) | (guess > high)}
        notes = [f"{label}: {int(which.sum())}" for label, which in absent.items() if which.any()]
        ax.text(0.03, 0.97, "\n".join(notes), transform=ax.transAxes, va="top", fontsize=8)
    axes[0, 0].set_ylim(limits)
    for ax in axes.flat[len(estimates) :]:
        ax.set_visible(False)
    fig.supxlabel("exact value of the start (discounted raw reward)", fontsize=10)
    fig.supylabel("estimate (discounted raw reward)", fontsize=10)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=len(groups), frameon=False)
    return fig


def plot_regrets(
    regrets: Mapping[str, Mapping[str, ArrayLike]], references: Mapping[str, float] | None = None
) -> Figure:
    """What each rule's choice costs: a dot a log, a diamond for the mean, a bar for its 95% interval; a panel a world.

    Args:
        regrets: world → rule → (L,) regrets, in discounted raw reward.
        references: world → the regret of a blind draw, dashed.
    """
    rules = list(next(iter(regrets.values())))
    fig, axes = plt.subplots(
        1, len(regrets), figsize=(4.4 * len(regrets), 0.6 + 0.36 * len(rules)), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for ax, (world, of_rule) in zip(axes.flat, regrets.items(), strict=True):
        for row, (rule, colour) in enumerate(zip(rules, _palette(), strict=False)):
            _draw_row(ax, row, of_rule[rule], mean, colour)
        if references:
            ax.axvline(references[world], color=GREY, ls="--", lw=1.2, label="a blind draw")
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(-0.1, 1.4 * max(np.max(values) for values in of_rule.values()))
        ax.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        ax.set(title=world, xlabel="regret (discounted raw reward), exact")
    axes[0, 0].set_yticks(range(len(rules)), rules)
    axes[0, 0].invert_yaxis()
    if references:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", frameon=False)
    return fig


def _palette() -> Iterator[str]:
    """Colours without end: a figure may have more rows than there are colours, but may leave none out."""
    return cycle((BLUE, ORANGE, GREEN, RED, PURPLE, GREY, "black"))
