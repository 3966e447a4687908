"""The one look of all figures: colours that are safe for all eyes (Okabe & Ito 2008), labels, numbers, strokes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.ticker import NullLocator

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56606b"
PAPER, GRID = "#f7f5f0", "#dcd8cf"
"""What every board lies on, in light and dark themes alike, and the lines between its cells."""

BALANCE = ("#00446f", "#0072b2", "#6aaed6", "#c6dcec", "#f4f1ea", "#f6d5b5", "#ec9a52", "#d55e00", "#8a3c00")
PALETTES: dict[str, Colormap] = {
    "presence": LinearSegmentedColormap.from_list("presence", [PAPER, BLUE], 101),
    "rising": mpl.colormaps["viridis"],
    "balance": LinearSegmentedColormap.from_list("balance", BALANCE, 101),
}
"""How a layer is coloured, as on the page: visits and counts, values, and differences below and above zero."""

LABELS = {
    "return_mean": "return (raw reward), exact",
    "return_cvar": "worst 5% of episodes, mean (raw reward)",
    "hazard_rate": "hazard rate, exact",
    "timeout_rate": "idle: trips that end nowhere, exact",
    "overestimate": "claimed − true value of the start\n(discounted raw reward)",
}
"""What an axis says of each score, with its unit."""


def find_palette(palette: str | Colormap) -> Colormap:
    """One of `PALETTES` or of matplotlib's colour maps by its name, or the colour map itself.

    Raises:
        ValueError: there is none of that name.
    """
    if isinstance(palette, Colormap):
        return palette
    if palette not in PALETTES and palette not in mpl.colormaps:
        raise ValueError(f"palette is {palette!r}, expected {', '.join(PALETTES)} or a colour map of matplotlib's")
    return PALETTES.get(palette) or mpl.colormaps[palette]


def line_colours() -> Iterator[str]:
    """Colours without end: a figure may have more rows than there are colours, but may leave none out."""
    return cycle((BLUE, ORANGE, GREEN, RED, PURPLE, GREY, "black"))


def line_dashes() -> Iterator[str]:
    """Dashes without end, so that lines differ without colour; they go round in another number than the colours."""
    return cycle(("-", "--", ":", "-."))


def true_minus(text: str) -> str:
    """Numbers as the axes print them: a true minus, and none before a zero."""
    return re.sub(r"-(?=0(?:\.0+)?(?![\d.]))", "", text).replace("-", "−")


LEAST_HAZARD = 1e-5
"""Below it a hazard rate's axis is linear, so that 0 has its place."""


def rate_axis(ax: Axes, field: str, *, upright: bool = False) -> None:
    """Percent on the axis of a rate; a hazard rate's is logarithmic: ten times rarer is as far everywhere.

    Args:
        ax: the panel.
        field: of `PolicyScore`; nothing is done unless it is a rate.
        upright: whether the rate is on the y axis.
    """
    if not field.endswith("_rate"):
        return
    axis, set_limits = (ax.yaxis, ax.set_ylim) if upright else (ax.xaxis, ax.set_xlim)
    ticks = np.linspace(0.0, 1.0, 5)
    if field == "hazard_rate":
        (ax.set_yscale if upright else ax.set_xscale)("symlog", linthresh=LEAST_HAZARD, linscale=0.3)
        ticks = np.append(0.0, LEAST_HAZARD * 10.0 ** np.arange(6))
    axis.set_ticks(ticks, ["" if tick == LEAST_HAZARD else f"{100 * tick:g}%" for tick in ticks])  # no room beside 0%
    axis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y" if upright else "x", labelsize=8)
    set_limits(-LEAST_HAZARD / 3 if field == "hazard_rate" else -0.04, 1.3 if field == "hazard_rate" else 1.04)


def panel(ax: Axes | None, width: float, height: float) -> Axes:
    """The panel that was given, or that of a new figure; width and height in inches."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def draw_levels(ax: Axes, levels: Mapping[str, float], *, upright: bool = True, dashes: str = "-- : -.") -> None:
    """Grey lines across a panel, one a name, such as the optimum's score.

    Args:
        ax: the panel.
        levels: name → where its line lies.
        upright: whether the scores lie on the x axis.
        dashes: matplotlib's, one after the other.
    """
    draw = ax.axvline if upright else ax.axhline
    for (name, level), dash in zip(levels.items(), cycle(dashes.split()), strict=False):
        draw(level, color=GREY, ls=dash, lw=1.2, label=name)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Names the rows 0, 1, … of a panel, from the top down."""
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
