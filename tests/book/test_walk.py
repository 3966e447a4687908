"""The whole book, read page after page in one browser with a warm cache, as readers do and fresh pages never show."""

import re

import pytest
import yaml
from conftest import PAGES, stands
from reading import LAB

ORDER = [
    re.sub(r"\.\w+$", ".html", path)
    for path in re.findall(r"(?:root|file): (\S+)", (PAGES.parents[1] / "_toc.yml").read_text())
]


def test_the_book_read_forth_and_back_and_forth_again_in_one_go_is_whole_on_every_page(visit, site):
    page = visit(ORDER[0], color_scheme="light")  # which fails the test on any script error on the way
    for onward in ("right-next", "left-prev", "right-next"):
        order = ORDER if onward == "right-next" else ORDER[::-1]
        page.goto(site + order[0])
        for path in order:
            page.wait_for_url(f"**/{path}")
            stands(page)
            if path != order[-1]:
                page.locator(f"a.{onward}").click()
        page.goto(site + "search.html?q=conservative")
        page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
        page.go_back()
        page.wait_for_url(f"**/{order[-1]}")
        stands(page)


def test_the_walk_passes_every_page_of_the_contents():
    files = yaml.safe_load((PAGES.parents[1] / "_toc.yml").read_text())
    assert len(ORDER) == 1 + sum(len(part["chapters"]) for part in files["parts"])


@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "warm"])
@pytest.mark.parametrize("path", ["book/05_cql.html", LAB])
def test_a_link_to_a_section_lands_there_whatever_grows_above_it(visit, site, path, warm):
    page = visit(path if warm else "book/notation.html", color_scheme="light")
    stands(page)
    sections = re.findall(r'<section id="([^"]+)"', (PAGES / path).read_text())
    for name in (sections[len(sections) // 2], sections[-1]):
        page.goto("about:blank")
        page.goto(f"{site}{path}#{name}")
        stands(page)
        page.wait_for_function(
            """(name) => {
              const top = document.getElementById(name).getBoundingClientRect().top;
              const lowest = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
              return top >= 0 && (top < 120 || (lowest && top < innerHeight));
            }""",
            arg=name,
        )


def test_a_reader_who_moves_is_not_pulled_back(visit, site):
    page = visit("book/05_cql.html#summary", color_scheme="light")
    page.mouse.move(640, 400)
    page.mouse.wheel(0, -5000)
    stands(page)
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.getElementById('summary').getBoundingClientRect().top > innerHeight")
