"""Rewards that contradict their like, lie far outside, stand a row too early or late, or do not fit the costs."""

from __future__ import annotations

import numpy as np

from safegrid.array_types import Bools, Floats, Ints, distinct

from .coded import Coded, Elsewhere, gap, ranked
from .finding import Finding, found, listed
from .regression import explained, features, some_rows

_FEW = 200
_KEYS = 30  # kinds of steps, each met four times, from which a world's rewards may be judged
_RARE = 0.02
_FAR = 10.0
_SURE = 30.0  # ln of how much likelier it is
_VARIANCE = 0.1


def find(coded: Coded, joined: Bools, in_step: bool) -> list[Finding]:
    """`shifted_rewards`, `contradicting_rewards` or `far_rewards`, `costs_disagree` and `negative_costs`.

    Args:
        coded: the log.
        joined: (N,) rows that are followed by no row of theirs.
        in_step: whether the column of ends does not stand a row off.
    """
    findings = _negative(coded)
    if len(coded.log) < _FEW:
        return findings
    if not in_step:
        return findings
    if shifted := _shifted(coded):
        return findings + shifted
    odd = _contradicting(coded, joined)
    findings += _far(coded) if odd is None else odd
    explained_rows = np.zeros(len(joined), bool)
    for finding in findings:
        explained_rows[finding.rows] = True
    return findings + _disagree(coded, explained_rows)


def _negative(coded: Coded) -> list[Finding]:
    return found("negative_costs", coded.log.costs < 0, "costs below 0: harm is counted from 0 up")


def _disagree(coded: Coded, otherwise: Bools) -> list[Finding]:
    """Costs without the reward that goes with nearly all others, or that reward without a cost."""
    log, size = coded.log, len(coded.prices)
    harm = log.costs > 0
    met, harmful = np.bincount(coded.price, minlength=size), np.bincount(coded.price, harm, size)
    penal = (met >= 10) & (harmful >= 0.95 * met)
    paid = penal[coded.price]
    if coded.n_places < 20 or (harm & paid).sum() < 0.9 * harm.sum():
        return []
    prices = listed(f"{price:g}" for price in coded.prices[penal])
    paid, harm = paid & ~otherwise, harm & ~otherwise
    return found(
        "costs_disagree", harm != paid,
        f"a cost goes with the reward {prices} in {(harm & paid).sum():,} rows; here is the one without the other: "
        f"{(harm & ~paid).sum():,} rows with a cost alone, {(paid & ~harm).sum():,} with the reward alone",
    )  # fmt: skip


def _shifted(coded: Coded) -> list[Finding]:
    """Rewards that the step of the row before or after determines, and that of their own does not."""
    log = coded.log
    if coded.recurs and len(coded.prices) * 20 <= len(log):
        fit = {k: Elsewhere(coded.steps, np.roll(coded.price, -k), len(coded.prices)).log_share() for k in (0, 1, -1)}
        best = max((1, -1), key=lambda k: fit[k].mean())
        more = fit[best] - fit[0]
        clearly = more.mean() > -0.3 * fit[0].mean() and more.sum() > _SURE
    else:
        rows = some_rows(coded)
        if len(rows) < _FEW:
            return []
        beside = np.c_[np.eye(log.n_actions)[log.actions[rows]], log.terminals[rows]]
        known = np.hstack([features(coded, rows), beside[:, 1:]])
        shares = {k: explained(known, log.rewards[rows + k, None].astype(float)) for k in (0, 1, -1)}
        best = max((1, -1), key=lambda k: shares[k])
        clearly = shares[best] > shares[0] + _VARIANCE
    where, mend = ("after", "up") if best == 1 else ("before", "down")
    return found(
        "shifted_rewards", np.full(len(log), clearly),
        f"each row's step is explained by the reward of the row {where} it, not by its own: move the reward column "
        f"{mend} by one row",
    )  # fmt: skip


def _contradicting(coded: Coded, joined: Bools) -> list[Finding] | None:
    """Rewards that no step usually has, unlike those of its own kind; None where steps have no usual reward.

    A reward that other steps have may be rare here by the world's nature; a penalty that was lost, costs tell.
    """
    if not coded.recurs:
        return None
    usual, odd = _usual(coded.steps, coded)
    if usual is None or odd.sum() > _RARE * len(odd):
        return None
    kinds = distinct(np.c_[coded.price, coded.steps])[0][:, 0]
    spread = 2 * np.bincount(kinds) > np.bincount(coded.price)  # a slip comes anywhere, a chance of the world again
    strange = np.setdiff1d(coded.price[odd & spread[coded.price]], usual)
    odd = np.isin(coded.price, strange) & ~joined
    seen = listed(f"{value:g}" for value in np.unique(coded.log.rewards[odd])[:4])
    return found(
        "contradicting_rewards", odd,
        f"rewards such as {seen}, which no kind of step usually has, and these have another: a slip of the point, or a "
        "code for a missing value",
    )  # fmt: skip


def _usual(keys: Ints, coded: Coded) -> tuple[Ints | None, Bools]:
    """The usual reward of each row's key, −1 where it has none, (N,), and rows that have another.

    None where too few kinds are known.
    """
    pair = ranked(keys * len(coded.prices) + coded.price)
    together, met = np.bincount(pair), np.bincount(keys)
    most = np.zeros(len(met), np.int64)
    np.maximum.at(most, keys, together[pair])
    price = np.zeros(len(met), np.int64)
    first = together[pair] == most[keys]
    price[keys[first]] = coded.price[first]
    known = (met >= 4) & (most >= 0.75 * met)
    usual = np.where(known, price, -1)[keys]
    return (usual if known.sum() >= _KEYS else None), (usual >= 0) & (usual != coded.price)


def _far(coded: Coded) -> list[Finding]:
    """Rewards ten times as far from the middle as any other; at an end only where they are met less than thrice."""
    log, met = coded.log, np.bincount(coded.price)[coded.price]
    odd = np.zeros(len(log), bool)
    for rows in (np.flatnonzero(~log.terminals), np.flatnonzero(log.terminals)):
        if len(rows) < 50:
            continue
        rewards = log.rewards[rows].astype(float)
        middle = np.median(rewards)
        away = np.abs(rewards - middle)
        odd[rows] = away >= gap(away, max(1, len(rows) // 500), _FAR, abs(middle))
    odd &= (log.costs <= 0) & ((met < 3) | ~(log.terminals | coded.recurs))
    rest: Floats = log.rewards[~odd]
    return found(
        "far_rewards", odd,
        f"rewards such as {listed(f'{value:g}' for value in np.unique(log.rewards[odd])[:4])}; all others lie in "
        f"{rest.min():g} … {rest.max():g}",
    )  # fmt: skip
