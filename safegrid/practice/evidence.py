"""How much a log says of what: tries of each pair, choices, habits, and what an observation leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from safegrid.array_types import ByValue, Floats, Ints
from safegrid.dataset import Coverage

from .faults.coded import UNSEEN, Coded, Elsewhere, ranked

TRIES = (0, 1, 2, 5, 20)
"""From how many tries on a pair is in the next class: never, once, too few, few, enough."""

_DENSE = 32  # numbers a row, up to which a table of all pairs is made


@dataclass(frozen=True, eq=False)
class Evidence(ByValue):
    """What a log has tried, counted over the observations that it acted in.

    Attributes:
        coverage: tries of every action in every distinct observation, columns that only count rows left out; None where
            observations hardly recur.
        recurs: observations come again, five times on average, so that counting says something.
        places: distinct observations that the log acts in.
        pairs: (5,) pairs never tried, tried once, 2 to 4, 5 to 19 times, and 20 times or more.
        visits: (5,) share of the rows that are tries of such pairs.
        lone: share of the rows in observations in which one action alone was tried.
        choice: share of the rows in observations in which two actions or more were tried 20 times at least.
        habit: share of the rows that take the action which is commonest where they are.
        tried: (3,) least, median and most actions tried in an observation.
        thin_episodes: share of the episodes that take a pair tried fewer than 5 times.
        actions: (A,) rows of each action.
        driver_memory: nats that the action before tells of an action beyond its observation; NaN where nothing recurs.
        world_memory: nats that the observation before tells of the next one beyond observation and action; or NaN.
    """

    coverage: Coverage | None
    recurs: bool
    places: int
    pairs: Ints
    visits: Floats
    lone: float
    choice: float
    habit: float
    tried: Ints
    thin_episodes: float
    actions: Ints
    driver_memory: float
    world_memory: float


def weigh(coded: Coded) -> Evidence:
    """Counts what a log has tried; only what was tried takes memory, but for the coverage."""
    log, n = coded.log, len(coded.log)
    pair = ranked(coded.pairs)
    counts, place = np.bincount(pair), np.empty(int(pair.max()) + 1, np.int64)
    place[pair] = coded.here
    tries, size = counts[pair], coded.n_places * log.n_actions
    tried, often = np.bincount(place), np.bincount(place[counts >= TRIES[-1]], minlength=len(coded.places))
    habit = np.zeros(len(tried), np.int64)
    np.maximum.at(habit, place, counts)
    classes = list(pairwise([*TRIES, np.inf]))
    pairs = np.array([((counts >= low) & (counts < high)).sum() for low, high in classes])
    pairs[0] = size - len(counts)
    driver, world = _memories(coded) if coded.recurs else (np.nan, np.nan)
    there = tried[tried > 0]
    return Evidence(
        coverage=_coverage(coded) if coded.recurs and size <= _DENSE * n else None,
        recurs=coded.recurs,
        places=coded.n_places,
        pairs=pairs,
        visits=np.array([((tries >= low) & (tries < high)).mean() for low, high in classes]),
        lone=float((tried[coded.here] == 1).mean()),
        choice=float((often[coded.here] > 1).mean()),
        habit=float(habit.sum() / n),
        tried=np.array([there.min(), np.median(there), there.max()]).astype(np.int64),
        thin_episodes=float((np.bincount(log.episode, tries < TRIES[3]) > 0).mean()),
        actions=np.bincount(log.actions, minlength=log.n_actions),
        driver_memory=driver,
        world_memory=world,
    )


def _coverage(coded: Coded) -> Coverage:
    there, n_actions = np.flatnonzero(coded.visits), coded.log.n_actions
    counts = np.bincount(coded.pairs, minlength=len(coded.places) * n_actions).reshape(-1, n_actions)
    return Coverage(coded.places[there], counts[there])


def _memories(coded: Coded) -> tuple[float, float]:
    """What the row before tells beyond this row, of the action and of the next observation; 0 where chance may."""
    log = coded.log
    later = np.flatnonzero(coded.time > 0)
    told = later[coded.there[later] != UNSEEN]
    acts = _gain(coded.here[later], log.actions[later - 1], log.actions[later])
    world = _gain(coded.pairs[told], coded.here[told - 1], ranked(coded.there[told]))
    return acts, world


def _gain(known: Ints, more: Ints, asked: Ints) -> float:
    if not len(asked):
        return 0.0
    size = int(asked.max()) + 1
    known = ranked(known)
    both = ranked(known * (int(more.max()) + 1) + more)
    gain = Elsewhere(both, asked, size).log_share() - Elsewhere(known, asked, size).log_share()
    return float(gain.mean()) if gain.mean() > max(0.01, 8 * gain.std() / np.sqrt(len(gain))) else 0.0
