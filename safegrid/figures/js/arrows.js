/* The arrows of a policy on a board. */

import { ACTIONS, best, MOVES } from "./world.js";

const LONG = { tail: -0.34, tip: 0.36, wing: 0.2, half: 0.06 }; // across a cell; lengths are in cells
const SHORT = { tail: 0, tip: 0.44, wing: 0.13, half: 0.035 }; // one of several that fork from the middle
const RARE = 0.25; // of the likeliest action's share: below lie a driver's slips of the hand

/* Two paths: bold where the policy goes, faint elsewhere. Where a policy does anything at all there is no arrow. */
export function arrowPaths(world, policy, visits) {
  const paths = { bold: "", faint: "" };
  for (let s = 0; s < world.S; s++) {
    if (world.terminal[s]) continue;
    const often = RARE * best(policy, s);
    const acts = ACTIONS.filter((a) => policy[4 * s + a] > often);
    if (acts.length === ACTIONS.length) continue;
    const shape = acts.length > 1 ? SHORT : LONG;
    const weight = visits[s] >= 0.01 ? "bold" : "faint";
    for (const a of acts) paths[weight] += arrow(world.cells[s], MOVES[a], shape);
  }
  return paths;
}

function arrow([x, y], [dx, dy], { tail, tip, wing, half }) {
  const neck = tip - 1.3 * wing;
  const at = ([along, aside]) => {
    const column = x + 0.5 + along * dx - aside * dy;
    const row = y + 0.5 + along * dy + aside * dx;
    return `${column.toFixed(2)} ${row.toFixed(2)}`;
  };
  const corners = [[tail, half], [neck, half], [neck, wing], [tip, 0], [neck, -wing], [neck, -half], [tail, -half]];
  return `M${corners.map(at).join("L")}Z`;
}
