"""The sources of the book: paired, clean, described, and every exercise answered."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import words
import yaml

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(p for p in (ROOT / "book").glob("*.md") if "{code-cell}" in p.read_text())
CELL = re.compile(r"```\{code-cell\}[^\n]*\n(.*?)```", re.S)

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
LESSONS = [p for p in CHAPTERS if p.stem not in ("intro", "laboratory", "reproducibility")]
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
EXERCISE = re.compile(r"```\{exercise-start\}\n:label: (\S+)\n```\n(.*?)```\{exercise-end\}", re.S)


def test_the_chapters_are_all_there():
    files = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
    assert {str(p.relative_to(ROOT)) for p in CHAPTERS} <= set(files)
    assert len(CHAPTERS) >= 5


def test_notebooks_and_install_cells_are_in_step_with_their_sources():
    done = subprocess.run([sys.executable, "book/sync.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_repositorys_address_stands_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    for path in CHAPTERS:
        assert f"git+{address}@" in path.read_text()


@every_chapter
def test_a_notebook_holds_no_output(path):
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


@every_chapter
def test_a_cell_that_draws_has_alt_text(path):
    for cell in CELL.findall(path.read_text()):
        if re.search(r"\bsg\.plot_|\bplt\.subplots\(", cell) and "remove-" not in cell:
            alt = re.search(r"^ +alt: (.+)$", cell, re.M)
            assert alt, cell
            assert len(alt[1]) > 40


@every_chapter
def test_a_cell_is_short(path):
    for cell in CELL.findall(path.read_text()):
        code = re.sub(r"^---.*?---\n", "", cell, flags=re.S)
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith(":")]
        assert "remove-cell" in cell or len(lines) <= 16, cell


@every_lesson
def test_every_exercise_has_a_starting_cell_and_a_hidden_solution_that_passes_the_same_check(path):
    """The build runs both: the start fails as it says (see test_pages.py), the solution passes or the build fails."""
    text = path.read_text()
    exercises = EXERCISE.findall(text)
    assert exercises
    for label, body in exercises:
        (start,) = CELL.findall(body)
        assert start.startswith(":tags: [starter, raises-exception, remove-output]"), label
        assert "raise NotImplementedError(" in start, label
        check = start.split("# Check\n")[1]
        assert "assert " in check, label
        solution = re.search(rf"\{{solution-start\}} {label}\n:class: dropdown\n(.*?)\{{solution-end\}}", text, re.S)
        assert solution, label
        assert any(f"# Check\n{check}" in cell for cell in CELL.findall(solution[1])), label


@pytest.mark.parametrize("path", [p for p in LESSONS if p not in words.CHAPTERS], ids=lambda p: p.stem)
def test_an_appendix_opens_with_an_aim_and_a_question_and_closes_with_a_summary(path):
    text = path.read_text()
    assert re.search(r"^# .+\n\n\*After this chapter you can .+?\*\n\n\*\*The question: .+?\?\*\*", text, re.M | re.S)
    assert len(re.findall(r"^- (?!\[)", text.split("## Summary\n")[1], re.M)) == 3


@pytest.mark.parametrize("path", words.CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_opens_with_a_question_and_a_bet_and_closes_with_a_summary_and_what_one_can_now(path):
    text = path.read_text()
    assert re.search(r"^# .+\n\n\*\*The question: [^*]+?\?\*\*\n\n:::\{ask\} ", text, re.M)
    summary, abilities = text.split("## Summary\n")[1].split("\nYou can now\n\n")
    assert len(re.findall(r"^- (?!\[)", summary, re.M)) == 3
    assert 2 <= len(re.findall(r"^- [a-z]", abilities, re.M)) <= 5


every_numbered = pytest.mark.parametrize("path", words.CHAPTERS, ids=lambda p: p.stem)


@every_numbered
def test_a_main_line_can_be_read_to_its_end(path):
    main, deeper = words.readings(path.read_text())
    assert main.words <= 1_800
    assert deeper.words > 0
    assert [p for p in main.paragraphs + deeper.paragraphs if words.length(p) > 100] == []


@every_numbered
def test_a_main_line_has_one_formula_at_its_heart(path):
    main = path.read_text().split("\n## Deeper\n")[0]
    assert len(re.findall(r"^\$\$", main, re.M)) <= 2  # where it begins and where it ends


@every_chapter
def test_no_return_or_rate_is_typed_into_prose(path):
    text = EXERCISE.sub("", path.read_text().split("\n# ", 1)[1])  # an exercise sets settings, and states no result
    prose = re.sub(r"^(`{3,}|:::).*?^\1", "", text, flags=re.S | re.M)
    prose = re.sub(r"\$[^$]*\$|`[^`]*`|\{glue[^}]*\}|Theorem \d\.\d", "", prose)
    typed = re.findall(r"[−-]?\d+\.\d+|\d+(?:\.\d+)? ?%", prose)
    assert set(typed) <= ALLOWED, f"computed numbers belong into glue: {typed}"


ALLOWED = {
    "5%",  # the definition of CVaR
    "25%",  # the headline that chapter 08 audits
    "95%",  # the level of every interval
    "0.5",  # d3rlpy's default beta
    "3.11",  # Python's version
}
