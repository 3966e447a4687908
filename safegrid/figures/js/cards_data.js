/* What the covered cards are given by Python, checked; and who lies under a letter. */

import { readPolicy, readShares, readWorld, tableOf } from "./agents.js";
import { fields, list, oneOf, refuse, text, whole } from "./checks.js";
import { number, percent } from "./page.js";
import { evaluate } from "./world.js";

const points = (x) => (x === null ? "none" : number(x, 0));
const share = (x) => (x > 0 && x < 0.001 ? "<0.1%" : percent(x));

/* What a covered card tells, in this order: what it is, and how it is written. */
export const ESTIMATES = {
  claim: ["claim", points],
  model: ["model", (value) => number(value, 2)], // ties in one digit
  risk: ["risk", share],
  agreement: ["alike", share],
  trips: ["trips", points],
};
/* What an uncovered card tells beside its name. */
export const TRUTHS = {
  return_mean: ["earns", number],
  hazard_rate: ["crashes", share],
  timeout_rate: ["idles", share],
  regret: ["regret", number],
};
/* What an open card shows: what it told, beside what is so. */
export const OPEN = { claim: ESTIMATES.claim, model: ESTIMATES.model, ...TRUTHS };
export const ORDERS = {
  dealt: ["as they were dealt"],
  claim: ["highest claim first"],
  model: ["best in the log’s model first"],
  risk: ["least risk in that model first"],
  agreement: ["most like the log first"],
  trips: ["best by the trips that went its way first"],
};

const BLANK = "-";
export const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/* A setting: for each of `logs` the letter of one of `n` cards, or a blank. */
export function picksOf(logs, n) {
  const known = BLANK + LETTERS.slice(0, n);
  const check = (name, value) => {
    const fits = typeof value === "string" && value.length === logs && [...value].every((one) => known.includes(one));
    if (!fits) refuse(name, value, `${logs} letters a…${known.at(-1)} or ${BLANK}`);
    return value;
  };
  return { check, read: (raw) => raw };
}

export function readCards(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const names = data.names;
  const n = whole("number of names", names?.length, 1, LETTERS.length);
  const L = whole("number of logs", data.order?.length, 1, 40);
  if (!Array.isArray(names)) refuse("names", names, `a list of ${n}`);
  const square = (name, row) => {
    const rows = name.split(".").reduce((tree, key) => tree?.[key], data);
    if (!Array.isArray(rows) || rows.length !== n) refuse(name, rows, `a list of ${n}`);
    return rows.map((one, c) => row(`${name}[${c}]`, one));
  };
  const numbers = (name, one) => [...list(name, one, L)];
  const perhaps = (name, one) => {
    if (!Array.isArray(one)) refuse(name, one, `a list of ${L}`);
    const known = list(name, one.map((x) => x ?? 0), L);
    return one.map((x, l) => (x === null ? null : known[l]));
  };
  const policies = square("policies", (name, one) => {
    if (!Array.isArray(one) || one.length !== L) refuse(name, one, `a list of ${L}`);
    return one.map((digits, l) => readPolicy(`${name}[${l}]`, digits, world));
  });
  const order = data.order.map((one, l) => dealt(`order[${l}]`, one, n));
  const rules = Object.entries(fields("chosen", data.chosen)).slice(0, 12);
  return {
    world,
    n,
    L,
    order,
    names: names.map((name, c) => text(`names[${c}]`, name, 20)),
    driver: seen(world, readShares("driver", data.driver, 4 * world.S, 4)),
    agent: (c, l) => seen(world, policies[c][l]),
    estimates: tableOf(Object.keys(ESTIMATES), (name) => square(`estimates.${name}`, perhaps)),
    truth: tableOf(Object.keys(TRUTHS), (name) => square(`truth.${name}`, numbers)),
    rules: rules.map(([rule, at]) => [text("rule", rule, 40), list(`chosen.${rule}`, at, L, 0, n - 1, Uint8Array)]),
    code: text("code", data.code, 2000),
  };
}

function seen(world, policy) {
  return { policy, visits: evaluate(world, policy).visits };
}

/* An order of n cards: each of them once. */
function dealt(name, given, n) {
  const order = [...list(name, given, n, 0, n - 1, Uint8Array)];
  if (new Set(order).size !== n) refuse(name, given, "each card once");
  return order;
}

/* The letters of a log's cards in some order. */
export function sorted({ order, estimates, n }, log, by) {
  const letters = Array.from({ length: n }, (_, i) => i);
  if (oneOf("sort", by, ORDERS) === "dealt") return letters;
  const sign = by === "risk" ? -1 : 1;
  const height = (i) => {
    const told = estimates[by][order[log][i]][log];
    return told === null ? -Infinity : sign * told;
  };
  return letters.sort((i, j) => height(j) - height(i) || i - j);
}

/* Mean regret and hazard of some choices, [candidate, log] each. */
export function meanOf({ truth }, choices) {
  const mean = (table) => choices.reduce((sum, [c, l]) => sum + table[c][l], 0) / choices.length;
  return [mean(truth.regret), mean(truth.hazard_rate)];
}
