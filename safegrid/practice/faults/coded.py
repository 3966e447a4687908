"""A log as whole numbers: which observation, which step, which reward a row is; and what its likes do elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from safegrid.array_types import Array, Bools, Floats, Ints, distinct
from safegrid.dataset import Episodes, knows_next_observations

UNSEEN = -1
"""The code of an arrival that the log does not tell."""
OFTEN = 5
"""Visits of an observation, on average, from which counting says something."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Codes of a log's rows, made once for all that looks at them.

    Args:
        log: the log.
        ignored: columns of the observations that say nothing of where an episode is.
    """

    log: Episodes
    ignored: tuple[int, ...] = ()

    @cached_property
    def ends(self) -> Bools:
        """Last rows of episodes, (N,)."""
        return np.asarray(self.log.terminals | self.log.timeouts)

    @cached_property
    def last(self) -> Ints:
        """Last row of each episode, (E,)."""
        return np.flatnonzero(self.ends)

    @cached_property
    def first(self) -> Ints:
        """First row of each episode, (E,)."""
        return np.r_[0, self.last[:-1] + 1]

    @cached_property
    def time(self) -> Ints:
        """Steps since the episode's start, (N,)."""
        return np.arange(len(self.log)) - np.repeat(self.first, self.log.lengths)

    @cached_property
    def _places(self) -> tuple[Array, Ints, Ints]:
        log = self.log
        seen = np.concatenate([log.observations, log.next_observations[self.ends]])
        places, codes = distinct(np.delete(seen, self.ignored, 1) if self.ignored else seen)
        here = codes[: len(log)]
        there = np.roll(here, -1)
        there[self.ends] = codes[len(log) :]
        there[~knows_next_observations(log)] = UNSEEN
        return places, here, there

    @property
    def places(self) -> Array:
        """Distinct observations, acted in or only arrived at, (R, d)."""
        return self._places[0]

    @property
    def here(self) -> Ints:
        """Each row's observation, as a row of `places`, (N,)."""
        return self._places[1]

    @property
    def there(self) -> Ints:
        """Where each row arrives, `UNSEEN` where the log does not tell, (N,)."""
        return self._places[2]

    @cached_property
    def visits(self) -> Ints:
        """Rows that act in each of `places`, (R,)."""
        return np.bincount(self.here, minlength=len(self.places))

    @property
    def n_places(self) -> int:
        """Distinct observations that the log acts in."""
        return int((self.visits > 0).sum())

    @property
    def recurs(self) -> bool:
        """Whether observations come again often enough to count what happens there."""
        return len(self.log) >= OFTEN * self.n_places

    @cached_property
    def pairs(self) -> Ints:
        """Observation and action of each row as one number, (N,)."""
        return self.here * self.log.n_actions + self.log.actions

    @cached_property
    def moves(self) -> Ints:
        """From where to where, (N,), counted from 0."""
        return ranked(self.here * (len(self.places) + 1) + self.there + 1)

    @cached_property
    def steps(self) -> Ints:
        """From where, by which action, to where, (N,), counted from 0."""
        return ranked(self.moves * self.log.n_actions + self.log.actions)

    @cached_property
    def _prices(self) -> tuple[Array, Ints]:
        values, codes = distinct(self.log.rewards[:, None])
        return values[:, 0], codes

    @property
    def prices(self) -> Array:
        """Distinct rewards, (P,), rising."""
        return self._prices[0]

    @property
    def price(self) -> Ints:
        """Each row's reward, as a row of `prices`, (N,)."""
        return self._prices[1]

    @cached_property
    def step_of(self) -> Array:
        """How far each row moves in each number, (N, d); NaN where the log does not tell."""
        told = (self.there != UNSEEN)[:, None]
        moved = self.log.next_observations.astype(float) - self.log.observations
        return np.where(told, moved, np.nan)

    @cached_property
    def whole(self) -> bool:
        """Whether all observations are whole numbers."""
        return bool((self.places == np.rint(self.places)).all())

    @cached_property
    def smooth(self) -> Bools:
        """Columns that are `measured`, (d,)."""
        return measured(self.log.observations)


def measured(seen: Array) -> Bools:
    """Columns that hardly ever hold a number twice, and that are no whole numbers, (d,): measured, not counted."""
    several = np.array([len(np.unique(column)) * OFTEN > len(seen) for column in seen.T])
    return np.asarray(several & (seen != np.rint(seen)).any(0))


def ranked(numbers: Ints) -> Ints:
    """The same numbers counted from 0 without gaps, (N,)."""
    return distinct(numbers[:, None])[1]


class Elsewhere:
    """What the other rows with a row's key say of it; one row more has the log's own shares.

    Args:
        keys: (N,) what is known of each row, counted from 0.
        values: (N,) what is asked of it, counted from 0.
        size: how many values there are.
    """

    def __init__(self, keys: Ints, values: Ints, size: int) -> None:
        self.keys, self.values, self._n = keys, values, size
        self._known, self._counts = np.unique(keys * self._n + values, return_counts=True)
        self._rows = np.bincount(keys)
        self.overall = (np.bincount(values, minlength=size) + 0.5) / (len(values) + 0.5 * size)

    def log_share(self, values: Ints | None = None) -> Floats:
        """The logarithm of the share of each row's value, or of another that it might have had, (N,)."""
        asked = self.values if values is None else values
        pair = self.keys * self._n + asked
        at = np.minimum(np.searchsorted(self._known, pair), len(self._known) - 1)
        same = np.where(self._known[at] == pair, self._counts[at], 0) - (asked == self.values)
        return np.asarray(np.log((same + self.overall[asked]) / self._rows[self.keys]))


def rows_of(episodes: Bools | Ints, coded: Coded) -> Ints:
    """All rows of some episodes, (E,) or their numbers."""
    chosen = np.zeros(coded.log.n_episodes, bool)
    chosen[episodes] = True
    return np.flatnonzero(chosen[coded.log.episode])


def runs(on: Bools, breaks: Bools | None = None) -> tuple[Ints, Ints]:
    """Begin and end (exclusive) of each run of True; with `breaks` (N,) none goes on beyond such a row."""
    wall = np.zeros(len(on), bool) if breaks is None else breaks
    begins = on & ~(np.r_[False, on[:-1]] & ~np.r_[True, wall[:-1]])
    stops = on & ~(np.r_[on[1:], False] & ~wall)
    return np.flatnonzero(begins), np.flatnonzero(stops) + 1


def gap(sizes: Floats, most: int, ratio: float, floor: float = 0.0) -> float:
    """From where on sizes lie far above all others; infinity where none does.

    Args:
        sizes: (N,), of at least 0.
        most: how many may lie there.
        ratio: how many times the largest of the others they are at least.
        floor: the least that counts as the largest of the others.
    """
    most = min(most, len(sizes) - 1)
    if most < 1:
        return np.inf
    top = np.sort(np.partition(sizes, len(sizes) - most - 1)[-most - 1 :])
    below = np.maximum(top[:-1], floor)
    far = (below > 0) & (top[1:] >= ratio * below)
    return float(top[1:][far].min()) if far.any() else np.inf
