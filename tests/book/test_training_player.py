"""The training played on a built page: the network's checkpoints and the page's own table against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import minus, settle, state_of

import safegrid as sg

PAGE = "book/04_q_learning.html"
WORDS = (
    r"believes that the start is worth (-?[\d.]+)\. The truth is (-?[\d.]+), ([\d.]+) (less|more)\. "
    r"Of its trips <?([\d.]+)% crash, and <?([\d.]+)% are idle"
)


@pytest.fixture(scope="session")
def data(browser):
    return state_of(PAGE, "training_player")["data"]


@pytest.fixture(scope="session")
def mdp():
    return sg.SafetyCriticalGridWorld().mdp


def figure(page):
    return page.locator(".sg-training_player")


def says(page, mdp, q, policy):
    """The sentence tells these claims, and the truth about this policy."""
    settle(page)
    found = re.search(WORDS, minus(figure(page).locator(".sg-sentence").inner_text()))
    score, claimed = mdp.evaluate(policy), mdp.start @ q.max(1)
    true = mdp.start @ mdp.values(policy, 0.99)[0]
    wanted = [claimed, true, abs(claimed - true), 100 * score.hazard_rate, 100 * score.timeout_rate]
    told = [float(found[k]) for k in (1, 2, 3, 5, 6)]
    assert told[:3] == pytest.approx(wanted[:3], abs=0.08)
    assert told[3:] == pytest.approx(wanted[3:], abs=0.501)
    assert found[4] == ("less" if claimed > true else "more")


def checkpoint(data, k):
    network = data["network"]
    q = network["q_unit"] * np.reshape(network["q_values"], (-1, 225, 4))[k]
    return q, np.eye(4)[[int(digit) for digit in network["policies"][k]]]


def test_the_slider_goes_through_the_network_s_checkpoints(visit, data, mdp):
    page, last = visit(PAGE), len(data["network"]["steps"]) - 1
    slider = figure(page).get_by_role("slider", name="steps of training")
    says(page, mdp, *checkpoint(data, 0))
    for key, k in (("ArrowRight", 1), ("End", last), ("ArrowLeft", last - 1)):
        slider.press(key)
        says(page, mdp, *checkpoint(data, k))
        assert slider.get_attribute("aria-valuetext") == str(data["network"]["steps"][k])


def test_play_goes_to_the_end(visit, data, mdp):
    page, last = visit(PAGE), len(data["network"]["steps"]) - 1
    slider = figure(page).get_by_role("slider", name="steps of training")
    slider.press("End")
    slider.press("ArrowLeft")
    figure(page).get_by_role("button", name="play").click()
    end = [slider.element_handle(), str(last)]
    page.wait_for_function("([slider, end]) => slider.value === end", arg=end)
    says(page, mdp, *checkpoint(data, last))


def choose_table(page):
    figure(page).get_by_label("who learns").select_option("table")


@pytest.mark.parametrize(("belief", "weight"), [(0.0, 0.0), (30.0, 0.0), (12.5, 3.0)])
def test_the_page_s_table_is_the_package_s_at_every_stop(visit, mdp, belief, weight):
    page = visit(PAGE)
    choose_table(page)
    figure(page).locator("summary").click()
    for label, value in (("believes of moves nobody tried", belief), ("conservative weight", weight)):
        box = figure(page).get_by_label(f"{label}, exactly")
        box.fill(str(value))
        box.press("Enter")
    log = sg.generate_offline_episodes(sg.SafetyCriticalGridWorld(), seed=100)
    slider = figure(page).get_by_role("slider", name="steps of training")
    slider.press("Home")
    for n_steps in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, None):
        q = sg.tabular_cql(log, mdp, weight, reward_scale=1.0, n_steps=n_steps, belief=belief)
        says(page, mdp, q, sg.greedy(q))
        slider.press("ArrowRight")


def test_a_touch_on_a_chart_goes_to_its_step(visit, data, mdp):
    page = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chart = figure(page).locator(".sg-chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 261 / 320, box["y"] + box["height"] / 2)
    says(page, mdp, *checkpoint(data, len(data["network"]["steps"]) - 1))


def test_copied_python_prints_the_page_s_numbers(visit, data, mdp):
    page = visit(PAGE)
    choose_table(page)
    figure(page).get_by_role("slider", name="steps of training").press("End")
    settle(page)
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="copy as Python").click()
    log = sg.generate_offline_episodes(sg.SafetyCriticalGridWorld(), seed=100)
    player = sg.TrainingPlayer(log, mdp, network={1: np.zeros((225, 4))})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {"player": player, "mdp": mdp})
    assert (player.who, player.step) == ("table", None)
    claimed, true = map(float, re.search(r"claimed (\S+) true (\S+)", printed.getvalue()).groups())
    found = re.search(WORDS, minus(figure(page).locator(".sg-sentence").inner_text()))
    assert [float(found[1]), float(found[2])] == pytest.approx([claimed, true], abs=0.0501)


LIES = {
    "counts": (lambda data: data["counts"].__setitem__(0, -1), "counts[0] is -1, expected a number in 0…"),
    "first": (lambda data: data["first"].__setitem__(5, 0), "first[5] is 0, expected a number in"),
    "followers": (lambda data: data["followers"].pop(), "followers is a list of"),
    "steps": (lambda data: data["network"]["steps"].reverse(), "network.steps[1] is"),
    "network": (lambda data: data.update(network=5), "network is 5, expected named fields"),
    "limits": (lambda data: data["limits"].pop("gap"), "limits.gap is undefined, expected a list of 2"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_name(visit, name):
    page, (tell, message) = visit("book/notation.html"), LIES[name]
    state = state_of(PAGE, "training_player")
    tell(state["data"])
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/training_player.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert words.startswith(f"This figure cannot be shown: {message}")
