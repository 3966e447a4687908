/* A chart: a quantity over the stops of a dial, with intervals, references and the stop that is chosen. */

import { decades, POWERS, tickName, ticks } from "./axis.js";
import { nearest } from "./controls.js";
import { html, svg } from "./page.js";

const WIDTH = 320;
const HEIGHT = 132;
const LEFT = 44;
const RIGHT = 58;
const TOP = 12;
const FLOOR = HEIGHT - 32;
const SPAN = WIDTH - LEFT - RIGHT;

/* `series`: { name, colour, dash, rows: [[estimate, low, high], …] } each; `levels`: [name, value] each;
   `logarithmic`: of a probability, so that ten times rarer is as far everywhere. The dial: its `name`, where its stops
   stand (`places`, in 0…1) and what they are called (`names`). */
export function makeChart({ title, series, levels, format, logarithmic = false }, dial, choose) {
  const { name, places, names } = dial;
  const height = logarithmic ? decades : (value) => value;
  const { low, high } = logarithmic ? { low: 0, high: decades(1) } : bounds(series, levels);
  const x = (i) => LEFT + places[i] * SPAN;
  const y = (value) => FLOOR - ((height(value) - low) / (high - low)) * (FLOOR - TOP);
  const marker = svg("line", { y1: TOP, y2: FLOOR, class: "sg-marker" });
  const dots = series.map(({ colour }) => svg("circle", { r: 4.5, fill: colour, class: "sg-dot" }));
  const rings = series.map(({ colour }) => svg("circle", { r: 3.2, stroke: colour, class: "sg-ring" }));
  const now = html("p", { class: "sg-now" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sg-chart", role: "img" },
    ...heightLines(logarithmic ? POWERS : ticks(low, high), y, format),
    ...stopNames(name, names, places.map((_, i) => x(i))),
    ...levels.map(([, value]) => across(y(value), "sg-level")),
    ...lineNames(series, levels, y),
    ...series.flatMap((line) => lineWithBand(line, x, y)),
    marker, ...rings, ...dots);
  const grasp = (event) => {
    const box = picture.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    choose(nearest(places, (at - LEFT) / SPAN));
  };
  picture.addEventListener("click", grasp);
  picture.addEventListener("pointermove", (event) => event.buttons & 1 && grasp(event)); // the marker is dragged

  /* Marks stop i; `own` is the chosen agent's value of each series. */
  function draw(i, own = series.map(({ rows }) => rows[i][0])) {
    marker.setAttribute("x1", x(i));
    marker.setAttribute("x2", x(i));
    series.forEach(({ rows }, k) => {
      for (const [mark, value] of [[dots[k], rows[i][0]], [rings[k], own[k]]]) {
        mark.setAttribute("cx", x(i));
        mark.setAttribute("cy", Math.min(FLOOR, Math.max(TOP, y(value))));
      }
    });
    now.textContent = series.map((line, k) => spelled(line, i, own[k], format)).join("; ");
    picture.setAttribute("aria-label", `${title} at ${name} ${names[i]}: ${now.textContent}`);
  }

  return { element: html("div", {}, html("p", { class: "sg-title" }, title), picture, now), draw };
}

/* Where numbers stand on an axis from 0 to 1: by their logarithm, with 0 a step to the left of the smallest. */
export function logPlaces(values) {
  const least = Math.min(...values.filter((v) => v > 0));
  const gap = Math.log(Math.max(...values) / least) / values.length || 1;
  const shift = values[0] === 0 ? gap : 0;
  const raw = values.map((v) => (v === 0 ? 0 : shift + Math.log(v / least)));
  return raw.map((at) => (values.length > 1 ? at / raw.at(-1) : 0.5));
}

/* The lowest and highest height, with some air. */
function bounds(series, levels) {
  const drawn = [...series.flatMap(({ rows }) => rows.flat()), ...levels.map(([, value]) => value)];
  const finite = drawn.filter(Number.isFinite);
  const lowest = Math.min(...finite);
  const highest = Math.max(...finite);
  const air = 0.06 * (highest - lowest || 1);
  return { low: lowest - air, high: highest + air };
}

function write(x, y, anchor, words) {
  return svg("text", { x, y, "text-anchor": anchor }, words);
}

function across(height, name) {
  return svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: height, y2: height, class: name });
}

function heightLines(heights, y, format) {
  const line = (v) => [across(y(v), "sg-grid"), write(LEFT - 5, y(v) + 3.5, "end", tickName(v, format, heights))];
  return heights.flatMap(line);
}

function stopNames(dial, names, places) {
  const shown = sparse(names, places).map((i) => write(places[i], FLOOR + 13, "middle", names[i]));
  return [...shown, write(LEFT + SPAN / 2, HEIGHT - 4, "middle", dial)];
}

/* The references' names, and the lines' where there are several, at the right. */
function lineNames(series, levels, y) {
  const ends = series.length > 1 ? series.map(({ name, rows }) => [name, y(rows.at(-1)[0])]) : [];
  const labels = [...levels.map(([name, value]) => [name, y(value)]), ...ends];
  return apart(labels).map(([name, at]) => write(WIDTH - RIGHT + 5, at, "start", name));
}

function lineWithBand({ rows, colour, dash }, x, y) {
  const path = (k) => rows.map((row, i) => `${x(i)},${y(row[k])}`);
  const stroke = { stroke: colour, class: "sg-line", "stroke-dasharray": dash ? "5 3" : null };
  const line = svg("polyline", { points: path(0).join(" "), ...stroke });
  if (!rows.flat().every(Number.isFinite)) return [line]; // one log has no interval
  const around = [...path(1), ...path(2).reverse()].join(" ");
  return [svg("polygon", { points: around, fill: colour, class: "sg-band" }), line];
}

function spelled({ name, rows }, i, own, format) {
  const [estimate, from, to] = rows[i];
  const interval = Number.isFinite(from) ? ` [${format(from)}, ${format(to)}]` : "";
  const ring = own === estimate ? "" : `, ○ ${format(own)}`;
  return `${name} ${format(estimate)}${interval}${ring}`;
}

/* The positions of the labels that there is room for. */
function sparse(labels, places) {
  const kept = [];
  labels.forEach((label, i) => {
    const room = kept.length ? places[i] - places[kept.at(-1)] : Infinity;
    if (room > 5 * label.length + 9) kept.push(i);
  });
  return kept;
}

/* Labels [name, height] moved until they no longer lie on each other, or below the floor. */
function apart(labels) {
  const sorted = labels.map(([name, at]) => [name, at + 3]).sort((a, b) => a[1] - b[1]);
  sorted.forEach((label, i) => {
    label[1] = Math.max(label[1], i ? sorted[i - 1][1] + 11 : TOP + 3);
  });
  sorted.reverse();
  sorted.forEach((label, i) => {
    label[1] = Math.min(label[1], i ? sorted[i - 1][1] - 11 : FLOOR + 3);
  });
  return sorted;
}
