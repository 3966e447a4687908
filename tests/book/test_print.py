"""On paper: a page prints whole, in the light, and each figure as the reader left it."""

import re

import pytest
from conftest import PAGES, stands
from reading import ALIVE, settle

EVERY_PAGE = sorted(p.relative_to(PAGES).as_posix() for p in PAGES.glob("book/*.html"))
TOUCHABLE = [path for path in EVERY_PAGE if "jupyter.widget-view" in (PAGES / path).read_text()]
DEEP = [path for path in EVERY_PAGE if '<details class="deeper">' in (PAGES / path).read_text() and "guide" not in path]
"""Pages with something folded; the field guide leaves it out, to fit on its two sides."""
PAPER = {"width": 718, "height": 1047}
"""A4 within margins of a centimetre, in CSS pixels."""
CUT_OFF = """() => [...document.querySelectorAll(".bd-article *")]
  .filter((one) => !one.closest("svg, .katex-mathml") && one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().width && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_nothing_of_a_page_is_cut_off_on_paper(visit, path):
    page = visit(path, viewport=PAPER, reduced_motion="reduce")
    stands(page)
    page.emulate_media(media="print")
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("path", DEEP)
def test_what_lies_deeper_is_folded_on_a_screen_and_open_on_paper(visit, path, scripts):
    page = visit(path, java_script_enabled=scripts)
    inside = page.locator("details.deeper > p").all()
    assert inside
    assert not any(paragraph.is_visible() for paragraph in inside)
    page.emulate_media(media="print")
    assert all(paragraph.is_visible() for paragraph in inside)
    assert all(paragraph.bounding_box()["height"] > 10 for paragraph in inside)


@pytest.mark.parametrize("path", TOUCHABLE)
def test_a_figure_prints_as_the_reader_left_it_with_its_settings_as_words(visit, path):
    page = visit(path, reduced_motion="reduce")
    page.wait_for_selector(ALIVE)
    for figure in page.locator(".safegrid").all():
        if figure.locator("input[type=range]:visible").count():
            figure.locator("input[type=range]:visible").first.press("End")
    settle(page)
    said = page.locator(".sg-sentence").all_inner_texts()
    page.emulate_media(media="print")
    assert page.locator(".sg-sentence").all_inner_texts() == said
    for figure in page.locator(".safegrid").all():
        assert figure.locator("svg").first.is_visible()
        assert figure.locator(":is(button, input[type=range]):visible").count() == 0
        for slider in figure.locator("label:has(> input[type=range])").all():
            if slider.is_visible():
                value = slider.locator(":is(output, input[type=number])")
                assert value.is_visible()
                assert value.bounding_box()["width"] > 5
    assert page.locator("noscript img").count() == 0


def test_a_dark_page_prints_in_the_light_and_is_dark_again(visit):
    page = visit("book/05_cql.html", color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.evaluate(
        """() => addEventListener("beforeprint", () => {
          window.printed = getComputedStyle(document.querySelector(".bd-article p > em")).color;
        })"""
    )
    on_screen = page.evaluate("() => getComputedStyle(document.querySelector('.bd-article p > em')).color")
    assert page.pdf()[:5] == b"%PDF-"
    printed = page.evaluate("() => window.printed")
    assert sum(map(int, re.findall(r"\d+", printed)[:3])) < 150 < sum(map(int, re.findall(r"\d+", on_screen)[:3]))
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
