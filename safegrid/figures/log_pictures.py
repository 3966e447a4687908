"""What a log's report shows: its episodes, its drift, its evidence, and where its faults lie."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from safegrid.array_types import Bools, Floats
from safegrid.practice.report import LogFacts

from .style import BLUE, PAPER, RED, find_palette, true_minus

_INK = "#010203"  # stands for the colour of the page's own text
_SIZE = (4.4, 2.7)  # inches: a telephone shrinks it by a fifth
_BLOCKS, _STRIPS = 20, 200
_LARGEST_MAP = 64
_UNSEEN = "#56606b55"  # grey on any page


@dataclass(frozen=True)
class Picture:
    """An inline SVG, what it shows in words, and the section where it stands."""

    section: str
    caption: str
    alt: str
    svg: str


def draw(facts: LogFacts) -> Iterator[Picture]:
    """The pictures of a report, as SVG whose ink is the page's."""
    log, harm = facts.log, facts.harmful
    returns, lengths = log.returns, log.lengths.astype(float)
    yield _picture(
        "log", "Returns of the episodes",
        lambda ax: _split(ax, returns, harm, "return, raw reward", ("harm", "no harm")),
        f"Histogram of returns from {returns.min():g} to {returns.max():g}, median {np.median(returns):g}; "
        f"{harm.sum():,} of {len(harm):,} episodes have harm.",
    )  # fmt: skip
    cut = np.asarray(log.timeouts[log.timeouts | log.terminals])
    yield _picture(
        "log", "Lengths of the episodes", lambda ax: _split(ax, lengths, cut, "steps", ("cut by the clock", "ended")),
        f"Histogram of lengths from {lengths.min():g} to {lengths.max():g} steps, median {np.median(lengths):g}; "
        f"{cut.sum():,} of {len(cut):,} episodes were cut by the clock.",
    )  # fmt: skip
    if len(returns) >= 2 * _BLOCKS:
        means, errors = _blocks(returns)
        yield _picture(
            "log", f"Mean return along the log, in {_BLOCKS} blocks with 95% intervals",
            lambda ax: _drift(ax, means, errors, len(returns)),
            f"Mean return of each twentieth of the log, from {means.min():.4g} to {means.max():.4g}; the first is "
            f"{means[0]:.4g}, the last {means[-1]:.4g}.",
        )  # fmt: skip
    if facts.findings:
        named = ", ".join(f"{f.kind} from row {f.rows[0]} to {f.rows[-1]}" for f in facts.findings)
        yield _picture(
            "findings",
            "Where in the log the rows lie",
            lambda ax: _strips(ax, facts),
            named + ".",
            height=1.1 + 0.32 * len(facts.findings),
        )
    if facts.evidence.recurs:
        yield from _evidence(facts)


def _evidence(facts: LogFacts) -> Iterator[Picture]:
    evidence = facts.evidence
    pairs, visits = evidence.pairs / evidence.pairs.sum(), evidence.visits
    yield _picture(
        "evidence", "Pairs, and rows, by how often the pair was tried", lambda ax: _classes(ax, pairs, visits),
        f"{pairs[0]:.1%} of the pairs were never tried; those tried 20 times or more are {pairs[-1]:.1%} of the "
        f"pairs and {visits[-1]:.1%} of the rows.",
    )  # fmt: skip
    if evidence.coverage is None:
        return
    places, counts = evidence.coverage.observations, evidence.coverage.counts.sum(1)
    whole = places.shape[1] == 2 and bool((places == np.rint(places)).all())
    if whole and np.ptp(places, 0).max() < _LARGEST_MAP and np.ptp(places, 0).min() > 0:
        low, most = places.min(0).astype(int), places[counts.argmax()]
        cells = np.full(np.ptp(places, 0).astype(int)[::-1] + 1, np.nan)
        x, y = (places - low).astype(int).T
        cells[y, x] = counts
        yield _picture(
            "evidence", "Rows in each observation", lambda ax: _map(ax, cells, low),
            f"Map of {len(places):,} observations; most rows, {counts.max():,}, lie at ({most[0]:g}, {most[1]:g}).",
        )  # fmt: skip


def _picture(
    section: str, caption: str, fill: Callable[[Axes], None], alt: str, *, height: float = _SIZE[1]
) -> Picture:
    parts = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    look: Any = dict.fromkeys(parts, _INK) | {
        "svg.fonttype": "none", "svg.hashsalt": caption, "font.size": 10, "axes.spines.top": False,
        "axes.spines.right": False, "axes.facecolor": "none", "font.family": "sans-serif",
    }  # fmt: skip
    with mpl.rc_context(look), io.StringIO() as file:
        figure = Figure(figsize=(_SIZE[0], height), layout="constrained")
        fill(figure.subplots())
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        return Picture(section, caption, true_minus(alt), _inline(file.getvalue(), caption, true_minus(alt)))


def _inline(svg: str, name: str, alt: str) -> str:
    """The picture as a part of a page: ids of its own, the page's ink, and a label."""
    prefix = re.sub(r"\W+", "-", name)
    body = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.S)
    body = re.sub(r'(\sid=")', rf"\1{prefix}-", body)
    body = re.sub(r'(url\(#|xlink:href="#)', rf"\1{prefix}-", body)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return re.sub(r"<svg ", f'<svg role="img" aria-label="{label}" ', body, count=1)


def _split(ax: Axes, values: Floats, dark: Bools, xlabel: str, names: tuple[str, str]) -> None:
    edges = np.histogram_bin_edges(values, bins=min(40, max(1, len(np.unique(values)))))
    ax.hist([values[dark], values[~dark]], bins=edges.tolist(), stacked=True, color=[RED, BLUE], label=list(names))
    ax.set(xlabel=xlabel, ylabel="episodes")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    if dark.any():
        ax.legend(frameon=False, fontsize=9, loc="best")


def _blocks(returns: Floats) -> tuple[Floats, Floats]:
    parts = np.array_split(returns, _BLOCKS)
    return np.array([p.mean() for p in parts]), np.array([1.96 * p.std(ddof=1) / np.sqrt(len(p)) for p in parts])


def _drift(ax: Axes, means: Floats, errors: Floats, n: int) -> None:
    middle = (np.arange(len(means)) + 0.5) * n / len(means)
    ax.errorbar(middle, means, errors, fmt="o", ms=4, color=BLUE, lw=1.4)
    ax.set(xlabel="episode", ylabel="mean return")


def _strips(ax: Axes, facts: LogFacts) -> None:
    n = len(facts.log)
    edges = np.linspace(0, n, min(_STRIPS, n) + 1)
    for i, finding in enumerate(facts.findings):
        there = np.histogram(finding.rows, edges)[0] > 0
        spans = [(edges[k], edges[k + 1] - edges[k]) for k in np.flatnonzero(there)]
        ax.broken_barh(spans, (i - 0.3, 0.6), color=RED if finding.severity == "wrong" else BLUE, lw=0)
    ax.set_yticks(range(len(facts.findings)), [finding.kind for finding in facts.findings])
    ax.set(xlim=(0, n), ylim=(len(facts.findings) - 0.5, -0.5), xlabel="row")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))


def _classes(ax: Axes, pairs: Floats, visits: Floats) -> None:
    at = np.arange(len(pairs))
    ax.bar(at - 0.2, pairs, 0.4, color=RED, label="of the pairs")
    ax.bar(at + 0.2, visits, 0.4, color=BLUE, label="of the rows")
    ax.set_xticks(at, ["never", "once", "2–4", "5–19", "20+"])
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
    ax.set(xlabel="tries", ylabel="share")
    ax.legend(frameon=False, fontsize=9, loc="upper left")


def _map(ax: Axes, cells: Floats, low: Floats) -> None:
    height, width = cells.shape
    extent = (low[0] - 0.5, low[0] + width - 0.5, low[1] + height - 0.5, low[1] - 0.5)
    palette = find_palette("presence").with_extremes(bad=_UNSEEN)
    image = ax.imshow(cells, cmap=palette, norm=LogNorm(0.7, max(2.0, float(np.nanmax(cells)))), extent=extent)
    ax.set(xlabel="column 0", ylabel="column 1", facecolor=PAPER)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.figure.colorbar(image, ax=ax, label="rows", ticks=[t for t in 10.0 ** np.arange(7) if t <= np.nanmax(cells)])
