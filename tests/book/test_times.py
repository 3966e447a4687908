"""How long a reader waits, printed."""

import statistics

import pytest
from reading import ALIVE, EXPLORER, LAB

PAINT = """async ([selector, values, event]) => {
  const input = document.querySelector(selector), times = [];
  const once = (value) => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(), begun = performance.now();
    port1.onmessage = () => { port1.close(); done(performance.now() - begun); };
    input.value = value;
    input.dispatchEvent(new Event(event, { bubbles: true }));
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
    for path, name in ((EXPLORER, "explorer"), (LAB, "laboratory")):
        alive = []
        for _ in range(5):
            page = visit(path)
            page.wait_for_selector(ALIVE)
            alive.append(page.evaluate("performance.getEntriesByName('safegrid-alive')[0].startTime"))
        lines.append(f"{name} alive after {statistics.median(alive):.0f} ms (at most 1200 wanted)")
        values = [(7 * i) % 10 for i in range(45)]
        times = page.evaluate(PAINT, [".safegrid input[type=range]", values, "input"])
        wanted = 16 if name == "explorer" else 100
        lines.append(f"{name}: a weight to its picture {statistics.median(times):.1f} ms (at most {wanted} wanted)")
    page.get_by_label("train for ever").check()
    times = page.evaluate(PAINT, [".safegrid input[type=range]", values, "input"])
    lines.append(f"laboratory, limit: a weight to its picture {statistics.median(times):.1f} ms (at most 100 wanted)")
    page.get_by_label("train for ever").uncheck()
    lines.append(
        f"laboratory: a hazard to its picture {statistics.median(page.evaluate(TOUCH)):.1f} ms (at most 200 wanted)"
    )
    for line in lines:
        record_property("times", line)  # printed at the end of the report
