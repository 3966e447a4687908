"""Figures that are told lies: refused by name in their place, without harm to anybody else."""

import json

import pytest
from conftest import PAGES, serve
from reading import EXPLORER, LAB, agrees, state_of


def at(tree, *path):
    for key in path[:-1]:
        tree = tree[key]
    return tree, path[-1]


EVIL = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
LIES = {
    "short": (("data", "q_values"), lambda x: x[:-1], "q_values is a list of 89999, expected a list of 90000"),
    "nan": (("data", "q_values", 5), lambda x: "NaN", 'q_values[5] is "NaN", expected a whole number'),
    "null": (("data", "counts", 0), lambda x: None, "counts[0] is null, expected a number in 0…10000000"),
    "scale": (("data", "reward_scale"), lambda x: 0, "reward_scale is 0, expected a number in"),
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
    "listed": (("layer",), lambda x: [x], "layer is a list of 1, expected one of"),
    "unprintable": (("index",), lambda x: {"toString": 1}, "index is named fields, expected a whole number"),
    "curve": (("data", "curves", "return_mean", 0), lambda x: "abc", 'curves.return_mean[0] is "abc", expected a list'),
    "index": (("index",), lambda x: 99, "index is 99, expected a whole number in 0…9"),
    "figure": (("figure",), lambda x: "__proto__", "figure is __proto__, expected a figure's name"),
    "folder": (("figure",), lambda x: "../figures", "figure is ../figures, expected a figure's name"),
    "nothing": (("data",), lambda x: None, "data is null, expected named fields"),
    "text": (("data", "title"), lambda x: EVIL * 3, "title is"),
    "module": (("_anywidget_id",), lambda x: "safegrid.figures.nowhere.X", ""),
}


@pytest.fixture(scope="session")
def lie(browser, tmp_path_factory):
    """Makes a page with a lying explorer and, after it, an honest laboratory; with the book's own policy."""
    honest, lab = state_of(EXPLORER, "explorer"), state_of(LAB, "laboratory")
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
            '<link rel="stylesheet" href="_static/figures.css"></head><body>'
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
    page.locator(".sg-laboratory .sg-table td").first.wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    if message:
        assert page.locator(".sg-error").first.inner_text().startswith(f"This figure cannot be shown: {message}")
        assert page.locator(".sg-explorer").count() == 0
    agrees(page)


LAB_LIES = {
    "presets": (lambda model: model.update(presets=5), "presets is 5, expected a list"),
    "preset": (
        lambda model: model.update(presets=[None]),
        "preset is null, expected named",
    ),
    "lesson": (
        lambda model: model["presets"][0].update(settings={"desc": EVIL}),
        "desc is",
    ),
    "setting": (
        lambda model: model["presets"][0].update(settings={"__proto__x": 1}),
        'setting is "__proto__x", expected one of desc',
    ),
    "desc": (lambda model: model.update(desc=["S" * 10**6]), "number of rows is 1, expected a whole number in 2…20"),
    "letters": (lambda model: model.update(desc=[EVIL, EVIL]), "desc row 0 is"),
    "layer": (lambda model: model.update(layer="toString"), 'layer is "toString", expected one of visits'),
    "steps": (lambda model: model.update(n_steps=10**9), "n_steps is 1000000000, expected a whole number in 1…5000"),
    "type": (lambda model: model.update(epsilon="0.5; alert(1)"), 'epsilon is "0.5; alert(1)", expected a number'),
    "null": (lambda model: model.update(seed=None), "seed is null, expected a whole number"),
    "belief": (lambda model: model.update(belief=-1001), "belief is -1001, expected a number in −1000…1000"),
    "dice": (lambda model: model.update(own_dice="no"), 'own_dice is "no", expected true or false'),
}


@pytest.mark.parametrize("name", LAB_LIES)
def test_a_lying_laboratory_is_refused_in_its_place(visit, lie, name):
    change, message = LAB_LIES[name]
    page = visit("lie.html", home=lie(change, liar="laboratory"))
    page.locator(".sg-table td").nth(1).wait_for()
    page.wait_for_function("() => document.querySelector('.sg-error')?.textContent")
    assert page.locator(".sg-error").first.inner_text().startswith(f"This figure cannot be shown: {message}")
    for button in page.get_by_role("button").all()[:3]:  # of the liar, where it still has some
        button.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_a_comment_and_a_script_in_a_text_swallow_nothing(visit, lie):
    page = visit("lie.html", home=lie(lambda model: model["data"].update(title="<!--<script>")))
    page.locator(".sg-explorer").wait_for()
    assert page.locator(".sg-explorer .sg-title").first.inner_text() == "<!--<script>"
    page.locator(".sg-laboratory .sg-table td").nth(1).wait_for()


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
