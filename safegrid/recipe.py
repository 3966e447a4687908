"""What to train with: a recipe in the units of a log, with the reason for each number, and what its rewards allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from tabulate import tabulate

from .array_types import Array, Bools, ByValue, Floats, distinct
from .checks import check_gamma
from .dataset import Episodes, knows_next_observations
from .env import MAPS, SafetyCriticalGridWorld
from .logs import checked_logs, visited
from .mdp import TabularMDP

UNIT = 100.0
"""The largest reward of this book's own worlds, in which its settings were found."""
WEIGHT, SCALE = 6.0, 0.1
"""The conservative weight and the reward scale there."""
Auto = Literal["auto"]
"""A setting that is left to `propose_recipe`."""
DEFAULT_STEPS = 2_400
"""Gradient steps on this book's maps."""
MOST_INPUTS = 4_096
"""A first layer of more inputs than this is no longer small."""


@dataclass(frozen=True, eq=False)
class Recipe(ByValue):
    """Settings to begin with, in a log's own units. Printed, it is a table with the reason for each.

    Attributes:
        largest_reward: the largest in size, in raw reward: what the weight and the reward scale are measured by.
        size: number of values of each coordinate, one-hot encoded; None where observations are numbers.
        cells: one input for each cell rather than for each coordinate's values.
        ranges: (d, 2), low and high end of each number; None where they are one-hot.
        n_steps: gradient steps.
        reasons: why, by the name of the setting.
    """

    largest_reward: float
    size: int | None
    cells: bool
    ranges: tuple[tuple[float, float], ...] | None
    n_steps: int
    reasons: Mapping[str, str]

    @property
    def conservative_weight(self) -> float:
        """α, in raw reward."""
        return WEIGHT * self.largest_reward / UNIT

    @property
    def reward_scale(self) -> float:
        """ρ, which makes the largest reward 10 in training."""
        return SCALE * UNIT / self.largest_reward

    @property
    def features(self) -> dict[str, Any]:
        """Keywords of every `create_…` and of the sweeps: size, cells and ranges."""
        return {"size": self.size, "cells": self.cells, "ranges": self.ranges}

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of `create_discrete_cql`: the features, the weight and the reward scale."""
        return self.features | {"conservative_weight": self.conservative_weight, "reward_scale": self.reward_scale}

    def __str__(self) -> str:
        values = self.settings | {"n_steps": self.n_steps}
        rows = [(name, values[name], reason) for name, reason in self.reasons.items()]
        return tabulate(rows, ("setting", "value", "because"), disable_numparse=True, maxcolwidths=[None, 16, 44])


def propose_recipe(logs: Episodes | Sequence[Episodes], mdp: TabularMDP | None = None) -> Recipe:
    """Reads what a log is made of and proposes settings in its own units.

    Weight and reward scale have units. This book found 6 and 0.1 where the largest reward is 100: the same training, to
    the last bit, is any other unit's with both in proportion. The features were settled on maps of 15 to 40 cells a
    side (`benchmarks/recipe.md`). It is a place to begin: what a recipe is worth, only a score or an estimate tells.

    Args:
        logs: one log, or several of the same world.
        mdp: the world, where it is known: its rewards and observations count, those the logs never met included. On a
            map of this book the features and steps are those that the book measured there.

    Raises:
        ValueError: there is no log, or one does not fit the others or the world; names the row.
    """
    logs = checked_logs(logs, mdp)
    if mdp is not None:
        visited(logs, mdp)
    return proposal(logs, mdp)


def proposal(logs: Sequence[Episodes], mdp: TabularMDP | None) -> Recipe:
    """`propose_recipe` for logs that fit each other, and that are held against the world elsewhere."""
    rewards, _ = _rewards(logs if mdp is None else mdp)
    largest = float(np.abs(rewards).max()) or 1.0
    whose = (
        f"the {'log' if mdp is None else 'world'}'s is {largest:g}" if rewards.any() else "here all are 0, taken for 1"
    )
    reasons = {
        "conservative_weight": f"{WEIGHT:g} where the largest reward is {UNIT:g}; {whose}",
        "reward_scale": f"{SCALE:g} there; the largest is {SCALE * UNIT:g} in training, and Huber's loss bends at 1",
    }
    size, cells, ranges, why = _features(logs, mdp)
    measured = mdp is not None and _of_this_book(mdp)
    n_steps, budget = 2 * DEFAULT_STEPS, "twice this book's; on maps of 15 to 40 cells a side more changed little"
    if measured:
        cells, why = False, "one-hot coordinates: what this book measured on this map"
        n_steps, budget = DEFAULT_STEPS, "what this book measured on this map"
    reasons |= {"size" if ranges is None else "ranges": why, "n_steps": budget}
    if cells:
        reasons["cells"] = reasons["size"]
        reasons["size"] = "values are whole numbers below it"
    return Recipe(largest, size, cells, ranges, n_steps, reasons)


def is_auto(setting: Any) -> bool:
    """Whether a setting is left to `propose_recipe`."""
    return isinstance(setting, str) and setting == "auto"


def largest_value(source: Episodes | Sequence[Episodes] | TabularMDP, gamma: float = 0.99) -> float:
    """The most that any policy could be worth with such rewards, discounted and raw: a claim above it is a dream.

    An episode collects rewards that do not end it, at best the largest for ever, or one that does:
    V ≤ max(r_on / (1 − γ), r_end).

    Args:
        source: the logs whose rewards count, or the world.
        gamma: discount factor in [0, 1].
    """
    check_gamma(gamma)
    rewards, ends = _rewards(source)
    on, last = rewards[~ends].max(initial=-np.inf), rewards[ends].max(initial=-np.inf)
    if gamma < 1:
        return float(max(on / (1 - gamma), last))
    return np.inf if on > 0 else float(max(on, last))


def _rewards(source: Episodes | Sequence[Episodes] | TabularMDP) -> tuple[Floats, Bools]:
    """Distinct rewards that occur, (R,), and whether they end an episode, (R,)."""
    if isinstance(source, TabularMDP):
        there = (source.probabilities > 0) & (source.possible & ~source.terminal[:, None])[..., None]
        pairs = [np.stack([source.rewards[there], source.terminal[source.successors[there]]])]
    else:
        pairs = [np.stack([log.rewards.astype(float), log.terminals]) for log in checked_logs(source, None)]
    rewards, ends = distinct(np.concatenate(pairs, 1).T)[0].T
    return rewards, ends > 0


def _features(
    logs: Sequence[Episodes], mdp: TabularMDP | None
) -> tuple[int | None, bool, tuple[tuple[float, float], ...] | None, str]:
    """Size, cells and ranges, and why."""
    parts: list[Array] = [log.observations for log in logs]
    parts += [log.next_observations[knows_next_observations(log)] for log in logs]
    everything = np.concatenate(parts + ([] if mdp is None else [mdp.observations]))
    seen, d = distinct(everything)[0], everything.shape[1]
    low, high = seen.min(0), seen.max(0)
    whole = bool((seen == np.rint(seen)).all()) and low.min() >= 0
    size = int(high.max()) + 1 if whole else 0
    if whole and size**d <= min(MOST_INPUTS, max(map(len, logs))):
        return size, True, None, f"{size}^{d} cells: what is learned of one says nothing of another"
    if whole and d * size <= MOST_INPUTS:
        return size, False, None, f"one-hot coordinates: {size}^{d} cells would be too many for the log, or a network"
    kind = "whole numbers too large for one-hot" if whole else "numbers, some negative or no whole ones"
    wide = np.where(high > low, 0.0, np.maximum(1.0, 2 * np.spacing(np.abs(high))))  # where a number never changes
    ranges = tuple((float(a), float(b)) for a, b in zip(low - wide, high + wide, strict=True))
    return None, False, ranges, f"{kind}: scaled to −1…1 over the log's own range"


def _of_this_book(mdp: TabularMDP) -> bool:
    """Whether its cells are those of a named map, whatever its slips and prices."""
    worlds = (SafetyCriticalGridWorld(map_name=name).mdp for name in MAPS)
    drawn = ("observations", "hazard", "goal", "terminal", "start")
    return any(all(np.array_equal(getattr(mdp, name), getattr(world, name)) for name in drawn) for world in worlds)
