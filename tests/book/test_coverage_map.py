"""What a log covers on a built page: dial, slider, chart and buttons against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import cell, minus, settle, state_of

import safegrid as sg

PAGE = "book/12_own_log.html"
SENTENCE = r"(\w+) after (\d+) episodes: in (\d+) cells its move was (?:never tried|tried fewer than (\d+) times), and "
SENTENCE += r"([\d.]+)% of its trips meet one\. ([\d.]+)% crash\."


@pytest.fixture(scope="module")
def carried():
    return state_of(PAGE, "coverage_map")


@pytest.fixture(scope="module")
def yard():
    return sg.SafetyCriticalGridWorld(map_name="crossroads")


@pytest.fixture
def page(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-coverage_map .sg-way").nth(19).wait_for(state="attached")
    return page


def learnt(yard, learner, n):
    log = sg.select_episodes(sg.generate_offline_episodes(yard, seed=100), np.arange(n))
    made = {
        "CQL": lambda: sg.greedy(sg.tabular_cql(log, yard.mdp, 6.0)),
        "clone": lambda: sg.argmax_clone(log, yard.mdp),
    }
    return log, made[learner]()


def agrees(page, yard, learner, n, asked):
    """The sentence says the package's numbers."""
    settle(page)
    words = re.search(SENTENCE, minus(page.locator(".sg-coverage_map .sg-sentence").inner_text())).groups(default="1")
    log, policy = learnt(yard, learner, n)
    tries = (policy * sg.coverage(log, yard.mdp).counts).sum(1)
    assert words[:4] == (learner, str(n), str(((tries < asked) & ~yard.mdp.terminal).sum()), str(asked))
    thin = sg.guarded_policy(policy, log, yard.mdp, evidence=asked).score(yard.mdp).fallback_episodes
    hazard = yard.mdp.evaluate(policy).hazard_rate
    assert [float(word) for word in words[4:]] == pytest.approx([100 * thin, 100 * hazard], rel=0.05, abs=0.051)
    return policy, tries


def test_tries_are_asked_by_key_mark_and_chart(page, yard, carried):
    asked, slider = carried["data"]["asked"], page.get_by_role("slider", name="tries asked")
    agrees(page, yard, "CQL", 500, 20)
    slider.press("ArrowLeft")
    agrees(page, yard, "CQL", 500, 10)
    page.get_by_role("button", name="5", exact=True).click()
    agrees(page, yard, "CQL", 500, 5)
    slider.press("Home")
    agrees(page, yard, "CQL", 500, 1)
    box = page.locator(".sg-coverage_map .sg-chart").first.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    agrees(page, yard, "CQL", 500, asked[-1])


def test_the_log_is_shortened_by_its_slider_and_in_its_chart(page, yard):
    page.get_by_role("slider", name="episodes in the log").press("Home")
    agrees(page, yard, "CQL", 10, 20)
    box = page.locator(".sg-coverage_map .sg-chart").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    agrees(page, yard, "CQL", 500, 20)


def test_the_clone_is_another_policy(page, yard):
    page.locator(".sg-coverage_map .sg-more > summary").click()
    page.get_by_label("learner").select_option("clone")
    agrees(page, yard, "clone", 500, 20)


def test_the_commonest_thin_move_is_looked_into(page, yard):
    page.locator(".sg-coverage_map .sg-more > summary").click()
    page.get_by_role("button", name="where it meets one").click()
    policy, tries = agrees(page, yard, "CQL", 500, 20)
    visits = np.where((tries < 20) & ~yard.mdp.terminal, yard.mdp.occupancy(policy), 0)
    readout = page.locator(".sg-coverage_map .sg-readout").text_content()
    x, y = map(int, re.search(r"cell \((\d+), (\d+)\)", readout).groups())
    state = yard.state_of((x, y))
    assert visits[state] == pytest.approx(visits.max())
    log, _ = learnt(yard, "CQL", 500)
    counts = sg.coverage(log, yard.mdp).counts[state]
    assert [int(n) for n in re.findall(r"tried (\d+) times", readout)] == counts.tolist()


def test_a_cell_too_thin_is_bare_paper(page, yard):
    _, tries = agrees(page, yard, "CQL", 500, 20)
    log, _ = learnt(yard, "CQL", 500)
    state = int(np.flatnonzero((tries < 20) & ~yard.mdp.terminal)[0])
    page.mouse.click(*cell(page, 0, *map(int, yard.mdp.observations[state])))
    settle(page)
    said = page.locator(".sg-coverage_map .sg-readout").text_content()
    counts = sg.coverage(log, yard.mdp).counts[state]
    assert [int(n) for n in re.findall(r"tried (\d+) times", said)] == counts.tolist()


def test_twenty_drive_as_the_package_s_and_those_who_meet_one_are_counted(page, yard):
    page.get_by_role("button", name="5", exact=True).click()
    settle(page)
    page.get_by_role("button", name="let twenty drive").press("Enter")
    settle(page)
    now = re.search(r"Now (\d+) of 20 took such a move", page.locator(".sg-coverage_map .sg-sentence").inner_text())
    policy, tries = agrees(page, yard, "CQL", 500, 5)
    drives = yard.mdp.rollouts(policy, 20, sg.portable_rng(1))  # the first fleet went by itself
    met = np.bincount(drives.episode, tries[drives.states] < 5, minlength=20) > 0
    assert int(now[1]) == met.sum()


def test_copied_python_prints_the_page_s_numbers(page, yard):
    page.get_by_role("button", name="5", exact=True).click()
    page.get_by_role("slider", name="episodes in the log").press("ArrowLeft")
    settle(page)
    page.locator(".sg-coverage_map .sg-more > summary").click()
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    thin, hazard = map(float, printed.getvalue().split())
    policy, _ = agrees(page, yard, "CQL", 200, 5)
    assert hazard == pytest.approx(yard.mdp.evaluate(policy).hazard_rate)
    said = re.search(SENTENCE, minus(page.locator(".sg-coverage_map .sg-sentence").inner_text()))
    assert float(said[5]) == pytest.approx(100 * thin, rel=0.05, abs=0.051)


def test_a_link_restores_size_tries_and_learner(visit, yard):
    page = visit(f"{PAGE}#safegrid=1&figure=coverage_map&size=2&ask=1&learner=clone")
    page.locator(".sg-coverage_map .sg-sentence:not(:empty)").wait_for()
    agrees(page, yard, "clone", 50, 2)


@pytest.mark.parametrize(("name", "value"), [("size", "6"), ("ask", "8"), ("ask", "1.5"), ("learner", "SAC")])
def test_a_link_out_of_bounds_is_refused_by_name(visit, name, value):
    wanted = {"size": "5", "ask": "3", "learner": "CQL"} | {name: value}
    page = visit(f"{PAGE}#safegrid=1&figure=coverage_map&" + "&".join("=".join(pair) for pair in wanted.items()))
    alert = page.locator(".sg-coverage_map .sg-error:not(:empty)")
    alert.wait_for()
    assert alert.inner_text().startswith(name)
