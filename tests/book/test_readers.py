"""Every reader and every page: themes, narrow screens, screen readers, no scripts, no network."""

import gzip
import re
import sys
from pathlib import Path

import pytest
from conftest import PAGES, axe, stands
from fontTools.ttLib import TTFont
from reading import ALIVE, EXPLORER, LAB, STATE, TOUCHABLE, figures_of

from safegrid.figures.modules import ordered

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "_ext"))

import icons


def test_a_figure_follows_the_theme_of_the_page(visit):
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    colour = "() => getComputedStyle(document.querySelector('.sg-sentence')).color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(colour) != light


EVERY_PAGE = sorted(
    p.relative_to(PAGES).as_posix() for p in PAGES.rglob("*.html") if not p.relative_to(PAGES).parts[0].startswith("_")
)


@pytest.mark.parametrize("path", ["search.html?q=weight", *EVERY_PAGE])
def test_a_page_is_silent_light_asks_nobody_and_can_be_read_by_all(visit, site, path):
    """`visit` fails the test on a console error, a violated policy or a request to another host."""
    page = visit(path, color_scheme="light")
    if path == "index.html":  # which leads to the first page
        page.wait_for_url("**/book/intro.html")
    stands(page)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    loaded = page.evaluate("() => [location.href, ...performance.getEntriesByType('resource').map((r) => r.name)]")
    files = {re.split("[?#]", url)[0].removeprefix(site) for url in loaded}
    size = sum(len(gzip.compress((PAGES / f).read_bytes())) for f in files if (PAGES / f).is_file())
    assert size < (1_200_000 if path.startswith("search") else 1_000_000), sorted(files)  # a search reads other pages
    if not path.startswith(("book/", "search.html?")):
        return
    found = axe(page, "html", ("serious", "critical"))
    if path == "book/bibliography.html":
        found.pop("aria-required-children", None)  # docutils calls its citations a list, and gives it no items
    assert found == {}
    page.emulate_media(color_scheme="dark")  # which changes colours alone
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    assert axe(page, "html", ("serious", "critical"), rules=("color-contrast", "link-in-text-block")) == {}
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


@pytest.mark.parametrize("path", [EXPLORER, LAB, "book/notation.html"])
def test_a_page_with_a_figure_fetches_its_modules_at_once_and_no_others(browser, path):
    """One after the other, as each module's imports become known, they would cost a round trip a floor."""
    announced = re.findall(r'<link rel="modulepreload" href="([^"]*)">', (PAGES / path).read_text())
    figures = figures_of(path) if path in TOUCHABLE else []
    needed = {name for figure in figures for name in ordered(f"{figure}.js")}
    assert announced == [f"../_static/figures/{name}" for name in sorted(needed)]


@pytest.mark.parametrize("path", TOUCHABLE)
def test_our_scripts_of_a_page_stay_under_40_kilobytes(visit, site, path):
    page = visit(path)
    stands(page)
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map((r) => r.name)")
    files = {re.split("[?#]", url)[0].removeprefix(site) for url in loaded}
    ours = [file for file in files if re.search(r"_static/(figures/\w+|figures|landing|tips|ticks|print)\.js$", file)]
    assert len(ours) > 15
    assert sum(len(gzip.compress((PAGES / file).read_bytes())) for file in ours) < 40_000


def test_the_fonts_of_icons_hold_what_the_pages_show_and_little_else(browser):
    wanted, fonts = icons.shown(PAGES), list((PAGES / "_static").rglob("fontawesome/**/*.woff2"))
    held = {point for path in fonts for point in TTFont(path).getBestCmap()}
    assert sum(path.stat().st_size for path in fonts) < 20_000
    assert len(wanted) > 10
    assert {0xF135, 0xF019} <= held & wanted  # rocket, download
    assert {point for point in wanted if point >= 0xE000} <= held


def test_the_widget_state_of_a_page_stays_under_300_kilobytes(browser):
    for path in PAGES.glob("book/*.html"):
        for state in STATE.findall(path.read_text()):
            assert len(gzip.compress(state.encode())) < 300_000, path
            assert "_esm" not in state


def test_with_scripts_the_picture_is_not_even_fetched(visit):
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    (still,) = re.findall(r'<noscript>.*?<img [^>]*src="\.\./([^"]+)"', (PAGES / LAB).read_text(), re.S)
    assert still not in " ".join(page.evaluate("performance.getEntriesByType('resource').map((r) => r.name)"))


def test_search_and_theme_switch_work_under_the_policy(visit):
    page = visit("search.html?q=conservative")
    page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
    page.locator("button.theme-switch-button:visible").first.click()
