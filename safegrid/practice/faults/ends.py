"""Ends that are none, and ends that nobody marked."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from safegrid.array_types import Array, Bools, Ints

from .coded import UNSEEN, Coded, Elsewhere
from .finding import Finding, found

_CHANCE = -25.0  # ln of a chance that no log comes by
_FEW = 200
_OFTEN = 20  # ends from which a rule may be read


def find(coded: Coded) -> list[Finding]:
    """`shifted_ends`, or `clock_ends` and `false_ends`."""
    clocked = _clock(coded)
    return _shifted(coded) or _clock_ends(coded, clocked) + _false_ends(coded, clocked)


def _shifted(coded: Coded) -> list[Finding]:
    """Terminals that the reward of the row before or after tells, and that of their own does not.

    Rewards that stand a row off look alike, but where ends do, episodes seem to begin in more places than they do.
    """
    log = coded.log
    if len(log) < _FEW or len(coded.prices) * 20 > len(log) or not log.terminals.any():
        return []
    ended = log.terminals.astype(np.int64)
    fit = {k: Elsewhere(coded.price, np.roll(ended, -k), 2).log_share() for k in (0, 1, -1)}
    best = max((1, -1), key=lambda k: fit[k].mean())
    clearly = fit[best].mean() > 0.3 * fit[0].mean() and (fit[best] - fit[0]).sum() > -_CHANCE
    ends = np.flatnonzero(log.terminals)
    begins, others = (coded.here[np.minimum(ends + k, len(log) - 1)] for k in (1 - best, 1))
    fewer = len(np.unique(begins)) < len(np.unique(others))
    where, mend = ("before", "up") if best == 1 else ("after", "down")
    return found(
        "shifted_ends", np.full(len(log), clearly and fewer),
        f"an episode's end is told by the reward of the row {where} it, not by its own: move the column of ends {mend} "
        "by one row",
    )  # fmt: skip


def _clock_ends(coded: Coded, clocked: Ints) -> list[Finding]:
    longest, n = int(coded.log.lengths.max()), len(clocked)
    reach = int((coded.log.lengths == longest).sum())
    return found(
        "clock_ends", clocked,
        f"{n:,} of the {reach:,} episodes that last {longest} steps, as long as any, are marked as terminals there, "
        "where others went on: the clock ended them. A learner would take it for the world's end; mark them as "
        "timeouts",
    )  # fmt: skip


def _clock(coded: Coded) -> Ints:
    """Terminals at the greatest length that nothing but the clock explains, (n,)."""
    log, longest = coded.log, int(coded.log.lengths.max())
    at = coded.last[(log.lengths == longest) & log.terminals[coded.last]]
    if len(at) < 3 or longest < 2:
        return at[:0]
    if not coded.recurs:
        reach, hazard = int((log.lengths == longest).sum()), _hazard(log.lengths, longest)
        return at if longest >= 10 and binom.logsf(len(at) - 1, reach, hazard) < _CHANCE else at[:0]
    size, before = int(coded.pairs.max()) + 1, coded.time < longest - 1
    met = np.bincount(coded.pairs[before], minlength=size)[coded.pairs[at]]
    ended = np.bincount(coded.pairs[before & log.terminals], minlength=size)[coded.pairs[at]]
    share, there = (ended + 0.5) / (met + 1), coded.there[at]
    goes_on = (share < 0.5) & (met > 0)
    ends_there = np.bincount(coded.there[log.terminals & (coded.there != UNSEEN)], minlength=len(coded.places))
    ends_there -= np.bincount(there[there != UNSEEN], minlength=len(coded.places))
    for_good = (ends_there[there] > 0) | ((share >= 0.5) & (met > 0))
    clocked = np.where(there == UNSEEN, goes_on, (coded.visits[there] > 0) | ~for_good)
    chance = np.log(share[clocked & (met > 0)]).sum()
    return at[clocked] if chance < _CHANCE else at[:0]


def _hazard(lengths: Ints, longest: int) -> float:
    """The share of steps that ended an episode in the half before the greatest length."""
    half = longest // 2
    ended = ((lengths > half) & (lengths < longest)).sum()
    return float((ended + 0.5) / (np.clip(lengths, half, longest - 1) - half + 1).sum())


def _false_ends(coded: Coded, clocked: Ints) -> list[Finding]:
    """Terminals from whose arrival others go on, where a terminal's arrival is otherwise an end for good."""
    log, there = coded.log, coded.there
    if not coded.recurs:
        return []
    told = log.terminals & (there != UNSEEN)
    told[clocked] = False
    arrivals = np.bincount(there[there != UNSEEN], minlength=len(coded.places))
    ended = np.bincount(there[told], minlength=len(coded.places))
    odd = told & (coded.visits[there] > 0) & (arrivals[there] >= 4 * ended[there])
    if odd.sum() * 5 > told.sum():  # ends that no observation tells: this world ends anywhere
        return []
    return found(
        "false_ends", odd,
        "marked as terminals, but episodes arrive there and go on three times of four: if an episode was cut "
        "there, it is a timeout",
    )  # fmt: skip


def missed_by_reward(coded: Coded) -> Bools:
    """Rows that go on with a reward with which nearly all others end, (N,)."""
    if coded.n_places < _OFTEN:
        return np.zeros(len(coded.log), bool)
    return ~coded.ends & _nearly_all(coded.price, coded.log.terminals, ~coded.ends, 20, len(coded.prices))


def missed_by_place(coded: Coded) -> Bools:
    """Rows that go on from where nearly all others end, (N,)."""
    if not coded.recurs:
        return np.zeros(len(coded.log), bool)
    told, size = coded.there != UNSEEN, len(coded.places)
    goes_on = told & ~coded.ends
    return goes_on & _nearly_all(coded.there, told & coded.log.terminals, goes_on, 10, size)


def missed_ends(odd: Bools) -> list[Finding]:
    """The finding for rows that one of the two shows."""
    return found(
        "missed_ends", odd,
        "go on after an end: with the same reward, or in the same place, nearly all other episodes end. A terminal is "
        "not marked, and two episodes are joined",
    )  # fmt: skip


def _nearly_all(keys: Ints, ended: Bools, goes_on: Bools, ratio: int, size: int) -> Array:
    """Rows whose key ends episodes at least 20 times, and `ratio` times as often as not, (N,)."""
    ends, on = (np.bincount(keys[rows], minlength=size) for rows in (ended, goes_on))
    return ((ends >= _OFTEN) & (ends >= ratio * on))[keys]
