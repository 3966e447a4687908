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
        steps: after so many no episode was left.
    """

    masses: Floats
    returns: Floats
    kinds: Ints
    length: float
    steps: int


def outcomes(start: Floats, chains: Sequence[Chain]) -> Outcomes:
    """How episodes end that begin in `start`, (S,), and take a step of `chains[t]` at time t."""
    moves = chains[0].pairs.moves
    found = _spread(start, chains) if len(moves) > 1 else None
    if found is None:
        found = _march(start, chains, next(iter(moves)) if len(moves) == 1 else math.nan)
    ended, (left, returns), length, steps = found
    ways = [(m.ravel(), np.broadcast_to(r, m.shape).ravel(), k.repeat(m.shape[1])) for m, r, k in ended]
    masses, paid, kinds = zip(*ways, (left, returns, np.full(len(left), TIMEOUT)), strict=True)
    return Outcomes(np.concatenate(masses), np.concatenate(paid), np.concatenate(kinds), length, steps)


Found = tuple[list[tuple[Floats, Floats, Ints]], tuple[Floats, Floats], float, int]
"""Masses (C, n), returns and kinds (C,) of those that end; masses and returns of those that never do; length; steps."""


def _march(start: Floats, chains: Sequence[Chain], paid: float) -> Found:
    """Where every step that goes on pays the same, all that are alive have the same return."""
    _, rewards, kinds = chains[0].pairs.ends
    n, mass, t, length = len(start), start, 0, 0.0
    ended = list[tuple[Floats, Floats, Ints]]()
    while t < len(chains) and (alive := mass.sum()) > NOTHING:
        block = chains[t : t + BLOCK]
        over = np.empty((len(block), len(kinds)))
        for i, chain in enumerate(block):
            moved = chain.out @ mass
            mass, over[i] = moved[:n], moved[n:]
        ended.append((over.T, rewards[:, None] + paid * np.arange(t, t + len(block)), kinds))
        length += len(block) * float(alive) - float(np.cumsum(over.sum(1))[:-1].sum())
        t += len(block)
    return ended, (mass.sum(keepdims=True), np.array([paid * t])), length, t


def _spread(start: Floats, chains: Sequence[Chain]) -> Found | None:
    """The mass of each return in each state, step by step; None where they are too many."""
    _, rewards, kinds = chains[0].pairs.ends
    moves = chains[0].pairs.moves
    paid = np.array(list(moves))
    unit = 1e-9 * np.abs(paid).max()  # returns that differ by less are one
    mass, levels, ended = start[None], np.zeros(1), list[tuple[Floats, Floats, Ints]]()
    length, cells, steps, n = 0.0, 0, 0, len(start)
    backs = dict[int, list[csr_matrix]]()
    for chain in chains:
        if mass.sum() <= NOTHING:
            break
        if id(chain) not in backs:
            backs = {id(chain): [(chain.choose @ move).T for move in moves.values()]}
            ways_out = chain.out[n:]
        steps, length = steps + 1, length + float(mass.sum())
        ended.append((ways_out @ mass.T, rewards[:, None] + levels, kinds))
        grown = (paid[:, None] + levels).ravel()
        _, first, place = np.unique(np.rint(grown / unit), return_index=True, return_inverse=True)
        cells += len(levels) * chain.out.nnz + len(first) * n
        if cells > _CELLS:
            return None
        fold = csr_matrix((np.ones(len(grown)), (place.ravel(), np.arange(len(grown)))), (len(first), len(grown)))
        mass = fold @ np.concatenate([(back @ mass.T).T for back in backs[id(chain)]])
        used = mass.any(1)
        mass, levels = mass[used], grown[first][used]
    return ended, (mass.sum(1), levels), length, steps


def moments(start: Floats, chains: Sequence[Chain]) -> tuple[float, float]:
    """Mean and variance of the return, by going backwards; for returns that are too many to tell apart.

    The variance is a difference of mean squares: a spread of less than 1e-7 of the returns is lost in it.
    """
    pairs, both = chains[0].pairs, np.zeros((len(start), 2))  # of the return still to come: mean, mean square
    tables = dict[int, tuple[csr_matrix, Floats, Floats]]()
    for chain in reversed(chains):
        if id(chain) not in tables:
            tables = {id(chain): (chain.choose @ pairs.weighted, chain.gain, chain.choose @ pairs.square)}
        weighted, gain, square = tables[id(chain)]
        crossed, both = 2 * (weighted @ both[:, 0]), chain.step @ both
        both += np.stack([gain, square + crossed], 1)
    mean, mean_square = start @ both
    return float(mean), max(0.0, float(mean_square - mean**2))
