"""Discounted values of a policy: one linear system."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import solve_banded
from scipy.sparse import csr_matrix, eye_array, hstack, vstack
from scipy.sparse.csgraph import breadth_first_order, reverse_cuthill_mckee
from scipy.sparse.linalg import bicgstab, splu

from safegrid.array_types import Bools, Floats, Ints

from .chain import Chain

_ENDLESS = "gamma={}: this policy need never end, so its value is not defined; pass gamma < 1"
_DENSE = 6_000  # states of a matrix that is eliminated as a dense one, at most


def solve(chain: Chain, gamma: float) -> Floats:
    """Discounted value of each state over the infinite horizon: v = gain + γ · step · v.

    A narrow matrix is factorised, as a band while that is small. A wide one mixes quickly, and a few rounds of
    BiCGSTAB (van der Vorst 1992) are enough; where they are not, it is eliminated as a dense one, or, if it is too
    large for that, iterated.

    Raises:
        ValueError: `gamma` is 1 and from some state no end can be reached.
    """
    if gamma > 1 - 1e-13 and not (ending := _ending(chain)).all():
        raise ValueError(f"{_ENDLESS.format(gamma)} (from state {int(np.argmin(ending))} no end can be reached)")
    try:
        return _solve(chain, gamma)
    except (np.linalg.LinAlgError, RuntimeError) as error:  # an end so unlikely that it is lost in rounding
        raise ValueError(_ENDLESS.format(gamma)) from error


def _solve(chain: Chain, gamma: float) -> Floats:
    step, gain, n, width = chain.step, chain.gain, len(chain.gain), _width(chain.step)
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
    return sweep(chain, np.zeros(n), gamma, math.ceil(rounds)) if rounds < 1e5 else splu(system.T).solve(gain, "T")


def sweep(chain: Chain, values: Floats, gamma: float, n: int) -> Floats:
    """`values` after n rounds of v ← gain + γ · step · v."""
    step = gamma * chain.step
    for _ in range(n):
        values = chain.gain + step @ values
    return values


def _ending(chain: Chain) -> Bools:
    """States from which an end can be reached, (S,)."""
    n = len(chain.gain)
    out = (np.diff(chain.choose.indptr) == 0) | (np.diff(chain.out[n:].indptr) > 0)
    from_out = vstack([csr_matrix(out[None].astype(float)), chain.step.T])
    backwards = hstack([csr_matrix((n + 1, 1)), from_out], "csr")  # node 0 is the end
    found = np.zeros(n + 1, bool)
    found[breadth_first_order(backwards, 0, return_predecessors=False)] = True
    return found[1:]


def _width(matrix: csr_matrix, order: Ints | None = None) -> int:
    """How far a matrix reaches from its diagonal, with its rows and columns in some order."""
    place = np.arange(matrix.shape[0]) if order is None else np.argsort(order)
    return int(np.abs(np.repeat(place, np.diff(matrix.indptr)) - place[matrix.indices]).max(initial=0))
