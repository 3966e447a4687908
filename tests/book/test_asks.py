"""Bets: what a source may say, and that choosing shows the reason of that answer, by mouse and keys, with no script."""

import io
import re
import sys

import pytest
import words
from conftest import PAGES, axe
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from test_chapters import ALLOWED, CELL, ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
RIGHT, WRONG = "- [x] yes, $x^2$\n\n  It *is*, by $1/x$.\n", "- [ ] `no`\n\n  It is not.\n"
LIST = "the body of an ask is one list of answers, each - [ ] or - [x], and nothing else"
REASON = "an answer has a reason, a paragraph of its own below it"


def built(folder, body, question="Is it?"):
    """Page and complaints of a site whose one page asks, on its third line."""
    (folder / "page.md").write_text(f"# Page\n\n:::{{ask}} {question}\n{body}:::\n")
    settings = {"extensions": ["myst_parser", "ask"], "root_doc": "page",
                "myst_enable_extensions": ["colon_fence", "dollarmath"]}  # fmt: skip
    complaints, out = io.StringIO(), folder / "out"
    with patch_docutils(), docutils_namespace():
        Sphinx(folder, None, out, out, "html", settings, status=None, warning=complaints).build()
    return (out / "page.html").read_text(), complaints.getvalue()


def test_an_ask_is_a_fieldset_whose_answers_and_reasons_are_markdown(tmp_path):
    page, complaints = built(tmp_path, WRONG + RIGHT + WRONG, question="*Is* it $x$?")
    assert complaints == ""
    (ask,) = re.findall(r'<fieldset class="ask">.*?</fieldset>', page, re.S)
    assert re.search(r'<legend><em>Is</em> it <span class="math[^>]*>\\\(x\\\)</span>\?</legend>', ask)
    assert len(re.findall(r'<label><input type="radio" name="ask-0">', ask)) == 3
    assert len(re.findall(r"<label>(?=[^/]*?<code)", ask)) == 2
    reasons = re.findall(r'<div class="ask-reason (\w+)"><p><strong>(.*?)</strong> (.*?)</p>', ask)
    assert [(kind, said) for kind, said, _ in reasons] == [
        ("wrong", "✗ No."), ("right", "✓ Right."), ("wrong", "✗ No."),
    ]  # fmt: skip
    assert reasons[1][2].startswith("It <em>is</em>, by <span")
    assert "[x]" not in ask
    assert "<script" not in ask


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (WRONG * 3, "an ask has exactly one right answer, marked [x]; this one has 0"),
        (RIGHT * 2 + WRONG, "an ask has exactly one right answer, marked [x]; this one has 2"),
        (RIGHT + WRONG, "an ask has three or four answers; this one has 2"),
        (RIGHT + 4 * WRONG, "an ask has three or four answers; this one has 5"),
        (RIGHT + WRONG + "- [ ] maybe\n", REASON + "; '[ ] maybe' has none"),
        (RIGHT + WRONG + "- maybe\n\n  It may.\n", "an answer begins with [ ] or [x] and a space; this one is 'maybe'"),
        (RIGHT + WRONG + "-\n", "an answer begins with [ ] or [x] and a space; this one is ''"),
        ("Choose.\n\n" + RIGHT + 2 * WRONG, LIST),
        ("", LIST),
    ],
)  # fmt: skip
def test_a_wrong_ask_is_an_error_that_names_page_and_line(tmp_path, body, complaint):
    page, complaints = built(tmp_path, body)
    assert f"page.md:3: ERROR: {complaint}" in complaints
    assert "<fieldset" not in page


def test_an_ask_without_a_question_is_an_error(tmp_path):
    assert "page.md:3: ERROR: Directive 'ask': 1 argument(s) required" in built(tmp_path, RIGHT + WRONG * 2, "")[1]


ASKING = sorted(path for path in (ROOT / "book").glob("*.md") if "{ask}" in path.read_text())
every_asking_page = pytest.mark.parametrize("path", ASKING, ids=lambda p: p.stem)
every_lesson = pytest.mark.parametrize("path", [words.BOOK / "intro.md", *words.CHAPTERS], ids=lambda p: p.stem)
PARTS = re.compile(r"(?<=[.?!])\s+(?=[A-Z*`$])")  # between sentences


@every_asking_page
def test_every_ask_of_the_book_has_one_right_answer_and_is_short(path):
    source = path.read_text()
    asked = words.bets(source)
    assert len(asked) == source.count("{ask}")
    assert all(body.endswith("\n\n") for _, body in words.ASK.findall(source))  # or a notebook adds ::: to a reason
    for bet in asked:
        assert [right for right, _, _ in bet.answers].count(True) == 1, bet.question
        assert 3 <= len(bet.answers) <= 4, bet.question
        assert bet.question.endswith("?")
        assert words.length(bet.question) <= 30, bet.question
        for _, answer, reason in bet.answers:
            assert words.length(answer) <= 12, answer
            assert words.length(reason) <= 60, reason
            assert len(PARTS.split(reason)) <= 2, reason
            for sentence in PARTS.split(reason):
                assert len(words.NUMBER.findall(words.GLUED.sub("0", words.SILENT.sub("x", sentence)))) <= 3, sentence


@every_asking_page
def test_no_return_or_rate_is_typed_into_an_ask(path):
    for bet in words.bets(path.read_text()):
        said = re.sub(r"\$[^$]*\$|\{glue:text\}`[^`]*`", "", " ".join(bet.texts))
        typed = re.findall(r"[−-]?\d+\.\d+|\d+(?:\.\d+)? ?%", said)
        assert set(typed) <= ALLOWED, f"computed numbers belong into glue: {typed}"


@every_lesson
def test_a_lesson_asks_before_its_first_figure_and_again_at_its_summary(path):
    source = path.read_text()
    figure = next(cell.start() for cell in CELL.finditer(source) if "remove-cell" not in cell[0])
    assert source.index(":::{ask}") < figure
    assert source.rindex(":::{ask}") > max(figure, source.find("\n## Summary\n"))  # the welcome page has none


def asks_of(page, path):
    """Each bet of a source, and the fieldset that it has become."""
    return list(zip(words.bets(path.read_text()), page.locator("fieldset.ask").all(), strict=True))


def seen(ask):
    """What is seen of each reason: nothing where it is hidden."""
    return ask.locator(".ask-reason").evaluate_all(
        "(all) => all.map((one) => one.checkVisibility() ? one.innerText : '')"
    )


def answers_with(ask, bet, choice):
    """Exactly the reason of one answer is seen, and says in words whether that was right."""
    told = seen(ask)
    assert [at for at, reason in enumerate(told) if reason] == [choice]
    assert told[choice].startswith("✓ Right. " if bet.answers[choice][0] else "✗ No. ")


@every_asking_page
def test_choosing_by_mouse_shows_the_reason_of_that_answer_alone_without_scripts(visit, path):
    page = visit(f"book/{path.stem}.html", java_script_enabled=False)
    for bet, ask in asks_of(page, path):
        assert not any(seen(ask))
        for choice in (*range(len(bet.answers)), 0):
            ask.locator("label").nth(choice).click()
            answers_with(ask, bet, choice)


@every_asking_page
def test_choosing_by_keys_shows_the_reason_of_that_answer_alone_without_scripts(visit, path):
    page = visit(f"book/{path.stem}.html", java_script_enabled=False)
    for bet, ask in asks_of(page, path):
        ask.locator("input").first.focus()
        page.keyboard.press("Space")
        for choice in range(len(bet.answers)):
            answers_with(ask, bet, choice)
            page.keyboard.press("ArrowDown")
        answers_with(ask, bet, 0)  # round and round


@every_asking_page
def test_with_scripts_an_answered_ask_can_be_read_by_all_on_a_narrow_screen_too(visit, path):
    page = visit(f"book/{path.stem}.html", viewport={"width": 360, "height": 740})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
        for wanted in (True, False):
            for bet, ask in asks_of(page, path):
                choice = [right for right, _, _ in bet.answers].index(wanted)
                ask.locator("label").nth(choice).click()
                answers_with(ask, bet, choice)
            assert axe(page, "fieldset.ask") == {}
    answers = page.locator("fieldset.ask label").all()
    assert min(answer.bounding_box()["height"] for answer in answers) >= 44  # a thumb's
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


@every_lesson
def test_a_bet_leaves_room_for_the_figure_below_it(visit, path):
    page = visit(f"book/{path.stem}.html")
    assert page.locator("fieldset.ask").first.bounding_box()["height"] <= 130


@every_asking_page
def test_on_paper_every_reason_stands_below_the_answers(visit, path):
    page = visit(f"book/{path.stem}.html", java_script_enabled=False)
    page.emulate_media(media="print")
    for _, ask in asks_of(page, path):
        assert all(seen(ask))
        assert not any(button.is_visible() for button in ask.locator("input").all())


@pytest.mark.skipif(not PAGES.exists(), reason="the book is not built: run the README's first command")
@every_asking_page
def test_the_reasons_are_a_live_region_that_a_screen_reader_reads_when_it_changes(path):
    page = (PAGES / "book" / f"{path.stem}.html").read_text()
    assert page.count('aria-live="polite" class="ask-reasons"') == page.count('<fieldset class="ask">') > 0
