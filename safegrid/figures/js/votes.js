/* Votes: in each cell a log's actions are counted; a clone takes what won, or samples from the shares. Another log
   turns close votes over. */

import { judged, readRising, readWorld, tableOf } from "./agents.js";
import { makeBoards } from "./boards.js";
import { fields, list, whole } from "./checks.js";
import { INK } from "./colours.js";
import { makeChoice, makeSlider, row } from "./controls.js";
import { makeDots } from "./dots.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { html, number, percent } from "./page.js";
import { rendered } from "./render.js";
import { wholeIn } from "./settings.js";
import { endOf, pairs, SIGNS } from "./world.js";

const WAYS = ["argmax", "sampled"]; // as Python names them
const TITLES = { argmax: "takes the most frequent move", sampled: "draws a move as often as the log" };
const SHOWN = {
  return_mean: ["return (raw reward), exact", number],
  hazard_rate: ["hazard rate, exact", percent, true],
};
const WHERE = { palette: "presence", low: 0, high: 1, digits: 0, label: "where it goes: expected visits, up to 1" };

function votes(model, page) {
  const { world, epsilons, n_logs, counts, scores, driver } = readVotes(model.get("data"));
  const n = 4 * world.S;
  const names = epsilons.map(String);
  const frame = makeFrame(model, page, {
    name: "votes",
    settings: { index: wholeIn(0, epsilons.length - 1), log: wholeIn(0, n_logs - 1) },
    python: ({ index, log }) => `# votes: the figure's name in your notebook
votes.index, votes.log = ${index}, ${log}
for name, policy in votes.policies().items():
    print(name, votes.mdp.evaluate(policy))
`,
  });
  let two = []; // the clones on the boards
  let drives = 0; // seeds the next fleet
  const choose = (name) => (value) => frame.change({ [name]: value });
  const boards = makeBoards(WAYS.map((way) => TITLES[way]), world, { look });
  const slider = makeSlider("how erratic the driver is, ε", names, choose("index"));
  const logs = makeChoice("log", Array.from({ length: n_logs }, (_, i) => [i, `${i + 1} of ${n_logs}`]), (i) =>
    choose("log")(Number(i)));
  const every = Array.from({ length: n_logs }, (_, i) => i);
  const charts = Object.entries(SHOWN).map(([field, [title, format, logarithmic]]) => {
    const all = WAYS.flatMap((way) => [...scores[field][way]]);
    const rows = ["most frequent", "drawn"].map((name, k) => ({ name, colour: [INK.blue, INK.orange][k] }));
    const dots = makeDots({ title, rows, n: n_logs, levels: [], bounds: [Math.min(...all) - 3, Math.max(...all) + 3],
      format, logarithmic, left: 88, tall: 30 }, choose("log"));
    return { field, ...dots };
  });
  const run = frame.verb("let twenty drive", drive);
  const other = frame.verb("another log", () => frame.change({ log: (frame.read().log + 1) % n_logs }));

  function drive() {
    const ways = two.map(({ policy }) => sampleWays(world, policy, 20, drives));
    drives++;
    boards.animate(ways, () => {
      const ends = ways.map((way, i) => `Who ${TITLES[WAYS[i]]}: ${counted(tally(world, way))}.`);
      frame.sentence.textContent = ends.join(" ");
    });
  }

  /* The votes of the log that is shown. */
  function ballot() {
    const { index, log } = frame.read();
    const from = n * (index * n_logs + log);
    return counts.subarray(from, from + n);
  }

  function look(s) {
    if (world.terminal[s]) return endOf(world, s);
    const own = ballot();
    const all = pairs(s).reduce((total, p) => total + own[p], 0);
    if (all === 0) return "no vote: the log was never here";
    const most = Math.max(...pairs(s).map((p) => own[p]));
    const said = (p, a) => `${SIGNS[a]} ${own[p]} (${percent(own[p] / all)})${own[p] === most ? "*" : ""}`;
    return `votes ${pairs(s).map(said).join(" · ")}`;
  }

  function draw() {
    const { index, log } = frame.read();
    const own = ballot();
    two = WAYS.map((way) => judged(world, clone(own, way), 0));
    boards.draw(two.map(({ policy, visits }) => [{ ...WHERE, values: visits }, policy, visits]));
    const from = index * n_logs;
    for (const { field, draw: put } of charts) {
      put(WAYS.map((way) => [...scores[field][way].subarray(from, from + n_logs)]), every, log);
    }
    slider.set(index);
    logs.set(log);
    const [won, sampled] = two.map(({ score }) => percent(score.hazard_rate));
    frame.sentence.textContent = `Log ${log + 1}: its driver crashes in ${percent(driver[index])} of his trips. ` +
      `Who ${TITLES.argmax} crashes in ${won}, who ${TITLES.sampled} in ${sampled}.`;
    frame.settle();
  }

  const element = frame.lay({
    bar: [html("div", { class: "sg-scale" }, slider.element), run, other],
    stage: [html("div", { class: "sg-two-to-one" }, html("div", {}, boards.stage, ...boards.below),
      html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element)))],
    more: [row(logs.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

/* What a count makes of each cell: the moves that won, or all in their shares; where nobody voted, any move. */
function clone(own, way) {
  const policy = new Float64Array(own.length);
  for (let s = 0; s < own.length / 4; s++) {
    const most = Math.max(...pairs(s).map((p) => own[p]));
    const told = (p) => (way === "sampled" && most > 0 ? own[p] : Number(own[p] === most));
    const all = pairs(s).reduce((total, p) => total + told(p), 0);
    for (const p of pairs(s)) policy[p] = told(p) / all;
  }
  return policy;
}

/* The data as it comes from Python, checked. */
function readVotes(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const epsilons = [...readRising("epsilons", data.epsilons, 20, 0, 1)];
  const n_logs = whole("n_logs", data.n_logs, 1, 50);
  const n = epsilons.length * n_logs;
  const scores = tableOf(Object.keys(SHOWN), (field) => tableOf(WAYS, (way) =>
    list(`scores.${field}.${way}`, data.scores?.[field]?.[way], n)));
  const driver = list("driver", data.driver, epsilons.length, 0, 1);
  return { world, epsilons, n_logs, scores, driver, counts: list("counts", data.counts, 4 * n * world.S, 0, 1e6) };
}

const render = rendered(votes, ["index", "log"]);
export default { render };
