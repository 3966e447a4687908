"""The published recipe on its own settings, as written and repaired step by step: ten networks each, scored exactly.

    python benchmarks/audit.py run              # every part, about an hour of one core; or name the parts to run
    python benchmarks/audit.py write            # what has been run → book/results/audit.json, which chapter 08 reads

A run that is interrupted goes on from its last checkpoint. Sweeps and checkpoints are kept in benchmarks/audit/, which
is not part of the repository.
"""

import hashlib
import json
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import numpy as np

from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.files.atomic import atomic_path
from safegrid.sweep.results import Sweep
from safegrid.sweep.training import train_clone_sweep, train_sweep

SWEEPS = Path(__file__).with_suffix("")
RESULTS = SWEEPS.parents[1] / "book" / "results" / "audit.json"
DIGITS = {"return_mean": 3, "hazard_rate": 6, "claimed_value": 3, "true_value": 3}

PUBLISHED = {
    "size": None,
    "hidden_units": (256, 256),
    "learning_rate": 3e-4,
    "batch_size": 256,
    "averaging": 0.0,
    "seed": 0,
    "n_seeds": 10,
}
"""Raw coordinates, d3rlpy's default encoder, no average of the weights."""

WRITTEN = PUBLISHED | {
    "conservative_weights": (1.0,),
    "reward_scale": 1.0,
    "target_update_interval": 8_000,
    "n_steps": 80_000,
    "score_interval": 2_000,
}
"""The weight of 6 never reached d3rlpy, whose own is 1; so is its target update interval."""

REPAIRED = WRITTEN | {"conservative_weights": (6.0,), "n_steps": 8_000, "score_interval": 500, "n_seeds": 5}

STAGES = {
    "written": WRITTEN,
    "clone": PUBLISHED | {"betas": (0.5,), "n_steps": 25_000, "score_interval": 1_000},
    "weight": WRITTEN | {"conservative_weights": (6.0,), "n_seeds": 5},
    "syncs": REPAIRED | {"target_update_interval": 100},
    "scale": REPAIRED | {"target_update_interval": 100, "reward_scale": 0.1},
    "cells": REPAIRED | {"target_update_interval": 100, "size": 15},
    "features": REPAIRED | {"target_update_interval": 100, "reward_scale": 0.1, "size": 15},
    "recipe": {"conservative_weights": (6.0,), "n_seeds": 10, "seed": 0, "score_interval": 200},
    "our clone": {"n_seeds": 10, "seed": 0, "score_interval": 200},
}
"""`syncs` to `features` repair more on top of `weight`, the last of them all; then come the book's own defaults."""


def published_log():
    """The log of the published settings: 500 episodes, ε = 0.22, seed 42."""
    return generate_offline_episodes(SafetyCriticalGridWorld(), n_episodes=500, epsilon=0.22, seed=42)


BEGINNING = 200
PART = 5  # networks that are trained, and kept, together

PARTS = [f"{stage}-{first}" for stage, how in STAGES.items() for first in range(0, how["n_seeds"], PART)]


def train(stage, **changes):
    """Trains one stage, or a smaller version of it."""
    how = train_clone_sweep if "clone" in stage else train_sweep
    return how(published_log(), mdp=SafetyCriticalGridWorld().mdp, **STAGES[stage] | changes)


def run(parts):
    """Trains what benchmarks/audit/ does not hold yet."""
    SWEEPS.mkdir(exist_ok=True)
    for part in parts:
        path = SWEEPS / f"{part}.npz"
        if not path.exists():
            stage, first = part.rsplit("-", 1)
            members = {"seed": int(first), "n_seeds": min(PART, STAGES[stage]["n_seeds"] - int(first))}
            train(stage, n_jobs=1, checkpoint=path.with_suffix(".checkpoint"), **members).save(path)


def collect(stage):
    """One stage as JSON keeps it: scores (T, K) at every scored step, and each network's last policy, cell by cell."""
    sweeps = [Sweep.load(SWEEPS / f"{part}.npz") for part in PARTS if part.rsplit("-", 1)[0] == stage]
    scores = {
        name: np.concatenate([s.history[name][:, 0, 0] for s in sweeps], axis=1).round(digits).tolist()
        for name, digits in DIGITS.items()
        if name in sweeps[0].history
    }
    actions = [s.policies[0, 0, k].argmax(1) for s in sweeps for k in range(s.seeds.size)]
    return {
        "settings": {"weight": float(sweeps[0].weights[0])} | dict(sweeps[0].settings),
        "seeds": np.concatenate([s.seeds.ravel() for s in sweeps]).tolist(),
        "steps": sweeps[0].steps.tolist(),
        "policies": ["".join(map(str, policy)) for policy in actions],
    } | scores


def beginning(stage):
    """What the first network says of the four actions at the start after BEGINNING steps: easily computed again."""
    sweep = train(stage, n_seeds=1, n_steps=BEGINNING, score_interval=BEGINNING, n_jobs=1, progress=False)
    return sweep.q_values[0, 0, 0, 0].astype(float).round(4).tolist()


def checksum(stages):
    """SHA-256 of the results, however the file is laid out."""
    return hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()


def log_checksum(log):
    """SHA-256 of every column of a log."""
    columns = (np.ascontiguousarray(getattr(log, f.name)) for f in fields(log))
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def write():
    """Everything that benchmarks/audit/ holds, with what it was made with."""
    done = [
        stage for stage in STAGES if all((SWEEPS / f"{p}.npz").exists() for p in PARTS if p.startswith(f"{stage}-"))
    ]
    stages, log = {stage: collect(stage) | {"beginning": beginning(stage)} for stage in done}, published_log()
    record = {
        "command": "python benchmarks/audit.py run && python benchmarks/audit.py write",
        "versions": {name: version(name) for name in ("safegrid", "d3rlpy", "torch", "numpy", "gymnasium")},
        "log": {"n_episodes": log.n_episodes, "epsilon": 0.22, "seed": 42, "sha256": log_checksum(log)},
        "sha256": checksum(stages),
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    body = [f"  {json.dumps(stage)}: {json.dumps(values, separators=(',', ':'))}" for stage, values in stages.items()]
    text = "{\n" + ",\n".join(lines) + ',\n "stages": {\n' + ",\n".join(body) + "\n }\n}\n"
    RESULTS.parent.mkdir(exist_ok=True)
    with atomic_path(RESULTS) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2:] or PARTS)
    elif sys.argv[1:] == ["write"]:
        write()
    else:
        sys.exit(__doc__)
