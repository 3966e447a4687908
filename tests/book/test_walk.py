"""The whole book, read page after page in one browser with a warm cache, as readers do and fresh pages never show."""

import re

import pytest
import yaml
from conftest import PAGES

ORDER = [
    re.sub(r"\.\w+$", ".html", path)
    for path in re.findall(r"(?:root|file): (\S+)", (PAGES.parents[1] / "_toc.yml").read_text())
]
LEFT = """() => ({
  formulas: [...document.querySelectorAll(".math")].filter((one) => !one.querySelector(".katex")).length,
  figures: [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')]
    .filter((one) => !one.parentElement.querySelector(".safegrid .sg-sentence:not(:empty)")).length,
  complaints: document.querySelectorAll(".sg-error:not(:empty), .katex-error").length,
})"""


def stands(page):
    """Everything on a page that a script sets is set: formulas, figures, the theme's own."""
    page.wait_for_load_state("load")
    page.wait_for_function(f"() => {{ const {{ formulas, figures }} = ({LEFT})(); return !formulas && !figures; }}")
    assert page.evaluate(LEFT)["complaints"] == 0
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    assert page.locator(".highlight").count() == page.locator(".highlight .copybtn").count()


@pytest.mark.parametrize("direction", ["next", "prev"])
def test_the_book_read_twice_in_one_go_is_whole_on_every_page(visit, site, direction):
    order = ORDER if direction == "next" else ORDER[::-1]
    page = visit(order[0], color_scheme="light")  # which fails the test on any script error on the way
    for _ in range(2):
        page.goto(site + order[0])
        for path in order:
            page.wait_for_url(f"**/{path}")
            stands(page)
            if path != order[-1]:
                page.locator(f"a.{'right' if direction == 'next' else 'left'}-{direction}").click()
        page.goto(site + "search.html?q=conservative")
        page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 2")
        page.go_back()
        page.wait_for_url(f"**/{order[-1]}")
        stands(page)


def test_the_walk_passes_every_page_of_the_contents():
    files = yaml.safe_load((PAGES.parents[1] / "_toc.yml").read_text())
    assert len(ORDER) == 1 + sum(len(part["chapters"]) for part in files["parts"])
