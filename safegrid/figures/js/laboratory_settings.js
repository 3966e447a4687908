/* What a laboratory can be set to, and what it refuses. */

import { fields, refuse, text, whole } from "./checks.js";
import { LABORATORY_LAYERS } from "./layers.js";
import { checked, onOrOff, oneFrom, realIn, wholeIn } from "./settings.js";

export const GAMMA = 0.99;

/* The lowest and highest value of each setting, as `LIMITS` in Python: a page must never freeze. */
export const LIMITS = {
  size: [2, 20],
  max_steps: [1, 400],
  n_episodes: [1, 2000],
  seed: [0, 4294967295],
  n_steps: [1, 5000],
  conservative_weight: [0, 1000],
  slip_prob: [0, 1],
  epsilon: [0, 1],
  step_reward: [-1e3, 1e3],
  hazard_reward: [-1e3, 1e3],
  goal_reward: [-1e3, 1e3],
  belief: [-1e3, 1e3],
  reward_scale: [1e-3, 10],
};
const WHOLE = ["max_steps", "n_episodes", "seed", "n_steps"];

/* The settings that decide about the world, the log, and what is trained on it. */
export const WORLD = ["desc", "slip_prob", "max_steps", "step_reward", "hazard_reward", "goal_reward"];
export const LOG = [...WORLD, "driver", "epsilon", "n_episodes", "seed", "own_dice"];
export const TRAINING = [...LOG, "conservative_weight", "reward_scale", "n_steps", "belief"];

export const DRIVERS = {
  careless: ["careless: towards the goal"],
  expert: ["expert: the optimal way"],
};

/* Each setting and its kind. A link made before there were beliefs or dice says nothing of them. */
export const LABORATORY_SETTINGS = {
  desc: { check: (name, value) => checkMap(value), read: (raw) => raw.split(".") },
  ...Object.fromEntries([...TRAINING, "layer"].filter((name) => name !== "desc").map((name) => [name, kindOf(name)])),
};
LABORATORY_SETTINGS.belief.before = 0;
LABORATORY_SETTINGS.own_dice.before = false;

function kindOf(name) {
  if (name === "driver") return oneFrom(DRIVERS);
  if (name === "own_dice") return onOrOff();
  if (name === "layer") return oneFrom(LABORATORY_LAYERS);
  const kind = (WHOLE.includes(name) ? wholeIn : realIn)(...LIMITS[name]);
  return name === "n_steps" ? orForEver(kind) : kind;
}

/* null is the limit. */
function orForEver({ check, read }) {
  return {
    check: (name, value) => (value === null ? value : check(name, value)),
    read: (raw) => (raw === "null" ? null : read(raw)),
  };
}

/* A map of S, F, H, G and W, with one start and one goal, every row as long as the first. */
function checkMap(desc) {
  if (!Array.isArray(desc)) refuse("desc", desc, "a list of rows");
  whole("number of rows", desc.length, ...LIMITS.size);
  const [least, most] = LIMITS.size;
  const width = Math.min(most, Math.max(least, desc[0]?.length || 0));
  desc.forEach((letters, y) => {
    const fit = typeof letters === "string" && letters.length === width && /^[SFHGW]*$/.test(letters);
    if (!fit) refuse(`desc row ${y}`, letters, `${width} letters S, F, H, G or W`);
  });
  for (const letter of "SG") {
    const pieces = desc.join("").split(letter);
    if (pieces.length !== 2) refuse("desc", desc.join("/"), `exactly one ${letter}`);
  }
  return desc;
}

/* Lessons: each a name, what it teaches, and the settings that show it. */
export function readPresets(given) {
  if (!Array.isArray(given) || given.length > 12) refuse("presets", given, "a list of at most 12");
  return given.map((preset) => fields("preset", preset)).map(({ name, lesson, settings }) => ({
    name: text("preset", name, 60),
    lesson: text("lesson", lesson, 400),
    settings: checked(LABORATORY_SETTINGS, fields("settings", settings)),
  }));
}
