/* Axes: where values stand on them, and which round numbers are written there. */

const LEAST = 1e-5; // a logarithmic axis is linear below, so that 0 has its place

/* What is written on a logarithmic axis of probabilities. */
export const POWERS = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1];

/* How many powers of ten a probability stands above LEAST. */
export function decades(probability) {
  return probability < LEAST ? (0.3 * probability) / LEAST : 0.3 + Math.log10(probability / LEAST);
}

/* Round numbers between two bounds, at most six. */
export function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => (high - low) / k <= 5);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/* A round number of an axis in words. */
export function tickName(value, format, all) {
  const digits = all.every(Number.isInteger) ? 0 : 1;
  return value > 0 && value < 0.001 ? `${(100 * value).toPrecision(1)}%` : format(value, digits);
}
