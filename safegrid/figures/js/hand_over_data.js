/* What a figure of guarded policies is given by Python, checked; and what a guard makes of a policy. */

import { readPolicy, readRising, readWorld, tableOf } from "./agents.js";
import { fields, list, real, refuse, text, whole } from "./checks.js";
import { evaluate, greedy, pairs, perState } from "./world.js";

/* Who takes over: in a list, on a chart, and in a sentence. */
export const FALLBACKS = {
  clone: ["the driver's habit", "the habit", "the driver's habit"],
  ask: ["nobody: it asks", "asks", "a question that ends the trip"],
  operator: ["an operator", "operator", "an operator"],
};
export const LOOKS = { decides: ["who decides"], coverage: ["steps in the log"] };
const NEVER = 1e9; // stands for infinity

export function readHandOver(given) {
  const data = fields("data", given);
  const worlds = readWorlds(data.worlds);
  const { S } = worlds[0].world;
  const tries = [...readRising("tries", data.tries, 60, 0, NEVER)];
  const n_logs = whole("n_logs", data.n_logs, 1, 100);
  whole("worlds × tries × logs", worlds.length * tries.length * n_logs, 1, 1e5);
  const digits = (name, n) => {
    if (!Array.isArray(data[name]) || data[name].length !== n) refuse(name, data[name], `a list of ${n}`);
    return data[name].map((one, k) => readPolicy(`${name}[${k}]`, one, { S }));
  };
  const ofLogs = (name, low, high) => (table) => worlds.map((_, w) => tries.map((_n, i) =>
    [...list(`${name}[${w}][${i}]`, table?.[w]?.[i], n_logs, low, high)]));
  const ofAll = (name, low, high) => tableOf(Object.keys(FALLBACKS), (who) =>
    ofLogs(`${name}.${who}`, low, high)(fields(name, data[name])[who]));
  const [counts, crashed] = ["counts", "crashed"].map((name) => list(name, data[name], 4 * n_logs * S, 0, 1e7));
  return {
    worlds,
    tries,
    names: tries.map((n) => (n < NEVER ? String(n) : "∞")),
    n_logs,
    digits: data.policies,
    policies: digits("policies", n_logs),
    operators: digits("operators", worlds.length),
    counts: (log) => counts.subarray(4 * S * log, 4 * S * (log + 1)),
    crashed: (log) => crashed.subarray(4 * S * log, 4 * S * (log + 1)),
    hazard: ofAll("hazard", 0, 1),
    return: ofAll("return", -1e9, 1e9),
    handed: ofLogs("handed", 0, 1)(data.handed),
    chosen: tableOf(Object.keys(FALLBACKS), (who) =>
      list(`chosen.${who}`, fields("chosen", data.chosen)[who], n_logs, 0, tries.length - 1, Int32Array)),
    ask_cost: real("ask_cost", data.ask_cost, -1e9, 1e9),
    code: text("code", data.code, 3000),
  };
}

/* Worlds of the same cells, by name. */
function readWorlds(given) {
  if (!Array.isArray(given) || given.length < 1 || given.length > 8) refuse("worlds", given, "a list of 1 to 8");
  const worlds = given.map((one, w) => ({
    name: text(`worlds[${w}].name`, fields(`worlds[${w}]`, one).name, 40),
    world: readWorld(one.world),
  }));
  const cells = ({ world }) => world.cells.join(" ");
  worlds.forEach((one, w) => {
    if (cells(one) !== cells(worlds[0])) refuse(`worlds[${w}]'s cells`, one.world.cells, "those of the first world");
  });
  return worlds;
}

/* A policy whose guard decides where the log tried its move fewer than `least` times, by the rules of `guard.py`: what
   acts, what the guard lets pass, and where it decides. */
export function guardedPolicy(data, { log, world, fallback, index }) {
  const own = data.policies[log];
  const counts = data.counts(log);
  const S = own.length / 4;
  const wanted = perState(S, (s) => counts[pairs(s).find((p) => own[p] === 1)]);
  const handed = wanted.map((n) => Number(n < data.tries[index]));
  const kept = own.map((share, p) => share * (1 - handed[p >> 2]));
  const instead = { clone: () => greedy(counts), ask: () => own.map(() => 0), operator: () => data.operators[world] };
  const habit = instead[fallback]();
  return { own, wanted, handed, kept, policy: kept.map((share, p) => share + handed[p >> 2] * habit[p]) };
}

/* Its exact score; a question ends a trip, and costs. And how often the guard takes over at least once a trip. */
export function guardedScore(data, { world: w, fallback }, { policy, kept }) {
  const { world } = data.worlds[w];
  const over = (one) => one.hazard_rate + one.goal_rate + one.timeout_rate;
  const score = evaluate(world, policy);
  const passed = evaluate(world, kept);
  const asked = fallback === "ask" ? Math.max(0, 1 - over(score)) : 0;
  return { ...score, return_mean: score.return_mean - data.ask_cost * asked, handed: Math.max(0, 1 - over(passed)) };
}
