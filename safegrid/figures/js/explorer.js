/* The explorer: turn the weight of agents that were trained. Everything it shows is looked up in its data. */

import { makeBoard } from "./board.js";
import { logPlaces, makeChart } from "./chart.js";
import { oneOf, whole } from "./checks.js";
import { INK } from "./colours.js";
import { makeButton, makeChoice, makeSlider, named, row } from "./controls.js";
import { sampleWays } from "./driving.js";
import { readData, SCORES } from "./explorer_data.js";
import { explorerLayer, explorerLayers } from "./layers.js";
import { returnOrValue } from "./meanings.js";
import { html, number, percent } from "./page.js";
import { endOf, pairs, SIGNS, values } from "./world.js";

const PLAY = "▶ play";
const PAUSE = "❚❚ pause";
const STEP = 900; // milliseconds from weight to weight

export function explorer(model) {
  const data = readData(model.get("data"));
  const { world, weights, n_logs, n_seeds, scores } = data;
  const names = weights.map((weight) => String(Number(weight.toPrecision(4))));
  const known = explorerLayers(data.counts);
  let agent = null; // what is known of the chosen one
  let drives = 0; // seeds the next run

  const set = (name) => (value) => {
    model.set(name, value);
    model.save_changes();
  };
  const sentence = html("p", { class: "sg-sentence", "aria-live": "polite" });
  const board = makeBoard(data.title, world, (s) => (agent ? describe(world, agent, s) : ""));
  const slider = makeSlider("conservative weight", names, set("index"));
  const charts = makeCharts(data, names, set("index"));
  const layers = makeChoice("colour", named(known), set("layer"));
  const logs = makeChoice("log", numbered(n_logs), (i) => set("log")(Number(i)));
  const seeds = makeChoice("network", numbered(n_seeds), (i) => set("seed")(Number(i)));
  const player = makePlayer(model, weights.length - 1, set("index"), sentence);
  const run = makeButton("run 20 episodes", () => {
    const ways = sampleWays(world, agent.policy, 20, drives++);
    board.animate(ways, () => {
      sentence.textContent = outcome(world, ways);
    });
  });

  function draw() {
    const index = whole("index", model.get("index"), 0, weights.length - 1);
    const log = whole("log", model.get("log"), 0, n_logs - 1);
    const seed = whole("seed", model.get("seed"), 0, n_seeds - 1);
    const layer = oneOf("layer", model.get("layer"), known);
    const k = (index * n_logs + log) * n_seeds + seed;
    agent = agentOf(data, k, log);
    board.draw(explorerLayer(layer, world, agent, data.limits), agent.policy, agent.visits);
    for (const chart of charts) chart.draw(index, chart.series.map(({ score }) => scores[score][k]));
    slider.set(index);
    layers.set(layer);
    logs.set(log);
    seeds.set(seed);
    const [gain, harm, claimed, worth] = SCORES.map((name) => scores[name][k]);
    sentence.textContent =
      `Weight ${names[index]}, log ${log + 1}: return ${number(gain)}, hazard ${percent(harm)}. ` +
      `The agent claims ${number(claimed)} for the start; its policy is worth ${number(worth)}.`;
  }

  function stop() {
    player.pause();
    board.still();
  }

  const choices = row(layers.element, n_logs > 1 ? logs.element : null, n_seeds > 1 ? seeds.element : null, run);
  const meaning = html("p", { class: "sg-note" }, returnOrValue(data.gamma));
  const plots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element), meaning);

  const main = html("div", { class: "sg-main" }, html("div", {}, board.element, choices), plots);
  const element = html("div", { class: "sg-explorer" }, row(slider.element, player.button), sentence, main);
  return { element, draw, stop };
}

/* Agent k of the data: its policy, claims and visits, the truth about its policy, and what its log counted. */
function agentOf(data, k, log) {
  const { world, gamma } = data;
  const S = world.S;
  const policy = new Float64Array(4 * S);
  [...data.policies[k]].forEach((action, s) => {
    policy[4 * s + Number(action)] = 1;
  });
  return {
    policy,
    q: Float64Array.from(data.q.subarray(4 * k * S, 4 * (k + 1) * S), (x) => x * data.unit),
    visits: data.visits.subarray(k * S, (k + 1) * S).map((x) => x / 1000),
    truth: values(world, policy, gamma),
    counts: data.counts?.subarray(4 * log * S, 4 * (log + 1) * S),
  };
}

/* A cell in words: what the agent claims of each action, what is true, and how often the log has it. */
function describe(world, { q, policy, truth, counts }, s) {
  if (world.terminal[s]) return endOf(world, s);
  const action = (p, a) => {
    const chosen = policy[p] ? "*" : "";
    const often = counts ? `, ${counts[p]}×` : "";
    return `${SIGNS[a]} ${number(q[p])}${chosen} (true ${number(truth.q[p])}${often})`;
  };
  return [...pairs(s).map(action), "* chosen"].join(" · ");
}

function outcome(world, ways) {
  const tally = (flags) => ways.filter((way) => flags[way.at(-1)]).length;
  const safe = tally(world.goal);
  const hurt = tally(world.hazard);
  const late = ways.length - safe - hurt;
  return `Of ${ways.length} episodes ${safe} reach the goal, ${hurt} hit a hazard, ${late} run out of time.`;
}

function numbered(n) {
  return Array.from({ length: n }, (_, i) => [i, `${i + 1} of ${n}`]);
}

/* The charts beside the board: return, hazard, and the value of the start, claimed and true. */
function makeCharts({ curves, references, n_logs, weights }, names, choose) {
  const over = n_logs > 1 ? `over ${n_logs} logs` : "one log";
  const levels = (k) => references.map(([name, pair]) => [name, pair[k]]);
  const line = (score, name, colour, dash = false) => {
    const rows = curves[score].map((bounds) => [...bounds]);
    return { score, name, colour, dash, rows };
  };
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
      title: "value of the start (discounted raw reward)",
      series: [line("claimed_value", "claimed", INK.orange, true), line("true_value", "true", INK.blue)],
      levels: [],
      format: number,
    },
  ];
  const places = logPlaces(weights);
  return charts.map((chart) => ({ ...chart, ...makeChart(chart, places, names, choose) }));
}

/* Plays from weight to weight, up to the last. */
function makePlayer(model, last, choose, sentence) {
  let clock = 0;
  const button = makeButton(PLAY, () => (clock ? pause() : play()));

  function pause() {
    clearInterval(clock);
    clock = 0;
    button.textContent = PLAY;
    sentence.setAttribute("aria-live", "polite");
  }

  function play() {
    if (model.get("index") === last) choose(0);
    button.textContent = PAUSE;
    sentence.setAttribute("aria-live", "off"); // not every step of the way
    clock = setInterval(step, STEP);
  }

  function step() {
    const index = model.get("index") + 1;
    if (index > last) pause();
    else choose(index);
  }

  return { button, pause };
}
