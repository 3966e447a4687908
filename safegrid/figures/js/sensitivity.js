/* One setting changed at a time: every run of every row as a dot, and two of them on boards. */

import { makeBoards } from "./boards.js";
import { INK } from "./colours.js";
import { makeChoice, makeSlider, row } from "./controls.js";
import { makeDots } from "./dots.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { html, number, percent } from "./page.js";
import { rendered } from "./render.js";
import { readChanges } from "./sensitivity_data.js";
import { oneFrom, wholeIn } from "./settings.js";
import { endOf, evaluate, SIGNS } from "./world.js";

const OWN = "as in the book";
const CHARTS = {
  return_mean: ["return (raw reward), exact", number, [["lost", 0]]],
  hazard_rate: ["hazard rate, exact", percent, []],
  overestimate: ["claimed − true value", number, [["the truth", 0]]],
};
const KEY = "A dot is a run, and can be touched; a diamond is the mean of a row; rings are the runs on the boards.";
const PRESENCE = { palette: "presence", low: 0, high: 1, digits: 0, label: "expected visits, up to 1" };

function sensitivity(model, page) {
  const { maps, names, meanings, n, networks } = readChanges(model.get("data"));
  const worlds = Object.keys(maps);
  const world = {}; // whose boards are shown
  const frame = makeFrame(model, page, {
    name: "sensitivity",
    settings: { setting: wholeIn(1, names.length - 1), map: oneFrom(maps), run: wholeIn(0, n - 1) },
    python: asPython,
  });
  const everyone = Array.from({ length: n }, (_, i) => i);
  let two = []; // who is on the boards
  let drives = 0; // seeds the next fleet
  let words = ""; // of what is shown
  const called = (i) => `log ${Math.floor(i / networks) + 1}, network ${(i % networks) + 1}`;
  const slider = makeSlider("what is changed", names.slice(1), (i) => frame.change({ setting: i + 1 }));
  const map = makeChoice("map", worlds.map((name) => [name, name]), (name) => frame.change({ map: name }));
  const run = frame.verb("let twenty drive", drive);
  const worst = frame.verb("the worst run", () => drivenBy(ranked()[0]));
  const typical = frame.verb("a typical run", () => drivenBy(ranked()[Math.floor(n / 2)]));
  const boards = makeBoards(["", ""], Object.assign(world, maps[worlds[0]].world), { look });
  const meaning = html("p", { class: "sg-note" });
  const charts = Object.entries(CHARTS).map(([field, [title, format, levels]]) => {
    const every = Object.values(maps).flatMap(({ rows }) => rows.flatMap((one) => one[field]));
    const air = 0.04 * (Math.max(...every, 0) - Math.min(...every, 0) || 1);
    const rows = names.map((name, k) => (k ? { name, colour: INK.orange } : { name: OWN, colour: INK.blue }));
    const bounds = [Math.min(...every, 0) - air, Math.max(...every, 0) + air];
    const logarithmic = field === "hazard_rate";
    return { field, ...makeDots({ title, rows, n, levels, bounds, format, logarithmic, left: 128, tall: 12, called },
      (i, k) => frame.change(k ? { run: i, setting: k } : { run: i })) };
  });

  /* The runs of the chosen row, the worst return first. */
  function ranked() {
    const { setting, map: name } = frame.read();
    const returns = maps[name].rows[setting].return_mean;
    return returns.map((_, i) => i).sort((a, b) => returns[a] - returns[b]);
  }

  function drivenBy(chosen) {
    frame.change({ run: chosen });
    queueMicrotask(drive); // once the boards show it
  }

  function look(s) {
    if (world.terminal[s]) return endOf(world, s);
    return two.map(({ name, policy }) => `${name} ${SIGNS[policy.subarray(4 * s, 4 * s + 4).indexOf(1)]}`).join("; ");
  }

  function drive() {
    const ways = two.map(({ policy }) => sampleWays(world, policy, 20, drives));
    drives++;
    boards.animate(ways, () => {
      const ends = ways.map((way, k) => `${two[k].name}: ${counted(tally(world, way))}.`);
      frame.sentence.textContent = `${words} Twenty trips each: ${ends.join(" ")}`;
    });
  }

  function draw() {
    const { setting, map: name, run: i } = frame.read();
    const { rows } = maps[name];
    Object.assign(world, maps[name].world);
    const [own, changed] = [rows[0], rows[setting]];
    two = [0, setting].map((k) => {
      const { policies, judged } = rows[k];
      judged[i] ??= evaluate(world, policies[i]); // who stays on a board is not judged again
      return { name: k ? names[k] : OWN, policy: policies[i], ...judged[i] };
    });
    boards.draw(two.map(({ policy, visits }) => [{ ...PRESENCE, values: visits }, policy, visits]));
    boards.boards.forEach((board, k) => {
      board.title.textContent = `${two[k].name}: ${percent(two[k].hazard_rate)} crash`;
    });
    for (const { field, draw: put } of charts) {
      put(rows.map((one) => one[field]), everyone, i, setting);
    }
    slider.set(setting - 1);
    map.set(name);
    const lost = ({ return_mean: returns }) => returns.filter((x) => x < 0).length;
    const over = ({ overestimate: all }) => signed(all.reduce((a, b) => a + b) / n);
    words = `${names[setting]}, ${name}: ${lost(changed)} of ${n} runs lost, claims ` +
      `${over(changed)} against the truth on average (${OWN}: ${lost(own)}, ${over(own)}). On the boards ` +
      `${called(i)}, return ${number(changed.return_mean[i])} against ${number(own.return_mean[i])}.`;
    frame.sentence.textContent = words;
    meaning.textContent = `${names[setting]}: ${meanings[setting]}`;
    frame.settle();
  }

  function asPython({ setting, map: name, run: i }) {
    const agents = [[OWN, 0], [names[setting], setting]].map(([title, k]) => {
      const lines = maps[name].rows[k].actions[i].match(/.{1,75}/g).map((line) => `        "${line}"`);
      return `    ${JSON.stringify(title)}:\n${lines.join("\n")},`;
    });
    return ["import numpy as np", "import safegrid as sg", "",
      `mdp = sg.SafetyCriticalGridWorld(map_name="${name}").mdp`,
      `agents = {  # ${called(i)}: 0 down, 1 right, 2 up, 3 left in every cell`, ...agents, "}",
      "for name, moves in agents.items():",
      "    print(name, mdp.evaluate(np.eye(4)[[int(move) for move in moves]]))", ""].join("\n");
  }

  const key = html("p", { class: "sg-note" }, KEY);
  const dots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element), key);
  const element = frame.lay({
    bar: [slider.element, run],
    stage: [html("div", { class: "sg-two-to-one" },
      html("div", {}, meaning, boards.stage, row(worst, typical, map.element), ...boards.below), dots)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

function signed(x) {
  return `${x > 0 ? "+" : ""}${number(x, 0)}`;
}

const render = rendered(sensitivity, ["setting", "map", "run"]);
export default { render };
