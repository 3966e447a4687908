/* What a log that was written by hand, and by others, holds, lacks and teaches. */

import { refuse } from "./checks.js";
import { careless, withSlips } from "./drivers.js";
import { rollouts } from "./driving.js";
import { countDrives, handDriven, joinedLogs } from "./hand_driven.js";
import { count, tabularCql } from "./learning.js";
import { portableRng } from "./random.js";
import { oneFrom, realIn, wholeIn } from "./settings.js";
import { evaluate, greedy, optimal, pairs, perState } from "./world.js";

export const OTHERS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500];
export const LEARNERS = {
  clone: ["the clone: what the log did most often"],
  CQL: ["CQL, a table, at weight 6"],
};
const CQL = { conservative_weight: 6, reward_scale: 1, n_steps: null, belief: 0 };
const MOST = 3000; // steps of a hand

export const WRITER_SETTINGS = {
  drives: {
    check: (name, value) => {
      const fits = typeof value === "string" && value.length <= MOST && /^[0-3]*$/.test(value);
      if (!fits) refuse(name, value, `at most ${MOST} digits of 0…3, an action each`);
      return value;
    },
    read: (raw) => raw,
  },
  others: wholeIn(0, 1000),
  epsilon: realIn(0, 1),
  expert_share: realIn(0, 1),
  seed: wholeIn(0, 2 ** 32 - 4),
  learner: oneFrom(LEARNERS),
};

/* The log of these settings, what of it is missing, and the exact score of who learned from it. */
export function studyOf(world, { drives, others, epsilon, expert_share, seed, learner }, gamma) {
  const hand = handDriven(world, [...drives].map(Number), portableRng(seed));
  const experts = Math.round(expert_share * others);
  const write = (policy, n, dice) => (n ? [rollouts(world, policy(), n, portableRng(dice))] : []);
  const log = joinedLogs([
    hand.log,
    ...write(() => careless(world, epsilon), others - experts, seed + 1),
    ...write(() => withSlips(optimal(world, gamma), epsilon), experts, seed + 2),
  ]);
  const model = count(world, log);
  const claims = learner === "CQL" && log.state.length > 0;
  const q = claims ? tabularCql(model, CQL, gamma) : null;
  const policy = greedy(q ?? model.counts);
  const lacking = (s) => pairs(s).filter((p) => model.counts[p] === 0).length;
  const live = model.visited.filter((s) => !world.terminal[s]);
  return {
    hand,
    policy,
    q,
    counts: model.counts,
    score: evaluate(world, policy),
    lacks: perState(world.S, (s) => (model.steps[s] ? lacking(s) : NaN)),
    unseen: live.reduce((total, s) => total + lacking(s), 0),
    moves: 4 * live.length,
    ends: {
      all: countDrives(log),
      hazard: log.next_state.filter((z, i) => log.terminal[i] && world.hazard[z]).length,
    },
  };
}

export function writtenInPython({ drives, others, epsilon, expert_share, seed, learner }) {
  return `# writer: the figure's name in your notebook
writer.drives = "${drives}"
writer.others, writer.epsilon, writer.expert_share, writer.seed = ${others}, ${epsilon}, ${expert_share}, ${seed}
writer.learner = "${learner}"
log = writer.episodes()
print(log.n_episodes, writer.mdp.evaluate(writer.policy(log)))
`;
}
