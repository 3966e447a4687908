/* A guard at a dial: where the log tried a move too seldom somebody else takes over, in its world and in others. */

import { makeBoards } from "./boards.js";
import { makeButton, makeChoice, makeScale, makeSlider, named, row } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeEvidence } from "./evidence.js";
import { makeFrame, whenSeen } from "./figure.js";
import { guardCharts } from "./hand_over_charts.js";
import { FALLBACKS, guardedPolicy, guardedScore, LOOKS, readHandOver } from "./hand_over_data.js";
import { explorerLayer } from "./layers.js";
import { html, number, percent } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";
import { ACTIONS, SIGNS } from "./world.js";

const MARKED = [0, 5, 20, 100];
const DECIDES = { palette: "balance", low: -1, high: 1, digits: 0 };
const LEGEND = "expected visits, up to 1; below 0 the network decides, above 0 the guard";

function handOver(model, page) {
  const data = readHandOver(model.get("data"));
  const { worlds, tries, names, n_logs } = data;
  const world = { ...worlds[0].world }; // the boards keep it, and its entries change
  const frame = makeFrame(model, page, {
    name: "hand_over",
    settings: {
      index: wholeIn(0, tries.length - 1),
      log: wholeIn(0, n_logs - 1),
      world: wholeIn(0, worlds.length - 1),
      fallback: oneFrom(FALLBACKS),
      layer: oneFrom(LOOKS),
    },
    python: asPython,
  });
  let shown = null; // the guarded policy on the board, and what is known of it
  let drives = 0; // seeds the next fleet

  const choose = (name, read = (value) => value) => (value) => frame.change({ [name]: read(value) });
  const evidence = makeEvidence();
  const boards = makeBoards([""], world, { look, scope: evidence.element });
  const slider = makeSlider("tries wanted", names, choose("index"));
  const marks = tries.map((_, i) => [i, names[i]]).filter(([i]) => MARKED.includes(tries[i]));
  const ends = { low: "trusting", high: "doubting" };
  const dial = makeScale(slider, tries.length - 1, ends, marks, (index) => visit({ index }));
  const where = makeChoice("world", worlds.map(({ name }, w) => [w, name]), (w) => visit({ world: Number(w) }));
  const who = makeChoice("who takes over", named(FALLBACKS), (fallback) => visit({ fallback }));
  const logs = makeChoice("log", data.policies.map((_, k) => [k, `${k + 1} of ${n_logs}`]), choose("log", Number));
  const layers = makeChoice("colour", named(LOOKS), choose("layer"));
  const run = frame.verb("let twenty drive", drive);
  const next = makeButton("another log", () => visit({ log: (frame.read().log + 1) % n_logs }));
  const own = makeButton("what the log would choose", () => {
    const { fallback, log } = frame.read();
    visit({ index: data.chosen[fallback][log] });
  });
  const charts = worlds.map((_, w) => guardCharts(data, w, choose("index")));
  const plots = html("div", {});

  function visit(settings) {
    frame.change(settings);
    queueMicrotask(drive); // once the board shows it
  }

  function look(s) {
    const wish = SIGNS[ACTIONS.find((a) => shown.own[4 * s + a] === 1)];
    const tried = `The network wants ${wish}, tried ${shown.wanted[s]} times: `;
    return evidence.read(world, s, shown, tried + (shown.handed[s] ? "the guard takes over." : "it may."));
  }

  /* Twenty trips; one on which the guard asks ends there. */
  function drive() {
    const asks = frame.read().fallback === "ask";
    const goes = asks ? shown.own : shown.policy;
    const first = (way) => way.findIndex((s) => shown.handed[s] && !world.terminal[s]);
    const ways = sampleWays(world, goes, 20, drives++);
    const taken = ways.map((way) => first(asks ? way : way.slice(0, -1)) >= 0);
    const cut = ways.map((way) => (asks && first(way) >= 0 ? way.slice(0, first(way) + 1) : way));
    boards.animate([cut], () => {
      const rest = cut.filter((_, i) => !(asks && taken[i]));
      const over = `${taken.filter(Boolean).length} of 20 ${asks ? "asked" : "were taken over"}`;
      frame.sentence.textContent =
        `${shown.words} Now ${[...(rest.length ? [counted(tally(world, rest))] : []), over].join("; ")}.`;
    });
  }

  function draw() {
    const settings = frame.read();
    const { index, log, world: w, fallback, layer } = settings;
    Object.assign(world, worlds[w].world);
    const guarded = guardedPolicy(data, settings);
    const score = guardedScore(data, settings, guarded);
    shown = { ...guarded, score, counts: data.counts(log), crashed: data.crashed(log), visits: score.visits };
    const decides = { ...DECIDES, label: LEGEND, values: score.visits.map((n, s) => (shown.handed[s] ? n : -n)) };
    boards.draw([[layer === "decides" ? decides : explorerLayer(layer, world, shown, {}), shown.policy, score.visits]]);
    boards.boards[0].title.textContent = `log ${log + 1}, ${worlds[w].name}: who drives where`;
    const mine = [
      Object.keys(FALLBACKS).map((name) => data.hazard[name][w][index][log]),
      Object.keys(FALLBACKS).map((name) => data.return[name][w][index][log]),
      [data.handed[w][index][log]],
    ];
    charts[w].forEach((chart, k) => chart.draw(index, mine[k]));
    if (plots.firstChild !== charts[w][0].element) plots.replaceChildren(...charts[w].map((one) => one.element));
    slider.set(index);
    for (const [control, value] of [[where, w], [who, fallback], [logs, log], [layers, layer]]) control.set(value);
    shown.words = inWords(settings);
    frame.sentence.textContent = shown.words;
    frame.settle();
  }

  function inWords({ index, world: w, fallback }) {
    const { score } = shown;
    const all = data.hazard[fallback][w];
    const rate = (of_logs) => percent(of_logs.reduce((a, b) => a + b) / n_logs);
    const more = all[index].filter((hazard, k) => hazard > all[0][k] + 1e-6).length;
    const ends = `${percent(score.hazard_rate)} crash, ${percent(score.goal_rate)} arrive, ` +
      `return ${number(score.return_mean)}`;
    if (index === 0) return `No guard: ${ends}. Over ${n_logs} logs ${rate(all[0])} crash.`;
    return `On ${percent(score.handed)} of the trips ${FALLBACKS[fallback][2]} takes over: ${ends}. ` +
      `Over ${n_logs} logs ${rate(all[index])} crash, without a guard ${rate(all[0])}; it is more on ${more} of them.`;
  }

  function asPython({ index, log, world: w, fallback }) {
    const instead = { clone: 'fallback="clone"', ask: `fallback="ask", ask_cost=${data.ask_cost}`,
      operator: "fallback=world.optimal(0.99)" };
    return data.code.replaceAll("WORLD", worlds[w].name).replaceAll("LOG", log).replaceAll("POLICY", data.digits[log])
      .replaceAll("ASKED", tries[index]).replaceAll("FALLBACK", instead[fallback]);
  }

  const note = html("p", { class: "sg-note" }, `Lines: means of ${n_logs} logs; rings: the log on the board.`);
  const element = frame.lay({
    bar: [dial, run, row(where.element, who.element)],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below),
      html("div", { class: "sg-charts" }, plots, note))],
    more: [row(next, own), row(logs.element, layers.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

const render = rendered(handOver, ["index", "log", "world", "fallback", "layer"]);
export default { render };
