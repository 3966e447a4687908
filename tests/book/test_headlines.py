"""The published test on the built page: its dice, its counts and its exact odds are the package's."""

import re
from contextlib import chdir

import numpy as np
import pytest
from conftest import PAGES
from reading import minus, settle, state_of

import safegrid as sg
from safegrid.figures.headlines import DRIVES

PAGE = "book/08_audit.html"
BOOK = PAGES.parents[1] / "book"


@pytest.fixture
def page(visit):
    page = visit(PAGE, reduced_motion="reduce")
    page.locator(".sg-headlines .sg-odds td").first.wait_for()
    return page


@pytest.fixture(scope="module")
def carried():
    return state_of(PAGE, "headlines")["data"]


def counted(page, tests):
    page.wait_for_function(
        "(words) => document.querySelectorAll('.sg-headlines .sg-title')[2].textContent === words",
        arg=f"What {tests:,} tests say",
    )
    cells = [minus(x).rstrip("%") for x in page.locator(".sg-headlines .sg-odds td").all_inner_texts()]
    return np.array(cells, float).reshape(3, 2).T / 100


def slide(page, stop):
    page.locator(".sg-headlines input[type=range]").first.evaluate(
        "(one, n) => { one.value = n; one.dispatchEvent(new Event('input')); }", stop
    )
    settle(page)


def fleets(data, k, drives, first=False):
    """The trips of test k, drawn by the package."""
    mdp, n = sg.SafetyCriticalGridWorld().mdp, len(data["policies"][0])
    rng, at = sg.portable_rng(k), (0, 0) if first else (k % n, (k + k // n) % n)
    tables = [np.eye(4)[list(map(int, kind[i]))] for kind, i in zip(data["policies"], at, strict=True)]
    return [mdp.rollouts(table, drives, rng) for table in tables]


def shares(data, drives, tests, about, first=True):
    said = np.zeros(3)
    for k in range(tests):
        one, two = fleets(data, k, drives, first)
        if about == "crashes":
            won = np.sign(one.costs.sum() - two.costs.sum())
        else:
            low, high = sorted([one.returns.sum(), two.returns.sum()])
            won = np.sign(two.returns.sum() - one.returns.sum()) * (high - low >= 0.25 * abs(low))
        said[int(won) + 1] += 1 / tests
    return said


def test_a_test_pressed_is_the_test_that_the_package_drives(page, carried):
    for k in (0, 1):
        sentence = minus(page.locator(".sg-headlines .sg-sentence").inner_text())
        found = re.findall(r"crashed (once|\d+ times) in (\d+) and earned (-?[\d.]+)", sentence)
        for (crashes, drives, earned), trips in zip(found, fleets(carried, k, 30), strict=True):
            assert (1 if crashes == "once" else int(crashes.split()[0]), int(drives)) == (trips.costs.sum(), 30)
            assert float(earned) == pytest.approx(trips.returns.mean(), abs=0.0501)
        page.get_by_role("button", name="drive thirty").press("Enter")
        settle(page)
    assert "Test 3:" in page.locator(".sg-headlines .sg-sentence").inner_text()
    assert page.locator(".sg-headlines .sg-walker").count() == 60


def test_counted_and_exact_odds_are_the_packages(page, carried):
    page.get_by_role("button", name="a thousand times").click()
    found, exact = counted(page, 1001)
    assert exact == pytest.approx(sg_odds(carried, 1, "return", "any"), abs=0.0051)
    assert found == pytest.approx(exact, abs=0.06)


@pytest.mark.parametrize(("about", "networks"), [("return", "any"), ("crashes", "first")])
def test_the_first_tests_of_a_slid_and_chosen_figure_are_the_packages(visit, carried, about, networks):
    link = f"#safegrid=1&figure=headlines&drives=2&tests=25&about={about}&networks={networks}&seed=0"
    page = visit(PAGE + link, reduced_motion="reduce")
    found, exact = counted(page, 25)
    assert found == pytest.approx(shares(carried, 100, 25, about, networks == "first"), abs=0.0051)
    assert exact == pytest.approx(sg_odds(carried, 2, about, networks), abs=0.0051)
    slide(page, 0)
    found, exact = counted(page, 25)
    assert found == pytest.approx(shares(carried, 10, 25, about, networks == "first"), abs=0.0051)
    assert exact == pytest.approx(sg_odds(carried, 0, about, networks), abs=0.0051)


def sg_odds(data, stop, about, networks):
    margin, bars = data["margins"][about], data["exact"][about][networks][stop]
    return [sum(bars[: 21 - margin]), sum(bars[21 - margin : 20 + margin]), sum(bars[20 + margin :])]


def test_what_the_page_carries_is_what_the_package_computes(carried):
    tables = [[np.eye(4)[list(map(int, one))] for one in kind] for kind in carried["policies"]]
    again = sg.Headlines(sg.SafetyCriticalGridWorld().mdp, *tables)
    for at, drives in enumerate(DRIVES):
        for about, of in carried["exact"].items():
            for networks in of:
                assert again.odds(drives, about, networks) == pytest.approx(
                    sg_odds(carried, at, about, networks), abs=1e-4
                )


def test_the_copied_python_prints_the_pages_tests(page, carried, capsys):
    page.get_by_role("button", name="drive thirty").click()
    page.locator(".sg-headlines .sg-more > summary").click()
    page.locator(".sg-headlines").get_by_role("button", name="copy as Python").click()
    code = page.locator(".sg-headlines").get_by_label("text to copy").input_value()
    with chdir(BOOK):
        exec(code, {})
    rows = [[float(x) for x in line.split()] for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 2
    for k, row in enumerate(rows):
        one, two = fleets(carried, k, 30)
        assert row == [k + 1, one.returns.sum(), two.returns.sum(), one.costs.sum(), two.costs.sum()]
    sentence = minus(page.locator(".sg-headlines .sg-sentence").inner_text())
    earned = [float(x) for x in re.findall(r"earned (-?[\d.]+)", sentence)]
    assert earned == pytest.approx([rows[1][1] / 30, rows[1][2] / 30], abs=0.0501)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("tests=0", "tests is 0, expected a whole number in 1…5000"),
        ("tests=9e9", "tests is 9000000000"),
        ("drives=7", "drives is 7, expected a whole number in 0…4"),
        ("about=constructor", 'about is "constructor", expected one of return, crashes'),
    ],
)
def test_a_link_that_asks_for_what_there_is_not_is_refused(visit, part, message):
    parts = {"drives": "1", "tests": "1", "about": "return", "networks": "first", "seed": "0"}
    name, value = part.split("=")
    asked = "&".join(f"{key}={value if key == name else said}" for key, said in parts.items())
    page = visit(f"{PAGE}#safegrid=1&figure=headlines&{asked}")
    alert = page.locator(".sg-headlines .sg-error:not(:empty)")
    alert.wait_for()
    assert message in alert.inner_text()
