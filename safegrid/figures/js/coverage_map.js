/* What a log covers: where a policy acts on fewer tries than are asked of it, as the log grows. */

import { makeBoards } from "./boards.js";
import { makeChart, logPlaces } from "./chart.js";
import { INK } from "./colours.js";
import { makeButton, makeChoice, makeScale, makeSlider, row } from "./controls.js";
import { readCoverage } from "./coverage_data.js";
import { sampleWays } from "./driving.js";
import { makeEvidence } from "./evidence.js";
import { makeFrame, whenSeen } from "./figure.js";
import { html, percent } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";
import { pairs, perState } from "./world.js";

const TRY = [5, 10]; // stops that are named; 20 would lie on the scale's end on a telephone
const MOST = 100; // tries from which on cells look alike
const COLOURS = [INK.blue, INK.orange, INK.green, INK.red];

function coverageMap(model, page) {
  const data = readCoverage(model.get("data"));
  const { world, episodes, asked, learners, thin, hazard } = data;
  const frame = makeFrame(model, page, {
    name: "coverage_map",
    settings: {
      size: wholeIn(0, episodes.length - 1),
      ask: wholeIn(0, asked.length - 1),
      learner: oneFrom(Object.fromEntries(learners.map((name) => [name, true]))),
    },
    python: ({ size, ask, learner }) => data.code.replaceAll("EPISODES", episodes[size])
      .replaceAll("ASKED", asked[ask]).replaceAll("LEARNER", learner),
  });
  let shown = null; // the policy on the board, what the log knows of it, and the words
  let drives = 0; // seeds the next fleet
  const choose = (name) => (value) => frame.change({ [name]: value });
  const evidence = makeEvidence();
  const boards = makeBoards([""], world, { look: (s) => evidence.read(world, s, shown), scope: evidence.element });
  const asking = makeSlider("tries asked", asked.map(String), choose("ask"));
  const marks = asked.map((tries, i) => [i, String(tries)]).filter(([i]) => TRY.includes(asked[i]));
  const dial = makeScale(asking, asked.length - 1, { low: "few", high: "many" }, marks, choose("ask"));
  const sizes = makeSlider("episodes in the log", episodes.map(String), choose("size"));
  const who = makeChoice("learner", learners.map((name) => [name, name]), choose("learner"));
  const over = {
    tries: { name: "tries asked", unit: "tries", names: asked.map(String), places: logPlaces(asked) },
    size: { name: "episodes in the log", unit: "episodes", names: episodes.map(String), places: logPlaces(episodes) },
  };
  const byTries = episodes.map((_, size) => thinTrips((name) => thin[name][size], over.tries, "ask"));
  const bySize = asked.map((_, ask) => thinTrips((name) => thin[name].map((own) => own[ask]), over.size, "size"));
  const plots = html("div", {});
  const run = frame.verb("let twenty drive", drive);
  const thinnest = makeButton("where it meets one", () => boards.point(mostThin(), true));

  /* How often a trip meets too thin a move, over a dial. */
  function thinTrips(sharesOf, scale, set) {
    const alone = (share) => [share, NaN, NaN]; // one log has no interval
    const series = learners.map((name, k) => ({ name, colour: COLOURS[k], rows: sharesOf(name).map(alone) }));
    const title = `trips with a thin move, by ${scale.unit}`;
    return makeChart({ title, series, levels: [["never", 0], ["always", 1]], format: percent }, scale, choose(set));
  }

  /* The cell in which the policy most often takes a move that is too thin; without one, the cell it begins in. */
  function mostThin() {
    const { visits, tries } = shown;
    const met = visits.map((often, s) => (world.terminal[s] || tries[s] >= asked[frame.read().ask] ? 0 : often));
    const most = Math.max(...met);
    return most > 0 ? met.indexOf(most) : world.start.findIndex((p) => p > 0);
  }

  function drive() {
    const ways = sampleWays(world, shown.policy, 20, drives++);
    const least = asked[frame.read().ask];
    const met = ways.filter((way) => way.some((s) => !world.terminal[s] && shown.tries[s] < least)).length;
    boards.animate([ways], () => {
      frame.sentence.textContent = `${shown.words} Now ${met} of 20 took such a move.`;
    });
  }

  function draw() {
    const { size, ask, learner } = frame.read();
    const own = data.agent(learner, size);
    const tries = perState(world.S, (s) => pairs(s).reduce((sum, p) => sum + own.policy[p] * own.counts[p], 0));
    shown = { ...own, tries, words: inWords(size, ask, learner, tries) };
    const layer = {
      values: tries.map((n) => (n < asked[ask] ? NaN : Math.min(n, MOST))),
      palette: "presence", low: 0, high: MOST, digits: 0,
      label: `tries of the move it takes; paper: fewer than ${asked[ask]}`,
    };
    boards.draw([[layer, own.policy, own.visits]]);
    boards.boards[0].title.textContent = `${learner}: moves tried ${asked[ask]} times or more`;
    asking.set(ask);
    sizes.set(size);
    who.set(learner);
    byTries[size].draw(ask);
    bySize[ask].draw(size);
    const charts = [byTries[size].element, bySize[ask].element];
    if (charts.some((chart, i) => plots.children[i] !== chart)) plots.replaceChildren(...charts);
    frame.sentence.textContent = shown.words;
    frame.settle();
  }

  function inWords(size, ask, learner, tries) {
    const cells = perState(world.S, (s) => Number(!world.terminal[s] && tries[s] < asked[ask]));
    const few = cells.reduce((a, b) => a + b);
    const tried = asked[ask] === 1 ? "was never tried" : `was tried fewer than ${asked[ask]} times`;
    return `${learner} after ${episodes[size]} episodes: in ${few} cells its move ${tried}, and ` +
      `${percent(thin[learner][size][ask])} of its trips meet one. ${percent(hazard[learner][size])} crash.`;
  }

  const element = frame.lay({
    bar: [dial, run],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below),
      html("div", { class: "sg-charts" }, sizes.element, plots))],
    more: [row(who.element, thinnest)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

const render = rendered(coverageMap, ["size", "ask", "learner"]);
export default { render };
