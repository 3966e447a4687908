/* What stands on a board: hazards, the goal, walls, the start. */

import { svg } from "./page.js";
import { endOf } from "./world.js";

/* Lines at 45° that go on through the next cell; four of them meet each side. */
const HATCH = "m0 .25l.25-.25m.25 0l-.5.5m0 .25l.75-.75m.25 0l-1 1m.25 0l.75-.75m0 .25l-.5.5m.25 0l.25-.25";

const MARKS = { hazard: hazardMark, goal: goalMark, wall: wallMark, start: startMark, free: () => [] };

export function landmarks(world) {
  return world.cells.flatMap(([x, y], s) => {
    const what = endOf(world, s) ?? (world.start[s] > 0 ? "start" : "free");
    return MARKS[what](x, y);
  });
}

function hazardMark(x, y) {
  const lines = svg("path", { d: `M${x} ${y}${HATCH}`, class: "sg-hatch" });
  return [fullSquare(x, y, "sg-hazard"), lines];
}

function goalMark(x, y) {
  const letter = svg("text", { x: x + 0.5, y: y + 0.76, class: "sg-letter" }, "G");
  return [fullSquare(x, y, "sg-goal"), letter];
}

function wallMark(x, y) {
  return [fullSquare(x, y, "sg-wall")];
}

/* Dark on white, so that it shows on every layer. */
function startMark(x, y) {
  const outline = `M${x + 0.08} ${y + 0.08}h.84v.84h-.84z`;
  return [svg("path", { d: outline, class: "sg-start-ground" }), svg("path", { d: outline, class: "sg-start" })];
}

function fullSquare(x, y, name) {
  return svg("path", { d: `M${x} ${y}h1v1h-1z`, class: name });
}
