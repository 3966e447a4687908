"""The field guide: each line that it names is run on its page, each chapter is pointed to, and it fits on paper."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "book" / "field_guide.md").read_text()
ROWS = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for table in re.findall(r"^:::\{table\}\n:class: guide\n\n.*?\n(?=:::)", SOURCE, re.S | re.M)
    for row in table.splitlines()
    if row.startswith("| ") and not row.startswith("| You see")
]


def test_a_row_has_a_line_of_code_that_a_cell_of_the_page_runs():
    cells = re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", SOURCE, re.S)
    assert len(ROWS) == 20
    for row in ROWS:
        (line,) = re.findall(r"^`([^`]+)`$", row[1])
        assert re.search(r"\bsg\.|\bmodel\.|\bmdp\.|\bsweep\.|\bpairs\.|\bagent\.|\blog\.|\btold\b", line), line
        assert any(line in cell and "starter" not in cell for cell in cells), line


def test_a_row_sets_a_computed_verdict_where_it_is_so_beside_one_where_it_is_not():
    for row in ROWS:
        assert len(row) == 5, row
        assert all("{glue:text}`fg_" in cell for cell in row[2:4]), row
        assert re.search(r"(\{doc\}`\w+`|\[The rule\]\(rule-to-take-home\))$", row[4]), row


def test_every_chapter_that_can_go_wrong_is_pointed_to():
    chapters = {path.stem for path in (ROOT / "book").glob("[01]*_*.md")} - {"01_world", "02_log"}
    assert chapters <= set(re.findall(r"\{doc\}`(\w+)`", " ".join(row[4] for row in ROWS)))


def test_it_prints_on_two_sides_of_paper(visit):
    page = visit("book/field_guide.html", color_scheme="light")
    page.wait_for_load_state("load")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    page.emulate_media(media="print")
    assert page.locator("table.guide").count() == 4
    assert page.locator("#a-field-guide .cell_input:visible").count() == 0
    assert page.locator("#signals-that-need-no-world table:visible").count() == 1
