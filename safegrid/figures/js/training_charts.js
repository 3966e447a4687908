/* The charts of a training: what a learner believes of the start, what is true, and what comes of it. */

import { makeChart } from "./chart.js";
import { INK } from "./colours.js";
import { number, percent } from "./page.js";

/* A number of steps on an axis; null is the limit. */
export function stopName(steps) {
  return steps === null ? "limit" : String(steps);
}

/* What it believes, what is true, and what comes of it, over the training. */
export function makeTrainingCharts({ best_value }, course, names, choose) {
  const dial = { name: "step of training", names, places: names.map((_, i) => i / Math.max(1, names.length - 1)) };
  const line = (name, colour, of, dash = false) =>
    ({ name, colour, dash, rows: course.map((one) => [of(one), NaN, NaN]) });
  const rate = (label, name, colour) => line(label, colour, ({ score }) => score[name]);
  const [claimed, worth] = [line("believed", INK.orange, (one) => one.claimed, true),
    line("true", INK.blue, (one) => one.worth)];
  return [
    { title: "value of the start (discounted raw reward)", series: [claimed, worth], levels: [["optimum", best_value]],
      format: number },
    { title: "how its trips end, exact", series: [rate("crash", "hazard_rate", INK.red), rate("idle", "timeout_rate",
      INK.blue)], levels: [], format: percent, logarithmic: true },
  ].map((chart) => makeChart(chart, dial, choose));
}
