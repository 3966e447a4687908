"""The covered cards on the built page: they tell what the package says, and what they uncover is exact."""

import re

import numpy as np
import pytest
from reading import minus, settle, state_of

PAGE = "book/09_choosing.html"
LETTERS = "abcdefghijk"


@pytest.fixture
def page(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-cards .sg-card").first.wait_for()
    return page


@pytest.fixture(scope="module")
def carried():
    return state_of(PAGE, "cards")["data"]


def told(page, letter):
    """What a card says, label → text."""
    card = page.locator(".sg-cards .sg-card", has=page.locator(f".sg-head:text('{letter.upper()}')"))
    return {line.split()[0]: minus(line.split()[1]) for line in card.locator(".sg-told").all_inner_texts()}


def scores(page):
    rows = [minus(row).split("\t") for row in page.locator(".sg-cards .sg-odds tbody tr").all_inner_texts()]
    return {row[0]: row[1:] for row in rows}


def pick(page, letter):
    page.locator(".sg-cards .sg-card", has=page.locator(f".sg-head:text('{letter.upper()}')")).press("Enter")
    settle(page)


def test_covered_cards_tell_estimates_and_nothing_of_the_truth(page, carried):
    for letter, candidate in zip(LETTERS, carried["order"][0], strict=True):
        card = told(page, letter)
        assert set(card) == {"claim", "model", "risk", "alike", "trips"}
        claim = carried["estimates"]["claim"][candidate][0]
        assert card["claim"] == ("none" if claim is None else f"{claim:.0f}")
        assert float(card["model"]) == pytest.approx(carried["estimates"]["model"][candidate][0], abs=0.51)
    assert "weight" not in page.locator(".sg-cards .sg-deck").inner_text()
    assert scores(page)["you"] == ["–"] * 5


def test_a_card_pressed_uncovers_all_and_counts_for_you(page, carried):
    pick(page, "c")
    mine = carried["order"][0][2]
    regret, hazard = (carried["truth"][name][mine][0] for name in ("regret", "hazard_rate"))
    for letter, candidate in zip(LETTERS, carried["order"][0], strict=True):
        earned = carried["truth"]["return_mean"][candidate][0]
        assert float(told(page, letter)["earns"]) == pytest.approx(earned, abs=0.051)
    found = scores(page)
    assert found["you"][0] == "C"
    assert float(found["you"][1]) == pytest.approx(regret, abs=0.051)
    assert float(found["you"][2].rstrip("%")) == pytest.approx(100 * hazard, abs=0.51)
    for rule, at in carried["chosen"].items():
        assert found[rule][0] == LETTERS[carried["order"][0].index(at[0])].upper()
    sentence = page.locator(".sg-cards .sg-sentence").inner_text()
    assert f"You let loose C ({carried['names'][mine]})" in sentence
    assert page.locator(".sg-cards .sg-walker").count() == 20
    pick(page, "d")  # another card shows its way, and is no second choice
    assert scores(page) == found
    assert page.locator(".sg-cards .sg-one .sg-title").inner_text().startswith("D (")


def test_the_tally_of_ten_logs_is_the_packages(visit, carried):
    picks = "cadbekihgf"
    page = visit(f"{PAGE}#safegrid=1&figure=cards&log=3&picks={picks}&sort=model")
    page.wait_for_function("() => document.querySelector('.sg-cards .sg-sentence')?.textContent.includes('Over all')")
    mine = [carried["order"][log][LETTERS.index(letter)] for log, letter in enumerate(picks)]
    whose = {"you": mine} | carried["chosen"]
    for who, row in scores(page).items():
        if who in whose:
            tables = (np.array(carried["truth"][name]) for name in ("regret", "hazard_rate"))
            regret, hazard = (table[whose[who], np.arange(10)].mean() for table in tables)
            assert float(row[3]) == pytest.approx(regret, abs=0.051)
            assert float(row[4].rstrip("%")) == pytest.approx(100 * hazard, abs=0.51)
    heads = page.locator(".sg-cards .sg-head").all_inner_texts()
    values = [carried["estimates"]["model"][carried["order"][3][LETTERS.index(head[0].lower())]][3] for head in heads]
    assert values == sorted(values, reverse=True)
    assert len(values) == 11


def test_another_log_is_one_that_nobody_chose_on(visit):
    page = visit(f"{PAGE}#safegrid=1&figure=cards&log=0&picks=ab--------&sort=dealt", reduced_motion="reduce")
    page.wait_for_function("() => document.querySelector('.sg-cards .sg-sentence')?.textContent.startsWith('You let')")
    page.get_by_role("button", name="another log").click()
    settle(page)
    assert page.locator(".sg-cards .sg-sentence").inner_text().startswith("Log 3:")
    page.locator(".sg-cards input[type=range]").press("Home")
    settle(page)
    assert page.locator(".sg-cards .sg-sentence").inner_text().startswith("You let loose A")


def test_a_finger_chooses(visit):
    page = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce")
    page.locator(".sg-cards .sg-card").first.tap()
    settle(page)
    assert page.locator(".sg-cards .sg-mine").count() == 1


def test_the_copied_python_gives_the_pages_tally(page, capsys):
    pick(page, "b")
    page.locator(".sg-cards .sg-more > summary").click()
    page.locator(".sg-cards").get_by_role("button", name="copy as Python").click()
    exec(page.locator(".sg-cards").get_by_label("text to copy").input_value(), {})
    printed = dict(re.findall(r"^(.+): regret ([\d.]+)", capsys.readouterr().out, re.M))
    assert {who: float(row[3]) for who, row in scores(page).items()} == {who: float(x) for who, x in printed.items()}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("picks=abc", 'picks is "abc", expected 10 letters a…k or -'),
        ("picks=zzzzzzzzzz", "expected 10 letters a…k or -"),
        ("log=10", "log is 10, expected a whole number in 0…9"),
        ("sort=toString", 'sort is "toString", expected one of dealt, claim'),
    ],
)
def test_a_link_that_asks_for_what_there_is_not_is_refused(visit, part, message):
    parts = {"log": "0", "picks": "-" * 10, "sort": "dealt"}
    name, value = part.split("=")
    asked = "&".join(f"{key}={value if key == name else said}" for key, said in parts.items())
    page = visit(f"{PAGE}#safegrid=1&figure=cards&{asked}")
    alert = page.locator(".sg-cards .sg-error:not(:empty)")
    alert.wait_for()
    assert message in alert.inner_text()
