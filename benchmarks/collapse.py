"""Why raw coordinates make runs collapse, and what averaging mends: the same ten logs, five ways to learn from them.

    python benchmarks/collapse.py [crossroads]

It follows ten networks of the default recipe (weight 6, one a log), fed coordinates one-hot, as raw coordinates (0…14),
as the same with a tenth of the learning rate, as the same moved to the middle (−7…7), and scaled (−1…1). It prints,
over their second 2 400 steps,

- lost: share of runs and times with an exact return below 0;
- churn: share of visited cells whose greedy action is another than ten steps before;
- moved: root mean square change of Q in the visited cells in ten steps, in raw reward;

for the last and for the averaged weights, and, for the last,

- rank: effective rank (Roy & Vetterli 2007) of the last hidden layer over the visited cells, before the first step and
  after the last: in how many directions the network can tell cells apart.

| features         | weights  | original: lost | churn |        rank | crossroads: lost | churn |        rank |
|------------------|----------|----------------|-------|-------------|------------------|-------|-------------|
| one-hot          | last     |             0% | 13.1% | 25.2 → 12.2 |               1% |  9.0% | 25.1 → 13.4 |
| one-hot          | averaged |             0% |  0.4% |             |               0% |  0.3% |             |
| raw, 0…14        | last     |            44% | 20.3% |   4.0 → 5.5 |              84% | 15.2% |   4.1 → 7.9 |
| raw, 0…14        | averaged |            26% |  0.4% |             |              68% |  0.3% |             |
| raw, rate 0.0001 | last     |            90% | 10.8% |   4.0 → 3.8 |              95% |  6.6% |   4.1 → 4.3 |
| raw, rate 0.0001 | averaged |            90% |  0.3% |             |              95% |  0.3% |             |
| centred, −7…7    | last     |             3% | 21.2% |  10.1 → 8.8 |              33% | 16.0% |  9.8 → 12.2 |
| centred, −7…7    | averaged |             2% |  0.4% |             |              19% |  0.3% |             |
| scaled, −1…1     | last     |             2% | 14.8% |   8.7 → 4.3 |              14% |  9.8% |  8.6 → 10.3 |
| scaled, −1…1     | averaged |             1% |  0.3% |             |               9% |  0.2% |             |

A hidden unit's kink is a line through the board. torch draws biases below 0.71 here, whatever the size of the inputs.
So with raw coordinates, all positive and up to 14, nearly every kink begins by the corner where the drive starts, and
along a way out of that corner the network is close to a straight line. It begins with four effective directions for
some 210 cells, where one-hot coordinates have 25. It cannot tell neighbours apart, and its claims rise far above the
truth. A smaller learning rate makes it worse; moving the same coordinates to the middle of the board mends most of it.

Averaging is another matter. It leaves about a fortieth of the churn, and so mends runs that are good on average and bad
at the moment training stops. It cannot mend a network that is wrong on average.

Earlier this table said that one-hot, averaged runs are lost in 2% and 5% of the cases, where recipe.md counts none in
360. Both trained the same networks. But here the agent went down in each cell that its log had never visited, and one
slip into such a cell could keep it there until the time was up. It now acts by its network everywhere.
"""

import sys
from dataclasses import replace

import numpy as np
import torch
from joblib import Parallel, delayed
from scipy.stats import entropy
from tabulate import tabulate

from safegrid.dataset import coverage, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.logs import visited
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep import stack
from safegrid.sweep.shards import build_shards, first_states, newborn

EVERY, LOGS, WEIGHT, SCALE = 10, 10, 6.0, 0.1
VIEWS = {
    "one-hot": (15, 1e-3, lambda o: o),
    "raw, 0…14": (None, 1e-3, lambda o: o),
    "raw, rate 0.0001": (None, 1e-4, lambda o: o),
    "centred, −7…7": (None, 1e-3, lambda o: o - 7),
    "scaled, −1…1": (None, 1e-3, lambda o: (o / 7 - 1).astype(np.float32)),
}


def begin(log, mdp, size, rate, seed):
    """A shard of one member, and its first state."""
    settings = {
        "size": size, "hidden_units": (64, 64), "learning_rate": rate, "batch_size": 256, "reward_scale": SCALE,
        "gamma": 0.99, "n_critics": 1, "target_update_interval": 100, "averaging": 0.999, "learning_rate_decay": False,
        "n_steps": DEFAULT_STEPS,
    }  # fmt: skip
    rows, columns = visited([log], mdp)
    agent, _ = newborn("cql", settings, log, seed)
    weights = np.array([WEIGHT])
    shards = build_shards("cql", settings, [log], columns, rows, mdp.observations, weights, 1, agent, "cpu")
    return shards[0], first_states("cql", settings, [log], np.array([[seed]]), 1, shards)[0]


def follow(map_name, view, seed):
    """Lost, churn and moved for the last and for the averaged weights; then the rank before and after."""
    size, rate, see = VIEWS[view]
    env = SafetyCriticalGridWorld(map_name=map_name)
    mdp = replace(env.mdp, observations=see(env.mdp.observations))
    log = generate_offline_episodes(env, seed=seed)
    log = replace(log, observations=see(log.observations), next_observations=see(log.next_observations))
    shard, state = begin(log, mdp, size, rate, seed)
    seen = coverage(log, mdp).visited
    found, before, ranks = {"last": [], "averaged": []}, {}, [effective_rank(shard, state)]
    for step in range(EVERY, 2 * DEFAULT_STEPS + 1, EVERY):
        state = stack.advance(shard, state, step)
        for kind, parameters in (("last", state.parameters), ("averaged", state.average)):
            q = stack.tables(shard, parameters)[0] / SCALE
            greedy, old = q.argmax(1), before.get(kind, q)
            before[kind] = q
            if step > DEFAULT_STEPS:
                lost = mdp.evaluate(np.eye(mdp.n_actions)[greedy]).return_mean < 0 if step % 100 == 0 else np.nan
                moved = np.sqrt(np.square(q - old)[seen].mean())
                found[kind].append((lost, (greedy != old.argmax(1))[seen].mean(), moved))
    return {kind: np.nanmean(rows, 0) for kind, rows in found.items()}, (*ranks, effective_rank(shard, state))


def effective_rank(shard, state):
    """Exponential of the entropy of the singular values, as shares, of the last hidden layer over the visited cells."""
    hidden = shard.features
    for weight, bias in zip(state.parameters[:-2:2], state.parameters[1:-2:2], strict=True):
        hidden = np.maximum(hidden @ weight[0].T + bias[0], 0)
    return np.exp(entropy(np.linalg.svd(hidden, compute_uv=False)))


def main():
    map_name = sys.argv[1] if len(sys.argv) > 1 else "original"
    jobs = [(view, seed) for view in VIEWS for seed in range(LOGS)]
    results = Parallel(2)(delayed(follow)(map_name, *job) for job in jobs)
    lines = []
    for i, view in enumerate(VIEWS):
        mine = results[i * LOGS : (i + 1) * LOGS]
        for kind in ("last", "averaged"):
            lost, churn, moved = np.mean([found[kind] for found, _ in mine], 0)
            before, after = np.mean([ranks for _, ranks in mine], 0)
            rank = f"{before:.1f} → {after:.1f}" if kind == "last" else ""
            lines.append([view, kind, f"{lost:.0%}", f"{churn:.2%}", f"{moved:.2f}", rank])
    print(f"{map_name}:\n")
    print(tabulate(lines, ["features", "weights", "lost", "churn", "moved", "rank"], tablefmt="github"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
