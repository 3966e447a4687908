"""What an explorer carries into the page: a sweep and its world as plain JSON, with no digit too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage
from safegrid.mdp import TabularMDP
from safegrid.sweep.results import Sweep

Q_UNIT = 0.05
"""Claims are carried as whole numbers of this, in discounted raw reward."""


def check_shown(sweep: Sweep, mdp: TabularMDP, logs: Sequence[Episodes] | None) -> None:
    """Checks that an explorer can show a sweep.

    Args:
        sweep: as the explorer's.
        mdp: the world it should have been trained with.
        logs: those it was trained on, where they are known.

    Raises:
        ValueError: says what does not fit.
    """
    if sweep.algorithm != "cql" or not sweep.history:
        how = "with" if sweep.history else "without"
        raise ValueError(f"sweep holds {sweep.algorithm} trained {how} mdp, expected cql with mdp")
    _cells(mdp)
    if (np.diff(sweep.weights) <= 0).any():
        raise ValueError(f"sweep.weights is {sweep.weights.tolist()}, expected weights that rise")
    if not np.isfinite(sweep.q_values).all():
        raise ValueError("sweep.q_values holds claims that are not finite: a member's training diverged")
    if not np.array_equal(sweep.observations, mdp.observations):
        raise ValueError("mdp is another world than the sweep was trained with: its observations differ")
    n_logs = sweep.seeds.shape[0]
    if logs is not None and len(logs) != n_logs:
        raise ValueError(f"logs has {len(logs)} logs, expected {n_logs} as the sweep")


def describe_sweep(sweep: Sweep, mdp: TabularMDP, logs: Sequence[Episodes] | None) -> dict[str, Any]:
    """The world, every agent's claims, moves and visits, the log's counts, the curves and the ends of the colours.

    Args:
        sweep: one that `check_shown` let pass.
        mdp: its world.
        logs: those it was trained on; None leaves out their counts.

    Raises:
        ValueError: the agents are worth something else in this world.
    """
    live = ~mdp.terminal
    q = np.where(live[:, None], sweep.q_values, 0.0).reshape(-1, mdp.n_states, mdp.n_actions)
    policies = sweep.policies.reshape(q.shape)
    true = np.array([mdp.values(policy, float(sweep.settings["gamma"]))[0] for policy in policies])
    if not np.allclose(true @ mdp.start, sweep.scores("true_value").ravel()):
        raise ValueError("mdp is another world than the sweep was trained with: its agents are worth something else")
    counts = None if logs is None else np.stack([coverage(log, mdp).counts for log in logs]).ravel().tolist()
    names = ("return_mean", "hazard_rate", "claimed_value", "true_value")
    return {
        "world": _describe_world(mdp),
        "gamma": float(sweep.settings["gamma"]),
        "weights": sweep.weights.tolist(),
        "n_logs": sweep.seeds.shape[0],
        "n_seeds": sweep.seeds.shape[1],
        "q_unit": Q_UNIT,
        "q_values": whole_units(q, Q_UNIT),
        "policies": [digits(policy) for policy in policies],
        "visits": [n for policy in policies for n in per_mille(mdp, policy)],
        "counts": counts,
        "curves": {
            name: [[_finite(x) for x in (i.estimate, i.low, i.high)] for i in sweep.curve(name)] for name in names
        },
        "scores": {name: sweep.scores(name).ravel().round(4).tolist() for name in names},
        "limits": _find_limits(q[:, live], true[:, live]),
    }


def _describe_world(mdp: TabularMDP) -> dict[str, Any]:
    return {
        "cells": _cells(mdp).ravel().tolist(),
        "successors": mdp.successors.ravel().tolist(),
        "probabilities": mdp.probabilities.ravel().tolist(),
        "rewards": mdp.rewards.ravel().tolist(),
        **{name: getattr(mdp, name).astype(int).tolist() for name in ("terminal", "hazard", "goal")},
        "start": mdp.start.tolist(),
        "horizon": mdp.horizon,
    }


def _find_limits(q: Floats, true: Floats) -> dict[str, list[float]]:
    """Lowest and highest colour of each layer, which a few extreme cells do not stretch."""
    claimed, top = q.max(-1), np.sort(q, -1)
    largest = round(float(np.quantile(np.abs(claimed - true), 0.9)), 1)
    return {
        "claimed": np.quantile(claimed, (0.02, 0.98)).round(1).tolist(),
        "overestimate": [-largest, largest],
        "gap": [0.0, round(float(np.quantile(top[..., -1] - top[..., -2], 0.95)), 2)],
    }


def _cells(mdp: TabularMDP) -> NDArray[np.int64]:
    """Column and row of each state of a grid world."""
    cells = mdp.observations.astype(int)
    grid = (
        mdp.observations.shape[1] == 2
        and mdp.successors.shape[1:] == (4, 4)
        and mdp.action_mask.all()
        and mdp.n_states <= 1024
    )
    if not grid or (cells != mdp.observations).any() or cells.min() < 0 or cells.max() > 63 or mdp.horizon is None:
        raise ValueError(
            f"mdp has {mdp.n_states} states and {mdp.n_actions} actions, "
            "expected a SafetyCriticalGridWorld's of up to 1024 cells"
        )
    return cells


def whole_units(q: Floats, unit: float) -> list[int]:
    """Claims as whole numbers of a unit."""
    return np.rint(q / unit).astype(int).ravel().tolist()


def per_mille(mdp: TabularMDP, policy: Floats) -> list[int]:
    """The probability of visiting each cell, in thousandths."""
    return np.rint(1000 * mdp.occupancy(policy)).astype(int).tolist()


def digits(policy: Floats) -> str:
    """A policy's likeliest action in each cell, one digit each."""
    return "".join(map(str, policy.argmax(-1)))


def spliced(values: Sequence[Any], part: Sequence[Any], at: int) -> list[Any]:
    """The values with another part from a position on."""
    return [*values[:at], *part, *values[at + len(part) :]]


def _finite(x: float) -> float | None:
    return round(x, 4) if np.isfinite(x) else None
