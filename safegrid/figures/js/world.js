/* The world of a grid as a table, and what can be computed from it exactly, by the rules of `mdp.py` and `env.py`.

   Tables are flat. A pair is 4 · state + action; a pair's four successors, one for each move that may happen, stand at
   4 · pair and after. */

import { dot, largest, solve, sum } from "./arithmetic.js";

export const ACTIONS = [0, 1, 2, 3];
export const SIGNS = ["↓", "→", "↑", "←"];
export const MOVES = [[0, 1], [1, 0], [0, -1], [-1, 0]];

/* Where a state's four actions stand in a table of pairs. */
export function pairs(s) {
  return [4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3];
}

/* The highest of a state's four values. */
export function best(q, s) {
  return Math.max(q[4 * s], q[4 * s + 1], q[4 * s + 2], q[4 * s + 3]);
}

export function perState(S, value) {
  return Float64Array.from({ length: S }, (_, s) => value(s));
}

/* What a cell is where nobody acts: "hazard", "goal" or "wall"; elsewhere nothing. */
export function endOf({ terminal, hazard, goal }, s) {
  if (!terminal[s]) return null;
  if (hazard[s]) return "hazard";
  return goal[s] ? "goal" : "wall";
}

export function gridWorld({ desc, slip_prob, max_steps, step_reward, hazard_reward, goal_reward }) {
  const [width, height] = [desc[0].length, desc.length];
  const S = width * height;
  const letters = [...desc.join("")];
  const is = (...kinds) => Uint8Array.from(letters, (letter) => (kinds.includes(letter) ? 1 : 0));
  const world = {
    S,
    width,
    height,
    horizon: max_steps,
    cells: letters.map((_, s) => [s % width, Math.floor(s / width)]),
    hazard: is("H"),
    goal: is("G"),
    terminal: is("H", "G", "W"),
    start: Float64Array.from(is("S")),
    next: new Int32Array(16 * S),
    chance: new Float64Array(16 * S),
    gain: new Float64Array(16 * S),
  };
  const entering = letters.map((letter) => ({ H: hazard_reward, G: goal_reward })[letter] ?? step_reward);
  for (let p = 0; p < 4 * S; p++) {
    for (const k of ACTIONS) {
      const z = neighbour(world, p >> 2, k);
      const i = 4 * p + k;
      world.next[i] = z;
      world.chance[i] = (1 - slip_prob) * (k === p % 4 ? 1 : 0) + slip_prob / 4;
      world.gain[i] = entering[z];
    }
  }
  return world;
}

/* Where a move leads; at the edge and at a wall it leads nowhere. */
function neighbour(world, s, move) {
  const { width, height, cells } = world;
  const [x, y] = cells[s];
  const [dx, dy] = MOVES[move];
  const inside = (c, side) => Math.min(side - 1, Math.max(0, c));
  const z = inside(y + dy, height) * width + inside(x + dx, width);
  return endOf(world, z) === "wall" ? s : z;
}

/* Acts by the highest value; values within `tie` share evenly. */
export function greedy(q, tie = 1e-6) {
  const policy = new Float64Array(q.length);
  for (let s = 0; s < q.length / 4; s++) {
    const tied = pairs(s).filter((p) => q[p] >= best(q, s) - tie);
    for (const p of tied) policy[p] = 1 / tied.length;
  }
  return policy;
}

/* The stationary γ-optimal policy, by value iteration; ties go to the lowest action. */
export function optimal(world, gamma) {
  let v = new Float64Array(world.S);
  let q = v;
  let moved = Infinity;
  while (moved > 1e-12 * Math.max(1, largest(v))) {
    const before = v;
    q = backup(world, before, gamma);
    v = perState(world.S, (s) => best(q, s));
    moved = largest(v.map((x, s) => x - before[s]));
  }
  const policy = new Float64Array(q.length);
  const tie = 1e-9 * Math.max(1, largest(q));
  for (let s = 0; s < world.S; s++) policy[pairs(s).find((p) => q[p] >= v[s] - tie)] = 1;
  return policy;
}

/* Discounted V and Q of a policy over the infinite horizon. */
export function values(world, policy, gamma) {
  const { rows, reward } = chain(world, policy);
  const discounted = ([z, w]) => [z, world.terminal[z] ? 0 : gamma * w];
  const v = solve(rows.map((row) => row.map(discounted)), reward);
  return { v, q: backup(world, v, gamma) };
}

/* Q(s, a) = E[r + γ V(s′)], 0 in terminal states. */
export function backup({ S, terminal, next, chance, gain }, v, gamma) {
  const q = new Float64Array(4 * S);
  for (let p = 0; p < 4 * S; p++) {
    if (terminal[p >> 2]) continue;
    for (let i = 4 * p; i < 4 * p + 4; i++) {
      const future = terminal[next[i]] ? 0 : gamma * v[next[i]];
      q[p] += chance[i] * (gain[i] + future);
    }
  }
  return q;
}

/* Under a policy: each state's successors as [state, chance], and its mean reward. */
function chain(world, policy) {
  const rows = [];
  const reward = new Float64Array(world.S);
  for (let s = 0; s < world.S; s++) {
    const row = new Map();
    if (!world.terminal[s]) {
      for (let i = 16 * s; i < 16 * s + 16; i++) {
        const w = policy[i >> 2] * world.chance[i];
        const z = world.next[i];
        if (w > 0) row.set(z, (row.get(z) ?? 0) + w);
        reward[s] += w * world.gain[i];
      }
    }
    rows.push([...row]);
  }
  return { rows, reward };
}

/* The exact score of a policy over episodes of at most `horizon` steps, and how often it expects to be in each cell. */
export function evaluate(world, policy) {
  const { rows, reward } = chain(world, policy);
  const score = { return_mean: 0, hazard_rate: 0, goal_rate: 0, timeout_rate: 0, length_mean: 0 };
  const visits = Float64Array.from(world.start);
  let alive = Float64Array.from(world.start);
  for (let t = 0; t < world.horizon; t++) {
    const arrived = new Float64Array(world.S);
    alive.forEach((mass, s) => {
      if (mass === 0) return;
      score.length_mean += mass;
      score.return_mean += mass * reward[s];
      for (const [z, w] of rows[s]) arrived[z] += mass * w;
    });
    score.hazard_rate += dot(world.hazard, arrived);
    score.goal_rate += dot(world.goal, arrived);
    arrived.forEach((mass, s) => {
      visits[s] += mass;
    });
    alive = arrived.map((mass, s) => (world.terminal[s] ? 0 : mass));
  }
  score.timeout_rate = sum(alive);
  return { ...score, visits };
}
