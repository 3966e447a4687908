"""What should a network be shown? One-hot coordinates, one-hot cells or scaled numbers, on maps small and large.

    python benchmarks/features.py search    # logs of seeds 0–9, random maps 0–2: the choice is made here
    python benchmarks/features.py report    # logs of seeds 100–109, random maps 100–102, once
    python benchmarks/features.py table     # prints what these have written to features.csv: part of recipe.md

`--device True` trains on a GPU, `--jobs N` runs N sweeps at once. What features.csv holds already is not run again.
"""

import argparse
import csv
import itertools
from pathlib import Path

import joblib
import numpy as np
from scipy.stats import trim_mean
from tabulate import tabulate

from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep.training import train_sweep
from safegrid.tabular import argmax_clone, greedy, tabular_cql

RESULTS = Path(__file__).with_suffix(".csv")
SIZES = (15, 25, 40)
WEIGHTS = (2.0, 6.0, 20.0)
EPISODES = (500, 100, 30)
"""In a log; thinner logs at weight 6 alone."""
NETWORKS = 2
BUDGETS = (DEFAULT_STEPS, 2 * DEFAULT_STEPS, 4 * DEFAULT_STEPS)
FEATURES = {
    "one-hot coordinates": lambda side: {"size": side},
    "one-hot cells": lambda side: {"size": side, "cells": True},
    "scaled": lambda side: {"size": None, "ranges": [(0, side - 1)] * 2},
}
HEADER = """## What a network should be shown

The choice was made on logs 0–9 and random maps 0–2 and reported once on logs 100–109 and random maps 100–102, with
`python benchmarks/features.py`. A random map has hazards on 12% of its cells. Each cell: interquartile mean / worst of
all runs (ten logs, two networks each; three maps of a size together), then mean hazard.

- **One-hot cells hold where the others collapse.** On random maps of every size one-hot coordinates crash far oftener,
  and scaled ones oftenest: what they learn of one cell they believe of its whole row and column, or of all its
  neighbours. Single bad runs remain with cells too.
- **On this book's maps the two are about even at weight 6.** Coordinates need fewer steps there, cells are steadier at
  weight 2. Coordinates are what the book measured, and stay its recipe.
- **Cells want more steps.** After 2 400 steps `rooms` is not learned yet; after 4 800 all maps are, and twice that
  changes little but on 40 × 40 cells.
- **Thin logs** (100 and 30 episodes, logs 0–9) do not turn it over: cells earn a few points less on the book's maps,
  as much or more on random ones, and rarely lose a run.
- **So `propose_recipe`** takes one-hot cells and 4 800 steps, but on the book's own maps their own recipe; coordinates
  where cells would be too many for the log or a network, and scaled numbers where observations are no small whole
  numbers.
- On the largest maps no agent is good: few drives of the log get far. CQL in a table is the mark to reach there.

The networks of 500 episodes were trained on a GPU, in its TF32 arithmetic, those of thin logs on a CPU."""

KEYS = ("map", "first_log", "episodes", "agent", "weight", "steps")
FIELDS = (*KEYS, "returns", "hazards")


def random_world(size, seed):
    """A map of which 12% are hazards, drawn again until nine of ten perfect drives arrive."""
    rng, cells = np.random.default_rng([size, seed]), size**2
    while True:
        letters = np.where(rng.permutation(cells) < round(0.12 * cells), "H", "F")
        letters[0], letters[-1] = "S", "G"
        env = SafetyCriticalGridWorld(desc=["".join(row) for row in letters.reshape(size, size)], max_steps=6 * size)
        if env.mdp.evaluate(env.mdp.optimal(0.99)).goal_rate > 0.9:
            return env


def world(name):
    """A named map, or "random SIZE SEED"."""
    return SafetyCriticalGridWorld(map_name=name) if name in MAPS else random_world(*map(int, name.split()[1:]))


def runs(name, first_log, episodes, agent, device):
    """A row for each weight and budget of one kind of agent in one world."""
    env = world(name)
    logs = [generate_offline_episodes(env, episodes, seed=seed) for seed in range(first_log, first_log + 10)]
    key = {"map": name, "first_log": first_log, "episodes": episodes, "agent": agent}
    if agent in FEATURES:
        settings = {"mdp": env.mdp, "seed": first_log, "score_interval": BUDGETS[0], "device": device, "n_jobs": 1}
        weights = WEIGHTS if episodes == EPISODES[0] else 6.0
        sweep = train_sweep(
            logs, weights, NETWORKS, BUDGETS[-1], **settings, **FEATURES[agent](env.size), progress=False
        )
        for (i, weight), (t, steps) in itertools.product(enumerate(sweep.weights), enumerate(sweep.steps)):
            if steps in BUDGETS:
                scores = (sweep.history[name][t, i].ravel() for name in ("return_mean", "hazard_rate"))
                yield key | {"weight": weight, "steps": steps} | written(*scores)
        return
    policies = {
        "optimum": lambda log: env.mdp.optimal(0.99),
        "driver": lambda log: env.behaviour_policy(0.22),
        "argmax clone": lambda log: argmax_clone(log, env.mdp),
        "CQL in a table": lambda log: greedy(tabular_cql(log, env.mdp, 6.0)),
    }
    scores = [env.mdp.evaluate(policies[agent](log)) for log in (logs if agent not in ("optimum", "driver") else [0])]
    yield key | written([s.return_mean for s in scores], [s.hazard_rate for s in scores])


def written(returns, hazards):
    """The runs of a cell as text."""
    return {
        name: " ".join(f"{x:.{digits}f}" for x in values)
        for name, values, digits in (("returns", returns, 2), ("hazards", hazards, 4))
    }


def collect(first_log, first_map, device, jobs):
    """Runs what features.csv does not hold yet, and appends it."""
    maps = [*MAPS, *(f"random {size} {first_map + i}" for size in SIZES for i in range(3))]
    agents = [*FEATURES, "optimum", "driver", "argmax clone", "CQL in a table"]
    done = {tuple(row[k] for k in KEYS[:4]) for row in read()}
    jobs_left = [
        (name, first_log, episodes, agent)
        for episodes, agent, name in itertools.product(EPISODES, agents, maps)
        if (name, str(first_log), str(episodes), agent) not in done
        if episodes == EPISODES[0] or agent.startswith("one-hot")
    ]
    work = (joblib.delayed(lambda *job: list(runs(*job, device)))(*job) for job in jobs_left)
    for rows in joblib.Parallel(jobs, return_as="generator_unordered")(work):
        fresh = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerows(rows)
            print(*(str(rows[0][name]) for name in KEYS[:4]), flush=True)


def read():
    """Everything measured so far, as dictionaries of strings."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def cell(rows):
    """Interquartile mean / worst of all runs, how many are lost, mean hazard."""
    returns, hazards = (np.concatenate([np.array(row[k].split(), float) for row in rows]) for k in FIELDS[-2:])
    return f"{trim_mean(returns, 0.25):.1f} / {returns.min():.0f} ({hazards.mean():.1%})"


def table():
    """A line for each kind of map and agent, a column for each budget; random maps of one size together."""
    print(HEADER)
    kinds = {}
    for row in sorted(read(), key=lambda r: (r["first_log"] != "100", r["map"])):
        name = row["map"].rsplit(" ", 1)[0] if row["map"].startswith("random") else row["map"]
        line = kinds.setdefault((row["first_log"], name), {}).setdefault(
            (row["agent"], row["episodes"], row["weight"]), {}
        )
        line.setdefault(row["steps"], []).append(row)
    for (first_log, name), lines in kinds.items():
        print(f"\n### {name}, logs {first_log}–{int(first_log) + 9}\n")
        body = [
            [*key, *(cell(cells[b]) if b in cells else "" for b in (map(str, BUDGETS) if key[-1] else ("",)))]
            for key, cells in sorted(lines.items())
        ]
        columns = ["agent", "episodes", "weight", *(f"{steps} steps" for steps in BUDGETS)]
        print(tabulate(body, columns, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("search", "report", "table"))
    parser.add_argument("--device", type=lambda text: {"True": True, "False": False}.get(text, text), default=False)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.command == "table":
        table()
    else:
        first = {"search": (0, 0), "report": (100, 100)}[options.command]
        collect(*first, options.device, options.jobs)
