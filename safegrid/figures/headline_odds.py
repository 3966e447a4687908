"""The exact odds of what a test of two agents says: how far one is ahead, in bars of a histogram."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from safegrid.array_types import Floats
from safegrid.mdp import TabularMDP

N_BARS = 41
"""Level in the middle, twenty on either side: steps of 5% of the loser's return, or of a point of the crash rate."""
SIDE = N_BARS // 2


class Law(NamedTuple):
    """Probabilities of whole numbers: the least one, and of it and each that follows, (n,)."""

    least: int
    odds: Floats


def return_law(mdp: TabularMDP, policy: Floats) -> Law:
    """The exact law of a trip's return, in a process that has a horizon of its own.

    Raises:
        ValueError: a reward is no whole number.
    """
    if (mdp.rewards % 1).any():
        raise ValueError(f"mdp has the reward {mdp.rewards[mdp.rewards % 1 != 0][0]:g}, expected whole numbers")
    moves = {int(reward): _moves(mdp, policy, reward) for reward in np.unique(mdp.rewards)}
    alive, ended = {0: mdp.start}, defaultdict[int, float](float)
    for _ in range(mdp.horizon or 0):
        after: dict[int, Floats] = {}
        for total, mass in alive.items():
            for reward, matrix in moves.items():
                arrived = mass @ matrix
                ended[total + reward] += arrived[mdp.terminal].sum()
                after[total + reward] = after.get(total + reward, 0) + np.where(mdp.terminal, 0.0, arrived)
        alive = {total: mass for total, mass in after.items() if mass.any()}
    for total, mass in alive.items():
        ended[total] += mass.sum()
    least = min(ended)
    odds = np.zeros(max(ended) - least + 1)
    for total, share in ended.items():
        odds[total - least] += share
    return Law(least, odds)


def _moves(mdp: TabularMDP, policy: Floats, reward: float) -> Floats:
    """Probability of going from each state to each with this reward, (S, S)."""
    shares = np.where(mdp.rewards == reward, policy[..., None] * mdp.probabilities, 0.0)
    matrix = np.zeros((mdp.n_states, mdp.n_states))
    np.add.at(matrix, (np.arange(mdp.n_states)[:, None, None], mdp.successors), shares)
    matrix[mdp.terminal] = 0.0
    return matrix


def summed(law: Law, n: int) -> Law:
    """The law of the sum of n numbers of a law."""
    size = n * (len(law.odds) - 1) + 1
    return Law(n * law.least, np.clip(np.fft.irfft(np.fft.rfft(law.odds, size) ** n, size), 0, None))


def return_odds(ours: Law, others: Law) -> Floats:
    """Odds of each bar (N_BARS,) of the percentage by which the higher of two sums exceeds the other.

    Ours are ahead on the left, the others on the right; the last bar of either side holds all that is farther out.
    """
    bars, level = np.zeros(N_BARS), _equal(ours, others)
    bars[SIDE:] = _ahead(ours, others)
    bars[SIDE::-1] += _ahead(others, ours)
    bars[SIDE] += level
    return bars


def _ahead(behind: Law, leader: Law) -> Floats:
    """Odds that the leader is ahead by each step of 5% of the size of what the one behind has."""
    likely = np.flatnonzero(behind.odds > 1e-12)
    total = behind.least + likely
    tail = np.append(np.cumsum(leader.odds[::-1])[::-1], 0.0)
    lead = np.maximum(1, -(-np.arange(SIDE + 1)[:, None] * np.abs(total) // SIDE))  # rounded up, and never level
    at = np.clip(total + lead - leader.least, 0, len(leader.odds))
    beyond = tail[at] @ behind.odds[likely]
    return np.append(beyond[:-1] - beyond[1:], beyond[-1])


def _equal(ours: Law, others: Law) -> float:
    low = max(ours.least, others.least)
    high = min(law.least + len(law.odds) for law in (ours, others))
    one, two = (law.odds[low - law.least : max(low, high) - law.least] for law in (ours, others))
    return float(one @ two)


def crash_odds(ours: float, others: float, n: int) -> Floats:
    """Odds of each bar of the difference between two crash rates in n drives, from the exact hazard rates.

    Bars are points, rounded away from 0: the middle one is for equally many crashes. Ours are safer on the left.
    """
    crashed = np.arange(n + 1)
    difference = np.convolve(binom.pmf(crashed, n, ours), binom.pmf(crashed, n, others)[::-1])
    points = 100 * np.arange(-n, n + 1) / n
    bar = SIDE + np.clip(np.sign(points) * np.ceil(np.abs(points)), -SIDE, SIDE).astype(int)
    bars = np.zeros(N_BARS)
    np.add.at(bars, bar, difference)
    return bars
