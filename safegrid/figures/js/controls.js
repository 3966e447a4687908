/* What a hand can set: sliders, boxes, lists, buttons. Each tells `choose` what was chosen, and is told by `set`. */

import { html, QUIET } from "./page.js";

/* What the ends of every slider over the conservative weight mean. */
export const WEIGHT_ENDS = { low: "dreams", high: "copies" };

/* The position of the value nearest to a wanted one; the last of several. */
export function nearest(values, wanted) {
  const nearer = (kept, v, i) => (Math.abs(v - wanted) <= Math.abs(values[kept] - wanted) ? i : kept);
  return values.reduce(nearer, 0);
}

/* A slider from one stop to the next. */
export function makeSlider(label, names, choose) {
  const input = html("input", {
    type: "range",
    min: 0,
    max: names.length - 1,
    step: 1,
    "aria-label": label,
    input: () => choose(Number(input.value)),
    ...QUIET,
  });
  const output = html("output", {});
  const set = (i, words = names[i]) => {
    input.value = i;
    input.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  const element = html("label", { class: "sg-slider" }, html("span", {}, label), input, output);
  return { element, output, set };
}

/* What stands under a slider: the words at its two ends, and names of some of its stops, which can be pressed. */
export function makeScale(slider, last, { low, high }, marks, choose) {
  const mark = ([i, name]) => {
    const button = makeButton(name, () => choose(i));
    button.style.left = `${(100 * i) / last}%`;
    button.classList.add("sg-mark");
    return button;
  };
  const ends = html("div", { class: "sg-ends", "aria-hidden": "true" },
    html("span", {}, `${low} ←`), html("span", {}, `→ ${high}`));
  const buttons = html("div", { class: "sg-marks" }, ...marks.map(mark));
  return html("div", { class: "sg-scale" }, slider.element, buttons, ends);
}

/* A slider over `stops` beside a box for any other number; `choose` gets the number. */
export function makeDial(label, stops, choose) {
  const slider = makeSlider(label, stops.map(String), (i) => choose(stops[i]));
  const box = html("input", {
    type: "number",
    step: "any",
    "aria-label": `${label}, exactly`,
    change: () => choose(box.value === "" ? NaN : Number(box.value)),
    ...QUIET,
  });
  slider.output.replaceWith(box);
  const set = (value) => {
    slider.set(nearest(stops, value ?? Infinity), value === null ? "for ever" : String(value));
    box.value = value ?? "";
  };
  return { element: slider.element, set };
}

/* A list of options, each a value and its name. */
export function makeChoice(label, options, choose) {
  const items = options.map(([value, name]) => html("option", { value }, name));
  const input = html("select", { "aria-label": label, change: () => choose(input.value), ...QUIET }, ...items);
  const set = (value) => {
    input.value = value;
  };
  return { element: html("label", { class: "sg-field" }, html("span", {}, label), input), set };
}

/* The options of a table whose entries begin with their name on the page. */
export function named(table) {
  return Object.entries(table).map(([value, [name]]) => [value, name]);
}

export function makeButton(label, click) {
  return html("button", { type: "button", click }, label);
}

export function row(...children) {
  return html("div", { class: "sg-row" }, ...children);
}
