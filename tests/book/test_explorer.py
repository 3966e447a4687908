"""The explorer on a built page, driven as a reader drives it: mouse, keyboard, touch."""

import itertools
import re

import numpy as np
import pytest
from reading import EXPLORER, cell, explorer, first_log, minus, settle, shows, state_of

import safegrid as sg


@pytest.fixture(scope="session")
def data(browser):
    """What the explorer's page carries."""
    return state_of(EXPLORER, "explorer")["data"]


def test_dragging_the_slider_shows_the_agent_trained_at_that_weight(visit, data):
    page = visit(EXPLORER)
    shows(page, data, 0)
    slider = explorer(page).get_by_role("slider", name="conservative weight")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2, steps=12)
    shows(page, data, len(data["weights"]) - 1)
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2, steps=12)
    page.mouse.up()
    shows(page, data, 0)


def test_the_keyboard_goes_from_weight_to_weight(visit, data):
    page, last = visit(EXPLORER), len(data["weights"]) - 1
    slider = explorer(page).get_by_role("slider", name="conservative weight")
    for key, index in (("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("End", last), ("Home", 0)):
        slider.press(key)
        shows(page, data, index)
        assert slider.get_attribute("aria-valuetext") == f"{data['weights'][index]:g}"
        for name, chart in zip(("return_mean", "hazard_rate"), page.locator(".sg-now").all_inner_texts(), strict=False):
            scale = 100 if name == "hazard_rate" else 1
            wanted = [scale * x for x in data["curves"][name][index]]
            found = re.search(r"(-?[\d.]+)%? \[(-?[\d.]+)%?, (-?[\d.]+)%?\]", minus(chart))
            assert [float(x) for x in found.groups()] == pytest.approx(wanted, abs=0.501)


def test_a_finger_drags_the_slider(visit, data):
    page = visit(EXPLORER, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    slider = explorer(page).get_by_role("slider", name="conservative weight")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    tools = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, share in [("touchStart", 0.0), *[("touchMove", k / 8) for k in range(1, 9)], ("touchEnd", None)]:
        points = [] if share is None else [{"x": box["x"] + 4 + share * (box["width"] - 8), "y": y}]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    shows(page, data, len(data["weights"]) - 1)


@pytest.mark.parametrize("weight", ["0", "6", "200"])
def test_a_mark_under_the_slider_is_a_button(visit, data, weight):
    page = visit(EXPLORER)
    explorer(page).get_by_role("button", name=weight, exact=True).click()
    shows(page, data, data["weights"].index(float(weight)))


def test_another_log_is_shown_and_driven_at_once(visit, data):
    page = visit(EXPLORER, reduced_motion="reduce")
    explorer(page).get_by_role("slider", name="conservative weight").press("End")
    last, log = len(data["weights"]) - 1, first_log()
    for _ in range(2):
        log = (log + 1) % data["n_logs"]
        explorer(page).get_by_role("button", name="another log").click()
        shows(page, data, last, log)
        page.wait_for_function("() => / of 20 /.test(document.querySelector('.sg-sentence').textContent)")


def test_it_begins_with_a_log_whose_hazard_at_the_largest_weight_is_near_the_mean(data):
    hazards = np.array(data["scores"]["hazard_rate"])[-data["n_logs"] :]
    assert abs(hazards[first_log()] - hazards.mean()) == np.abs(hazards - hazards.mean()).min()


def test_a_log_is_chosen_and_play_goes_to_the_end(visit, data):
    page, last = visit(EXPLORER), len(data["weights"]) - 1
    explorer(page).locator("summary").click()
    explorer(page).get_by_label("log", exact=True).select_option("3")
    shows(page, data, 0, 3)
    explorer(page).get_by_role("slider", name="conservative weight").press("End")
    explorer(page).get_by_role("slider", name="conservative weight").press("ArrowLeft")
    explorer(page).get_by_role("button", name="play").click()
    shows(page, data, last, 3)
    explorer(page).get_by_role("button", name="play").wait_for()


def test_hazard_is_drawn_on_a_logarithmic_axis_from_never_to_always(visit, data):
    page = visit(EXPLORER)
    shows(page, data, 0)
    names = (
        explorer(page)
        .locator(".sg-chart")
        .nth(1)
        .locator("text")
        .evaluate_all("(all) => all.map((one) => [one.textContent, Number(one.getAttribute('y'))])")
    )
    heights = dict(names)
    steps = [heights[low] - heights[high] for low, high in itertools.pairwise(("0.01%", "0.1%", "1.0%", "10%", "100%"))]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.01)
    assert heights["0%"] > heights["0.01%"]


def test_a_click_on_a_chart_chooses_its_weight(visit, data):
    page = visit(EXPLORER)
    chart = explorer(page).locator(".sg-chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 260 / 320, box["y"] + box["height"] / 2)
    shows(page, data, len(data["weights"]) - 1)


@pytest.mark.parametrize("layer", ["claimed", "overestimate", "gap", "coverage"])
def test_a_layer_colours_the_board(visit, data, layer):
    page = visit(EXPLORER)
    fills = "() => [...document.querySelectorAll('.sg-cell')].map((cell) => cell.getAttribute('fill'))"
    before = page.evaluate(fills)
    explorer(page).locator("summary").click()
    explorer(page).get_by_label("colour").select_option(layer)
    settle(page)
    after = page.evaluate(fills)
    assert len(set(after)) > 10
    assert before != after
    hazards = np.flatnonzero(data["world"]["hazard"])
    assert {after[s] for s in hazards} == {"#f7f5f0"}  # paper lies under a mark


def blue_over_paper(share):
    """The colour of a share of visits."""
    paper, blue, whole = np.array([0xF7, 0xF5, 0xF0]), np.array([0, 114, 178]), round(100 * share)
    mixed = np.floor(paper + whole / 100 * (blue - paper) + 0.5).astype(int)
    return f"rgb({' '.join(map(str, mixed))})"


def test_arrows_and_colours_are_the_agent_s(visit, data):
    """Which way each arrow points, which are bold, and how blue a cell is, against the data itself."""
    page, k = visit(EXPLORER), data["weights"].index(6.0) * data["n_logs"] + first_log()
    explorer(page).get_by_role("button", name="6", exact=True).click()
    settle(page)
    mdp = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    visits = mdp.expected_visits(np.eye(4)[[int(digit) for digit in data["policies"][k]]])
    bold, faint = (
        page.locator(f".sg-arrows{kind}").first.get_attribute("d") for kind in (":not(.sg-faint)", ".sg-faint")
    )
    for paths, often in ((bold, True), (faint, False)):
        tips = [[tuple(map(float, p.split())) for p in re.split("[ML]", path)[1:]] for path in paths.split("Z")[:-1]]
        middles = [((p[0][0] + p[-1][0]) / 2, (p[0][1] + p[-1][1]) / 2, *p[3]) for p in tips]
        drawn = {}
        for x, y, tip_x, tip_y in middles:
            move = (round(np.sign(round(tip_x - x, 1))), round(np.sign(round(tip_y - y, 1))))
            drawn[int(tip_y) * 15 + int(tip_x)] = [(0, 1), (1, 0), (0, -1), (-1, 0)].index(move)
        live = ~np.array(data["world"]["terminal"], bool) & ((visits >= 0.01) == often)
        assert drawn == {int(s): int(data["policies"][k][s]) for s in np.flatnonzero(live)}
    fills = page.locator(".sg-cell").evaluate_all("(cells) => cells.map((cell) => cell.getAttribute('fill'))")
    for s in (0, 40, 200):
        assert fills[s] == blue_over_paper(min(visits[s], 1))


def test_a_cell_reads_out_its_claims_shares_and_truth(visit, data):
    page = visit(EXPLORER)
    board, state = explorer(page).locator(".sg-board"), 2 * 15 + 3
    explorer(page).get_by_role("button", name="6", exact=True).click()
    page.mouse.click(*cell(page, 0, 3, 2))
    settle(page)
    readout = minus(explorer(page).locator(".sg-readout").inner_text())
    k = data["weights"].index(6.0) * data["n_logs"] + first_log()
    q = data["q_unit"] * np.array(data["q_values"]).reshape(-1, 225, 4)[k, state]
    counts = np.array(data["counts"]).reshape(-1, 225, 4)[first_log(), state]
    rows = re.findall(r"(-?[\d.]+)(\*?) \(true (-?[\d.]+), ([\d.]+)% of the log\)", readout)
    assert [float(row[0]) for row in rows] == pytest.approx(q, abs=0.051)
    assert [float(row[3]) for row in rows] == pytest.approx(100 * counts / counts.sum(), abs=0.501)
    assert [a for a in range(4) if rows[a][1]] == [int(data["policies"][k][state])]
    world = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    policy = np.eye(4)[[int(digit) for digit in data["policies"][k]]]
    assert [float(row[2]) for row in rows] == pytest.approx(world.values(policy, 0.99)[1][state], abs=0.051)
    board.focus()
    board.press("ArrowRight")
    assert explorer(page).locator(".sg-readout").inner_text().startswith("cell (4, 2)")


def test_the_microscope_shows_what_the_weight_gives_and_takes(visit, data):
    """In balance α (1 − softmax ÷ share of the log), in raw reward, as Kumar et al. 2020 have it below eq. 4."""
    page, state = visit(EXPLORER), 2 * 15 + 3
    explorer(page).get_by_role("button", name="6", exact=True).click()
    assert not explorer(page).locator(".sg-scope").is_visible()
    page.mouse.click(*cell(page, 0, 3, 2))
    settle(page)
    k = data["weights"].index(6.0) * data["n_logs"] + first_log()
    q = data["q_unit"] * np.array(data["q_values"]).reshape(-1, 225, 4)[k, state]
    counts = np.array(data["counts"]).reshape(-1, 225, 4)[first_log(), state]
    softmax = np.exp(data["reward_scale"] * (q - q.max()))
    softmax /= softmax.sum()
    rows = explorer(page).locator(".sg-scope tbody tr").all_inner_texts()
    shown = np.array([[float(x.strip("%+ \n")) for x in minus(row).split("\t")[1:4]] for row in rows])
    assert shown[:, 0] == pytest.approx(100 * counts / counts.sum(), abs=0.501)
    assert shown[:, 1] == pytest.approx(100 * softmax, abs=0.501)
    assert shown[:, 2] == pytest.approx(6 * (1 - softmax * counts.sum() / counts), abs=0.0501)


def test_twenty_drives_are_counted_the_first_without_being_asked(visit, data):
    """The page's twenty drives are the package's, from the same seed: 0 for the first fleet, 1 for the second."""
    page, mdp = visit(EXPLORER, reduced_motion="reduce"), sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    for seed, index in enumerate((0, data["weights"].index(200.0))):
        if index:
            explorer(page).get_by_role("slider", name="conservative weight").press("End")
            explorer(page).get_by_role("button", name="let twenty drive").click()
        explorer(page).locator(".sg-way").nth(19).wait_for(state="attached")
        policy = np.eye(4)[[int(digit) for digit in data["policies"][index * data["n_logs"] + first_log()]]]
        ends = mdp.rollouts(policy, 20, sg.portable_rng(seed))
        safe, hurt = (int(flags[ends.next_states][ends.terminals].sum()) for flags in (mdp.goal, mdp.hazard))
        assert page.locator(".sg-way").count() == 20
        counted = explorer(page).locator(".sg-sentence").inner_text().split(". ")[-1]
        parts = {"arrived": safe, "crashed": hurt, "ran out of time": 20 - safe - hurt}
        said = re.findall(r"(\d+) (?:of 20 )?(arrived|crashed|ran out of time)", counted)
        assert {what: int(n) for n, what in said} == {what: n for what, n in parts.items() if n}
        assert int(said[0][0]) == max(parts.values())
        assert page.locator(".sg-hazard-end").count() == hurt


def test_walkers_move_where_motion_is_welcome(visit):
    page = visit(EXPLORER)
    explorer(page).get_by_role("button", name="let twenty drive").click()
    first = page.locator(".sg-walker").first.get_attribute("transform")
    page.wait_for_function("(was) => document.querySelector('.sg-walker').getAttribute('transform') !== was", arg=first)
    page.wait_for_function("() => /\\d+ of 20/.test(document.querySelector('.sg-sentence').textContent)")
