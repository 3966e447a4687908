/* The explorer: turn the weight of agents that were trained. Everything it shows is looked up in its data. */

import { judged } from "./agents.js";
import { makeBoards } from "./boards.js";
import { logPlaces, makeChart } from "./chart.js";
import { INK } from "./colours.js";
import { makeButton, makeChoice, makeScale, makeSlider, named, row, WEIGHT_ENDS } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { readData, SCORES } from "./explorer_data.js";
import { makeFrame, whenSeen } from "./figure.js";
import { explorerLayer, explorerLayers } from "./layers.js";
import { returnOrValue } from "./meanings.js";
import { makeMicroscope } from "./microscope.js";
import { html, number, percent } from "./page.js";
import { makePlayer } from "./player.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";

const TRY = ["0", "6", "200"];

function explorer(model, page) {
  const data = readData(model.get("data"));
  const { world, weights, n_logs, n_seeds, scores } = data;
  const names = weights.map((weight) => String(Number(weight.toPrecision(4))));
  const known = explorerLayers(data.counts);
  const last = weights.length - 1;
  const frame = makeFrame(model, page, {
    name: "explorer",
    settings: {
      index: wholeIn(0, last),
      log: wholeIn(0, n_logs - 1),
      seed: wholeIn(0, n_seeds - 1),
      layer: oneFrom(known),
    },
    python: ({ index, log, seed, layer }) => `# explorer: the figure's name in your notebook
explorer.index, explorer.log, explorer.seed, explorer.layer = ${index}, ${log}, ${seed}, "${layer}"
explorer.mdp.evaluate(sg.policy_table(explorer.agent, explorer.mdp))
`,
  });
  let agent = null; // what is known of the chosen one
  let drives = 0; // seeds the next run

  const choose = (name) => (value) => frame.change({ [name]: value });
  const scope = makeMicroscope();
  const boards = makeBoards([data.title], world, { look: (s) => scope.read(world, s, agent), scope: scope.element });
  const slider = makeSlider("conservative weight", names, choose("index"));
  const marks = TRY.map((name) => [names.indexOf(name), name]).filter(([i]) => i >= 0);
  const dial = makeScale(slider, last, WEIGHT_ENDS, marks, (index) => visit({ index }));
  const charts = makeCharts(data, { name: "conservative weight", names, places: logPlaces(weights) }, choose("index"));
  const layers = makeChoice("colour", named(known), choose("layer"));
  const logs = makeChoice("log", numbered(n_logs), (i) => choose("log")(Number(i)));
  const seeds = makeChoice("network", numbered(n_seeds), (i) => choose("seed")(Number(i)));
  const player = makePlayer(() => last, () => model.get("index"), choose("index"), frame.sentence);
  const run = frame.verb("let twenty drive", drive);
  const next = n_logs > 1 ? makeButton("another log", () => visit({ log: (frame.read().log + 1) % n_logs })) : null;

  function visit(settings) {
    frame.change(settings);
    queueMicrotask(drive); // once the board shows it
  }

  function drive() {
    const ways = sampleWays(world, agent.policy, 20, drives++);
    boards.animate([ways], () => {
      frame.sentence.textContent = `${agent.words} ${counted(tally(world, ways))}.`;
    });
  }

  function draw() {
    const { index, log, seed, layer } = frame.read();
    const k = (index * n_logs + log) * n_seeds + seed;
    agent = agentOf(data, k, log, weights[index]);
    boards.draw([[explorerLayer(layer, world, agent, data.limits), agent.policy, agent.visits]]);
    for (const chart of charts) chart.draw(index, chart.series.map(({ score }) => scores[score][k]));
    slider.set(index);
    layers.set(layer);
    logs.set(log);
    seeds.set(seed);
    const [gain, harm, claimed, worth] = SCORES.map((name) => scores[name][k]);
    agent.words = `Weight ${names[index]}, log ${log + 1}: return ${number(gain)}, hazard ${percent(harm)}; ` +
      `it believed ${number(claimed)}, the truth is ${number(worth)}.`;
    frame.sentence.textContent = agent.words;
    frame.settle();
  }

  const lines = `Lines: the mean of ${n_logs} logs; bands: its 95% interval; rings: the agent on the board. `;
  const meaning = html("p", { class: "sg-note" }, (n_logs > 1 ? lines : "") + returnOrValue(data.gamma));
  const plots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element), meaning);
  const element = frame.lay({
    bar: [dial, run, next, player.button],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below), plots)],
    more: [row(layers.element, n_logs > 1 ? logs.element : null, n_seeds > 1 ? seeds.element : null)],
  });
  const unseen = whenSeen(boards.stage, drive);

  function stop() {
    unseen();
    player.pause();
    boards.still();
    frame.stop();
  }

  return { element, draw, stop };
}

/* Agent k of the data, the truth about its policy, and what its log counted. */
function agentOf({ world, gamma, scale, counts, agent }, k, log, weight) {
  const { policy, q } = agent(k);
  const n = 4 * world.S;
  const own = counts?.subarray(n * log, n * (log + 1));
  return { ...judged(world, policy, gamma), q, weight, scale, counts: own };
}

function numbered(n) {
  return Array.from({ length: n }, (_, i) => [i, `${i + 1} of ${n}`]);
}

/* The charts beside the board: return, hazard, and the value of the start, claimed and true. */
function makeCharts({ curves, references, n_logs }, dial, choose) {
  const over = n_logs > 1 ? `over ${n_logs} logs` : "one log";
  const levels = (k) => references.map(([name, pair]) => [name, pair[k]]);
  const line = (score, name, colour, dash = false) => ({ score, name, colour, dash, rows: curves[score] });
  const charts = [
    {
      title: "return of an episode (raw reward), exact",
      series: [line("return_mean", over, INK.blue)],
      levels: levels(0),
      format: number,
    },
    {
      title: "probability of hitting a hazard, exact",
      series: [line("hazard_rate", over, INK.red)],
      levels: levels(1),
      format: percent,
      logarithmic: true,
    },
    {
      title: "what a trip is worth: claimed, and true (value)",
      series: [line("claimed_value", "claimed", INK.orange, true), line("true_value", "true", INK.blue)],
      levels: [],
      format: number,
    },
  ];
  return charts.map((chart) => ({ ...chart, ...makeChart(chart, dial, choose) }));
}

const render = rendered(explorer, ["index", "log", "seed", "layer"]);
export default { render };
