"""Which settings hold? Every recipe below, trained on ten logs of each named map and scored exactly on the way.

    python benchmarks/recipe.py search    # logs of seeds 0–9: settings are chosen here; about an hour
    python benchmarks/recipe.py report    # the chosen ones on logs of seeds 100–109, once; ten minutes
    python benchmarks/recipe.py table     # prints what these have written to recipe.csv

recipe.md is this table with that of `python benchmarks/features.py table` below.

Two networks a log. What recipe.csv holds already is not run again.
"""

import csv
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import trim_mean
from tabulate import tabulate

from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep.training import DEFAULT_WEIGHTS, train_clone_sweep, train_sweep

RESULTS = Path(__file__).with_suffix(".csv")
MAPS = ("original", "crossroads")
BUDGETS = (DEFAULT_STEPS, 2 * DEFAULT_STEPS, 4 * DEFAULT_STEPS)
NETWORKS = 2
KEYS = ("agent", "weight", "features", "reward_scale", "sync", "rate", "weights", "policy", "map", "first_log", "steps")
FIELDS = (*KEYS, "returns", "hazards", "claimed_minus_true")
"""A row holds the runs of one cell as numbers with blanks between, log after log."""

FEATURES = {
    "one-hot coordinates": (15, lambda o: o),
    "raw": (None, lambda o: o),
    "scaled": (None, lambda o: (o / 7 - 1).astype(np.float32)),
}
CHOSEN = {"features": "one-hot coordinates", "reward_scale": 0.1, "sync": 100, "rate": "constant"}

HEADER = """# Every recipe that was tried

Settings were chosen on logs 0–9 and reported once on logs 100–109, with `python benchmarks/recipe.py`.

- **Features decide most.** One-hot coordinates hold. Coordinates scaled to −1…1 lose a run now and then. Raw ones,
  0…14, collapse with this recipe, whatever else was varied: `benchmarks/collapse.py` shows why.
- **Averaging the weights** halves the lost runs of scaled coordinates at a sync every 100 steps, and takes the last
  from one-hot coordinates. It does not save raw coordinates, nor a target that is synced every 400.
- **A rate that decays along a cosine** never helps here.
- **A sync every 400 steps** is too slow for a short budget. After as many syncs, so four times the steps, it claims as
  little as a sync every 100: what a claim depends on is how often the target was renewed. The honest claim after 2 400
  steps is a value on its way up, caught at the right moment. It is no bound.
- **Reward scales** 0.05, 0.1 and 0.2 act alike; the larger, the smaller the overestimate in the end. 0.1 stays.
- **Weight** 6 is the tutorial's and was kept throughout. Chapter 10 of the book turns the slider on logs 0–9: 6, 10 and
  20 lose no run on either map, and of these 6 earns most over both. On logs 100–109 these three lose none at all."""

CELLS = """Each cell: interquartile mean / worst of twenty exact returns (ten logs, two networks each), how many lie
below 0 (“lost”), then mean hazard rate and interquartile mean of claimed − true start value. `weight` is the
conservative weight, for BC the penalty β; `weights` says whether networks act by averaged or by last weights."""


def searches():
    """Every agent, weights (or penalties) and settings that were tried."""
    for features, scale, sync, rate in itertools.product(
        FEATURES, (0.05, 0.1, 0.2), (100, 400), ("constant", "cosine")
    ):
        yield "CQL", (6.0,), {"features": features, "reward_scale": scale, "sync": sync, "rate": rate}
    for features, scale in itertools.product(FEATURES, (0.05, 0.1, 0.2)):
        yield "double DQN", (0.0,), {"features": features, "reward_scale": scale, "sync": 100, "rate": "constant"}
    for features, rate in itertools.product(FEATURES, ("constant", "cosine")):
        yield "BC", (0.0, 0.1, 0.5), {"features": features, "rate": rate}


def reports():
    """The whole slider and the clones, with the chosen settings."""
    yield "CQL", DEFAULT_WEIGHTS, CHOSEN
    yield "BC", (0.0, 0.5), {"features": CHOSEN["features"], "rate": CHOSEN["rate"]}


def run(agent, weights, settings, map_name, first_log):
    """Trains one recipe's networks and yields a row for each weight, budget, kind of weights and policy."""
    size, see = FEATURES[settings["features"]]
    env = SafetyCriticalGridWorld(map_name=map_name)
    mdp = replace(env.mdp, observations=see(env.mdp.observations))
    logs = [generate_offline_episodes(env, seed=seed) for seed in range(first_log, first_log + 10)]
    logs = [replace(x, observations=see(x.observations), next_observations=see(x.next_observations)) for x in logs]
    shared = {
        "mdp": mdp, "seed": first_log, "size": size, "learning_rate_decay": settings["rate"] == "cosine",
        "score_interval": BUDGETS[0],
    }  # fmt: skip
    # a decaying rate makes each budget a run of its own; so do the clones' sampled policies, kept only at the end
    whole_runs = settings["rate"] == "cosine" or (agent == "BC" and first_log >= 100)
    for n_steps in BUDGETS if whole_runs else BUDGETS[-1:]:
        if agent == "BC":
            sweep = train_clone_sweep(logs, weights, NETWORKS, n_steps, **shared)
        else:
            q = {"reward_scale": settings["reward_scale"], "target_update_interval": settings["sync"]}
            sweep = train_sweep(logs, weights, NETWORKS, n_steps, **shared, **q)
        cell = {"agent": agent, "map": map_name, "first_log": first_log, "policy": "greedy"} | settings
        kinds = {"averaged": sweep.history, "last": sweep.last_history}
        for i, weight in enumerate(sweep.weights):
            for (t, steps), (kind, history) in itertools.product(enumerate(sweep.steps), kinds.items()):
                if steps in ((n_steps,) if whole_runs else BUDGETS):
                    scores = {name: values[t, i].ravel() for name, values in history.items()}
                    claims = () if agent == "BC" else scores["claimed_value"] - scores["true_value"]
                    told = written(scores["return_mean"], scores["hazard_rate"], claims)
                    yield cell | {"weight": weight, "steps": steps, "weights": kind} | told
            if agent == "BC":
                tables = np.exp(sweep.q_values[i].reshape(-1, mdp.n_states, mdp.n_actions).astype(float))
                exact = [mdp.evaluate(p / p.sum(1, keepdims=True)) for p in tables]
                yield (
                    cell
                    | {"weight": weight, "steps": n_steps, "weights": "averaged", "policy": "sampled"}
                    | written([s.return_mean for s in exact], [s.hazard_rate for s in exact], ())
                )


def written(returns, hazards, claims):
    """The runs of a cell as text."""
    pairs = (("returns", returns, 2), ("hazards", hazards, 4), ("claimed_minus_true", claims, 1))
    return {name: " ".join(f"{x:.{digits}f}" for x in values) for name, values, digits in pairs}


def collect(recipes, first_log):
    """Runs what recipe.csv does not hold yet, and appends it."""
    done = {tuple(r[k] for k in KEYS if k not in ("weight", "weights", "policy", "steps")) for r in read()}
    for (agent, weights, settings), map_name in itertools.product(list(recipes), MAPS):
        wanted = {"agent": agent, "map": map_name, "first_log": first_log} | settings
        if tuple(str(wanted.get(k, "")) for k in KEYS if k not in ("weight", "weights", "policy", "steps")) in done:
            continue
        rows = list(run(agent, weights, settings, map_name, first_log))
        fresh = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            if fresh:
                writer.writeheader()
            writer.writerows(rows)


def read():
    """Everything measured so far, as dictionaries of strings."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def cell(row):
    """Interquartile mean / worst, collapsed runs if any, hazard, claimed − true."""
    returns, hazards, claims = (np.array(row[k].split(), float) for k in FIELDS[-3:])
    lost = f", {(returns < 0).sum()} lost" if (returns < 0).any() else ""
    claim = f"; {trim_mean(claims, 0.25):+.0f}" if len(claims) else ""
    return f"{trim_mean(returns, 0.25):.1f} / {returns.min():.0f}{lost} ({hazards.mean():.1%}{claim})"


def lost():
    """Lost runs of every kind of features, rate and sync, over reward scales, maps and budgets."""
    counts = {}
    for row in read():
        if row["agent"] == "CQL" and row["first_log"] == "0":
            returns = np.array(row["returns"].split(), float)
            kinds = counts.setdefault((row["features"], row["rate"], row["sync"]), {})
            kinds.setdefault(row["weights"], []).append((returns < 0).sum())
    runs = 2 * NETWORKS * 10 * len(BUDGETS) * 3
    body = [[*key, *(f"{sum(kinds[k])} of {runs}" for k in ("averaged", "last"))] for key, kinds in counts.items()]
    return tabulate(body, ["features", "rate", "sync", "averaged", "last"], tablefmt="github", disable_numparse=True)


def table():
    """A line for each recipe, a column for each budget."""
    names = [k for k in KEYS if k not in ("map", "first_log", "steps")]
    print(f"{HEADER}\n\n## Lost runs of CQL at weight 6, logs 0–9, all reward scales, maps and budgets\n\n{lost()}\n")
    print(CELLS)
    for first_log, map_name in itertools.product((100, 0), MAPS):
        lines = {}
        for row in read():
            if row["map"] == map_name and int(row["first_log"]) == first_log:
                lines.setdefault(tuple(row[k] for k in names), {})[int(row["steps"])] = cell(row)
        print(f"\n## {map_name}, logs {first_log}–{first_log + 9}\n")
        body = [[*key, *(cells.get(steps, "") for steps in BUDGETS)] for key, cells in lines.items()]
        columns = [*names, *(f"{steps} steps" for steps in BUDGETS)]
        print(tabulate(body, columns, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    commands = {
        "search": lambda: collect(searches(), 0),
        "report": lambda: collect(reports(), 100),
        "table": table,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]]()
