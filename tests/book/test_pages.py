"""The built pages show what the sources promise."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "_build" / "html"
CHAPTERS = sorted(p for p in (ROOT / "book").glob("*.md") if "{code-cell}" in p.read_text())

pytestmark = pytest.mark.skipif(
    not PAGES.exists() and not os.environ.get("CI"), reason="the book is not built: run the README's first command"
)
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


class Images(HTMLParser):
    """Source and alt text of every picture of a page's article."""

    def __init__(self, text):
        super().__init__()
        self.found, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img" and "_images" in attributes.get("src", ""):
            self.found.append((attributes["src"], attributes.get("alt", "")))
        if tag == "a":
            self.links.append(attributes.get("href", ""))


def page_of(path):
    return (PAGES / "book" / f"{path.stem}.html").read_text()


@every_chapter
def test_every_figure_is_there_with_its_alt_text(path):
    promised = re.findall(r"^ +alt: (.+)$", path.read_text(), re.M)
    shown = Images(page_of(path)).found
    assert [alt for _, alt in shown] == promised
    for source, _ in shown:
        assert (PAGES / "book" / source).stat().st_size > 5_000


@every_chapter
def test_every_number_has_arrived(path):
    page = page_of(path)
    names = set(re.findall(r"\{glue:text\}`(\w+)`", path.read_text()))
    assert page.count('class="pasted-') >= len(names)
    assert "glue:text" not in page
    assert "Traceback" not in page


@every_chapter
def test_a_page_has_no_dead_widget(path):
    assert "widget-view+json" not in page_of(path)


@every_chapter
def test_a_page_opens_in_colab_and_downloads_as_a_notebook(path):
    links = Images(page_of(path)).links
    assert any(link.startswith("https://colab.") and link.endswith(f"/book/{path.stem}.ipynb") for link in links)
    assert any(link.endswith(f"_sources/book/{path.stem}.ipynb") for link in links)
