"""One state in balance on a built page: weight, scale, votes and cells against the package."""

import contextlib
import io
import re

import numpy as np
import pytest
from reading import cell, minus, settle, state_of

import safegrid as sg

PAGE = "book/05_cql.html"


@pytest.fixture(scope="module")
def balance():
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    log = sg.generate_offline_episodes(env, seed=100)
    return lambda **settings: sg.Balance(log, env.mdp, **{"cell": 3 * 15 + 6, "reward_scale": 1.0} | settings)


def figure(page):
    return page.locator(".sg-balance")


def number(text):
    text = text.strip().replace("sinks", "-inf").replace("∞", "inf")
    return float(text.strip("%+<"))


def agrees(page, balance, **settings):
    """The microscope's rows are the package's."""
    settle(page)
    shown = balance(**settings)
    rows, mdp = shown.rows(), shown.mdp
    true = mdp.values(shown.policy(), 0.99)[1][shown.cell]
    wanted = np.array([100 * rows["log"], 100 * rows["softmax"], rows["push"], rows["claims"], true]).T
    told = figure(page).locator(".sg-scope tbody tr").all_inner_texts()
    found = [[number(text) for text in minus(row).split("\t")[1:]] for row in told]
    for one, other in zip(found, wanted, strict=True):
        assert one[:2] == pytest.approx(other[:2], abs=0.501)
        assert one[2:] == pytest.approx(other[2:], abs=0.0501)


def set_to(page, label, value):
    box = figure(page).get_by_label(f"{label}, exactly")
    box.fill(str(value))
    box.press("Enter")


def test_weight_and_scale_settle_the_balance(visit, balance):
    page = visit(PAGE)
    agrees(page, balance)
    figure(page).get_by_role("button", name="200", exact=True).click()
    agrees(page, balance, conservative_weight=200.0)
    set_to(page, "conservative weight", 7.5)
    figure(page).get_by_role("slider", name="reward scale, ρ").press("Home")
    agrees(page, balance, conservative_weight=7.5, reward_scale=0.01)
    figure(page).get_by_role("slider", name="conservative weight").press("Home")
    agrees(page, balance, conservative_weight=0.0, reward_scale=0.01)


@pytest.mark.parametrize("how", ["mouse", "touch", "keyboard"])
def test_a_touched_cell_comes_under_the_microscope(visit, balance, how):
    page = visit(PAGE, has_touch=how == "touch")
    if how == "keyboard":
        board = figure(page).locator(".sg-board")
        board.focus()
        board.press("ArrowDown")
        agrees(page, balance, cell=4 * 15 + 6)
        return
    (page.touchscreen.tap if how == "touch" else page.mouse.click)(*cell(page, 0, 3, 5))
    agrees(page, balance, cell=5 * 15 + 3)


def test_a_move_is_counted_many_times_or_not_at_all(visit, balance):
    page = visit(PAGE)
    figure(page).locator("summary").click()
    set_to(page, "its → counted … times", 30)
    agrees(page, balance, times=[1, 30, 1, 1])
    set_to(page, "its ↓ counted … times", 0)
    agrees(page, balance, times=[0, 30, 1, 1])


def test_copied_python_gives_the_page_s_numbers(visit, balance):
    page = visit(PAGE)
    figure(page).locator("summary").click()
    set_to(page, "conservative weight", 11)
    settle(page)
    figure(page).get_by_role("button", name="copy as Python").click()
    shown = balance(conservative_weight=1.0)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(page.get_by_label("text to copy").input_value(), {"balance": shown})
    assert "hazard_rate=" in printed.getvalue()
    agrees(page, balance, conservative_weight=shown.conservative_weight)
    sentence = minus(figure(page).locator(".sg-sentence").inner_text())
    assert sentence.startswith("In cell (6, 3) ")
    pushes = [float(x) for x in re.findall(r"(?:charged|raised by) ([\d.]+)", sentence)]
    finite = shown.rows()["push"][np.isfinite(shown.rows()["push"])]
    assert pushes == pytest.approx([abs(finite.min()), abs(finite.max())], abs=0.0501)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("times", [1, 1, 1], "times is a list of 3, expected a list of 4"),
        ("times", [1, 1, 1, 0.5], "times[3] is 0.5, expected a whole number in 0…1000"),
        ("cell", 3 * 15 + 7, "cell is 52, expected one where somebody acts"),
        ("reward_scale", 0, "reward_scale is 0, expected a number in 0.001…10"),
        ("data", None, "data is null, expected named fields"),
    ],
)
def test_a_lie_is_refused_by_name(visit, name, value, message):
    page = visit("book/notation.html")
    state = state_of(PAGE, "balance") | {name: value}
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/balance.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert message in words
