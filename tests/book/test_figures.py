"""What every figure that can be touched promises on the built pages, whatever it shows."""

import ast
import re

import pytest
from conftest import axe
from reading import ALIVE, FIGURES, TOUCHABLE, figures_of, settle

READERS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "narrow and dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}
SCREENS = {"wide": (1280, 900), "telephone": (390, 844)}
OPENING = [path for path in TOUCHABLE if re.match(r"book/(\d\d_|intro)", path)]

PARTS = """(figure) => {
  const box = (one) => one && one.checkVisibility() && one.getBoundingClientRect();
  const boxes = [".sg-bar input[type=range]", ".sg-verb", "svg.sg-board, svg.sg-chart"]
    .map((part) => box(figure.querySelector(part))).filter(Boolean);
  const [tops, bottoms] = ["top", "bottom"].map((side) => boxes.map((one) => one[side]));
  return { n: boxes.length, top: Math.min(...tops), bottom: Math.max(...bottoms) };
}"""
INPUTS = """(figure) => [...figure.querySelectorAll("input, select")].map((one) =>
  one.type === "checkbox" ? one.checked : one.value)"""


def opened(visit, name, **settings):
    """A figure on its page, alive."""
    path, nth = FIGURES[name]
    page = visit(path, **settings)
    page.wait_for_selector(ALIVE)
    figure = page.locator(".safegrid").nth(nth)
    figure.locator(".sg-sentence:not(:empty)").wait_for()
    figure.scroll_into_view_if_needed()
    settle(page)
    return figure


def turn(figure):
    """Turns a figure's first slider to one of its ends; a figure without one does its first verb."""
    slider = figure.locator(".sg-bar input[type=range]").first
    if not slider.count():
        figure.locator(".sg-verb").first.click()
    else:
        at_end = slider.evaluate("(one) => one.value === one.max")
        slider.press("Home" if at_end else "End")
    settle(figure.page)


@pytest.mark.parametrize("path", OPENING)
def test_the_figure_begins_in_the_first_400_pixels(visit, path):
    page = visit(path)
    page.wait_for_selector(ALIVE)
    assert page.locator(".safegrid").first.bounding_box()["y"] + page.evaluate("scrollY") <= 400


VEIL = """() => ["sg-sentence", "sg-charts", "sg-answer", "sg-title"]
  .map((part) => document.querySelector(`.safegrid .${part}`)).filter(Boolean)
  .map((part) => getComputedStyle(part).filter)"""
ARROWS = """() => [...document.querySelector(".safegrid").querySelectorAll(".sg-arrows")]
  .map((one) => getComputedStyle(one).opacity)"""
INSTRUCTS = ("book/02_log.html", "book/09_choosing.html")  # their sentence says what to do


@pytest.mark.parametrize("path", [path for path in OPENING if path not in INSTRUCTS])
@pytest.mark.parametrize("hand", ["bet", "touch"])
def test_what_a_figure_answers_is_veiled_until_the_bet_is_made_or_a_hand_is_laid_on_it(visit, path, hand):
    page = visit(path)
    page.wait_for_selector(ALIVE)
    assert all(blur != "none" for blur in page.evaluate(VEIL))
    assert set(page.evaluate(ARROWS)) <= {"0"}
    page.emulate_media(media="print")
    assert all(blur == "none" for blur in page.evaluate(VEIL))
    assert "0" not in page.evaluate(ARROWS)
    page.emulate_media(media="screen")
    if hand == "bet":
        page.locator(".ask label").first.click()
    else:
        page.locator(".safegrid .sg-verb").first.press("Enter")
    assert all(blur == "none" for blur in page.evaluate(VEIL))
    assert "0" not in page.evaluate(ARROWS)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", FIGURES)
def test_slider_verb_and_what_they_move_fit_one_screen(visit, name, screen):
    width, height = SCREENS[screen]
    parts = opened(visit, name, viewport={"width": width, "height": height}).evaluate(PARTS)
    assert parts["n"] >= 2
    assert parts["bottom"] - parts["top"] <= height


SEEN = """(bar) => {
  const { top, left, width } = bar.getBoundingClientRect();
  return bar.contains(document.elementFromPoint(left + width / 2, top + 1));
}"""


@pytest.mark.parametrize("name", FIGURES)
def test_on_a_telephone_what_moves_a_figure_stays_in_sight(visit, name):
    width, height = SCREENS["telephone"]
    figure = opened(visit, name, viewport={"width": width, "height": height})
    figure.locator("svg.sg-board, svg.sg-chart").first.evaluate(
        "(one) => scrollTo({ top: scrollY + one.getBoundingClientRect().bottom - 400, behavior: 'instant' })"
    )
    settle(figure.page)
    assert figure.locator(".sg-bar").evaluate(SEEN)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FIGURES)
def test_axe_finds_nothing_and_nothing_overflows(visit, name, reader):
    figure = opened(visit, name, **READERS[reader])
    page = figure.page
    figure.locator("details.sg-more > summary").click()
    dark = page.evaluate("() => document.documentElement.dataset.theme === 'dark'")
    assert dark == ("dark" in reader)
    assert axe(page, ".safegrid") == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


@pytest.mark.parametrize("name", FIGURES)
def test_at_most_three_controls_lie_open(visit, name):
    figure = opened(visit, name)
    fields = figure.locator("label:has(:is(input, select)):visible").count()
    figure.locator("details.sg-more > summary").click()
    assert fields <= 3
    assert figure.locator("details.sg-more textarea").count() == 1


@pytest.mark.parametrize("name", FIGURES)
def test_a_turn_is_taken_back_by_undo_and_all_of_them_by_reset(visit, name):
    figure = opened(visit, name, reduced_motion="reduce")
    undo, reset = (figure.get_by_role("button", name=name, exact=True) for name in ("undo", "reset"))
    first = figure.evaluate(INPUTS)
    assert not undo.is_visible()
    assert not reset.is_visible()
    turn(figure)
    turned = figure.evaluate(INPUTS)
    undo.click()
    settle(figure.page)
    assert figure.evaluate(INPUTS) == first
    turn(figure)
    assert figure.evaluate(INPUTS) == turned
    reset.click()
    settle(figure.page)
    assert figure.evaluate(INPUTS) == first
    assert not reset.is_visible()


@pytest.mark.parametrize("name", FIGURES)
def test_a_share_link_opens_the_same_figure(visit, name):
    figure = opened(visit, name, reduced_motion="reduce")
    turn(figure)
    figure.locator("details.sg-more > summary").click()
    figure.get_by_role("button", name="share link").click()
    link = figure.get_by_label("text to copy").input_value()
    path, nth = FIGURES[name]
    page = visit(path + link[link.index("#") :], reduced_motion="reduce")
    other = page.locator(".safegrid").nth(nth)
    other.locator(".sg-sentence:not(:empty)").wait_for()
    settle(page)
    assert other.evaluate(INPUTS) == figure.evaluate(INPUTS)
    other.locator("details.sg-more > summary").click()
    other.get_by_role("button", name="share link").click()
    assert other.get_by_label("text to copy").input_value() == link


@pytest.mark.parametrize("name", FIGURES)
def test_a_garbage_link_is_refused_in_place(visit, name):
    path, nth = FIGURES[name]
    page = visit(f"{path}#safegrid=1&figure={name}&nonsense=%3Cimg%20src%3Dx%3E")
    alert = page.locator(".safegrid").nth(nth).locator(".sg-error")
    page.wait_for_function("(one) => one.textContent", arg=alert.element_handle())
    assert "expected" in alert.inner_text()
    assert page.locator(".safegrid").nth(nth).locator(".sg-sentence").inner_text()


@pytest.mark.parametrize("name", FIGURES)
def test_the_code_to_copy_is_python_with_our_package_or_the_figure_s_own_name(visit, name):
    figure = opened(visit, name)
    turn(figure)
    figure.locator("details.sg-more > summary").click()
    figure.get_by_role("button", name="copy as Python").click()
    code = figure.get_by_label("text to copy").input_value()
    assert ast.parse(code).body
    assert "import safegrid as sg\n" in code or re.match(r"# \w+: the figure's name in your notebook", code)


@pytest.mark.parametrize("name", FIGURES)
def test_where_motion_is_unwelcome_a_verb_ends_at_once_in_words(visit, name):
    figure = opened(visit, name, reduced_motion="reduce")
    before = figure.locator(".sg-sentence").inner_text()
    verb = figure.locator(".sg-verb").first
    verb.click()
    settle(figure.page)
    places = "(all) => all.map((one) => one.getAttribute('transform'))"
    stood = figure.locator(".sg-walker").evaluate_all(places)
    figure.page.wait_for_timeout(150)
    assert figure.locator(".sg-walker").evaluate_all(places) == stood
    assert figure.locator(".sg-sentence").inner_text()
    assert len(before) > 20


@pytest.mark.parametrize("path", TOUCHABLE)
def test_without_scripts_a_picture_and_a_sentence_stand_there(visit, path):
    page = visit(path, java_script_enabled=False)
    assert page.locator("noscript").count() >= len(figures_of(path))
    for nth in range(len(figures_of(path))):
        still = page.locator("noscript:has(img)").nth(nth)
        still.locator("img").scroll_into_view_if_needed()
        assert still.locator("img").bounding_box()["width"] > 200
        assert len(still.locator("img").get_attribute("alt")) > 40
        assert still.locator("p").inner_text().endswith("Here it stands still.")
