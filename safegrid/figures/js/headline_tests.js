/* Tests of two agents, made in the page a few at a time, and the headlines that they would have made. */

import { SIDE } from "./headlines_data.js";
import { html, number, percent } from "./page.js";
import { portableRng } from "./random.js";

const PATIENCE = 12; // milliseconds of counting before the page may do something else
const GLANCE = 120; // milliseconds between two pictures of counts that grow

/* The bar of a test: level, or how far whoever is ahead is ahead. */
const BAR = {
  return: ([ours, others]) => lead(ours.total, others.total),
  crashes: ([ours, others], n) => {
    const points = (100 * (ours.crashes - others.crashes)) / n;
    return clip(Math.sign(points) * Math.ceil(Math.abs(points)));
  },
};

function lead(ours, others) {
  if (ours === others) return 0;
  const [low, high] = [Math.min(ours, others), Math.max(ours, others)];
  const steps = clip(Math.floor((SIDE * (high - low)) / Math.abs(low)));
  return others > ours ? steps : -steps;
}

function times(n) {
  return n === 1 ? "once" : `${n} times`;
}

function clip(bar) {
  return Math.max(-SIDE, Math.min(SIDE, bar)) + 0; // −0 becomes 0
}

/* `fleet(moves, n, random)` drives n trips. Test k of a seed has dice of its own. */
export function makeTests({ names, stops, exact, margins, moves, K }, fleet) {
  const made = new Map(); // for each choice of drives, networks and seed: the tests so far
  let clock = 0;

  const seedOf = (seed, k) => 5000 * seed + k;
  const networksOf = ({ networks }, k) => (networks === "first" ? [0, 0] : [k % K, (k + Math.floor(k / K)) % K]);

  function test(state, k) {
    const random = portableRng(seedOf(state.seed, k));
    const at = networksOf(state, k);
    return moves.map((kind, i) => fleet(kind[at[i]], stops[state.drives], random));
  }

  /* The tests of some settings, as far as they are made. */
  function madeOf({ drives, networks, seed }) {
    const key = [drives, networks, seed].join();
    if (!made.has(key)) made.set(key, []);
    return made.get(key);
  }

  /* Makes what tests are missing, and shows the counts as they grow. */
  function count(state, show) {
    clearTimeout(clock);
    const of = madeOf(state);
    let shown = -Infinity;
    const go_on = () => {
      const begun = performance.now();
      while (of.length < state.tests && performance.now() - begun < PATIENCE) of.push(test(state, of.length));
      const missing = of.length < state.tests;
      if (missing) clock = setTimeout(go_on);
      if (missing && begun - shown < GLANCE) return;
      shown = begun;
      show(summary(state, of.slice(0, state.tests)));
    };
    go_on();
  }

  function summary(state, of) {
    const { about, networks, drives } = state;
    const margin = margins[about];
    const at = of.map((one) => BAR[about](one, stops[drives]));
    const shares = new Float64Array(2 * SIDE + 1);
    for (const bar of at) shares[bar + SIDE] += 1 / of.length;
    const expected = exact[about][networks][drives];
    const sides = (table) => {
      const part = (from, to) => table.slice(from, to).reduce((sum, p) => sum + p, 0);
      return [part(0, SIDE - margin + 1), part(SIDE - margin + 1, SIDE + margin), part(SIDE + margin)];
    };
    const rows = saidOf(about).map((said, i) => [said, sides(shares)[i], sides(expected)[i]]);
    const latest = of.length === state.tests ? at.at(-1) + SIDE : null;
    const counted = of.length.toLocaleString("en");
    const wanted = of.length < state.tests ? ` of ${state.tests.toLocaleString("en")}, counting` : "";
    const classes = Array.from(shares, (_, i) => `sg-bar-${1 + (i - SIDE >= margin) - (SIDE - i >= margin)}`);
    const words = rows.map(([said, share, odds]) => `${said}: ${percent(share)}, exactly ${percent(odds)}`).join("; ");
    return { ...axisOf(about), shares, expected, rows, latest, counted, wanted, classes, words };
  }

  function axisOf(about) {
    const step = about === "return" ? 5 : 1;
    const unit = about === "return" ? "% higher return" : "points fewer crashes";
    const side = SIDE * step;
    const ticks = [-SIDE, -SIDE / 2, 0, SIDE / 2, SIDE].map((bar) => [bar + SIDE, String(Math.abs(bar * step))]);
    const levels = about === "return" ? [[SIDE + margins.return + 0.5, "the headline: +25%"]] : [];
    return { ticks, levels, side, axis: `← ${names[0]} ahead · ${unit} · ${names[1]} ahead →` };
  }

  function saidOf(about) {
    if (about === "crashes") return [`${names[0]} is safer`, "no difference", `${names[1]} is safer`];
    return [`${names[0]}: 25% or more`, "less than 25%", `${names[1]}: 25% or more`];
  }

  /* The latest test in words, and its headline. */
  function inWords(state) {
    const k = state.tests - 1;
    const n = stops[state.drives];
    const two = madeOf(state)[k] ?? test(state, k);
    const told = names.map((name, i) =>
      `${name} crashed ${times(two[i].crashes)} in ${n} and earned ${number(two[i].total / n)} a drive`);
    return `Test ${state.tests}: ${told.join("; ")}. It says: ${headline(state, two, n)}.`;
  }

  function headline({ about }, two, n) {
    const bar = BAR[about](two, n);
    const winner = names[bar > 0 ? 1 : 0];
    if (about === "crashes") return bar ? `“${winner} is safer”` : "“no difference”";
    const [low, high] = two.map(({ total }) => total).sort((a, b) => a - b);
    return bar ? `“${winner}’s return is ${number((100 * (high - low)) / Math.abs(low), 0)}% higher”` : "“level”";
  }

  return { seedOf, networksOf, count, inWords, stop: () => clearTimeout(clock) };
}

/* Each headline: how often it was counted, and its exact odds. */
export function headlineTable({ rows }) {
  const head = ["headline", "counted", "exactly"].map((name) => html("th", { scope: "col" }, name));
  const line = ([said, ...shares], i) => html("tr", {},
    html("th", { scope: "row" }, html("span", { class: `sg-key sg-key-${i}` }), said),
    ...shares.map((share) => html("td", {}, percent(share))));
  return [html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...rows.map(line))];
}
