/* The charts beside a board of guarded policies: harm, return and the guard's share, over the tries that are wanted. */

import { makeChart } from "./chart.js";
import { INK } from "./colours.js";
import { FALLBACKS } from "./hand_over_data.js";
import { number, percent } from "./page.js";

const OF_WHO = { clone: INK.red, ask: INK.orange, operator: INK.blue };

/* Means over the logs in world `w`, a line for each who may take over. */
export function guardCharts(data, w, choose) {
  const { names, tries } = data;
  const dial = { name: "tries wanted", names, places: tries.map((_, i) => i / (tries.length - 1 || 1)) };
  const alone = (of_logs) => [of_logs.reduce((a, b) => a + b) / of_logs.length, NaN, NaN]; // without an interval
  const lines = (table) => Object.entries(FALLBACKS).map(([who, [, name]]) =>
    ({ name, colour: OF_WHO[who], rows: table[who][w].map(alone) }));
  const handed = [{ name: "taken over", colour: INK.blue, rows: data.handed[w].map(alone) }];
  const always = [["never", 0], ["always", 1]];
  return [
    { title: "a trip's chance to crash, exact", series: lines(data.hazard), levels: [], format: percent,
      logarithmic: true },
    { title: "return of a trip (raw reward), exact", series: lines(data.return), levels: [], format: number },
    { title: "trips in which the guard takes over", series: handed, levels: always, format: percent },
  ].map((chart) => makeChart(chart, dial, choose));
}
