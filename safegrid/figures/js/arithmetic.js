/* Arithmetic that knows no grid: sums, a linear system, and a special function. */

export function largest(xs) {
  return xs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/* A weight of 0 takes nothing, not even of an infinite value. */
export function dot(weights, values) {
  return weights.reduce((total, w, i) => (w === 0 ? total : total + w * values[i]), 0);
}

export function sum(xs) {
  return xs.reduce((total, x) => total + x, 0);
}

/* Solves (I − M) x = b by elimination; row i of M holds pairs [column, value]. Where M holds chances below 1 it needs
   no pivots and stays within a band. */
export function solve(rows, b) {
  const n = rows.length;
  const x = Float64Array.from(b);
  const band = bandOf(rows);
  const width = 2 * band + 1;
  const matrix = new Float64Array(n * width);
  const at = (i, j) => i * width + j - i + band; // row i holds columns i − band … i + band
  rows.forEach((row, i) => {
    matrix[at(i, i)] += 1;
    for (const [j, value] of row) matrix[at(i, j)] -= value;
  });
  for (let k = 0; k < n; k++) {
    const end = Math.min(n, k + 1 + band);
    for (let i = k + 1; i < end; i++) {
      const factor = matrix[at(i, k)] / matrix[at(k, k)];
      if (factor === 0) continue;
      for (let j = k; j < end; j++) matrix[at(i, j)] -= factor * matrix[at(k, j)];
      x[i] -= factor * x[k];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    const end = Math.min(n - 1, k + band);
    for (let j = k + 1; j <= end; j++) x[k] -= matrix[at(k, j)] * x[j];
    x[k] /= matrix[at(k, k)];
  }
  return x;
}

/* How far from the diagonal the rows reach. */
function bandOf(rows) {
  let most = 1;
  rows.forEach((row, i) => {
    for (const [j] of row) most = Math.max(most, Math.abs(j - i));
  });
  return most;
}

/* ω + log ω = x (Corless & Jeffrey 2002), by steps of Fritsch, Shafer & Crowley (1973). */
export function wrightOmega(x) {
  if (x < -50) return Math.exp(x);
  let w = firstOmega(x);
  for (let i = 0; i < 3; i++) {
    const r = x - w - Math.log(w);
    const t = (1 + w) * (1 + w + (2 / 3) * r);
    w *= 1 + ((r / (1 + w)) * (t - r / 2)) / (t - r);
  }
  return w;
}

function firstOmega(x) {
  if (x > 1) return x - Math.log(x);
  if (x > -2) return Math.exp((2 * (x - 1)) / 3);
  return Math.exp(x) * (1 - Math.exp(x));
}
