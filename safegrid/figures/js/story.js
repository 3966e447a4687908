/* The story of the book in one figure: who wrote the log beside who learned from it, at any conservative weight. */

import { judged, readAgents, readPolicy, readRising, readShares, readWorld, tableOf } from "./agents.js";
import { makeBoards } from "./boards.js";
import { fields, list, real, text, whole } from "./checks.js";
import { makeChoice, makeScale, makeSlider, named, row, WEIGHT_ENDS } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { explorerLayer, explorerLayers } from "./layers.js";
import { makeMicroscope } from "./microscope.js";
import { number } from "./page.js";
import { rendered } from "./render.js";
import { oneFrom, wholeIn } from "./settings.js";

const FLEET = 20;

function story(model, page) {
  const data = readStory(model.get("data"));
  const { world, weights, others, limits } = data;
  const names = weights.map(String);
  const known = explorerLayers(data.counts);
  const last = weights.length - 1;
  const frame = makeFrame(model, page, {
    name: "story",
    settings: { index: wholeIn(0, last), beside: oneFrom(others), layer: oneFrom(known) },
    python: ({ index }) => data.code.replaceAll("WEIGHT", names[index]),
  });
  let two = []; // who is on the boards
  let drives = 0; // seeds the next fleet

  const scope = makeMicroscope();
  const boards = makeBoards(["", ""], world, { look: (s) => scope.read(world, s, two[1]), scope: scope.element });
  const slider = makeSlider("conservative weight", names, (index) => frame.change({ index }));
  const marks = [...data.marks].map((i) => [i, names[i]]);
  const dial = makeScale(slider, last, WEIGHT_ENDS, marks, (index) => {
    frame.change({ index });
    queueMicrotask(drive); // once the boards show it
  });
  const beside = makeChoice("on the left", named(others), (value) => frame.change({ beside: value }));
  const layers = makeChoice("colour", named(known), (layer) => frame.change({ layer }));
  const run = frame.verb("let twenty drive", drive);

  function drive() {
    const ways = two.map(({ policy }) => sampleWays(world, policy, FLEET, drives));
    drives++;
    boards.animate(ways, () => {
      const [left, right] = ways.map((way) => counted(tally(world, way)));
      frame.sentence.textContent = `${two[0].name}: ${left}. ${two[1].name}: ${right}; ${belief()}`;
    });
  }

  function belief() {
    const [, { claimed, worth }] = two;
    return `it believed ${signed(claimed)}, the truth is ${signed(worth)}.`;
  }

  function draw() {
    const { index, beside: other, layer } = frame.read();
    two = [others[other][1], trained(data, index)];
    boards.draw(two.map((one) => {
      const own = one.q || ["visits", "coverage"].includes(layer) ? layer : "visits"; // who acts by rule claims nothing
      return [explorerLayer(own, world, one, limits), one.policy, one.visits];
    }));
    boards.boards.forEach((board, i) => {
      board.title.textContent = two[i].title;
    });
    slider.set(index);
    beside.set(other);
    layers.set(layer);
    frame.sentence.textContent = `CQL at weight ${names[index]}: ${belief()}`;
    frame.settle();
  }

  const element = frame.lay({
    bar: [dial, run],
    stage: [boards.stage],
    below: boards.below,
    more: [row(beside.element, layers.element)],
  });
  const unseen = whenSeen(boards.stage, drive);
  const stop = () => {
    unseen();
    boards.still();
    frame.stop();
  };
  return { element, draw, stop };
}

function trained({ world, gamma, scale, counts, weights, agent }, index) {
  const { policy, q } = agent(index);
  const weight = weights[index];
  const claimed = world.start.reduce((total, p, s) => total + (p && p * Math.max(...q.subarray(4 * s, 4 * s + 4))), 0);
  const title = `CQL, weight ${weight}`;
  return { name: "CQL", title, ...judged(world, policy, gamma), q, claimed, weight, scale, counts };
}

function signed(x) {
  return x > 0 ? `+${number(x, 0)}` : number(x, 0);
}

/* The data as it comes from Python, checked. */
function readStory(given) {
  const data = fields("data", given);
  const world = readWorld(data.world);
  const gamma = real("gamma", data.gamma, 0, 0.99999);
  const weights = [...readRising("weights", data.weights, 60, 0, 1e6)];
  const counts = list("counts", data.counts, 4 * world.S, 0, 1e7);
  const other = (name, title, policy) => [title, { name, title, ...judged(world, policy, gamma), counts }];
  return {
    world,
    gamma,
    weights,
    counts,
    scale: real("reward_scale", data.reward_scale, 1e-6, 1e3),
    agent: readAgents(data, weights.length, world),
    limits: tableOf(["claimed", "overestimate", "gap"], (name) => list(`limits.${name}`, data.limits?.[name], 2)),
    marks: list("marks", data.marks, whole("number of marks", data.marks?.length, 0, 6), 0, weights.length - 1),
    code: text("code", data.code, 2000),
    others: {
      driver: other("Its teacher", "its teacher: who wrote the log", readShares("driver", data.driver, 4 * world.S, 4)),
      clone: other("Its clone", "the clone: what the log did most often", readPolicy("clone", data.clone, world)),
    },
  };
}

const render = rendered(story, ["index", "beside", "layer"]);
export default { render };
