/* The explorer's data as it comes from Python, checked before use. */

import { fields, list, real, refuse, text, whole } from "./checks.js";

export const SCORES = ["return_mean", "hazard_rate", "claimed_value", "true_value"];
const MISSING = -1e9; // stands for a bound that is null while a list is checked

/* Each array in the shape that its name says. */
export function readData(data) {
  fields("data", data);
  const world = readWorld(fields("world", data.world));
  const { weights, policies } = data;
  const n_weights = whole("number of weights", weights?.length, 1, 60);
  const checked = list("weights", weights, n_weights, 0, 1e6);
  const n_logs = whole("n_logs", data.n_logs, 1, 100);
  const n_seeds = whole("n_seeds", data.n_seeds, 1, 20);
  const n_agents = n_weights * n_logs * n_seeds;
  const n_states = n_agents * world.S;
  whole("agents × states", n_states, 1, 1e6);
  checkRising(checked);
  checkPolicies(policies, n_agents, world.S);
  for (const name of ["curves", "scores", "limits", "references"]) fields(name, data[name]);
  const scoresOf = (name) => list(`scores.${name}`, data.scores[name], n_agents);
  const limitsOf = (name) => list(`limits.${name}`, data.limits[name], 2);
  return {
    title: text("title", data.title, 200),
    gamma: real("gamma", data.gamma, 0, 0.99999),
    n_logs,
    n_seeds,
    policies,
    world,
    weights,
    unit: real("q_unit", data.q_unit, 1e-9, 1e3),
    q: list("q_values", data.q_values, 4 * n_states, -1e7, 1e7, Int32Array),
    visits: list("visits", data.visits, n_states, 0, 1000),
    counts: data.counts === null ? null : list("counts", data.counts, 4 * n_logs * world.S, 0, 1e7),
    curves: tableOf(SCORES, (name) => weights.map((_, i) => readCurve(data.curves, name, i))),
    scores: tableOf(SCORES, scoresOf),
    limits: tableOf(["claimed", "overestimate", "gap"], limitsOf),
    references: Object.entries(data.references).slice(0, 6).map(readReference),
  };
}

function readWorld(given) {
  const S = whole("number of states", given.terminal?.length, 1, 1024);
  const flags = (name) => list(name, given[name], S, 0, 1, Uint8Array);
  const places = list("cells", given.cells, 2 * S, 0, 63, Int32Array);
  const next = list("successors", given.successors, 16 * S, 0, S - 1, Int32Array);
  // nothing leaps farther than a row, so that the solver's band stays narrow
  next.forEach((z, i) => whole(`successors[${i}]`, z, Math.max(0, (i >> 4) - 63), (i >> 4) + 63));
  return {
    S,
    next,
    cells: Array.from({ length: S }, (_, s) => [places[2 * s], places[2 * s + 1]]),
    ...tableOf(["terminal", "hazard", "goal"], flags),
    start: readShares("start", given.start, S, S),
    chance: readShares("probabilities", given.probabilities, 16 * S, 4),
    gain: list("rewards", given.rewards, 16 * S),
    horizon: whole("horizon", given.horizon, 1, 1000),
  };
}

/* Rows of shares that sum to 1. */
function readShares(name, given, length, width) {
  const table = list(name, given, length, 0, 1);
  for (let i = 0; i < length; i += width) {
    const total = table.subarray(i, i + width).reduce((a, b) => a + b);
    real(`${name}[${i}…], summed`, total, 0.999999, 1.000001);
  }
  return table;
}

function checkRising(weights) {
  weights.forEach((weight, i) => {
    if (i > 0 && weight <= weights[i - 1]) refuse(`weights[${i}]`, weight, "more than the one before");
  });
}

/* A policy is a string of one digit a state, its action. */
function checkPolicies(policies, n_agents, S) {
  const digits = (policy) => typeof policy === "string" && policy.length === S && /^[0-3]*$/.test(policy);
  if (Array.isArray(policies) && policies.length === n_agents && policies.every(digits)) return;
  refuse("policies", policies, `${n_agents} × ${S} digits`);
}

/* An estimate and its interval, which is null where there is one log. */
function readCurve(curves, name, i) {
  const given = curves[name]?.[i];
  if (!Array.isArray(given)) refuse(`curves.${name}[${i}]`, given, "a list of 3");
  const filled = given.map((x) => x ?? MISSING);
  return list(`curves.${name}[${i}]`, filled, 3).map((x) => (x === MISSING ? NaN : x));
}

function readReference([name, levels]) {
  return [text("reference", name, 40), list("reference", levels, 2)];
}

function tableOf(names, entry) {
  return Object.fromEntries(names.map((name) => [name, entry(name)]));
}
