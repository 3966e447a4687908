/* A world and how the best driver goes through it, beside one who fears no slip: turn the slip, the price of a crash,
   the deadline. The page computes everything it shows. */

import { makeBoards } from "./boards.js";
import { makeButton, makeDial } from "./controls.js";
import { bestInTime, judgedInTime } from "./deadline.js";
import { counted, sampleWays, tally } from "./driving.js";
import { makeFrame, whenSeen } from "./figure.js";
import { LABORATORY_SETTINGS } from "./laboratory_settings.js";
import { html, number } from "./page.js";
import { rendered } from "./render.js";
import { realIn } from "./settings.js";
import { endOf, gridWorld, pairs, SIGNS } from "./world.js";

const SETTINGS = {
  ...Object.fromEntries(["desc", "slip_prob", "max_steps", "step_reward", "goal_reward"].map((name) =>
    [name, LABORATORY_SETTINGS[name]])),
  hazard_reward: realIn(-1e6, 1000),
};
const TITLES = ["who fears no slip", "the best driver"];
const SLIPS = [0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1];
const PRICES = [0, 1, 10, 30, 100, 300, 1000, 1e4, 1e5, 1e6];
const DEADLINES = [10, 12, 13, 14, 15, 16, 17, 18, 20, 25, 30, 40, 60, 80, 120];
const VISITS = { palette: "presence", low: 0, high: 1, digits: 0, label: "where it goes: expected visits, up to 1" };

function bestDriver(model, page) {
  let now = null; // the world that is shown, and both drivers
  let boards = null;
  let drives = 0; // seeds the next fleet
  const frame = makeFrame(model, page, { name: "best_driver", settings: SETTINGS, python: asPython });
  const { change } = frame;
  const usual = { slip_prob: model.get("slip_prob"), max_steps: model.get("max_steps"),
    hazard_reward: model.get("hazard_reward") };
  const slip = makeDial("how often a step slips", SLIPS, (value) => change({ slip_prob: value }));
  const price = makeDial("price of a crash", PRICES, (value) => change({ hazard_reward: 0 - value }));
  const deadline = makeDial("deadline, in steps", DEADLINES, (value) => change({ max_steps: value }));
  const stage = html("div");
  const below = html("div");
  const run = frame.verb("let twenty drive", drive);
  const visit = (label, settings) => makeButton(label, () => {
    change({ ...usual, ...settings });
    queueMicrotask(drive); // once the boards show it
  });
  const hurry = { max_steps: shortest(model.get("desc")) };
  const visits = [visit("no slips", { slip_prob: 0 }), visit("a dear crash", { hazard_reward: -1e6 }),
    visit("in a hurry", hurry)];

  function drive() {
    const ways = now.drivers.map(({ policy }) => sampleWays(now.world, policy, 20, drives));
    drives++;
    boards.animate(ways, () => {
      const [fearless, best] = ways.map((of_board) => counted(tally(now.world, of_board)));
      frame.sentence.textContent = `Who fears no slip: ${fearless}. The best driver: ${best}. ${verdict()}`;
    });
  }

  function verdict() {
    const [fearless, best] = now.drivers.map(({ score }) =>
      `crashes in ${number(100 * score.hazard_rate)}% of its trips and earns ${number(score.return_mean)}`);
    return `Of the steps along an edge ${number(25 * now.settings.slip_prob, 2)}% end over it. ` +
      `Who fears no slip ${fearless}; the best driver ${best}.`;
  }

  function look(s) {
    if (now.world.terminal[s]) return endOf(now.world, s);
    const { q } = now;
    const most = Math.max(...pairs(s).map((p) => q[p]));
    const words = pairs(s).map((p, a) => `${SIGNS[a]} ${number(q[p])}${q[p] > most - 1e-9 ? "*" : ""}`);
    return `with ${now.settings.max_steps} steps left the best driver expects ${words.join(" · ")}`;
  }

  function compute() {
    const settings = frame.read();
    const world = gridWorld(settings);
    const { policy, q } = bestInTime(world);
    const fearless = bestInTime(gridWorld({ ...settings, slip_prob: 0 })).policy;
    const resized = ["width", "height"].some((side) => now?.world[side] !== world[side]);
    now = { settings, q, world: resized ? world : Object.assign(now.world, world), // boards keep their world
      drivers: [fearless, policy].map((one) => judgedInTime(world, one)) };
    if (resized) {
      boards?.still();
      boards = makeBoards(TITLES, now.world, { look });
      stage.replaceChildren(boards.stage);
      below.replaceChildren(...boards.below);
    }
    boards.draw(now.drivers.map(({ visits: values, mean }) => [{ ...VISITS, values }, mean, values]));
    slip.set(settings.slip_prob);
    price.set(0 - settings.hazard_reward);
    deadline.set(settings.max_steps);
    frame.sentence.textContent = verdict();
    frame.settle();
  }

  const element = frame.lay({
    bar: [html("div", { class: "sg-dials" }, slip.element, price.element, deadline.element), run, ...visits],
    stage: [stage],
    below: [below],
  });
  const unseen = whenSeen(stage, drive);
  const stop = () => {
    unseen();
    boards?.still();
    frame.stop();
  };
  return { element, draw: () => frame.attempt(compute), stop };
}

/* From start to goal, if nothing were in the way. */
function shortest(desc) {
  const [[x, y], [goal_x, goal_y]] = ["S", "G"].map((letter) => {
    const row = desc.findIndex((letters) => letters.includes(letter));
    return [desc[row].indexOf(letter), row];
  });
  return Math.abs(goal_x - x) + Math.abs(goal_y - y);
}

function asPython(s) {
  const desc = JSON.stringify(s.desc).replaceAll(",", ",\n          ");
  return `import safegrid as sg

settings = dict(
    desc=${desc},
    max_steps=${s.max_steps},
    step_reward=${s.step_reward}, hazard_reward=${s.hazard_reward}, goal_reward=${s.goal_reward},
)
mdp = sg.SafetyCriticalGridWorld(**settings, slip_prob=${s.slip_prob}).mdp
dry = sg.SafetyCriticalGridWorld(**settings, slip_prob=0.0).mdp
for name, world in {"fears no slip": dry, "best": mdp}.items():
    print(name, mdp.evaluate(world.optimal(1.0, horizon=mdp.horizon)))
`;
}

const render = rendered(bestDriver, Object.keys(SETTINGS));
export default { render };
