"""A guard at a dial on a built page: slider, lists and buttons against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import cell, minus, settle, state_of

import safegrid as sg

PAGE = "book/13_shipping.html"
ENDS = r"([\d.]+)% crash, ([\d.]+)% arrive, return (-?[\d.]+)\. Over 10 logs ([\d.]+)% crash"
GUARDED = (
    r"On ([\d.]+)% of the trips .* takes over: " + ENDS + r", without a guard ([\d.]+)%; it is more on (\d+) of them"
)
SHIFTS = {
    "as logged": {},
    "more slip": {"slip_prob": 0.15},
    "hazards moved": {},
    "goal moved": {"goal": (14, 10)},
}


@pytest.fixture(scope="module")
def carried():
    return state_of(PAGE, "hand_over")


@pytest.fixture(scope="module")
def yard():
    return sg.SafetyCriticalGridWorld(map_name="original")


@pytest.fixture(scope="module")
def worlds(yard):
    kept = {"size": yard.size, "hazard_coords": yard.hazard_coords, "start": yard.start, "goal": yard.goal}
    moved = {"hazard_coords": [((x + 1) % yard.width, y) for x, y in yard.hazard_coords]}
    changes = SHIFTS | {"hazards moved": moved}
    return [sg.SafetyCriticalGridWorld(**(kept | change)).mdp for change in changes.values()]


@pytest.fixture
def page(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-hand_over .sg-board").scroll_into_view_if_needed()
    page.locator(".sg-hand_over .sg-way").nth(19).wait_for(state="attached")
    return page


def guarded(yard, worlds, carried, fallback, world, index, log):
    policy = np.eye(4)[[int(move) for move in carried["data"]["policies"][log]]]
    instead = {"clone": {}, "ask": {"fallback": "ask", "ask_cost": 20.0},
               "operator": {"fallback": worlds[world].optimal(0.99)}}[fallback]  # fmt: skip
    own = sg.generate_offline_episodes(yard, seed=100 + log)
    return sg.guarded_policy(policy, own, yard.mdp, evidence=carried["data"]["tries"][index], **instead)


def agrees(page, yard, worlds, carried, fallback="clone", world=0, index=0, log=0):
    """The sentence says the package's numbers."""
    settle(page)
    words = minus(page.locator(".sg-hand_over .sg-sentence").inner_text())
    told = guarded(yard, worlds, carried, fallback, world, index, log).score(worlds[world])
    all_logs = np.array(carried["data"]["hazard"][fallback][world])
    numbers = [float(x) for x in re.search(GUARDED if index else ENDS, words).groups()]
    wanted = [told.score.hazard_rate, told.score.goal_rate, told.score.return_mean, all_logs[index].mean()]
    if index:
        more = (all_logs[index] > all_logs[0] + 1e-6).sum()
        wanted = [told.fallback_episodes, *wanted, all_logs[0].mean(), more]
    for said, own in zip(numbers, wanted, strict=True):
        units = 1 if own is told.score.return_mean or (index and own is wanted[-1]) else 100
        assert said == pytest.approx(units * own, rel=0.05, abs=0.051)
    assert all_logs[index][log] == pytest.approx(told.score.hazard_rate, abs=1e-6)
    assert carried["data"]["handed"][world][index][log] == pytest.approx(told.fallback_episodes, abs=1e-6)


def test_the_tries_wanted_are_set_by_key_mark_and_chart(page, yard, worlds, carried):
    tries, log = carried["data"]["tries"], carried["log"]
    agrees(page, yard, worlds, carried, index=carried["index"], log=log)
    page.get_by_role("slider", name="tries wanted").press("ArrowRight")
    agrees(page, yard, worlds, carried, index=carried["index"] + 1, log=log)
    page.get_by_role("button", name="20", exact=True).click()
    agrees(page, yard, worlds, carried, index=tries.index(20), log=log)
    box = page.locator(".sg-hand_over .sg-chart").first.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    agrees(page, yard, worlds, carried, index=len(tries) - 1, log=log)


@pytest.mark.parametrize("fallback", ["clone", "ask", "operator"])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_world_and_who_takes_over_are_chosen(page, yard, worlds, carried, fallback, world):
    index = carried["data"]["tries"].index(5)
    page.get_by_role("button", name="5", exact=True).click()
    page.get_by_label("world").select_option(str(world))
    page.get_by_label("who takes over").select_option(fallback)
    agrees(page, yard, worlds, carried, fallback, world, index, carried["log"])
    hazards = page.locator(".sg-hand_over .sg-board .sg-hazard").count()
    assert hazards == worlds[world].hazard.sum()


def test_a_log_s_own_choice_and_another_log(page, yard, worlds, carried):
    page.locator(".sg-hand_over .sg-more > summary").click()
    page.get_by_role("button", name="another log").click()
    page.get_by_role("button", name="what the log would choose").click()
    log = (carried["log"] + 1) % 10
    agrees(page, yard, worlds, carried, index=carried["data"]["chosen"]["clone"][log], log=log)


def test_a_cell_touched_says_who_decides_and_what_the_log_tried(page, yard, carried):
    page.get_by_role("button", name="20", exact=True).click()
    state = yard.state_of((7, 7))
    page.mouse.click(*cell(page, 0, 7, 7))
    settle(page)
    words = page.locator(".sg-hand_over .sg-readout").text_content()
    log = sg.generate_offline_episodes(yard, seed=100 + carried["log"])
    tries = sg.coverage(log, yard.mdp).counts[state]
    move = int(carried["data"]["policies"][carried["log"]][state])
    assert f"The network wants {'↓→↑←'[move]}, tried {tries[move]} times: " in words
    assert ("the guard takes over" in words) == (tries[move] < 20)
    assert [int(n) for n in re.findall(r"[↓→↑←] [\d.]+%, tried (\d+) times", words)] == tries.tolist()


@pytest.mark.parametrize("fallback", ["clone", "ask"])
def test_twenty_drive_as_the_package_s(page, yard, worlds, carried, fallback):
    index, log = carried["data"]["tries"].index(5), carried["log"]
    page.get_by_role("button", name="5", exact=True).click()
    page.get_by_label("who takes over").select_option(fallback)
    settle(page)
    now = page.locator(".sg-hand_over .sg-sentence").inner_text().split(" Now ")[1]
    found, mdp = guarded(yard, worlds, carried, fallback, 0, index, log), yard.mdp
    own = np.eye(4)[[int(move) for move in carried["data"]["policies"][log]]]
    drives = mdp.rollouts(own if fallback == "ask" else found.policy, 20, sg.portable_rng(2))  # the third fleet
    taken = np.unique(drives.episode[found.handed[drives.states] > 0])
    assert int(re.search(r"(\d+) of 20 (?:asked|were taken over)", now)[1]) == len(taken)
    through = ~np.isin(drives.episode, taken) if fallback == "ask" else np.ones(len(drives.episode), bool)
    arrived = int(mdp.goal[drives.next_states][drives.terminals & through].sum())
    assert int((re.search(r"(\d+) (?:of \d+ )?arrived", now) or [0, 0])[1]) == arrived


@pytest.mark.parametrize(("fallback", "world"), [("clone", 2), ("ask", 1), ("operator", 3)])
def test_copied_python_prints_the_page_s_numbers(page, yard, worlds, carried, fallback, world):
    page.get_by_role("button", name="20", exact=True).click()
    page.get_by_label("world").select_option(str(world))
    page.get_by_label("who takes over").select_option(fallback)
    settle(page)
    page.locator(".sg-hand_over .sg-more > summary").click()
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    index, log = carried["data"]["tries"].index(20), carried["log"]
    own = guarded(yard, worlds, carried, fallback, world, index, log).score(worlds[world])
    hazard = float(re.search(r"hazard_rate=([\d.e-]+)", printed.getvalue())[1])
    assert hazard == pytest.approx(own.score.hazard_rate)
    agrees(page, yard, worlds, carried, fallback, world, index, log)


def test_a_link_restores_every_setting(visit, yard, worlds, carried):
    page = visit(f"{PAGE}#safegrid=1&figure=hand_over&index=4&log=3&world=1&fallback=ask&layer=coverage")
    page.locator(".sg-hand_over .sg-sentence:not(:empty)").wait_for()
    agrees(page, yard, worlds, carried, "ask", 1, 4, 3)
    assert "steps in the log" in page.locator(".sg-hand_over .sg-legend").inner_text()


@pytest.mark.parametrize(
    ("name", "value"), [("index", "99"), ("log", "10"), ("world", "4"), ("fallback", "driver"), ("layer", "claimed")]
)
def test_a_link_out_of_bounds_is_refused_by_name(visit, name, value):
    wanted = {"index": "2", "log": "0", "world": "0", "fallback": "clone", "layer": "decides"} | {name: value}
    page = visit(f"{PAGE}#safegrid=1&figure=hand_over&" + "&".join("=".join(pair) for pair in wanted.items()))
    alert = page.locator(".sg-hand_over .sg-error:not(:empty)")
    alert.wait_for()
    assert alert.inner_text().startswith(name)
