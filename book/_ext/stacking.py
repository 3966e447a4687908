"""Runs in every kernel that builds the book: draws each wide figure again, narrow, its panels below each other.

A telephone shows that one. Its name is the digest of the wide picture, by which MyST-NB names that one too.
"""

import base64
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from warnings import catch_warnings

from IPython.core import pylabtools
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

WIDE, NARROW = 5.0, 4.2
"""Inches: from what width on a figure is drawn again, and how wide that makes it."""

SIDES = {2: ("left", "right"), 3: ("left", "middle", "right")}
"""What a text calls the panels of one row; stacked, each says which it was."""


def panels_of(fig: Figure) -> list[Axes]:
    """The panels of a figure, row by row, if they lie in one grid; not its colour bars."""
    panels = [ax for ax in fig.axes if ax.get_subplotspec() is not None]
    return panels if len({ax.get_gridspec() for ax in panels}) == 1 else []


def stack(fig: Figure) -> bool:
    """Makes a wide figure narrow, its panels below each other, each with the labels it shared; whether it could."""
    panels = panels_of(fig)
    width, height = fig.get_size_inches()
    if not panels or width < WIDE:
        return False
    grid, is_board = panels[0].get_gridspec(), panels[0].get_aspect() != "auto"
    columns = max(1, round(NARROW * grid.ncols / width)) if is_board else 1  # small boards stay beside each other
    rows = -(-len(panels) // columns)
    tall = 0.75 * NARROW / columns + 0.4 if is_board else height / grid.nrows
    for ax, (left, top, bottom) in [(ax, sharing(ax, panels)) for ax in panels]:
        ax.tick_params(labelleft=True, labelbottom=True)
        ax.set_title(ax.get_title() or top.get_title())
        ax.set_ylabel(ax.get_ylabel() or left.get_ylabel())
        ax.set_xlabel(ax.get_xlabel() or bottom.get_xlabel())
    for ax, side in zip(panels, SIDES.get(len(panels), ()) if grid.nrows == 1 else (), strict=False):
        ax.set_title(f"{side}: {ax.get_title()}".rstrip(": "))
    for ax, place in zip(panels, fig.add_gridspec(rows, columns), strict=False):
        ax.set_subplotspec(place)
    for legend in list(fig.legends):
        name_above(fig, legend)
    fig.set_size_inches(NARROW, tall * rows + 0.22 * sum(len(legend.get_texts()) for legend in fig.legends))
    return True


def name_above(fig: Figure, legend: Legend) -> None:
    """A legend of the whole figure once more, in one column above it."""
    names = [text.get_text() for text in legend.get_texts()]
    legend.remove()
    fig.legend(legend.legend_handles, names, loc="outside upper left", frameon=False)


def sharing(ax: Axes, panels: list[Axes]) -> tuple[Axes, Axes, Axes]:
    """The panels whose labels stand for a panel's too: the first of its row, the first and the last of its column."""
    spec = ax.get_subplotspec()
    row = [one for one in panels if one.get_subplotspec().rowspan == spec.rowspan]
    column = [one for one in panels if one.get_subplotspec().colspan == spec.colspan]
    return row[0], column[0], column[-1]


def install(folder: Path) -> None:
    """From now on what IPython prints in one picture is also kept in a narrow one, in this folder."""
    print_figure = pylabtools.print_figure

    def print_twice(fig: Figure, fmt: str = "png", **settings: Any) -> Any:
        wide = print_figure(fig, fmt, **settings)
        if fmt == "png" and isinstance(wide, str) and stack(fig):
            name = hashlib.sha256(base64.b64decode(wide)).hexdigest()
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(UserWarning), catch_warnings(action="error"):  # what does not fit has no narrow picture
                (folder / f"{name}.png").write_bytes(base64.b64decode(print_figure(fig, fmt, **settings)))
        return wide

    pylabtools.print_figure = print_twice


if "NARROW_FIGURES" in os.environ:
    install(Path(os.environ["NARROW_FIGURES"]))
