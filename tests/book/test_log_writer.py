"""You write the log on a built page: keys, buttons, swipes and other drivers against the package."""

import contextlib
import io
import re

import pytest
from reading import minus, settle, state_of

import safegrid as sg

PAGE = "book/02_log.html"


def figure(page):
    return page.locator(".sg-log_writer")


def says(page, **settings):
    """The sentence tells the package's numbers for these settings."""
    settle(page)
    writer = sg.LogWriter(**settings)
    log, mdp = writer.episodes(), writer.mdp
    score = mdp.evaluate(writer.policy(log))
    sentence = minus(figure(page).locator(".sg-sentence").inner_text())
    if log is None:
        assert "No drive is finished yet. Press play, or drive to G" in sentence
        return
    found = sg.coverage(log, mdp)
    n, crashed, missing = re.search(r"holds (\d+) drives?, (\d+) crashed\. Where it was, ([\d.]+)%", sentence).groups()
    assert (int(n), int(crashed)) == (log.n_episodes, log.harmful.sum())
    assert float(missing) == pytest.approx(100 * found.unseen.sum() / (4 * found.visited.sum()), abs=0.501)
    home, hurt = re.search(r"arrives in <?([\d.]+)% of its trips, and crashes in <?([\d.]+)%", sentence).groups()
    assert float(home) == pytest.approx(100 * score.goal_rate, abs=0.501)
    assert float(hurt) == pytest.approx(100 * score.hazard_rate, abs=0.501)


def test_arrow_keys_and_buttons_drive(visit):
    page = visit(PAGE, reduced_motion="reduce")
    says(page)
    pad = figure(page).get_by_role("group", name="drive with the arrow keys")
    for _ in range(16):
        pad.press("ArrowRight")
    for _ in range(16):
        figure(page).get_by_role("button", name="drive down").click()
    says(page, drives="1" * 16 + "0" * 16)


def test_swipes_drive(visit):
    page = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    pad = figure(page).locator(".sg-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    x, y = box["x"] + 4, box["y"] + 4  # beside the buttons
    for dx, dy in ((60, 5), (5, 60)):
        page.evaluate(
            """([x, y, dx, dy]) => {
              const pad = document.querySelector(".sg-pad");
              const at = (type, clientX, clientY) =>
                pad.dispatchEvent(new PointerEvent(type, { clientX, clientY, bubbles: true }));
              at("pointerdown", x, y);
              at("pointerup", x + dx, y + dy);
            }""",
            [x, y, dx, dy],
        )
    settle(page)
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="share link").click()
    assert "&drives=10&" in figure(page).get_by_label("text to copy").input_value()


@pytest.mark.parametrize("learner", ["clone", "CQL"])
def test_others_drive_and_somebody_learns(visit, learner):
    page = visit(PAGE)
    figure(page).get_by_label("who learns from it").select_option(learner)
    slider = figure(page).get_by_role("slider", name="drives of the careless driver")
    for key, n in (("End", 500), ("ArrowLeft", 200)):
        slider.press(key)
        says(page, others=n, learner=learner)
    figure(page).locator("summary").click()
    dials = {"how erratic the driver is, ε": 0.4, "share of an expert's drives": 0.3, "seed of the dice": 9}
    for label, value in dials.items():
        box = figure(page).get_by_label(f"{label}, exactly")
        box.fill(str(value))
        box.press("Enter")
    says(page, others=200, learner=learner, epsilon=0.4, expert_share=0.3, seed=9)


def test_play_lets_the_driver_write(visit):
    page = visit(PAGE)
    slider = figure(page).get_by_role("slider", name="drives of the careless driver")
    for _ in range(8):
        slider.press("ArrowRight")
    figure(page).get_by_role("button", name="play").click()
    page.wait_for_function("(slider) => slider.value === slider.max", arg=slider.element_handle())
    says(page, others=500)


def test_a_link_keeps_the_drives_and_copied_python_writes_the_same_log(visit):
    link = f"figure=log_writer&drives={'1' * 20 + '0' * 20}&others=20&epsilon=0.22&expert_share=0&seed=4&learner=CQL"
    page = visit(f"{PAGE}#safegrid=1&{link}")
    settings = {"drives": "1" * 20 + "0" * 20, "others": 20, "seed": 4, "learner": "CQL"}
    says(page, **settings)
    figure(page).locator("summary").click()
    figure(page).get_by_role("button", name="copy as Python").click()
    writer = sg.LogWriter()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {"writer": writer})
    wanted = sg.LogWriter(**settings)
    assert writer.episodes() == wanted.episodes()
    assert printed.getvalue().startswith(f"{wanted.episodes().n_episodes} ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("drives", "01x", 'drives is "01x", expected at most 3000 digits of 0…3'),
        ("drives", "0" * 4000, "expected at most 3000 digits"),
        ("others", 1e9, "others is 1000000000, expected a whole number in 0…1000"),
        ("learner", "toString", 'learner is "toString", expected one of clone, CQL'),
        ("desc", ["S"], "number of rows is 1, expected a whole number in 2…20"),
        ("seed", None, "seed is null"),
    ],
)
def test_a_lie_is_refused_by_name(visit, name, value, message):
    page = visit("book/notation.html")
    state = state_of(PAGE, "log_writer") | {name: value}
    words = page.evaluate(
        """async (state) => {
          const { default: figure } = await import(new URL("../_static/figures/log_writer.js", location.href));
          const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
          const el = document.body.appendChild(document.createElement("div"));
          figure.render({ model, el });
          return el.textContent;
        }""",
        state,
    )
    assert words.startswith("This figure cannot be shown: ")
    assert message in words
