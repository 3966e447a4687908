"""How the browser's tests read a figure: its sentence, its table, and where its cells lie on the screen."""

import json
import re

import pytest
from conftest import PAGES

import safegrid as sg

EXPLORER, LAB, STORY = (f"book/{page}.html" for page in ("07_turning_the_weight", "laboratory", "intro"))
ALIVE = ".safegrid .sg-sentence:not(:empty)"
VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">\s*\{.*?"model_id": "(\w+)"', re.S)
STATE = re.compile(r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.S)


def states(path):
    """The state of every widget that a page shows, in the order in which they stand there."""
    text = (PAGES / path).read_text()
    (carried,) = STATE.findall(text)
    known = json.loads(carried)["state"]
    return [known[view]["state"] for view in VIEW.findall(text)]


def state_of(path, figure):
    """The state of a page's first figure of a kind, such as "explorer"."""
    return next(state for state in states(path) if state.get("figure") == figure)


def figures_of(path):
    """The kinds of a page's figures, in the order in which they stand there."""
    return [state["figure"] for state in states(path) if "figure" in state]


TOUCHABLE = sorted(p.relative_to(PAGES).as_posix() for p in PAGES.glob("book/*.html") if STATE.search(p.read_text()))
ALL = [(name, path, nth) for path in TOUCHABLE for nth, name in enumerate(figures_of(path))]
FIGURES = {name: (path, nth) for name, path, nth in reversed(ALL)}
"""Each figure's name and where the book shows it first: its page, and its place among the page's figures."""


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


def first_log():
    """The log that the explorer shows at first."""
    return state_of(EXPLORER, "explorer")["log"]


def shows(page, data, index, log=None):
    log = first_log() if log is None else log
    page.wait_for_function(
        "(words) => document.querySelector('.sg-sentence')?.textContent.startsWith(words)",
        arg=f"Weight {data['weights'][index]:g}, log {log + 1}:",
    )
    assert said(page)[:6] == pytest.approx(expected(data, index, log), abs=0.5001)
    assert said(page)[2] == pytest.approx(expected(data, index, log)[2], abs=0.0501)


def table(page):
    """The laboratory's table: who → (return, hazard in percent, claimed, true value)."""
    rows = page.locator(".sg-table tbody tr").all_inner_texts()
    cells = [minus(row).replace("%", "").replace("<", "").split("\t") for row in rows]
    return {row[0]: [float(x) if x.strip() else None for x in row[1:]] for row in cells}


BEGINS = {"belief": 50.0, "conservative_weight": 0.0, "reward_scale": 1.0}
"""What the book's laboratory is set to at first."""


def agrees(page, **settings):
    """The page's table is the package's, for the book's laboratory with these settings."""
    study = sg.SafetyLab(**BEGINS | settings).study()
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
    """Where a cell of a board of 15 columns lies on the screen."""
    picture = page.locator(".sg-board").nth(board)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    size = box["width"] / 15.12
    return box["x"] + (x + 0.56) * size, box["y"] + (y + 0.56) * size


def random_laboratory(rng):
    """Settings of any laboratory that the page accepts."""
    shape = rng.integers(2, 16, 2)
    hazards, walls = rng.uniform(0, 0.25, 2) * rng.integers(0, 2, 2)
    letters = rng.choice(["H", "W", "F"], shape, p=[hazards, walls, 1 - hazards - walls])
    letters.ravel()[rng.choice(letters.size, 2, replace=False)] = ["S", "G"]
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
        "own_dice": bool(rng.integers(2)),
        "conservative_weight": float(rng.choice([0.0, 1.0, 6.0, 200.0, 1000 * rng.random()])),
        "reward_scale": float(10 ** rng.uniform(-2.9, 0.9)),
        "n_steps": None if rng.random() < 0.5 else int(rng.integers(1, 3_000)),
        "belief": float(rng.choice([0.0, 50.0, rng.uniform(-200, 200)])),
    }
