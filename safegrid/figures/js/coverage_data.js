/* What a map of coverage is given by Python, checked. */

import { readPolicy, readRising, readWorld, tableOf } from "./agents.js";
import { fields, list, refuse, text, whole } from "./checks.js";
import { evaluate } from "./world.js";

export function readCoverage(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const episodes = [...readRising("episodes", data.episodes, 20, 1, 1e7)];
  const asked = [...readRising("asked", data.asked, 20, 1, 1e9)];
  const learners = Object.keys(fields("policies", data.policies));
  const known = learners.length >= 1 && learners.length <= 4 && learners.every((name) => name.length <= 20);
  if (!known) refuse("policies", learners, "1 to 4 of them, by names of at most 20 letters");
  const n = episodes.length;
  const width = 4 * world.S;
  whole("sizes × states", n * world.S, 1, 1e5);
  const [counts, crashed] = ["counts", "crashed"].map((name) => list(name, data[name], n * width, 0, 1e9));
  for (const name of ["thin", "hazard"]) fields(name, data[name]);
  const policies = tableOf(learners, (name) => {
    const own = data.policies[name];
    if (!Array.isArray(own) || own.length !== n) refuse(`policies.${name}`, own, `a list of ${n}`);
    return own.map((one, i) => readPolicy(`policies.${name}[${i}]`, one, world));
  });
  return {
    world,
    episodes,
    asked,
    learners,
    thin: tableOf(learners, (name) => episodes.map((_, i) =>
      [...list(`thin.${name}[${i}]`, data.thin[name]?.[i], asked.length, 0, 1)])),
    hazard: tableOf(learners, (name) => [...list(`hazard.${name}`, data.hazard[name], n, 0, 1)]),
    code: text("code", data.code, 2000),
    agent: (name, size) => {
      const policy = policies[name][size];
      const own = (table) => table.subarray(width * size, width * (size + 1));
      return { policy, visits: evaluate(world, policy).visits, counts: own(counts), crashed: own(crashed) };
    },
  };
}
