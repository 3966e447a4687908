/* Walkers on a board, and what they leave behind: their ways, and a cross where one of them crashed. */

import { ends } from "./driving.js";
import { svg } from "./page.js";

const TICK = 60; // milliseconds from step to step
const LONGEST = 100; // ticks that the longest way takes at most

/* `trails` lies under a board's arrows, `walkers` over them. */
export function makeWalkers(world) {
  const trails = svg("g");
  const walkers = svg("g");
  let clock = 0;

  function still() {
    clearInterval(clock);
    trails.replaceChildren();
    walkers.replaceChildren();
  }

  /* Lets walkers go their ways, all at once; where motion is unwelcome the whole ways appear. */
  function animate(ways, done = () => {}) {
    clearInterval(clock);
    const lines = ways.map(() => svg("polyline", { class: "sg-way" }));
    const marks = ways.map(() => svg("g", { class: "sg-walker" }, svg("circle", { r: 0.2 })));
    trails.replaceChildren(...lines);
    walkers.replaceChildren(...marks);
    const last = Math.max(...ways.map((way) => way.length));
    const pace = Math.ceil(last / LONGEST);
    let t = isMotionUnwelcome() ? last : 0;
    const tick = () => {
      ways.forEach((way, i) => {
        const points = way.slice(0, t + 1).map((s) => spot(world.cells[s], i));
        lines[i].setAttribute("points", points.join(","));
        marks[i].setAttribute("transform", `translate(${points.at(-1)})`);
        if (t >= way.length - 1) settle(marks[i], ends(world, way));
      });
      t += pace;
      if (t <= last) return;
      clearInterval(clock);
      done();
    };
    tick();
    if (t <= last) clock = setInterval(tick, TICK);
  }

  return { trails, walkers, animate, still };
}

export function isMotionUnwelcome() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/* Who crashed is a cross, who ran out of time stands hollow. */
function settle(mark, end) {
  if (mark.classList.contains(`sg-${end}-end`)) return;
  mark.classList.add(`sg-${end}-end`);
  if (end === "hazard") mark.replaceChildren(svg("path", { d: "M-.26-.26l.52.52m0-.52l-.52.52" }));
}

/* Each walker keeps to a place of its own in a cell, so that none hides another. */
function spot([x, y], i) {
  const across = x + 0.5 + 0.28 * Math.sin(5 * i);
  const down = y + 0.5 + 0.28 * Math.cos(3 * i);
  return `${across.toFixed(2)} ${down.toFixed(2)}`;
}
