/* What can colour a board: each layer's name on the page, its palette, the digits of its scale, and its values. */

import { best, pairs, perState } from "./world.js";

const LAYERS = {
  visits: ["where it goes: expected visits, up to 1", "presence", 0],
  claimed: ["claimed value of the cell", "rising", 0],
  truth: ["true value of the cell", "rising", 0],
  overestimate: ["claimed minus true value", "balance", 0],
  gap: ["action gap: best claim minus second best", "rising", 1],
  coverage: ["steps in the log", "presence", 0],
};

export const LABORATORY_LAYERS = without(LAYERS, "gap");

/* What an explorer can show; coverage only where it was given the logs. */
export function explorerLayers(counts) {
  return counts ? without(LAYERS, "truth") : without(LAYERS, "truth", "coverage");
}

function without(table, ...left) {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !left.includes(name)));
}

/* What the explorer's board shows of an agent ({ q, truth, visits, counts }); `limits`: its colours' bounds. */
export function explorerLayer(name, { S }, { q, truth, visits, counts }, limits) {
  const [label, palette, digits] = LAYERS[name];
  const value = {
    visits: (s) => visits[s],
    claimed: (s) => best(q, s),
    overestimate: (s) => best(q, s) - truth.v[s],
    gap: (s) => best(q, s) - secondBest(q, s),
    coverage: (s) => pairs(s).reduce((steps, p) => steps + counts[p], 0) || NaN,
  }[name];
  const shown = perState(S, value);
  const highest = name === "visits" ? 1 : shown.reduce((most, x) => Math.max(most, x || 0), 1);
  const [low, high] = limits[name] ?? [0, highest];
  return { values: shown, low, high, label, palette, digits };
}

function secondBest(q, s) {
  const rising = pairs(s).map((p) => q[p]).sort((a, b) => a - b);
  return rising[2];
}

/* What a board of the laboratory shows of an agent ({ v, score }); a clone makes no claims. */
export function laboratoryLayer(name, { model, claims, settings }, { v, score }, claiming) {
  const [label, palette, digits] = LABORATORY_LAYERS[name];
  const range = laboratoryBounds(name, model, settings);
  if (!claiming && ["claimed", "overestimate"].includes(name)) {
    return { values: claims.map(() => NaN), ...range, palette, digits, label: "a clone claims no value" };
  }
  const shown = {
    visits: () => score.visits,
    truth: () => v,
    claimed: () => claims,
    overestimate: () => claims.map((x, s) => x - v[s]),
    coverage: () => model.steps.map((n) => n || NaN),
  }[name]();
  return { values: shown, ...range, palette, digits, label };
}

/* The same for both boards, so that their colours can be compared. */
function laboratoryBounds(name, { steps }, { hazard_reward, goal_reward }) {
  const top = Math.max(goal_reward, hazard_reward, 1);
  if (name === "visits") return { low: 0, high: 1 };
  if (name === "coverage") return { low: 0, high: Math.max(...steps) };
  if (name === "overestimate") return { low: -top, high: top };
  return { low: Math.min(hazard_reward, goal_reward, 0), high: top };
}
