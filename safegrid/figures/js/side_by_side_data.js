/* What a side-by-side figure is given: policies and exact scores of every agent on every log. */

import { readPolicy, readRising, readShares, readWorld, tableOf } from "./agents.js";
import { fields, list, refuse, whole } from "./checks.js";
import { percent } from "./page.js";
import { ACTIONS, evaluate, SIGNS } from "./world.js";

export const LEARNED = ["BC", "double DQN", "CQL"]; // double DQN is CQL at the first weight, 0
const KNOWN = ["optimum", "driver"];
const SCORES = ["return_mean", "return_cvar", "hazard_rate", "timeout_rate"];

/* The data as it comes from Python, checked. */
export function readSides(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const weights = [...readRising("weights", data.weights, 60, 0, 1e6)];
  if (weights[0] !== 0) refuse("weights[0]", weights[0], "0, which is double DQN");
  const n_logs = whole("n_logs", data.n_logs, 1, 100);
  const digits = (name, n) => {
    const all = data[name];
    if (!Array.isArray(all) || all.length !== n) refuse(name, all, `a list of ${n}`);
    return all.map((one, i) => readPolicy(`${name}[${i}]`, one, world));
  };
  const policies = digits("policies", weights.length * n_logs);
  const clones = digits("clones", n_logs);
  const known = tableOf(KNOWN, (who) => readShares(who, data.known?.[who], 4 * world.S, 4));
  const scores = tableOf(SCORES, (name) => {
    const one = fields(`scores.${name}`, data.scores?.[name]);
    return {
      known: tableOf(KNOWN, (who) => list(`scores.${name}.${who}`, [one[who]], 1)[0]),
      learned: tableOf(["BC", "CQL"], (who) =>
        list(`scores.${name}.${who}`, one[who], who === "BC" ? n_logs : policies.length)),
    };
  });
  const marks = list("marks", data.marks, whole("number of marks", data.marks?.length, 0, 6), 0, weights.length - 1);

  /* The place of an agent among the policies of CQL. */
  const at = (who, index, log) => (who === "CQL" ? index * n_logs : 0) + log;
  const policyOf = (who, index, log) => known[who] ?? (who === "BC" ? clones[log] : policies[at(who, index, log)]);

  /* An agent at a weight on a log, judged. */
  function agent(who, index, log) {
    const policy = policyOf(who, index, log);
    const { visits, ...score } = evaluate(world, policy);
    return { name: who, policy, visits, score };
  }

  /* A score on every log. */
  function of(field, who, index) {
    const { BC, CQL } = scores[field].learned;
    return who === "BC" ? [...BC] : [...CQL.subarray(at(who, index, 0), at(who, index, 0) + n_logs)];
  }

  return { world, weights, n_logs, marks, scores, agent, of };
}

/* What an agent does in a cell, in words. */
export function acts({ name, policy }, s) {
  const moves = ACTIONS.filter((a) => policy[4 * s + a] > 0.0005);
  return `${name} ${moves.map((a) => `${SIGNS[a]} ${percent(policy[4 * s + a])}`).join(" ")}`;
}
