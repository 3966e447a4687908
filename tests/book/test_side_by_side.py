"""Side by side on a built page: the slider, the dots, the draws of three logs, against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import minus, settle, state_of

import safegrid as sg

PAGE = "book/06_side_by_side.html"
WHO = ("BC", "double DQN", "CQL")


@pytest.fixture(scope="session")
def data(browser):
    return state_of(PAGE, "side_by_side")["data"]


def table(data, field, index):
    """Agent → its score on every log."""
    one, n = data["scores"][field], data["n_logs"]
    rows = {"BC": one["BC"], "double DQN": one["CQL"][:n], "CQL": one["CQL"][index * n : (index + 1) * n]}
    return {who: np.array(row) for who, row in rows.items()}


def agrees(page, data, index, draw=0):
    """The sentence ranks the means of the shown logs."""
    settle(page)
    n = data["n_logs"]
    logs = list(range(n)) if draw == 0 else np.argsort(sg.portable_rng(draw).random(n))[:3].tolist()
    sentence = minus(page.locator(".sg-side_by_side .sg-sentence").inner_text())
    which = f"all {n} logs" if draw == 0 else "logs " + ", ".join(str(log + 1) for log in logs)
    assert sentence.startswith(f"Means of {which}, the best first.")
    told = re.search(r"Return: (.*?)\. Hazard: (.*?)\.$", sentence).groups()
    for words, field, better, scale in zip(told, ("return_mean", "hazard_rate"), (-1, 1), (1, 100), strict=True):
        wanted = {who: row[logs].mean() for who, row in table(data, field, index).items()}
        said = re.findall(r"(BC|double DQN|CQL) (-?[\d.]+)", words)
        assert [who for who, _ in said] == sorted(wanted, key=lambda who: better * wanted[who])
        for who, value in said:
            assert float(value) == pytest.approx(scale * wanted[who], abs=0.501)


def one_hot(digits):
    return np.eye(4)[[int(digit) for digit in digits]]


def figure(page):
    return page.locator(".sg-side_by_side")


def test_the_slider_moves_the_dots_of_cql_and_no_others(visit, data):
    page, n = visit(PAGE), data["n_logs"]
    agrees(page, data, data["weights"].index(6.0))
    places = "(all) => all.map((one) => one.getAttribute('cx'))"
    dots = figure(page).locator(".sg-dots").first.locator("circle:not(.sg-chosen-dot)")
    before = dots.evaluate_all(places)
    figure(page).get_by_role("slider", name="conservative weight").press("End")
    agrees(page, data, len(data["weights"]) - 1)
    after = dots.evaluate_all(places)
    assert before[: 2 * n] == after[: 2 * n]
    assert before[2 * n :] != after[2 * n :]
    row = table(data, "return_mean", len(data["weights"]) - 1)["CQL"]
    assert np.corrcoef([float(x) for x in after[2 * n :]], row)[0, 1] > 0.9999


def test_a_dot_that_is_touched_shows_its_log(visit, data):
    page = visit(PAGE)
    chart = figure(page).locator(".sg-dots").nth(2)
    chart.locator("circle").nth(7).scroll_into_view_if_needed()
    box = chart.locator("circle").nth(7).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page)
    assert figure(page).get_by_label("log", exact=True).input_value() == "7"
    hazard = data["scores"]["hazard_rate"]["BC"][7]
    said = figure(page).locator(".sg-title").first.inner_text()
    assert float(re.search(r"BC: ([\d.]+)% crash", said)[1]) == pytest.approx(100 * hazard, abs=0.501)


def test_the_arrow_keys_go_from_dot_to_dot(visit, data):
    page = visit(PAGE)
    chart = figure(page).locator(".sg-dots").first
    for key, log in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowLeft", 9)):
        chart.press(key)
        settle(page)
        assert figure(page).get_by_label("log", exact=True).input_value() == str(log)
        assert chart.get_attribute("aria-valuetext").startswith(f"log {log + 1}: BC ")


def test_three_other_logs_are_the_package_s_draws_and_all_come_back(visit, data):
    page, six = visit(PAGE), data["weights"].index(6.0)
    for draw in (1, 2, 3):
        figure(page).get_by_role("button", name="three other logs").click()
        agrees(page, data, six, draw)
    figure(page).get_by_role("button", name="all logs").click()
    agrees(page, data, six)


@pytest.mark.parametrize("who", ["optimum", "driver", "BC", "double DQN", "CQL"])
def test_twenty_drives_of_anybody_are_the_package_s(visit, data, who):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-way").nth(39).wait_for(state="attached")  # the first fleet went by itself
    figure(page).get_by_label("left").select_option(who)
    figure(page).get_by_role("button", name="let twenty drive").click()
    settle(page)
    mdp = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    six = data["weights"].index(6.0) * data["n_logs"]
    known = {name: np.reshape(shares, (-1, 4)) for name, shares in data["known"].items()}
    learned = {"BC": data["clones"][0], "double DQN": data["policies"][0], "CQL": data["policies"][six]}
    policy = known[who] if who in known else one_hot(learned[who])
    drives = mdp.rollouts(policy, 20, sg.portable_rng(1))
    crashed = int(mdp.hazard[drives.next_states][drives.terminals].sum())
    sentence = figure(page).locator(".sg-sentence").inner_text()
    said = re.search(rf"^{who}: ([^.]*)\.", sentence)[1]
    assert int((re.search(r"(\d+) (?:of 20 )?crashed", said) or [0, 0])[1]) == crashed


def test_copied_python_gives_what_the_boards_show(visit, data):
    page = visit(PAGE)
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="copy as Python").click()
    code = page.get_by_label("text to copy").input_value()
    settings = re.search(
        r"side\.draw = (\d+), (\d+), \"(.*)\", \"(.*)\", (\d+)", page.get_by_label("text to copy").input_value()
    )
    assert [int(settings[1]), int(settings[2])] == [data["weights"].index(6.0), 0]
    assert (settings[3], settings[4], settings[5]) == ("BC", "CQL", "0")

    class Side:
        mdp = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp

        def policies(self):
            digits = data["clones"][self.log], data["policies"][self.index * data["n_logs"] + self.log]
            return {
                who: np.eye(4)[[int(d) for d in one]] for who, one in zip((self.left, self.right), digits, strict=True)
            }

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {"side": Side()})
    rates = [100 * float(x) for x in re.findall(r"hazard_rate=([\d.e-]+)", printed.getvalue())]
    titles = figure(page).locator(".sg-title").all_inner_texts()[:2]
    shown = [float(re.search(r"([\d.]+)% crash", title)[1]) for title in titles]
    assert shown == pytest.approx(rates, abs=0.501)


LIES = {
    "weights": (lambda data: data["weights"].__setitem__(0, 0.5), "weights[0] is 0.5, expected 0, which is double DQN"),
    "policies": (lambda data: data["policies"].pop(), "policies is a list of 99, expected a list of 100"),
    "digits": (lambda data: data["clones"].__setitem__(3, "7" * 225), 'clones[3] is "777'),
    "score": (lambda data: data["scores"]["return_cvar"].pop("optimum"), "scores.return_cvar.optimum[0] is undefined"),
    "known": (lambda data: data["known"].pop("driver"), "driver is undefined, expected a list of 900"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_name(visit, data, name):
    page, (tell, message) = visit("book/notation.html"), LIES[name]
    state = state_of(PAGE, "side_by_side")
    tell(state["data"])
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/side_by_side.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert words.startswith(f"This figure cannot be shown: {message}")
