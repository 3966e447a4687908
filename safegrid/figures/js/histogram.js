/* A histogram: how often each of some outcomes came, beside how often it must come. */

import { html, svg } from "./page.js";

const WIDTH = 320;
const HEIGHT = 168;
const LEFT = 6;
const TOP = 16;
const FLOOR = HEIGHT - 34;

/* `n` bars; `classes`: the kind of each, as a class of its colour; `ticks` and `levels`: [bar, words]. */
export function makeHistogram(n) {
  const wide = (WIDTH - 2 * LEFT) / n;
  const x = (bar) => LEFT + wide * bar;
  const bars = Array.from({ length: n }, (_, i) => svg("rect", { x: x(i) + 0.4, width: wide - 0.8 }));
  const exact = svg("path", { class: "sg-exact" });
  const marker = svg("path", { class: "sg-latest" });
  const notes = svg("g");
  const title = html("p", { class: "sg-title" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sg-chart", role: "img" },
    svg("line", { x1: LEFT, x2: WIDTH - LEFT, y1: FLOOR, y2: FLOOR, class: "sg-grid" }),
    ...bars, notes, exact, marker);

  /* `shares` of what was counted, `expected` shares, and the bar that the latest outcome fell into. */
  function draw({ name, axis, ticks, levels, classes, shares, expected, latest, words }) {
    const scale = (FLOOR - TOP) / Math.max(0.05, ...shares, ...expected);
    bars.forEach((bar, i) => {
      bar.setAttribute("class", classes[i]);
      bar.setAttribute("y", FLOOR - scale * shares[i]);
      bar.setAttribute("height", scale * shares[i]);
    });
    const steps = expected.map((p, i) => `M${x(i)} ${(FLOOR - scale * p).toFixed(1)}h${wide.toFixed(2)}`);
    exact.setAttribute("d", steps.filter((_, i) => expected[i] >= 0.0005).join(""));
    marker.setAttribute("d", latest === null ? "" : `M${x(latest + 0.5)} ${FLOOR + 1}l4 7h-8z`);
    notes.replaceChildren(
      ...ticks.map(([bar, tick]) => write(x(bar + 0.5), FLOOR + 19, tick)),
      write(WIDTH / 2, HEIGHT - 2, axis),
      ...levels.flatMap(([bar, level]) => [
        svg("line", { x1: x(bar), x2: x(bar), y1: TOP - 4, y2: FLOOR, class: "sg-level" }),
        write(x(bar), TOP - 6, level),
      ]));
    title.textContent = name;
    picture.setAttribute("aria-label", `${name}: ${words}`);
  }

  return { element: html("div", {}, title, picture), draw };
}

function write(x, y, words) {
  return svg("text", { x, y, "text-anchor": "middle" }, words);
}
