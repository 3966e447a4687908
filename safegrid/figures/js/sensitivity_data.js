/* What a figure of changed settings is given: on each map the runs of every row, with what they do in every cell. */

import { readPolicy, readWorld, tableOf } from "./agents.js";
import { fields, list, refuse, text, whole } from "./checks.js";

const MEASURED = ["return_mean", "hazard_rate", "overestimate"];

/* The data as it comes from Python, checked. */
export function readChanges(given) {
  const data = fields("data", given);
  const n_rows = whole("number of settings", data.settings?.length, 2, 30);
  const names = data.settings.map((name, k) => text(`settings[${k}]`, name, 40));
  const given_meanings = data.meanings;
  if (given_meanings?.length !== n_rows) refuse("meanings", given_meanings, `a list of ${n_rows}`);
  const meanings = names.map((_, k) => text(`meanings[${k}]`, given_meanings[k], 120));
  const networks = whole("n_networks", data.n_networks, 1, 100);
  const n = networks * whole("n_logs", data.n_logs, 1, 100);
  const known = Object.keys(fields("maps", data.maps));
  whole("number of maps", known.length, 1, 6);

  function readMap(name) {
    const one = fields(`maps.${name}`, data.maps[name]);
    const world = readWorld(one.world);
    const { rows } = one;
    if (!Array.isArray(rows) || rows.length !== n_rows) refuse(`maps.${name}.rows`, rows, `a list of ${n_rows}`);
    return { world, rows: rows.map((of_row, k) => readRow(names[k], of_row, world)) };
  }

  function readRow(name, one, world) {
    const { actions } = fields(name, one);
    if (!Array.isArray(actions) || actions.length !== n) refuse(`${name}, actions`, actions, `a list of ${n}`);
    const policies = actions.map((digits, i) => readPolicy(`${name}, actions[${i}]`, digits, world));
    const scores = tableOf(MEASURED, (field) => [...list(`${name}, ${field}`, one[field], n)]);
    return { actions, policies, judged: [], ...scores };
  }

  const maps = tableOf(known, readMap);
  const cells = known.map((name) => maps[name].world.cells.join());
  known.forEach((name, i) => {
    if (cells[i] !== cells[0]) refuse(`maps.${name}`, "other cells", `those of ${known[0]}`);
  });
  return { maps, names, meanings, n, networks };
}
