/* What a figure of budgets is given by Python, checked. */

import { readRising, readShares, readWorld, tableOf } from "./agents.js";
import { fields, list, real, refuse, text, whole } from "./checks.js";
import { ACTIONS, evaluate, pairs } from "./world.js";

export const LOOKS = { visits: ["where it goes"], coverage: ["steps in the log"] };
const LINES = [["promised", "hazard"], ["return"]]; // of each chart

export function readBudgets(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const budgets = [...readRising("budgets", data.budgets, 60, 1e-9, 1)];
  const n_logs = whole("n_logs", data.n_logs, 1, 100);
  whole("policies × states", budgets.length * n_logs * world.S, 1, 1e6);
  for (const name of ["scores", "curves"]) fields(name, data[name]);
  const rows = (group, name, length) => budgets.map((_, i) =>
    [...list(`${group}.${name}[${i}]`, data[group][name]?.[i], length)]);
  const policies = readMixtures(data, budgets.length * n_logs, world);
  const [counts, crashed] = ["counts", "crashed"].map((name) => list(name, data[name], 4 * n_logs * world.S, 0, 1e7));
  return {
    world,
    budgets,
    n_logs,
    lines: LINES,
    scores: tableOf(LINES.flat(), (name) => rows("scores", name, n_logs)),
    curves: tableOf(LINES.flat(), (name) => rows("curves", name, 3)),
    best: real("best", data.best, -1e9, 1e9),
    code: text("code", data.code, 2000),
    agent: (index, log) => {
      const policy = policies(index * n_logs + log);
      const own = (table) => table.subarray(4 * world.S * log, 4 * world.S * (log + 1));
      const score = evaluate(world, policy);
      return { policy, score, visits: score.visits, counts: own(counts), crashed: own(crashed) };
    },
  };
}

/* `n` policies that now and then toss a coin: a digit for each state in which they do not, a dot where all four moves
   are alike, and a star where the next of the rows of shares stands. */
function readMixtures({ policies, shares }, n, { S }) {
  const fits = Array.isArray(policies) && policies.length === n &&
    policies.every((one) => typeof one === "string" && one.length === S && /^[0-3.*]*$/.test(one));
  if (!fits) refuse("policies", policies, `${n} × ${S} of 0, 1, 2, 3, a dot and a star`);
  const before = [0]; // rows of shares, up to each policy
  for (const one of policies) before.push(before.at(-1) + one.split("*").length - 1);
  const rows = readShares("shares", shares, 4 * before[n], 4);
  return (k) => {
    const policy = new Float64Array(4 * S);
    let at = before[k];
    [...policies[k]].forEach((mark, s) => {
      if (mark === "*") policy.set(rows.subarray(4 * at, 4 * ++at), 4 * s);
      else for (const a of ACTIONS) policy[pairs(s)[a]] = mark === "." ? 0.25 : Number(Number(mark) === a);
    });
    return policy;
  };
}
