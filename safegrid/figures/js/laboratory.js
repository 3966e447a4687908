/* The laboratory: paint a world, sample a log, clone it and train on it. The page computes everything it shows. */

import { makeBoard } from "./board.js";
import { makeButton, makeChoice, row } from "./controls.js";
import { sampleWays } from "./driving.js";
import { makeControls, makeLessons } from "./laboratory_controls.js";
import { describeCell, makeTable, verdict } from "./laboratory_results.js";
import { checkSetting, checkSettings, readPresets, SETTINGS } from "./laboratory_settings.js";
import { laboratoryLayer } from "./layers.js";
import { html, QUIET } from "./page.js";
import { asPython } from "./python_code.js";
import { fromLink, isLink, toLink } from "./share_link.js";
import { study } from "./study.js";

const TITLES = ["clone: the log's most frequent action", "CQL: conservative Q-learning"];
const BRUSHES = [
  ["H", "sets or removes a hazard"], ["W", "sets or removes a wall"], ["S", "moves the start"], ["G", "moves the goal"],
];
const LUCK = [["same", "keeps its drives, where they still can"], ["new", "is driven anew"]];

/* `page` is true where the page's address is this laboratory's to read and write. */
export function laboratory(model, page) {
  let now = null; // the study that is shown
  let boards = []; // the clone's and CQL's
  let tool = "H";
  let anew = false; // whether a touch draws another log, too

  const alert = html("p", { class: "sg-error", role: "alert" });
  const attempt = (action) => {
    try {
      alert.textContent = "";
      action();
    } catch (error) {
      alert.textContent = error.message;
    }
  };
  const change = (settings) => attempt(() => { // all of them or none
    for (const [name, value] of Object.entries(checkSettings(settings))) model.set(name, value);
    model.save_changes();
  });
  const button = (label, action) => makeButton(label, () => attempt(() => now && action()));

  const controls = makeControls(change);
  const lessons = makeLessons(readPresets(model.get("presets")), change);
  const brush = makeChoice("a touch on a board", BRUSHES, (value) => {
    tool = value;
  });
  const luck = makeChoice("and the log", LUCK, (value) => {
    anew = value === "new";
  });
  const table = makeTable();
  const sentence = html("p", { class: "sg-sentence", "aria-live": "polite" });
  const stage = html("div", { class: "sg-pair" });
  const sheet = makeSheet();
  const run = button("run 20 episodes", () => {
    const policies = [now.clone.policy, now.cql.policy];
    boards.forEach((board, i) => board.animate(sampleWays(now.world, policies[i], 20, now.settings.seed)));
  });
  const code = button("copy as Python", () => sheet.hand(asPython(now.settings)));
  const share = button("share link", () => {
    history.replaceState(null, "", toLink(now.settings));
    sheet.hand(location.href);
  });

  function paint(state, stroke) {
    const desc = painted(model.get("desc"), tool, state, stroke);
    if (desc) change(anew ? { desc, seed: (model.get("seed") + 1) % 2 ** 32 } : { desc });
  }

  function compute() {
    const settings = Object.fromEntries(SETTINGS.map((name) => [name, checkSetting(name, model.get(name))]));
    const next = study(settings, now);
    const resized = ["width", "height"].some((side) => now?.world[side] !== next.world[side]);
    now = resized ? next : { ...next, world: Object.assign(now.world, next.world) }; // boards keep their world
    if (resized) replaceBoards();
    draw();
  }

  function replaceBoards() {
    boards.forEach((board) => board.still());
    boards = TITLES.map((title, claiming) =>
      makeBoard(title, now.world, (s) => describeCell(now, s, claiming), paint));
    stage.replaceChildren(...boards.map((board) => board.element));
  }

  function draw() {
    const { clone, cql, settings } = now;
    [clone, cql].forEach((agent, claiming) => {
      const layer = laboratoryLayer(settings.layer, now, agent, claiming);
      boards[claiming].draw(layer, agent.policy, agent.score.visits);
    });
    controls.set(settings);
    lessons.set(settings);
    table.draw(now);
    sentence.textContent = verdict(now);
  }

  const visit = () => {
    if (isLink(location.hash)) attempt(() => change(fromLink(location.hash)));
  };
  if (page) {
    addEventListener("hashchange", visit);
    queueMicrotask(visit);
  }

  function stop() {
    removeEventListener("hashchange", visit);
    boards.forEach((board) => board.still());
  }

  const element = html("div", { class: "sg-lab" },
    row(lessons.choice.element, controls.layer.element, brush.element, luck.element),
    lessons.lesson,
    grid(controls, "conservative_weight", "belief", "reward_scale"),

    sentence,
    alert,
    stage,
    table.element,
    grid(controls, "n_steps", "forever", "n_episodes", "epsilon", "slip_prob", "seed", "driver"),
    row(run, code, page ? share : null),
    sheet.element);
  return { element, draw: () => attempt(compute), stop };
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

/* A text to copy. */
function makeSheet() {
  const element = html("textarea", {
    class: "sg-sheet",
    readonly: true,
    rows: 6,
    hidden: true,
    "aria-label": "text to copy",
    ...QUIET,
  });
  const hand = (words) => {
    element.hidden = false;
    element.value = words;
    element.select();
    navigator.clipboard?.writeText(words).catch(() => {}); // where that is forbidden, the text is selected
  };
  return { element, hand };
}
