/* What a log says of each pair of a world, as `describe_log` gives it. */

import { list, real } from "./checks.js";
import { withShares } from "./learning.js";

export function readLog(data, { S }) {
  const n = 4 * S;
  const first = list("first", data.first, n + 1, 0, 64 * S, Int32Array);
  first.forEach((at, p) => real(`first[${p}]`, at, p ? first[p - 1] : 0, p ? 64 * S : 0));
  return withShares({
    first,
    counts: list("counts", data.counts, n, 0, 1e7),
    reward: list("rewards", data.rewards, n),
    next: list("followers", data.followers, first[n], 0, S - 1, Int32Array),
    chance: list("chances", data.chances, first[n], 0, 1),
  });
}
