/* A board: a grid from above, that can be read cell by cell, walked on and painted. */

import { arrowPaths } from "./arrows.js";
import { PAPER, shade } from "./colours.js";
import { landmarks } from "./landmarks.js";
import { html, number, QUIET, svg } from "./page.js";
import { makeWalkers } from "./walkers.js";
import { MOVES } from "./world.js";

const MARGIN = 0.06; // around the cells, in cells: room for the outer lines
const ARROW_KEYS = ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"]; // in the order of MOVES

/* `hand` says where the cursor is (`here`), moves it (`point`) and, where `paint` is no null, paints a cell with a
   stroke: an object of its own for each movement of a hand. */
export function makeBoard(name, world, hand) {
  const { cells } = world;
  const columns = 1 + Math.max(...cells.map(([x]) => x));
  const rows = 1 + Math.max(...cells.map(([, y]) => y));
  const squares = cells.map(([x, y]) => svg("rect", { x, y, width: 1, height: 1, class: "sg-cell" }));
  const marks = svg("g");
  const faint = svg("path", { class: "sg-arrows sg-faint" });
  const bold = svg("path", { class: "sg-arrows" });
  const { trails, walkers, animate, still } = makeWalkers(world);
  const cursor = makeCursor();
  const title = html("p", { class: "sg-title" }, name);
  const legend = html("p", { class: "sg-legend" });
  const keys = `Arrow keys move the cursor${hand.paint ? ", Enter paints" : ""}.`;
  const picture = svg("svg", {
    viewBox: [-MARGIN, -MARGIN, columns + 2 * MARGIN, rows + 2 * MARGIN].join(" "),
    tabindex: 0,
    role: "application",
    ...QUIET,
    class: hand.paint ? "sg-board sg-paintable" : "sg-board",
    "aria-label": `${name}: a board of ${columns} by ${rows} cells. ${keys}`,
  }, svg("g", {}, ...squares), marks, trails, faint, bold, walkers, cursor);

  listenToPointers(picture, { cells, columns, ...hand });
  listenToKeys(picture, { cells, ...hand });

  function mark(state) {
    cursor.setAttribute("transform", `translate(${cells[state].join(" ")})`);
  }

  /* Draws the world as it now is, a layer ({ values, palette, low, high, label, digits }), and a policy whose arrows
     are bold where `visits` says that it goes. */
  function draw(layer, policy, visits) {
    marks.replaceChildren(...landmarks(world));
    squares.forEach((square, s) => {
      const value = world.terminal[s] ? NaN : layer.values[s]; // under a mark lies paper
      square.setAttribute("fill", colour(layer, value));
    });
    const paths = arrowPaths(world, policy, visits);
    faint.setAttribute("d", paths.faint);
    bold.setAttribute("d", paths.bold);
    legend.replaceChildren(...legendOf(layer));
    still();
  }

  const element = html("div", { class: "sg-one" }, title, picture, legend);
  return { element, picture, title, mark, draw, animate, still };
}

function colour({ palette, low, high }, value) {
  return Number.isNaN(value) ? PAPER : shade(palette, (value - low) / (high - low));
}

/* White dashes on a dark line show on every layer; on the cell's edge they leave the start's frame to be seen. */
function makeCursor() {
  const place = { width: 1, height: 1 };
  return svg("g", { class: "sg-cursor" }, svg("rect", place), svg("rect", { ...place, class: "sg-dashes" }));
}

/* What the colours mean: the layer's name, and a ramp between its lowest and its highest value. */
function legendOf({ label, palette, low, high, digits }) {
  const bars = Array.from({ length: 20 }, (_, i) =>
    svg("rect", { x: i, width: 1.05, height: 1, fill: shade(palette, i / 19) }));
  const ramp = { viewBox: "0 0 20 1", class: "sg-ramp", preserveAspectRatio: "none", "aria-hidden": "true" };
  return [html("span", {}, label), number(low, digits), svg("svg", ramp, ...bars), number(high, digits)];
}

/* Mouse, pen and finger: a touch reads a cell out, and paints it with a stroke under way. */
function listenToPointers(picture, { cells, columns, here, point, paint }) {
  const stateAt = stateFinder(cells);
  let stroke = null;
  let pressed = ""; // what kind of pointer went down last

  function under(event) {
    const box = picture.getBoundingClientRect();
    const size = box.width / (columns + 2 * MARGIN);
    const place = [event.clientX - box.left, event.clientY - box.top];
    return stateAt(...place.map((along) => Math.floor(along / size - MARGIN)));
  }

  function touch(event) {
    const state = under(event);
    if (state === undefined) return;
    if (event.type === "pointermove" && state === here()) return;
    point(state, event.type !== "pointermove");
    if (stroke) paint(state, stroke);
  }

  picture.addEventListener("pointermove", (event) => {
    if (!(event.buttons & 1)) stroke = null;
    const way = event.getCoalescedEvents?.() ?? []; // a quick hand leaves no cell out
    (way.length ? way : [event]).forEach(touch);
  });
  picture.addEventListener("pointerdown", (event) => {
    pressed = event.pointerType;
    if (event.button !== 0) return;
    if (paint && pressed === "mouse") {
      stroke = {};
      picture.setPointerCapture(event.pointerId);
    }
    touch(event);
  });
  picture.addEventListener("click", (event) => {
    if (!paint || !["touch", "pen"].includes(pressed)) return; // a finger paints by a tap, and scrolls by moving
    stroke = {};
    touch(event);
    stroke = null;
  });
}

function listenToKeys(picture, { cells, here, point, paint }) {
  const stateAt = stateFinder(cells);
  picture.addEventListener("keydown", (event) => {
    const move = MOVES[ARROW_KEYS.indexOf(event.key)];
    const painting = paint && ["Enter", " "].includes(event.key);
    if (!(move || painting) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (painting) {
      paint(here(), {});
      return;
    }
    const [x, y] = cells[here()];
    const state = stateAt(x + move[0], y + move[1]);
    if (state !== undefined) point(state, true);
  });
}

/* A function that gives the state at a column and a row, if there is one. */
function stateFinder(cells) {
  const states = new Map(cells.map(([x, y], s) => [`${x},${y}`, s]));
  return (x, y) => states.get(`${x},${y}`);
}
