"""The laboratory on a built page, driven as a reader drives it: mouse, keyboard, touch, links."""

import contextlib
import io
import re
from urllib.parse import urlencode

import numpy as np
import pytest
from reading import LAB, agrees, cell, settle, table

import safegrid as sg
from safegrid.figures.laboratory import LEARNING, WORLD


def opened(visit, link="", **settings):
    """The laboratory's page with everything it has lying open."""
    page = visit(LAB + link, **settings)
    page.locator(".sg-more > summary").click()
    return page


def test_a_laboratory_shows_the_package_s_numbers(visit):
    page = opened(visit)
    agrees(page)
    box = page.get_by_label("conservative weight, exactly")
    box.fill("37.5")
    box.press("Enter")
    agrees(page, conservative_weight=37.5)
    page.get_by_role("slider", name="reward scale").press("End")
    agrees(page, conservative_weight=37.5, reward_scale=2.0)
    page.get_by_label("train for ever").check()
    agrees(page, conservative_weight=37.5, reward_scale=2.0, n_steps=None)
    page.get_by_label("driver", exact=True).select_option("expert")
    agrees(page, conservative_weight=37.5, reward_scale=2.0, n_steps=None, driver="expert")
    box = page.get_by_label("believes of moves nobody tried, exactly")
    box.fill("50")
    box.press("Enter")
    page.get_by_label("conservative weight, exactly").fill("0")
    page.get_by_label("conservative weight, exactly").press("Enter")
    agrees(page, conservative_weight=0.0, reward_scale=2.0, n_steps=None, driver="expert", belief=50.0)


def test_dragging_the_weight_retrains_at_every_event(visit):
    page = opened(visit)
    slider = page.get_by_role("slider", name="conservative weight")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    settle(page)
    assert page.get_by_label("conservative weight, exactly").input_value() == "0"
    agrees(page, conservative_weight=0.0)


@pytest.mark.parametrize("how", ["mouse", "keyboard", "touch"])
def test_a_painted_hazard_changes_the_log_and_everything_after(visit, how):
    page = opened(visit, has_touch=how == "touch")
    desc = list(sg.SafetyLab().desc)
    painted = [(5, 0)] if how != "mouse" else [(5, 0), (5, 1), (5, 2)]
    if how == "mouse":
        page.mouse.move(*cell(page, 1, 5, 0))
        page.mouse.down()
        page.mouse.move(*cell(page, 1, 5, 2), steps=10)
        page.mouse.up()
    elif how == "touch":
        page.touchscreen.tap(*cell(page, 1, 5, 0))
    else:
        board = page.locator(".sg-board").nth(1)
        board.focus()
        for _ in range(5):
            board.press("ArrowRight")
        board.press("Enter")
    for x, y in painted:
        desc[y] = desc[y][:x] + "H" + desc[y][x + 1 :]
    settle(page)
    agrees(page, desc=desc)


@pytest.mark.parametrize("anew", [False, True], ids=["the same drives", "new drives"])
def test_a_page_says_how_many_drives_a_painted_hazard_left_as_they_were(visit, anew):
    page = opened(visit)
    if anew:
        page.get_by_label("and the log").select_option("is driven anew")
    page.mouse.click(*cell(page, 1, 12, 13))
    settle(page)
    desc = list(sg.SafetyLab().desc)
    desc[13] = desc[13][:12] + "H" + desc[13][13:]
    painted = {"desc": desc, "seed": sg.SafetyLab().seed + anew}
    agrees(page, **painted)
    logs = [sg.SafetyLab().study().log, sg.SafetyLab(**painted).study().log]
    before, after = ([tuple(map(tuple, steps)) for steps in drives_of(log)] for log in logs)
    kept = sum(old == new for old, new in zip(before, after, strict=True))
    assert kept < 10 if anew else 400 < kept < 500
    sentence = page.locator(".sg-laboratory .sg-sentence")
    assert f"{kept} of the log's 500 drives are as they were." in sentence.inner_text()
    page.get_by_role("slider", name="conservative weight").press("ArrowRight")
    settle(page)
    assert "as they were" not in sentence.inner_text()


def drives_of(log):
    steps = np.stack([log.states, log.actions, log.rewards, log.next_states], 1)
    return np.split(steps, np.cumsum(log.lengths)[:-1])


def test_keys_that_mean_something_else_paint_nothing(visit):
    page = opened(visit)
    board = page.locator(".sg-board").nth(1)
    board.focus()
    for key in ("ArrowRight", "t", "E", "n", "Control+Enter", "Alt+ArrowDown"):
        board.press(key)
    assert page.locator(".sg-readout").inner_text().startswith("cell (1, 0)")
    page.mouse.click(*cell(page, 1, 5, 0), button="right")
    page.mouse.move(*cell(page, 1, 9, 0))
    settle(page)
    agrees(page)


def test_a_start_that_passes_over_hazards_leaves_them(visit):
    page = opened(visit)
    page.get_by_label("a touch on a board").select_option("S")
    page.mouse.move(*cell(page, 0, 6, 7))
    page.mouse.down()
    page.mouse.move(*cell(page, 0, 6, 9), steps=12)
    page.mouse.up()
    desc = [list(row) for row in sg.SafetyLab().desc]
    desc[0][0], desc[9][6] = "F", "S"
    settle(page)
    agrees(page, desc=["".join(row) for row in desc])


def test_start_and_goal_move_and_a_hazard_goes(visit):
    page = opened(visit)
    page.get_by_label("a touch on a board").select_option("G")
    page.mouse.click(*cell(page, 0, 0, 14))
    page.get_by_label("a touch on a board").select_option("S")
    page.mouse.click(*cell(page, 0, 3, 3))
    page.get_by_label("a touch on a board").select_option("H")
    page.mouse.click(*cell(page, 0, 7, 3))
    desc = [list(row) for row in sg.SafetyLab().desc]
    desc[14][14], desc[14][0], desc[0][0], desc[3][3], desc[3][7] = "F", "G", "F", "S", "F"
    settle(page)
    agrees(page, desc=["".join(row) for row in desc])


def test_a_painted_wall_stands_in_the_way_and_goes_again(visit):
    page = opened(visit)
    page.get_by_label("a touch on a board").select_option("W")
    desc = [list(row) for row in sg.SafetyLab().desc]
    for letter in "WF":
        page.mouse.move(*cell(page, 1, 14, 11))
        page.mouse.down()
        page.mouse.move(*cell(page, 1, 14, 12), steps=5)
        page.mouse.up()
        desc[11][14] = desc[12][14] = letter
        settle(page)
        agrees(page, desc=["".join(row) for row in desc])
        assert page.locator(".sg-readout").inner_text().startswith("cell (14, 12)")
        assert (page.locator(".sg-scope").inner_text().strip() == "wall") == (letter == "W")


def test_a_preset_brings_its_lesson_and_its_settings(visit):
    page = opened(visit)
    box = page.get_by_label("how often a step slips, exactly")
    for _ in range(2):  # a lesson can be taken again, and brings its own world
        page.get_by_label("try").select_option(label="small scale, large weight")
        settle(page)
        assert "softmax" in page.locator(".sg-lesson").inner_text()
        agrees(page, conservative_weight=200.0, reward_scale=0.02)
        box.fill("0.3")
        box.press("Enter")
        settle(page)
        assert page.get_by_label("try").input_value() == ""


def test_a_number_between_the_stops_is_said_and_its_neighbours_can_be_chosen(visit):
    page = opened(visit)
    box, slider = page.get_by_label("gradient steps, exactly"), page.get_by_role("slider", name="gradient steps")
    box.fill("1400")
    box.press("Enter")
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "1400"
    page.get_by_label("train for ever").check()
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "for ever"
    slider.press("Home")
    settle(page)
    assert not page.get_by_label("train for ever").is_checked()
    agrees(page, n_steps=1)


def test_a_share_link_restores_a_laboratory_exactly(visit):
    page = opened(visit)
    page.get_by_label("try").select_option(label="no dream, but luck")
    box = page.get_by_label("how often a step slips, exactly")
    box.fill("0.1234567890123")
    box.press("Enter")
    page.mouse.click(*cell(page, 0, 2, 2))
    page.get_by_label("colour").select_option("overestimate")
    settle(page)
    page.get_by_role("button", name="share link").click()
    link = page.get_by_label("text to copy").input_value()
    assert link == page.url
    other = opened(visit, link[link.index("#") :])
    settle(other)
    assert table(other) == table(page)
    assert other.get_by_label("colour").input_value() == "overestimate"
    assert other.get_by_label("how often a step slips, exactly").input_value() == "0.1234567890123"
    other.get_by_role("button", name="share link").click()
    assert other.get_by_label("text to copy").input_value() == link


def test_a_link_made_before_there_were_beliefs_opens_what_it_opened(visit):
    lab = sg.SafetyLab(n_episodes=60, conservative_weight=0.0)
    names = {*WORLD, *LEARNING, "layer"} - {"belief", "own_dice"}
    page = opened(visit, "#safegrid=1&" + urlencode({n: getattr(lab, n) for n in names} | {"desc": ".".join(lab.desc)}))
    settle(page)
    agrees(page, n_episodes=60, conservative_weight=0.0, reward_scale=0.1, belief=0.0, own_dice=False)


@pytest.mark.parametrize("lesson", ["a dream that crashes", "the edge of a cliff"])
def test_copied_python_prints_the_page_s_numbers(visit, lesson):
    page = opened(visit)
    page.get_by_label("try").select_option(label=lesson)
    if lesson == "the edge of a cliff":
        page.get_by_label("train for ever").check()
    settle(page)
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    found = table(page)
    returns = [float(x) for x in re.findall(r"return_mean=(-?[\d.]+)", printed.getvalue())]
    claimed, true = map(float, re.search(r"claimed (\S+) true (\S+)", printed.getvalue()).groups())
    assert [found["clone"][0], found["CQL"][0]] == pytest.approx(returns, abs=0.0501)
    assert found["CQL"][2:] == pytest.approx([claimed, true], abs=0.0501)


GARBAGE = [
    ("#safegrid=1", "expected the setting desc"),
    ("#safegrid=2&desc=SG", "expected a figure of version 1"),
    ("#safegrid=1&" + "x" * 5000, "expected at most 4000 letters"),
    ("{}&seed=9", "expected no setting seed, or once"),
    ("{}&<img src=x onerror=alert(1)>=1", "expected no setting <img src, or once"),
    ("{epsilon=0.22->epsilon=NaN}", "epsilon is NaN, expected a number in 0…1"),
    ("{belief=50->belief=1e9}", "belief is 1000000000, expected a number in −1000…1000"),
    ("{own_dice=true->own_dice=1}", 'own_dice is "1", expected true or false'),
    ("{epsilon=0.22->epsilon=}", "epsilon is NaN, expected a number in 0…1"),
    ("{n_episodes=500->n_episodes=1e9}", "n_episodes is 1000000000, expected a whole number in 1…2000"),
    ("{n_steps=2000->n_steps=0.5}", "n_steps is 0.5, expected a whole number in 1…5000"),
    ("{driver=careless->driver=constructor}", 'driver is "constructor", expected one of careless, expert'),
    ("{layer=visits->layer=height}", 'layer is "height", expected one of visits'),
    ("{desc=S->desc=G}", "desc is"),
    ("{desc=S->desc=SS}", "desc row 1 is"),
    ("{desc=S->desc=S#}", "desc row 0 is"),
]


@pytest.mark.parametrize(("link", "message"), GARBAGE, ids=[str(i) for i in range(len(GARBAGE))])
def test_a_garbage_link_is_refused_in_place_and_changes_nothing(visit, link, message):
    if "{" in link:
        page = opened(visit)
        page.get_by_role("button", name="share link").click()
        good = page.url[page.url.index("#") :]
        old, _, new = link.strip("{}").partition("->")
        assert old == "" or old in good or link.startswith("{}")
        link = good.replace(old, new, 1) if new else link.replace("{}", good)
    page = opened(visit, link)
    alert = page.locator(".sg-laboratory .sg-error")
    page.wait_for_function("() => document.querySelector('.sg-laboratory .sg-error')?.textContent")
    assert message in alert.inner_text()
    agrees(page)


@pytest.mark.parametrize("value", ["-1", "1001", ""])
def test_a_number_out_of_bounds_is_refused_in_place(visit, value):
    page = opened(visit)
    box = page.get_by_label("conservative weight, exactly")
    box.fill(value)
    box.press("Enter")
    box.blur()
    assert "conservative_weight is" in page.locator(".sg-laboratory .sg-error").inner_text()
    agrees(page)
