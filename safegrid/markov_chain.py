"""The exact engine. Under a policy a process is a Markov chain: one sparse matrix from state to state.

A row of that matrix lists only the moves after which the episode goes on: what it lacks to 1 has ended. Rows of states
that end an episode are empty, so that nothing of theirs is ever read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_banded
from scipy.sparse import csc_matrix, csr_matrix, eye_array, hstack, vstack
from scipy.sparse.csgraph import breadth_first_order, reverse_cuthill_mckee
from scipy.sparse.linalg import bicgstab, splu

from .array_types import Bools, Floats, Ints

NEITHER, HAZARD, GOAL, TIMEOUT = range(4)
"""How an episode can end."""

_NOTHING = 1e-30  # less mass than this is none: rounding of the rest is larger
_FEW = 256  # different rewards by which returns are told apart, at most
_CELLS = 50_000_000  # (state, return) pairs that a return's distribution may touch over a horizon, at most
_DENSE = 6_000  # states of a matrix that is eliminated as a dense one, at most
_BLOCK = 32  # steps that are looked at together


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
        return {float(r): self._table(~self._over & (self._reward == r), self._chance)
                for r in paid if len(paid) <= _FEW}  # fmt: skip

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


class Chain:
    """A process under a policy.

    Args:
        pairs: the process.
        policy: (S, A) action probabilities, 0 in states that end the episode.
    """

    def __init__(self, pairs: Pairs, policy: Floats) -> None:
        (n, n_actions), (state, action) = pairs.shape, np.nonzero(policy)
        first = np.concatenate([[0], np.cumsum(np.bincount(state, minlength=n))])
        self.pairs = pairs
        self.choose = csr_matrix((policy[state, action], state * n_actions + action, first), (n, n * n_actions))

    @cached_property
    def step(self) -> csr_matrix:
        """Probabilities of moving on, (S, S)."""
        return self.choose @ self.pairs.onward

    @cached_property
    def out(self) -> csc_matrix:
        """Where mass goes in a step: into the states that go on and the ways to end, transposed, (S + C, S)."""
        return (self.choose @ self.pairs.with_ends).T

    @cached_property
    def gain(self) -> Floats:
        """Expected reward of a step, (S,)."""
        return self.choose @ self.pairs.gain

    def solve(self, gamma: float) -> Floats:
        """Discounted value of each state over the infinite horizon: v = gain + γ · step · v.

        A narrow matrix is factorised, as a band while that is small. A wide one mixes quickly, and a few rounds of
        BiCGSTAB (van der Vorst 1992) are enough; where they are not, it is eliminated as a dense one, or, if it is too
        large for that, iterated.

        Raises:
            ValueError: `gamma` is 1 and from some state no end can be reached.
        """
        if gamma > 1 - 1e-13 and not (ending := self._ending()).all():
            raise ValueError(
                f"gamma={gamma}: this policy need never end, so its value is not defined; pass gamma < 1 (from state "
                f"{int(np.argmin(ending))} no end can be reached)"
            )
        step, gain, n, width = self.step, self.gain, len(self.gain), _width(self.step)
        if n * width**2 < 1e8:
            rows, band = np.repeat(np.arange(n), np.diff(step.indptr)), np.zeros((2 * width + 1, n))
            band[width + rows - step.indices, step.indices] = -gamma * step.data
            band[width] += 1.0
            return np.asarray(solve_banded((width, width), band, gain, overwrite_ab=True, check_finite=False))
        system, value = eye_array(n, format="csr") - gamma * step, np.zeros(n)
        if width < n / 4 or _width(step, reverse_cuthill_mckee(step)) < n / 4:
            return np.asarray(splu(system.T).solve(gain, "T"))
        with np.errstate(all="ignore"):
            for _ in range(4):  # from the second on for what rounding left of the one before
                miss = gain - system @ value
                if np.abs(miss).max() <= 2e-15 * max(np.abs(gain).max(), np.abs(value).max()):
                    return value
                value = value + bicgstab(system, miss, rtol=1e-12, maxiter=60)[0]
        if n <= _DENSE:
            return np.asarray(np.linalg.solve(system.toarray(), gain))
        rounds = math.log(1e-16) / math.log(gamma) if 0 < gamma < 1 else math.inf
        return self.sweep(np.zeros(n), gamma, math.ceil(rounds)) if rounds < 1e5 else splu(system.T).solve(gain, "T")

    def sweep(self, values: Floats, gamma: float, n: int) -> Floats:
        """`values` after n rounds of v ← gain + γ · step · v."""
        step = gamma * self.step
        for _ in range(n):
            values = self.gain + step @ values
        return values

    def _ending(self) -> Bools:
        """States from which an end can be reached, (S,)."""
        n = len(self.gain)
        out = (np.diff(self.choose.indptr) == 0) | (np.diff(self.out[n:].indptr) > 0)
        from_out = vstack([csr_matrix(out[None].astype(float)), self.step.T])
        backwards = hstack([csr_matrix((n + 1, 1)), from_out], "csr")  # node 0 is the end
        found = np.zeros(n + 1, bool)
        found[breadth_first_order(backwards, 0, return_predecessors=False)] = True
        return found[1:]


def _width(matrix: csr_matrix, order: Ints | None = None) -> int:
    """How far a matrix reaches from its diagonal, with its rows and columns in some order."""
    place = np.arange(matrix.shape[0]) if order is None else np.argsort(order)
    return int(np.abs(np.repeat(place, np.diff(matrix.indptr)) - place[matrix.indices]).max(initial=0))


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
    while t < len(chains) and (alive := mass.sum()) > _NOTHING:
        block = chains[t : t + _BLOCK]
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
        if mass.sum() <= _NOTHING:
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


def visits(start: Floats, chains: Sequence[Chain], *, width: int = 256) -> Floats:
    """Probability that an episode is in each state at least once, (S,).

    What ends an episode is met once at most. For every other state a walk is followed whose mass is held fast where it
    arrives there; `width` of them at a time.
    """
    everywhere = {id(c): (c.choose @ c.pairs.everywhere).T.tocsr() for c in dict.fromkeys(chains)}
    mass = expected = start
    for chain in chains:
        mass = everywhere[id(chain)] @ mass
        expected = expected + mass
    met, own = expected.copy(), np.flatnonzero((expected > 0) & ~chains[0].pairs.terminal)
    for columns in np.split(own, range(width, len(own), width)):
        place = columns, np.arange(len(columns))
        walks = np.repeat(start[:, None], len(columns), 1)
        met[columns], walks[place] = walks[place], 0.0
        for t, chain in enumerate(chains):
            walks = everywhere[id(chain)] @ walks
            met[columns] += walks[place]
            walks[place] = 0.0
            if t % _BLOCK == 0 and walks.sum() <= _NOTHING:
                break
    return met
