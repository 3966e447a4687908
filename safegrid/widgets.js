/* The figures that can be touched. One module and no build step: Jupyter loads it through anywidget, a built page through
   `figures.js`. What a figure shows is either looked up in results that Python computed (the explorer) or computed here
   (the laboratory), by the same rules as `mdp.py`, `env.py` and `tabular.py`; the tests compare the two on random worlds.
   State is data: its numbers are checked before use, its texts reach the page as text and nothing else.

   Sections: page · checks · world · learning · board · chart · controls · explorer · laboratory · doors */

// ── Page: elements, numbers as text, colours ──────────────────────────────────────────────────────────────────────────

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

const number = (x, digits = 1) =>
  x === null || Number.isNaN(x) ? "–" : Number.isFinite(x) ? (Number(x.toFixed(digits)) + 0).toFixed(digits).replace("-", "−") : x < 0 ? "−∞" : "∞";
const percent = (x) => `${number(100 * x, 100 * x > 0 && 100 * x < 9.95 ? 1 : 0)}%`;
const plain = (x) => String(x).replace("-", "−");
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const INK = { blue: "#0072b2", orange: "#e69f00", green: "#009e73", red: "#d55e00", grey: "#7a828a" }; // Okabe & Ito 2008
const PALETTES = {
  rising: ["#440154", "#48287a", "#3c4f8a", "#2c718e", "#21908c", "#2bb07f", "#5cc863", "#aadc32", "#fde725"], // viridis
  balance: ["#00446f", "#0072b2", "#6aaed6", "#c6dcec", "#f4f1ea", "#f6d5b5", "#ec9a52", "#d55e00", "#8a3c00"],
};
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const SHADES = Object.fromEntries(Object.entries(PALETTES).map(([name, stops]) => {
  const colours = stops.map(rgb);
  return [name, Array.from({ length: 101 }, (_, i) => {
    const at = Math.min((i / 100) * (stops.length - 1), stops.length - 1 - 1e-9), k = Math.floor(at);
    return `rgb(${colours[k].map((c, j) => Math.round(c + (at - k) * (colours[k + 1][j] - c))).join(" ")})`;
  })];
}));
SHADES.presence = Array.from({ length: 101 }, (_, i) => `rgb(0 114 178 / ${i}%)`); // fades into the page, light or dark
const shade = (palette, share) => SHADES[palette][Math.round(100 * Math.min(1, Math.max(0, share)))];

// ── Checks: whatever comes from outside is refused by name, value and what was expected ───────────────────────────────

function refuse(name, value, expected) {
  const text = typeof value === "string" ? JSON.stringify(value) : Array.isArray(value) ? `a list of ${value.length}` : String(value);
  throw new Error(`${name} is ${text.slice(0, 60)}, expected ${expected}`);
}
function whole(name, value, low, high) {
  if (!(Number.isInteger(value) && value >= low && value <= high)) refuse(name, value, `a whole number in ${low}…${high}`);
  return value;
}
function real(name, value, low, high) {
  if (!(Number.isFinite(value) && value >= low && value <= high)) refuse(name, value, `a number in ${plain(low)}…${plain(high)}`);
  return value;
}
function list(name, value, length, low = -1e9, high = 1e9, type = Float64Array) {
  if (!Array.isArray(value) || value.length !== length) refuse(name, value, `a list of ${length}`);
  const check = type === Float64Array ? real : whole;
  for (let i = 0; i < length; i++) if (!(value[i] >= low && value[i] <= high) || check === whole) check(`${name}[${i}]`, value[i], low, high);
  return type.from(value);
}
const text = (name, value, most = 200) => (typeof value === "string" && value.length <= most ? value : refuse(name, value, `text of at most ${most} letters`));
const fields = (name, value) => (value && typeof value === "object" && !Array.isArray(value) ? value : refuse(name, value, "named fields"));

// ── World: the table of a grid, and everything that can be computed from it exactly ───────────────────────────────────

const MOVES = [[0, 1], [1, 0], [0, -1], [-1, 0]]; // down, right, up, left

/* The grid's table: pair p = 4·state + action has the four successors `next[4p…]`, one for each move that may happen. */
export function gridWorld({ desc, slip_prob, max_steps, step_reward, hazard_reward, goal_reward }) {
  const size = desc.length, S = size * size, letters = desc.join("");
  const reward = [...letters].map((letter) => ({ H: hazard_reward, G: goal_reward })[letter] ?? step_reward);
  const world = {
    S, next: new Int32Array(16 * S), chance: new Float64Array(16 * S), gain: new Float64Array(16 * S),
    hazard: Uint8Array.from(letters, (l) => l === "H"), goal: Uint8Array.from(letters, (l) => l === "G"),
    terminal: Uint8Array.from(letters, (l) => l === "H" || l === "G"), start: Float64Array.from(letters, (l) => l === "S"),
    cells: Array.from({ length: S }, (_, s) => [s % size, Math.floor(s / size)]), horizon: max_steps, size,
  };
  const inside = (c) => Math.min(size - 1, Math.max(0, c));
  for (let s = 0; s < S; s++) for (let a = 0; a < 4; a++) for (let k = 0; k < 4; k++) {
    const at = 16 * s + 4 * a + k, [x, y] = world.cells[s], [dx, dy] = MOVES[k];
    world.next[at] = inside(y + dy) * size + inside(x + dx);
    world.chance[at] = (1 - slip_prob) * (a === k ? 1 : 0) + slip_prob / 4;
    world.gain[at] = reward[world.next[at]];
  }
  return world;
}

/* Q(s, a) = E[r + γ V(s′)], 0 in terminal states. */
function backup(world, v, gamma) {
  const q = new Float64Array(4 * world.S);
  for (let p = 0; p < q.length; p++) {
    if (world.terminal[p >> 2]) continue;
    for (let i = 4 * p; i < 4 * p + 4; i++) q[p] += world.chance[i] * (world.gain[i] + (world.terminal[world.next[i]] ? 0 : gamma * v[world.next[i]]));
  }
  return q;
}

/* Acts by the highest value; values within `tie` share evenly, or the first of them wins. */
export function greedy(q, tie = 1e-6, first = false) {
  const policy = new Float64Array(q.length);
  for (let s = 0; s < q.length; s += 4) {
    const top = Math.max(q[s], q[s + 1], q[s + 2], q[s + 3]);
    const best = [0, 1, 2, 3].filter((a) => q[s + a] >= top - tie);
    for (const a of first ? best.slice(0, 1) : best) policy[s + a] = first ? 1 : 1 / best.length;
  }
  return policy;
}

/* The stationary γ-optimal policy, by value iteration. */
export function optimal(world, gamma) {
  let v = new Float64Array(world.S);
  for (;;) {
    const q = backup(world, v, gamma), better = v.map((_, s) => Math.max(q[4 * s], q[4 * s + 1], q[4 * s + 2], q[4 * s + 3]));
    let change = 0, top = 1;
    better.forEach((x, s) => { change = Math.max(change, Math.abs(x - v[s])); top = Math.max(top, Math.abs(x)); });
    v = better;
    if (change <= 1e-12 * top) return greedy(q, 1e-9 * q.reduce((most, x) => Math.max(most, Math.abs(x)), 1), true);
  }
}

/* State-to-state chances under a policy, as rows of [successor, chance], and the mean reward of each state. */
function chain(world, policy) {
  const rows = [], reward = new Float64Array(world.S);
  for (let s = 0; s < world.S; s++) {
    const row = new Map();
    if (!world.terminal[s]) for (let i = 16 * s; i < 16 * s + 16; i++) {
      const w = policy[i >> 2] * world.chance[i];
      if (w === 0) continue;
      row.set(world.next[i], (row.get(world.next[i]) ?? 0) + w);
      reward[s] += w * world.gain[i];
    }
    rows.push([...row]);
  }
  return { rows, reward };
}

/* Solves (I − M) x = b by Gaussian elimination, which for M of chances below 1 needs no pivots and stays within a band. */
function solve(rows, b) {
  const n = rows.length, x = Float64Array.from(b);
  const band = Math.max(1, ...rows.map((row, s) => Math.max(0, ...row.map(([z]) => Math.abs(z - s))))), width = 2 * band + 1;
  const matrix = new Float64Array(n * width); // row i holds columns i − band … i + band
  rows.forEach((row, s) => {
    matrix[s * width + band] = 1;
    for (const [z, w] of row) matrix[s * width + z - s + band] -= w;
  });
  for (let k = 0; k < n; k++) for (let i = k + 1, end = Math.min(n, i + band); i < end; i++) {
    const factor = matrix[i * width + k - i + band] / matrix[k * width + band];
    if (factor === 0) continue;
    for (let j = k, to = i * width - i + band, from = k * width - k + band; j < end; j++) matrix[to + j] -= factor * matrix[from + j];
    x[i] -= factor * x[k];
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j <= Math.min(n - 1, k + band); j++) x[k] -= matrix[k * width + j - k + band] * x[j];
    x[k] /= matrix[k * width + band];
  }
  return x;
}

/* Discounted V and Q of a policy over the infinite horizon. */
export function values(world, policy, gamma) {
  const { rows, reward } = chain(world, policy);
  const v = solve(rows.map((row) => row.filter(([z]) => !world.terminal[z]).map(([z, w]) => [z, gamma * w])), reward);
  return { v, q: backup(world, v, gamma) };
}

/* The exact score of a policy over episodes of at most `horizon` steps, and how often it expects to be in each cell. */
export function evaluate(world, policy) {
  const { rows, reward } = chain(world, policy);
  const score = { return_mean: 0, hazard_rate: 0, goal_rate: 0, timeout_rate: 0, length_mean: 0 };
  const visits = Float64Array.from(world.start);
  let alive = Float64Array.from(world.start);
  for (let t = 0; t < world.horizon; t++) {
    const arrived = new Float64Array(world.S);
    for (let s = 0; s < world.S; s++) {
      if (alive[s] === 0) continue;
      score.length_mean += alive[s];
      score.return_mean += alive[s] * reward[s];
      for (const [z, w] of rows[s]) arrived[z] += alive[s] * w;
    }
    for (let s = 0; s < world.S; s++) {
      visits[s] += arrived[s];
      if (world.hazard[s]) score.hazard_rate += arrived[s];
      if (world.goal[s]) score.goal_rate += arrived[s];
      if (world.terminal[s]) arrived[s] = 0;
    }
    alive = arrived;
  }
  score.timeout_rate = alive.reduce((sum, x) => sum + x, 0);
  return { ...score, visits };
}

// ── Learning: a log, the clone that counts, and tabular CQL ───────────────────────────────────────────────────────────

/* MT19937 (Matsumoto & Nishimura 1998) with the authors' 2002 seeding and 53-bit numbers, as `safegrid.portable_rng`. */
export function portableRng(seed) {
  const key = new Uint32Array(624);
  key[0] = seed;
  for (let i = 1; i < 624; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  let at = 624;
  const word = () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (key[i] & 0x80000000) | (key[(i + 1) % 624] & 0x7fffffff);
        key[i] = key[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = key[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
}

const mix = (policy, epsilon) => policy.map((p) => (1 - epsilon) * p + epsilon / 4);

/* The careless driver: down or right, never knowingly into a hazard; see `SafetyCriticalGridWorld.behaviour_policy`. */
export function behaviour(world, epsilon) {
  const { S, size, hazard, cells } = world, policy = new Float64Array(4 * S), [gx, gy] = cells[world.goal.indexOf(1)];
  for (let s = 0; s < S; s++) {
    const landing = [0, 1, 2, 3].map((a) => world.next[16 * s + a]);
    let wanted = [0, 1].filter((a) => landing[a] !== s && !hazard[landing[a]]);
    if (!wanted.length) {
      const distance = landing.map((z) => (hazard[z] ? Infinity : z === s ? 2 * size : Math.abs(cells[z][0] - gx) + Math.abs(cells[z][1] - gy)));
      wanted = [0, 1, 2, 3].filter((a) => distance[a] === Math.min(...distance));
    }
    for (const a of wanted) policy[4 * s + a] = 1 / wanted.length;
  }
  return mix(policy, epsilon);
}

/* Episodes in lock-step, as `TabularMDP.rollouts`: all that are alive draw their actions, then what follows. */
export function rollouts(world, policy, n, random) {
  const log = { episode: [], state: [], action: [], reward: [], next: [], terminal: [], timeout: [] };
  const cumulate = (table) => table.map((_, i) => table.slice(i - (i % 4), i + 1).reduce((sum, x) => sum + x));
  const choose = cumulate(policy), branch = cumulate(world.chance), begin = world.start.map(((sum) => (x) => (sum += x))(0));
  const draw = (table, at, width, u = random()) => {
    let k = 0;
    for (let i = at; i < at + width; i++) if (u * table[at + width - 1] >= table[i]) k++;
    return k;
  };
  let walkers = Array.from({ length: n }, (_, episode) => [episode, draw(begin, 0, world.S)]);
  for (let t = 1; t <= world.horizon && walkers.length; t++) {
    const actions = walkers.map(([, s]) => draw(choose, 4 * s, 4));
    walkers = walkers.flatMap(([episode, s], i) => {
      const pair = 4 * s + actions[i], at = 4 * pair + draw(branch, 4 * pair, 4), z = world.next[at], over = world.terminal[z] === 1;
      log.episode.push(episode); log.state.push(s); log.action.push(actions[i]); log.next.push(z);
      log.reward.push(Math.fround(world.gain[at])); log.terminal.push(over); log.timeout.push(!over && t === world.horizon);
      return over ? [] : [[episode, z]];
    });
  }
  return log;
}

/* What the log says of each pair: how often, its share of the state's actions, its mean reward, and what follows it. */
export function count(world, log) {
  const pairs = 4 * world.S, counts = new Float64Array(pairs), share = new Float64Array(pairs), reward = new Float64Array(pairs);
  const follow = Array.from({ length: pairs }, () => new Map());
  log.state.forEach((s, i) => counts[4 * s + log.action[i]]++);
  log.state.forEach((s, i) => {
    const p = 4 * s + log.action[i];
    reward[p] += log.reward[i] / counts[p];
    if (!log.terminal[i]) follow[p].set(log.next[i], (follow[p].get(log.next[i]) ?? 0) + 1 / counts[p]);
  });
  const visited = [];
  for (let s = 0; s < world.S; s++) {
    const steps = counts[4 * s] + counts[4 * s + 1] + counts[4 * s + 2] + counts[4 * s + 3];
    if (steps) visited.push(s);
    for (let p = 4 * s; p < 4 * s + 4; p++) share[p] = steps ? counts[p] / steps : 0;
  }
  const first = new Int32Array(pairs + 1), next = [], chance = []; // the followers of all pairs in one row
  follow.forEach((row, p) => { for (const [z, w] of row) { next.push(z); chance.push(w); } first[p + 1] = next.length; });
  return { counts, share, reward, visited, first, next: Int32Array.from(next), chance: Float64Array.from(chance) };
}

const target = (model, p, v, scale, gamma) => {
  let future = 0;
  for (let i = model.first[p]; i < model.first[p + 1]; i++) future += model.chance[i] * v[model.next[i]];
  return scale * model.reward[p] + gamma * future;
};
const bestOf = (q, v) => { for (let s = 0; s < v.length; s++) v[s] = Math.max(q[4 * s], q[4 * s + 1], q[4 * s + 2], q[4 * s + 3]); };

/* Tabular CQL in raw reward, as `safegrid.tabular_cql`: a number of gradient steps, or their limit where it is null. */
export function tabularCql(model, { conservative_weight, reward_scale, n_steps }, gamma) {
  const push = reward_scale * conservative_weight, S = model.share.length / 4;
  const q = n_steps === null ? limit(model, push, reward_scale, gamma, S) : descend(model, push, reward_scale, gamma, S, n_steps);
  return q.map((x) => x / reward_scale);
}

function descend(model, push, scale, gamma, S, steps) {
  const q = new Float64Array(4 * S), v = new Float64Array(S), soft = new Float64Array(4), size = 1 + push / 2;
  const { share, visited, first, next, chance } = model, reward = model.reward.map((r) => scale * r + push);
  for (let step = 0; step < steps; step++) {
    bestOf(q, v);
    for (const s of visited) {
      let sum = 0;
      if (push > 0) for (let a = 0; a < 4; a++) sum += soft[a] = Math.exp(q[4 * s + a] - v[s]);
      for (let a = 0, p = 4 * s, each = push > 0 ? push / sum : 0; a < 4; a++, p++) {
        let slope = each * soft[a];
        if (share[p] > 0) {
          let future = 0;
          for (let i = first[p]; i < first[p + 1]; i++) future += chance[i] * v[next[i]];
          slope += share[p] * (q[p] - reward[p] - gamma * future);
        }
        q[p] -= slope / size;
      }
    }
  }
  return q;
}

const RESIDUAL = 1e-9; // raw reward

/* The limit, by Newton's method on V where that gains on plain value iteration, which contracts by γ. */
function limit(model, push, scale, gamma, S) {
  const { share, visited, first, next, chance } = model, q = new Float64Array(4 * S);
  if (push > 0) for (const s of visited) for (let p = 4 * s; p < 4 * s + 4; p++) if (share[p] === 0) q[p] = -Infinity;
  const sweep = (v) => { // what V the log makes of v, how far that moves it, and how it leans on its targets
    const after = new Float64Array(S), rows = Array.from({ length: S }, () => []);
    for (const s of visited) {
      const seen = [4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3].filter((p) => share[p] > 0);
      const goals = seen.map((p) => target(model, p, v, scale, gamma));
      const { solved, lean } = push > 0 ? balance(seen.map((p) => share[p]), goals, push) : { solved: goals, lean: goals.map((_, i) => seen.map((_, j) => Number(i === j))) };
      seen.forEach((p, i) => { q[p] = solved[i]; });
      after[s] = Math.max(q[4 * s], q[4 * s + 1], q[4 * s + 2], q[4 * s + 3]);
      const top = solved.indexOf(after[s]);
      if (top >= 0) seen.forEach((p, j) => { for (let i = first[p]; i < first[p + 1]; i++) rows[s].push([next[i], gamma * lean[top][j] * chance[i]]); });
    }
    const move = after.map((x, s) => x - v[s]);
    return { v, after, rows, move, size: move.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
  };
  let now = sweep(new Float64Array(S));
  while (now.size > RESIDUAL * scale) {
    const jump = solve(now.rows, now.move), tried = sweep(now.v.map((x, s) => x + jump[s]));
    now = tried.size <= gamma * now.size ? tried : sweep(now.after);
  }
  return q;
}

/* Solves share·(q − goal) = push·(share − softmax(q)), see `tabular._balance`; lean[a][b] = ∂q(a)/∂goal(b). */
function balance(share, goals, push) {
  const ratio = share.map((b) => push / b), reach = goals.map((y, i) => Math.log(ratio[i]) + y + push);
  const rounding = 1e-14 * (1 + push + Math.max(...goals.map(Math.abs)));
  for (let z = Math.min(...goals), step = Infinity; ; z += step) {
    const omegas = reach.map((x) => wrightOmega(x - z)), bend = omegas.map((w, i) => w / (1 + w) / ratio[i]);
    const slope = bend.reduce((sum, x) => sum + x, 0);
    if (step <= rounding) {
      const lean = omegas.map((w, a) => bend.map((x, b) => ((a === b ? 1 : 0) + (w * x) / slope) / (1 + w)));
      return { solved: goals.map((y, i) => y + push - omegas[i]), lean };
    }
    step = (omegas.reduce((sum, w, i) => sum + w / ratio[i], 0) - 1) / slope;
  }
}

/* ω + log ω = x (Corless & Jeffrey 2002), by two steps of Fritsch, Shafer & Crowley (1973). */
export function wrightOmega(x) {
  if (x < -50) return Math.exp(x);
  let w = x > 1 ? x - Math.log(x) : x > -2 ? Math.exp((2 * (x - 1)) / 3) : Math.exp(x) * (1 - Math.exp(x));
  for (let i = 0; i < 3; i++) {
    const r = x - w - Math.log(w), t = (1 + w) * (1 + w + (2 / 3) * r);
    w *= 1 + ((r / (1 + w)) * (t - r / 2)) / (t - r);
  }
  return w;
}

// ── Board: a grid from above, that can be read cell by cell and painted ───────────────────────────────────────────────

/* `describe(state)` is the text for a cell; `paint(state, stroke)`, where there is one, makes the board paintable. */
function makeBoard(name, world, describe, paint = null) {
  const { cells } = world, columns = 1 + Math.max(...cells.map(([x]) => x)), rows = 1 + Math.max(...cells.map(([, y]) => y));
  const at = new Map(cells.map(([x, y], s) => [`${x},${y}`, s]));
  const squares = cells.map(([x, y]) => svg("rect", { x, y, width: 1, height: 1, class: "sg-cell" }));
  const faint = svg("path", { class: "sg-arrows sg-faint" }), bold = svg("path", { class: "sg-arrows" });
  const marks = svg("g"), walk = svg("g", { class: "sg-walk" });
  const cursor = svg("rect", { x: 0.05, y: 0.05, width: 0.9, height: 0.9, class: "sg-cursor" });
  const readout = html("p", { class: "sg-readout" }), legend = html("p", { class: "sg-legend" });
  const picture = svg("svg", {
    viewBox: `-0.06 -0.06 ${columns + 0.12} ${rows + 0.12}`, class: paint ? "sg-board sg-paintable" : "sg-board", tabindex: 0, role: "application",
    "aria-label": `${name}: a board of ${columns} by ${rows} cells. Arrow keys move the cursor${paint ? ", Enter paints" : ""}.`, "data-lm-suppress-shortcuts": "true",
  }, svg("g", {}, ...squares), marks, faint, bold, walk, cursor);
  let here = Math.max(0, world.start.findIndex((p) => p > 0)), stroke = null;

  const point = (state) => {
    here = state;
    cursor.setAttribute("transform", `translate(${cells[here].join(" ")})`);
    readout.textContent = `(${cells[here].join(", ")}) ${describe(here)}`;
  };
  const under = (event) => {
    const box = picture.getBoundingClientRect(), cell = 1 / (columns + 0.12);
    const x = Math.floor(((event.clientX - box.left) / box.width) / cell - 0.06), y = Math.floor(((event.clientY - box.top) / box.width) / cell - 0.06);
    return at.get(`${x},${y}`);
  };
  picture.addEventListener("pointermove", (event) => {
    const state = under(event);
    if (state === undefined || (state === here && !stroke)) return;
    point(state);
    if (stroke) paint(state, stroke);
  });
  picture.addEventListener("pointerdown", (event) => {
    const state = under(event);
    if (state === undefined) return;
    point(state);
    if (paint && event.pointerType === "mouse") { stroke = {}; paint(state, stroke); picture.setPointerCapture(event.pointerId); }
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { stroke = null; });
  picture.addEventListener("click", (event) => { // a finger drags the page, and paints by tapping
    const state = under(event);
    if (paint && state !== undefined && event.pointerType !== "mouse") paint(state, {});
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowDown: [0, 1], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowLeft: [-1, 0] }[event.key], [x, y] = cells[here];
    const state = step && at.get(`${x + step[0]},${y + step[1]}`);
    if (state !== undefined) point(state);
    if (paint && ["Enter", " "].includes(event.key)) paint(here, {});
    if (step || (paint && ["Enter", " "].includes(event.key))) event.preventDefault();
    readout.setAttribute("aria-live", "polite");
  });

  const landmarks = () => marks.replaceChildren(...cells.flatMap(([x, y], s) => {
    if (world.hazard[s]) return [svg("path", { d: `M${x} ${y}h1v1h-1z`, class: "sg-hazard" }),
      svg("path", { d: [0.25, 0.5, 0.75, 1].map((k) => `M${x} ${y + k}l${k} ${-k}`).join("") + [0.25, 0.5, 0.75].map((k) => `M${x + k} ${y + 1}L${x + 1} ${y + k}`).join(""), class: "sg-hatch" })];
    if (world.goal[s]) return [svg("path", { d: `M${x} ${y}h1v1h-1z`, class: "sg-goal" }), svg("text", { x: x + 0.5, y: y + 0.76, class: "sg-letter" }, "G")];
    if (world.start[s] > 0) return [svg("path", { d: `M${x + 0.08} ${y + 0.08}h.84v.84h-.84z`, class: "sg-start" })];
    return [];
  }));
  landmarks();

  /* Draws a layer ({ values, palette, low, high, label } or null) and a policy; arrows are bold where `visits` says it goes. */
  function draw(layer, policy, visits) {
    squares.forEach((square, s) => {
      const value = layer && !world.terminal[s] ? layer.values[s] : NaN;
      square.setAttribute("fill", Number.isNaN(value) ? "none" : shade(layer.palette, (value - layer.low) / (layer.high - layer.low)));
    });
    const arrows = ["", ""];
    for (let s = 0; s < world.S; s++) {
      if (world.terminal[s]) continue;
      const acts = [0, 1, 2, 3].filter((a) => policy[4 * s + a] > 0.01);
      if (acts.length < 4) for (const a of acts) arrows[visits[s] >= 0.01 ? 1 : 0] += arrow(cells[s], MOVES[a], acts.length > 1);
    }
    faint.setAttribute("d", arrows[0]);
    bold.setAttribute("d", arrows[1]);
    if (layer) legend.replaceChildren(html("span", {}, layer.label), html("span", {}, number(layer.low, layer.digits)),
      svg("svg", { viewBox: "0 0 20 1", class: "sg-ramp", preserveAspectRatio: "none", "aria-hidden": "true" },
        ...Array.from({ length: 20 }, (_, i) => svg("rect", { x: i, y: 0, width: 1.05, height: 1, fill: shade(layer.palette, i / 19) }))),
      html("span", {}, number(layer.high, layer.digits)));
    point(here);
  }

  /* Lets walkers go along their cells, all at once; where motion is unwelcome their whole ways appear. */
  let clock = 0;
  function animate(paths, done) {
    clearInterval(clock);
    const centre = (s) => cells[s].map((c) => c + 0.5), ways = paths.map(() => svg("polyline", { class: "sg-way" }));
    const dots = paths.map(() => svg("circle", { r: 0.2, class: "sg-walker" })), jitter = (i) => 0.28 * Math.sin(5 * i + 1);
    const longest = Math.max(...paths.map((path) => path.length));
    walk.replaceChildren(...ways, ...dots);
    const show = (t) => paths.forEach((path, i) => {
      const trail = path.slice(0, t + 1).map((s) => { const [x, y] = centre(s); return [x + jitter(i), y + jitter(i + 7)]; });
      ways[i].setAttribute("points", trail.map((xy) => xy.map((c) => c.toFixed(2)).join(",")).join(" "));
      dots[i].setAttribute("transform", `translate(${trail.at(-1).map((c) => c.toFixed(2)).join(" ")})`);
    });
    let t = calm() ? longest : 0;
    const tick = () => { show(t); if (t++ >= longest) { clearInterval(clock); done(); } };
    tick();
    if (t <= longest) clock = setInterval(tick, 60);
  }
  const still = () => { clearInterval(clock); walk.replaceChildren(); };
  point(here);
  return { element: html("div", { class: "sg-boardbox" }, html("h4", {}, name), picture, legend, readout), draw, animate, still, landmarks, point };
}

function arrow([x, y], [dx, dy], fork) {
  const at = (along, across) => `${(x + 0.5 + along * dx - across * dy).toFixed(2)} ${(y + 0.5 + along * dy + across * dx).toFixed(2)}`;
  const tail = fork ? 0.02 : -0.34, tip = fork ? 0.42 : 0.36, neck = tip - 0.26;
  return `M${at(tail, 0.06)}L${at(neck, 0.06)}L${at(neck, 0.2)}L${at(tip, 0)}L${at(neck, -0.2)}L${at(neck, -0.06)}L${at(tail, -0.06)}Z`;
}

// ── Chart: a quantity over the conservative weight, with its intervals, references and the weight that is chosen ──────

/* `series`: [{ name, colour, dash, rows: [[estimate, low, high], …] }]; `levels`: [[name, value], …]; `places` in 0…1. */
function makeChart(title, places, labels, series, levels, format, choose) {
  const W = 320, H = 190, left = 44, right = 58, top = 12, bottom = 34;
  const all = [...series.flatMap((one) => one.rows.flat()), ...levels.map(([, value]) => value)].filter(Number.isFinite);
  const pad = 0.06 * (Math.max(...all) - Math.min(...all) || 1), low = Math.min(...all) - pad, high = Math.max(...all) + pad;
  const x = (i) => left + places[i] * (W - left - right), y = (v) => H - bottom - ((v - low) / (high - low)) * (H - top - bottom);
  const step = [1, 2, 5, 10].map((k) => k * 10 ** Math.floor(Math.log10((high - low) / 4))).find((k) => (high - low) / k <= 5);
  const ticks = Array.from({ length: 12 }, (_, i) => (Math.ceil(low / step) + i) * step).filter((v) => v <= high);
  const beside = [...levels.map(([name, value]) => ({ name, y: y(value), dash: true })), ...series.filter(() => series.length > 1).map((one) => ({ name: one.name, y: y(one.rows.at(-1)[0]), colour: one.colour }))].sort((a, b) => a.y - b.y);
  beside.forEach((label, i) => { label.at = Math.max(label.y + 3, i ? beside[i - 1].at + 11 : top + 3); });
  for (let i = beside.length - 1, most = H - bottom + 3; i >= 0; i--, most -= 11) beside[i].at = Math.min(beside[i].at, most);
  let last = -Infinity;
  const marker = svg("line", { y1: top, y2: H - bottom, class: "sg-marker" });
  const dots = series.map((one) => svg("circle", { r: 4.5, fill: one.colour, class: "sg-dot" })), rings = series.map((one) => svg("circle", { r: 3.2, stroke: one.colour, class: "sg-ring" }));
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "sg-chart", role: "img" },
    ...ticks.flatMap((v) => [svg("line", { x1: left, x2: W - right, y1: y(v), y2: y(v), class: "sg-grid" }), svg("text", { x: left - 5, y: y(v) + 3.5, "text-anchor": "end" }, format(v))]),
    ...labels.flatMap((label, i) => { const room = x(i) - last > 5 * label.length + 9; if (room) last = x(i); return room ? [svg("text", { x: x(i), y: H - bottom + 13, "text-anchor": "middle" }, label)] : []; }),
    svg("text", { x: (left + W - right) / 2, y: H - 4, "text-anchor": "middle" }, "conservative weight"),
    ...levels.map(([, value]) => svg("line", { x1: left, x2: W - right, y1: y(value), y2: y(value), class: "sg-level" })),
    ...beside.map((label) => svg("text", { x: W - right + 5, y: label.at }, label.name)),
    ...series.flatMap(({ rows, colour, dash }) => {
      const sure = rows.every((row) => row.every(Number.isFinite)), path = (k) => rows.map((row, i) => `${x(i)},${y(row[k])}`);
      return [sure ? svg("path", { d: `M${path(1).join("L")}L${path(2).reverse().join("L")}Z`, fill: colour, class: "sg-band" }) : null,
        svg("polyline", { points: path(0).join(" "), stroke: colour, class: "sg-line", "stroke-dasharray": dash ? "5 3" : null })].filter(Boolean);
    }), marker, ...rings, ...dots);
  picture.addEventListener("pointerdown", (event) => {
    const box = picture.getBoundingClientRect(), place = (((event.clientX - box.left) / box.width) * W - left) / (W - left - right);
    choose(nearest(places, place));
  });
  const now = html("p", { class: "sg-now" });
  return {
    element: html("div", { class: "sg-chartbox" }, html("h4", {}, title), picture, now),
    /* Marks weight i; `own` has the chosen agent's value of each series. */
    draw(i, own) {
      marker.setAttribute("x1", x(i));
      marker.setAttribute("x2", x(i));
      series.forEach(({ rows }, k) => {
        for (const [dot, value] of [[dots[k], rows[i][0]], [rings[k], own[k]]]) {
          dot.setAttribute("cx", x(i));
          dot.setAttribute("cy", Number.isFinite(value) ? Math.min(H - bottom, Math.max(top, y(value))) : -20);
        }
      });
      now.textContent = series.map(({ name, rows }, k) => `${name} ${format(rows[i][0])}${Number.isFinite(rows[i][1]) ? ` [${format(rows[i][1])}, ${format(rows[i][2])}]` : ""}, ○ ${format(own[k])}`).join("; ");
      picture.setAttribute("aria-label", `${title} at weight ${labels[i]}: ${now.textContent}`);
    },
  };
}

const nearest = (places, place) => places.reduce((best, p, i) => (Math.abs(p - place) < Math.abs(places[best] - place) ? i : best), 0);

/* Where weights stand on an axis from 0 to 1: by their logarithm, with 0 a step to the left of the smallest. */
function placesOf(weights) {
  const least = Math.min(...weights.filter((w) => w > 0), Infinity), gap = Math.log(Math.max(...weights) / least) / weights.length || 1;
  const raw = weights.map((w) => (w === 0 ? 0 : Number(weights[0] === 0) * gap + Math.log(w / least)));
  return raw.map((x) => (weights.length > 1 ? x / raw.at(-1) : 0.5));
}

// ── Controls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const QUIET = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab would keep the arrow keys for itself

/* A slider that stands at one of `places` (0…1); arrow keys go from one to the next. */
function makeSlider(label, places, names, choose) {
  const input = html("input", { type: "range", min: 0, max: 1, step: "any", "aria-label": label, ...QUIET }), output = html("output");
  let index = 0;
  const set = (i) => {
    index = i;
    input.value = places[i];
    input.setAttribute("aria-valuetext", names[i]);
    output.textContent = names[i];
  };
  const go = (i) => { if (i !== index) choose(i); else set(i); };
  input.addEventListener("input", () => go(nearest(places, Number(input.value))));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 3, PageDown: -3, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    go(Math.min(places.length - 1, Math.max(0, index + step)));
  });
  return { element: html("label", { class: "sg-slider" }, html("span", {}, label), input, output), set };
}

function makeChoice(label, options, choose) {
  const input = html("select", { change: () => choose(input.value), ...QUIET }, ...options.map(([value, name]) => html("option", { value }, name)));
  return { element: html("label", { class: "sg-field" }, html("span", {}, label), input), set: (value) => { input.value = value; } };
}

const makeButton = (label, click) => html("button", { type: "button", class: "sg-button", click }, label);

// ── Explorer: turn the weight of agents that were trained ─────────────────────────────────────────────────────────────

const LAYERS = {
  visits: ["where it goes: probability of visiting", "presence", 0], claimed: ["claimed value of the cell", "rising", 0], overestimate: ["claimed minus true value", "balance", 0],
  gap: ["action gap: best claim minus second best", "rising", 1], coverage: ["steps in the log", "presence", 0],
};

/* The explorer's data, checked, with every array in the shape that its name says. */
function readData(data) {
  const { weights, n_logs, n_seeds } = fields("data", data), given = fields("world", data.world);
  const S = whole("number of states", given.terminal?.length, 1, 1024), W = whole("number of weights", weights?.length, 1, 60);
  const members = W * whole("n_logs", n_logs, 1, 100) * whole("n_seeds", n_seeds, 1, 20);
  if (members * S > 1e6) refuse("number of agents times states", members * S, "at most a million");
  const xy = list("cells", given.cells, 2 * S, 0, 63, Int32Array), flags = (name) => list(name, given[name], S, 0, 1, Uint8Array);
  const world = {
    S, cells: Array.from({ length: S }, (_, s) => [xy[2 * s], xy[2 * s + 1]]), next: list("successors", given.successors, 16 * S, 0, S - 1, Int32Array),
    chance: list("probabilities", given.probabilities, 16 * S, 0, 1), gain: list("rewards", given.rewards, 16 * S), terminal: flags("terminal"),
    hazard: flags("hazard"), goal: flags("goal"), start: list("start", given.start, S, 0, 1), horizon: whole("horizon", given.horizon, 1, 10000),
  };
  const rows = (name) => fields("curves", data.curves)[name].map((row, i) => Array.from(list(`curves.${name}[${i}]`, row.map((x) => x ?? 0), 3), (x, k) => (row[k] === null ? NaN : x)));
  const names = ["return_mean", "hazard_rate", "claimed_value", "true_value"];
  if (!Array.isArray(data.policies) || data.policies.length !== members || !data.policies.every((p) => typeof p === "string" && p.length === S && /^[0-3]*$/.test(p))) refuse("policies", data.policies, `${members} texts of ${S} digits 0…3`);
  return {
    title: text("title", data.title), weights: list("weights", weights, W, 0, 1e6), n_logs, n_seeds, world, gamma: real("gamma", data.gamma, 0, 0.99999),
    q: list("q_values", data.q_values, 4 * members * S, -1e9, 1e9, Float64Array), unit: real("q_unit", data.q_unit, 1e-9, 1e3), policies: data.policies,
    visits: list("visits", data.visits, members * S, 0, 1000), counts: data.counts === null ? null : list("counts", data.counts, 4 * n_logs * S, 0, 1e7),
    curves: Object.fromEntries(names.map((name) => [name, rows(name).length === W ? rows(name) : refuse(`curves.${name}`, rows(name), `a list of ${W}`)])),
    scores: Object.fromEntries(names.map((name) => [name, list(`scores.${name}`, fields("scores", data.scores)[name], members)])),
    limits: Object.fromEntries(["claimed", "overestimate", "gap"].map((name) => [name, list(`limits.${name}`, fields("limits", data.limits)[name], 2)])),
    references: Object.entries(fields("references", data.references)).slice(0, 6).map(([name, levels]) => [text("reference", name, 40), list(name, levels, 2)]),
  };
}

function explorer(model) {
  const data = readData(model.get("data")), { world, weights, n_logs, n_seeds } = data, S = world.S;
  const names = Array.from(weights, (w) => String(Number(w.toPrecision(4)))), places = placesOf(Array.from(weights));
  let agent = null; // what is known of the chosen one

  const cell = (s) => {
    if (world.hazard[s]) return "hazard";
    if (world.goal[s]) return "goal";
    const rows = ["↓", "→", "↑", "←"].map((sign, a) => `${sign} ${number(agent.q[4 * s + a])}${agent.policy[4 * s + a] ? "*" : ""} (true ${number(agent.truth.q[4 * s + a])}${agent.counts ? `, ${agent.counts[4 * s + a]}×` : ""})`);
    return rows.join(" · ");
  };
  const pick = (name) => (value) => { model.set(name, value); model.save_changes(); };
  const board = makeBoard(data.title, world, (s) => (agent ? cell(s) : ""));
  const slider = makeSlider("conservative weight", places, names, pick("index"));
  const choices = {
    layer: makeChoice("colour", Object.entries(LAYERS).filter(([name]) => name !== "coverage" || data.counts).map(([name, [label]]) => [name, label]), pick("layer")),
    log: makeChoice("log", Array.from({ length: n_logs }, (_, i) => [i, `${i + 1} of ${n_logs}`]), (value) => pick("log")(Number(value))),
    seed: makeChoice("network", Array.from({ length: n_seeds }, (_, i) => [i, `${i + 1} of ${n_seeds}`]), (value) => pick("seed")(Number(value))),
  };
  const over = n_logs > 1 ? `over ${n_logs} logs` : "one log";
  const level = (k) => data.references.filter(([, levels]) => Number.isFinite(levels[k])).map(([name, levels]) => [name, levels[k]]);
  const curve = (name, label, colour, dash) => ({ name: label, colour, dash, rows: data.curves[name], scores: data.scores[name] });
  const charts = [
    ["return of an episode, exact", [curve("return_mean", over, INK.blue)], level(0), (v) => number(v, 1)],
    ["probability of hitting a hazard, exact", [curve("hazard_rate", over, INK.red)], level(1), percent],
    ["value of the start, discounted", [curve("claimed_value", "claimed", INK.orange, true), curve("true_value", "true", INK.blue)], [], (v) => number(v, 1)],
  ].map(([title, series, levels, format]) => ({ series, ...makeChart(title, places, names, series, levels, format, pick("index")) }));

  const sentence = html("p", { class: "sg-sentence", "aria-live": "polite" });
  const play = makeButton("▶ play", () => {
    if (ticking) return stop();
    if (model.get("index") === weights.length - 1) pick("index")(0);
    play.textContent = "❚❚ pause";
    ticking = setInterval(() => { const i = model.get("index"); if (i + 1 < weights.length) pick("index")(i + 1); else stop(); }, 900);
  });
  let ticking = 0, drives = 0;
  const stop = () => { clearInterval(ticking); ticking = 0; play.textContent = "▶ play"; };
  const run = makeButton("run 20 episodes", () => {
    const log = rollouts(world, agent.policy, 20, portableRng(drives++)), paths = Array.from({ length: 20 }, () => []);
    log.state.forEach((s, i) => { const path = paths[log.episode[i]]; if (!path.length) path.push(s); path.push(log.next[i]); });
    const ends = paths.map((path) => path.at(-1)), tally = (flag) => ends.filter((s) => flag[s]).length;
    board.animate(paths, () => { sentence.textContent = `Of 20 episodes ${tally(world.goal)} reach the goal, ${tally(world.hazard)} hit a hazard, ${20 - tally(world.goal) - tally(world.hazard)} run out of time.`; });
  });

  function choose() {
    const index = whole("index", model.get("index"), 0, weights.length - 1), log = whole("log", model.get("log"), 0, n_logs - 1), seed = whole("seed", model.get("seed"), 0, n_seeds - 1);
    const k = (index * n_logs + log) * n_seeds + seed, layer = model.get("layer");
    if (!Object.hasOwn(LAYERS, layer) || (layer === "coverage" && !data.counts)) refuse("layer", layer, `one of ${Object.keys(LAYERS).join(", ")}`);
    const policy = new Float64Array(4 * S);
    for (let s = 0; s < S; s++) policy[4 * s + Number(data.policies[k][s])] = 1;
    const q = data.q.subarray(4 * k * S, 4 * (k + 1) * S).map((x) => x * data.unit), visits = data.visits.subarray(k * S, (k + 1) * S).map((x) => x / 1000);
    agent = { policy, q, truth: values(world, policy, data.gamma), counts: data.counts?.subarray(4 * log * S, 4 * (log + 1) * S) };
    const claimed = new Float64Array(S);
    bestOf(q, claimed);
    const second = (s) => [0, 1, 2, 3].map((a) => q[4 * s + a]).sort((a, b) => b - a)[1];
    const shown = {
      visits: () => [visits, 0, 1], claimed: () => [claimed, ...data.limits.claimed], overestimate: () => [claimed.map((x, s) => x - agent.truth.v[s]), ...data.limits.overestimate],
      gap: () => [claimed.map((x, s) => x - second(s)), ...data.limits.gap],
      coverage: () => { const steps = claimed.map((_, s) => agent.counts[4 * s] + agent.counts[4 * s + 1] + agent.counts[4 * s + 2] + agent.counts[4 * s + 3]); return [steps.map((n) => n || NaN), 0, Math.max(...steps)]; },
    }[layer]();
    const [label, palette, digits] = LAYERS[layer];
    board.still();
    board.draw({ values: shown[0], low: shown[1], high: shown[2], label, palette, digits }, policy, visits);
    for (const chart of charts) chart.draw(index, chart.series.map((one) => one.scores[k]));
    slider.set(index);
    choices.layer.set(layer); choices.log.set(log); choices.seed.set(seed);
    const { return_mean, hazard_rate, claimed_value, true_value } = data.scores;
    sentence.textContent = `Weight ${names[index]}, log ${log + 1}: return ${number(return_mean[k])}, hazard ${percent(hazard_rate[k])}. The agent claims ${number(claimed_value[k])} for the start; its policy is worth ${number(true_value[k])}.`;
  }
  return {
    title: data.title, choose, stop: () => { stop(); board.still(); }, watch: ["index", "log", "seed", "layer"],
    element: html("div", { class: "sg-explorer" }, html("div", { class: "sg-row" }, slider.element, play), sentence,
      html("div", { class: "sg-main" }, html("div", {}, board.element, html("div", { class: "sg-row" }, choices.layer.element,
        n_logs > 1 ? choices.log.element : null, n_seeds > 1 ? choices.seed.element : null, run)),
      html("div", { class: "sg-charts" }, ...charts.map((chart) => chart.element)))),
  };
}

// ── Laboratory: paint a world, sample a log, clone it and train on it ─────────────────────────────────────────────────

const GAMMA = 0.99;
/* What a laboratory may be set to: [lowest, highest]; the first six are whole numbers. `widgets.py` has the same. */
export const LIMITS = {
  max_steps: [1, 400], n_episodes: [1, 2000], seed: [0, 4294967295], n_steps: [1, 5000], size: [2, 20],
  slip_prob: [0, 1], epsilon: [0, 1], step_reward: [-1000, 1000], hazard_reward: [-1000, 1000], goal_reward: [-1000, 1000],
  conservative_weight: [0, 1000], reward_scale: [0.001, 10],
};
const WHOLE = ["max_steps", "n_episodes", "seed", "n_steps"], WORLD = ["desc", "slip_prob", "max_steps", "step_reward", "hazard_reward", "goal_reward"];
const LOG = ["driver", "epsilon", "n_episodes", "seed"], SETTINGS = [...WORLD, ...LOG, "conservative_weight", "reward_scale", "n_steps"];
const DRIVERS = { careless: "careless: down or right", expert: "expert: the optimal way" };

function checkSetting(name, value) {
  if (name === "driver") return Object.hasOwn(DRIVERS, value) ? value : refuse(name, value, `one of ${Object.keys(DRIVERS).join(", ")}`);
  if (name === "n_steps" && value === null) return value; // the limit
  if (name !== "desc") return (WHOLE.includes(name) ? whole : real)(name, value, ...(LIMITS[name] ?? refuse("setting", name, "the name of one")));
  if (!Array.isArray(value)) refuse(name, value, "a list of rows");
  const size = whole("number of rows", value.length, ...LIMITS.size);
  value.forEach((row, y) => { if (typeof row !== "string" || row.length !== size || !/^[SFHG]*$/.test(row)) refuse(`desc row ${y}`, row, `${size} letters S, F, H or G`); });
  for (const letter of "SG") if (value.join("").split(letter).length !== 2) refuse("desc", value.join("/"), `exactly one ${letter}`);
  return value;
}

/* A whole laboratory from its settings; what `before` has in common with it is not computed again. */
export function study(settings, before = null) {
  const same = (names) => before !== null && JSON.stringify(names.map((n) => settings[n])) === JSON.stringify(names.map((n) => before.settings[n]));
  const judge = (world, name, policy) => {
    const { v, q } = values(world, policy, GAMMA);
    return { name, policy, score: evaluate(world, policy), v, q, worth: world.start.reduce((sum, p, s) => sum + p * v[s], 0) };
  };
  const part = {};
  if (same(WORLD)) Object.assign(part, { world: before.world, best: before.best });
  else { part.world = gridWorld(settings); part.best = judge(part.world, "optimum", optimal(part.world, GAMMA)); }
  const { world, best } = part;
  if (same([...WORLD, ...LOG])) Object.assign(part, { log: before.log, model: before.model, driver: before.driver, clone: before.clone });
  else {
    part.driver = judge(world, "driver", settings.driver === "expert" ? mix(best.policy, settings.epsilon) : behaviour(world, settings.epsilon));
    part.log = rollouts(world, part.driver.policy, settings.n_episodes, portableRng(settings.seed));
    part.model = count(world, part.log);
    part.clone = judge(world, "clone", greedy(part.model.counts));
  }
  const q = tabularCql(part.model, settings, GAMMA), claims = new Float64Array(world.S), cql = judge(world, "CQL", greedy(q));
  bestOf(q, claims);
  return { settings, ...part, q, claims, cql, claimed: world.start.reduce((sum, p, s) => sum + (p ? p * claims[s] : 0), 0) };
}

/* The code that makes the same laboratory with the package. */
export function asPython(s) {
  const steps = s.n_steps === null ? "None" : s.n_steps, policy = s.driver === "expert" ? `expert_policy(${s.epsilon})` : `behaviour_policy(${s.epsilon})`;
  return `import safegrid as sg

env = sg.SafetyCriticalGridWorld(
    desc=${JSON.stringify(s.desc).replaceAll(",", ",\n          ")},
    max_steps=${s.max_steps}, slip_prob=${s.slip_prob},
    step_reward=${s.step_reward}, hazard_reward=${s.hazard_reward}, goal_reward=${s.goal_reward},
)
log = sg.sample_episodes(env.mdp, env.${policy}, ${s.n_episodes}, sg.portable_rng(${s.seed}))
clone = sg.argmax_clone(log, env.mdp)
q = sg.tabular_cql(log, env.mdp, ${s.conservative_weight}, reward_scale=${s.reward_scale}, n_steps=${steps})
for name, policy in {"clone": clone, "CQL": sg.greedy(q)}.items():
    print(name, env.mdp.evaluate(policy))
print("claimed", env.mdp.start @ q.max(1), "true", env.mdp.start @ env.mdp.values(sg.greedy(q), ${GAMMA})[0])
`;
}

const toLink = (settings) => `#safegrid=1&${new URLSearchParams(SETTINGS.map((n) => [n, n === "desc" ? settings.desc.join(".") : String(settings[n])]))}`;
export function fromLink(hash) {
  if (hash.length > 4000) refuse("link", hash, "at most 4000 letters");
  const found = new URLSearchParams(hash.slice(1));
  if (found.get("safegrid") !== "1") refuse("link", hash, "a laboratory of version 1");
  found.delete("safegrid");
  const names = [...found.keys()], missing = SETTINGS.find((n) => !names.includes(n)), odd = names.find((n, i) => !SETTINGS.includes(n) || names.indexOf(n) !== i);
  if (missing || odd) refuse("link", hash, missing ? `the setting ${missing}` : `no setting ${odd.slice(0, 40)}, or once`);
  const value = (n, raw) => (n === "desc" ? raw.split(".") : n === "driver" ? raw : n === "n_steps" && raw === "null" ? null : raw.trim() === "" ? NaN : Number(raw));
  return Object.fromEntries([...found].map(([n, raw]) => [n, checkSetting(n, value(n, raw))]));
}

const LAB_LAYERS = {
  visits: ["where it goes: expected visits", "presence", 0], truth: ["true value of the cell", "rising", 0], claimed: ["claimed value of the cell", "rising", 0],
  overestimate: ["claimed minus true value", "balance", 0], coverage: ["steps in the log", "presence", 0],
};
const steps = (low, high, by) => Array.from({ length: Math.round((high - low) / by) + 1 }, (_, i) => Number((low + i * by).toPrecision(6)));
const DIALS = { // setting → its name on the page, the values at which its slider stands
  conservative_weight: ["conservative weight", [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200]],
  reward_scale: ["reward scale", [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]], n_steps: ["gradient steps", [50, 100, 200, 500, 1000, 2000, 5000]],
  n_episodes: ["episodes in the log", [5, 10, 20, 30, 60, 100, 200, 500, 1000, 2000]], epsilon: ["driver's random actions, ε", steps(0, 1, 0.02)],
  slip_prob: ["slip", steps(0, 0.5, 0.01)], seed: ["seed", steps(0, 99, 1)],
};

function lab(model, page) {
  let now = null, tool = "hazard", boards = null, quiet = false;
  const read = () => Object.fromEntries(SETTINGS.map((n) => [n, checkSetting(n, model.get(n))]));
  const change = (settings) => {
    quiet = true;
    try { for (const [name, value] of Object.entries(settings)) model.set(name, checkSetting(name, value)); } finally { quiet = false; }
    model.save_changes();
    choose();
  };
  const alert = html("p", { class: "sg-error", role: "alert" });
  const attempt = (action) => { try { alert.textContent = ""; action(); } catch (error) { alert.textContent = error.message; } };
  const dial = (name) => {
    const [label, stops] = DIALS[name], linear = name === "seed" || stops.length > 20;
    const places = linear ? stops.map((_, i) => i / (stops.length - 1)) : placesOf(stops);
    const slider = makeSlider(label, places, stops.map(String), (i) => attempt(() => change({ [name]: stops[i] })));
    const box = html("input", { type: "number", step: "any", "aria-label": `${label}, exactly`, ...QUIET, change: () => attempt(() => change({ [name]: box.value === "" ? NaN : Number(box.value) })) });
    slider.element.querySelector("output").remove();
    return { element: html("div", { class: "sg-dial" }, slider.element, box), set(value) {
      slider.element.classList.toggle("sg-off", value === null);
      if (value === null) { box.value = ""; return; }
      slider.set(stops.reduce((best, x, i) => (Math.abs(x - value) < Math.abs(stops[best] - value) ? i : best), 0));
      box.value = value;
    } };
  };
  const dials = Object.fromEntries(Object.keys(DIALS).map((name) => [name, dial(name)]));
  const forever = html("input", { type: "checkbox", ...QUIET, change: () => attempt(() => change({ n_steps: forever.checked ? null : 2000 })) });
  const driver = makeChoice("driver", Object.entries(DRIVERS), (value) => attempt(() => change({ driver: value })));
  const layer = makeChoice("colour", Object.entries(LAB_LAYERS).map(([name, [label]]) => [name, label]), (value) => { model.set("layer", value); model.save_changes(); });
  const brush = makeChoice("a touch on a board", [["hazard", "sets or removes a hazard"], ["S", "moves the start"], ["G", "moves the goal"]], (value) => { tool = value; });
  const presets = model.get("presets").slice(0, 12).map((one) => ({ name: text("preset", one.name, 60), lesson: text("lesson", one.lesson, 400), settings: fields("settings", one.settings) }));
  const lesson = html("p", { class: "sg-lesson" });
  const preset = makeChoice("try", [["", "choose a lesson …"], ...presets.map((one, i) => [i, one.name])], (i) => { if (i !== "") attempt(() => { lesson.textContent = presets[i].lesson; change(presets[i].settings); }); });
  const sheet = html("textarea", { class: "sg-sheet", readonly: true, rows: 6, hidden: true, "aria-label": "text to copy", ...QUIET });
  const hand = (words) => { sheet.hidden = false; sheet.value = words; sheet.select(); navigator.clipboard?.writeText(words).catch(() => {}); };
  const buttons = [
    makeButton("run 20 episodes", () => boards.forEach((board, i) => {
      const log = rollouts(now.world, [now.clone, now.cql][i].policy, 20, portableRng(now.settings.seed)), paths = Array.from({ length: 20 }, () => []);
      log.state.forEach((s, k) => { const path = paths[log.episode[k]]; if (!path.length) path.push(s); path.push(log.next[k]); });
      board.animate(paths, () => {});
    })),
    makeButton("copy as Python", () => hand(asPython(now.settings))),
    page ? makeButton("share link", () => { history.replaceState(null, "", toLink(now.settings)); hand(location.href); }) : null,
  ];
  const table = html("tbody"), sentence = html("p", { class: "sg-sentence", "aria-live": "polite" }), stage = html("div", { class: "sg-pair" });

  function paint(state, stroke) {
    const letters = [...now.settings.desc.join("")], size = now.settings.desc.length;
    if ("SG".includes(letters[state])) return;
    if (tool === "hazard") letters[state] = (stroke.letter ??= letters[state] === "H" ? "F" : "H");
    else { letters[letters.indexOf(tool)] = "F"; letters[state] = tool; }
    attempt(() => change({ desc: now.settings.desc.map((_, y) => letters.slice(y * size, (y + 1) * size).join("")) }));
  }
  function describe(i, s) {
    if (!now || now.world.terminal[s]) return now?.world.hazard[s] ? "hazard" : "goal";
    return ["↓", "→", "↑", "←"].map((sign, a) => (i ? `${sign} ${number(now.q[4 * s + a])} (true ${number(now.cql.q[4 * s + a])})` : `${sign} ${now.model.counts[4 * s + a]}×`)).join(" · ");
  }
  function paintBoards() {
    const { world, clone, cql, claims, model: log } = now, name = model.get("layer"), { hazard_reward: bad, goal_reward: good } = now.settings;
    if (!Object.hasOwn(LAB_LAYERS, name)) refuse("layer", name, `one of ${Object.keys(LAB_LAYERS).join(", ")}`);
    const [label, palette, digits] = LAB_LAYERS[name], low = Math.min(bad, good, 0), high = Math.max(bad, good, 1), coverage = claims.map((_, s) => log.counts[4 * s] + log.counts[4 * s + 1] + log.counts[4 * s + 2] + log.counts[4 * s + 3]);
    boards.forEach((board, i) => {
      const { score, v, policy } = [clone, cql][i];
      const [shown, from, to] = {
        visits: () => [score.visits, 0, 1], truth: () => [v, low, high], coverage: () => [coverage.map((n) => n || NaN), 0, Math.max(...coverage)],
        claimed: () => [i ? claims : claims.map(() => NaN), low, high], overestimate: () => [i ? claims.map((x, s) => x - v[s]) : claims.map(() => NaN), -high, high],
      }[name]();
      board.still();
      board.landmarks();
      board.draw({ values: shown, low: from, high: to, label: i || !["claimed", "overestimate"].includes(name) ? label : "a clone claims no value", palette, digits }, policy, score.visits);
    });
    for (const [n, control] of Object.entries(dials)) control.set(now.settings[n]);
    driver.set(now.settings.driver); layer.set(name); forever.checked = now.settings.n_steps === null;
    table.replaceChildren(...[now.best, now.driver, clone, cql].map(({ name: who, score, worth }) => html("tr", {}, html("th", { scope: "row" }, who),
      ...[number(score.return_mean), percent(score.hazard_rate), who === "CQL" ? number(now.claimed) : "", number(worth)].map((cell) => html("td", {}, cell)))));
    const of = (score) => number(100 * score.hazard_rate, 0), over = now.claimed - cql.worth;
    sentence.textContent = `The clone hits a hazard in ${of(clone.score)} of 100 episodes, CQL in ${of(cql.score)}. CQL claims ${number(now.claimed)} for the start and is worth ${number(cql.worth)}: ${number(Math.abs(over))} too ${over > 0 ? "much" : "little"}.`;
  }
  function choose() {
    if (quiet) return;
    const settings = read(), size = now?.settings.desc.length;
    const next = study(settings, now);
    if (!boards || size !== settings.desc.length) {
      now = { ...next, world: { ...next.world } };
      boards = ["clone: the log's most frequent action", "CQL: conservative Q-learning"].map((title, i) => makeBoard(title, now.world, (s) => describe(i, s), paint));
      stage.replaceChildren(...boards.map((board) => board.element));
    } else now = { ...next, world: Object.assign(now.world, next.world) }; // the boards go on looking at the same world
    paintBoards();
  }
  const visit = () => { if (location.hash.startsWith("#safegrid=")) attempt(() => change(fromLink(location.hash))); };
  if (page) { addEventListener("hashchange", visit); queueMicrotask(visit); }
  return {
    title: "laboratory", choose: () => attempt(choose), stop: () => { removeEventListener("hashchange", visit); boards?.forEach((board) => board.still()); }, watch: [...SETTINGS, "layer"],
    element: html("div", { class: "sg-lab" }, html("div", { class: "sg-row" }, preset.element, layer.element, brush.element), lesson,
      html("div", { class: "sg-dials" }, dials.conservative_weight.element, dials.reward_scale.element), sentence, alert, stage,
      html("table", { class: "sg-table" }, html("thead", {}, html("tr", {}, ...["", "return", "hazard", "claimed", "true value"].map((head) => html("th", { scope: "col" }, head)))), table),
      html("div", { class: "sg-dials" }, dials.n_steps.element, html("label", { class: "sg-tick" }, forever, " train for ever (the limit)"), dials.n_episodes.element, dials.epsilon.element, dials.slip_prob.element, dials.seed.element, driver.element),
      html("div", { class: "sg-row" }, ...buttons), sheet),
  };
}

// ── Doors: how Jupyter and the page come in ───────────────────────────────────────────────────────────────────────────

const FIGURES = { explorer, lab };

function render({ model, el, page = false }) {
  let figure = null;
  const fail = (error) => el.replaceChildren(html("p", { class: "sg-error", role: "alert" }, `This figure cannot be shown: ${error.message}`));
  const update = () => { try { figure?.choose(); } catch (error) { fail(error); } };
  const open = () => {
    figure?.stop();
    try {
      const name = model.get("figure");
      figure = (Object.hasOwn(FIGURES, name) ? FIGURES[name] : refuse("figure", name, `one of ${Object.keys(FIGURES).join(", ")}`))(model, page);
      el.replaceChildren(figure.element);
      figure.choose();
    } catch (error) { figure = null; fail(error); }
  };
  el.classList.add("safegrid");
  open();
  const names = ["index", "log", "seed", "layer", ...SETTINGS].filter((name, i, all) => all.indexOf(name) === i);
  model.on("change:data", open);
  for (const name of names) model.on(`change:${name}`, update);
  return () => { figure?.stop(); model.off("change:data", open); for (const name of names) model.off(`change:${name}`, update); };
}

export default { render };
