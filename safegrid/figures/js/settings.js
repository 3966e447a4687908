/* Kinds of settings: each knows how to check a value and how a link writes it. */

import { oneOf, real, refuse, whole, yesOrNo } from "./checks.js";

export function wholeIn(low, high) {
  return { check: (name, value) => whole(name, value, low, high), read: toNumber };
}

export function realIn(low, high) {
  return { check: (name, value) => real(name, value, low, high), read: toNumber };
}

export function oneFrom(table) {
  return { check: (name, value) => oneOf(name, value, table), read: (raw) => raw };
}

export function onOrOff() {
  return { check: yesOrNo, read: (raw) => ({ true: true, false: false })[raw] ?? raw };
}

export function toNumber(raw) {
  return raw.trim() === "" ? NaN : Number(raw); // Number alone would make it 0
}

/* Some or all of a figure's settings, checked; a name that it does not have is refused. */
export function checked(settings, given) {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => {
    const known = Object.hasOwn(settings, name);
    if (!known) refuse("setting", name, `one of ${Object.keys(settings).join(", ")}`);
    return [name, settings[name].check(name, value)];
  }));
}
