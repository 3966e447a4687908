/* The best that can be done before a deadline: induction from the last step backwards (Bellman 1957). */

import { largest } from "./arithmetic.js";
import { backup, best, pairs } from "./world.js";

/* What the best driver does with every number of steps left, as a policy of horizon × S × 4, as `TabularMDP.optimal`
   with a horizon; `q` is what the actions of the first step are worth. Ties go to the lowest action. */
export function bestInTime(world) {
  const { S, horizon } = world;
  const policy = new Float64Array(4 * S * horizon);
  let v = new Float64Array(S);
  let q = v;
  for (let t = horizon - 1; t >= 0; t--) {
    q = backup(world, v, 1);
    const tie = 1e-9 * Math.max(1, largest(q));
    v = new Float64Array(S);
    for (let s = 0; s < S; s++) {
      v[s] = best(q, s);
      let p = 4 * s;
      while (q[p] < v[s] - tie) p++;
      policy[4 * S * t + p] = 1;
    }
  }
  return { policy, q };
}

/* The exact score of a policy that depends on the time, how often it expects to be in each cell, and how it acts there
   on average (where it never is, as in the first step). */
export function judgedInTime(world, policy) {
  const { S, horizon, start, next, chance, gain, terminal, hazard } = world;
  const score = { return_mean: 0, hazard_rate: 0 };
  const visits = Float64Array.from(start);
  const acts = new Float64Array(4 * S);
  let alive = Float64Array.from(start);
  for (let t = 0; t < horizon; t++) {
    const arrived = new Float64Array(S);
    for (let i = 0; i < 16 * S; i++) {
      const mass = alive[i >> 4] * policy[4 * S * t + (i >> 2)];
      if (mass === 0) continue;
      acts[i >> 2] += mass * chance[i];
      arrived[next[i]] += mass * chance[i];
      score.return_mean += mass * chance[i] * gain[i];
    }
    alive = arrived.map((mass, s) => (terminal[s] ? 0 : mass));
    arrived.forEach((mass, s) => {
      visits[s] += mass;
      score.hazard_rate += hazard[s] * mass;
    });
  }
  const mean = acts.map((mass, p) => {
    const all = pairs(p >> 2).reduce((total, one) => total + acts[one], 0);
    return all > 0 ? mass / all : policy[p];
  });
  return { policy, score, visits, mean };
}
