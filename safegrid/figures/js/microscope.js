/* The microscope: one state of the table, its four actions, and why each claim stands where it stands. */

import { html, number, percent, svg } from "./page.js";
import { ACTIONS, endOf, pairs, SIGNS } from "./world.js";

const COLUMNS = [
  ["log", "share of the log's steps here"],
  ["softmax", "share that the claims themselves would give it"],
  ["push", "bonus or charge: α (1 − softmax ÷ log), in raw reward"],
  ["claims", "what the agent believes"],
  ["true", "what is true of its policy"],
];

/* A table of one state: `draw` fills it with `stateRows`; `read` looks into a cell and says it in words, too. */
export function makeMicroscope() {
  const head = COLUMNS.map(([name, meaning]) => html("th", { scope: "col", title: meaning }, name));
  const body = html("tbody");
  const caption = html("caption");
  const heads = html("thead", {}, html("tr", {}, html("td"), ...head));
  const table = html("table", { class: "sg-scope" }, caption, heads, body);

  function draw(where, rows) {
    caption.textContent = where;
    heads.hidden = rows.length === 0;
    const worth = Math.max(1, ...rows.flatMap(({ claim, truth }) => [claim, truth]).filter(Number.isFinite)
      .map(Math.abs));
    const pushes = Math.max(1, ...rows.map(({ push }) => push).filter(Number.isFinite).map(Math.abs));
    body.replaceChildren(...rows.map((row) => html("tr", { class: row.chosen ? "sg-chosen" : null },
      html("th", { scope: "row" }, SIGNS[row.action]),
      barCell(percent(row.share), row.share, "sg-of-log"),
      barCell(percent(row.softmax), row.softmax, "sg-of-claims"),
      barCell(words(row.push), row.push / pushes, "sg-of-push", true),
      barCell(number(row.claim), row.claim / worth, "sg-of-claims", true),
      barCell(number(row.truth), row.truth / worth, "sg-of-truth", true))));
  }

  /* `about`: what `stateRows` wants to know of an agent. */
  function read(world, s, about) {
    const end = endOf(world, s);
    const rows = end ? [] : stateRows(s, about);
    draw(end ?? "", rows);
    return end ?? inWords(rows);
  }

  return { element: table, draw, read };
}

function words(push) {
  if (push === -Infinity) return "sinks";
  return push > 0 ? `+${number(push)}` : number(push);
}

/* A number over its bar; bars of values with a sign begin in the middle. */
export function barCell(text, share, name, signed = false) {
  const size = Math.min(1, Math.abs(Number.isNaN(share) ? 0 : share)) * (signed ? 10 : 20);
  const middle = signed ? 10 : 0;
  const x = share < 0 ? middle - size : middle;
  const bar = svg("svg", { viewBox: "0 0 20 3", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x, width: size, height: 3, class: name }),
    signed ? svg("path", { d: "M10 0v3", class: "sg-zero" }) : null);
  return html("td", {}, html("span", {}, text), bar);
}

/* What the microscope shows of a state: the log's shares and the softmax's, what the weight gives or takes in balance
   (the minimum of Kumar et al. 2020, eq. 4), and the claim beside the truth. `counts` may be unknown. */
export function stateRows(s, { counts, q, truth, policy, weight, scale }) {
  const steps = counts ? pairs(s).reduce((total, p) => total + counts[p], 0) : NaN;
  const top = Math.max(...pairs(s).map((p) => q[p]));
  const powers = pairs(s).map((p) => Math.exp(scale * (q[p] - top)));
  const total = powers.reduce((a, b) => a + b);
  return ACTIONS.map((action) => {
    const p = 4 * s + action;
    const share = steps > 0 ? counts[p] / steps : steps; // 0 or unknown
    const softmax = powers[action] / total;
    return {
      action,
      share,
      softmax,
      push: pushOf(weight, share, softmax),
      claim: q[p],
      truth: truth.q[p],
      chosen: policy[p] > 0,
    };
  });
}

function pushOf(weight, share, softmax) {
  if (weight === 0) return 0;
  return share === 0 ? -Infinity : weight * (1 - softmax / share);
}

/* The same for those who hear it. */
export function inWords(rows) {
  const action = ({ action: a, claim, truth, chosen, share }) => {
    const often = Number.isNaN(share) ? "" : `, ${percent(share)} of the log`;
    return `${SIGNS[a]} ${number(claim)}${chosen ? "*" : ""} (true ${number(truth)}${often})`;
  };
  return [...rows.map(action), "* chosen"].join(" · ");
}
