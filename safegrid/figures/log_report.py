"""A log's report as text, in a notebook, and as one page that needs nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_path
from safegrid.mdp import TabularMDP
from safegrid.practice.report import LogFacts, examine
from safegrid.practice.sections import Section, Table, as_text, sections
from safegrid.practice.verdict import Verdict, judge

if TYPE_CHECKING:
    from .log_pictures import Picture

_STYLE = Path(__file__).with_suffix(".css")
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 1rem 1.2rem 3rem; max-width: 72rem; font: 16px/1.5 system-ui, sans-serif;
  background: #fff; color: #1a1d21; }}
h1 {{ font-size: 1.7em; line-height: 1.2; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14181c; color: #e6e8ea; }} }}
@media print {{ body {{ background: #fff; color: #000; }} figure, tr {{ break-inside: avoid; }} }}
{style}</style>
</head>
<body>
<main class="safegrid-report">
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


class Report(LogFacts):
    """What a log is, what it has tried, what looks wrong, what can be learnt from it, and what to train with.

    Printed, it is text in lines of at most 100 columns; a notebook shows its tables; `save` writes a page of pictures.

    Attributes:
        log: the log.
        lengths: (5,) least, quarter, median, three quarters and most steps of an episode.
        returns: (5,) the same of the episodes' undiscounted returns, in raw reward.
        return_mean: their mean, with Student's 95% interval.
        harm_told: how harm is known: by "costs"; where there are none, by the "lowest terminal reward"; or not, "".
        harm: share of the episodes with harm, with the 95% interval of Clopper & Pearson (1934).
        evidence: what was tried how often, an `Evidence`; its `coverage` has the tries of every pair.
        findings: what looks wrong, each a `Finding`; none in a clean log.
        recipe: settings to begin with, as `propose_recipe` reads them.
        truth: exact scores beside the log's, a `Truth`; None where no world was given.
    """

    @cached_property
    def verdict(self) -> Verdict:
        """What can be learnt from the log, what cannot, and what no log tells, in sentences."""
        return judge(self)

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
        return f'{style}<div class="safegrid-report">{_body(sections(self), (), 3)}</div>'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the report as one HTML page with its pictures, without scripts or requests; all or nothing.

        Args:
            path: the file, such as "report.html"; what stands there is replaced.

        Raises:
            ValueError: the name does not end in .html or .htm.
            OSError: the folder does not exist, or cannot be written to.
        """
        from .log_pictures import draw  # here, so that text needs no matplotlib

        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"path is {os.fspath(path)!r}, expected a name that ends in .html")
        n = self.log.n_episodes
        body = _body(sections(self), list(draw(self)), 2)
        style = _STYLE.read_text(encoding="utf-8")
        page = _PAGE.format(title=f"A log of {n:,} episode{'s' * (n != 1)}", style=style, body=body)
        with atomic_path(path) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
        return Path(path)


def report(log: Episodes, mdp: TabularMDP | None = None) -> Report:
    """Reads a log: what it is and has tried, which rows look wrong, what can be learnt from it, and with which recipe.

    What looks wrong is found from the log alone, by what its other rows do; a clean log has no finding. A relation of
    rows, such as a column that stands a row too late, is looked for in 200 rows or more. Rows of an episode that do not
    follow each other never come so far: `Episodes` refuses them by name.

    Args:
        log: the log.
        mdp: its world, where that is known: rows that cannot happen there are a finding, and exact scores stand beside
            the log's.

    Returns:
        The report, the same for the same log.

    Raises:
        ValueError: log is no `Episodes`; or the log's actions or observations are not of the world's number and length.
    """
    facts = examine(log, mdp)
    return Report(**{name: getattr(facts, name) for name in facts.__dataclass_fields__})


def _body(parts: Iterable[Section], pictures: Sequence[Picture], level: int) -> str:
    blocks = []
    for part in parts:
        inside = [f"<h{level}>{_shown(part.title)}</h{level}>"]
        inside += [f"<p>{_shown(part.lead)}</p>"] * bool(part.lead)
        if part.items:
            inside.append(f"<ul>{''.join(map(_item, part.items))}</ul>")
        if drawn := [_figure(picture) for picture in pictures if picture.section == part.name]:
            inside.append(f'<div class="pictures">{"".join(drawn)}</div>')
        blocks.append("\n".join(inside + [_table(table) for table in part.tables]))
    return "\n".join(f"<section>\n{block}\n</section>" for block in blocks)


def _shown(text: str) -> str:
    """Text of a page, with a true minus before numbers."""
    return escape(re.sub(r"(?<!\w)-(?=\d)", "−", text))


def _item(text: str) -> str:
    head, colon, rest = text.partition(": ")
    return f"<li><strong>{_shown(head)}</strong>: {_shown(rest)}</li>" if colon else f"<li>{_shown(text)}</li>"


def _figure(picture: Picture) -> str:
    return f"<figure><figcaption>{_shown(picture.caption)}</figcaption>{picture.svg}</figure>"


def _table(table: Table) -> str:
    """A table that scrolls by itself where it is too wide, by keys too."""
    said = ' class="said"' if table.head[-1] == "because" else ""
    head = "".join(f'<th scope="col">{_shown(name)}</th>' if name else "<td></td>" for name in table.head)
    rows = "".join(
        f'<tr><th scope="row">{_shown(name)}</th>{"".join(f"<td>{_shown(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in table.rows
    )
    caption = _shown(table.caption)
    return (
        f'<div class="scrolled" role="region" tabindex="0" aria-label="{caption}"><table{said}>'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
