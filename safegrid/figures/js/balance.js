/* One state in balance: the log's shares against the softmax's, and what the weight gives or takes; then the board with
   it. The page solves tabular CQL in the limit, at every touch. */

import { judged, readWorld } from "./agents.js";
import { makeBoards } from "./boards.js";
import { fields, list, real, refuse } from "./checks.js";
import { makeChoice, makeDial, makeScale, named, nearest } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { explorerLayer, explorerLayers } from "./layers.js";
import { tabularCql, withShares } from "./learning.js";
import { readLog } from "./log_data.js";
import { makeMicroscope, stateRows } from "./microscope.js";
import { html, number, percent } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, realIn, toNumber, wholeIn } from "./settings.js";
import { endOf, greedy, SIGNS } from "./world.js";

const WEIGHTS = [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200];
const SCALES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const TIMES = [0, 1, 2, 5, 10, 20, 50];
const MOST = 1000; // times that a step of the log may count

/* How many times each action of the cell is counted. */
const FOUR = {
  check: (name, value) => {
    if (!Array.isArray(value) || value.length !== 4) refuse(name, value, "a list of 4");
    return value.map((x, a) => wholeIn(0, MOST).check(`${name}[${a}]`, x));
  },
  read: (raw) => raw.split(".").map(toNumber),
};

function oneState(model, page) {
  const { world, gamma, log, limits } = readBalance(model.get("data"));
  const layersKnown = explorerLayers(log.counts);
  const frame = makeFrame(model, page, {
    name: "balance",
    settings: { cell: wholeIn(0, world.S - 1), conservative_weight: realIn(0, 1000), reward_scale: realIn(0.001, 10),
      times: FOUR, layer: oneFrom(layersKnown) },
    python: asCode,
  });
  let agent = null; // what was learned, and what is true of it
  let drives = 0; // seeds the next fleet
  const choose = (name) => (value) => frame.change({ [name]: value });
  const scope = makeMicroscope();
  const boards = makeBoards(["CQL in a table: it believes 0 of the untried, so it does not dream"], world, {
    look: (s) => (world.terminal[s] ? endOf(world, s) : `${percent(agent.score.hazard_rate)} of its trips crash`),
    choose: (cell) => {
      if (cell !== model.get("cell") && !world.terminal[cell]) frame.change({ cell, times: [1, 1, 1, 1] });
    },
  });
  const weight = makeDial("conservative weight", WEIGHTS, choose("conservative_weight"));
  const marks = [0, 6, 200].map((one) => [nearest(WEIGHTS, one), String(one)]);
  const scaleOf = makeScale(weight, WEIGHTS.length - 1, { low: "no charge", high: "as the log" }, marks, (i) =>
    frame.change({ conservative_weight: WEIGHTS[i] }));
  const scale = makeDial("reward scale, ρ", SCALES, choose("reward_scale"));
  const layers = makeChoice("colour", named(layersKnown), choose("layer"));
  const times = SIGNS.map((sign, a) => makeDial(`its ${sign} counted … times`, TIMES, (value) =>
    frame.change({ times: model.get("times").with(a, value) })));
  const run = frame.verb("let twenty drive", drive);

  function drive() {
    const ways = sampleWays(world, agent.policy, 20, drives++);
    boards.animate([ways], () => {
      frame.sentence.textContent = `${counted(tally(world, ways))}. ${words()}`;
    });
  }

  function learn({ cell, times: of_cell, conservative_weight, reward_scale }) {
    const counts = log.counts.map((n, p) => (p >> 2 === cell ? n * of_cell[p % 4] : n));
    const own = withShares({ ...log, counts });
    const q = tabularCql(own, { conservative_weight, reward_scale, n_steps: null, belief: 0 }, gamma);
    const policy = greedy(q);
    return { ...judged(world, policy, gamma), q, counts, weight: conservative_weight, scale: reward_scale };
  }

  function words() {
    const { cell } = frame.read();
    const rows = stateRows(cell, agent).filter(({ push }) => Number.isFinite(push));
    const place = `In cell (${world.cells[cell].join(", ")})`;
    if (rows.length < 2 || agent.weight === 0) return `${place} the weight gives and takes nothing.`;
    rows.sort((one, two) => one.push - two.push);
    const told = ({ action, push, softmax, share }) => `${SIGNS[action]} ${push < 0 ? "is charged" : "is raised by"} ` +
      `${number(Math.abs(push))}: of the softmax it has ${percent(softmax)}, of the log ${percent(share)}` +
      ` (${number(agent.weight)} × |1 − ${percent(softmax)} ÷ ${percent(share)}|)`;
    return `${place} ${told(rows[0])}. ${told(rows.at(-1))}.`;
  }

  function compute() {
    const state = frame.read();
    if (world.terminal[state.cell]) refuse("cell", state.cell, "one where somebody acts");
    agent = learn(state);
    boards.draw([[explorerLayer(state.layer, world, agent, limits), agent.policy, agent.visits]]);
    boards.point(state.cell);
    scope.draw(`cell (${world.cells[state.cell].join(", ")})`, stateRows(state.cell, agent));
    weight.set(state.conservative_weight);
    scale.set(state.reward_scale);
    layers.set(state.layer);
    times.forEach((dial, a) => dial.set(state.times[a]));
    frame.sentence.textContent = words();
    frame.settle();
  }

  const element = frame.lay({
    bar: [scaleOf, run],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below),
      html("div", {}, html("div", { class: "sg-answer" }, scope.element),
        html("div", { class: "sg-dials" }, scale.element)))],
    more: [html("div", { class: "sg-dials" }, ...times.map((dial) => dial.element), layers.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw: () => frame.attempt(compute), stop };
}

/* The data as it comes from Python, checked. */
function readBalance(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const limits = Object.fromEntries(["claimed", "overestimate", "gap"].map((name) =>
    [name, list(`limits.${name}`, data.limits?.[name], 2)]));
  return { world, limits, gamma: real("gamma", data.gamma, 0, 0.99999), log: readLog(data, world) };
}

function asCode({ cell, conservative_weight, reward_scale, times }) {
  return `# balance: the figure's name in your notebook
balance.cell, balance.times = ${cell}, [${times.join(", ")}]
balance.conservative_weight, balance.reward_scale = ${conservative_weight}, ${reward_scale}
print(balance.rows())
print(balance.mdp.evaluate(balance.policy()))
`;
}

const render = rendered(oneState, ["cell", "conservative_weight", "reward_scale", "times", "layer"]);
export default { render };
