/* Agents that were trained elsewhere, as a figure's data carries them: a world, policies, and what they claim. */

import { fields, list, real, refuse, whole } from "./checks.js";
import { evaluate, values } from "./world.js";

/* A world as `describe_world` gives it, checked. */
export function readWorld(given) {
  fields("world", given);
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

/* `n` agents of a world: a function that gives the policy and the claims of one. A policy is a digit a state. */
export function readAgents(data, n, { S }) {
  const { policies } = data;
  const fits = Array.isArray(policies) && policies.length === n && policies.every((one) => areDigits(one, S));
  if (!fits) refuse("policies", policies, `${n} × ${S} digits`);
  const unit = real("q_unit", data.q_unit, 1e-9, 1e3);
  const claims = list("q_values", data.q_values, 4 * n * S, -1e7, 1e7, Int32Array);
  return (k) => ({
    policy: oneHot(policies[k]),
    q: Float64Array.from(claims.subarray(4 * k * S, 4 * (k + 1) * S), (x) => x * unit),
  });
}

/* One policy, given as digits. */
export function readPolicy(name, given, { S }) {
  if (!areDigits(given, S)) refuse(name, given, `${S} digits`);
  return oneHot(given);
}

function areDigits(policy, S) {
  return typeof policy === "string" && policy.length === S && /^[0-3]*$/.test(policy);
}

function oneHot(digits) {
  const policy = new Float64Array(4 * digits.length);
  [...digits].forEach((action, s) => {
    policy[4 * s + Number(action)] = 1;
  });
  return policy;
}

/* A policy with the truth about it: its score, its visits, its values, and what its start is worth. */
export function judged(world, policy, gamma) {
  const score = evaluate(world, policy);
  const truth = values(world, policy, gamma);
  return { policy, score, visits: score.visits, truth, worth: worthOf(world, truth.v) };
}

export function worthOf({ start }, v) {
  return start.reduce((total, p, s) => total + p * v[s], 0);
}

/* Rows of shares that sum to 1. */
export function readShares(name, given, length, width) {
  const table = list(name, given, length, 0, 1);
  for (let i = 0; i < length; i += width) {
    const total = table.subarray(i, i + width).reduce((a, b) => a + b);
    real(`${name}[${i}…], summed`, total, 0.999999, 1.000001);
  }
  return table;
}

export function tableOf(names, entry) {
  return Object.fromEntries(names.map((name) => [name, entry(name)]));
}

/* Numbers that rise, such as the stops of a dial. */
export function readRising(name, given, most, low, high) {
  const stops = list(name, given, whole(`number of ${name}`, given?.length, 1, most), low, high);
  stops.forEach((stop, i) => {
    if (i > 0 && stop <= stops[i - 1]) refuse(`${name}[${i}]`, stop, "more than the one before");
  });
  return stops;
}
