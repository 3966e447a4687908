/* The explorer's data as it comes from Python, checked before use. */

import { readAgents, readRising, readWorld, tableOf } from "./agents.js";
import { fields, list, real, refuse, text, whole } from "./checks.js";

export const SCORES = ["return_mean", "hazard_rate", "claimed_value", "true_value"];
const MISSING = -1e9; // stands for a bound that is null while a list is checked

/* Each array in the shape that its name says. */
export function readData(data) {
  fields("data", data);
  const world = readWorld(data.world);
  const weights = [...readRising("weights", data.weights, 60, 0, 1e6)];
  const n_logs = whole("n_logs", data.n_logs, 1, 100);
  const n_seeds = whole("n_seeds", data.n_seeds, 1, 20);
  const n_agents = weights.length * n_logs * n_seeds;
  whole("agents × states", n_agents * world.S, 1, 1e6);
  for (const name of ["curves", "scores", "limits", "references"]) fields(name, data[name]);
  return {
    title: text("title", data.title, 200),
    gamma: real("gamma", data.gamma, 0, 0.99999),
    scale: real("reward_scale", data.reward_scale, 1e-6, 1e3),
    n_logs,
    n_seeds,
    world,
    weights,
    agent: readAgents(data, n_agents, world),
    counts: data.counts === null ? null : list("counts", data.counts, 4 * n_logs * world.S, 0, 1e7),
    curves: tableOf(SCORES, (name) => weights.map((_, i) => readCurve(data.curves, name, i))),
    scores: tableOf(SCORES, (name) => list(`scores.${name}`, data.scores[name], n_agents)),
    limits: tableOf(["claimed", "overestimate", "gap"], (name) => list(`limits.${name}`, data.limits[name], 2)),
    references: Object.entries(data.references).slice(0, 6).map(readReference),
  };
}

/* An estimate and its interval, which is null where there is one log. */
function readCurve(curves, name, i) {
  const given = curves[name]?.[i];
  if (!Array.isArray(given)) refuse(`curves.${name}[${i}]`, given, "a list of 3");
  const filled = given.map((x) => x ?? MISSING);
  return [...list(`curves.${name}[${i}]`, filled, 3)].map((x) => (x === MISSING ? NaN : x));
}

function readReference([name, levels]) {
  return [text("reference", name, 40), list("reference", levels, 2)];
}
