"""Every reader and every page: themes, narrow screens, screen readers, no scripts, no network."""

import gzip
import re

import pytest
from conftest import PAGES, axe, stands
from reading import ALIVE, EXPLORER, LAB, STATE

READERS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "narrow and dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", [EXPLORER, LAB])
def test_axe_finds_nothing_inside_our_figures(visit, path, reader):
    page = visit(path, **READERS[reader])
    page.wait_for_selector(ALIVE)
    dark = page.evaluate("() => document.documentElement.dataset.theme === 'dark'")
    assert dark == ("dark" in reader)
    assert axe(page, ".safegrid") == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


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
    assert size < 1_200_000, sorted(files)
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


@pytest.mark.parametrize("path", [EXPLORER, "book/notation.html"])
def test_a_page_with_a_figure_fetches_its_modules_at_once(browser, path):
    """One after the other, as each module's imports become known, they would cost a round trip a floor."""
    announced = re.findall(r'<link rel="modulepreload" href="([^"]*)">', (PAGES / path).read_text())
    served = sorted((PAGES / "_static" / "figures").glob("*.js"))
    assert announced == [f"../_static/figures/{module.name}" for module in served if path == EXPLORER]


def test_the_widget_state_of_a_page_stays_under_300_kilobytes(browser):
    for path in PAGES.glob("book/*.html"):
        for state in STATE.findall(path.read_text()):
            assert len(gzip.compress(state.encode())) < 300_000
            assert "_esm" not in state


@pytest.mark.parametrize("path", [EXPLORER, LAB])
def test_without_scripts_a_picture_and_a_sentence_stand_there(visit, path):
    page = visit(path, java_script_enabled=False)
    picture = page.locator("noscript img").first
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["width"] > 200
    assert len(picture.get_attribute("alt")) > 40
    sentence = page.locator("noscript p").first
    assert sentence.is_visible()
    assert sentence.inner_text().endswith("Here it stands still.")


def test_with_scripts_the_picture_is_not_even_fetched(visit):
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    (still,) = re.findall(r'<noscript>.*?<img [^>]*src="\.\./([^"]+)"', (PAGES / LAB).read_text(), re.S)
    assert still not in " ".join(page.evaluate("performance.getEntriesByType('resource').map((r) => r.name)"))


def test_search_and_theme_switch_work_under_the_policy(visit):
    page = visit("search.html?q=conservative")
    page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
    page.locator("button.theme-switch-button:visible").first.click()
