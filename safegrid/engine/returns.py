"""Undiscounted returns of a policy over a horizon: how episodes end, and what they have earned by then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from safegrid.array_types import Floats, Ints

from .chain import BLOCK, NOTHING, Chain
from .pairs import TIMEOUT

_CELLS = 50_000_000  # (state, return) pairs that a return's distribution may touch over a horizon, at most


class Outcomes(NamedTuple):
    """How episodes end: n ways with their masses.

    Attributes:
        masses: (n,), summing to 1.
        returns: (n,), in raw reward; NaN where there are too many to tell apart.
        kinds: (n,), `NEITHER`, `HAZARD`, `GOAL` or `TIMEOUT`.
        length: expected number of steps.
        mean, variance: of the return.
    """

    masses: Floats
    returns: Floats
    kinds: Ints
    length: float
    mean: float
    variance: float


def outcomes(start: Floats, chains: Sequence[Chain]) -> Outcomes:
    """How episodes end that begin in `start`, (S,), and take a step of `chains[t]` at time t."""
    moves = chains[0].pairs.moves
    found = _spread(start, chains) if len(moves) > 1 else None
    if found is None:
        found = _march(start, chains, next(iter(moves)) if len(moves) == 1 else math.nan)
    ended, (left, returns), length, moments = found
    ways = [(m.ravel(), np.broadcast_to(r, m.shape).ravel(), k.repeat(m.shape[1])) for m, r, k in ended]
    parts = zip(*ways, (left, returns, np.full(len(left), TIMEOUT)), strict=True)
    masses, earned, kinds = (np.concatenate(part) for part in parts)
    if moments is None:
        mean = float(masses @ earned)
        moments = mean, float(masses @ (earned - mean) ** 2)
    return Outcomes(masses, earned, kinds, length, *moments)


Found = tuple[list[tuple[Floats, Floats, Ints]], tuple[Floats, Floats], float, tuple[float, float] | None]
"""Of those that end in each step masses (C, n), returns, kinds (C,); of those that never do masses and returns; the
length; mean and variance, where returns are not told apart."""


def _march(start: Floats, chains: Sequence[Chain], paid: float) -> Found:
    """Where every step that goes on pays the same, all that are alive have the same return."""
    _, rewards, kinds = chains[0].pairs.ends
    n, mass, t, length = len(start), start, 0, 0.0
    ended, earned = list[tuple[Floats, Floats, Ints]](), _Earned(n) if math.isnan(paid + rewards.sum()) else None
    while t < len(chains) and (alive := mass.sum()) > NOTHING:
        block = chains[t : t + BLOCK]
        over = np.empty((len(block), len(kinds)))
        for i, chain in enumerate(block):
            if earned:
                earned.step(chain, mass)
            moved = chain.out @ mass
            mass, over[i] = moved[:n], moved[n:]
        ended.append((over.T, rewards[:, None] + paid * np.arange(t, t + len(block)), kinds))
        length += len(block) * float(alive) - float(np.cumsum(over.sum(1))[:-1].sum())
        t += len(block)
    return ended, (mass.sum(keepdims=True), np.array([paid * t])), length, earned.moments if earned else None


class _Earned:
    """Mean and mean square of the return, where there are too many to tell apart."""

    def __init__(self, n_states: int) -> None:
        self.so_far = np.zeros(n_states)  # by those that are in a state, times their mass
        self.mean = self.square = 0.0

    def step(self, chain: Chain, mass: Floats) -> None:
        """What a step adds for the mass in each state, (S,)."""
        self.mean += float(mass @ chain.gain)
        self.square += float(mass @ chain.square + 2 * self.so_far @ chain.gain)
        self.so_far = chain.back @ self.so_far + chain.weighted_back @ mass

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and variance; of a spread below 1e-7 of the returns the difference leaves nothing."""
        return self.mean, max(0.0, self.square - self.mean**2)


def _spread(start: Floats, chains: Sequence[Chain]) -> Found | None:
    """The mass of each return in each state, step by step; None where they are too many."""
    moves, (_, rewards, kinds) = chains[0].pairs.moves, chains[0].pairs.ends
    if np.isnan(rewards).any():
        return None
    paid, n = np.array(list(moves)), len(start)
    mass, levels, ended = start[None], np.zeros(1), list[tuple[Floats, Floats, Ints]]()
    length, cells, largest = 0.0, 0, 0.0
    for i, chain in enumerate(chains):
        if mass.sum() <= NOTHING:
            break
        if i == 0 or chain is not chains[i - 1]:
            tables = [_entered(chain.choose @ move) for move in moves.values()]
            ways_out = chain.out[n:]
        length += float(mass.sum())
        ended.append((ways_out @ mass.T, rewards[:, None] + levels, kinds))
        grown = paid[:, None] + levels
        largest = max(largest, float(np.abs(grown).max()))
        first, place = _told_apart(grown.ravel(), largest)
        cells += len(levels) * sum(table.nnz + len(states) for states, table in tables) + len(first) * n
        if cells > _CELLS:
            return None
        new = np.zeros((len(first), n))
        for (states, table), rows in zip(tables, place.reshape(grown.shape), strict=True):
            np.add.at(new, (rows[:, None], states), (table @ mass.T).T)
        used = new.any(1)
        mass, levels = new[used], grown.ravel()[first][used]
    return ended, (mass.sum(1), levels), length, None


def _entered(step: csr_matrix) -> tuple[Ints, csr_matrix]:
    """The states that a table (S, S) leads to, and how mass gets there, (those states, S)."""
    states = np.unique(step.indices)
    return states, step[:, states].T.tocsr()


def _told_apart(returns: Floats, largest: float) -> tuple[Ints, Ints]:
    """One return of each that rounding cannot have made of one, and which of them each is."""
    order = np.argsort(returns, kind="stable")
    ordered = returns[order]
    fresh = np.append(True, np.diff(ordered) > 1e-12 * np.abs(ordered[1:]) + 1e-14 * largest)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(fresh) - 1
    return order[fresh], place
