/* What can be set in a laboratory: dials, lists and lessons. Each tells `change` the settings that a hand chose. */

import { makeChoice, makeDial, makeScale, named, nearest, WEIGHT_ENDS } from "./controls.js";
import { DRIVERS } from "./laboratory_settings.js";
import { LABORATORY_LAYERS } from "./layers.js";
import { html, QUIET } from "./page.js";

/* Setting → its name on the page, and where its slider stops. */
const DIALS = {
  conservative_weight: [
    "conservative weight",
    [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200],
  ],
  belief: ["believes of moves nobody tried", [-100, -50, -20, 0, 5, 10, 15, 20, 30, 40, 50, 75, 100]],
  reward_scale: ["reward scale", [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]],
  n_steps: ["gradient steps", [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]],
  n_episodes: ["episodes in the log", [5, 10, 20, 30, 60, 100, 200, 500, 1000, 2000]],
  epsilon: ["how erratic the driver is, ε", range(0, 1, 50)],
  slip_prob: ["how often a step slips", range(0, 0.5, 50)],
  seed: ["seed", range(0, 99, 99)],
};

/* Evenly spaced stops, without the last digits of binary fractions. */
function range(low, high, n) {
  return Array.from({ length: n + 1 }, (_, i) => Number((low + ((high - low) * i) / n).toPrecision(4)));
}

/* The controls by the names of their settings, `forever` for n_steps = null, and `set`, which shows settings in all. */
export function makeControls(change) {
  const dials = Object.entries(DIALS).map(([name, [label, stops]]) =>
    [name, makeDial(label, stops, (value) => change({ [name]: value }))]);
  const controls = {
    ...Object.fromEntries(dials),
    driver: makeChoice("driver", named(DRIVERS), (value) => change({ driver: value })),
    layer: makeChoice("colour", named(LABORATORY_LAYERS), (value) => change({ layer: value })),
  };
  const tick = html("input", {
    type: "checkbox",
    change: () => change({ n_steps: tick.checked ? null : 2000 }),
    ...QUIET,
  });
  const forever = html("label", { class: "sg-tick" }, tick, "train for ever (the limit, residual 1e−9)");
  const [, stops] = DIALS.conservative_weight;
  const marks = [0, 6, 200].map((weight) => [nearest(stops, weight), String(weight)]);
  const weight = makeScale(controls.conservative_weight, stops.length - 1, WEIGHT_ENDS, marks,
    (i) => change({ conservative_weight: stops[i] }));
  const set = (settings) => {
    for (const [name, control] of Object.entries(controls)) control.set(settings[name]);
    tick.checked = settings.n_steps === null;
  };
  return { ...controls, weight, forever: { element: forever }, set };
}

/* A list of lessons, and the text of the one whose settings are shown, where there is room for the longest of them. */
export function makeLessons(presets, change) {
  const options = [["", "choose a lesson …"], ...presets.map(({ name }, i) => [i, name])];
  const choice = makeChoice("try", options, (i) => change(presets[i]?.settings ?? {}));
  const own = "Your own settings. The list above has lessons.";
  const texts = [...presets.map((preset) => preset.lesson), own].map((text) => html("p", {}, text));
  const lesson = html("div", { class: "sg-lesson" }, ...texts);
  const set = (settings) => {
    const holds = ([name, value]) => String(value) === String(settings[name]);
    const at = presets.findIndex((preset) => Object.entries(preset.settings).every(holds));
    choice.set(at < 0 ? "" : at);
    texts.forEach((text) => text.classList.toggle("sg-unseen", text !== texts.at(at)));
  };
  return { choice, lesson, set };
}
