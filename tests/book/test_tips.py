"""What a link leads to is said before it is followed: on hover, on focus, on a tap; closed by Esc; read by all."""

import re

import pytest
from conftest import PAGES, axe, stands

CHAPTER = "book/05_cql.html"
TERM, CITATION = "a.term:text('softmax')", ".bibtex-citation a"
FORMULA = ".bd-article a.reference[href='#equation-eq-balance']"
FAR_FORMULA = ".bd-article a[href$='04_q_learning.html#equation-eq-double']"
SECTION = ".bd-article a.reference[href='#what-is-proved']"
READERS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}},
}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def opened(visit, **settings):
    """The chapter with all of its folds open."""
    page = visit(CHAPTER, **settings)
    page.wait_for_function("() => document.querySelectorAll('.math:not(:has(.katex))').length === 0")
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return page


def tip(page):
    return page.locator("#sg-tip")


def inside_the_screen(page):
    box, size = tip(page).bounding_box(), page.viewport_size
    return box["x"] >= 0 and box["x"] + box["width"] <= size["width"] and box["y"] >= 0


def test_the_script_is_small_and_adds_no_style():
    script = (PAGES / "_static" / "tips.js").read_text()
    assert script.count("\n") <= 100
    assert not re.search(r"createElement\(.style|innerHTML|insertRule|fetch\(|\beval\b", script)


SAYS = {
    TERM: "softmax Probabilities in proportion to",
    CITATION: "Conservative Q-learning for offline reinforcement learning",
    FORMULA: "(8)",
    FAR_FORMULA: "Why Q-learning fails on a log",
    SECTION: "What is proved",
}


def test_on_hover_a_link_says_what_it_leads_to(visit):
    page = opened(visit)
    for selector, words in SAYS.items():
        assert not tip(page).is_visible()
        link = page.locator(selector).first
        link.hover()
        tip(page).wait_for()
        assert words in tip(page).inner_text()
        assert inside_the_screen(page)
        assert link.get_attribute("title") is None  # the browser would say it again
        tip(page).hover()  # it stays for whoever reads it
        page.wait_for_timeout(300)
        assert tip(page).is_visible()
        page.mouse.move(5, 5)
        tip(page).wait_for(state="hidden")


def test_a_formula_is_shown_set_and_without_what_could_be_focused(visit):
    page = opened(visit)
    page.locator(FAR_FORMULA).hover()
    tip(page).locator(".katex").first.wait_for()
    assert tip(page).locator("a[href], [tabindex], [id]").count() == 0


def test_a_pointer_that_passes_over_a_link_opens_nothing(visit):
    page = opened(visit)
    page.locator(TERM).first.hover()
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)
    assert not tip(page).is_visible()


def test_on_focus_the_link_is_described_until_esc_or_the_next(visit):
    page = opened(visit)
    term = page.locator(TERM).first
    term.scroll_into_view_if_needed()
    term.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert term.evaluate("(link) => document.activeElement === link")
    assert tip(page).get_attribute("role") == "tooltip"
    assert term.get_attribute("aria-describedby") == "sg-tip"
    assert "softmax" in tip(page).inner_text()
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()
    assert term.get_attribute("aria-describedby") is None
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert tip(page).is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary.html#term-softmax")


def test_a_tap_says_it_a_second_follows_and_one_elsewhere_closes(visit):
    page = opened(visit, **PHONE)
    term = page.locator(TERM).first
    term.tap()
    tip(page).wait_for()
    assert page.url.endswith(CHAPTER)
    assert inside_the_screen(page)
    page.locator(".bd-article h2").first.tap(position={"x": 2, "y": 2})
    tip(page).wait_for(state="hidden")
    term.tap()
    tip(page).wait_for()
    term.tap()
    page.wait_for_url("**/glossary.html#term-softmax")


def test_a_tap_on_a_link_without_a_box_follows_at_once(visit):
    page = opened(visit, **PHONE)
    page.locator(".bd-article p a[href='04_q_learning.html']").first.tap()
    page.wait_for_url("**/04_q_learning.html")


def test_a_click_follows_at_once(visit):
    page = opened(visit)
    page.locator(TERM).first.click()
    page.wait_for_url("**/glossary.html#term-softmax")


def test_from_a_file_it_works_too(visit):
    page = visit(CHAPTER, home=PAGES.as_uri() + "/", silent=False)
    page.locator(TERM).first.hover()
    tip(page).wait_for()
    assert "softmax" in tip(page).inner_text()


def test_without_scripts_the_titles_are_the_browsers(visit):
    page = visit(CHAPTER, java_script_enabled=False)
    assert page.locator(TERM).first.get_attribute("title").startswith("softmax: ")


@pytest.mark.parametrize("theme", READERS)
def test_every_box_can_be_read_by_all_and_stays_on_the_screen(visit, theme):
    page = opened(visit, **READERS[theme])
    page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
    for selector in SAYS:
        page.locator(selector).first.hover()
        tip(page).wait_for()
        assert inside_the_screen(page)
        assert axe(page, "#sg-tip") == {}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
        page.keyboard.press("Escape")


def test_every_terms_box_of_a_page_is_filled(visit):
    page = visit(CHAPTER, color_scheme="light")
    stands(page)
    links = page.locator("a.term")
    assert links.count() > 20
    said = page.evaluate("""() => [...document.querySelectorAll("a.term")].map((link) => {
      link.matches = () => true; // as if by key
      link.dispatchEvent(new Event("focusin", { bubbles: true }));
      return document.querySelector("#sg-tip").textContent;
    })""")
    assert min(map(len, said)) > 15
    assert len(set(said)) == len(said)
