"""Which settings hold? Trains every recipe below on ten logs of each named map and scores it exactly on the way.

    python benchmarks/recipe.py search            # logs of seeds 0–9: settings are chosen here
    python benchmarks/recipe.py search "bc beta=0.5"     # only the recipes named
    python benchmarks/recipe.py report            # the same on logs of seeds 100–109, once
    python benchmarks/recipe.py table             # prints what these have written to recipe.csv: recipe.md

One network seed a log, equal to the log's. What recipe.csv holds already is not run again.
"""

import ast
import csv
import itertools
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from scipy.stats import trim_mean
from tabulate import tabulate
from tqdm import tqdm

from safegrid.agents import (
    DEFAULT_STEPS,
    create_discrete_bc,
    create_discrete_cql,
    create_double_dqn,
    fit,
    policy_table,
    q_table,
)
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld

RESULTS = Path(__file__).with_suffix(".csv")
MAPS = ("original", "crossroads")
CHECKPOINTS = (DEFAULT_STEPS, 2 * DEFAULT_STEPS, 4 * DEFAULT_STEPS)
FIELDS = ("recipe", "policy", "map", "log", "steps", "return", "hazard", "claimed_minus_true")

CREATE = {"cql": create_discrete_cql, "dqn": create_double_dqn, "bc": create_discrete_bc}
SEARCHED = (
    "cql reward_scale=0.1",
    "cql reward_scale=0.2",
    "cql reward_scale=0.05",
    "cql reward_scale=0.1 averaging=0",
    "cql reward_scale=0.1 size=None",
    "cql reward_scale=0.05 averaging=0",
    "cql reward_scale=0.05 n_critics=2",
    "cql reward_scale=0.05 target_update_interval=400",
    "dqn reward_scale=0.1",
    "dqn reward_scale=0.2",
    "dqn reward_scale=0.05",
    "dqn reward_scale=0.02",
    "dqn reward_scale=0.1 averaging=0",
    "dqn reward_scale=0.1 size=None",
    "dqn reward_scale=0.1 n_critics=2",
    "dqn reward_scale=0.1 target_update_interval=400",
    "bc beta=0.0",
    "bc beta=0.01",
    "bc beta=0.1",
    "bc beta=0.5",
    "bc beta=0.0 averaging=0",
    "bc beta=0.0 size=None",
    "bc beta=0.0 learning_rate=3e-3",
    "bc beta=0.0 batch_size=1024",
)
"""Agent, then arguments of its factory and of `fit`; what is not named is the default."""
CHOSEN = ("cql reward_scale=0.1", "dqn reward_scale=0.1", "bc beta=0.0", "bc beta=0.5")


def parse(recipe):
    """From "cql reward_scale=0.1 averaging=0": the factory, its arguments and those of `fit`."""
    name, *settings = recipe.split()
    arguments = {key: ast.literal_eval(value) for key, value in (s.split("=") for s in settings)}
    training = {"averaging": arguments.pop("averaging")} if "averaging" in arguments else {}
    return CREATE[name], arguments, training


def run(recipe, map_name, log, n_steps):
    """Trains one agent and returns its rows, one a checkpoint and policy."""
    torch.set_num_threads(1)
    create, settings, training = parse(recipe)
    env = SafetyCriticalGridWorld(map_name=map_name)
    mdp, rows = env.mdp, []
    dataset = build_mdpdataset(generate_offline_episodes(env, seed=log))

    def score(agent, step):
        if step not in CHECKPOINTS:
            return
        for kind in ("greedy", "sampled") if create is create_discrete_bc else ("greedy",):
            policy = policy_table(agent, mdp, stochastic=kind == "sampled")
            exact = mdp.evaluate(policy)
            overshoot = float("nan")
            if create is not create_discrete_bc:
                start = mdp.start.argmax()
                overshoot = q_table(agent, mdp)[start].max() - mdp.values(policy, 0.99)[0][start]
            numbers = (round(x, 4) for x in (exact.return_mean, exact.hazard_rate, overshoot))
            rows.append((recipe, kind, map_name, log, step, *numbers))

    fit(create(**settings), dataset, n_steps, seed=log, callback=score,
        callback_interval=CHECKPOINTS[0], progress=False, **training)  # fmt: skip
    return rows


def collect(recipes, logs, n_steps):
    """Runs what recipe.csv does not hold yet, and appends it."""
    done = {(r["recipe"], r["map"], int(r["log"]), int(r["steps"])) for r in read()}
    jobs = [(*job, n_steps) for job in itertools.product(recipes, MAPS, logs) if (*job, n_steps) not in done]
    results = Parallel(n_jobs=2, return_as="generator")(delayed(run)(*job) for job in jobs)
    for rows in tqdm(results, total=len(jobs)):
        fresh = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer = csv.writer(file)
            new = [row for row in rows if (row[0], *row[2:5]) not in done]
            writer.writerows(([FIELDS] if fresh else []) + new)


def read():
    """Everything measured so far, as dictionaries of strings."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def table():
    """One line a recipe, policy, map and group of logs; what a cell holds is said in the header."""
    groups = {}
    for r in read():
        logs = "0–9" if int(r["log"]) < 100 else "100–109"
        cell = groups.setdefault((r["map"], logs, r["recipe"], r["policy"]), {})
        cell.setdefault(int(r["steps"]), []).append([float(r[k]) for k in FIELDS[-3:]])
    lines = []
    for key, cells in sorted(groups.items()):
        texts = []
        for steps in CHECKPOINTS:
            returns, hazard, claim = np.array(cells[steps]).T
            claims = "" if np.isnan(claim).any() else f"; {claim.mean():+.0f}"
            texts.append(f"{trim_mean(returns, 0.25):.1f} / {returns.min():.1f} ({hazard.mean():.3f}{claims})")
        lines.append([*key, len(cells[CHECKPOINTS[0]]), *texts])
    headers = ["map", "logs", "recipe", "policy", "runs", *(f"{steps} steps" for steps in CHECKPOINTS)]
    print("# Every recipe that was tried\n")
    print(
        "Each cell: interquartile mean / worst run of the exact return (mean hazard; mean claimed − true start value)."
    )
    print("Unnamed settings are the defaults of the factories and of `fit`. Settings were chosen on logs 0–9.\n")
    print(tabulate(lines, headers, tablefmt="github"))


if __name__ == "__main__":
    commands = {
        "search": partial(collect, sys.argv[2:] or SEARCHED, range(10), CHECKPOINTS[-1]),
        "report": partial(collect, CHOSEN, range(100, 110), CHECKPOINTS[-1]),
        "table": table,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]]()
