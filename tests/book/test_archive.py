"""The archive, unpacked and opened by double click: no server, no module, in a folder of any name."""

import re
import zipfile
from contextlib import suppress

import pytest
from archive import HOME, pack
from conftest import PAGES, stands
from playwright.sync_api import TimeoutError as Late
from reading import settle

EVERY_PAGE = sorted(p.relative_to(PAGES).as_posix() for p in PAGES.glob("book/*.html"))
TOUCHABLE = [path for path in EVERY_PAGE if "jupyter.widget-view" in (PAGES / path).read_text()]
NAMED = re.compile(r"""<(?:script|link|img|a)\b[^>]*?\s(?:src|href)="(?!\w+:|//)([^"?#]+)""")


@pytest.fixture(scope="session")
def archive(browser, tmp_path_factory):
    target = tmp_path_factory.mktemp("packed") / "book.zip"
    pack(PAGES, target)
    return target


@pytest.fixture(scope="session")
def unpacked(archive, tmp_path_factory):
    """The folder that an archive unpacks to, and its address."""
    folder = tmp_path_factory.mktemp("unpacked") / "Grüße aus 東京, 100% #1 (Kopie)"
    zipfile.ZipFile(archive).extractall(folder)
    return folder / HOME, f"{(folder / HOME).as_uri()}/"


def test_the_same_book_gives_the_same_archive_in_one_folder_with_plain_names(archive, tmp_path):
    pack(PAGES, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert list(tmp_path.iterdir()) == [tmp_path / "again.zip"]
    names = zipfile.ZipFile(archive).namelist()
    assert {f"{HOME}/{name}" for name in ("index.html", "search.html", *EVERY_PAGE)} <= set(names)
    assert [name for name in names if not re.fullmatch(rf"{HOME}(/[\w.-]+)+", name, re.ASCII)] == []


def test_every_file_that_a_page_names_is_in_the_archive(unpacked):
    folder, _ = unpacked
    for page in (*folder.glob("*.html"), *folder.glob("book/*.html")):
        for name in NAMED.findall(page.read_text()):
            assert (page.parent / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("path", ["index.html", "genindex.html", *EVERY_PAGE])
def test_a_page_opens_from_a_file_whole_and_silent(visit, unpacked, path):
    page = visit(path, home=unpacked[1], color_scheme="light")
    if path == "index.html":  # which leads to the first page
        page.wait_for_url("**/book/intro.html")
    stands(page)
    assert page.evaluate("() => [...document.images].every((one) => !one.complete || one.naturalWidth > 0)")


def test_a_search_from_a_file_finds_and_leads_there(visit, unpacked):
    page = visit("book/intro.html", home=unpacked[1])
    page.goto(unpacked[1] + "search.html?q=conservative")
    page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
    page.locator("#search-results a", has_text="Conservative Q-learning").first.click()
    page.wait_for_url("**/book/05_cql.html*")
    stands(page)


def touched(page):
    """What each figure of a page says after each of its sliders and lists went to every end of its own."""
    page.locator(".safegrid .sg-sentence:not(:empty)").first.wait_for()
    said = []
    for figure in page.locator(".safegrid").all():
        figure.locator(".sg-more > summary").click()
        figure.locator("svg").first.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
        with suppress(Late):  # the first fleet goes by itself where it is seen; not every figure has one
            figure.locator(".sg-way").first.wait_for(state="attached", timeout=3_000)
        settle(page)
        for slider in figure.locator("input[type=range]:visible").all():
            for key in ("End", "Home", "ArrowRight"):
                slider.press(key)
                settle(page)
                said.append(figure.inner_text())
        for choice in figure.locator("select:visible").all():
            last = choice.locator("option").last.get_attribute("value")
            choice.select_option(last)
            settle(page)
            said.append(figure.inner_text())
    return said


FETCHED = "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/classic/')).length"


@pytest.mark.parametrize("path", TOUCHABLE)
def test_a_figure_from_a_file_does_what_the_served_one_does(visit, unpacked, path):
    served = visit(path, reduced_motion="reduce")
    filed = visit(path, home=unpacked[1], reduced_motion="reduce")
    said = touched(served)
    assert len(set(said)) > 2
    assert touched(filed) == said
    assert served.evaluate(FETCHED) == 0


@pytest.mark.parametrize("path", TOUCHABLE)
def test_every_button_of_a_figure_from_a_file_does_something_without_complaint(visit, unpacked, path):
    page = visit(path, home=unpacked[1], reduced_motion="reduce")
    stands(page)
    for button in page.locator(".safegrid button:visible").all():
        button.click()
        settle(page)
        assert page.locator(".sg-error:not(:empty)").count() == 0
    stands(page)
