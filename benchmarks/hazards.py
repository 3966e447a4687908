"""How often do networks crash? Every agent on ten logs and four networks a log, at five stopping times.

    python benchmarks/hazards.py choose    # sync intervals on logs of seeds 0–9, weight 6; ten minutes
    python benchmarks/hazards.py report    # every weight, and the sync intervals, on logs 100–109; half an hour
    python benchmarks/hazards.py table     # prints what these have written

A hazard rate of a thousandth is moved tenfold by another network seed or another stopping time. So nothing here is
judged at one of either. Chapters read the file that this writes, book/results/hazards.csv.

A row holds the runs of one agent at one stopping time as numbers with blanks between, log after log and of each log
network after network. What the file holds already is not trained again.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy.stats import trim_mean
from tabulate import tabulate

from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep.training import DEFAULT_WEIGHTS, train_clone_sweep, train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "hazards.csv"
LOGS, NETWORKS, EVERY, STEPS = 10, 4, 600, 2 * DEFAULT_STEPS
SYNCS = (100, 50, 25)
KEYS = ("agent", "map", "first_log", "sync", "weight", "steps")
SCORES = ("return_mean", "hazard_rate", "timeout_rate", "claimed_value", "true_value")


def jobs(command):
    """The trainings of one command: agent, map, first log, sync interval, weights."""
    for name in MAPS:
        for sync in SYNCS:
            first, both = (0, (6.0,)) if command == "choose" else (100, DEFAULT_WEIGHTS if sync == SYNCS[0] else (6.0,))
            yield "CQL", name, first, sync, both
        if command == "report":
            yield "BC", name, 100, 0, (0.0,)


def train(agent, name, first, sync, weights):
    """Rows of one training, a weight and a stopping time each."""
    env = SafetyCriticalGridWorld(map_name=name)
    logs = [generate_offline_episodes(env, seed=seed) for seed in range(first, first + LOGS)]
    shared = {"mdp": env.mdp, "seed": first, "score_interval": EVERY, "progress": False}
    if agent == "BC":
        sweep = train_clone_sweep(logs, weights, NETWORKS, STEPS, **shared)
    else:
        sweep = train_sweep(logs, weights, NETWORKS, STEPS, target_update_interval=sync, **shared)
    for t, steps in enumerate(sweep.steps):
        if steps >= DEFAULT_STEPS:
            for i, weight in enumerate(sweep.weights):
                runs = {score: values[t, i].ravel() for score, values in sweep.history.items() if score in SCORES}
                told = {score: " ".join(f"{x:.5g}" for x in values) for score, values in runs.items()}
                yield dict(zip(KEYS, (agent, name, first, sync, weight, steps), strict=True)) | told


def write(command):
    """Trains what the file lacks, and appends."""
    known = set()
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            known = {tuple(row[key] for key in KEYS[:5]) for row in csv.DictReader(file)}
    for agent, name, first, sync, weights in jobs(command):
        todo = [w for w in weights if (agent, name, str(first), str(sync), str(float(w))) not in known]
        if todo:
            rows = list(train(agent, name, first, sync, todo))
            new = not RESULTS.exists()
            with RESULTS.open("a", newline="") as file:
                writer = csv.DictWriter(file, (*KEYS, *SCORES), restval="", lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerows(rows)
            print(agent, name, first, sync, todo, flush=True)


def table():
    """Return, hazard and idle trips over the stopping times; hazard by network seed and by stopping time; claims."""
    cells = {}
    with RESULTS.open(newline="") as file:
        for row in csv.DictReader(file):
            found = {score: np.array(row[score].split(), float) for score in SCORES if row[score]}
            cells.setdefault(tuple(row[key] for key in KEYS[:5]), []).append(found)
    lines = []
    for key, times in cells.items():
        runs = {score: np.array([t[score] for t in times]) for score in times[0]}  # (stopping times, logs × networks)
        returns, hazard = runs["return_mean"], runs["hazard_rate"]
        over = runs["claimed_value"] - runs["true_value"] if "claimed_value" in runs else np.full_like(returns, np.nan)
        lines.append([
            *key, f"{trim_mean(returns.mean(0), 0.25):.1f}", f"{returns.min():.0f}", f"{(returns < 0).mean():.1%}",
            f"{hazard.mean():.2%}", " ".join(f"{x:.2%}" for x in hazard.reshape(-1, LOGS, NETWORKS).mean((0, 1))),
            " ".join(f"{x:.2%}" for x in hazard.mean(1)), f"{runs['timeout_rate'].mean():.1%}",
            f"{np.median(over[0]):.0f} → {np.median(over[-1]):.0f}",
        ])  # fmt: skip
    headers = (*KEYS[:5], "return", "worst", "lost", "hazard", "by network", "by stopping time", "idle", "over")
    print(tabulate(lines, headers, disable_numparse=True))


if __name__ == "__main__":
    table() if sys.argv[1] == "table" else write(sys.argv[1])
