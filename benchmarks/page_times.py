"""How long a reader of the built book waits: until a figure is alive, and from a hand to the picture.

    python benchmarks/page_times.py  # on a machine that does nothing else, once the book is built

Wanted are 700 ms to the first picture, and 16 ms from a stop of a slider to its picture; 100 ms where the page trains.
"""

import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "book"))

from conftest import BROWSER, FLAGS, PAGES, serve
from reading import ALIVE, FIGURES, LAB

PAINT = """async (input) => {
  const times = [], values = Array.from({ length: 45 }, (_, i) => (7 * i) % (Number(input.max) + 1));
  const once = (value) => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(), begun = performance.now();
    port1.onmessage = () => { port1.close(); done(performance.now() - begun); };
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    port2.postMessage(null);
  }));
  for (const value of values) times.push(await once(value));
  return times.slice(5);
}"""
TOUCH = """async () => {
  const board = document.querySelector(".sg-board"), box = board.getBoundingClientRect();
  const times = [], size = box.width / 15.12;
  const at = (type, x, y) => board.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerType: "mouse",
    clientX: box.x + (x + 0.56) * size, clientY: box.y + (y + 0.56) * size }));
  board.setPointerCapture = () => {};
  const once = (x, y) => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(), begun = performance.now();
    port1.onmessage = () => { port1.close(); done(performance.now() - begun); };
    at("pointerdown", x, y);
    at("pointerup", x, y);
    port2.postMessage(null);
  }));
  for (let i = 0; i < 25; i++) times.push(await once(2 + (i % 4), 12));
  return times.slice(5);
}"""


def main():
    server, home = serve(PAGES)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=FLAGS)

        def visit(path):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.goto(home + path)
            page.wait_for_selector(ALIVE)
            return page

        for name, (path, nth) in FIGURES.items():
            alive = []
            for _ in range(3):
                page = visit(path)
                alive.append(page.evaluate("performance.getEntriesByName('safegrid-alive')[0].startTime"))
                if len(alive) < 3:
                    page.context.close()  # or its walkers take time from the next
            line = f"{name} alive after {statistics.median(alive):.0f} ms"
            slider = page.locator(".safegrid").nth(nth).locator(".sg-bar input[type=range]")
            if slider.count():
                line += (
                    f"; a stop of its slider to its picture {statistics.median(slider.first.evaluate(PAINT)):.1f} ms"
                )
            page.context.close()
            print(line, flush=True)
        page = visit(LAB)
        print(f"laboratory: a hazard to its picture {statistics.median(page.evaluate(TOUCH)):.1f} ms")
        page.locator(".sg-more > summary").first.click()
        page.get_by_label("train for ever").check()
        limit = statistics.median(page.locator(".sg-bar input[type=range]").first.evaluate(PAINT))
        print(f"laboratory, limit: a weight to its picture {limit:.1f} ms")
    server.shutdown()


if __name__ == "__main__":
    main()
