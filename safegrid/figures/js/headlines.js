/* Some test drives of two agents, again and again: what such a test would have said, counted, beside the exact odds. */

import { makeBoards } from "./boards.js";
import { makeChoice, makeDial, makeScale, makeSlider, named, row } from "./controls.js";
import { rollouts, waysOf } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { makeFleets } from "./fleets.js";
import { headlineTable, makeTests } from "./headline_tests.js";
import { ABOUT, NETWORKS, readHeadlines, SIDE } from "./headlines_data.js";
import { makeHistogram } from "./histogram.js";
import { explorerLayer } from "./layers.js";
import { html, number, percent } from "./page.js";
import { portableRng } from "./random.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";

const MOST = 5000; // tests that are counted
const SEEN = 30; // walkers that fit on a board

function headlines(model, page) {
  const data = readHeadlines(model.get("data"));
  const { world, names, stops } = data;
  const last = stops.length - 1;
  const frame = makeFrame(model, page, {
    name: "headlines",
    settings: {
      drives: wholeIn(0, last),
      tests: wholeIn(1, MOST),
      about: oneFrom(ABOUT),
      networks: oneFrom(NETWORKS),
      seed: wholeIn(0, 9999),
    },
    python: (state) => asCode(data, state),
  });
  const tests = makeTests(data, makeFleets(world));
  let pair = []; // who is on the boards: of each kind { policy, visits, score }

  const boards = makeBoards(["", ""], world, { look });
  const bars = makeHistogram(2 * SIDE + 1);
  const slider = makeSlider("test drives of each", stops.map(String), (drives) => frame.change({ drives }));
  const dial = makeScale(slider, last, { low: "few", high: "many" }, [], null);
  const about = makeChoice("headline about", named(ABOUT), (value) => frame.change({ about: value }));
  const networks = makeChoice("tested are", named(NETWORKS), (value) => frame.change({ networks: value }));
  const dice = makeDial("other dice", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], (seed) => frame.change({ seed }));
  const odds = html("table", { class: "sg-table sg-odds" });
  const once = frame.verb("", () => again(1));
  const often = frame.verb("a thousand times", () => again(1000));

  function again(more) {
    frame.change({ tests: Math.min(MOST, frame.read().tests + more) });
    queueMicrotask(drive); // once the boards show who was tested last
  }

  function drive() {
    const state = frame.read();
    const n = stops[state.drives];
    const random = portableRng(tests.seedOf(state.seed, state.tests - 1));
    boards.animate(pair.map(({ policy }) => waysOf(rollouts(world, policy, n, random), n).slice(0, SEEN)));
  }

  function look(s) {
    if (!pair.length || world.terminal[s]) return "";
    return pair.map(({ visits }, i) => `${names[i]} passes ${number(visits[s], 2)} times a trip`).join(", ");
  }

  function draw() {
    const state = frame.read();
    const at = tests.networksOf(state, state.tests - 1);
    pair = at.map((k, kind) => data.agent(kind, k));
    const looks = pair.map((one) => [explorerLayer("visits", world, one, {}), one.policy, one.visits]);
    boards.draw(looks);
    boards.boards.forEach((board, i) => {
      const [, hazard] = pair[i].score;
      board.title.textContent = `${names[i]} ${at[i] + 1}: exactly ${percent(hazard)} crash`;
    });
    slider.set(state.drives);
    about.set(state.about);
    networks.set(state.networks);
    dice.set(state.seed);
    once.textContent = `drive ${stops[state.drives] === 30 ? "thirty" : stops[state.drives]}`;
    frame.sentence.textContent = tests.inWords(state);
    tests.count(state, (found) => {
      const many = `What ${found.counted} tests say${found.wanted}`;
      const name = found.counted === "1" ? "What one such test says" : many;
      bars.draw({ ...found, name });
      odds.replaceChildren(...headlineTable(found));
    });
    frame.settle();
  }

  const note = html("p", { class: "sg-note" }, "Bars: counted. Black strokes: exactly how often.");
  const side = html("div", { class: "sg-answer" }, bars.element, note, odds,
    row(networks.element, about.element));
  const element = frame.lay({
    bar: [dial, once, often],
    stage: [html("div", { class: "sg-two-to-one" }, boards.stage, side)],
    below: boards.below,
    more: [dice.element],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    tests.stop();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

function asCode({ code, stops }, { drives, tests, networks, seed }) {
  const two = networks === "first" ? "0, 0" : "k % len(ours), (k + k // len(ours)) % len(ours)";
  return `${code}
for k in range(${tests}):
    i, j = ${two}
    rng = sg.portable_rng(5000 * ${seed} + k)
    one, two = (mdp.rollouts(policy, ${stops[drives]}, rng) for policy in (ours[i], others[j]))
    print(k + 1, one.returns.sum(), two.returns.sum(), one.costs.sum(), two.costs.sum())
`;
}

const render = rendered(headlines, ["drives", "tests", "about", "networks", "seed"]);
export default { render };
