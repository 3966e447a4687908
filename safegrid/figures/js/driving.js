/* Who drives, and what they leave behind: the driver's policies, episodes, and the ways they took. */

import { portableRng } from "./random.js";
import { ACTIONS, endOf, MOVES } from "./world.js";

/* The careless driver: towards the goal, and never knowingly into a hazard, as the environment's `behaviour_policy`. */
export function careless(world, epsilon) {
  const policy = new Float64Array(4 * world.S);
  const [goalX, goalY] = world.cells[world.goal.indexOf(1)];
  for (let s = 0; s < world.S; s++) {
    const [east, south] = [goalX - world.cells[s][0], goalY - world.cells[s][1]]; // how far the goal lies that way
    const landing = ACTIONS.map((a) => world.next[16 * s + a]);
    const distance = landing.map((z) => {
      if (world.hazard[z]) return Infinity;
      if (z === s) return world.width + world.height; // standing still is farther than any cell
      const [x, y] = world.cells[z];
      return Math.abs(x - goalX) + Math.abs(y - goalY);
    });
    const least = Math.min(...distance);
    const towards = ACTIONS.filter((a) => east * MOVES[a][0] + south * MOVES[a][1] > 0);
    const forward = towards.filter((a) => landing[a] !== s && !world.hazard[landing[a]]);
    const wanted = forward.length ? forward : ACTIONS.filter((a) => distance[a] === least);
    for (const a of wanted) policy[4 * s + a] = 1 / wanted.length;
  }
  return withSlips(policy, epsilon);
}

/* A policy that acts at random with probability ε. */
export function withSlips(policy, epsilon) {
  return policy.map((p) => (1 - epsilon) * p + epsilon / 4);
}

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

/* The drives of a hand: where each action led, by one throw a step. A drive is over at its end or when time is up, and
   the next begins; what the last left unfinished is no drive yet, and `here` is where it stands. */
export function handDriven(world, actions, random) {
  const log = emptyLog();
  const branch = cumulated(world.chance, 4);
  const first = world.start.findIndex((p) => p > 0);
  let [episode, t, s] = [0, 0, first];
  let begun = 0; // where the drive under way begins
  for (const action of actions) {
    const p = 4 * s + action;
    const at = 4 * p + draw(branch, 4 * p, 4, random());
    const z = world.next[at];
    const over = world.terminal[z] === 1;
    t++;
    const last = over || t === world.horizon;
    const step = [episode, s, action, Math.fround(world.gain[at]), z, over, last && !over];
    Object.values(log).forEach((column, k) => column.push(step[k]));
    s = last ? first : z;
    if (!last) continue;
    [episode, t, begun] = [episode + 1, 0, log.state.length];
  }
  const finished = Object.fromEntries(Object.entries(log).map(([name, column]) => [name, column.slice(0, begun)]));
  return { log: finished, here: s, steps: t, way: [...log.state.slice(begun), s] };
}

function emptyLog() {
  return { episode: [], state: [], action: [], reward: [], next_state: [], terminal: [], timeout: [] };
}

/* One log after another. */
export function joinedLogs(logs) {
  const all = emptyLog();
  let before = 0;
  for (const log of logs) {
    for (const name of Object.keys(all)) {
      all[name] = all[name].concat(name === "episode" ? log.episode.map((e) => e + before) : log[name]);
    }
    before = countDrives(all);
  }
  return all;
}

export function countDrives({ episode }) {
  return episode.reduce((most, e) => Math.max(most, e + 1), 0);
}

/* Sums of a table's rows up to each entry. */
function cumulated(table, width) {
  const sums = Array.from(table);
  for (let i = 0; i < sums.length; i++) {
    if (i % width) sums[i] += sums[i - 1];
  }
  return sums;
}

/* What a die in [0, 1) draws from the row of cumulated chances that begins at `from`. */
function draw(table, from, width, die) {
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

/* What is left of `rollouts` with the same dice where only a fleet's sum of rewards and its crashes are wanted: fast
   enough to be asked for thousands of fleets. `moves`: an action for each state. */
export function makeFleets(world) {
  const branch = cumulated(world.chance, 4);
  const begin = cumulated(world.start, world.S);
  return (moves, n, random) => {
    const fleet = { total: 0, crashes: 0 };
    const alive = Int32Array.from({ length: n }, () => draw(begin, 0, world.S, random()));
    let many = n;
    for (let t = 0; t < world.horizon && many; t++) {
      for (let i = 0; i < many; i++) random(); // who has no choice throws all the same
      let left = 0;
      for (let i = 0; i < many; i++) {
        const from = 16 * alive[i] + 4 * moves[alive[i]];
        const at = from + draw(branch, from, 4, random());
        const z = world.next[at];
        fleet.total += world.gain[at];
        fleet.crashes += world.hazard[z];
        if (!world.terminal[z]) alive[left++] = z;
      }
      many = left;
    }
    return fleet;
  };
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
