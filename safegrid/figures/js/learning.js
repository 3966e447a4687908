/* What is learned from a log: its counts, and tabular CQL by the rules of `tabular.py`. */

import { largest, solve, sum, wrightOmega } from "./arithmetic.js";
import { best, pairs, perState } from "./world.js";

const TINY = 1e-100; // below that the solver's numbers overflow

/* What a log says of each pair: how often, its share of the state's actions, its mean reward, and what follows it.
   The followers of pair p stand at `first[p]` up to `first[p + 1]`. */
export function count(world, log) {
  const n = 4 * world.S;
  const counts = new Float64Array(n);
  const reward = new Float64Array(n);
  const followers = Array.from({ length: n }, () => new Map());
  const pair = log.state.map((s, i) => 4 * s + log.action[i]);
  for (const p of pair) counts[p]++;
  pair.forEach((p, i) => {
    const z = log.next_state[i];
    reward[p] += log.reward[i] / counts[p];
    if (!log.terminal[i]) followers[p].set(z, (followers[p].get(z) ?? 0) + 1 / counts[p]);
  });
  const rows = followers.flatMap((row) => [...row]);
  const first = new Int32Array(n + 1);
  followers.forEach((row, p) => {
    first[p + 1] = first[p] + row.size;
  });
  const next = Int32Array.from(rows, ([z]) => z);
  return withShares({ counts, reward, first, next, chance: Float64Array.from(rows, ([, w]) => w) });
}

/* What was counted, and what follows from it: each state's steps, each pair's share of them, and who was visited. */
export function withShares(counted) {
  const { counts } = counted;
  const steps = perState(counts.length / 4, (s) => sum(pairs(s).map((p) => counts[p])));
  return {
    ...counted,
    steps,
    share: counts.map((c, p) => (c === 0 ? 0 : c / steps[p >> 2])),
    visited: [...steps.keys()].filter((s) => steps[s] > 0),
  };
}

/* Tabular CQL in raw reward, as `safegrid.tabular_cql`: a number of gradient steps, or their limit where it is null. */
export function tabularCql(model, settings, gamma) {
  return snapshots(model, settings, [settings.n_steps], gamma)[0];
}

/* The same after each of several numbers of steps, which rise; null, for the limit, may stand last. One descent. */
export function snapshots(model, { conservative_weight, reward_scale, belief }, stops, gamma) {
  const weight = reward_scale * conservative_weight;
  const scaled = {
    ...model,
    gamma,
    belief: reward_scale * belief,
    push: weight > 0 ? Math.max(TINY, weight) : 0,
    reward: model.reward.map((r) => reward_scale * r),
  };
  const taken = descend(scaled, stops.filter((stop) => stop !== null));
  if (stops.at(-1) === null) taken.push(limit(scaled, 1e-9 * reward_scale));
  return taken.map((q) => q.map((x) => x / reward_scale));
}

/* The log's target of a pair: its mean reward, and the mean of what it leads to. */
function target({ reward, first, next, chance, gamma }, p, v) {
  let future = 0;
  for (let i = first[p]; i < first[p + 1]; i++) future += chance[i] * v[next[i]];
  return reward[p] + gamma * future;
}

/* Gradient descent from the belief; a copy of the table after each number of steps. */
function descend(model, stops) {
  const { share, visited, steps, push, belief } = model;
  const q = new Float64Array(share.length).fill(belief);
  const v = new Float64Array(steps.length).fill(belief);
  const weight = new Float64Array(4);
  const taken = [];
  for (let step = 1; step <= (stops.at(-1) ?? 0); step++) {
    for (const s of visited) v[s] = best(q, s);
    for (const s of visited) {
      let total = 0;
      if (push > 0) {
        for (let a = 0; a < 4; a++) {
          weight[a] = Math.exp(q[4 * s + a] - v[s]);
          total += weight[a];
        }
      }
      for (let a = 0; a < 4; a++) {
        const p = 4 * s + a;
        let slope = push > 0 ? (push * weight[a]) / total : 0;
        if (share[p] > 0) slope += share[p] * (q[p] - target(model, p, v) - push);
        q[p] -= slope / (1 + push / 2);
      }
    }
    if (stops.includes(step)) taken.push(q.slice());
  }
  return taken;
}

/* The limit, by Newton's method on V where that gains on plain value iteration, which contracts by γ. */
function limit(model, residual) {
  const { share, steps, push, gamma, belief } = model;
  const q = share.map((b, p) => (push > 0 && b === 0 && steps[p >> 2] > 0 ? -Infinity : belief));
  let now = sweep(model, q, new Float64Array(steps.length).fill(belief));
  while (now.size > residual) {
    const jump = solve(now.rows, now.move);
    const tried = sweep(model, q, now.v.map((x, s) => x + jump[s]));
    now = tried.size <= gamma * now.size ? tried : sweep(model, q, now.after);
  }
  return q;
}

/* What the log makes of v, how far that moves it, and how it leans on v; writes the values of pairs into q. */
function sweep(model, q, v) {
  const { share, visited, push, gamma, first, next, chance, belief } = model;
  const after = new Float64Array(v.length).fill(belief);

  const rows = Array.from(v, () => []);
  for (const s of visited) {
    const seen = pairs(s).filter((p) => share[p] > 0);
    const goals = seen.map((p) => target(model, p, v));
    const shares = seen.map((p) => share[p]);
    const { solved, lean } = push > 0 ? balance(shares, goals, push) : { solved: goals, lean: identity };
    seen.forEach((p, i) => {
      q[p] = solved[i];
    });
    after[s] = best(q, s);
    const top = solved.indexOf(after[s]);
    if (top < 0) continue; // an action that the log does not know is best
    seen.forEach((p, j) => {
      const leaning = gamma * lean(top, j);
      for (let i = first[p]; i < first[p + 1]; i++) rows[s].push([next[i], leaning * chance[i]]);
    });
  }
  const move = after.map((x, s) => x - v[s]);
  return { v, after, rows, move, size: largest(move) };
}

function identity(a, b) {
  return a === b ? 1 : 0;
}

/* Solves share · (q − goal) = push · (share − softmax(q)), see `tabular._balance`; lean(a, b) = ∂q(a)/∂goal(b). */
function balance(share, goals, push) {
  const ratio = share.map((b) => push / b);
  const reach = goals.map((y, i) => Math.log(ratio[i]) + y + push);
  const rounding = 1e-14 * (1 + push + Math.max(...goals.map(Math.abs)));
  let z = Math.min(...goals);
  for (let step = Infinity; ; z += step) {
    const omega = reach.map((x) => wrightOmega(x - z));
    const bend = omega.map((w, i) => w / (1 + w) / ratio[i]);
    const slope = sum(bend);
    if (!(step > rounding)) {
      return {
        solved: goals.map((y, i) => y + push - omega[i]),
        lean: (a, b) => (identity(a, b) + (omega[a] * bend[b]) / slope) / (1 + omega[a]),
      };
    }
    step = (sum(omega.map((w, i) => w / ratio[i])) - 1) / slope;
  }
}
