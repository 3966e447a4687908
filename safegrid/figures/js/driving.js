/* What drivers leave behind: episodes, and the ways they took. */

import { portableRng } from "./random.js";
import { endOf } from "./world.js";

/* Episodes in lock-step, as `TabularMDP.rollouts`: all that are alive throw for their actions, then for what follows,
   from one stream or each from dice of its own. A policy may have a table for each step. */
export function rollouts(world, policy, n, random, ownDice = false) {
  const log = emptyLog();
  const choose = cumulated(policy, 4);
  const branch = cumulated(world.chance, 4);
  const begin = cumulated(world.start, world.S);
  const width = 2 * world.horizon + 1;
  const table = policy.length > 4 * world.S ? 4 * world.S : 0; // from one step's to the next
  const dice = ownDice ? new Float64Array(n * width).map(random) : null;
  const thrown = dice ? (episode, place) => dice[episode * width + place] : random;
  let walkers = Array.from({ length: n }, (_, episode) => [episode, draw(begin, 0, world.S, thrown(episode, 0))]);
  for (let t = 1; t <= world.horizon && walkers.length; t++) {
    const actions = walkers.map(([episode, s]) => draw(choose, table * (t - 1) + 4 * s, 4, thrown(episode, 2 * t - 1)));
    walkers = walkers.flatMap(([episode, s], i) => {
      const p = 4 * s + actions[i];
      const at = 4 * p + draw(branch, 4 * p, 4, thrown(episode, 2 * t));
      const z = world.next[at];
      const over = world.terminal[z] === 1;
      log.episode.push(episode);
      log.state.push(s);
      log.action.push(actions[i]);
      log.reward.push(Math.fround(world.gain[at])); // a log holds rewards in single precision
      log.next_state.push(z);
      log.terminal.push(over);
      log.timeout.push(!over && t === world.horizon);
      return over ? [] : [[episode, z]];
    });
  }
  return log;
}

export function emptyLog() {
  return { episode: [], state: [], action: [], reward: [], next_state: [], terminal: [], timeout: [] };
}

/* Sums of a table's rows up to each entry. */
export function cumulated(table, width) {
  const sums = Array.from(table);
  for (let i = 0; i < sums.length; i++) {
    if (i % width) sums[i] += sums[i - 1];
  }
  return sums;
}

/* What a die in [0, 1) draws from the row of cumulated chances that begins at `from`. */
export function draw(table, from, width, die) {
  const u = die * table[from + width - 1];
  let k = 0;
  for (let i = from; i < from + width; i++) {
    if (u >= table[i]) k++;
  }
  return k;
}

/* How many episodes of a log are those of another, step for step. */
export function shared(log, other) {
  const [rows, others] = [log, other].map(byEpisode);
  const told = ["state", "action", "reward", "next_state"];
  const same = (i, j) => told.every((name) => log[name][i] === other[name][j]);
  const kept = rows.filter((own, e) => own.length === others[e]?.length && own.every((i, t) => same(i, others[e][t])));
  return kept.length;
}

function byEpisode({ episode }) {
  const rows = [];
  episode.forEach((e, i) => (rows[e] ??= []).push(i));
  return rows;
}

/* The cells that each of `n` fresh episodes passes through. */
export function sampleWays(world, policy, n, seed) {
  return waysOf(rollouts(world, policy, n, portableRng(seed)), n);
}

/* The cells that each of a log's `n` episodes passes through. */
export function waysOf(log, n) {
  const ways = Array.from({ length: n }, () => []);
  log.state.forEach((s, i) => ways[log.episode[i]].push(s));
  log.next_state.forEach((z, i) => {
    if (log.terminal[i] || log.timeout[i]) ways[log.episode[i]].push(z);
  });
  return ways;
}

/* How a way ends: "goal", "hazard", or "late", where its time ran out. */
export function ends(world, way) {
  return endOf(world, way.at(-1)) ?? "late";
}

/* How the ways of a fleet ended, counted. */
export function tally(world, ways) {
  const count = { goal: 0, hazard: 0, late: 0 };
  for (const way of ways) count[ends(world, way)]++;
  return count;
}

/* The same in words. */
export function counted({ goal, hazard, late }) {
  const of = goal + hazard + late;
  const parts = [[goal, "arrived"], [hazard, "crashed"], [late, "ran out of time"]].filter(([n]) => n > 0);
  const [[most, verb], ...others] = parts.sort(([a], [b]) => b - a);
  return [`${most} of ${of} ${verb}`, ...others.map(([n, what]) => `${n} ${what}`)].join(", ");
}
