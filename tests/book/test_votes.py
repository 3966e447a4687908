"""The board of votes on a built page: driver, log and cell against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import cell, minus, settle, state_of

import safegrid as sg

PAGE = "book/03_cloning.html"


@pytest.fixture(scope="session")
def data(browser):
    return state_of(PAGE, "votes")["data"]


@pytest.fixture(scope="session")
def first(browser):
    """The log that is shown at first: its clone hardly crashes, the next one's mostly does."""
    return state_of(PAGE, "votes")["log"]


def figure(page):
    return page.locator(".sg-votes")


def says(page, data, index, log):
    """The sentence tells the exact hazards of the driver and of both clones of this log."""
    settle(page)
    sentence = minus(figure(page).locator(".sg-sentence").inner_text())
    assert sentence.startswith(f"Log {log + 1}: ")
    at = index * data["n_logs"] + log
    wanted = [data["driver"][index], *(data["scores"]["hazard_rate"][way][at] for way in ("argmax", "sampled"))]
    assert [float(x) for x in re.findall(r"([\d.]+)%", sentence)] == pytest.approx([100 * x for x in wanted], abs=0.501)


def test_the_slider_turns_the_driver_and_a_verb_the_log(visit, data, first):
    page = visit(PAGE)
    index = data["epsilons"].index(0.22)
    says(page, data, index, first)
    hazards = data["scores"]["hazard_rate"]["argmax"][index * data["n_logs"] :]
    assert hazards[first] < 0.2 < 0.4 < hazards[first + 1]
    slider = figure(page).get_by_role("slider", name="how erratic the driver is, ε")
    for key, at in (("ArrowRight", index + 1), ("End", len(data["epsilons"]) - 1), ("Home", 0)):
        slider.press(key)
        says(page, data, at, first)
    for log in (first + 1, (first + 2) % data["n_logs"]):
        figure(page).get_by_role("button", name="another log").click()
        says(page, data, 0, log)


def test_a_finger_chooses_a_dot(visit, data, first):
    page = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    dot = figure(page).locator(".sg-dots").nth(1).locator("circle").nth(11)
    dot.scroll_into_view_if_needed()
    box = dot.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    index, log = data["epsilons"].index(0.22), int(figure(page).get_by_label("log", exact=True).input_value())
    hazards = data["scores"]["hazard_rate"]["argmax"][index * data["n_logs"] :]
    assert log != first
    assert abs(hazards[log] - hazards[11]) < 0.1  # or another that lies on it
    says(page, data, index, log)


def test_a_cell_tells_its_votes(visit, data, first):
    page = visit(PAGE)
    page.mouse.click(*cell(page, 0, 3, 3))
    settle(page)
    words = figure(page).locator(".sg-readout").inner_text()
    at = data["epsilons"].index(0.22) * data["n_logs"] + first
    counts = np.reshape(data["counts"], (-1, 225, 4))[at, 3 * 15 + 3]
    told = re.findall(r"[↓→↑←] (\d+) \(([\d.]+)%\)(\*?)", words)
    assert [int(n) for n, _, _ in told] == counts.tolist()
    assert [bool(star) for *_, star in told] == (counts == counts.max()).tolist()


def test_the_page_s_clones_are_the_package_s(visit, first):
    """Their exact hazards are told; and here their drives, from the same seed."""
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-way").nth(39).wait_for(state="attached")  # the first fleet went by itself
    sentence = figure(page).locator(".sg-sentence").inner_text()
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    log, mdp = sg.generate_offline_episodes(env, epsilon=0.22, seed=100 + first), env.mdp
    for words, policy in zip(
        re.findall(r"Who [^:]*: ([^.]*)\.", sentence),
        (sg.argmax_clone(log, mdp), sg.log_shares(log, mdp.n_states)),
        strict=True,
    ):
        drives = mdp.rollouts(policy, 20, sg.portable_rng(0))
        crashed = int(mdp.hazard[drives.next_states][drives.terminals].sum())
        assert int((re.search(r"(\d+) (?:of 20 )?crashed", words) or [0, 0])[1]) == crashed


def test_copied_python_gives_the_page_s_numbers(visit, data, first):
    page = visit(PAGE)
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="copy as Python").click()
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    seeds = range(100, 101 + first)
    logs = {e: [sg.generate_offline_episodes(env, epsilon=e, seed=seed) for seed in seeds] for e in data["epsilons"]}
    votes = sg.VoteBoard(logs, env.mdp, {e: env.behaviour_policy(e) for e in logs})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {"votes": votes})
    at = data["epsilons"].index(0.22) * data["n_logs"] + first
    rates = [float(x) for x in re.findall(r"hazard_rate=([\d.e-]+)", printed.getvalue())]
    assert rates == pytest.approx([data["scores"]["hazard_rate"][way][at] for way in ("argmax", "sampled")], abs=1e-5)


LIES = {
    "counts": (lambda data: data["counts"].pop(), "counts is a list of"),
    "epsilons": (lambda data: data["epsilons"].reverse(), "epsilons[1] is"),
    "scores": (lambda data: data["scores"].pop("hazard_rate"), "scores.hazard_rate.argmax is undefined"),
    "driver": (lambda data: data["driver"].__setitem__(0, 2), "driver[0] is 2, expected a number in 0…1"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_name(visit, name):
    page, (tell, message) = visit("book/notation.html"), LIES[name]
    state = state_of(PAGE, "votes")
    tell(state["data"])
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/votes.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert words.startswith(f"This figure cannot be shown: {message}")
