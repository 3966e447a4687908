"""Joined into one text, as anywidget wants it, the page's modules do what they do apart."""

import shutil

import numpy as np
import pytest
from conftest import serve
from reading import FIGURES, random_laboratory, state_of

from safegrid.figures.modules import MODULES, entries, joined

STUDY = """async (settings) => {
  const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value, String) : value;
  const [apart, one] = await Promise.all([import("./figures/study.js"), import("./joined/laboratory.js")]);
  return [apart, one].map(({ study }) => JSON.stringify(study(settings), plain));
}"""
DRAW = """async ([state, name]) => {
  const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
  const modules = await Promise.all([import(`./figures/${name}.js`), import(`./joined/${name}.js`)]);
  return modules.map(({ default: figure }) => {
    const el = document.body.appendChild(document.createElement("div"));
    figure.render({ model, el });
    return [el.outerHTML, ...[...el.querySelectorAll("input, select")].map((input) => input.value)];
  });
}"""


@pytest.fixture(scope="module")
def both(browser, tmp_path_factory):
    """The address of a page that can import the modules, and the text they make."""
    folder = tmp_path_factory.mktemp("joined")
    shutil.copytree(MODULES, folder / "figures")
    (folder / "joined").mkdir()
    for entry in entries():
        more = "\nexport { study };\n" if entry == "laboratory.js" else ""
        (folder / "joined" / entry).write_text(joined(entry) + more)
    (folder / "page.html").write_text('<!doctype html><link rel="icon" href="data:,"><title>both</title>')
    server, address = serve(folder)
    yield address
    server.shutdown()
    server.server_close()


def test_the_same_numbers_come_from_a_random_laboratory(visit, both):
    page, rng = visit("page.html", home=both), np.random.default_rng(11)
    for _ in range(5):
        apart, one = page.evaluate(STUDY, random_laboratory(rng))
        assert len(apart) > 1000
        assert apart == one


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_is_drawn(visit, both, name):
    path, _ = FIGURES[name]
    apart, one = visit("page.html", home=both).evaluate(DRAW, [state_of(path, name), name])
    assert "sg-figure" in apart[0]
    assert 'role="alert"></p>' in apart[0]
    assert apart == one
