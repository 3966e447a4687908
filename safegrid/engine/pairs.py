"""Where each pair of state and action leads."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix, hstack

from safegrid.array_types import Bools, Floats, Ints

NEITHER, HAZARD, GOAL, TIMEOUT = range(4)
"""How an episode can end."""

_FEW = 256  # different rewards by which returns are told apart, at most


class Pairs:
    """Where each (state, action) leads, as sparse matrices that are made once for a process.

    Args:
        successors, probabilities, rewards: (S, A, K), as `TabularMDP`'s.
        read: (S, A) bool, pairs that exist in states which do not end the episode; the others are never looked at.
        terminal: (S,) bool.
        kinds: (S,), how an episode that ends there has ended.
    """

    def __init__(
        self, successors: Ints, probabilities: Floats, rewards: Floats, read: Bools, terminal: Bools, kinds: Ints
    ) -> None:
        self.shape = read.shape
        there = (probabilities > 0) & read[..., None]
        self._pair = np.repeat(np.arange(read.size), there.sum(-1).ravel())
        self._next, self._chance, self._reward = successors[there], probabilities[there], rewards[there]
        self._over, self._kinds, self.terminal = terminal[self._next], kinds, terminal

    def _table(self, which: Bools, weights: Floats) -> csr_matrix:
        first = np.concatenate([[0], np.cumsum(np.bincount(self._pair[which], minlength=math.prod(self.shape)))])
        return csr_matrix((weights[which], self._next[which], first), (math.prod(self.shape), self.shape[0]))

    def _sum(self, weights: Floats) -> Floats:
        return np.asarray(np.bincount(self._pair, weights, math.prod(self.shape)), float)

    @cached_property
    def gain(self) -> Floats:
        """Expected reward, (S·A,)."""
        return self._sum(self._chance * self._reward)

    @cached_property
    def square(self) -> Floats:
        """Expected square of the reward, (S·A,)."""
        return self._sum(self._chance * self._reward**2)

    @cached_property
    def onward(self) -> csr_matrix:
        """Probabilities of the states that follow and do not end the episode, (S·A, S)."""
        return self._table(~self._over, self._chance)

    @cached_property
    def everywhere(self) -> csr_matrix:
        """Probabilities of all states that follow, (S·A, S)."""
        return self._table(np.ones_like(self._over), self._chance)

    @cached_property
    def weighted(self) -> csr_matrix:
        """`onward` times the reward, (S·A, S)."""
        return self._table(~self._over, self._chance * self._reward)

    @cached_property
    def moves(self) -> dict[float, csr_matrix]:
        """`onward` by what is paid on the way; empty where there are too many different rewards."""
        paid = np.unique(self._reward[~self._over]) if not self._over.all() else np.zeros(1)
        if len(paid) == 1:
            return {float(paid[0]): self.onward}
        if len(paid) > _FEW:
            return {}
        return {float(r): self._table(~self._over & (self._reward == r), self._chance) for r in paid}

    @cached_property
    def ends(self) -> tuple[csr_matrix, Floats, Ints]:
        """Probabilities of the C ways to end, (S·A, C), and what each way pays and is; NaN if it pays many things."""
        kind, paid = self._kinds[self._next[self._over]], self._reward[self._over]
        ways, way = np.unique(np.stack([paid, kind]), axis=1, return_inverse=True)
        if ways.shape[1] > _FEW:
            ways, way = np.stack([np.full(3, np.nan), np.arange(3)]), kind
        shape = math.prod(self.shape), ways.shape[1]
        return csr_matrix((self._chance[self._over], (self._pair[self._over], way.ravel())), shape), *ways

    @cached_property
    def with_ends(self) -> csr_matrix:
        """`onward`, and beside it the ways to end, (S·A, S + C)."""
        return hstack([self.onward, self.ends[0]], "csr")
