/* Every run as a dot: a row for each agent, a dot for each log, a diamond for their mean. A dot can be chosen. */

import { decades, POWERS, tickName, ticks } from "./axis.js";
import { html, svg } from "./page.js";

const WIDTH = 320;
const LEFT = 82;
const RIGHT = 17;
const TOP = 16;
const ROW = 17;

/* `rows`: a name and a colour each; `levels`: [name, value] each, lines across all rows; `bounds`: of every value that
   will ever be drawn; `logarithmic`: of a probability; `left` and `tall`: room for a name, and for a row; `called(i)`:
   what a dot is called. `choose(i, k)` gets the place of the dot that was touched, and its row. */
export function makeDots({
  title, rows, n, levels, bounds, format, logarithmic = false, left = LEFT, tall = ROW, called = (i) => `log ${i + 1}`,
}, choose) {
  const scale = logarithmic ? decades : (value) => value;
  const [low, high] = logarithmic ? [0, decades(1)] : bounds;
  const floor = TOP + tall * rows.length;
  const away = (i) => 0.18 * tall * Math.sin(4 * i); // so that none hides another
  const x = (value) => left + ((scale(value) - low) / (high - low)) * (WIDTH - left - RIGHT);
  const y = (k) => TOP + tall * (k + 0.5);
  const marks = logarithmic ? POWERS : ticks(low, high);
  const r = Math.min(3, tall / 5);
  const dots = rows.map(({ colour: fill }) => Array.from({ length: n }, () => svg("circle", { r, fill })));
  const rings = rows.map(() => svg("circle", { r: 4.2, class: "sg-chosen-dot" }));
  const means = rows.map(() => svg("path", { class: "sg-mean" }));
  const names = rows.map(({ name }, k) => write(left - 8, y(k) + 3.5, "end", name));
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${floor + 14}`, class: "sg-chart sg-dots", tabindex: 0, role: "slider",
    "aria-valuemin": 1, "aria-valuemax": n, "aria-label": `${title}: the dot that is looked at`,
  },
  ...marks.flatMap((v) => [svg("line", { x1: x(v), x2: x(v), y1: TOP, y2: floor, class: "sg-grid" }),
    write(x(v), floor + 11, "middle", tickName(v, format, marks))]),
  ...together(levels.map(([name, v]) => [name, x(v)])).flatMap(([name, at]) => [
    svg("line", { x1: at, x2: at, y1: TOP - 3, y2: floor, class: "sg-level" }),
    write(at, TOP - 6, at > WIDTH / 2 ? "end" : "start", name)]),
  ...names, ...dots.flat(), ...means, ...rings);
  let now = 0;
  let here = null; // the row that is looked at, where one is
  let before = []; // what was drawn last, and of which places: the same lists are not drawn again

  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const size = box.width / WIDTH;
    const far = (dot) => Math.hypot(event.clientX - box.left - size * dot.getAttribute("cx"),
      2 * (event.clientY - box.top - size * dot.getAttribute("cy"))); // the row that was touched counts for more
    const all = dots.flat();
    const place = all.indexOf(all.reduce((best, dot) => (far(dot) < far(best) ? dot : best)));
    choose(place % n, Math.floor(place / n));
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const across = here !== null && /Up|Down/.test(event.key); // to another row
    if (across) choose(now, Math.max(0, Math.min(rows.length - 1, here - step)));
    else choose((now + step + n) % n, here);
  });

  /* `values`: a list for each row; `shown`: the places that count; `chosen`: the one that is looked at, in one row
     where there is a `row`. */
  function draw(values, shown, chosen, row = null) {
    now = chosen;
    here = row;
    const mean = (own) => shown.reduce((total, i) => total + own[i], 0) / shown.length;
    values.forEach((own, k) => {
      rings[k].setAttribute("cx", x(own[chosen]));
      rings[k].setAttribute("cy", y(k) + away(chosen));
      if (before[k] === own && before.shown === shown) return;
      dots[k].forEach((dot, i) => {
        dot.setAttribute("cx", x(own[i]));
        dot.setAttribute("cy", y(k) + away(i));
        dot.setAttribute("opacity", shown.includes(i) ? 0.75 : 0.12);
      });
      means[k].setAttribute("d", `M${x(mean(own))} ${y(k) - 6}l4 6l-4 6l-4-6z`);
    });
    before = Object.assign([...values], { shown });
    names.forEach((name, k) => name.classList.toggle("sg-chosen-row", k === row));
    const said = rows.map(({ name }, k) => `${name} ${format(values[k][chosen])}`).filter((_, k) => k === (row ?? k));
    picture.setAttribute("aria-valuenow", chosen + 1);
    picture.setAttribute("aria-valuetext", `${called(chosen)}: ${said.join(", ")}`);
  }

  return { element: html("div", {}, html("p", { class: "sg-title" }, title), picture), draw };
}

/* Levels whose names would lie on each other share one. */
function together(levels) {
  if (levels.length !== 2) return levels;
  const [[one, x], [other, z]] = levels;
  return Math.abs(x - z) < 30 ? [[`${one}, ${other}`, x]] : levels;
}

function write(x, y, anchor, words) {
  return svg("text", { x, y, "text-anchor": anchor }, words);
}
