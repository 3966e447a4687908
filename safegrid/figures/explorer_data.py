"""What an explorer carries into the page: a sweep and its world as plain JSON, with no digit too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from safegrid.dataset import Episodes, coverage
from safegrid.mdp import TabularMDP
from safegrid.sweep.results import Sweep

from .payload import Q_UNIT, describe_world, digits, find_limits, grid_cells, whole_units


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
    grid_cells(mdp)
    if (np.diff(sweep.weights) <= 0).any():
        raise ValueError(f"sweep.weights is {sweep.weights.tolist()}, expected weights that rise")
    if not np.isfinite(sweep.q_values).all():
        raise ValueError("sweep.q_values holds claims that are not finite: a member's training diverged")
    if not np.array_equal(sweep.observations, mdp.observations):
        raise ValueError("mdp is another world than the sweep was trained with: its observations differ")
    n_logs = sweep.seeds.shape[0]
    if logs is not None and len(logs) != n_logs:
        raise ValueError(f"logs has {len(logs)} logs, expected {n_logs} as the sweep")


def describe_agents(sweep: Sweep, mdp: TabularMDP, which: Any = np.s_[:]) -> dict[str, Any]:
    """The world, every agent's claims and moves, and the ends of the colours.

    Args:
        sweep: one that `check_shown` let pass.
        mdp: its world.
        which: index into (weights, logs, networks); every agent by default.

    Raises:
        ValueError: the agents are worth something else in this world.
    """
    live = ~mdp.terminal
    q = np.where(live[:, None], sweep.q_values[which], 0.0).reshape(-1, mdp.n_states, mdp.n_actions)
    policies, gamma = sweep.policies[which].reshape(q.shape), float(sweep.settings["gamma"])
    true = np.array([mdp.values(policy, gamma)[0] for policy in policies])
    if not np.allclose(true @ mdp.start, sweep.scores("true_value")[which].ravel()):
        raise ValueError("mdp is another world than the sweep was trained with: its agents are worth something else")
    return {
        "world": describe_world(mdp),
        "gamma": gamma,
        "reward_scale": float(sweep.settings["reward_scale"]),
        "weights": sweep.weights.tolist(),
        "q_unit": Q_UNIT,
        "q_values": whole_units(q, Q_UNIT),
        "policies": [digits(policy) for policy in policies],
        "limits": find_limits(q[:, live], true[:, live]),
    }


def describe_sweep(sweep: Sweep, mdp: TabularMDP, logs: Sequence[Episodes] | None) -> dict[str, Any]:
    """The agents, the log's counts, the scores and the curves.

    Args:
        sweep: one that `check_shown` let pass.
        mdp: its world.
        logs: those it was trained on; None leaves out their counts.

    Raises:
        ValueError: as `describe_agents`.
    """
    counts = None if logs is None else np.stack([coverage(log, mdp).counts for log in logs]).ravel().tolist()
    names = ("return_mean", "hazard_rate", "claimed_value", "true_value")
    return {
        **describe_agents(sweep, mdp),
        "n_logs": sweep.seeds.shape[0],
        "n_seeds": sweep.seeds.shape[1],
        "counts": counts,
        "curves": {
            name: [[_finite(x) for x in (i.estimate, i.low, i.high)] for i in sweep.curve(name)] for name in names
        },
        "scores": {name: sweep.scores(name).ravel().round(4).tolist() for name in names},
    }


def spliced(values: Sequence[Any], part: Sequence[Any], at: int) -> list[Any]:
    """The values with another part from a position on."""
    return [*values[:at], *part, *values[at + len(part) :]]


def _finite(x: float) -> float | None:
    return round(x, 4) if np.isfinite(x) else None
