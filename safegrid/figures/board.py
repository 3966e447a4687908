"""A grid world from above, with a coloured layer and a policy's arrows: the same board as the page's."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from safegrid.array_types import Floats
from safegrid.env import MOVES
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP

from .marks import arrow, draw_arrows, draw_goal, draw_hazards, draw_start, draw_wall
from .style import GRID, PAPER, find_palette, panel, true_minus

SELDOM = 0.01
"""A policy whose expected visits to a cell are fewer does not go there: its arrow is faint."""


def plot_board(
    mdp: TabularMDP,
    layer: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    *,
    label: str = "",
    title: str = "",
    limits: tuple[float, float] | None = None,
    palette: str | Colormap = "presence",
    ax: Axes | None = None,
) -> Axes:
    """A grid world from above, with a coloured layer and an arrow for each likeliest action of a policy.

    Hazards are hatched, walls are grey, the start is framed, G is the goal. Where actions tie the arrow forks; where
    all do there is none. The likelier, the longer. It is faint where the policy hardly goes, at fewer than 0.01
    expected visits.

    Args:
        mdp: of a `SafetyCriticalGridWorld`; its observations are the cells.
        layer: (S,) one number a cell, NaN where there is none: the cell stays blank and without an arrow.
        policy: (S, A) probabilities.
        label: what the layer is, with its unit; adds a colour bar.
        title: over the board.
        limits: lowest and highest colour; by default the layer's own, from 0 for "presence", around 0 for "balance".
        palette: "presence" for visits and counts, "rising" for values, "balance" for differences below and above zero;
            or any colour map of matplotlib's.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: there is no such palette.
    """
    ax = panel(ax, 4.6, 4.2)
    cells = mdp.observations.astype(int)
    width, height = cells.max(0) + 1
    grid = np.full((height, width), np.nan)
    if layer is not None:
        grid[cells[:, 1], cells[:, 0]] = np.where(mdp.terminal, np.nan, np.asarray(layer, float))
    low, high = limits or _span(palette, grid)
    image = ax.imshow(grid, cmap=find_palette(palette), vmin=low, vmax=high)
    if label:
        ax.figure.colorbar(image, ax=ax, label=label, shrink=0.85)
    _draw_world(ax, mdp)
    if policy is not None:
        shown = np.isfinite(grid[cells[:, 1], cells[:, 0]]) | (layer is None)
        _draw_policy(ax, mdp, np.asarray(policy, float), shown & ~mdp.terminal)
    ax.set_title(title)
    return ax


def _span(palette: str | Colormap, values: Floats) -> tuple[float | None, float | None]:
    """The lowest and highest colour that suit a palette."""
    if palette not in ("presence", "balance") or not np.isfinite(values).any():
        return None, None
    reach = float(np.nanmax(np.abs(values))) or 1.0
    return (0.0 if palette == "presence" else -reach), reach


def _draw_world(ax: Axes, mdp: TabularMDP) -> None:
    """Paper, grid, and the cells that are special."""
    cells = mdp.observations.astype(int)
    width, height = cells.max(0) + 1
    draw_hazards(ax, cells[mdp.hazard])
    for cell in cells[mdp.goal]:
        draw_goal(ax, cell)
    for cell in cells[mdp.terminal & ~mdp.hazard & ~mdp.goal]:
        draw_wall(ax, cell)
    for cell in cells[mdp.start > 0]:
        draw_start(ax, cell)
    ax.set(facecolor=PAPER, xticks=[0, width - 1], yticks=[0, height - 1])
    ax.set_xticks(np.arange(width + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(height + 1) - 0.5, minor=True)
    ax.set_axisbelow("line")
    ax.grid(which="minor", color=GRID, ls="-", lw=0.5)
    ax.grid(visible=False, which="major")
    ax.spines[:].set(color=GRID, lw=0.5)
    ax.tick_params(which="both", length=0)


def _draw_policy(ax: Axes, mdp: TabularMDP, policy: Floats, shown: NDArray[np.bool_]) -> None:
    """An arrow for each likeliest action of the cells shown."""
    best = policy >= policy.max(1, keepdims=True) - 1e-9
    tied, chance = best.sum(1), np.where(best, policy, 0).sum(1)
    goes = np.ones(mdp.n_states, bool) if mdp.horizon is None else mdp.expected_visits(policy) >= SELDOM
    best &= (shown & (tied < policy.shape[1]))[:, None]
    for faint in (True, False):
        pairs = np.argwhere(best & (goes != faint)[:, None])
        arrows = [arrow(mdp.observations[s], MOVES[a], tied[s] > 1, 0.4 + 0.6 * chance[s]) for s, a in pairs]
        draw_arrows(ax, arrows, faint=faint)


def plot_weights(
    mdp: TabularMDP,
    policies: Mapping[float, ArrayLike],
    layers: Mapping[float, ArrayLike],
    *,
    label: str,
    palette: str | Colormap = "presence",
    columns: int = 3,
) -> Figure:
    """One board for each conservative weight, on one colour scale: a static slider.

    Args:
        mdp: the world.
        policies: (S, A) for each weight.
        layers: (S,) for each weight.
        label: what the layer is, with its unit.
        palette: as `plot_board`'s.
        columns: boards a row.

    Raises:
        ValueError: there is no such palette.
    """
    rows = -(-len(policies) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(3.1 * columns, 3.15 * rows), layout="constrained", squeeze=False)
    stack = np.array([np.asarray(layer, float)[~mdp.terminal] for layer in layers.values()])
    low, high = _span(palette, stack)
    limits = (np.nanmin(stack) if low is None else low, np.nanmax(stack) if high is None else high)
    for ax, weight in zip(axes.flat, policies, strict=False):
        score = mdp.evaluate(policies[weight])
        title = f"weight {weight:g}\nreturn {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
        plot_board(
            mdp, layers[weight], policies[weight], title=true_minus(title), limits=limits, palette=palette, ax=ax
        )
        ax.title.set_fontsize(9)
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[len(policies) :]:
        ax.set_visible(False)
    fig.colorbar(axes[0, 0].images[0], ax=axes, label=label, shrink=0.7)
    return fig
