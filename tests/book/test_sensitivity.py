"""The figure of changed settings on a built page: slider, dots, keys and verbs, against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import minus, settle, state_of

import safegrid as sg

PAGE = "book/10_does_it_hold.html"


@pytest.fixture(scope="session")
def data(browser):
    return state_of(PAGE, "sensitivity")["data"]


def figure(page):
    return page.locator(".sg-sensitivity")


def shows(page, data, setting, name="crossroads", run=0):
    """Sentence, slider and titles speak of this run of this setting on this map."""
    settle(page)
    rows, n = data["maps"][name]["rows"], data["n_logs"] * data["n_networks"]
    sentence = minus(figure(page).locator(".sg-sentence").inner_text())
    lost = [sum(x < 0 for x in rows[k]["return_mean"]) for k in (setting, 0)]
    assert sentence.startswith(f"{data['settings'][setting]}, {name}: {lost[0]} of {n} runs lost, claims ")
    log, network = divmod(run, data["n_networks"])
    told = re.search(
        r"claims \+?(\S+) against .*\(as in the book: (\d+), \+?(\S+)\)\. On the boards log (\d+), network (\d+), "
        r"return (\S+) against (\S+)\.(?: Twenty trips each: .*)?$",
        sentence,
    ).groups()
    over = [np.mean(rows[k]["overestimate"]) for k in (setting, 0)]
    returns = [rows[k]["return_mean"][run] for k in (setting, 0)]
    wanted = [over[0], lost[1], over[1], log + 1, network + 1, *returns]
    assert [float(x) for x in told[:5]] == pytest.approx(wanted[:5], abs=0.501)
    assert [float(x) for x in told[5:]] == pytest.approx(wanted[5:], abs=0.0501)
    titles = figure(page).locator(".sg-pair .sg-title").all_inner_texts()
    mdp = sg.SafetyCriticalGridWorld(map_name=name).mdp
    for title, k in zip(titles, (0, setting), strict=True):
        score = mdp.evaluate(np.eye(4)[[int(digit) for digit in rows[k]["actions"][run]]])
        assert float(re.search(r"([\d.]+)% crash", title)[1]) == pytest.approx(100 * score.hazard_rate, abs=0.501)
        assert rows[k]["hazard_rate"][run] == pytest.approx(score.hazard_rate, abs=1e-5)


def still(visit):
    """The page where walkers end at once, after the first fleet, which goes by itself."""
    page = visit(PAGE, reduced_motion="reduce")
    figure(page).scroll_into_view_if_needed()
    figure(page).locator(".sg-way").nth(39).wait_for(state="attached")
    return page


def test_the_slider_goes_through_the_settings_and_the_map_changes_all(visit, data):
    page = still(visit)
    slider = figure(page).get_by_role("slider", name="what is changed")
    shows(page, data, data["settings"].index("raw coordinates"))  # at which runs are lost
    slider.press("Home")
    for setting in range(2, len(data["settings"])):
        slider.press("ArrowRight")
        shows(page, data, setting)
        assert slider.get_attribute("aria-valuetext") == data["settings"][setting]
        meaning = figure(page).locator(".sg-note").first.inner_text()
        assert meaning == f"{data['settings'][setting]}: {data['meanings'][setting]}"
        assert data["meanings"][setting] != data["settings"][setting]
    figure(page).get_by_label("map", exact=True).select_option("original")
    shows(page, data, len(data["settings"]) - 1, "original")
    slider.press("Home")
    shows(page, data, 1, "original")


def test_a_dot_that_is_touched_shows_its_run_and_its_setting(visit, data):
    page = still(visit)
    chart, n = figure(page).locator(".sg-dots").nth(1), data["n_logs"] * data["n_networks"]
    last = len(data["settings"]) - 1
    hazards = data["maps"]["crossroads"]["rows"][last]["hazard_rate"]
    run = int(np.argsort(hazards)[4])
    dot = chart.locator("circle:not(.sg-chosen-dot)").nth(last * n + run)
    dot.scroll_into_view_if_needed()
    box = dot.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    said = re.search(r"On the boards log (\d+), network (\d+)", figure(page).locator(".sg-sentence").inner_text())
    found = (int(said[1]) - 1) * data["n_networks"] + int(said[2]) - 1
    assert hazards[found] == pytest.approx(hazards[run], rel=0.3)
    shows(page, data, last, run=found)


def test_arrow_keys_go_from_dot_to_dot_and_from_row_to_row(visit, data):
    page = still(visit)
    chart, run, setting = figure(page).locator(".sg-dots").first, 0, 1
    figure(page).get_by_role("slider", name="what is changed").press("Home")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        run += {"ArrowRight": 1, "ArrowLeft": -1}.get(key, 0)
        setting += {"ArrowDown": 1, "ArrowUp": -1}.get(key, 0)
        chart.press(key)
        shows(page, data, setting, run=run)
        said = chart.get_attribute("aria-valuetext")
        assert said.startswith(f"log {run // 2 + 1}, network {run % 2 + 1}: {data['settings'][setting]} ")
    for _ in range(3):
        chart.press("ArrowUp")  # the recipe's own row is no change of it
    shows(page, data, 1, run=run)


def test_the_worst_and_a_typical_run_are_those_of_the_row_and_drive(visit, data):
    page = still(visit)
    figure(page).get_by_role("slider", name="what is changed").press("End")
    last = len(data["settings"]) - 1
    rows = data["maps"]["crossroads"]["rows"]
    mdp = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    order = np.argsort(rows[last]["return_mean"], kind="stable")
    for drives, (verb, run) in enumerate((("the worst run", order[0]), ("a typical run", order[len(order) // 2])), 1):
        figure(page).get_by_role("button", name=verb).click()
        settle(page)
        sentence = figure(page).locator(".sg-sentence").inner_text().split("Twenty trips each: ")[1]
        for name, k in (("as in the book", 0), (data["settings"][last], last)):
            policy = np.eye(4)[[int(digit) for digit in rows[k]["actions"][run]]]
            walks = mdp.rollouts(policy, 20, sg.portable_rng(drives))
            crashed = int(mdp.hazard[walks.next_states][walks.terminals].sum())
            told = re.search(rf"{name}: ([^.]*)\.", sentence)[1]
            assert int((re.search(r"(\d+) (?:of 20 )?crashed", told) or [0, 0])[1]) == crashed


def test_copied_python_gives_what_the_boards_show(visit, data):
    page = still(visit)
    figure(page).get_by_role("slider", name="what is changed").press("End")
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    rates = [100 * float(x) for x in re.findall(r"hazard_rate=([\d.e-]+)", printed.getvalue())]
    titles = figure(page).locator(".sg-pair .sg-title").all_inner_texts()
    assert len(rates) == len(titles) == 2
    assert [float(re.search(r"([\d.]+)% crash", title)[1]) for title in titles] == pytest.approx(rates, abs=0.501)


LIES = {
    "meanings": (lambda data: data["meanings"].pop(), "meanings is a list of 10, expected a list of 11"),
    "settings": (lambda data: data["settings"].__setitem__(2, 7), "settings[2] is 7, expected text"),
    "rows": (
        lambda data: data["maps"]["original"]["rows"].pop(),
        "maps.original.rows is a list of 10, expected",
    ),
    "score": (
        lambda data: data["maps"]["crossroads"]["rows"][1]["hazard_rate"].pop(),
        "last weights, hazard_rate is a list of 19, expected a list of 20",
    ),
    "actions": (
        lambda data: data["maps"]["crossroads"]["rows"][0]["actions"].__setitem__(3, "<b>"),
        'default, actions[3] is "<b>", expected 225 digits',
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_name(visit, data, name):
    page, (tell, message) = visit("book/notation.html"), LIES[name]
    state = state_of(PAGE, "sensitivity")
    tell(state["data"])
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/sensitivity.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert words.startswith(f"This figure cannot be shown: {message}")
