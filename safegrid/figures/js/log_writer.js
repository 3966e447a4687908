/* You write the log: drive, and see what it holds, what it lacks, and who learned from it. The page computes all. */

import { makeBoards } from "./boards.js";
import { makeButton, makeChoice, makeDial, makeSlider, named } from "./controls.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { GAMMA, LABORATORY_SETTINGS, WORLD } from "./laboratory_settings.js";
import { LEARNERS, OTHERS, studyOf, WRITER_SETTINGS, writtenInPython } from "./log_writer_study.js";
import { html, number, percent, svg } from "./page.js";
import { makePlayer } from "./player.js";
import { rendered } from "./render.js";
import { checked } from "./settings.js";
import { endOf, gridWorld, pairs, SIGNS } from "./world.js";

const KEYS = { ArrowDown: 0, ArrowRight: 1, ArrowUp: 2, ArrowLeft: 3 };
const PAD = [["↑", 2, "up"], ["←", 3, "left"], ["↓", 0, "down"], ["→", 1, "right"]];
const FAR = 24; // pixels: from there on a touch that moves is a swipe
const LACKS = {
  palette: "presence", low: -0.6, high: 3, digits: 0, label: "moves never tried, up to 3; paper: nobody was there",
};
const GOES = { palette: "presence", low: 0, high: 1, digits: 0, label: "where it goes: expected visits, up to 1" };

function logWriter(model, page) {
  const frame = makeFrame(model, page, { name: "log_writer", settings: WRITER_SETTINGS, python: writtenInPython });
  const given = Object.fromEntries(WORLD.map((name) => [name, model.get(name)]));
  const world = gridWorld(checked(LABORATORY_SETTINGS, given));
  const everywhere = new Float64Array(4 * world.S).fill(0.25);
  let now = null; // the study that is shown
  let drives = 0; // seeds the next fleet
  const choose = (name) => (value) => frame.change({ [name]: value });
  const boards = makeBoards(["the log: drive here", ""], world, { look });
  const [own, learned] = boards.boards;
  const car = svg("circle", { r: 0.32, class: "sg-car" });
  const trail = svg("polyline", { class: "sg-track" });
  own.picture.append(trail, car);
  const slider = makeSlider("drives of the careless driver", OTHERS.map(String), (i) => choose("others")(OTHERS[i]));
  const last = () => OTHERS.length - 1;
  const player = makePlayer(last, stop, (i) => choose("others")(OTHERS[i]), frame.sentence, 450);
  const run = frame.verb("let the learner drive", drive);
  const learner = makeChoice("who learns from it", named(LEARNERS), choose("learner"));
  const dials = [
    ["epsilon", makeDial("how erratic the driver is, ε", [0, 0.1, 0.22, 0.4, 0.6, 0.8, 1], choose("epsilon"))],
    ["expert_share", makeDial("share of an expert's drives", [0, 0.1, 0.25, 0.5, 0.75, 1], choose("expert_share"))],
    ["seed", makeDial("seed of the dice", Array.from({ length: 50 }, (_, i) => i), choose("seed"))],
  ];
  const buttons = PAD.map(([sign, action, way]) => {
    const button = makeButton(sign, () => steer(action));
    button.setAttribute("aria-label", `drive ${way}`);
    return button;
  });
  const pad = html("div", { class: "sg-pad", tabindex: 0, role: "group",
    "aria-label": "drive with the arrow keys, the buttons, or swipes" }, ...buttons);
  let down = null;
  pad.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(KEYS, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    steer(KEYS[event.key]);
  });
  for (const place of [pad, own.picture]) {
    place.addEventListener("pointerdown", ({ clientX, clientY }) => {
      down = [clientX, clientY];
    });
    place.addEventListener("pointerup", ({ clientX, clientY }) => {
      const [dx, dy] = down ? [clientX - down[0], clientY - down[1]] : [0, 0];
      down = null;
      if (Math.hypot(dx, dy) < FAR) return;
      const [back, on] = Math.abs(dx) > Math.abs(dy) ? [dx < 0 && 3, 1] : [dy < 0 && 2, 0];
      steer(back || on);
    });
  }

  /* The last stop that the driver's drives have reached. */
  function stop() {
    return Math.max(0, OTHERS.findLastIndex((n) => n <= model.get("others")));
  }

  function steer(action) {
    frame.change({ drives: model.get("drives") + action });
  }

  function drive() {
    const ways = sampleWays(world, now.policy, 20, drives++);
    learned.animate(ways, () => {
      const who = now.ends.all ? "Who learned from it" : "Who learned from nothing";
      frame.sentence.textContent = `${who}: ${counted(tally(world, ways))}. ${words()}`;
    });
  }

  function words() {
    const { ends, unseen, moves, score } = now;
    const all = ends.all === 1 ? "1 drive" : `${ends.all} drives`;
    const log = ends.all ? `The log holds ${all}, ${ends.hazard} crashed. ` +
      `Where it was, ${percent(unseen / moves)} of the moves were never tried. ` : "";
    if (!log) return "No drive is finished yet. Press play, or drive to G: arrow keys, buttons or swipes.";
    return `${log}Who learns from it arrives in ${percent(score.goal_rate)} of its trips, and crashes in ` +
      `${percent(score.hazard_rate)}.`;
  }

  function look(s) {
    if (world.terminal[s]) return endOf(world, s);
    const claim = (p) => (now.q ? ` claims ${number(now.q[p])}` : "");
    return pairs(s).map((p, a) => `${SIGNS[a]} ${now.counts[p]}×${claim(p)}`).join(" · ");
  }

  function compute() {
    const state = frame.read();
    now = studyOf(world, state, GAMMA);
    const { visits } = now.score;
    own.draw({ ...LACKS, values: now.lacks }, everywhere, visits);
    learned.draw({ ...GOES, values: visits }, now.policy, visits);
    boards.point(now.hand.here);
    learned.title.textContent = LEARNERS[state.learner][0];
    const [x, y] = world.cells[now.hand.here];
    car.setAttribute("cx", x + 0.5);
    car.setAttribute("cy", y + 0.5);
    trail.setAttribute("points", now.hand.way.map((s) => world.cells[s].map((c) => c + 0.5).join(" ")).join(","));
    slider.set(stop(), String(state.others));
    learner.set(state.learner);
    for (const [name, dial] of dials) dial.set(state[name]);
    frame.sentence.textContent = words();
    frame.settle();
  }

  const element = frame.lay({
    bar: [html("div", { class: "sg-scale" }, slider.element), player.button, run, pad],
    stage: [boards.stage],
    below: [html("div", { class: "sg-row" }, learner.element), ...boards.below],
    more: [html("div", { class: "sg-dials" }, ...dials.map(([, dial]) => dial.element))],
  });
  const unseen = whenSeen(boards.stage, drive);
  const end = () => {
    unseen();
    player.pause();
    boards.still();
    frame.stop();
  };
  return { element, draw: () => frame.attempt(compute), stop: end };
}

const render = rendered(logWriter, Object.keys(WRITER_SETTINGS));
export default { render };
