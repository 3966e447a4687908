"""The figures on the built pages, driven as a reader drives them: mouse, keyboard, touch, links; and told lies."""

import contextlib
import gzip
import io
import json
import re
import statistics

import numpy as np
import pytest
from conftest import PAGES, axe, serve

import safegrid as sg
from safegrid.figures.laboratory import LIMITS

EXPLORER, LAB = "book/07_turning_the_weight.html", "book/intro.html"
STATE = re.compile(r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.S)
ALIVE = ".safegrid .sg-sentence:not(:empty)"


@pytest.fixture(scope="session")
def data(browser):
    """What the explorer's page carries."""
    (state,) = STATE.findall((PAGES / EXPLORER).read_text())
    models = json.loads(state)["state"].values()
    return next(m["state"]["data"] for m in models if m["state"].get("figure") == "explorer")


def explorer(page):
    """The page's first explorer, whose state `data` is."""
    return page.locator(".sg-explorer").first


def minus(text):
    return text.replace("−", "-")


def said(page):
    """The numbers of a figure's sentence."""
    return [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", minus(page.locator(".sg-sentence").first.inner_text()))]


def expected(data, index, log=0):
    k = index * data["n_logs"] + log
    scores = [data["scores"][name][k] for name in ("return_mean", "hazard_rate", "claimed_value", "true_value")]
    return [data["weights"][index], log + 1, scores[0], 100 * scores[1], scores[2], scores[3]]


def shows(page, data, index, log=0):
    page.wait_for_function(
        "(words) => document.querySelector('.sg-sentence').textContent.startsWith(words)",
        arg=f"Weight {data['weights'][index]:g}, log {log + 1}:",
    )
    assert said(page) == pytest.approx(expected(data, index, log), abs=0.5001)
    assert said(page)[2] == pytest.approx(expected(data, index, log)[2], abs=0.0501)


def table(page):
    """The laboratory's table: who → (return, hazard in percent, claimed, true value)."""
    rows = page.locator(".sg-table tbody tr").all_inner_texts()
    cells = [minus(row).replace("%", "").split("\t") for row in rows]
    return {row[0]: [float(x) if x.strip() else None for x in row[1:]] for row in cells}


def agrees(page, **settings):
    """The page's table is the package's, for a laboratory with these settings."""
    study = sg.SafetyLab(**settings).study()
    mdp, found = study.env.mdp, table(page)
    for name, policy in {"clone": study.clone, "CQL": study.policy, "optimum": mdp.optimal(0.99)}.items():
        score, true = mdp.evaluate(policy), mdp.start @ mdp.values(policy, 0.99)[0]
        assert found[name][0] == pytest.approx(score.return_mean, abs=0.0501)
        assert found[name][1] == pytest.approx(100 * score.hazard_rate, abs=0.501)
        assert found[name][3] == pytest.approx(true, abs=0.0501)
    assert found["CQL"][2] == pytest.approx(mdp.start @ study.q_values.max(1), abs=0.0501)


def settle(page):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def cell(page, board, x, y):
    """Where a cell of a board lies on the screen."""
    picture = page.locator(".sg-board").nth(board)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    size = box["width"] / 15.12
    return box["x"] + (x + 0.56) * size, box["y"] + (y + 0.56) * size


# ── The explorer ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_dragging_the_slider_shows_the_agent_trained_at_that_weight(visit, data):
    page = visit(EXPLORER)
    shows(page, data, data["weights"].index(6.0))
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
    at = data["weights"].index(6.0)
    for key, index in (("ArrowRight", at + 1), ("ArrowUp", at + 2), ("ArrowLeft", at + 1), ("End", last), ("Home", 0)):
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
    for kind, share in [("touchStart", 0.5), *[("touchMove", 0.5 - k / 16) for k in range(1, 9)], ("touchEnd", None)]:
        points = [] if share is None else [{"x": box["x"] + 4 + share * (box["width"] - 8), "y": y}]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    shows(page, data, 0)


def test_a_log_is_chosen_and_play_goes_to_the_end(visit, data):
    page, last = visit(EXPLORER), len(data["weights"]) - 1
    explorer(page).get_by_label("log", exact=True).select_option("3")
    shows(page, data, data["weights"].index(6.0), 3)
    explorer(page).get_by_role("slider", name="conservative weight").press("End")
    explorer(page).get_by_role("slider", name="conservative weight").press("ArrowLeft")
    explorer(page).get_by_role("button", name="play").click()
    shows(page, data, last, 3)
    explorer(page).get_by_role("button", name="play").wait_for()


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
    explorer(page).get_by_label("colour").select_option(layer)
    settle(page)
    after = page.evaluate(fills)
    assert len(set(after)) > 10
    assert before != after
    hazards = np.flatnonzero(data["world"]["hazard"])
    assert {after[s] for s in hazards} == {"none"}


def test_arrows_and_colours_are_the_agent_s(visit, data):
    """Which way each arrow points, which are bold, and how blue a cell is, against the data itself."""
    page, k = visit(EXPLORER), data["weights"].index(6.0) * data["n_logs"]
    settle(page)
    visits = np.array(data["visits"]).reshape(-1, 225)[k] / 1000
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
        assert fills[s] == f"rgb(0 114 178 / {round(100 * visits[s])}%)"


def test_a_cell_reads_out_its_claims_counts_and_truth(visit, data):
    page = visit(EXPLORER)
    board, state = explorer(page).locator(".sg-board"), 2 * 15 + 3
    page.mouse.move(*cell(page, 0, 3, 2))
    settle(page)
    readout = minus(explorer(page).locator(".sg-readout").inner_text())
    k = data["weights"].index(6.0) * data["n_logs"]
    q = data["q_unit"] * np.array(data["q_values"]).reshape(-1, 225, 4)[k, state]
    counts = np.array(data["counts"]).reshape(-1, 225, 4)[0, state]
    rows = re.findall(r"(-?[\d.]+)(\*?) \(true (-?[\d.]+), (\d+)×\)", readout)
    assert [float(row[0]) for row in rows] == pytest.approx(q, abs=0.051)
    assert [int(row[3]) for row in rows] == counts.tolist()
    assert [a for a in range(4) if rows[a][1]] == [int(data["policies"][k][state])]
    world = sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    policy = np.eye(4)[[int(digit) for digit in data["policies"][k]]]
    assert [float(row[2]) for row in rows] == pytest.approx(world.values(policy, 0.99)[1][state], abs=0.051)
    board.focus()
    board.press("ArrowRight")
    assert explorer(page).locator(".sg-readout").inner_text().startswith("(4, 2)")


def test_twenty_episodes_run_and_are_counted(visit, data):
    """The page's twenty episodes are the package's, from the same seed: 0 for the first run, 1 for the second."""
    page, mdp = visit(EXPLORER, reduced_motion="reduce"), sg.SafetyCriticalGridWorld(map_name="crossroads").mdp
    for seed, index in enumerate((data["weights"].index(6.0), 0)):
        explorer(page).get_by_role("slider", name="conservative weight").press("Home" if index == 0 else "Tab")
        assert page.locator(".sg-way").count() == 0
        explorer(page).get_by_role("button", name="run 20 episodes").click()
        policy = np.eye(4)[[int(digit) for digit in data["policies"][index * data["n_logs"]]]]
        ends = mdp.rollouts(policy, 20, sg.portable_rng(seed))
        safe, hurt = (int(flags[ends.next_states][ends.terminals].sum()) for flags in (mdp.goal, mdp.hazard))
        assert page.locator(".sg-way").count() == 20
        assert explorer(page).locator(".sg-sentence").inner_text() == (
            f"Of 20 episodes {safe} reach the goal, {hurt} hit a hazard, {20 - safe - hurt} run out of time."
        )


def test_walkers_move_where_motion_is_welcome(visit):
    page = visit(EXPLORER)
    explorer(page).get_by_role("button", name="run 20 episodes").click()
    first = page.locator(".sg-walker").first.get_attribute("transform")
    page.wait_for_function("(was) => document.querySelector('.sg-walker').getAttribute('transform') !== was", arg=first)
    page.wait_for_function("() => document.querySelector('.sg-sentence').textContent.startsWith('Of 20 episodes')")


# ── The laboratory ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_laboratory_shows_the_package_s_numbers(visit):
    page = visit(LAB)
    agrees(page)
    box = page.get_by_label("conservative weight, exactly")
    box.fill("37.5")
    box.press("Enter")
    agrees(page, conservative_weight=37.5)
    page.get_by_role("slider", name="reward scale").press("End")
    agrees(page, conservative_weight=37.5, reward_scale=2.0)
    page.get_by_label("train for ever").check()
    agrees(page, conservative_weight=37.5, reward_scale=2.0, n_steps=None)
    page.get_by_label("driver", exact=True).select_option("expert")
    agrees(page, conservative_weight=37.5, reward_scale=2.0, n_steps=None, driver="expert")


def test_dragging_the_weight_retrains_at_every_event(visit):
    page = visit(LAB)
    slider = page.get_by_role("slider", name="conservative weight")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    settle(page)
    assert page.get_by_label("conservative weight, exactly").input_value() == "0"
    agrees(page, conservative_weight=0.0)


@pytest.mark.parametrize("how", ["mouse", "keyboard", "touch"])
def test_a_painted_hazard_changes_the_log_and_everything_after(visit, how):
    page = visit(LAB, has_touch=how == "touch")
    desc = list(sg.SafetyLab().desc)
    painted = [(5, 0)] if how != "mouse" else [(5, 0), (5, 1), (5, 2)]
    if how == "mouse":
        page.mouse.move(*cell(page, 1, 5, 0))
        page.mouse.down()
        page.mouse.move(*cell(page, 1, 5, 2), steps=10)
        page.mouse.up()
    elif how == "touch":
        page.touchscreen.tap(*cell(page, 1, 5, 0))
    else:
        board = page.locator(".sg-board").nth(1)
        board.focus()
        for _ in range(5):
            board.press("ArrowRight")
        board.press("Enter")
    for x, y in painted:
        desc[y] = desc[y][:x] + "H" + desc[y][x + 1 :]
    settle(page)
    agrees(page, desc=desc)


def test_keys_that_mean_something_else_paint_nothing(visit):
    page = visit(LAB)
    board = page.locator(".sg-board").nth(1)
    board.focus()
    for key in ("ArrowRight", "t", "E", "n", "Control+Enter", "Alt+ArrowDown"):
        board.press(key)
    assert page.locator(".sg-readout").nth(1).inner_text().startswith("(1, 0)")
    page.mouse.click(*cell(page, 1, 5, 0), button="right")
    page.mouse.move(*cell(page, 1, 9, 0))
    settle(page)
    agrees(page)


def test_a_start_that_passes_over_hazards_leaves_them(visit):
    page = visit(LAB)
    page.get_by_label("a touch on a board").select_option("S")
    page.mouse.move(*cell(page, 0, 6, 7))
    page.mouse.down()
    page.mouse.move(*cell(page, 0, 6, 9), steps=12)
    page.mouse.up()
    desc = [list(row) for row in sg.SafetyLab().desc]
    desc[0][0], desc[9][6] = "F", "S"
    settle(page)
    agrees(page, desc=["".join(row) for row in desc])


def test_start_and_goal_move_and_a_hazard_goes(visit):
    page = visit(LAB)
    page.get_by_label("a touch on a board").select_option("G")
    page.mouse.click(*cell(page, 0, 0, 14))
    page.get_by_label("a touch on a board").select_option("S")
    page.mouse.click(*cell(page, 0, 3, 3))
    page.get_by_label("a touch on a board").select_option("hazard")
    page.mouse.click(*cell(page, 0, 7, 3))
    desc = [list(row) for row in sg.SafetyLab().desc]
    desc[14][14], desc[14][0], desc[0][0], desc[3][3], desc[3][7] = "F", "G", "F", "S", "F"
    settle(page)
    agrees(page, desc=["".join(row) for row in desc])


def test_a_preset_brings_its_lesson_and_its_settings(visit):
    page = visit(LAB)
    box = page.get_by_label("slip, exactly")
    for _ in range(2):  # a lesson can be taken again, and brings its own world
        page.get_by_label("try").select_option(label="small scale, large weight")
        settle(page)
        assert "softmax" in page.locator(".sg-lesson").inner_text()
        agrees(page, conservative_weight=200.0, reward_scale=0.02)
        box.fill("0.3")
        box.press("Enter")
        settle(page)
        assert page.get_by_label("try").input_value() == ""


def test_a_number_between_the_stops_is_said_and_its_neighbours_can_be_chosen(visit):
    page = visit(LAB)
    box, slider = page.get_by_label("gradient steps, exactly"), page.get_by_role("slider", name="gradient steps")
    box.fill("1400")
    box.press("Enter")
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "1400"
    page.get_by_label("train for ever").check()
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "for ever"
    slider.press("Home")
    settle(page)
    assert not page.get_by_label("train for ever").is_checked()
    agrees(page, n_steps=50)


def test_a_share_link_restores_a_laboratory_exactly(visit):
    page = visit(LAB)
    page.get_by_label("try").select_option(label="no weight, thin log")
    box = page.get_by_label("slip, exactly")
    box.fill("0.1234567890123")
    box.press("Enter")
    page.mouse.click(*cell(page, 0, 2, 2))
    page.get_by_label("colour").select_option("overestimate")
    settle(page)
    page.get_by_role("button", name="share link").click()
    link = page.get_by_label("text to copy").input_value()
    assert link == page.url
    other = visit(LAB + link[link.index("#") :])
    other.wait_for_function("() => document.querySelector('.sg-dials input[type=number]').value === '0'")
    assert table(other) == table(page)
    assert other.get_by_label("colour").input_value() == "overestimate"
    assert other.get_by_label("slip, exactly").input_value() == "0.1234567890123"
    other.get_by_role("button", name="share link").click()
    assert other.get_by_label("text to copy").input_value() == link


def test_copied_python_prints_the_page_s_numbers(visit):
    page = visit(LAB)
    page.get_by_label("try").select_option(label="a lower bound")
    page.get_by_label("train for ever").check()
    page.get_by_label("driver", exact=True).select_option("expert")
    settle(page)
    page.get_by_role("button", name="copy as Python").click()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(page.get_by_label("text to copy").input_value(), {})
    found = table(page)
    returns = [float(x) for x in re.findall(r"return_mean=(-?[\d.]+)", printed.getvalue())]
    claimed, true = map(float, re.search(r"claimed (\S+) true (\S+)", printed.getvalue()).groups())
    assert [found["clone"][0], found["CQL"][0]] == pytest.approx(returns, abs=0.0501)
    assert found["CQL"][2:] == pytest.approx([claimed, true], abs=0.0501)


GARBAGE = [
    ("#safegrid=1", "expected the setting desc"),
    ("#safegrid=2&desc=SG", "expected a laboratory of version 1"),
    ("#safegrid=1&" + "x" * 5000, "expected at most 4000 letters"),
    ("{}&seed=9", "expected no setting seed, or once"),
    ("{}&<img src=x onerror=alert(1)>=1", "expected no setting <img src, or once"),
    ("{epsilon=0.22->epsilon=NaN}", "epsilon is NaN, expected a number in 0…1"),
    ("{epsilon=0.22->epsilon=}", "epsilon is NaN, expected a number in 0…1"),
    ("{n_episodes=500->n_episodes=1e9}", "n_episodes is 1000000000, expected a whole number in 1…2000"),
    ("{n_steps=2000->n_steps=0.5}", "n_steps is 0.5, expected a whole number in 1…5000"),
    ("{driver=careless->driver=constructor}", 'driver is "constructor", expected one of careless, expert'),
    ("{layer=visits->layer=height}", 'layer is "height", expected one of visits'),
    ("{desc=S->desc=G}", "desc is"),
    ("{desc=S->desc=SS}", "desc row 0 is"),
]


@pytest.mark.parametrize(("link", "message"), GARBAGE, ids=[str(i) for i in range(len(GARBAGE))])
def test_a_garbage_link_is_refused_in_place_and_changes_nothing(visit, link, message):
    if "{" in link:
        page = visit(LAB)
        page.get_by_role("button", name="share link").click()
        good = page.url[page.url.index("#") :]
        old, _, new = link.strip("{}").partition("->")
        assert old == "" or old in good or link.startswith("{}")
        link = good.replace(old, new, 1) if new else link.replace("{}", good)
    page = visit(LAB + link)
    alert = page.locator(".sg-lab .sg-error")
    page.wait_for_function("() => document.querySelector('.sg-lab .sg-error')?.textContent")
    assert message in alert.inner_text()
    agrees(page)


@pytest.mark.parametrize("value", ["-1", "1001", ""])
def test_a_number_out_of_bounds_is_refused_in_place(visit, value):
    page = visit(LAB)
    box = page.get_by_label("conservative weight, exactly")
    box.fill(value)
    box.press("Enter")
    box.blur()
    assert "conservative_weight is" in page.locator(".sg-lab .sg-error").inner_text()
    agrees(page)


# ── The page's arithmetic is the package's ────────────────────────────────────────────────────────────────────────────


def random_laboratory(rng):
    size = int(rng.integers(2, 16))
    letters = np.where(rng.random((size, size)) < rng.uniform(0, 0.25), "H", "F")
    letters.ravel()[rng.choice(size**2, 2, replace=False)] = ["S", "G"]
    return {
        "desc": ["".join(row) for row in letters],
        "max_steps": int(rng.integers(1, 120)),
        "slip_prob": float(rng.choice([0.0, 0.05, 1.0, rng.random()])),
        "step_reward": -2 * float(rng.random()),
        "hazard_reward": -100 * float(rng.random()),
        "goal_reward": 50 * float(rng.random()),
        "driver": str(rng.choice(["careless", "expert"])),
        "epsilon": float(rng.choice([0.0, 1.0, rng.random()])),
        "n_episodes": int(rng.integers(1, 500)),
        "seed": int(rng.integers(0, 2**32)),
        "conservative_weight": float(rng.choice([0.0, 1.0, 6.0, 200.0, 1000 * rng.random()])),
        "reward_scale": float(10 ** rng.uniform(-2.9, 0.9)),
        "n_steps": None if rng.random() < 0.5 else int(rng.integers(1, 3_000)),
    }


STUDY = """async (settings) => {
  const page = await import(new URL("../_static/widgets.js", location.href));
  const { world, log, model, clone, q, cql } = page.study(settings);
  const plain = (xs) => Array.from(xs, (x) => (x === -Infinity ? "-inf" : Number(x)));
  const score = ({ score: { visits, ...rest } }) => ({ ...rest, visits: plain(visits) });
  return { next: plain(world.next), chance: plain(world.chance), gain: plain(world.gain), ...Object.fromEntries(
      Object.entries(log).map(([name, column]) => [name, plain(column)])), counts: plain(model.counts),
    clone: plain(clone.policy), q: plain(q), cql: plain(cql.policy), v: plain(cql.v), true_q: plain(cql.q),
    clone_score: score(clone), cql_score: score(cql) };
}"""


def expected_visits(mdp, policy):
    """How often an episode expects to be in each state, (S,)."""
    go = np.einsum("sa,sat->st", policy, mdp.transition)
    mass = visits = mdp.start
    for _ in range(mdp.horizon):
        mass = (mass * ~mdp.terminal) @ go
        visits = visits + mass
    return visits


def test_forty_random_worlds_come_out_as_in_python(visit):
    page, rng = visit(LAB), np.random.default_rng(4)
    for _ in range(40):
        settings = random_laboratory(rng)
        found = page.evaluate(STUDY, settings)
        study = sg.SafetyLab(**settings).study()
        mdp, log = study.env.mdp, study.log
        order = np.argsort(found["episode"], kind="stable")
        v, true_q = mdp.values(study.policy, 0.99)
        wanted = {
            "next": mdp.successors, "chance": mdp.probabilities, "gain": mdp.rewards, "episode": log.episode,
            "state": log.states, "action": log.actions, "reward": log.rewards, "next_state": log.next_states,
            "terminal": log.terminals, "timeout": log.timeouts, "counts": sg.coverage(log, mdp).counts,
            "clone": study.clone, "q": study.q_values, "cql": study.policy, "v": v, "true_q": true_q,
        }  # fmt: skip
        for name, values in wanted.items():
            column = np.array([float(x) for x in found[name]])
            if name in ("episode", "state", "action", "reward", "next_state", "terminal", "timeout"):
                column = column[order]
            assert np.allclose(column, np.ravel(values), rtol=0, atol=1e-6), (name, settings)
        for name, policy in (("clone_score", study.clone), ("cql_score", study.policy)):
            exact, visits = mdp.evaluate(policy).as_dict(), found[name].pop("visits")
            assert found[name] == pytest.approx({key: exact[key] for key in found[name]}, abs=1e-6), settings
            assert np.allclose(visits, expected_visits(mdp, policy), rtol=0, atol=1e-6), settings


def test_page_and_package_have_the_same_limits(visit):
    page = visit(LAB)
    limits = page.evaluate("async () => (await import(new URL('../_static/widgets.js', location.href))).LIMITS")
    assert {name: tuple(bounds) for name, bounds in limits.items()} == LIMITS


# ── Hostile state ─────────────────────────────────────────────────────────────────────────────────────────────────────


def at(tree, *path):
    for key in path[:-1]:
        tree = tree[key]
    return tree, path[-1]


EVIL = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
LIES = {
    "short": (("data", "q_values"), lambda x: x[:-1], "q_values is a list of 89999, expected a list of 90000"),
    "nan": (("data", "q_values", 5), lambda x: "NaN", 'q_values[5] is "NaN", expected a whole number'),
    "null": (("data", "visits", 0), lambda x: None, "visits[0] is null, expected a number in 0…1000"),
    "falling": (("data", "weights"), lambda x: x[::-1], "weights[1] is"),
    "start": (("data", "world", "start"), lambda x: [0.0] * len(x), "start[0…], summed is 0, expected a number in"),
    "chances": (("data", "world", "probabilities", 0), lambda x: 0.5, "probabilities[0…], summed is"),
    "leap": (
        ("data", "world", "successors", 3),
        lambda x: 200,
        "successors[3] is 200, expected a whole number in 0…63",
    ),
    "huge": (("data", "weights"), lambda x: [1.0] * 100_000, "number of weights is 100000"),
    "states": (("data", "world", "terminal"), lambda x: [0] * 10**6, "number of states is 1000000"),
    "successor": (("data", "world", "successors", 3), lambda x: 10**8, "successors[3] is 100000000"),
    "policy": (("data", "policies", 0), lambda x: EVIL, "policies is a list of 100"),
    "layer": (("layer",), lambda x: "constructor", 'layer is "constructor"'),
    "index": (("index",), lambda x: 99, "index is 99, expected a whole number in 0…9"),
    "figure": (("figure",), lambda x: "__proto__", 'figure is "__proto__", expected one of explorer, lab'),
    "nothing": (("data",), lambda x: None, "data is null, expected named fields"),
    "text": (("data", "title"), lambda x: EVIL * 3, "title is"),
    "module": (("_anywidget_id",), lambda x: "safegrid.figures.explorer.X", ""),
}


@pytest.fixture(scope="session")
def lie(browser, tmp_path_factory):
    """Makes a page with a lying explorer and, after it, an honest laboratory; with the book's own policy."""
    (state,) = STATE.findall((PAGES / EXPLORER).read_text())
    honest = next(m["state"] for m in json.loads(state)["state"].values() if m["state"].get("figure") == "explorer")
    (state,) = STATE.findall((PAGES / LAB).read_text())
    lab = next(m["state"] for m in json.loads(state)["state"].values() if m["state"].get("figure") == "lab")
    folder = tmp_path_factory.mktemp("lies")
    (folder / "_static").symlink_to(PAGES / "_static")
    server, address = serve(folder)

    def make(change=lambda model: None, raw=None, liar="explorer"):
        model = json.loads(json.dumps(honest if liar == "explorer" else lab))
        model |= {"_esm": "window.hacked = 1", "_css": EVIL}
        change(model)
        body = json.dumps({"state": {"a": {"state": model}, "b": {"state": lab}}}).replace("<", "\\u003c")
        policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"
        view = '<div><script type="application/vnd.jupyter.widget-view+json">{"model_id": "%s"}</script></div>'
        (folder / "lie.html").write_text(
            f'<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="{policy}">'
            '<title>lies</title><link rel="icon" href="data:,">'
            '<link rel="stylesheet" href="_static/widgets.css"></head><body>'
            f'{view % "a"}{view % "b"}<script type="application/vnd.jupyter.widget-state+json">{raw or body}</script>'
            '<script defer src="_static/figures.js"></script></body></html>'
        )
        return address

    yield make
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", LIES)
def test_a_lying_state_is_refused_in_its_place_and_harms_nobody(visit, lie, name):
    path, change, message = LIES[name]

    def tell(model):
        tree, key = at(model, *path)
        tree[key] = change(tree[key])

    page = visit("lie.html", home=lie(tell))
    page.locator(".sg-lab .sg-table td").first.wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    if message:
        assert page.locator(".sg-error").first.inner_text().startswith(f"This figure cannot be shown: {message}")
        assert page.locator(".sg-explorer").count() == 0
    agrees(page)


LAB_LIES = {
    "presets": (lambda model: model.update(presets=5), "This figure cannot be shown: presets is 5, expected a list"),
    "preset": (
        lambda model: model.update(presets=[None]),
        "This figure cannot be shown: preset is null, expected named",
    ),
    "lesson": (
        lambda model: model["presets"][0].update(settings={"desc": EVIL}),
        "This figure cannot be shown: desc is",
    ),
    "setting": (
        lambda model: model["presets"][0].update(settings={"__proto__x": 1}),
        'This figure cannot be shown: setting is "__proto__x", expected one of desc',
    ),
    "desc": (lambda model: model.update(desc=["S" * 10**6]), "number of rows is 1, expected a whole number in 2…20"),
    "letters": (lambda model: model.update(desc=[EVIL, EVIL]), "desc row 0 is"),
    "layer": (lambda model: model.update(layer="toString"), 'layer is "toString", expected one of visits'),
    "steps": (lambda model: model.update(n_steps=10**9), "n_steps is 1000000000, expected a whole number in 1…5000"),
    "type": (lambda model: model.update(epsilon="0.5; alert(1)"), 'epsilon is "0.5; alert(1)", expected a number'),
    "null": (lambda model: model.update(seed=None), "seed is null, expected a whole number"),
}


@pytest.mark.parametrize("name", LAB_LIES)
def test_a_lying_laboratory_is_refused_in_its_place(visit, lie, name):
    change, message = LAB_LIES[name]
    page = visit("lie.html", home=lie(change, liar="lab"))
    page.locator(".sg-table td").nth(1).wait_for()
    page.wait_for_function("() => document.querySelector('.sg-error')?.textContent")
    assert page.locator(".sg-error").first.inner_text().startswith(message)
    for button in page.get_by_role("button").all()[:3]:  # of the liar, where it still has some
        button.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_a_comment_and_a_script_in_a_text_swallow_nothing(visit, lie):
    page = visit("lie.html", home=lie(lambda model: model["data"].update(title="<!--<script>")))
    page.locator(".sg-explorer").wait_for()
    assert page.locator(".sg-explorer .sg-title").first.inner_text() == "<!--<script>"
    page.locator(".sg-lab .sg-table td").nth(1).wait_for()


def test_html_in_every_text_stays_text(visit, lie):
    def tell(model):
        model["data"]["title"] = EVIL[:190]
        model["data"]["references"] = {"<b>x</b>": [1.0, 0.5]}

    page = visit("lie.html", home=lie(tell))
    page.locator(".sg-explorer").wait_for()
    assert page.locator(".sg-explorer .sg-title").first.inner_text() == EVIL[:190]
    assert page.locator("img, .sg-explorer b").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_state_that_is_no_json_is_said_to_be_missing(visit, lie):
    page = visit("lie.html", home=lie(raw="{not json"))
    page.locator(".sg-error").nth(1).wait_for()
    assert "the page carries no state for it" in page.locator(".sg-error").first.inner_text()


# ── Every reader, every page ──────────────────────────────────────────────────────────────────────────────────────────

READERS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "narrow and dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", [EXPLORER, LAB])
def test_axe_finds_nothing_inside_our_figures(visit, path, reader):
    page = visit(path, **READERS[reader])
    page.wait_for_selector(ALIVE)
    dark = page.evaluate("() => document.documentElement.dataset.theme === 'dark'")
    assert dark == ("dark" in reader)
    assert axe(page, ".safegrid") == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


def test_a_figure_follows_the_theme_of_the_page(visit):
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    colour = "() => getComputedStyle(document.querySelector('.sg-sentence')).color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(colour) != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["search.html?q=weight", *sorted(f"book/{p.name}" for p in PAGES.glob("book/*.html"))])
def test_axe_finds_nothing_serious_on_a_page(visit, path, scheme):
    page = visit(path, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    found = axe(page, "html", ("serious", "critical"))
    if path == "book/bibliography.html":
        found.pop("aria-required-children", None)  # docutils calls its citations a list, and gives it no items
    assert found == {}


@pytest.mark.parametrize("path", sorted(p.relative_to(PAGES).as_posix() for p in PAGES.rglob("*.html")
                                         if not p.relative_to(PAGES).parts[0].startswith("_")))  # fmt: skip
def test_a_page_is_silent_light_and_asks_nobody(visit, site, path):
    """`visit` fails the test on a console error, a violated policy or a request to another host."""
    page = visit(path)
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("() => [location.href, ...performance.getEntriesByType('resource').map((r) => r.name)]")
    files = {re.split("[?#]", url)[0].removeprefix(site) for url in loaded}
    size = sum(len(gzip.compress((PAGES / f).read_bytes())) for f in files if (PAGES / f).is_file())
    assert size < 1_200_000, sorted(files)


def test_the_widget_state_of_a_page_stays_under_300_kilobytes(browser):
    for path in PAGES.glob("book/*.html"):
        for state in STATE.findall(path.read_text()):
            assert len(gzip.compress(state.encode())) < 300_000
            assert "_esm" not in state


@pytest.mark.parametrize("path", [EXPLORER, LAB])
def test_without_scripts_a_picture_and_a_sentence_stand_there(visit, path):
    page = visit(path, java_script_enabled=False)
    picture = page.locator("noscript img").first
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["width"] > 200
    assert len(picture.get_attribute("alt")) > 40
    sentence = page.locator("noscript p").first
    assert sentence.is_visible()
    assert sentence.inner_text().endswith("Here it stands still.")


def test_with_scripts_the_picture_is_not_even_fetched(visit):
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    (still,) = re.findall(r'<noscript>.*?<img [^>]*src="\.\./([^"]+)"', (PAGES / LAB).read_text(), re.S)
    assert still not in " ".join(page.evaluate("performance.getEntriesByType('resource').map((r) => r.name)"))


def test_from_a_file_the_page_says_that_it_wants_to_be_served(visit):
    page = visit(LAB, home=PAGES.as_uri() + "/", silent=False)
    page.locator(".sg-error").wait_for()
    assert "python -m http.server" in page.locator(".sg-error").inner_text()
    assert page.locator(".bd-article h1").is_visible()


def test_search_and_theme_switch_work_under_the_policy(visit):
    page = visit("search.html?q=conservative")
    page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
    page.locator("button.theme-switch-button:visible").first.click()


# ── Times, printed ────────────────────────────────────────────────────────────────────────────────────────────────────

PAINT = """async ([selector, values, event]) => {
  const input = document.querySelector(selector), times = [];
  const once = (value) => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(), begun = performance.now();
    port1.onmessage = () => { port1.close(); done(performance.now() - begun); };
    input.value = value;
    input.dispatchEvent(new Event(event, { bubbles: true }));
    port2.postMessage(null);
  }));
  for (const value of values) times.push(await once(value));
  return times.slice(5);
}"""
TOUCH = """async () => {
  const board = document.querySelector(".sg-board"), box = board.getBoundingClientRect();
  const times = [], size = box.width / 15.12;
  const at = (type, x, y) => board.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerType: "mouse",
    clientX: box.x + (x + 0.56) * size, clientY: box.y + (y + 0.56) * size }));
  board.setPointerCapture = () => {};
  const once = (x, y) => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(), begun = performance.now();
    port1.onmessage = () => { port1.close(); done(performance.now() - begun); };
    at("pointerdown", x, y);
    at("pointerup", x, y);
    port2.postMessage(null);
  }));
  for (let i = 0; i < 25; i++) times.push(await once(2 + (i % 4), 12));
  return times.slice(5);
}"""


def test_times_are_printed(visit, capsys):
    lines = []
    for path, name in ((EXPLORER, "explorer"), (LAB, "laboratory")):
        alive = []
        for _ in range(5):
            page = visit(path)
            page.wait_for_selector(ALIVE)
            alive.append(page.evaluate("performance.getEntriesByName('safegrid-alive')[0].startTime"))
        lines.append(f"{name} alive after {statistics.median(alive):.0f} ms (at most 1200 wanted)")
        values = [(7 * i) % 10 for i in range(45)]
        times = page.evaluate(PAINT, [".safegrid input[type=range]", values, "input"])
        wanted = 16 if name == "explorer" else 100
        lines.append(f"{name}: a weight to its picture {statistics.median(times):.1f} ms (at most {wanted} wanted)")
    page.get_by_label("train for ever").check()
    times = page.evaluate(PAINT, [".safegrid input[type=range]", values, "input"])
    lines.append(f"laboratory, limit: a weight to its picture {statistics.median(times):.1f} ms (at most 100 wanted)")
    page.get_by_label("train for ever").uncheck()
    lines.append(
        f"laboratory: a hazard to its picture {statistics.median(page.evaluate(TOUCH)):.1f} ms (at most 200 wanted)"
    )
    with capsys.disabled():
        print("", *lines, sep="\n  ")
