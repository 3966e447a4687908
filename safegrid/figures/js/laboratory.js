/* The laboratory: paint a world, sample a log, clone it and train on it. The page computes everything it shows. */

import { makeBoards } from "./boards.js";
import { makeChoice, row } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { makeControls, makeLessons } from "./laboratory_controls.js";
import { makeTable, verdict } from "./laboratory_results.js";
import { LABORATORY_SETTINGS, readPresets } from "./laboratory_settings.js";
import { laboratoryLayer } from "./layers.js";
import { makeMicroscope } from "./microscope.js";
import { html } from "./page.js";
import { asPython } from "./python_code.js";
import { rendered } from "./render.js";
import { study } from "./study.js";

const TITLES = ["clone: the log's most frequent action", "CQL: conservative Q-learning"];
const BRUSHES = [
  ["H", "sets or removes a hazard"], ["W", "sets or removes a wall"], ["S", "moves the start"], ["G", "moves the goal"],
];
const LUCK = [["same", "keeps its drives, where they still can"], ["new", "is driven anew"]];

function laboratory(model, page) {
  let now = null; // the study that is shown
  let boards = null; // the clone's and CQL's
  let tool = "H";
  let brushed = false; // whether the last change was a touch of the brush
  let anew = false; // whether a touch draws another log, too
  let drives = 0; // seeds the next fleet

  const frame = makeFrame(model, page, { name: "laboratory", settings: LABORATORY_SETTINGS, python: asPython });
  const { change } = frame;
  const controls = makeControls(change);
  const lessons = makeLessons(readPresets(model.get("presets")), change);
  const brush = makeChoice("a touch on a board", BRUSHES, (value) => {
    tool = value;
  });
  const luck = makeChoice("and the log", LUCK, (value) => {
    anew = value === "new";
  });
  const table = makeTable();
  const scope = makeMicroscope();
  const stage = html("div");
  const below = html("div");
  const run = frame.verb("let twenty drive", drive);
  const again = frame.verb("draw another log", () => change({ seed: (now.settings.seed + 1) % 2 ** 32 }));

  function drive() {
    if (!now) return;
    const ways = [now.clone, now.cql].map(({ policy }) => sampleWays(now.world, policy, 20, drives));
    drives++;
    boards.animate(ways, () => {
      const [clone, cql] = ways.map((of_board) => counted(tally(now.world, of_board)));
      frame.sentence.textContent = `Clone: ${clone}. CQL: ${cql}. ${verdict(now)}`;
    });
  }

  function paint(state, stroke) {
    const desc = painted(model.get("desc"), tool, state, stroke);
    brushed = desc !== null;
    if (desc) change(anew ? { desc, seed: (model.get("seed") + 1) % 2 ** 32 } : { desc });
  }

  function look(s) {
    const { world, model: log, q, cql, settings } = now;
    return scope.read(world, s, {
      counts: log.counts,
      q,
      truth: cql,
      policy: cql.policy,
      weight: settings.conservative_weight,
      scale: settings.reward_scale,
    });
  }

  function compute() {
    const next = study(frame.read(), now);
    const resized = ["width", "height"].some((side) => now?.world[side] !== next.world[side]);
    now = resized ? next : { ...next, world: Object.assign(now.world, next.world) }; // boards keep their world
    if (resized) replaceBoards();
    draw();
  }

  function replaceBoards() {
    boards?.still();
    boards = makeBoards(TITLES, now.world, { look, scope: scope.element, paint });
    stage.replaceChildren(boards.stage);
    below.replaceChildren(...boards.below);
  }

  function draw() {
    const { clone, cql, settings } = now;
    boards.draw([clone, cql].map((agent, claiming) =>
      [laboratoryLayer(settings.layer, now, agent, claiming), agent.policy, agent.score.visits]));
    controls.set(settings);
    lessons.set(settings);
    table.draw(now);
    frame.sentence.textContent = verdict(now, brushed);
    brushed = false;
    frame.settle();
  }

  const element = frame.lay({
    bar: [controls.weight, run, again],
    stage: [html("div", { class: "sg-row" }, lessons.choice.element, controls.belief.element), lessons.lesson, stage],
    below: [below, table.element],
    more: [row(brush.element, luck.element, controls.layer.element), grid(controls, "n_episodes", "epsilon",
      "slip_prob", "n_steps", "forever", "reward_scale", "seed", "driver")],
  });
  const unseen = whenSeen(stage, drive);

  function stop() {
    unseen();
    boards?.still();
    frame.stop();
  }

  return { element, draw: () => frame.attempt(compute), stop };
}

function grid(controls, ...names) {
  return html("div", { class: "sg-dials" }, ...names.map((name) => controls[name].element));
}

/* A map after a touch, or nothing where the touch changes nothing. A stroke remembers what it has done so far. */
function painted(desc, tool, state, stroke) {
  const width = desc[0].length;
  const letters = [...desc.join("")];
  if ("SG".includes(letters[state])) return null;
  if ("SG".includes(tool)) {
    letters[letters.indexOf(tool)] = stroke.under ?? "F"; // what start or goal stood on
    stroke.under = letters[state];
    letters[state] = tool;
  } else {
    stroke.letter ??= letters[state] === tool ? "F" : tool; // one stroke, one letter
    letters[state] = stroke.letter;
  }
  return desc.map((_, y) => letters.slice(y * width, (y + 1) * width).join(""));
}

const render = rendered(laboratory, Object.keys(LABORATORY_SETTINGS));
export default { render };
