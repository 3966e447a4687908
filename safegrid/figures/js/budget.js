/* A budget of harm: what the log's model promises, and what comes of it in the yard, at any budget and on each log. */

import { makeBoards } from "./boards.js";
import { LOOKS, readBudgets } from "./budget_data.js";
import { logPlaces, makeChart } from "./chart.js";
import { INK } from "./colours.js";
import { makeButton, makeChoice, makeScale, makeSlider, named, row } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeEvidence } from "./evidence.js";
import { makeFrame, whenSeen } from "./figure.js";
import { explorerLayer } from "./layers.js";
import { html, number, percent } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";
import { ACTIONS, pairs, SIGNS } from "./world.js";

const TRY = [0.002, 0.01, 0.05];

function harmBudget(model, page) {
  const data = readBudgets(model.get("data"));
  const { world, budgets, n_logs, scores } = data;
  const names = budgets.map(rate);
  const last = budgets.length - 1;
  const frame = makeFrame(model, page, {
    name: "budget",
    settings: { index: wholeIn(0, last), log: wholeIn(0, n_logs - 1), layer: oneFrom(LOOKS) },
    python: ({ index, log }) => data.code.replaceAll("BUDGET", budgets[index]).replaceAll("LOG", log),
  });
  let shown = null; // the policy on the board, and what is known of it
  let drives = 0; // seeds the next fleet

  const choose = (name) => (value) => frame.change({ [name]: value });
  const evidence = makeEvidence();
  const look = (s) => evidence.read(world, s, shown);
  const boards = makeBoards([""], world, { look, scope: evidence.element });
  const slider = makeSlider("crashes allowed", names, choose("index"));
  const marks = TRY.map((budget) => [budgets.indexOf(budget), rate(budget)]).filter(([i]) => i >= 0);
  const dial = makeScale(slider, last, { low: "tight", high: "loose" }, marks, (index) => visit({ index }));
  const charts = harmCharts(data, { name: "crashes allowed", names, places: logPlaces(budgets) }, choose("index"));
  const logs = makeChoice("log", scores.hazard[0].map((_, k) => [k, `${k + 1} of ${n_logs}`]), (k) =>
    frame.change({ log: Number(k) }));
  const layers = makeChoice("colour", named(LOOKS), choose("layer"));
  const run = frame.verb("let twenty drive", drive);
  const next = makeButton("another log", () => visit({ log: (frame.read().log + 1) % n_logs }));
  const worst = makeButton("the unluckiest log", () => {
    const hazards = scores.hazard[frame.read().index];
    visit({ log: hazards.indexOf(Math.max(...hazards)) });
    queueMicrotask(() => boards.point(shown.visits.indexOf(Math.max(...shown.visits)), true)); // where it is most
  });

  function visit(settings) {
    frame.change(settings);
    queueMicrotask(drive); // once the board shows it
  }

  function drive() {
    const ways = sampleWays(world, shown.policy, 20, drives++);
    boards.animate([ways], () => {
      frame.sentence.textContent = `${shown.words} Now ${counted(tally(world, ways))}.`;
    });
  }

  function draw() {
    const { index, log, layer } = frame.read();
    shown = data.agent(index, log);
    boards.draw([[explorerLayer(layer, world, shown, {}), shown.policy, shown.visits]]);
    boards.boards[0].title.textContent = `what log ${log + 1} advises where ${names[index]} may crash`;
    charts.forEach((chart, k) => chart.draw(index, data.lines[k].map((name) => scores[name][index][log])));
    slider.set(index);
    logs.set(log);
    layers.set(layer);
    shown.words = promiseInWords(data, index, log, shown);
    frame.sentence.textContent = shown.words;
    frame.settle();
  }

  const note = html("p", { class: "sg-note" },
    `Lines: the median of ${n_logs} logs; bands: the middle half of them; rings: the log on the board.`);
  const plots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element), note);
  const element = frame.lay({
    bar: [dial, run, next, worst],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below), plots)],
    more: [row(logs.element, layers.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

function promiseInWords({ world, budgets, n_logs, scores }, index, log, { score, ...own }) {
  const broken = scores.hazard[index].filter((hazard) => hazard > budgets[index]).length;
  return `Where ${rate(budgets[index])} may crash, ${broken} of ${n_logs} logs lead to more. ` +
    `Log ${log + 1} promises ${rate(scores.promised[index][log])}; in the yard ${rate(score.hazard_rate)} crash and ` +
    `${percent(score.goal_rate)} arrive, with a mean return of ${number(score.return_mean)}.${coinInWords(world, own)}`;
}

/* Where a policy leaves it to chance, of all cells where it does the one that it passes most. */
function coinInWords({ cells, terminal }, { policy, visits }) {
  const tossed = (s) => pairs(s).some((p) => policy[p] % 1 > 0) && pairs(s).some((p) => policy[p] !== 0.25);
  const passes = visits.map((often, s) => (often >= 0.01 && !terminal[s] && tossed(s) ? often : 0));
  const most = passes.indexOf(Math.max(...passes));
  if (passes[most] === 0) return "";
  const moves = ACTIONS.filter((a) => policy[4 * most + a] > 0.005);
  if (moves.length < 2) return "";
  const sides = moves.map((a) => `${SIGNS[a]} ${percent(policy[4 * most + a])}`);
  return ` In cell (${cells[most].join(", ")}) it tosses a coin: ${sides.join(", ")}.`;
}

/* A share in percent, with no digit too many. */
function rate(share) {
  return `${Number((100 * share).toPrecision(share < 0.1 ? 2 : 3))}%`;
}

/* The charts beside the board: harm, promised and exact, and return. */
function harmCharts({ curves, best }, dial, choose) {
  const line = (name, title, colour, dash = false) => ({ name: title, colour, dash, rows: curves[name] });
  return [
    {
      title: "a trip's chance to crash",
      series: [line("promised", "promised", INK.orange, true), line("hazard", "exact", INK.red)],
      levels: [],
      format: percent,
      logarithmic: true,
    },
    {
      title: "return of a trip (raw reward), exact",
      series: [line("return", "return", INK.blue)],
      levels: [["optimum", best]],
      format: number,
    },
  ].map((chart) => makeChart(chart, dial, choose));
}

const render = rendered(harmBudget, ["index", "log", "layer"]);
export default { render };
