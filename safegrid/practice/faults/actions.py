"""An action column that never changes, that stands a row too early or late, or that belongs to other steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from safegrid.array_types import Array, Bools, Floats, Ints

from .coded import UNSEEN, Coded, Elsewhere, ranked, rows_of
from .finding import Finding, found
from .regression import explained, features, some_rows

_FEW = 200  # rows, below which nothing is said of a relation
_SURE = 20.0  # ln of how much likelier another explanation is, beyond the number of tries
_NATS = 0.03
_CLEAR = 8.0  # standard errors
_VARIANCE = 0.05
_A_ROW, _DROP = 0.3, 10.0  # what another explanation gains in each row, and may lose before it ends
_MANY = 2_000  # rows from which something that is not seen is not there
_BESIDE = {1: ("after", "late", "up"), -1: ("before", "early", "down")}


def find(coded: Coded) -> list[Finding]:
    """`constant_actions`, `stuck_actions`, `shifted_actions`, `foreign_actions` and `idle_actions`."""
    if (constant := _constant(coded)) or coded.log.n_actions == 1 or len(coded.log) < _FEW:
        return constant
    if not coded.recurs:
        return _stuck_actions(_stuck(coded)) + (_misplaced_measured(coded) or _idle_measured(coded))
    stuck = _stuck(coded)
    misplaced = _misplaced(coded, stuck) or _idle(coded)
    for finding in misplaced:
        stuck[finding.rows] = False
    return _stuck_actions(stuck) + misplaced


def _constant(coded: Coded) -> list[Finding]:
    log = coded.log
    same = log.n_actions > 1 and len(log) >= 20 and bool((log.actions == log.actions[0]).all())
    return found(
        "constant_actions", np.full(len(log), same),
        f"every row has action {log.actions[0]} of {log.n_actions}: nothing here can be compared with anything",
    )  # fmt: skip


def _stuck(coded: Coded) -> Bools:
    """Runs of one action that neither the place nor the driver's own persistence makes likely."""
    log = coded.log
    same = log.actions[1:] == log.actions[:-1]
    run = np.cumsum(np.r_[0, ~same])
    habit = np.bincount(log.actions[1:], same, log.n_actions) / np.bincount(log.actions, minlength=log.n_actions).clip(
        1
    )
    likely = np.maximum(
        Elsewhere(ranked(coded.here), log.actions, log.n_actions).log_share(), np.log(habit[log.actions] + 1e-9)
    )
    odd = np.bincount(run, likely) < -_SURE - np.log(len(log))
    return np.asarray(odd[run])


def _stuck_actions(rows: Bools) -> list[Finding]:
    return found(
        "stuck_actions", rows,
        "one action in row after row, where the driver otherwise changes: a missing action may have been filled in",
    )  # fmt: skip


def _misplaced(coded: Coded, stuck: Bools) -> list[Finding]:
    """Actions that another row's move tells better than that of their own, everywhere or in some episodes.

    In a log whose rows fit, with a driver who acts by the observation, H(a | s, s') is least for the row's own action:
    that of the next row depends on s' alone, and has on average as much entropy as the row's own has without s'.
    """
    log, told = coded.log, (coded.there != UNSEEN) & ~stuck
    told[[0, -1]] = False
    if told.sum() < _FEW:
        return []
    moves = ranked(coded.moves[told])
    fit = {k: Elsewhere(moves, np.roll(log.actions, -k)[told], log.n_actions).log_share() for k in (0, 1, -1)}
    best = max((1, -1), key=lambda k: fit[k].mean())
    more = fit[best] - fit[0]
    if more.mean() > max(_NATS, _CLEAR * more.std() / np.sqrt(len(more))):
        return _all_shifted(coded, best)
    return _some_misplaced(coded, np.flatnonzero(told), moves)


def _all_shifted(coded: Coded, by: int) -> list[Finding]:
    where, _, mend = _BESIDE[by]
    return found(
        "shifted_actions", np.ones(len(coded.log), bool),
        f"each row's move is explained by the action of the row {where} it, not by its own: move the action column "
        f"{mend} by one row",
    )  # fmt: skip


def _some_misplaced(coded: Coded, told: Ints, moves: Ints) -> list[Finding]:
    """Episodes whose moves are explained by a shift, or by dice, far better than by the actions beside them."""
    log, n, actions = coded.log, coded.log.n_episodes, coded.log.actions[told]
    episode, elsewhere = log.episode[told], Elsewhere(moves, actions, log.n_actions)
    own, dice = elsewhere.log_share(), np.log(elsewhere.overall[actions])
    if own.mean() - dice.mean() < _NATS:
        return []

    def gained(logs: Floats, rows: Bools | None = None) -> Floats:
        return np.asarray(np.bincount(episode, (logs - own) * (1.0 if rows is None else rows), n), float)

    gains = {0: gained(dice)}
    for k in (1, -1):
        gains[k] = gained(elsewhere.log_share(log.actions[told + k]), log.episode[told + k] == episode)
    kinds = {0: np.zeros(n, bool), 1: np.zeros(n, bool), -1: np.zeros(n, bool)}
    best = np.maximum.reduce(list(gains.values())) - _A_ROW * np.bincount(episode, minlength=n)
    for begin, stop in _segments(best, _SURE + np.log(n)):
        sums = {k: gain[begin:stop].sum() for k, gain in gains.items()}
        kinds[max(sums, key=sums.__getitem__)][begin:stop] = True
    findings = []
    for k, (where, late, _) in _BESIDE.items():
        findings += found(
            "shifted_actions", rows_of(kinds[k], coded),
            f"in {kinds[k].sum():,} of {n:,} episodes each row's move is explained by the action of the row {where} "
            f"it, not by its own: their actions stand a row too {late}",
        )  # fmt: skip
    return findings + found(
        "foreign_actions", rows_of(kinds[0], coded),
        f"in {kinds[0].sum():,} of {n:,} episodes actions do what they do nowhere else: another coding of actions, "
        "swapped columns, or another world",
    )  # fmt: skip


def _segments(gains: Floats, sure: float) -> Iterator[tuple[int, int]]:
    """Begins and ends (exclusive) of stretches of episodes that gain more than `sure` together.

    A file's episodes stand together: a stretch goes on until it has lost `_DROP`, and stops where it had gained most
    (as Page 1954 and BLAST's extension do).
    """
    total = best = 0.0
    begin = stop = 0
    for i, gain in enumerate([*gains.tolist(), -np.inf]):
        if total <= 0:
            total, best, begin, stop = 0.0, 0.0, i, i
        total += gain
        if total > best:
            best, stop = total, i + 1
        if best - total > _DROP or total <= 0:
            if best > sure:
                yield begin, stop
            total = 0.0


def _idle(coded: Coded) -> list[Finding]:
    """Actions of which neither the move nor the reward tells anything, where enough would be seen if it did."""
    log = coded.log
    outcome = ranked(coded.moves * len(coded.prices) + coded.price)
    outcome = ranked(np.where(np.bincount(outcome)[outcome] >= 10, outcome + 1, 0))
    use = np.bincount(outcome)[outcome] >= 10
    use &= coded.there != UNSEEN
    if use.sum() < max(_MANY, len(log) // 2) or coded.n_places == 1:
        return []
    here, outcome, actions = ranked(coded.here[use]), ranked(outcome[use]), log.actions[use]

    def shares(keys: Ints) -> tuple[Floats, float]:
        pair = ranked(keys * log.n_actions + actions)
        share = np.bincount(pair)[pair] / np.bincount(keys)[keys]
        return np.log(share), float(pair.max() + 1 - (keys.max() + 1))

    (without, fewer), (known, more) = shares(here), shares(ranked(here * (int(outcome.max()) + 1) + outcome))
    n, freedom = len(actions), more - fewer
    told, error = (known - without).mean() - freedom / (2 * n), np.sqrt(2 * max(freedom, 1.0)) / (2 * n)
    entropy = -without.mean()
    return _nothing_told(coded, entropy > 0.1 and told + 5 * error < 0.02 * entropy)


def _nothing_told(coded: Coded, nothing: bool) -> list[Finding]:
    return found(
        "idle_actions", np.full(len(coded.log), nothing),
        "neither the next observation nor the reward depends on the action: the action column belongs to other rows, "
        "or something else drove",
    )  # fmt: skip


def _onehot(actions: Ints, n_actions: int) -> Array:
    return np.eye(n_actions)[actions]


def _misplaced_measured(coded: Coded) -> list[Finding]:
    """As `_misplaced`, of all rows, by regression: what recurs nowhere cannot be counted."""
    rows = some_rows(coded)
    if len(rows) < _FEW:
        return []
    known, n = features(coded, rows), coded.log.n_actions
    fit = {k: explained(known, _onehot(coded.log.actions[rows + k], n)) for k in (0, 1, -1)}
    best = max((1, -1), key=lambda k: fit[k])
    return _all_shifted(coded, best) if fit[best] > fit[0] + _VARIANCE else []


def _idle_measured(coded: Coded) -> list[Finding]:
    rows = some_rows(coded)
    if len(rows) < _MANY:
        return []
    seen = features(coded, rows, moved=False)
    known = np.hstack([features(coded, rows), coded.log.rewards[rows, None]])
    asked = _onehot(coded.log.actions[rows], coded.log.n_actions)
    return _nothing_told(coded, explained(known, asked) - explained(seen, asked) < 0.002)
