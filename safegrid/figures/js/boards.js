/* Boards of one world beside each other, with one cursor: a cell touched on one is marked on all and looked into. */

import { makeBoard } from "./board.js";
import { html } from "./page.js";

const AFTER = "After a drive a cross is a crash, a hollow mark a trip that ran out of time.";

/* `look(state)` gives a cell in words, and draws it in `scope`, where there is one, which opens with the first touch;
   `paint(state, stroke)`, where there is one, makes the boards paintable; `choose(state)` hears of every firm touch. */
export function makeBoards(names, world, { look, scope = null, paint = null, choose = null }) {
  let here = Math.max(0, world.start.findIndex((p) => p > 0));
  let touched = false;
  const readout = html("p", { class: "sg-readout" });
  const boards = names.map((name) => makeBoard(name, world, { here: () => here, point, paint }));
  for (const { picture } of boards) {
    picture.addEventListener("focus", () => readout.setAttribute("aria-live", "polite"));
    picture.addEventListener("blur", () => readout.setAttribute("aria-live", "off"));
  }
  if (scope) scope.hidden = true;

  /* Marks a cell; a firm touch looks into it, and so does every one after. */
  function point(state, firm = false) {
    here = state;
    touched ||= firm;
    if (firm) choose?.(state);
    for (const board of boards) board.mark(state);
    const words = look(state);
    const place = `cell (${world.cells[state].join(", ")}) `;
    const rest = html("span", { class: scope ? "sg-heard" : null }, words); // who sees reads the microscope
    const hint = `Touch a cell ${paint ? "to paint it, and " : ""}to look into it. ${AFTER}`;
    readout.replaceChildren(...(touched ? [place, rest] : [hint]));
    if (scope) scope.hidden = !touched;
  }

  /* Draws each board's [layer, policy, visits], and looks again into the cell of the cursor. */
  function draw(shown) {
    shown.forEach((one, i) => boards[i].draw(...one));
    point(here);
  }

  /* Lets walkers go on each board; `done` when the last of them has ended. */
  function animate(ways, done = () => {}) {
    let under_way = ways.length;
    const ended = () => --under_way || done();
    ways.forEach((of_board, i) => boards[i].animate(of_board, ended));
  }

  const still = () => boards.forEach((board) => board.still());
  const stage = html("div", { class: boards.length > 1 ? "sg-pair" : "sg-single" },
    ...boards.map((board) => board.element));
  return { stage, below: scope ? [readout, scope] : [readout], boards, draw, animate, still, point };
}
