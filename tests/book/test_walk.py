"""The whole book, read page after page in one browser with a warm cache, as readers do and fresh pages never show."""

import re

import yaml
from conftest import PAGES, stands

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
