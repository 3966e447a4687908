"""A budget of harm on a built page: slider, keys and buttons against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import cell, minus, settle, state_of

import safegrid as sg

PAGE = "book/11_budget.html"
SENTENCE = r"Where ([\d.]+)% may crash, (\d+) of (\d+) logs lead to more\. Log (\d+) promises ([\d.]+)%; in the yard "
SENTENCE += r"([\d.]+)% crash and ([\d.]+)% arrive, with a mean return of (-?\d+\.\d)"


@pytest.fixture(scope="module")
def carried():
    return state_of(PAGE, "budget")


@pytest.fixture(scope="module")
def yard():
    return sg.SafetyCriticalGridWorld(map_name="rooms")


@pytest.fixture
def page(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-budget .sg-way").nth(19).wait_for(state="attached")
    return page


def found_in(yard, budget, log):
    return sg.budgeted_policy(sg.generate_offline_episodes(yard, seed=100 + log), yard.mdp, budget)


def agrees(page, yard, carried, index, log):
    """The sentence says the package's numbers for a budget and a log."""
    settle(page)
    budget, hazards = carried["data"]["budgets"][index], carried["data"]["scores"]["hazard"][index]
    words = re.search(SENTENCE, minus(page.locator(".sg-budget .sg-sentence").inner_text())).groups()
    allowed, broken, of, shown, promised, hazard, arrive, earned = map(float, words)
    found = found_in(yard, budget, log)
    score = yard.mdp.evaluate(found.policy)
    assert allowed == pytest.approx(100 * budget)
    assert (broken, of, shown) == ((np.array(hazards) > budget).sum(), 20, log + 1)
    assert promised == pytest.approx(100 * found.harm, rel=0.05)
    assert hazard == pytest.approx(100 * score.hazard_rate, rel=0.05)
    assert arrive == pytest.approx(100 * score.goal_rate, abs=0.51)
    assert earned == pytest.approx(score.return_mean, abs=0.0501)
    assert hazards[log] == pytest.approx(score.hazard_rate, abs=1e-6)


def test_a_budget_is_set_by_key_mark_and_drag(page, yard, carried):
    log, slider = carried["log"], page.get_by_role("slider", name="crashes allowed")
    agrees(page, yard, carried, carried["index"], log)
    slider.press("ArrowRight")
    agrees(page, yard, carried, carried["index"] + 1, log)
    page.get_by_role("button", name="5%", exact=True).click()
    agrees(page, yard, carried, carried["data"]["budgets"].index(0.05), log)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    agrees(page, yard, carried, 0, log)


def test_a_chart_is_touched_to_set_the_budget(page, yard, carried):
    chart = page.locator(".sg-budget .sg-chart").first
    box = chart.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    agrees(page, yard, carried, len(carried["data"]["budgets"]) - 1, carried["log"])


def test_the_unluckiest_log_waits_where_hardly_anything_was_tried(page, yard, carried):
    page.get_by_role("button", name="the unluckiest log").click()
    worst = int(np.argmax(carried["data"]["scores"]["hazard"][carried["index"]]))
    agrees(page, yard, carried, carried["index"], worst)
    log = sg.generate_offline_episodes(yard, seed=100 + worst)
    policy, tries = found_in(yard, 0.002, worst).policy, sg.coverage(log, yard.mdp).counts
    place = page.locator(".sg-budget .sg-readout").inner_text()
    x, y = map(int, re.search(r"cell \((\d+), (\d+)\)", place).groups())
    state = yard.state_of((x, y))
    rows = [row.split() for row in page.locator(".sg-budget .sg-scope tbody tr").all_inner_texts()]
    numbers = [[float(word.rstrip("%")) for word in row if re.match(r"\d", word)] for row in rows]
    assert [shares for shares, *_ in numbers] == pytest.approx(100 * policy[state], abs=0.51)
    assert [tried for _, tried, _ in numbers] == tries[state].tolist()
    page.get_by_role("button", name="another log").click()
    agrees(page, yard, carried, carried["index"], (worst + 1) % 20)


def test_the_coin_is_the_policy_s(page, yard, carried):
    x, y, coin = re.search(
        r"In cell \((\d+), (\d+)\) it tosses a coin: ([^.]*(?:\.\d[^.]*)*)\.", page.locator(".sg-sentence").inner_text()
    ).groups()
    shares = found_in(yard, 0.002, carried["log"]).policy[yard.state_of((int(x), int(y)))]
    said = dict.fromkeys("↓→↑←", 0.0) | {s: float(p) for s, p in re.findall(r"([↓→↑←]) ([\d.]+)%", coin)}
    assert list(said.values()) == pytest.approx(100 * shares, abs=0.51)
    assert 0 < max(shares) < 1


def test_a_cell_touched_says_its_evidence(page, yard, carried):
    page.mouse.click(*cell(page, 0, 7, 7))
    settle(page)
    words = page.locator(".sg-budget .sg-readout").text_content()
    log = sg.generate_offline_episodes(yard, seed=100 + carried["log"])
    tries = sg.coverage(log, yard.mdp).counts[yard.state_of((7, 7))]
    assert [int(n) for n in re.findall(r"tried (\d+) times", words)] == tries.tolist()


def test_twenty_drive_as_the_package_s(page, yard, carried):
    page.get_by_role("button", name="let twenty drive").press("Enter")
    settle(page)
    now = page.locator(".sg-budget .sg-sentence").inner_text().split(" Now ")[1]
    policy = found_in(yard, 0.002, carried["log"]).policy
    drives = yard.mdp.rollouts(policy, 20, sg.portable_rng(1))  # the first fleet went by itself
    arrived = int(yard.mdp.goal[drives.next_states][drives.terminals].sum())
    assert int((re.search(r"(\d+) (?:of 20 )?arrived", now) or [0, 0])[1]) == arrived


def test_copied_python_prints_the_page_s_numbers(page, yard, carried):
    page.get_by_role("button", name="another log").click()
    page.get_by_role("button", name="1%", exact=True).click()
    settle(page)
    page.locator(".sg-budget .sg-more > summary").click()
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    agrees(page, yard, carried, carried["data"]["budgets"].index(0.01), (carried["log"] + 1) % 20)
    hazard = float(re.search(r"hazard_rate=([\d.e-]+)", printed.getvalue())[1])
    said = re.search(SENTENCE, minus(page.locator(".sg-budget .sg-sentence").inner_text()))
    assert float(said[6]) == pytest.approx(100 * hazard, rel=0.05)


def test_a_link_restores_budget_log_and_colour(visit, yard, carried):
    page = visit(f"{PAGE}#safegrid=1&figure=budget&index=6&log=3&layer=coverage")
    page.locator(".sg-budget .sg-sentence:not(:empty)").wait_for()
    agrees(page, yard, carried, 6, 3)
    assert "steps in the log" in page.locator(".sg-budget .sg-legend").inner_text()


@pytest.mark.parametrize(("name", "value"), [("index", "13"), ("log", "20"), ("log", "1.5"), ("layer", "claimed")])
def test_a_link_out_of_bounds_is_refused_by_name(visit, name, value):
    wanted = {"index": "2", "log": "0", "layer": "visits"} | {name: value}
    page = visit(f"{PAGE}#safegrid=1&figure=budget&" + "&".join("=".join(pair) for pair in wanted.items()))
    alert = page.locator(".sg-budget .sg-error:not(:empty)")
    alert.wait_for()
    assert alert.inner_text().startswith(name)
