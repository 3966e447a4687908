/* Side by side: any two agents on boards, every run as a dot, and the weight that moves them. */

import { makeBoards } from "./boards.js";
import { INK } from "./colours.js";
import { makeButton, makeChoice, makeScale, makeSlider, row, WEIGHT_ENDS } from "./controls.js";
import { makeDots } from "./dots.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { html, number, percent } from "./page.js";
import { portableRng } from "./random.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";
import { acts, LEARNED, readSides } from "./side_by_side_data.js";
import { endOf } from "./world.js";

const AGENTS = Object.fromEntries(["optimum", "driver", ...LEARNED].map((name) => [name, [name]]));
const FIELDS = {
  return_mean: ["return of a trip (raw reward)", number],
  return_cvar: ["its worst 5% on average (CVaR)", number],
  hazard_rate: ["hazard rate, exact", percent, true],
  timeout_rate: ["idle trips", percent],
};
const WHERE = { palette: "presence", low: 0, high: 1, digits: 0, label: "where it goes: expected visits, up to 1" };
const COLOURS = [INK.orange, INK.red, INK.blue];

function sideBySide(model, page) {
  const data = readSides(model.get("data"));
  const { world, weights, n_logs, scores } = data;
  const names = weights.map(String);
  const frame = makeFrame(model, page, {
    name: "side_by_side",
    settings: {
      index: wholeIn(0, weights.length - 1),
      log: wholeIn(0, n_logs - 1),
      left: oneFrom(AGENTS),
      right: oneFrom(AGENTS),
      draw: wholeIn(0, 10000),
    },
    python: asCode,
  });
  let two = []; // who is on the boards
  let drives = 0; // seeds the next fleet
  const choose = (name) => (value) => frame.change({ [name]: value });
  const boards = makeBoards(["", ""], world, { look });
  const slider = makeSlider("conservative weight", names, choose("index"));
  const marks = [...data.marks].map((i) => [i, names[i]]);
  const dial = makeScale(slider, weights.length - 1, WEIGHT_ENDS, marks, choose("index"));
  const options = Object.keys(AGENTS).map((name) => [name, name]);
  const [left, right] = ["left", "right"].map((side) => makeChoice(side, options, choose(side)));
  const logs = makeChoice("log", Array.from({ length: n_logs }, (_, i) => [i, `${i + 1} of ${n_logs}`]), (i) =>
    choose("log")(Number(i)));
  const charts = Object.entries(FIELDS).map(([field, [title, format, logarithmic]]) => {
    const { known, learned } = scores[field];
    const rows = LEARNED.map((name, k) => ({ name, colour: COLOURS[k] }));
    const every = [...Object.values(known), ...Object.values(learned).flatMap((one) => [...one])];
    const air = 0.04 * (Math.max(...every) - Math.min(...every) || 1);
    const bounds = [Math.min(...every) - air, Math.max(...every) + air];
    return { field, ...makeDots({ title, rows, n: n_logs, levels: Object.entries(known), bounds, format, logarithmic },
      choose("log")) };
  });
  const run = frame.verb("let twenty drive", drive);
  const other = frame.verb("three other logs", () => frame.change({ draw: frame.read().draw + 1 }));
  const all = makeButton("all logs", () => frame.change({ draw: 0 }));

  function look(s) {
    return world.terminal[s] ? endOf(world, s) : two.map((one) => acts(one, s)).join("; ");
  }

  function drive() {
    const ways = two.map(({ policy }) => sampleWays(world, policy, 20, drives));
    drives++;
    boards.animate(ways, () => {
      const ends = ways.map((way, i) => `${two[i].name}: ${counted(tally(world, way))}.`);
      frame.sentence.textContent = ends.join(" ");
    });
  }

  function draw() {
    const { index, log, left: one, right: another, draw: drawn } = frame.read();
    const shown = drawn ? three(n_logs, drawn) : Array.from({ length: n_logs }, (_, i) => i);
    two = [one, another].map((who) => data.agent(who, index, log));
    boards.draw(two.map(({ policy, visits }) => [{ ...WHERE, values: visits }, policy, visits]));
    boards.boards.forEach((board, i) => {
      const { name, score } = two[i];
      const title = name === "CQL" ? `CQL, weight ${names[index]}` : name;
      board.title.textContent = `${title}: ${percent(score.hazard_rate)} crash`;
    });
    const valuesOf = (field) => LEARNED.map((who) => data.of(field, who, index));
    for (const chart of charts) chart.draw(valuesOf(chart.field), shown, log);
    slider.set(index);
    left.set(one);
    right.set(another);
    logs.set(log);
    all.hidden = drawn === 0;
    const mean = (own) => shown.reduce((total, i) => total + own[i], 0) / shown.length;
    const rank = (field, sign, format) => LEARNED.map((who, k) => [who, mean(valuesOf(field)[k])])
      .sort((a, b) => sign * (a[1] - b[1])).map(([who, x]) => `${who} ${format(x)}`).join(", ");
    const which = drawn ? `logs ${shown.map((i) => i + 1).join(", ")}` : `all ${n_logs} logs`;
    frame.sentence.textContent = `Means of ${which}, the best first. Return: ${rank("return_mean", -1, number)}. ` +
      `Hazard: ${rank("hazard_rate", 1, percent)}.`;
    frame.settle();
  }

  const dots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element));
  const element = frame.lay({
    bar: [dial, run, other],
    stage: [html("div", { class: "sg-two-to-one" }, html("div", {}, boards.stage, row(left.element, right.element, all),
      ...boards.below), dots)],
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

/* Three of n logs, as `SideBySide.shown_logs` draws them. */
function three(n, seed) {
  const random = portableRng(seed);
  const dice = Array.from({ length: n }, () => random());
  return dice.map((_, i) => i).sort((a, b) => dice[a] - dice[b]).slice(0, 3);
}

function asCode({ index, log, left, right, draw }) {
  return `# side: the figure's name in your notebook
side.index, side.log, side.left, side.right, side.draw = ${index}, ${log}, "${left}", "${right}", ${draw}
for name, policy in side.policies().items():
    print(name, side.mdp.evaluate(policy))
`;
}

const render = rendered(sideBySide, ["index", "log", "left", "right", "draw"]);
export default { render };
