"""The best driver on a built page: dials, keys and buttons against the package."""

import contextlib
import io
import re

import pytest
from reading import cell, minus, settle

import safegrid as sg

PAGE = "book/01_world.html"
SENTENCE = r"crashes in ([\d.]+)% of its trips and earns (-?\d+(?:\.\d+)?)"


def agrees(page, **settings):
    """The figure's sentence says the package's numbers for these settings."""
    settle(page)
    said = re.findall(SENTENCE, minus(page.locator(".sg-best_driver .sg-sentence").inner_text()))
    scores = sg.BestDriver(**settings).scores()
    for (hazard, earned), score in zip(said, (scores["fearless"], scores["best"]), strict=True):
        assert float(hazard) == pytest.approx(100 * score.hazard_rate, abs=0.0501)
        assert float(earned) == pytest.approx(score.return_mean, abs=0.0501)


def set_to(page, label, value):
    box = page.get_by_label(f"{label}, exactly")
    box.fill(value)
    box.press("Enter")


def test_every_dial_turns_the_world_by_key_and_by_number(visit):
    page = visit(PAGE)
    agrees(page)
    page.get_by_role("slider", name="how often a step slips").press("End")
    agrees(page, slip_prob=1.0)
    set_to(page, "how often a step slips", "0.17")
    agrees(page, slip_prob=0.17)
    page.get_by_role("slider", name="price of a crash").press("End")
    agrees(page, slip_prob=0.17, hazard_reward=-1e6)
    set_to(page, "price of a crash", "250")
    page.get_by_role("slider", name="deadline, in steps").press("Home")
    agrees(page, slip_prob=0.17, hazard_reward=-250.0, max_steps=10)


def test_a_drag_turns_a_dial(visit):
    page = visit(PAGE)
    slider = page.get_by_role("slider", name="deadline, in steps")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    agrees(page, max_steps=10)


@pytest.mark.parametrize(
    ("button", "settings"),
    [("no slips", {"slip_prob": 0.0}), ("a dear crash", {"hazard_reward": -1e6}), ("in a hurry", {"max_steps": 14})],
)
def test_a_button_goes_somewhere_and_drives_there(visit, button, settings):
    """The drives are the package's, from the second seed: the first fleet went by itself."""
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-way").nth(39).wait_for(state="attached")
    set_to(page, "price of a crash", "1")
    page.get_by_role("button", name=button).click()
    agrees(page, **settings)
    sentence = page.locator(".sg-best_driver .sg-sentence").inner_text()
    figure = sg.BestDriver(**settings)
    mdp = sg.SafetyCriticalGridWorld(desc=figure.desc, **settings).mdp
    for name, policy in zip(("Who fears no slip", "The best driver"), figure.policies().values(), strict=True):
        drives = mdp.rollouts(policy, 20, sg.portable_rng(1))
        crashed = int(mdp.hazard[drives.next_states][drives.terminals].sum())
        said = re.search(rf"{name}: ([^.]*)\.", sentence)[1]
        assert int((re.search(r"(\d+) (?:of 20 )?crashed", said) or [0, 0])[1]) == crashed


def test_a_cell_says_what_its_moves_are_worth(visit):
    page = visit(PAGE)
    page.mouse.click(*cell(page, 1, 3, 13))
    settle(page)
    words = minus(page.locator(".sg-best_driver .sg-readout").inner_text())
    mdp = sg.SafetyCriticalGridWorld(map_name="cliff").mdp
    q = mdp.backup(backwards(mdp, 79), 1.0)[13 * 15 + 3]
    said = re.findall(r"[↓→↑←] (-?[\d.]+)(\*?)", words)
    assert [float(value) for value, _ in said] == pytest.approx(q, abs=0.0501)
    assert [bool(star) for _, star in said] == [value == q.max() for value in q]


def backwards(mdp, steps):
    values = 0 * mdp.start
    for _ in range(steps):
        values = mdp.backup(values, 1.0).max(1)
    return values


def test_copied_python_prints_the_page_s_numbers(visit):
    page = visit(PAGE)
    set_to(page, "how often a step slips", "0.1")
    settle(page)
    page.locator(".sg-best_driver .sg-more > summary").click()
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    said = re.findall(SENTENCE, minus(page.locator(".sg-best_driver .sg-sentence").inner_text()))
    rates = [float(x) for x in re.findall(r"hazard_rate=([\d.e-]+)", printed.getvalue())]
    assert [float(hazard) for hazard, _ in said] == pytest.approx([100 * rate for rate in rates], abs=0.0501)
