/* Who drives: the policies of the drivers that write logs. */

import { ACTIONS, MOVES } from "./world.js";

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
