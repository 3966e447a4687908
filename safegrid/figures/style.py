"""The one look of all figures: colours that are safe for all eyes (Okabe & Ito 2008), labels, numbers, strokes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap

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
