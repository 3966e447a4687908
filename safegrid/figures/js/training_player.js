/* The training played: a table that the page trains on a log, or a network that was recorded while it trained; what it
   believes of the start, what is true, and where the dream begins. */

import { makeBoards } from "./boards.js";
import { makeChoice, makeDial, makeSlider, named } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { explorerLayer, explorerLayers } from "./layers.js";
import { makeMicroscope } from "./microscope.js";
import { html, number, percent } from "./page.js";
import { makePlayer } from "./player.js";
import { rendered } from "./render.js";
import { oneFrom, realIn, wholeIn } from "./settings.js";
import { makeTrainingCharts, stopName } from "./training_charts.js";
import { courseOf, readTraining, STOPS } from "./training_data.js";

const WHO = { table: ["a table, trained in this page"], network: ["double DQN, recorded"] };
const WEIGHTS = [0, 0.1, 0.2, 0.5, 1, 2, 3, 6, 10, 20, 50, 100, 200];
const BELIEFS = [-100, -50, -20, 0, 10, 20, 30, 50, 75, 100];

function trainingPlayer(model, page) {
  const data = readTraining(model.get("data"));
  const { world } = data;
  const layersKnown = explorerLayers(data.log.counts);
  const learners = data.network ? WHO : { table: WHO.table };
  const stops = { table: STOPS, network: data.network?.steps };
  const frame = makeFrame(model, page, {
    name: "training_player",
    settings: {
      who: oneFrom(learners),
      stop: wholeIn(0, Math.max(...Object.keys(learners).map((name) => stops[name].length)) - 1),
      conservative_weight: realIn(0, 1000),
      belief: realIn(-1000, 1000),
      layer: oneFrom(layersKnown),
    },
    python: asCode,
  });
  const choose = (name) => (value) => frame.change({ [name]: value });
  let trained = { key: null, course: [] }; // the training that is shown, stop by stop
  let agent = null;
  let charts = [];
  let drives = 0; // seeds the next fleet
  const scope = makeMicroscope();
  const boards = makeBoards([""], world, { look: (s) => scope.read(world, s, agent), scope: scope.element });
  const plots = html("div", { class: "sg-charts" });
  const names = Object.fromEntries(Object.keys(learners).map((name) => [name, stops[name].map(stopName)]));
  const sliders = Object.fromEntries(Object.entries(names).map(([name, own]) =>
    [name, makeSlider("steps of training", own, choose("stop"))]));
  const place = html("div", { class: "sg-scale" });
  const last = () => stops[model.get("who")].length - 1;
  const player = makePlayer(last, () => model.get("stop"), choose("stop"), frame.sentence, 700);
  const run = frame.verb("let twenty drive", drive);
  const who = makeChoice("who learns", named(learners), (name) =>
    frame.change({ who: name, stop: stops[name].length - 1 })); // what it comes to
  const dials = {
    conservative_weight: makeDial("conservative weight", WEIGHTS, choose("conservative_weight")),
    belief: makeDial("believes of moves nobody tried", BELIEFS, choose("belief")),
  };
  const layers = makeChoice("colour", named(layersKnown), choose("layer"));

  function drive() {
    const ways = sampleWays(world, agent.policy, 20, drives++);
    boards.animate([ways], () => {
      frame.sentence.textContent = `${words()} ${counted(tally(world, ways))}.`;
    });
  }

  function train(state) {
    const key = state.who === "network" ? state.who : `${state.conservative_weight} ${state.belief}`;
    if (trained.key === key) return;
    trained = { key, course: courseOf(data, state.who, state) };
    charts = makeTrainingCharts(data, trained.course, names[state.who], choose("stop"));
    plots.replaceChildren(...charts.map((chart) => chart.element));
  }

  function words() {
    const { who: name, stop } = frame.read();
    const over = agent.claimed - agent.worth;
    const when = stops[name][stop] === null ? "In the limit" : `After step ${stopName(stops[name][stop])}`;
    const { hazard_rate, timeout_rate } = agent.score;
    return `${when} it believes that the start is worth ${number(agent.claimed)}. The truth is ` +
      `${number(agent.worth)}, ${number(Math.abs(over))} ${over > 0 ? "less" : "more"}. ` +
      `Of its trips ${percent(hazard_rate)} crash, and ${percent(timeout_rate)} are idle.`;
  }

  function compute() {
    const state = frame.read();
    wholeIn(0, stops[state.who].length - 1).check("stop", state.stop);
    train(state);
    agent = trained.course[state.stop];
    boards.draw([[explorerLayer(state.layer, world, agent, data.limits), agent.policy, agent.visits]]);
    boards.boards[0].title.textContent = WHO[state.who][0];
    for (const chart of charts) chart.draw(state.stop);
    const { element: dial, set } = sliders[state.who];
    if (place.firstChild !== dial) place.replaceChildren(dial);
    set(state.stop);
    who.set(state.who);
    layers.set(state.layer);
    for (const [name, { element: own, set: show }] of Object.entries(dials)) {
      show(state[name]);
      own.hidden = state.who === "network"; // it learned at weight 0, and believes what it likes
    }
    frame.sentence.textContent = words();
    frame.settle();
  }

  const element = frame.lay({
    bar: [place, player.button, run],
    stage: [html("div", { class: "sg-main" }, html("div", {}, boards.stage, ...boards.below), plots)],
    below: [html("div", { class: "sg-dials" }, who.element, dials.belief.element)],
    more: [html("div", { class: "sg-dials" }, dials.conservative_weight.element, layers.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    player.pause();
    boards.still();
    frame.stop();
  };
  return { element, draw: () => frame.attempt(compute), stop };
}

function asCode({ who, stop, conservative_weight, belief }) {
  return `# player: the figure's name in your notebook; mdp: its world
player.who, player.conservative_weight, player.belief = "${who}", ${conservative_weight}, ${belief}
player.stop = ${stop}
q, policy = player.claims(), player.policy()
print("claimed", mdp.start @ q.max(1), "true", mdp.start @ mdp.values(policy, player.gamma)[0])
print(mdp.evaluate(policy))
`;
}

const render = rendered(trainingPlayer, ["who", "stop", "conservative_weight", "belief", "layer"]);
export default { render };
