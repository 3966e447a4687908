"""Code that only draws is folded, each fold is named by what it does, and each still figure has a numbered caption."""

import re

import matplotlib
import pytest
import yaml
from cells import cells, gives
from conftest import PAGES, axe
from test_chapters import CHAPTERS, ROOT, every_chapter
from test_pages import page_of
from test_terms import built


def metadata(cell):
    """A cell's metadata, as YAML."""
    return yaml.safe_load(cell.head.strip("-\n") if cell.head.startswith("---") else "") or {}


def test_what_a_cell_gives_is_what_a_later_one_reads_before_it_is_bound_anew():
    source = "".join(
        f"```{{code-cell}} ipython3\n{code}\n```\n\n"
        for code in ("a = [b for b in range(3)]\nfor c in a: d = c", ":tags: [hide-input]\n\nprint(d)",
                     "c = 1\ndef f(x):\n    e = x + c\n    return e", "print(c, f(a), b)")
    )  # fmt: skip
    found = cells(source)
    assert [gives(found, place) for place in range(4)] == [{"a"}, set(), {"c", "f"}, set()]


@every_chapter
def test_a_cell_of_more_than_three_lines_that_only_draws_is_folded(path):
    found = cells(path.read_text())
    for place, cell in enumerate(found):
        if cell.draws and len(cell.lines) > 3 and not gives(found, place):
            assert not cell.seen, cell.code


@every_chapter
def test_every_fold_says_what_it_does_in_words_of_its_own(path):
    folded = [cell for cell in cells(path.read_text()) if "hide-input" in cell.head]
    names = [metadata(cell).get("mystnb", {}).get("code_prompt_show", "") for cell in folded]
    assert len(set(names)) == len(names)
    for name in names:
        assert 2 <= len(name.split()) <= 12, name
        assert not name[0].isupper(), f"stands after 'Code: ': {name}"


@every_chapter
def test_a_still_figure_has_a_caption_of_one_sentence_or_two_and_a_name(path):
    names = []
    for cell in cells(path.read_text()):
        if cell.draws and "alt:" in cell.head:
            figure = metadata(cell)["mystnb"]["figure"]
            names.append(figure["name"])
            assert re.fullmatch(r"fig-[a-z-]+", figure["name"])
            assert 8 <= len(figure["caption"].split()) <= 40, figure["caption"]
            assert figure["caption"].endswith(".")
    assert len(set(names)) == len(names)


def test_a_figure_has_one_name_in_the_whole_book():
    names = [name for path in CHAPTERS for name in re.findall(r"^    name: (fig-\S+)$", path.read_text(), re.M)]
    assert len(names) > 60
    assert len(set(names)) == len(names)


def test_no_legend_is_smaller_than_ten_points():
    assert matplotlib.rcParamsDefault["legend.fontsize"] == "medium"  # of 10 points
    sources = [*CHAPTERS, *(ROOT / "safegrid" / "figures").glob("*.py")]
    calls = [call for path in sources for call in re.findall(r"\blegend\(.*", path.read_text())]
    assert len(calls) > 30
    assert [call for call in calls if "fontsize" in call or "prop" in call] == []


@built
@every_chapter
def test_figures_are_numbered_by_chapter_in_their_order(path):
    numbers = re.findall(r'<span class="caption-number">Figure ([\d.]+) </span>', page_of(path))
    chapter = f"{int(path.stem[:2])}." if path.stem[:2].isdigit() else ""
    assert numbers == [f"{chapter}{i}" for i in range(1, len(numbers) + 1)]
    assert len(numbers) >= len(re.findall(r"^    name: fig-", path.read_text(), re.M))


@built
def test_a_fold_has_its_name_for_eyes_and_screen_readers_alike():
    pages = [path.read_text() for path in PAGES.glob("book/*.html")]
    summaries = [
        name for page in pages for name in re.findall(r'<details class="hide[^>]*><summary>(.*?)</summary>', page)
    ]
    assert len(summaries) > 60
    assert all(name.startswith("Code: ") for name in summaries)
    assert "Toggle hidden content" not in "".join(pages)


def test_a_fold_opens_by_key_and_shows_its_code(visit):
    page = visit("book/05_cql.html", color_scheme="light")
    fold = page.locator("details.hide").first
    assert not fold.locator("pre").is_visible()
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.locator("pre").is_visible()
    assert axe(page, "details.hide") == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_can_be_read_by_all_and_on_a_narrow_screen(visit, scheme):
    page = visit("book/05_cql.html", color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
    assert page.locator("figcaption").count() > 5
    assert axe(page, ".bd-article figure", ("serious", "critical")) == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
