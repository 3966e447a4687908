/* Logs that a hand writes, and logs put together. */

import { cumulated, draw, emptyLog } from "./driving.js";

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
