/* A whole laboratory from its settings: its world, a log, the clone, tabular CQL, and the truth about them all. */

import { dot } from "./arithmetic.js";
import { careless, withSlips } from "./drivers.js";
import { rollouts, shared } from "./driving.js";
import { GAMMA, LOG, TRAINING, WORLD } from "./laboratory_settings.js";
import { count, tabularCql } from "./learning.js";
import { portableRng } from "./random.js";
import { best, evaluate, greedy, gridWorld, optimal, perState, values } from "./world.js";

/* What the study `before` has in common with this one is not computed again; `kept` counts its drives that this one's
   log still has, where that is another. */
export function study(settings, before = null) {
  const same = (names) => before !== null && names.every((n) => String(settings[n]) === String(before.settings[n]));
  const { world, optimum } = same(WORLD) ? before : makeWorld(settings);
  const { driver, log, model, clone } = same(LOG) ? before : makeLog(settings, world, optimum);
  const { q, claims, claimed, cql } = same(TRAINING) ? before : train(settings, world, model);
  const kept = before === null || before.log === log || !alike(before, settings) ? null : shared(log, before.log);
  return { settings, world, optimum, driver, log, model, clone, kept, q, claims, claimed, cql };
}

/* Whether the maps have the same cells. */
function alike({ settings: { desc } }, { desc: other }) {
  return desc.length === other.length && desc[0].length === other[0].length;
}

function makeWorld(settings) {
  const world = gridWorld(settings);
  return { world, optimum: judge("optimum", world, optimal(world, GAMMA)) };
}

function makeLog({ driver: who, epsilon, n_episodes, seed, own_dice }, world, optimum) {
  const drive = who === "expert" ? withSlips(optimum.policy, epsilon) : careless(world, epsilon);
  const driver = judge("driver", world, drive);
  const log = rollouts(world, driver.policy, n_episodes, portableRng(seed), own_dice);

  const model = count(world, log);
  return { driver, log, model, clone: judge("clone", world, greedy(model.counts)) };
}

function train(settings, world, model) {
  const q = tabularCql(model, settings, GAMMA);
  const claims = perState(world.S, (s) => best(q, s));
  return { q, claims, claimed: dot(world.start, claims), cql: judge("CQL", world, greedy(q)) };
}

/* A policy and the truth about it. */
function judge(name, world, policy) {
  const { v, q } = values(world, policy, GAMMA);
  return { name, policy, v, q, worth: dot(world.start, v), score: evaluate(world, policy) };
}
