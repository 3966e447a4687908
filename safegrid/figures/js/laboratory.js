/* The figures that can be touched. One module, no build step: Jupyter loads it through anywidget, a built page through
   `figures.js`. What a figure shows is looked up in results that Python computed (the explorer) or computed here (the
   laboratory), by the rules of `mdp.py`, `env.py` and `tabular.py`; the tests compare the two on random worlds.
   State is data: its numbers are checked before use, its texts reach the page as text and nothing else.
   Sections: page · checks · world · learning · board · chart · controls · explorer · laboratory · door */

// ── Page: elements, numbers as text, colours ─────────────────────────────────────────────────────────────────────────
function build(namespace, tag, attributes, children) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
const html = (tag, attributes = {}, ...children) => build("http://www.w3.org/1999/xhtml", tag, attributes, children);
const svg = (tag, attributes = {}, ...children) => build("http://www.w3.org/2000/svg", tag, attributes, children);

const minus = (text) => String(text).replace("-", "−");
function number(x, digits = 1) {
  if (x === null || Number.isNaN(x)) return "–";
  return Number.isFinite(x) ? minus((Number(x.toFixed(digits)) + 0).toFixed(digits)) : minus(x < 0 ? "-∞" : "∞");
}
const percent = (x) => `${number(100 * x, x > 0 && x < 0.0995 ? 1 : 0)}%`;

const INK = { blue: "#0072b2", orange: "#e69f00", red: "#d55e00" }; // Okabe & Ito 2008
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const ramp = (stops) => Array.from({ length: 101 }, (_, i) => {
  const at = (i / 100) * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2);
  const [from, to] = [channels(stops[k]), channels(stops[k + 1])];
  return `rgb(${from.map((c, j) => Math.round(c + (at - k) * (to[j] - c))).join(" ")})`;
});
const SHADES = {
  rising: ramp(["#440154", "#48287a", "#3c4f8a", "#2c718e", "#21908c", "#2bb07f", "#5cc863", "#aadc32", "#fde725"]), // viridis
  balance: ramp(["#00446f", "#0072b2", "#6aaed6", "#c6dcec", "#f4f1ea", "#f6d5b5", "#ec9a52", "#d55e00", "#8a3c00"]),
  presence: Array.from({ length: 101 }, (_, i) => `rgb(0 114 178 / ${i}%)`), // fades into the page, light or dark
};
const shade = (palette, share) => SHADES[palette][Math.round(100 * Math.min(1, Math.max(0, share)))];

// ── Checks: what comes from outside is refused by its name, its value and what was expected ──────────────────────────
function refuse(name, value, expected) {
  const shown = Array.isArray(value) ? `a list of ${value.length}` : typeof value === "string" ? JSON.stringify(value) : value;
  throw new Error(`${name} is ${String(shown).slice(0, 60)}, expected ${expected}`);
}
const fits = (value, low, high) => Number.isFinite(value) && value >= low && value <= high;
const real = (name, value, low, high) => fits(value, low, high) ? value : refuse(name, value, `a number in ${minus(low)}…${minus(high)}`);
const whole = (name, value, low, high) =>
  fits(value, low, high) && Number.isInteger(value) ? value : refuse(name, value, `a whole number in ${low}…${high}`);
const text = (name, value, most) => typeof value === "string" && value.length <= most ? value : refuse(name, value, `text of at most ${most} letters`);
const fields = (name, value) => (value?.constructor === Object ? value : refuse(name, value, "named fields"));
const oneOf = (name, value, table) => (Object.hasOwn(table, value) ? value : refuse(name, value, `one of ${Object.keys(table).join(", ")}`));
function list(name, value, length, low = -1e9, high = 1e9, type = Float64Array) {
  if (!Array.isArray(value) || value.length !== length) refuse(name, value, `a list of ${length}`);
  const check = type === Float64Array ? real : whole;
  value.forEach((x, i) => { if (!fits(x, low, high) || check === whole) check(`${name}[${i}]`, x, low, high); });
  return type.from(value);
}

// ── World: the table of a grid, and what can be computed from it exactly ─────────────────────────────────────────────
const ACTIONS = [0, 1, 2, 3], SIGNS = ["↓", "→", "↑", "←"], MOVES = [[0, 1], [1, 0], [0, -1], [-1, 0]];
const pairs = (s) => [4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3]; // where a state's four actions stand in an (S, A) table
const best = (q, s) => Math.max(q[4 * s], q[4 * s + 1], q[4 * s + 2], q[4 * s + 3]);
const perState = (S, value) => Float64Array.from({ length: S }, (_, s) => value(s));
const largest = (xs) => xs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const dot = (weights, values) => weights.reduce((sum, w, s) => (w === 0 ? sum : sum + w * values[s]), 0);
/* The grid's table: pair p = 4·state + action has four successors `next[4p…]`, one for each move that may happen. */
export function gridWorld({ desc, slip_prob, max_steps, step_reward, hazard_reward, goal_reward }) {
  const size = desc.length, S = size * size, letters = [...desc.join("")];
  const inside = (c) => Math.min(size - 1, Math.max(0, c)), is = (...kinds) => Uint8Array.from(letters, (l) => kinds.includes(l));
  const world = {
    S, size, horizon: max_steps, cells: letters.map((_, s) => [s % size, Math.floor(s / size)]),
    hazard: is("H"), goal: is("G"), terminal: is("H", "G"), start: Float64Array.from(is("S")),
    next: new Int32Array(16 * S), chance: new Float64Array(16 * S), gain: new Float64Array(16 * S),
  };
  for (let s = 0; s < S; s++) for (const a of ACTIONS) for (const k of ACTIONS) {
    const i = 16 * s + 4 * a + k, [x, y] = world.cells[s], [dx, dy] = MOVES[k], z = inside(y + dy) * size + inside(x + dx);
    world.next[i] = z;
    world.chance[i] = (1 - slip_prob) * (a === k ? 1 : 0) + slip_prob / 4;
    world.gain[i] = world.hazard[z] ? hazard_reward : world.goal[z] ? goal_reward : step_reward;
  }
  return world;
}
/* Q(s, a) = E[r + γ V(s′)], 0 in terminal states. */
function backup({ S, terminal, next, chance, gain }, v, gamma) {
  const q = new Float64Array(4 * S);
  for (let p = 0; p < 4 * S; p++) if (!terminal[p >> 2]) {
    for (let i = 4 * p; i < 4 * p + 4; i++) q[p] += chance[i] * (gain[i] + (terminal[next[i]] ? 0 : gamma * v[next[i]]));
  }
  return q;
}
/* Acts by the highest value; values within `tie` share evenly. */
export function greedy(q, tie = 1e-6) {
  const policy = new Float64Array(q.length);
  for (let s = 0; s < q.length / 4; s++) {
    const tied = pairs(s).filter((p) => q[p] >= best(q, s) - tie);
    for (const p of tied) policy[p] = 1 / tied.length;
  }
  return policy;
}
/* The stationary γ-optimal policy, by value iteration; ties go to the lowest action. */
export function optimal(world, gamma) {
  for (let v = new Float64Array(world.S); ;) {
    const q = backup(world, v, gamma), before = v;
    v = v.map((_, s) => best(q, s));
    if (largest(v.map((x, s) => x - before[s])) > 1e-12 * Math.max(1, largest(v))) continue;
    const policy = new Float64Array(q.length), tie = 1e-9 * Math.max(1, largest(q));
    for (let s = 0; s < world.S; s++) policy[pairs(s).find((p) => q[p] >= v[s] - tie)] = 1;
    return policy;
  }
}
/* Under a policy: each state's successors as [state, chance], and its mean reward. */
function chain(world, policy) {
  const rows = [], reward = new Float64Array(world.S);
  for (let s = 0; s < world.S; s++) {
    const row = new Map();
    if (!world.terminal[s]) for (let i = 16 * s; i < 16 * s + 16; i++) {
      const w = policy[i >> 2] * world.chance[i], z = world.next[i];
      if (w > 0) row.set(z, (row.get(z) ?? 0) + w);
      reward[s] += w * world.gain[i];
    }
    rows.push([...row]);
  }
  return { rows, reward };
}
/* Solves (I − M) x = b by elimination; where M holds chances below 1 it needs no pivots and stays within a band. */
function solve(rows, b) {
  const n = rows.length, x = Float64Array.from(b);
  const band = rows.reduce((most, row, s) => row.reduce((m, [z]) => Math.max(m, Math.abs(z - s)), most), 1);
  const width = 2 * band + 1, at = (i, j) => i * width + j - i + band; // row i holds columns i − band … i + band
  const matrix = new Float64Array(n * width);
  rows.forEach((row, s) => { for (const [z, w] of [[s, -1], ...row]) matrix[at(s, z)] -= w; });
  for (let k = 0; k < n; k++) for (let i = k + 1, end = Math.min(n, i + band); i < end; i++) {
    const factor = matrix[at(i, k)] / matrix[at(k, k)];
    if (factor === 0) continue;
    for (let j = k; j < end; j++) matrix[at(i, j)] -= factor * matrix[at(k, j)];
    x[i] -= factor * x[k];
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j <= Math.min(n - 1, k + band); j++) x[k] -= matrix[at(k, j)] * x[j];
    x[k] /= matrix[at(k, k)];
  }
  return x;
}
/* Discounted V and Q of a policy over the infinite horizon. */
export function values(world, policy, gamma) {
  const { rows, reward } = chain(world, policy), after = ([z, w]) => [z, world.terminal[z] ? 0 : gamma * w];
  const v = solve(rows.map((row) => row.map(after)), reward);
  return { v, q: backup(world, v, gamma) };
}
/* The exact score of a policy over episodes of at most `horizon` steps, and how often it expects to be in each cell. */
export function evaluate(world, policy) {
  const { rows, reward } = chain(world, policy), visits = Float64Array.from(world.start);
  const score = { return_mean: 0, hazard_rate: 0, goal_rate: 0, timeout_rate: 0, length_mean: 0 };
  let alive = Float64Array.from(world.start);
  for (let t = 0; t < world.horizon; t++) {
    const arrived = new Float64Array(world.S);
    alive.forEach((mass, s) => {
      if (mass === 0) return;
      score.length_mean += mass, score.return_mean += mass * reward[s];
      for (const [z, w] of rows[s]) arrived[z] += mass * w;
    });
    score.hazard_rate += dot(world.hazard, arrived), score.goal_rate += dot(world.goal, arrived);
    arrived.forEach((mass, s) => { visits[s] += mass; });
    alive = arrived.map((mass, s) => (world.terminal[s] ? 0 : mass));
  }
  score.timeout_rate = alive.reduce((sum, mass) => sum + mass, 0);
  return { ...score, visits };
}

// ── Learning: a log, the clone that counts, and tabular CQL ──────────────────────────────────────────────────────────
/* MT19937 (Matsumoto & Nishimura 1998) with the authors' 2002 seeding and 53-bit numbers, as `safegrid.portable_rng`. */
export function portableRng(seed) {
  const key = Uint32Array.of(seed, ...new Uint32Array(623));
  for (let i = 1; i < 624; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  let at = 0;
  const word = () => {
    if (at % 624 === 0) for (let i = 0; i < 624; i++) {
      const y = (key[i] & 0x80000000) | (key[(i + 1) % 624] & 0x7fffffff);
      key[i] = key[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    let y = key[at++ % 624];
    y ^= y >>> 11, y ^= (y << 7) & 0x9d2c5680, y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
}

const mix = (policy, epsilon) => policy.map((p) => (1 - epsilon) * p + epsilon / 4);
/* The careless driver: down or right, never knowingly into a hazard; see `SafetyCriticalGridWorld.behaviour_policy`. */
export function behaviour({ S, size, cells, hazard, goal, next }, epsilon) {
  const policy = new Float64Array(4 * S), [gx, gy] = cells[goal.indexOf(1)];
  for (let s = 0; s < S; s++) {
    const landing = ACTIONS.map((a) => next[16 * s + a]);
    const far = (z) => (z === s ? 2 * size : Math.abs(cells[z][0] - gx) + Math.abs(cells[z][1] - gy));
    const distance = landing.map((z) => (hazard[z] ? Infinity : far(z))), nearest = Math.min(...distance);
    const forward = [0, 1].filter((a) => landing[a] !== s && !hazard[landing[a]]);
    const wanted = forward.length ? forward : ACTIONS.filter((a) => distance[a] === nearest);
    for (const a of wanted) policy[4 * s + a] = 1 / wanted.length;
  }
  return mix(policy, epsilon);
}
/* Episodes in lock-step, as `TabularMDP.rollouts`: all that are alive draw their actions, then what follows. */
export function rollouts(world, policy, n, random) {
  const log = { episode: [], state: [], action: [], reward: [], next_state: [], terminal: [], timeout: [] };
  const cumulate = (table, width) => table.reduce((sums, x, i) => { sums[i] = x + (i % width ? sums[i - 1] : 0); return sums; }, []);
  const choose = cumulate(policy, 4), branch = cumulate(world.chance, 4), begin = cumulate(world.start, world.S);
  const draw = (table, from, width) => {
    const u = random() * table[from + width - 1];
    let k = 0;
    for (let i = from; i < from + width; i++) if (u >= table[i]) k++;
    return k;
  };
  let walkers = Array.from({ length: n }, (_, episode) => [episode, draw(begin, 0, world.S)]);
  for (let t = 1; t <= world.horizon && walkers.length; t++) {
    const actions = walkers.map(([, s]) => draw(choose, 4 * s, 4));
    walkers = walkers.flatMap(([episode, s], i) => {
      const p = 4 * s + actions[i], at = 4 * p + draw(branch, 4 * p, 4), z = world.next[at], over = world.terminal[z] === 1;
      log.episode.push(episode), log.state.push(s), log.action.push(actions[i]), log.reward.push(Math.fround(world.gain[at]));
      log.next_state.push(z), log.terminal.push(over), log.timeout.push(!over && t === world.horizon);
      return over ? [] : [[episode, z]];
    });
  }
  return log;
}
/* The cells that each of `n` fresh episodes passes through. */
function sampleWays(world, policy, n, seed) {
  const log = rollouts(world, policy, n, portableRng(seed)), ways = Array.from({ length: n }, () => []);
  log.state.forEach((s, i) => ways[log.episode[i]].push(s));
  log.next_state.forEach((z, i) => { if (log.terminal[i] || log.timeout[i]) ways[log.episode[i]].push(z); });
  return ways;
}
/* What a log says of each pair: how often, its share of the state's actions, its mean reward, and what follows it. */
export function count(world, log) {
  const n = 4 * world.S, counts = new Float64Array(n), reward = new Float64Array(n);
  const pair = log.state.map((s, i) => 4 * s + log.action[i]);
  const followers = Array.from({ length: n }, () => new Map());
  for (const p of pair) counts[p]++;
  pair.forEach((p, i) => {
    const z = log.next_state[i];
    reward[p] += log.reward[i] / counts[p];
    if (!log.terminal[i]) followers[p].set(z, (followers[p].get(z) ?? 0) + 1 / counts[p]);
  });
  const steps = perState(world.S, (s) => pairs(s).reduce((sum, p) => sum + counts[p], 0));
  const rows = followers.flatMap((row) => [...row]);
  const first = Int32Array.of(0, ...followers.map(((sum) => (row) => (sum += row.size))(0))); // where a pair's followers begin
  return {
    counts, reward, steps, first, next: Int32Array.from(rows, ([z]) => z), chance: Float64Array.from(rows, ([, w]) => w),
    share: counts.map((c, p) => (c === 0 ? 0 : c / steps[p >> 2])), visited: [...steps.keys()].filter((s) => steps[s] > 0),
  };
}

const TINY = 1e-100, atLeast = (least, x) => (x > 0 ? Math.max(least, x) : 0); // below that the solver's numbers overflow
/* Tabular CQL in raw reward, as `safegrid.tabular_cql`: a number of gradient steps, or their limit where it is null. */
export function tabularCql(model, { conservative_weight, reward_scale, n_steps }, gamma) {
  const scaled = { ...model, gamma, push: atLeast(TINY, reward_scale * conservative_weight), reward: model.reward.map((r) => reward_scale * r) };
  const q = n_steps === null ? limit(scaled, 1e-9 * reward_scale) : descend(scaled, n_steps);
  return q.map((x) => x / reward_scale);
}
/* The log's target of a pair: its mean reward, and the mean of what it leads to. */
function target({ reward, first, next, chance, gamma }, p, v) {
  let future = 0;
  for (let i = first[p]; i < first[p + 1]; i++) future += chance[i] * v[next[i]];
  return reward[p] + gamma * future;
}

function descend(model, n_steps) {
  const { share, visited, steps, push } = model, q = new Float64Array(share.length), v = new Float64Array(steps.length);
  const weight = new Float64Array(4);
  for (let step = 0; step < n_steps; step++) {
    for (const s of visited) v[s] = best(q, s);
    for (const s of visited) {
      let sum = 0;
      if (push > 0) for (let a = 0; a < 4; a++) sum += weight[a] = Math.exp(q[4 * s + a] - v[s]);
      for (let a = 0, p = 4 * s; a < 4; a++, p++) {
        let slope = push > 0 ? (push * weight[a]) / sum : 0;
        if (share[p] > 0) slope += share[p] * (q[p] - target(model, p, v) - push);
        q[p] -= slope / (1 + push / 2);
      }
    }
  }
  return q;
}
/* The limit, by Newton's method on V where that gains on plain value iteration, which contracts by γ. */
function limit(model, residual) {
  const { share, visited, steps, push, gamma, first, next, chance } = model;
  const q = share.map((b, p) => (push > 0 && b === 0 && steps[p >> 2] > 0 ? -Infinity : 0));
  const sweep = (v) => { // what the log makes of v, how far that moves it, and how it leans on v
    const after = new Float64Array(v.length), rows = Array.from(v, () => []);
    for (const s of visited) {
      const seen = pairs(s).filter((p) => share[p] > 0), goals = seen.map((p) => target(model, p, v));
      const { solved, lean } = push > 0 ? balance(seen.map((p) => share[p]), goals, push) : { solved: goals, lean: identity };
      seen.forEach((p, i) => { q[p] = solved[i]; });
      after[s] = best(q, s);
      const top = solved.indexOf(after[s]);
      if (top >= 0) seen.forEach((p, j) => {
        for (let i = first[p]; i < first[p + 1]; i++) rows[s].push([next[i], gamma * lean(top, j) * chance[i]]);
      });
    }
    const move = after.map((x, s) => x - v[s]);
    return { v, after, rows, move, size: largest(move) };
  };
  let now = sweep(new Float64Array(steps.length));
  while (now.size > residual) {
    const jump = solve(now.rows, now.move), tried = sweep(now.v.map((x, s) => x + jump[s]));
    now = tried.size <= gamma * now.size ? tried : sweep(now.after);
  }
  return q;
}
const identity = (a, b) => (a === b ? 1 : 0);
/* Solves share·(q − goal) = push·(share − softmax(q)), see `tabular._balance`; lean(a, b) = ∂q(a)/∂goal(b). */
function balance(share, goals, push) {
  const ratio = share.map((b) => push / b), reach = goals.map((y, i) => Math.log(ratio[i]) + y + push);
  const rounding = 1e-14 * (1 + push + Math.max(...goals.map(Math.abs)));
  for (let z = Math.min(...goals), step = Infinity; ; z += step) {
    const omega = reach.map((x) => wrightOmega(x - z)), bend = omega.map((w, i) => w / (1 + w) / ratio[i]);
    const slope = bend.reduce((sum, x) => sum + x, 0);
    if (!(step > rounding)) return {
      solved: goals.map((y, i) => y + push - omega[i]),
      lean: (a, b) => (identity(a, b) + (omega[a] * bend[b]) / slope) / (1 + omega[a]),
    };
    step = (omega.reduce((sum, w, i) => sum + w / ratio[i], 0) - 1) / slope;
  }
}
/* ω + log ω = x (Corless & Jeffrey 2002), by steps of Fritsch, Shafer & Crowley (1973). */
export function wrightOmega(x) {
  if (x < -50) return Math.exp(x);
  let w = x > 1 ? x - Math.log(x) : x > -2 ? Math.exp((2 * (x - 1)) / 3) : Math.exp(x) * (1 - Math.exp(x));
  for (let i = 0; i < 3; i++) {
    const r = x - w - Math.log(w), t = (1 + w) * (1 + w + (2 / 3) * r);
    w *= 1 + ((r / (1 + w)) * (t - r / 2)) / (t - r);
  }
  return w;
}

// ── Board: a grid from above, that can be read cell by cell, walked on and painted ───────────────────────────────────
/* `describe(state)` is the text for a cell; `paint(state, stroke)`, where there is one, makes the board paintable. */
function makeBoard(name, world, describe, paint = null) {
  const { cells } = world, columns = 1 + Math.max(...cells.map(([x]) => x)), rows = 1 + Math.max(...cells.map(([, y]) => y));
  const stateAt = new Map(cells.map(([x, y], s) => [`${x},${y}`, s])), margin = 0.06, layers = () => svg("g");
  const squares = cells.map(([x, y]) => svg("rect", { x, y, width: 1, height: 1, class: "sg-cell" }));
  const landmarks = layers(), faint = svg("path", { class: "sg-arrows sg-faint" }), bold = svg("path", { class: "sg-arrows" });
  const walk = layers(), cursor = svg("rect", { x: 0.05, y: 0.05, width: 0.9, height: 0.9, class: "sg-cursor" });
  const legend = html("p", { class: "sg-legend" }), readout = html("p", { class: "sg-readout" });
  const picture = svg("svg", {
    viewBox: [-margin, -margin, columns + 2 * margin, rows + 2 * margin].join(" "), tabindex: 0, role: "application", ...QUIET,
    class: paint ? "sg-board sg-paintable" : "sg-board",
    "aria-label": `${name}: a board of ${columns} by ${rows} cells. Arrow keys move the cursor${paint ? ", Enter paints" : ""}.`,
  }, svg("g", {}, ...squares), landmarks, faint, bold, walk, cursor);
  let here = Math.max(0, world.start.findIndex((p) => p > 0)), stroke = null, pressed = "", clock = 0;
  const point = (state) => {
    here = state;
    cursor.setAttribute("transform", `translate(${cells[here].join(" ")})`);
    readout.textContent = `(${cells[here].join(", ")}) ${describe(here)}`;
  };
  const under = (event) => {
    const box = picture.getBoundingClientRect(), size = box.width / (columns + 2 * margin);
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((along) => Math.floor(along / size - margin));
    return stateAt.get(`${x},${y}`);
  };
  const on = (type, listener) => picture.addEventListener(type, listener);
  const touch = (event) => { // reads a cell out, and paints it with a stroke under way
    const state = under(event);
    if (state === undefined || (event.type === "pointermove" && state === here)) return;
    point(state);
    if (stroke) paint(state, stroke);
  };
  on("pointermove", (event) => {
    if (!(event.buttons & 1)) stroke = null;
    const way = event.getCoalescedEvents?.() ?? []; // a quick hand leaves no cell out
    (way.length ? way : [event]).forEach(touch);
  });
  on("pointerdown", (event) => {
    pressed = event.pointerType;
    if (event.button !== 0) return;
    if (paint && pressed === "mouse") { stroke = {}; picture.setPointerCapture(event.pointerId); }
    touch(event);
  });
  on("click", (event) => { if (paint && ["touch", "pen"].includes(pressed)) { stroke = {}; touch(event); stroke = null; } }); // a tap
  on("focus", () => readout.setAttribute("aria-live", "polite"));
  on("blur", () => readout.setAttribute("aria-live", "off"));
  on("keydown", (event) => {
    const move = MOVES[["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"].indexOf(event.key)], painting = paint && ["Enter", " "].includes(event.key);
    if (!(move || painting) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (painting) return paint(here, {});
    const [x, y] = cells[here], state = stateAt.get(`${x + move[0]},${y + move[1]}`);
    if (state !== undefined) point(state);
  });
  /* Draws the world as it now is, a layer ({ values, palette, low, high, label, digits }), and a policy whose arrows are
     bold where `visits` says that it goes. */
  function draw(layer, policy, visits) {
    landmarks.replaceChildren(...cells.flatMap(([x, y], s) =>
      world.hazard[s] ? hazardMark(x, y) : world.goal[s] ? goalMark(x, y) : world.start[s] > 0 ? startMark(x, y) : []));
    const { low, high, palette, label, digits } = layer, arrows = ["", ""];
    squares.forEach((square, s) => {
      const value = world.terminal[s] ? NaN : layer.values[s];
      square.setAttribute("fill", Number.isNaN(value) ? "none" : shade(palette, (value - low) / (high - low)));
      const acts = world.terminal[s] ? [] : ACTIONS.filter((a) => policy[4 * s + a] > 0.01);
      if (acts.length < 4) for (const a of acts) arrows[visits[s] >= 0.01 ? 1 : 0] += arrow(cells[s], MOVES[a], acts.length > 1);
    });
    [faint, bold].forEach((path, i) => path.setAttribute("d", arrows[i]));
    const bars = Array.from({ length: 20 }, (_, i) => svg("rect", { x: i, width: 1.05, height: 1, fill: shade(palette, i / 19) }));
    const scale = svg("svg", { viewBox: "0 0 20 1", class: "sg-ramp", preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars);
    legend.replaceChildren(html("span", {}, label), number(low, digits), scale, number(high, digits));
    still();
    point(here);
  }
  /* Lets walkers go their ways, all at once; where motion is unwelcome the whole ways appear. */
  function animate(ways, done = () => {}) {
    clearInterval(clock);
    const lines = ways.map(() => svg("polyline", { class: "sg-way" })), dots = ways.map(() => svg("circle", { r: 0.2, class: "sg-walker" }));
    const spot = (s, i) => [cells[s][0] + 0.5 + 0.28 * Math.sin(5 * i), cells[s][1] + 0.5 + 0.28 * Math.cos(3 * i)];
    const last = Math.max(...ways.map((way) => way.length)), pace = Math.ceil(last / 100), still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    walk.replaceChildren(...lines, ...dots);
    let t = still ? last : 0;
    const tick = () => {
      ways.forEach((way, i) => {
        const points = way.slice(0, t + 1).map((s) => spot(s, i).map((c) => c.toFixed(2)).join(" "));
        lines[i].setAttribute("points", points.join(","));
        dots[i].setAttribute("transform", `translate(${points.at(-1)})`);
      });
      if ((t += pace) <= last) return;
      clearInterval(clock);
      done();
    };
    tick();
    if (t <= last) clock = setInterval(tick, 60);
  }
  const still = () => { clearInterval(clock); walk.replaceChildren(); };
  return { element: html("div", {}, html("p", { class: "sg-title" }, name), picture, legend, readout), draw, animate, still };
}

const square = (x, y, name) => svg("path", { d: `M${x} ${y}h1v1h-1z`, class: name });
const HATCH = "m0 .25l.25-.25m.25 0l-.5.5m0 .25l.75-.75m.25 0l-1 1m.25 0l.75-.75m0 .25l-.5.5m.25 0l.25-.25";
const hazardMark = (x, y) => [square(x, y, "sg-hazard"), svg("path", { d: `M${x} ${y}${HATCH}`, class: "sg-hatch" })];
const goalMark = (x, y) => [square(x, y, "sg-goal"), svg("text", { x: x + 0.5, y: y + 0.76, class: "sg-letter" }, "G")];
const startMark = (x, y) => [svg("path", { d: `M${x + 0.08} ${y + 0.08}h.84v.84h-.84z`, class: "sg-start" })];
/* An arrow across a cell, or one of several that fork from its middle. */
function arrow([x, y], [dx, dy], fork) {
  const [tail, tip, wing, half] = fork ? [0, 0.44, 0.13, 0.035] : [-0.34, 0.36, 0.2, 0.06], neck = tip - 1.3 * wing;
  const at = (along, aside) => `${(x + 0.5 + along * dx - aside * dy).toFixed(2)} ${(y + 0.5 + along * dy + aside * dx).toFixed(2)}`;
  const corners = [[tail, half], [neck, half], [neck, wing], [tip, 0], [neck, -wing], [neck, -half], [tail, -half]];
  return `M${corners.map((corner) => at(...corner)).join("L")}Z`;
}

// ── Chart: a quantity over the conservative weight, with intervals, references and the weight that is chosen ─────────
/* `series`: { name, colour, dash, rows: [[estimate, low, high], …] } each; `levels`: [name, value] each; `places` in 0…1. */
function makeChart({ title, series, levels, format }, places, names, choose) {
  const W = 320, H = 190, left = 44, right = 58, top = 12, floor = H - 34, span = W - left - right;
  const all = [...series.flatMap(({ rows }) => rows.flat()), ...levels.map(([, value]) => value)].filter(Number.isFinite);
  const pad = 0.06 * (Math.max(...all) - Math.min(...all) || 1), low = Math.min(...all) - pad, high = Math.max(...all) + pad;
  const x = (i) => left + places[i] * span, y = (v) => floor - ((v - low) / (high - low)) * (floor - top);
  const write = (x, y, anchor, words) => svg("text", { x, y, "text-anchor": anchor }, words);
  const heights = ticks(low, high), digits = heights.every(Number.isInteger) ? 0 : 1;
  const across = (v, name) => svg("line", { x1: left, x2: W - right, y1: y(v), y2: y(v), class: name });
  const marker = svg("line", { y1: top, y2: floor, class: "sg-marker" }), now = html("p", { class: "sg-now" });
  const dots = series.map(({ colour }) => svg("circle", { r: 4.5, fill: colour, class: "sg-dot" }));
  const rings = series.map(({ colour }) => svg("circle", { r: 3.2, stroke: colour, class: "sg-ring" }));
  const named = [...levels.map(([name, value]) => [name, y(value)]), ...(series.length > 1 ? series : []).map((s) => [s.name, y(s.rows.at(-1)[0])])];
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "sg-chart", role: "img" },
    ...heights.flatMap((v) => [across(v, "sg-grid"), write(left - 5, y(v) + 3.5, "end", format(v, digits))]),
    ...sparse(names, places.map((_, i) => x(i))).map((i) => write(x(i), floor + 13, "middle", names[i])),
    write(left + span / 2, H - 4, "middle", "conservative weight"),
    ...levels.map(([, value]) => across(value, "sg-level")),
    ...apart(named, top, floor).map(([name, at]) => write(W - right + 5, at, "start", name)),
    ...series.flatMap(({ rows, colour, dash }) => {
      const path = (k) => rows.map((row, i) => `${x(i)},${y(row[k])}`), sure = rows.flat().every(Number.isFinite);
      const band = sure ? [svg("polygon", { points: [...path(1), ...path(2).reverse()].join(" "), fill: colour, class: "sg-band" })] : [];
      return [...band, svg("polyline", { points: path(0).join(" "), stroke: colour, class: "sg-line", "stroke-dasharray": dash ? "5 3" : null })];
    }), marker, ...rings, ...dots);
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * W;
    choose(nearest(places, (at - left) / span));
  });
  /* Marks weight i; `own` is the chosen agent's value of each series. */
  function draw(i, own) {
    for (const end of ["x1", "x2"]) marker.setAttribute(end, x(i));
    now.textContent = series.map(({ name, rows: { [i]: [estimate, from, to] } }, k) => {
      for (const [dot, value] of [[dots[k], estimate], [rings[k], own[k]]]) {
        dot.setAttribute("cx", x(i));
        dot.setAttribute("cy", Math.min(floor, Math.max(top, y(value))));
      }
      return `${name} ${format(estimate)}${Number.isFinite(from) ? ` [${format(from)}, ${format(to)}]` : ""}, ○ ${format(own[k])}`;
    }).join("; ");
    picture.setAttribute("aria-label", `${title} at weight ${names[i]}: ${now.textContent}`);
  }
  return { element: html("div", {}, html("p", { class: "sg-title" }, title), picture, now), draw };
}
/* Round numbers between two bounds, at most six. */
function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 4)), step = [1, 2, 5, 10].map((k) => k * power).find((k) => (high - low) / k <= 5);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
/* Which labels there is room for at these places. */
const sparse = (labels, places) => labels.reduce((kept, label, i) =>
  (kept.length && places[i] - places[kept.at(-1)] <= 5 * label.length + 9 ? kept : [...kept, i]), []);
/* Labels [name, height] moved until they no longer lie on each other, or below the floor. */
function apart(labels, top, floor) {
  const sorted = labels.map(([name, at]) => [name, at + 3]).sort((a, b) => a[1] - b[1]);
  sorted.forEach((label, i) => { label[1] = Math.max(label[1], i ? sorted[i - 1][1] + 11 : top + 3); });
  sorted.reverse().forEach((label, i) => { label[1] = Math.min(label[1], i ? sorted[i - 1][1] - 11 : floor + 3); });
  return sorted;
}

// ── Controls ─────────────────────────────────────────────────────────────────────────────────────────────────────────
const QUIET = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab would keep the arrow keys for itself
const nearest = (values, wanted) => values.reduce((best, v, i) => (Math.abs(v - wanted) <= Math.abs(values[best] - wanted) ? i : best), 0);
/* Where numbers stand on an axis from 0 to 1: by their logarithm, with 0 a step to the left of the smallest. */
function logPlaces(values) {
  const least = Math.min(...values.filter((v) => v > 0)), gap = Math.log(Math.max(...values) / least) / values.length || 1;
  const raw = values.map((v) => (v === 0 ? 0 : (values[0] === 0 ? gap : 0) + Math.log(v / least)));
  return raw.map((at) => (values.length > 1 ? at / raw.at(-1) : 0.5));
}
/* A slider from one stop to the next. */
function makeSlider(label, names, choose) {
  const input = html("input", { type: "range", min: 0, max: names.length - 1, step: 1, "aria-label": label, ...QUIET });
  const output = html("output", {});
  const set = (i, words = names[i]) => {
    input.value = i;
    input.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  input.addEventListener("input", () => choose(Number(input.value)));
  return { element: html("label", { class: "sg-slider" }, html("span", {}, label), input, output), output, set };
}
/* A slider over `stops` beside a box for any other number; `choose` gets the number. */
function makeDial(label, stops, choose) {
  const slider = makeSlider(label, stops.map(String), (i) => choose(stops[i]));
  const change = () => choose(box.value === "" ? NaN : Number(box.value));
  const box = html("input", { type: "number", step: "any", "aria-label": `${label}, exactly`, change, ...QUIET });
  slider.output.replaceWith(box);
  return { element: slider.element, set(value) {
    slider.set(nearest(stops, value ?? Infinity), value === null ? "for ever" : String(value));
    box.value = value ?? "";
  } };
}
function makeChoice(label, options, choose) {
  const input = html("select", { "aria-label": label, change: () => choose(input.value), ...QUIET }, ...options.map(([value, name]) => html("option", { value }, name)));
  return { element: html("label", { class: "sg-field" }, html("span", {}, label), input), set: (value) => { input.value = value; } };
}
const named = (table) => Object.entries(table).map(([value, [name]]) => [value, name]);
const makeButton = (label, click) => html("button", { type: "button", click }, label);
const row = (...children) => html("div", { class: "sg-row" }, ...children);

// ── Explorer: turn the weight of agents that were trained ────────────────────────────────────────────────────────────
const LAYERS = { // name on the page, palette, digits of the scale
  visits: ["where it goes: probability of visiting", "presence", 0],
  claimed: ["claimed value of the cell", "rising", 0],
  truth: ["true value of the cell", "rising", 0],
  overestimate: ["claimed minus true value", "balance", 0],
  gap: ["action gap: best claim minus second best", "rising", 1],
  coverage: ["steps in the log", "presence", 0],
};
const without = (table, ...left) => Object.fromEntries(Object.entries(table).filter(([name]) => !left.includes(name)));
const SCORES = ["return_mean", "hazard_rate", "claimed_value", "true_value"];
const tableOf = (names, entry) => Object.fromEntries(names.map((name) => [name, entry(name)]));

function readWorld(given) {
  const S = whole("number of states", given.terminal?.length, 1, 1024), flags = (name) => list(name, given[name], S, 0, 1, Uint8Array);
  const xy = list("cells", given.cells, 2 * S, 0, 63, Int32Array), next = list("successors", given.successors, 16 * S, 0, S - 1, Int32Array);
  const shares = (name, n, width) => {
    const table = list(name, given[name], n, 0, 1);
    for (let i = 0; i < n; i += width) real(`${name}[${i}…], summed`, table.subarray(i, i + width).reduce((a, b) => a + b), 0.999999, 1.000001);
    return table;
  };
  next.forEach((z, i) => whole(`successors[${i}]`, z, Math.max(0, (i >> 4) - 63), (i >> 4) + 63));
  return {
    S, next, cells: Array.from({ length: S }, (_, s) => [xy[2 * s], xy[2 * s + 1]]), ...tableOf(["terminal", "hazard", "goal"], flags),
    start: shares("start", S, S), chance: shares("probabilities", 16 * S, 4), gain: list("rewards", given.rewards, 16 * S),
    horizon: whole("horizon", given.horizon, 1, 1000),
  };
}
/* The explorer's data, checked, each array in the shape that its name says. */
function readData(data) {
  const { weights, n_logs, n_seeds, policies } = fields("data", data), world = readWorld(fields("world", data.world)), { S } = world;
  const W = whole("number of weights", weights?.length, 1, 60), before = [-1, ...list("weights", weights, W, 0, 1e6)];
  const N = W * whole("n_logs", n_logs, 1, 100) * whole("n_seeds", n_seeds, 1, 20), size = whole("agents × states", N * S, 1, 1e6) / S;
  weights.forEach((w, i) => { if (w <= before[i]) refuse(`weights[${i}]`, w, "more than the one before"); });
  const curve = (name, at) => list(`curves.${name}[${at}]`, data.curves[name][at]?.map((x) => x ?? -1e9), 3).map((x) => (x === -1e9 ? NaN : x));
  const digits = (policy) => typeof policy === "string" && policy.length === S && /^[0-3]*$/.test(policy);
  if (!Array.isArray(policies) || policies.length !== size || !policies.every(digits)) refuse("policies", policies, `${N} × ${S} digits`);
  for (const name of ["curves", "scores", "limits", "references"]) fields(name, data[name]);
  return {
    title: text("title", data.title, 200), gamma: real("gamma", data.gamma, 0, 0.99999), n_logs, n_seeds, policies,
    world, weights, unit: real("q_unit", data.q_unit, 1e-9, 1e3),
    q: list("q_values", data.q_values, 4 * N * S, -1e7, 1e7, Int32Array), visits: list("visits", data.visits, N * S, 0, 1000),
    counts: data.counts === null ? null : list("counts", data.counts, 4 * n_logs * S, 0, 1e7),
    curves: tableOf(SCORES, (name) => weights.map((_, i) => curve(name, i))),
    scores: tableOf(SCORES, (name) => list(`scores.${name}`, data.scores[name], N)),
    limits: tableOf(["claimed", "overestimate", "gap"], (name) => list(`limits.${name}`, data.limits[name], 2)),
    references: Object.entries(data.references).slice(0, 6).map(([name, levels]) => [text("reference", name, 40), list("reference", levels, 2)]),
  };
}
/* The charts beside the board: return, hazard, and the value of the start, claimed and true. */
function explorerCharts({ curves, references, n_logs }) {
  const over = n_logs > 1 ? `over ${n_logs} logs` : "one log", levels = (k) => references.map(([name, pair]) => [name, pair[k]]);
  const line = (score, name, colour, dash = false) => ({ score, name, colour, dash, rows: curves[score].map((row) => [...row]) });
  return [
    { title: "return of an episode (raw reward), exact", series: [line("return_mean", over, INK.blue)], levels: levels(0), format: number },
    { title: "probability of hitting a hazard, exact", series: [line("hazard_rate", over, INK.red)], levels: levels(1), format: percent },
    { title: "value of the start (discounted raw reward)", levels: [], format: number,
      series: [line("claimed_value", "claimed", INK.orange, true), line("true_value", "true", INK.blue)] },
  ];
}

function explorer(model) {
  const data = readData(model.get("data")), { world, weights, n_logs, n_seeds, scores } = data, S = world.S;
  const names = weights.map((w) => String(Number(w.toPrecision(4)))), places = logPlaces(weights);
  const set = (name) => (value) => { model.set(name, value); model.save_changes(); };
  let agent = null, drives = 0, clock = 0; // `agent`: what is known of the chosen one
  function describe(s) {
    if (world.terminal[s]) return world.hazard[s] ? "hazard" : "goal";
    return pairs(s).map((p, a) => `${SIGNS[a]} ${number(agent.q[p])}${agent.policy[p] ? "*" : ""} (true ${number(agent.truth.q[p])}`
      + `${agent.counts ? `, ${agent.counts[p]}×` : ""})`).join(" · ") + " · * chosen";
  }
  const board = makeBoard(data.title, world, (s) => (agent ? describe(s) : ""));
  const slider = makeSlider("conservative weight", names, set("index"));
  const charts = explorerCharts(data).map((chart) => ({ ...chart, ...makeChart(chart, places, names, set("index")) }));
  const numbered = (name, n) => Array.from({ length: n }, (_, i) => [i, `${i + 1} of ${n}`]);
  const known = without(LAYERS, "truth", data.counts ? "" : "coverage");
  const layers = makeChoice("colour", named(known), set("layer"));
  const logs = makeChoice("log", numbered("log", n_logs), (i) => set("log")(Number(i)));
  const seeds = makeChoice("network", numbered("network", n_seeds), (i) => set("seed")(Number(i)));
  const sentence = html("p", { class: "sg-sentence", "aria-live": "polite" });
  const pause = () => { clearInterval(clock); clock = 0; play.textContent = "▶ play"; sentence.setAttribute("aria-live", "polite"); };
  const step = () => { const i = model.get("index") + 1; if (i < weights.length) set("index")(i); else pause(); };
  const play = makeButton("▶ play", () => {
    if (clock) return pause();
    if (model.get("index") === weights.length - 1) set("index")(0);
    play.textContent = "❚❚ pause";
    sentence.setAttribute("aria-live", "off"); // not every step of the way
    clock = setInterval(step, 900);
  });
  const run = makeButton("run 20 episodes", () => {
    const ways = sampleWays(world, agent.policy, 20, drives++), tally = (flags) => ways.filter((way) => flags[way.at(-1)]).length;
    const [safe, hurt] = [tally(world.goal), tally(world.hazard)];
    board.animate(ways, () => {
      sentence.textContent = `Of 20 episodes ${safe} reach the goal, ${hurt} hit a hazard, ${20 - safe - hurt} run out of time.`;
    });
  });
  function draw() {
    const at = { index: weights.length, log: n_logs, seed: n_seeds };
    const [index, log, seed] = Object.entries(at).map(([name, n]) => whole(name, model.get(name), 0, n - 1));
    const k = (index * n_logs + log) * n_seeds + seed, layer = oneOf("layer", model.get("layer"), known);
    const policy = new Float64Array(4 * S), q = Float64Array.from(data.q.subarray(4 * k * S, 4 * (k + 1) * S), (x) => x * data.unit);
    [...data.policies[k]].forEach((a, s) => { policy[4 * s + Number(a)] = 1; });
    const visits = data.visits.subarray(k * S, (k + 1) * S).map((x) => x / 1000);
    agent = { policy, q, truth: values(world, policy, data.gamma), counts: data.counts?.subarray(4 * log * S, 4 * (log + 1) * S) };
    const second = (s) => pairs(s).map((p) => q[p]).sort((a, b) => b - a)[1], steps = (s) => pairs(s).reduce((n, p) => n + agent.counts[p], 0);
    const [label, palette, digits] = LAYERS[layer], shown = perState(S, {
      visits: (s) => visits[s], claimed: (s) => best(q, s), overestimate: (s) => best(q, s) - agent.truth.v[s],
      gap: (s) => best(q, s) - second(s), coverage: (s) => steps(s) || NaN,
    }[layer]);
    const [low, high] = data.limits[layer] ?? [0, layer === "visits" ? 1 : shown.reduce((most, n) => Math.max(most, n || 0), 1)];
    board.draw({ values: shown, low, high, label, palette, digits }, policy, visits);
    for (const chart of charts) chart.draw(index, chart.series.map(({ score }) => scores[score][k]));
    for (const [control, value] of [[slider, index], [layers, layer], [logs, log], [seeds, seed]]) control.set(value);
    const [gain, harm, claimed, worth] = SCORES.map((name) => scores[name][k]);
    sentence.textContent = `Weight ${names[index]}, log ${log + 1}: return ${number(gain)}, hazard ${percent(harm)}. `
      + `The agent claims ${number(claimed)} for the start; its policy is worth ${number(worth)}.`;
  }
  const settings = row(layers.element, n_logs > 1 ? logs.element : null, n_seeds > 1 ? seeds.element : null, run);
  const plots = html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element));
  const main = html("div", { class: "sg-main" }, html("div", {}, board.element, settings), plots);
  return {
    element: html("div", { class: "sg-explorer" }, row(slider.element, play), sentence, main), draw, stop: () => { pause(); board.still(); },
  };
}

// ── Laboratory: paint a world, sample a log, clone it and train on it ────────────────────────────────────────────────
const GAMMA = 0.99;
/* What a laboratory may be set to: lowest and highest, whole numbers first. `widgets.py` has the same. */
export const LIMITS = {
  size: [2, 20], max_steps: [1, 400], n_episodes: [1, 2000], seed: [0, 4294967295], n_steps: [1, 5000], conservative_weight: [0, 1000],
  slip_prob: [0, 1], epsilon: [0, 1], step_reward: [-1e3, 1e3], hazard_reward: [-1e3, 1e3], goal_reward: [-1e3, 1e3], reward_scale: [1e-3, 10],
};
const WHOLE = ["max_steps", "n_episodes", "seed", "n_steps"];
const WORLD = ["desc", "slip_prob", "max_steps", "step_reward", "hazard_reward", "goal_reward"];
const LOG = [...WORLD, "driver", "epsilon", "n_episodes", "seed"];
const TRAINING = [...LOG, "conservative_weight", "reward_scale", "n_steps"];
const SETTINGS = [...TRAINING, "layer"];
const DRIVERS = { careless: ["careless: down or right"], expert: ["expert: the optimal way"] };

function checkSetting(name, value) {
  if (!SETTINGS.includes(name)) refuse("setting", name, `one of ${SETTINGS.join(", ")}`);
  if (name === "driver") return oneOf(name, value, DRIVERS);
  if (name === "layer") return oneOf(name, value, LAB_LAYERS);
  if (name === "n_steps" && value === null) return value; // the limit
  if (name !== "desc") return (WHOLE.includes(name) ? whole : real)(name, value, ...LIMITS[name]);
  if (!Array.isArray(value)) refuse(name, value, "a list of rows");
  const size = whole("number of rows", value.length, ...LIMITS.size), fit = (row) => typeof row === "string" && row.length === size;
  value.forEach((row, y) => { if (!fit(row) || !/^[SFHG]*$/.test(row)) refuse(`desc row ${y}`, row, `${size} letters S, F, H or G`); });
  for (const letter of "SG") if (value.join("").split(letter).length !== 2) refuse("desc", value.join("/"), `exactly one ${letter}`);
  return value;
}

const checkSettings = (settings) => Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, checkSetting(name, value)]));
/* A whole laboratory from its settings; what `before` has in common with it is not computed again. */
export function study(settings, before = null) {
  const same = (names) => before !== null && names.every((n) => String(settings[n]) === String(before.settings[n]));
  const judge = (name, policy) => {
    const { v, q } = values(world, policy, GAMMA);
    return { name, policy, v, q, worth: dot(world.start, v), score: evaluate(world, policy) };
  };
  const world = same(WORLD) ? before.world : gridWorld(settings);
  const optimum = same(WORLD) ? before.optimum : judge("optimum", optimal(world, GAMMA));
  const drive = () => (settings.driver === "expert" ? mix(optimum.policy, settings.epsilon) : behaviour(world, settings.epsilon));
  const sample = () => {
    const driver = judge("driver", drive()), log = rollouts(world, driver.policy, settings.n_episodes, portableRng(settings.seed));
    const model = count(world, log);
    return { driver, log, model, clone: judge("clone", greedy(model.counts)) };
  };
  const { driver, log, model, clone } = same(LOG) ? before : sample();
  const train = () => {
    const q = tabularCql(model, settings, GAMMA), claims = perState(world.S, (s) => best(q, s));
    return { q, claims, claimed: dot(world.start, claims), cql: judge("CQL", greedy(q)) };
  };
  const { q, claims, claimed, cql } = same(TRAINING) ? before : train();
  return { settings, world, optimum, driver, log, model, clone, q, claims, claimed, cql };
}
/* The code that makes the same laboratory with the package. */
export const asPython = (s) => `import safegrid as sg

env = sg.SafetyCriticalGridWorld(
    desc=${JSON.stringify(s.desc).replaceAll(",", ",\n          ")},
    max_steps=${s.max_steps}, slip_prob=${s.slip_prob},
    step_reward=${s.step_reward}, hazard_reward=${s.hazard_reward}, goal_reward=${s.goal_reward},
)
driver = env.${s.driver === "expert" ? "expert" : "behaviour"}_policy(${s.epsilon})
log = sg.sample_episodes(env.mdp, driver, ${s.n_episodes}, sg.portable_rng(${s.seed}))
clone = sg.argmax_clone(log, env.mdp)
q = sg.tabular_cql(log, env.mdp, ${s.conservative_weight}, reward_scale=${s.reward_scale}, n_steps=${s.n_steps ?? "None"})
for name, policy in {"clone": clone, "CQL": sg.greedy(q)}.items():
    print(name, env.mdp.evaluate(policy))
print("claimed", env.mdp.start @ q.max(1), "true", env.mdp.start @ env.mdp.values(sg.greedy(q), ${GAMMA})[0])
`;

const toLink = (settings) => `#${new URLSearchParams([["safegrid", "1"], ...SETTINGS.map((n) => [n, n === "desc" ? settings.desc.join(".") : settings[n]])])}`;
export function fromLink(hash) {
  if (hash.length > 4000) refuse("link", hash, "at most 4000 letters");
  const found = [...new URLSearchParams(hash.slice(1))], wanted = ["safegrid", ...SETTINGS], names = found.map(([name]) => name);
  const missing = wanted.find((n) => !names.includes(n)), odd = names.find((n, i) => !wanted.includes(n) || names.indexOf(n) !== i);
  if (found[0]?.[1] !== "1") refuse("link", hash, "a laboratory of version 1");
  if (missing) refuse("link", hash, `the setting ${missing}`);
  if (odd !== undefined) refuse("link", hash, `no setting ${odd.slice(0, 40)}, or once`);
  const words = ["driver", "layer"], value = (n, raw) => (n === "desc" ? raw.split(".") : words.includes(n) ? raw : raw === "null" ? null : raw.trim() === "" ? NaN : Number(raw));
  return checkSettings(Object.fromEntries(found.slice(1).map(([n, raw]) => [n, value(n, raw)])));
}

const LAB_LAYERS = { ...without(LAYERS, "gap"), visits: ["where it goes: expected visits, up to 1", "presence", 0] };
const range = (low, high, n) => Array.from({ length: n + 1 }, (_, i) => Number((low + ((high - low) * i) / n).toPrecision(4)));
const DIALS = { // setting → its name on the page, and where its slider stops
  conservative_weight: ["conservative weight", [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200]],
  reward_scale: ["reward scale", [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]],
  n_steps: ["gradient steps", [50, 100, 200, 500, 1000, 2000, 5000]],
  n_episodes: ["episodes in the log", [5, 10, 20, 30, 60, 100, 200, 500, 1000, 2000]],
  epsilon: ["driver's random actions, ε", range(0, 1, 50)],
  slip_prob: ["slip", range(0, 0.5, 50)], seed: ["seed", range(0, 99, 99)],
};
/* What a board of the laboratory shows; a clone makes no claims. */
function labLayer(name, { model, claims, settings }, { v, score }, claiming) {
  const [label, palette, digits] = LAB_LAYERS[name], { hazard_reward: bad, goal_reward: good } = settings, top = Math.max(good, bad, 1);
  const none = claims.map(() => NaN), [shown, low, high] = {
    visits: () => [score.visits, 0, 1], truth: () => [v, Math.min(bad, good, 0), top],
    claimed: () => [claiming ? claims : none, Math.min(bad, good, 0), top],
    overestimate: () => [claiming ? claims.map((x, s) => x - v[s]) : none, -top, top],
    coverage: () => [model.steps.map((n) => n || NaN), 0, Math.max(...model.steps)],
  }[name]();
  return { values: shown, low, high, palette, digits, label: shown === none ? "a clone claims no value" : label };
}

function readPresets(given) {
  if (!Array.isArray(given) || given.length > 12) refuse("presets", given, "a list of at most 12");
  return given.map((one) => fields("preset", one)).map(({ name, lesson, settings }) =>
    ({ name: text("preset", name, 60), lesson: text("lesson", lesson, 400), settings: checkSettings(fields("settings", settings)) }));
}

function lab(model, page) {
  let now = null, boards = [], tool = "hazard";
  const alert = html("p", { class: "sg-error", role: "alert" });
  const attempt = (action) => { try { alert.textContent = ""; action(); } catch (error) { alert.textContent = error.message; } };
  const change = (settings) => attempt(() => { // all of them or none
    for (const [name, value] of Object.entries(checkSettings(settings))) model.set(name, value);
    model.save_changes();
  });
  const dials = Object.fromEntries(Object.entries(DIALS).map(([name, [label, stops]]) =>
    [name, makeDial(label, stops, (value) => change({ [name]: value }))]));
  const forever = html("input", { type: "checkbox", change: () => change({ n_steps: forever.checked ? null : 2000 }), ...QUIET });
  const driver = makeChoice("driver", named(DRIVERS), (value) => change({ driver: value }));
  const layers = makeChoice("colour", named(LAB_LAYERS), (value) => change({ layer: value }));
  const brushes = [["hazard", "sets or removes a hazard"], ["S", "moves the start"], ["G", "moves the goal"]];
  const brush = makeChoice("a touch on a board", brushes, (value) => { tool = value; });
  const presets = readPresets(model.get("presets")), lesson = html("p", { class: "sg-lesson" });
  const options = [["", "choose a lesson …"], ...presets.map(({ name }, i) => [i, name])];
  const preset = makeChoice("try", options, (i) => change(presets[i]?.settings ?? {}));
  const sheet = html("textarea", { class: "sg-sheet", readonly: true, rows: 6, hidden: true, "aria-label": "text to copy", ...QUIET });
  const hand = (words) => {
    Object.assign(sheet, { hidden: false, value: words }).select();
    navigator.clipboard?.writeText(words).catch(() => {}); // where that is forbidden, the text is selected
  };
  const button = (label, action) => makeButton(label, () => attempt(() => { if (now) action(); }));
  const run = button("run 20 episodes", () => boards.forEach((board, i) =>
    board.animate(sampleWays(now.world, [now.clone, now.cql][i].policy, 20, now.settings.seed))));
  const code = button("copy as Python", () => hand(asPython(now.settings)));
  const share = button("share link", () => { history.replaceState(null, "", toLink(now.settings)); hand(location.href); });
  const body = html("tbody"), sentence = html("p", { class: "sg-sentence", "aria-live": "polite" }), stage = html("div", { class: "sg-pair" });
  function paint(state, stroke) {
    const desc = model.get("desc"), size = desc.length, letters = [...desc.join("")];
    if ("SG".includes(letters[state])) return;
    if (tool !== "hazard") letters[letters.indexOf(tool)] = stroke.under ?? "F"; // what start or goal stood on
    stroke.under = letters[state];
    letters[state] = tool !== "hazard" ? tool : (stroke.letter ??= letters[state] === "H" ? "F" : "H"); // one stroke, one letter
    change({ desc: desc.map((_, y) => letters.slice(y * size, (y + 1) * size).join("")) });
  }
  function describe(claiming, s) {
    if (now.world.terminal[s]) return now.world.hazard[s] ? "hazard" : "goal";
    const { q, cql, model: { counts } } = now, claim = (p) => `${number(q[p])} (true ${number(cql.q[p])})`;
    return pairs(s).map((p, a) => `${SIGNS[a]} ${claiming ? claim(p) : `${counts[p]}×`}`).join(" · ");
  }
  function compute() {
    const settings = Object.fromEntries(SETTINGS.map((n) => [n, checkSetting(n, model.get(n))]));
    const size = now?.settings.desc.length, next = study(settings, now);
    const titles = ["clone: the log's most frequent action", "CQL: conservative Q-learning"];
    now = { ...next, world: size === settings.desc.length ? Object.assign(now.world, next.world) : next.world }; // boards keep their world
    if (size !== settings.desc.length) {
      boards.forEach((board) => board.still());
      boards = titles.map((title, claiming) => makeBoard(title, now.world, (s) => describe(claiming, s), paint));
      stage.replaceChildren(...boards.map((board) => board.element));
    }
    draw();
  }
  function draw() {
    const { optimum, clone, cql, claimed, settings } = now, holds = ([n, value]) => String(value) === String(settings[n]);
    boards.forEach((board, claiming) => {
      const agent = [clone, cql][claiming];
      board.draw(labLayer(settings.layer, now, agent, claiming), agent.policy, agent.score.visits);
    });
    for (const [n, dial] of Object.entries(dials)) dial.set(settings[n]);
    const at = presets.findIndex((one) => Object.entries(one.settings).every(holds));
    for (const [control, value] of [[driver, settings.driver], [layers, settings.layer], [preset, at < 0 ? "" : at]]) control.set(value);
    if (at >= 0) lesson.textContent = presets[at].lesson; // it stays: nothing may move under a painting hand
    forever.checked = settings.n_steps === null;
    body.replaceChildren(...[optimum, now.driver, clone, cql].map(({ name: who, score, worth }) => {
      const cells = [number(score.return_mean), percent(score.hazard_rate), who === "CQL" ? number(claimed) : "", number(worth)];
      return html("tr", {}, html("th", { scope: "row" }, who), ...cells.map((cell) => html("td", {}, cell)));
    }));
    const hits = ({ score }) => number(100 * score.hazard_rate, 0), over = claimed - cql.worth;
    sentence.textContent = `The clone hits a hazard in ${hits(clone)} of 100 episodes, CQL in ${hits(cql)}. CQL claims ${number(claimed)} `
      + `for the start and is worth ${number(cql.worth)}: ${number(Math.abs(over))} too ${over > 0 ? "much" : "little"}.`;
  }
  const visit = () => { if (location.hash.startsWith("#safegrid=")) attempt(() => change(fromLink(location.hash))); };
  if (page) { addEventListener("hashchange", visit); queueMicrotask(visit); }
  const grid = (...controls) => html("div", { class: "sg-dials" }, ...controls.map((control) => control.element ?? control));
  const head = ["return", "hazard", "claimed", "true value"].map((name) => html("th", { scope: "col" }, name));
  return {
    draw: () => attempt(compute),
    stop: () => { removeEventListener("hashchange", visit); boards.forEach((board) => board.still()); },
    element: html("div", { class: "sg-lab" }, row(preset.element, layers.element, brush.element), lesson,
      grid(dials.conservative_weight, dials.reward_scale), sentence, alert, stage,
      html("table", { class: "sg-table" }, html("thead", {}, html("tr", {}, html("td"), ...head)), body),
      grid(dials.n_steps, html("label", { class: "sg-tick" }, forever, "train for ever (the limit, residual 1e−9)"),
        dials.n_episodes, dials.epsilon, dials.slip_prob, dials.seed, driver),
      row(run, code, page ? share : null), sheet),
  };
}

// ── Door: how Jupyter and the page come in ───────────────────────────────────────────────────────────────────────────
const FIGURES = { explorer: [explorer, ["index", "log", "seed", "layer"]], lab: [lab, SETTINGS] }; // and the traits they show
function render({ model, el, page = false }) {
  let figure = null, due = false;
  const close = () => { figure?.stop(); figure = null; };
  const guard = (action) => () => {
    try { action(); } catch (error) {
      close();
      el.replaceChildren(html("p", { class: "sg-error", role: "alert" }, `This figure cannot be shown: ${error.message}`));
    }
  };
  const open = guard(() => {
    close();
    figure = FIGURES[oneOf("figure", model.get("figure"), FIGURES)][0](model, page);
    el.replaceChildren(figure.element);
    figure.draw();
  });
  const redraw = guard(() => { due = false; figure?.draw(); });
  const update = () => { // once, however many traits change together; a figure that failed gets another try
    if (!due) queueMicrotask(figure ? redraw : open);
    due = figure !== null;
  };
  el.classList.add("safegrid");
  open();
  const shown = FIGURES[model.get("figure")]?.[1] ?? [], heard = [["change:data", open], ...shown.map((name) => [`change:${name}`, update])];
  for (const [event, listener] of heard) model.on(event, listener);
  return () => { close(); for (const [event, listener] of heard) model.off(event, listener); };
}

export default { render };
