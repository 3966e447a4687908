"""The marks on a board, measured in cells as those of the page are: hazards, the goal, walls, the start, arrows.

The middle of a cell lies at its whole (x, y), and y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from safegrid.array_types import Floats

from .style import GREEN, GREY, RED

LONE, FORK = (-0.34, 0.36, 0.2, 0.06), (0.0, 0.44, 0.13, 0.035)
"""Tail, tip, half the head's width, half the shaft's: of an arrow across a cell, of one that forks from its middle."""

HATCHES = ((0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75), 0.09)
"""Where x + y lies along each line of a hazard's hatch, from the corner; and how wide the lines are."""


def arrow(cell: Sequence[float], move: Sequence[float], fork: bool, length: float = 1.0) -> Floats:
    """The seven corners of an arrow, (7, 2), as the page's.

    Args:
        cell: (x, y) where it stands.
        move: (dx, dy) where it points to.
        fork: whether it is one of several in its cell, which all begin in the middle.
        length: its share of a whole arrow's length; the head keeps its size.
    """
    tail, tip, wing, half = FORK if fork else LONE
    tail, tip = length * tail, length * tip
    neck = tip - 1.3 * wing
    shape = [(tail, half), (neck, half), (neck, wing), (tip, 0), (neck, -wing), (neck, -half), (tail, -half)]
    (dx, dy), along = move, np.array(shape)
    return np.asarray(cell) + along @ np.array([(dx, dy), (-dy, dx)], float)


def outset(corners: Floats, by: float) -> Floats:
    """The polygon (N, 2) grown by so many cells on every side, round at its corners."""
    step = np.roll(corners, -1, 0) - corners
    area = np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - corners[:, 1] * np.roll(corners[:, 0], -1))
    outward = np.sign(area) * np.stack([step[:, 1], -step[:, 0]], 1) / np.hypot(*step.T)[:, None]
    points = list[Floats]()
    for corner, before, after in zip(corners, np.roll(outward, 1, 0), outward, strict=True):
        inner = np.sign(area) * (before[0] * after[1] - before[1] * after[0]) < 0
        mixes = [0.5] if inner else np.linspace(0, 1, 5)
        for way in (before + mix * (after - before) for mix in mixes):
            reach = by / (way @ before) if inner else by / np.hypot(*way)
            points.append(corner + reach * way)
    return np.array(points)


def draw_arrows(ax: Axes, arrows: Sequence[Floats], *, faint: bool) -> None:
    """White arrows with a dark edge, which show on every colour; faint ones are half transparent.

    The edge lies around the arrow, so that arrows of a cell grow into one; where they are transparent it is a ring, as
    nothing may shine through.
    """
    name = "_faint arrows" if faint else "_arrows"
    grown = [outset(corners, 0.03 if faint else 0.05) for corners in arrows]
    if faint:
        rings = [_ring(outer, inner) for outer, inner in zip(grown, arrows, strict=True)]
        ax.add_collection(PathCollection(rings, facecolor="#444444", lw=0, alpha=0.5, zorder=3), autolim=False)
    else:
        ax.add_collection(PolyCollection(grown, facecolor="#222222", lw=0, zorder=3.2), autolim=False)
    white = PolyCollection(
        arrows, facecolor="white", lw=0, alpha=0.5 if faint else 1, zorder=3.1 if faint else 3.3, label=name
    )
    ax.add_collection(white, autolim=False)


def _ring(outer: Floats, inner: Floats) -> Path:
    """What lies between two polygons that go round the same way."""
    return Path.make_compound_path(Path(outer, closed=False), Path(inner[::-1], closed=False))


def draw_hazards(ax: Axes, cells: Iterable[Sequence[int]]) -> None:
    """Full squares with white hatches, so that it is not the colour alone that warns."""
    lines, (places, width) = list[Floats](), HATCHES
    aside = width / np.sqrt(8) * np.ones(2)
    for x, y in cells:
        _draw_square(ax, (x, y), RED)
        for place in places:
            near, far = max(0, place - 1) - 0.5, min(1, place) - 0.5
            ends = np.array([(x + near, y + far), (x + far, y + near)])
            lines.append(np.concatenate([ends + aside, ends[::-1] - aside]))
    ax.add_collection(PolyCollection(lines, facecolor="white", lw=0, zorder=2.1, label="_hatch"), autolim=False)


def draw_goal(ax: Axes, cell: Sequence[int]) -> None:
    """A full square with a white letter, which grows with the board."""
    x, y = cell
    _draw_square(ax, cell, GREEN)
    letter = TextPath((0, 0), "G", size=0.75, prop=FontProperties(weight="bold"))
    middle = letter.get_extents().intervalx.mean()
    place = Affine2D().scale(1, -1).translate(x - middle, y + 0.26)
    ax.add_patch(PathPatch(letter.transformed(place), facecolor="white", lw=0, zorder=2.2))


def draw_wall(ax: Axes, cell: Sequence[int]) -> None:
    """A full square without a mark."""
    _draw_square(ax, cell, GREY)


def _draw_square(ax: Axes, cell: Sequence[int], colour: str) -> None:
    x, y = cell
    ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, lw=0, zorder=2))


def draw_start(ax: Axes, cell: Sequence[int]) -> None:
    """A dark frame on a white one, which shows on every colour and has none itself."""
    for colour, outer, inner in (("white", 0.5, 0.34), ("#1a1a1a", 0.46, 0.38)):
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
        frame = _ring(cell + outer * square, cell + inner * square)
        ax.add_patch(PathPatch(frame, facecolor=colour, lw=0, zorder=2.3))
