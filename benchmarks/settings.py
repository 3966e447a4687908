"""One setting of the recipe changed at a time: twenty networks each, with what they do in every cell.

    python benchmarks/settings.py    # logs of seeds 0–9, weight 6, two maps; five minutes

recipe.csv has their scores and many more, but nobody's policy. Chapter 10 puts these agents on boards: it reads
book/results/settings.csv, a row for each map and setting. A row holds its runs with blanks between, log after log and
of each log network after network; of each run the exact return and hazard rate, the claim minus the truth, and its
action in every cell, a digit each.
"""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from recipe import BUDGETS, FEATURES, MAPS, NETWORKS

from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.sweep.training import train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "settings.csv"
SHORT, TWICE, LONG = BUDGETS
WEIGHT, LOGS, GAMMA = 6.0, 10, 0.99

# the settings of a training → what it is called at a number of steps, by averaged (0) or by last weights (1)
TRAININGS = (
    ({}, {(SHORT, 0): "default", (TWICE, 0): "steps × 2", (LONG, 0): "steps × 4", (SHORT, 1): "last weights"}),
    ({"reward_scale": 0.05}, {(SHORT, 0): "reward scale ÷ 2"}),
    ({"reward_scale": 0.2}, {(SHORT, 0): "reward scale × 2"}),
    ({"target_update_interval": 400}, {(SHORT, 0): "sync × 4", (LONG, 0): "sync × 4, steps × 4"}),
    ({"learning_rate_decay": True}, {(SHORT, 0): "decaying rate"}),
    ({"features": "scaled"}, {(SHORT, 0): "scaled coordinates"}),
    ({"features": "raw"}, {(SHORT, 0): "raw coordinates"}),
)


def train(name, called, features="one-hot coordinates", **settings):
    """Trains one recipe on a map and yields a row for each of its names."""
    size, see = FEATURES[features]
    env = SafetyCriticalGridWorld(map_name=name)
    mdp = replace(env.mdp, observations=see(env.mdp.observations))
    logs = [generate_offline_episodes(env, seed=seed) for seed in range(LOGS)]
    logs = [replace(x, observations=see(x.observations), next_observations=see(x.next_observations)) for x in logs]
    rows = []

    def watch(steps, *claims):
        for kind, q_values in enumerate(claims):
            if (steps, kind) in called:
                agents = q_values.reshape(-1, mdp.n_states, mdp.n_actions).astype(float)
                rows.append({"map": name, "setting": called[steps, kind]} | judge(mdp, agents))

    train_sweep(
        logs, (WEIGHT,), NETWORKS, max(steps for steps, _ in called), mdp=mdp, size=size, score_interval=SHORT,
        watch=watch, **{"reward_scale": 0.1} | settings,
    )  # fmt: skip
    return rows


def judge(mdp, agents):
    """The runs of one row as text."""
    acts = agents.argmax(-1)
    policies = np.eye(mdp.n_actions)[acts]
    scores = [mdp.evaluate(policy) for policy in policies]
    claimed = agents.max(-1) @ mdp.start
    true = [mdp.values(policy, GAMMA)[0] @ mdp.start for policy in policies]
    return {
        "return_mean": " ".join(f"{score.return_mean:.2f}" for score in scores),
        "hazard_rate": " ".join(f"{score.hazard_rate:.5f}" for score in scores),
        "overestimate": " ".join(f"{x:.1f}" for x in claimed - true),
        "actions": " ".join("".join(map(str, one)) for one in acts),
    }


def main():
    """Trains every row and writes the file."""
    rows = [row for name in MAPS for settings, called in TRAININGS for row in train(name, called, **settings)]
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
