"""The page's modules: small, one name for one thing, and one text where one text is wanted."""

import re

import pytest

from safegrid.figures.modules import MODULES, ModuleError, classic, entries, joined, ordered

EVERY_MODULE = sorted(MODULES.glob("*.js"))


def write(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text)


@pytest.mark.parametrize("path", EVERY_MODULE, ids=lambda path: path.stem)
def test_a_module_fits_a_few_screens(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 250
    assert max(map(len, lines)) <= 120
    assert lines[0].startswith("/* ")  # says what it is


def test_every_module_is_needed_and_stands_after_what_it_needs():
    assert {name for entry in entries() for name in ordered(entry)} == {path.name for path in EVERY_MODULE}
    order = ordered("laboratory.js")
    assert order[-1] == "laboratory.js"
    assert order.index("arithmetic.js") < order.index("world.js") < order.index("study.js")


@pytest.mark.parametrize("entry", entries())
def test_a_figure_is_a_short_file_and_joined_to_its_parts_one_module_with_one_export(entry):
    text = joined(entry)
    assert [line for line in text.splitlines() if line.startswith(("import", "export"))] == [
        "export default { render };"
    ]
    for name in ordered(entry):
        assert (MODULES / name).read_text(encoding="utf-8").splitlines()[0] in text
    assert len((MODULES / entry).read_text(encoding="utf-8").splitlines()) <= 150


def test_what_a_page_asks_for_by_name_is_a_script_of_the_old_kind_that_leaves_no_name_behind():
    for entry in entries():
        body = joined(entry).removesuffix("export default { render };\n")
        before, after = classic(entry).split(body)
        assert before == '(() => {\n"use strict";\n'
        assert after == "document.currentScript.module = { render };\n})();\n"
        assert not re.search(r"\bimport\(|\bimport\.meta|^await ", body, re.M)


def test_a_page_asks_by_name_for_modules_with_a_default_and_for_no_others(tmp_path):
    write(tmp_path, lab="export default { render };\n", part="export const a = 1;\n")
    assert entries(tmp_path) == ["lab.js"]


def test_a_name_declared_twice_is_refused(tmp_path):
    write(
        tmp_path,
        render='import { a } from "./first.js";\nimport { b } from "./second.js";\n\nexport default { render };\n',
        first="export const a = 1;\nfunction helper() {}\n",
        second="export const b = 2;\nconst helper = 3;\n",
    )
    with pytest.raises(ModuleError, match=r"second.js and first.js both declare helper, expected different names"):
        joined("render.js", tmp_path)


def test_modules_that_need_each_other_are_refused(tmp_path):
    write(tmp_path, render='import { a } from "./first.js";\n', first='import { render } from "./render.js";\n')
    with pytest.raises(ModuleError, match=r"need each other: render.js → first.js → render.js"):
        joined("render.js", tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        'import { a as b } from "./first.js";',
        'import * as first from "./first.js";',
        'import "./first.js";',
        "export { render };",
        "export default render;",
    ],
)
def test_what_cannot_be_joined_by_name_is_refused(tmp_path, line):
    write(tmp_path, render=f"{line}\n", first="export const a = 1;\n")
    with pytest.raises(ModuleError, match=r"render.js has '.*', expected names in braces"):
        joined("render.js", tmp_path)
