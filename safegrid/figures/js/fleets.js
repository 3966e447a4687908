/* Fleets by the thousand. */

import { cumulated, draw } from "./driving.js";

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
