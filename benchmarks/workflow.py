"""Do the signals of training point at the best checkpoint? What a log shows of every network, beside the truth.

    python benchmarks/workflow.py run      # ten logs of seeds 0–9 and ten of 100–109 of every map; half an hour
    python benchmarks/workflow.py table    # prints what each rule would have chosen

Kumar et al. (2021) watch three numbers of a conservative learner that need no world: the mean claim over the log's own
steps, which in an agent that overfits rises and then falls, and the two parts of the loss, which in one that underfits
do not fall. Here they are, at eight stopping times, with the exact return and hazard of acting there, and with what the
log's model says of it. The book reads the file that this writes, book/results/workflow.csv.

A row holds one network a log at one stopping time as numbers with blanks between, log after log. What the file holds
already is not trained again.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from tabulate import tabulate

from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.ope import log_model
from safegrid.sweep.training import train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "workflow.csv"
LOGS, EVERY, STEPS, SCALE, WORST = 10, 1_200, 9_600, 0.1, -100.0
CHANGES = {  # of the book's recipe at weight 6: a network too small, features too poor, a target too slow, a short log
    "4 hidden units": {"hidden_units": (4, 4)},
    "raw coordinates": {"size": None},
    "sync every 400": {"target_update_interval": 400},
    "50 episodes": {"n_episodes": 50},
}
CASES = {"recipe": ((0.0, 1.0, 6.0, 20.0, 200.0), {})} | {name: ((6.0,), change) for name, change in CHANGES.items()}
KEYS = ("map", "first_log", "setting", "weight", "acts_by", "steps")
SIGNALS = ("claim", "td_loss", "conservative_loss", "model")
SCORES = ("return_mean", "hazard_rate")


def signals(q, log, model):
    """What a log shows of claims q (S, A), in raw reward: mean claim of its steps, two losses as trained, model."""
    taken, following = q[log.states, log.actions], np.where(log.terminals, 0.0, q[log.next_states].max(1))
    error = np.abs(SCALE * (taken - log.rewards - 0.99 * following))
    huber = np.where(error < 1, error**2 / 2, error - 0.5)
    push = logsumexp(SCALE * q[log.states], axis=1) - SCALE * taken
    greedy = np.eye(q.shape[1])[q.argmax(1)]
    return taken.mean(), huber.mean(), push.mean(), model.value(greedy)


def train(name, first, setting):
    """Rows of one training: a weight, a stopping time and a kind of weights to act by each."""
    weights, change = CASES[setting]
    env, change = SafetyCriticalGridWorld(map_name=name), dict(change)
    episodes = change.pop("n_episodes", 500)
    logs = [generate_offline_episodes(env, episodes, seed=seed) for seed in range(first, first + LOGS)]
    models = [log_model(log, env.mdp.n_states, unseen=WORST) for log in logs]
    seen = {}

    def watch(step, averaged, last):
        for kind, claims in (("average", averaged), ("last weights", last)):
            for weight, of_weight in zip(weights, claims[:, :, 0].astype(float), strict=True):
                runs = [signals(*run) for run in zip(of_weight, logs, models, strict=True)]
                seen[kind, weight, step] = dict(zip(SIGNALS, np.transpose(runs), strict=True))

    sweep = train_sweep(
        logs, weights, 1, STEPS, mdp=env.mdp, seed=first, reward_scale=SCALE, score_interval=EVERY, watch=watch,
        progress=False, **change,
    )  # fmt: skip
    for (kind, weight, step), runs in seen.items():
        history = sweep.history if kind == "average" else sweep.last_history
        at = list(sweep.steps).index(step), weights.index(weight)
        runs |= {score: history[score][at][:, 0] for score in SCORES}
        told = {column: " ".join(f"{x:.4g}" for x in values) for column, values in runs.items()}
        yield dict(zip(KEYS, (name, first, setting, weight, kind, step), strict=True)) | told


def run():
    """Trains what the file lacks, and appends."""
    known = set()
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            known = {tuple(row[key] for key in KEYS[:3]) for row in csv.DictReader(file)}
    for name, first, setting in ((m, f, s) for m in MAPS for f in (0, 100) for s in CASES):
        if (name, str(first), setting) not in known:
            rows, new = list(train(name, first, setting)), not RESULTS.exists()
            with RESULTS.open("a", newline="") as file:
                writer = csv.DictWriter(file, (*KEYS, *SCORES, *SIGNALS), lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerows(rows)
            print(name, first, setting, flush=True)


def table():
    """Mean regret in return and mean hazard of the checkpoint that each rule takes, of eight."""
    runs = {}
    with RESULTS.open(newline="") as file:
        for row in csv.DictReader(file):
            found = {column: np.array(row[column].split(), float) for column in (*SCORES, *SIGNALS)}
            runs.setdefault(tuple(row[key] for key in KEYS[:5]), []).append(found)
    lines, each = [], range(LOGS)
    for key, times in runs.items():
        columns = {column: np.array([t[column] for t in times]) for column in times[0]}  # (stopping times, logs)
        regret, taken = columns["return_mean"].max(0) - columns["return_mean"], chosen(columns)
        lost = [
            f"{regret[at, each].mean():.1f} ({columns['hazard_rate'][at, each].mean():.2%})" for at in taken.values()
        ]
        lines.append([*key, f"{regret.mean():.1f}", *lost])
    print(tabulate(lines, (*KEYS[:5], "blind", *taken), disable_numparse=True))


def chosen(columns):
    """Which of the stopping times each rule takes, (LOGS,)."""
    return {
        "last": np.full(LOGS, len(columns["claim"]) - 1),
        "highest mean claim": columns["claim"].argmax(0),
        "lowest TD loss": columns["td_loss"].argmin(0),
        "lowest conservative loss": columns["conservative_loss"].argmin(0),
        "highest in the model": columns["model"].argmax(0),
    }


if __name__ == "__main__":
    {"run": run, "table": table}[sys.argv[1]]()
