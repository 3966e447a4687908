"""How long a reader waits, printed."""

import statistics

import pytest
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


@pytest.mark.alone
def test_times_are_printed(visit, record_property):
    lines = []
    for name, (path, nth) in FIGURES.items():
        alive = []
        for _ in range(3):
            page = visit(path)
            page.wait_for_selector(ALIVE)
            alive.append(page.evaluate("performance.getEntriesByName('safegrid-alive')[0].startTime"))
        line = f"{name} alive after {statistics.median(alive):.0f} ms (at most 700 wanted)"
        slider = page.locator(".safegrid").nth(nth).locator(".sg-bar input[type=range]")
        if slider.count():
            painted = statistics.median(slider.first.evaluate(PAINT))
            line += f"; a stop of its slider to its picture {painted:.1f} ms (16 wanted, 100 where the page trains)"
        lines.append(line)
    page = visit(LAB)
    page.wait_for_selector(ALIVE)
    touched = statistics.median(page.evaluate(TOUCH))
    page.locator(".sg-more > summary").first.click()
    page.get_by_label("train for ever").check()
    limit = statistics.median(page.locator(".sg-bar input[type=range]").first.evaluate(PAINT))
    lines.append(f"laboratory: a hazard to its picture {touched:.1f} ms (at most 200 wanted)")
    lines.append(f"laboratory, limit: a weight to its picture {limit:.1f} ms (at most 100 wanted)")
    for line in lines:
        record_property("times", line)  # printed at the end of the report
