/* Every run as a dot: a row for each agent, a dot for each log, a diamond for their mean. A dot can be chosen. */

import { decades, POWERS, tickName, ticks } from "./axis.js";
import { html, svg } from "./page.js";

const WIDTH = 320;
const LEFT = 82;
const RIGHT = 14;
const TOP = 16;
const ROW = 17;

/* `rows`: a name and a colour each; `levels`: [name, value] each, lines across all rows; `bounds`: of every value that
   will ever be drawn; `logarithmic`: of a probability. `choose(i)` gets the place of the dot that was touched. */
export function makeDots({ title, rows, n, levels, bounds, format, logarithmic = false }, choose) {
  const scale = logarithmic ? decades : (value) => value;
  const [low, high] = logarithmic ? [0, decades(1)] : bounds;
  const floor = TOP + ROW * rows.length;
  const x = (value) => LEFT + ((scale(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const y = (k) => TOP + ROW * (k + 0.5);
  const marks = logarithmic ? POWERS : ticks(low, high);
  const dots = rows.map(({ colour }) => Array.from({ length: n }, () => svg("circle", { r: 3, fill: colour })));
  const rings = rows.map(() => svg("circle", { r: 4.2, class: "sg-chosen-dot" }));
  const means = rows.map(() => svg("path", { class: "sg-mean" }));
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${floor + 14}`, class: "sg-chart sg-dots", tabindex: 0, role: "slider",
    "aria-valuemin": 1, "aria-valuemax": n, "aria-label": `${title}: the log that is looked at`,
  },
  ...marks.flatMap((v) => [svg("line", { x1: x(v), x2: x(v), y1: TOP, y2: floor, class: "sg-grid" }),
    write(x(v), floor + 11, "middle", tickName(v, format, marks))]),
  ...together(levels.map(([name, v]) => [name, x(v)])).flatMap(([name, at]) => [
    svg("line", { x1: at, x2: at, y1: TOP - 3, y2: floor, class: "sg-level" }),
    write(at, TOP - 6, at > WIDTH / 2 ? "end" : "start", name)]),
  ...rows.map(({ name }, k) => write(LEFT - 8, y(k) + 3.5, "end", name)), ...dots.flat(), ...means, ...rings);
  let now = 0;

  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const size = box.width / WIDTH;
    const far = (dot) => Math.hypot(event.clientX - box.left - size * dot.getAttribute("cx"),
      2 * (event.clientY - box.top - size * dot.getAttribute("cy"))); // the row that was touched counts for more
    const all = dots.flat();
    choose(all.indexOf(all.reduce((best, dot) => (far(dot) < far(best) ? dot : best))) % n);
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose((now + step + n) % n);
  });

  /* `values`: a list for each row; `shown`: the places that count; `chosen`: the one that is looked at. */
  function draw(values, shown, chosen) {
    now = chosen;
    const mean = (own) => shown.reduce((total, i) => total + own[i], 0) / shown.length;
    values.forEach((own, k) => {
      dots[k].forEach((dot, i) => {
        dot.setAttribute("cx", x(own[i]));
        dot.setAttribute("cy", y(k) + 3 * Math.sin(4 * i)); // so that none hides another
        dot.setAttribute("opacity", shown.includes(i) ? 0.75 : 0.12);
      });
      rings[k].setAttribute("cx", x(own[chosen]));
      rings[k].setAttribute("cy", y(k) + 3 * Math.sin(4 * chosen));
      means[k].setAttribute("d", `M${x(mean(own))} ${y(k) - 6}l4 6l-4 6l-4-6z`);
    });
    const said = rows.map(({ name }, k) => `${name} ${format(values[k][chosen])}`);
    picture.setAttribute("aria-valuenow", chosen + 1);
    picture.setAttribute("aria-valuetext", `log ${chosen + 1}: ${said.join(", ")}`);
  }

  return { element: html("div", {}, html("p", { class: "sg-title" }, title), picture), draw };
}

/* Levels whose names would lie on each other share one. */
function together(levels) {
  const [[one, x], [other, z]] = levels;
  return Math.abs(x - z) < 30 ? [[`${one}, ${other}`, x]] : levels;
}

function write(x, y, anchor, words) {
  return svg("text", { x, y, "text-anchor": anchor }, words);
}
