"""A page that is read with ease: short lines, how long it takes, and ticks that stay in the browser."""

import json
import re

import pytest
import words
from conftest import PAGES, axe, stands
from test_terms import built

CHAPTER, NEXT = "book/05_cql.html", "book/06_side_by_side.html"
LENGTHS = """() => [...document.querySelectorAll(".bd-article :is(p, li)")].flatMap((block) => {
  if (block.closest("table, .cell_output, .safegrid") || block.querySelector(":scope > p")) return [];
  const lines = [];
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let foot = -1;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest(".math")) continue;
    for (const word of node.data.matchAll(/\\S+\\s*/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].trimEnd().length);
      const [box] = range.getClientRects();
      if (!box) continue;
      if (box.top >= foot) lines.push("");
      if (box.top >= foot) foot = box.bottom;
      lines[lines.length - 1] += word[0].replace(/\\s+/g, " ");
    }
  }
  return lines.map((line) => line.trim());
})"""


@pytest.mark.parametrize("width", [1000, 1280, 1920])
def test_a_line_of_prose_has_at_most_68_characters_and_room_above_it(visit, width):
    page = visit(CHAPTER, viewport={"width": width, "height": 900}, color_scheme="light")
    stands(page)
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    lines = page.evaluate(LENGTHS)
    assert len(lines) > 200
    assert [line for line in lines if len(line) > 68] == []
    assert sorted(map(len, lines))[-len(lines) // 10] > 55  # nor are they much shorter than they may be
    ratio = "(p) => parseFloat(getComputedStyle(p).lineHeight) / parseFloat(getComputedStyle(p).fontSize)"
    assert page.locator("#push-down-push-up > p").first.evaluate(ratio) == pytest.approx(1.65)


@pytest.mark.parametrize("path", [CHAPTER, "book/notation.html", "book/reproducibility.html"])
def test_code_in_a_table_stays_on_its_line(visit, path):
    page = visit(path, viewport={"width": 360, "height": 740})
    tall = page.evaluate("""() => [...document.querySelectorAll(".bd-article table:not(.guide) code .pre")]
      .filter((code) => code.getClientRects().length > 1).map((code) => code.textContent)""")
    assert tall == []


@built
@pytest.mark.parametrize("path", words.CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_says_first_how_long_it_takes(path):
    page = (PAGES / "book" / f"{path.stem}.html").read_text()
    (said,) = re.findall(r'</h1>\s*<p class="reading-time">About (\d+) minutes, and (\d+) more for what', page)
    main, deeper = words.readings(path.read_text())
    assert int(said[0]) == pytest.approx(main.words / 120, abs=1)
    assert int(said[1]) == pytest.approx(deeper.words / 120, abs=1)


KEPT = "() => Object.fromEntries(Object.entries(localStorage).filter(([name]) => !['mode', 'theme'].includes(name)))"


def mark(page):
    """The names in the contents that are ticked."""
    return page.locator(".bd-sidebar-primary a:has(.ticked)").all_inner_texts()


def test_a_tick_is_kept_by_the_browser_alone_and_shown_on_every_page_until_forgotten(visit, site):
    page = visit(CHAPTER)
    tick, forget = page.get_by_role("button", name="I have read"), page.get_by_role("button", name="Forget all")
    assert page.evaluate(KEPT) == {}
    assert not forget.is_visible()
    tick.focus()
    page.keyboard.press("Space")
    assert tick.get_attribute("aria-pressed") == "true"
    page.goto(site + NEXT)
    assert mark(page) == ["Conservative Q-learning✓"]
    assert tick.get_attribute("aria-pressed") == "false"
    tick.click()
    assert {name: sorted(json.loads(kept)) for name, kept in page.evaluate(KEPT).items()} == {
        "safegrid-read": ["05_cql.html", "06_side_by_side.html"]
    }
    assert page.context.cookies() == []
    tick.click()  # a second press takes it back
    assert mark(page) == ["Conservative Q-learning✓"]
    forget.click()
    assert mark(page) == []
    assert page.evaluate(KEPT) == {}
    assert page.evaluate("() => document.activeElement.textContent").startswith("I have read")


@pytest.mark.parametrize("kept", ["7", "{", "null", '{"a": 1}', '[1, null, "<img src=x onerror=alert(1)>"]'])
def test_whatever_is_kept_the_page_stands(visit, kept):
    page = visit("book/notation.html")
    page.evaluate("(kept) => localStorage.setItem('safegrid-read', kept)", kept)
    page.reload()
    assert mark(page) == []
    assert page.locator("p.ticks").count() == 0  # only chapters are ticked


def test_where_the_browser_keeps_nothing_a_tick_holds_for_the_page(visit):
    page = visit(CHAPTER)
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    page.get_by_role("button", name="I have read").click()
    assert mark(page) == ["Conservative Q-learning✓"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ticks_can_be_read_by_all(visit, scheme):
    page = visit(CHAPTER, color_scheme=scheme)
    page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
    page.get_by_role("button", name="I have read").click()
    assert axe(page, ".ticks") == {}
    assert axe(page, ".bd-sidebar-primary", ("serious", "critical")) == {}


def test_without_scripts_there_is_nothing_to_tick(visit):
    page = visit(CHAPTER, java_script_enabled=False)
    assert page.get_by_role("button", name="I have read").count() == 0
