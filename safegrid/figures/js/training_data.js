/* What a training player is given, and every stop of a training judged. */

import { judged, readAgents, readRising, readWorld, tableOf } from "./agents.js";
import { fields, list, real } from "./checks.js";
import { snapshots } from "./learning.js";
import { readLog } from "./log_data.js";
import { best, greedy } from "./world.js";

export const STOPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, null]; // of the table; null is the limit

/* The data as it comes from Python, checked. */
export function readTraining(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const network = data.network ? readNetwork(data.network, world) : null;
  return {
    world,
    network,
    gamma: real("gamma", data.gamma, 0, 0.99999),
    scale: real("reward_scale", data.reward_scale, 1e-6, 1e3),
    best_value: real("best_value", data.best_value, -1e9, 1e9),
    limits: tableOf(["claimed", "overestimate", "gap"], (name) => list(`limits.${name}`, data.limits?.[name], 2)),
    log: readLog(data, world),
  };
}

function readNetwork(given, world) {
  const network = fields("network", given);
  const steps = [...readRising("network.steps", network.steps, 40, 1, 1e9)];
  return { steps, agent: readAgents(network, steps.length, world) };
}

/* Every stop of a training: its claims, its policy and the truth about that. */
export function courseOf(data, who, { conservative_weight, belief }) {
  const { world, gamma, log, network, scale } = data;
  const settings = { conservative_weight, belief, reward_scale: scale };
  const recorded = () => network.steps.map((_, k) => network.agent(k));
  const own = () => snapshots(log, settings, STOPS, gamma).map((q) => ({ q, policy: greedy(q) }));
  const weight = who === "network" ? 0 : conservative_weight;
  return (who === "network" ? recorded() : own()).map(({ q, policy }) => {
    const claimed = world.start.reduce((total, p, s) => total + (p && p * best(q, s)), 0);
    return { ...judged(world, policy, gamma), q, claimed, weight, scale, counts: log.counts };
  });
}
