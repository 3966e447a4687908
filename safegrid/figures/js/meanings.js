/* What numbers that stand beside each other mean, in a sentence. */

export function returnOrValue(gamma) {
  return "A return is a plain sum; a value, claimed or true, has no end and counts a reward " +
    `${gamma} times as much for every step that it lies ahead: compare claims with true values, not with returns.`;
}
