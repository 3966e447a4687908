/* What a figure of headlines is given by Python, checked. */

import { readPolicy, readRising, readWorld, tableOf } from "./agents.js";
import { fields, list, refuse, text, whole } from "./checks.js";
import { evaluate } from "./world.js";

export const SIDE = 20; // bars on either side of the level one
export const ABOUT = { return: ["who earns more"], crashes: ["who crashes less"] };
export const NETWORKS = { any: ["two others each time"], first: ["always the first two"] };

export function readHeadlines(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const K = whole("number of networks", data.policies?.[0]?.length, 1, 50);
  const both = (name, read) => [0, 1].map((kind) => {
    const ones = data[name]?.[kind];
    if (!Array.isArray(ones) || ones.length !== K) refuse(name, data[name], `two lists of ${K}`);
    return ones.map((one, k) => read(`${name}[${kind}][${k}]`, one));
  });
  const policies = both("policies", (name, one) => readPolicy(name, one, world));
  const scores = both("scores", (name, one) => list(name, one, 2));
  const stops = [...readRising("stops", data.stops, 9, 1, 2000)].map((n, i) => whole(`stops[${i}]`, n, 1, 2000));
  const odds = (about, which) => stops.map((_, i) =>
    [...list(`exact.${about}.${which}[${i}]`, data.exact?.[about]?.[which]?.[i], 2 * SIDE + 1, 0, 1)]);
  return {
    world,
    K,
    stops,
    names: [0, 1].map((i) => text(`names[${i}]`, data.names?.[i], 20)),
    exact: tableOf(Object.keys(ABOUT), (about) => tableOf(Object.keys(NETWORKS), (which) => odds(about, which))),
    margins: tableOf(Object.keys(ABOUT), (about) => whole(`margins.${about}`, data.margins?.[about], 1, SIDE)),
    moves: policies.map((kind) => kind.map((policy) => policy.reduce(movesOf, new Uint8Array(world.S)))),
    agent: (kind, k) => {
      const policy = policies[kind][k];
      return { policy, score: scores[kind][k], visits: evaluate(world, policy).visits };
    },
    code: text("code", data.code, 2000),
  };
}

function movesOf(moves, share, p) {
  if (share) moves[p >> 2] = p & 3;
  return moves;
}
