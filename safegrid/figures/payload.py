"""What figures carry into the page: worlds and agents as plain JSON, with no digit too many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage
from safegrid.mdp import TabularMDP
from safegrid.tabular import count_log

Q_UNIT = 0.05
"""Claims are carried as whole numbers of this, in discounted raw reward."""


def describe_world(mdp: TabularMDP) -> dict[str, Any]:
    """A grid world's table.

    Raises:
        ValueError: the world is no grid of up to 1024 cells.
    """
    return {
        "cells": grid_cells(mdp).ravel().tolist(),
        "successors": mdp.successors.ravel().tolist(),
        "probabilities": mdp.probabilities.ravel().tolist(),
        "rewards": mdp.rewards.ravel().tolist(),
        **{name: getattr(mdp, name).astype(int).tolist() for name in ("terminal", "hazard", "goal")},
        "start": mdp.start.tolist(),
        "horizon": mdp.horizon,
    }


def describe_log(log: Episodes, mdp: TabularMDP) -> dict[str, Any]:
    """What a log says of each pair: how often, its mean reward, and the shares of what follows it.

    Raises:
        ValueError: the log is of another world.
    """
    model = count_log(log, mdp, 1.0, 1.0)
    return {
        "counts": coverage(log, mdp).counts.ravel().tolist(),
        "rewards": model.reward.ravel().round(6).tolist(),
        "first": model.follow.indptr.tolist(),
        "followers": model.follow.indices.tolist(),
        "chances": model.follow.data.clip(0.0, 1.0).tolist(),
    }


def find_limits(q: Floats, true: Floats) -> dict[str, list[float]]:
    """Lowest and highest colour of each layer, which a few extreme cells do not stretch."""
    claimed, top = q.max(-1), np.sort(q, -1)
    largest = round(float(np.quantile(np.abs(claimed - true), 0.9)), 1)
    return {
        "claimed": np.quantile(claimed, (0.02, 0.98)).round(1).tolist(),
        "overestimate": [-largest, largest],
        "gap": [0.0, round(float(np.quantile(top[..., -1] - top[..., -2], 0.95)), 2)],
    }


def grid_cells(mdp: TabularMDP) -> NDArray[np.int64]:
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


def digits(policy: Floats) -> str:
    """A policy's likeliest action in each cell, one digit each."""
    return "".join(map(str, policy.argmax(-1)))
