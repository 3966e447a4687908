/* Walkers on a board, and the ways they leave behind. */

import { svg } from "./page.js";

const TICK = 60; // milliseconds from step to step
const LONGEST = 100; // ticks that the longest way takes at most

export function makeWalkers(cells) {
  const element = svg("g");
  let clock = 0;

  function still() {
    clearInterval(clock);
    element.replaceChildren();
  }

  /* Lets walkers go their ways, all at once; where motion is unwelcome the whole ways appear. */
  function animate(ways, done = () => {}) {
    clearInterval(clock);
    const lines = ways.map(() => svg("polyline", { class: "sg-way" }));
    const dots = ways.map(() => svg("circle", { r: 0.2, class: "sg-walker" }));
    element.replaceChildren(...lines, ...dots);
    const last = Math.max(...ways.map((way) => way.length));
    const pace = Math.ceil(last / LONGEST);
    const unmoved = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let t = unmoved ? last : 0;
    const tick = () => {
      ways.forEach((way, i) => {
        const points = way.slice(0, t + 1).map((s) => spot(cells[s], i));
        lines[i].setAttribute("points", points.join(","));
        dots[i].setAttribute("transform", `translate(${points.at(-1)})`);
      });
      t += pace;
      if (t <= last) return;
      clearInterval(clock);
      done();
    };
    tick();
    if (t <= last) clock = setInterval(tick, TICK);
  }

  return { element, animate, still };
}

/* Each walker keeps to a place of its own in a cell, so that none hides another. */
function spot([x, y], i) {
  const across = x + 0.5 + 0.28 * Math.sin(5 * i);
  const down = y + 0.5 + 0.28 * Math.cos(3 * i);
  return `${across.toFixed(2)} ${down.toFixed(2)}`;
}
