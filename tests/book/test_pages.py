"""The built pages show what the sources promise."""

import base64
import functools
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import words
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "_build" / "html"
EXECUTED = ROOT / "_build" / "jupyter_execute" / "book"
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


@functools.cache
def page_of(path):
    return (PAGES / "book" / f"{path.stem}.html").read_text()


@functools.cache
def executed(path):
    return nbformat.read(EXECUTED / f"{path.stem}.ipynb", as_version=4)


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
    assert not re.search(r'<span class="pasted-text">[^<]*(?<![\w.])-\d', page)  # a true minus, as beside it


@pytest.mark.parametrize("path", words.CHAPTERS, ids=lambda p: p.stem)
def test_a_main_line_is_not_thick_with_numbers(path):
    glued = words.glued_values(path.stem)
    assert glued
    main, _ = words.readings(path.read_text(), glued)
    assert main.numbers_per_hundred_words <= 2.05


@every_chapter
def test_what_lies_deeper_is_folded_each_at_its_own_heading(path):
    deeper = re.search(r"^## Deeper\n(.*?)(?=^## |\Z)", path.read_text(), re.S | re.M)
    headings = re.findall(r"^### ", deeper[1], re.M) if deeper else []
    folded = re.findall(r'<section id="[^"]+">\s*<details class="deeper"><summary><h3>', page_of(path))
    assert len(folded) == len(headings)


@every_chapter
def test_a_wide_picture_has_one_for_narrow_screens_or_scrolls_there(path):
    page = page_of(path)
    for source, _ in Images(page).found:
        with Image.open(PAGES / "book" / source) as picture:
            wide = picture.width > 800
        narrow = source.replace(".png", "-narrow.png")
        offered = f'<picture><source media="(max-width: 600px)" srcset="{narrow}"><img ' in page
        scrolls = bool(re.search(rf'<img data-wide [^>]*src="{re.escape(source)}"', page))
        assert offered or scrolls == wide, source
        if offered:
            with Image.open(PAGES / "book" / narrow) as picture:
                assert picture.width <= 520


@every_chapter
def test_only_starting_cells_fail_and_they_say_what_is_to_do(path):
    for cell in executed(path).cells:
        errors = [o.ename for o in cell.get("outputs", []) if o.output_type == "error"]
        starter = "starter" in cell.metadata.get("tags", [])
        assert errors == (["NotImplementedError"] if starter else []), cell.source


@every_chapter
def test_a_printed_line_fits_the_page(path):
    """At 1280 pixels a line of 85 characters is seen whole."""
    for cell in executed(path).cells:
        if not {"remove-cell", "remove-output", "remove-stdout"} & set(cell.metadata.get("tags", [])):
            printed = "".join(o.text for o in cell.get("outputs", []) if o.get("name") == "stdout")
            assert max(map(len, printed.splitlines()), default=0) <= 85, printed


@every_chapter
def test_a_table_that_a_cell_prints_is_a_table(path):
    printed = [o.data["text/markdown"] for cell in executed(path).cells for o in cell.get("outputs", []) if "data" in o
               and "remove-" not in str(cell.metadata.get("tags", [])) and "text/markdown" in o.data]  # fmt: skip
    assert page_of(path).count("<table") >= sum("|--" in text for text in printed)
    assert not re.search(r"<p>\s*\|", page_of(path))


@every_chapter
def test_a_page_has_no_dead_widget(path):
    """Only figures of ours live without a kernel, and only as outputs of their own."""
    page = page_of(path)
    views = re.findall(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', page, re.S)
    states = re.findall(r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', page, re.S)
    models = {name: model["state"] for state in states for name, model in json.loads(state)["state"].items()}
    for view in views:
        assert models[json.loads(view)["model_id"]]["_anywidget_id"].startswith("safegrid.figures.")


EVERY_PAGE = sorted(p for p in PAGES.rglob("*.html") if not p.relative_to(PAGES).parts[0].startswith("_"))
LOADED = re.compile(r"<(?:script|link|img|iframe|source|object|embed)\b[^>]*?\b(?:src|href|data)=\"([^\"]*)\"")


@pytest.mark.parametrize("path", EVERY_PAGE, ids=lambda p: p.stem)
def test_a_page_loads_nothing_from_elsewhere_and_says_so_in_its_policy(path):
    page = path.read_text()
    local = re.sub(r'<link rel="(?:canonical|alternate)"[^>]*>', "", page)
    assert [url for url in LOADED.findall(local) if re.match(r"(?:https?:)?//", url)] == []
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert not {"'unsafe-eval'", "'unsafe-inline'", "*", "data:", "https:"} & set(directives["script-src"].split())
    assert "http" not in policy
    for script in re.findall(r"<script>(.*?)</script>", page, re.S):
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in directives["script-src"]


def test_what_was_vendored_is_what_its_makers_published():
    vendor = ROOT / "book" / "_static" / "vendor"
    for package, entry in json.loads((vendor / "vendor.json").read_text()).items():
        files = {p.relative_to(vendor / package).as_posix(): p for p in (vendor / package).rglob("*") if p.is_file()}
        digests = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items()}
        assert digests == entry["files"]
        assert entry["version"] in files["katex.min.js"].read_text()
        assert entry["licence"] in files["LICENSE"].read_text()


@every_chapter
def test_a_page_opens_in_colab_and_downloads_as_a_notebook(path):
    links = Images(page_of(path)).links
    assert any(link.startswith("https://colab.") and link.endswith(f"/book/{path.stem}.ipynb") for link in links)
    assert any(link.endswith(f"_sources/book/{path.stem}.ipynb") for link in links)
