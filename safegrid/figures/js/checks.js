/* What comes from outside is refused by its name, its value and what was expected. */

import { minus } from "./page.js";

export function refuse(name, value, expected) {
  throw new Error(`${name} is ${shown(value).slice(0, 60)}, expected ${expected}`);
}

function shown(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value);
  return value !== null && typeof value === "object" ? "named fields" : String(value);
}

function fits(value, low, high) {
  return Number.isFinite(value) && value >= low && value <= high;
}

export function real(name, value, low, high) {
  if (!fits(value, low, high)) refuse(name, value, `a number in ${minus(low)}…${minus(high)}`);
  return value;
}

export function whole(name, value, low, high) {
  if (!fits(value, low, high) || !Number.isInteger(value)) refuse(name, value, `a whole number in ${low}…${high}`);
  return value;
}

export function yesOrNo(name, value) {
  if (typeof value !== "boolean") refuse(name, value, "true or false");
  return value;
}

export function text(name, value, most) {
  if (typeof value !== "string" || value.length > most) refuse(name, value, `text of at most ${most} letters`);
  return value;
}

export function fields(name, value) {
  if (value?.constructor !== Object) refuse(name, value, "named fields");
  return value;
}

export function oneOf(name, value, table) {
  const known = typeof value === "string" && Object.hasOwn(table, value);
  if (!known) refuse(name, value, `one of ${Object.keys(table).join(", ")}`);
  return value;
}

/* A list of so many numbers, whole ones unless the type has fractions. */
export function list(name, value, length, low = -1e9, high = 1e9, type = Float64Array) {
  if (!Array.isArray(value) || value.length !== length) refuse(name, value, `a list of ${length}`);
  const check = type === Float64Array ? real : whole;
  value.forEach((x, i) => {
    if (!fits(x, low, high) || check === whole) check(`${name}[${i}]`, x, low, high);
  });
  return type.from(value);
}
