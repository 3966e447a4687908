"""Logs of one world: that they fit each other and it, and the distinct observations that they visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from .array_types import Array, Bools, Ints, distinct, frozen
from .dataset import Episodes, knows_next_observations
from .mdp import TabularMDP


def checked_logs(logs: Episodes | Sequence[Episodes], mdp: TabularMDP | None, scored: bool = False) -> list[Episodes]:
    """Logs that fit each other, and the mdp where one is given; with `scored` that has a horizon."""
    if mdp is not None and not isinstance(mdp, TabularMDP):
        raise ValueError(f"mdp is a {type(mdp).__name__}, expected a TabularMDP, such as env.mdp")
    if scored and mdp is not None and mdp.horizon is None:
        raise ValueError("mdp has no horizon, expected one: exact scores are taken over it")
    if not isinstance(logs, (Episodes, list, tuple)):
        raise ValueError(f"logs is a {type(logs).__name__}, expected Episodes, or a list of them")
    logs = [logs] if isinstance(logs, Episodes) else list(logs)
    if not logs:
        raise ValueError("logs is empty, expected at least one log")
    for i, log in enumerate(logs):
        if not isinstance(log, Episodes):
            raise ValueError(f"logs[{i}] is a {type(log).__name__}, expected Episodes")
        like, name = (logs[0], "logs[0]") if mdp is None else (mdp, "the mdp")
        if log.n_actions != like.n_actions:
            raise ValueError(f"logs[{i}] has n_actions {log.n_actions}, expected {like.n_actions} as {name}")
        length, expected = log.observations.shape[1], like.observations.shape[1]
        if length != expected:
            raise ValueError(f"logs[{i}] has observations of length {length}, expected {expected} as {name}")
    return logs


def visited(logs: Sequence[Episodes], mdp: TabularMDP | None) -> tuple[Array, list[Array]]:
    """The distinct observations, (R, d), and for each log the row before and after each step, (2, N).

    After a terminal there is none: the row before stands there again, and its discount is 0.

    Raises:
        ValueError: a step cannot happen in the mdp, or, without one, logs contradict each other.
    """
    everything, codes = distinct(np.concatenate([o for log in logs for o in (log.observations, log.next_observations)]))
    pairs = [c.reshape(2, -1) for c in np.split(codes, np.cumsum([2 * len(log) for log in logs])[:-1])]
    told = [knows_next_observations(log) for log in logs]
    if mdp is None:
        _check_one_world(logs, pairs, told)
    else:
        _check_world(logs, pairs, told, everything, mdp)
    pairs = [np.stack([b, np.where(log.terminals, b, a)]) for log, (b, a) in zip(logs, pairs, strict=True)]
    used = np.unique(np.concatenate([p.ravel() for p in pairs]))
    return everything[used], [np.searchsorted(used, p) for p in pairs]


def _check_one_world(logs: Sequence[Episodes], pairs: Sequence[Array], told: Sequence[Array]) -> None:
    """Where no log acts in an observation that ends its episodes, no other log may do so either."""
    ends = [np.unique(p[1, log.terminals & known]) for log, p, known in zip(logs, pairs, told, strict=True)]
    if any(np.isin(end, before).any() for end, (before, _) in zip(ends, pairs, strict=True)):
        return
    for i, j in product(range(len(logs)), repeat=2):
        if (acted := np.isin(pairs[j][0], ends[i])).any():
            row = int(np.argmax(acted))
            where = logs[j].observations[row].tolist()
            raise ValueError(
                f"logs[{i}] ends episodes in {where}, where logs[{j}] goes on in row {row}; expected logs of one world"
            )


def impossible_rows(log: Episodes, mdp: TabularMDP) -> Bools:
    """Rows that cannot happen in the world, (N,): its place, its action, its reward, where it leads, whether it ends.

    Raises:
        ValueError: the log's actions or observations are not of the world's number and length.
    """
    checked_logs(log, mdp)
    everything, codes = distinct(np.concatenate([log.observations, log.next_observations]))
    before, after = _states_of(everything, mdp)[codes.reshape(2, -1)]
    return _impossible(log, before, after, knows_next_observations(log), mdp)


def _check_world(
    logs: Sequence[Episodes], pairs: Sequence[Array], told: Sequence[Array], everything: Array, mdp: TabularMDP
) -> None:
    """Every step must be possible in the world; else the exact scores would be about another one."""
    state_of = _states_of(everything, mdp)
    for i, (log, pair, known) in enumerate(zip(logs, pairs, told, strict=True)):
        before, after = state_of[pair]
        bad = _impossible(log, before, after, known, mdp)
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"logs[{i}] in row {row} goes from {log.observations[row].tolist()} by action {log.actions[row]} to "
                f"{log.next_observations[row].tolist()} with reward {log.rewards[row]:g}, "
                f"{'which ends' if log.terminals[row] else 'not ending'} the episode; in this mdp that cannot happen"
            )


def _states_of(everything: Array, mdp: TabularMDP) -> Ints:
    """The state that is observed as each of some observations, −1 where none is, (R,)."""
    states = {row.tobytes(): s for s, row in enumerate(mdp.observations + np.float32(0.0))}
    return np.array([states.get(row.tobytes(), -1) for row in everything + np.float32(0.0)])


def _impossible(log: Episodes, before: Ints, after: Ints, known: Bools, mdp: TabularMDP) -> Bools:
    """Rows that cannot happen in the world, (N,), by the states before and after, −1 where there is none."""
    alike = len(distinct(mdp.observations)[0]) < mdp.n_states  # then observations do not say which transition it was
    hits = (mdp.probabilities[before, log.actions] > 0) & mdp.possible[before, log.actions, None]
    hits &= np.isclose(mdp.rewards[before, log.actions], log.rewards[:, None], rtol=1e-4)
    following = mdp.successors[before, log.actions]
    hits &= np.where(known[:, None], following == after[:, None], True)
    hits &= mdp.terminal[following] == log.terminals[:, None]
    return np.asarray((before < 0) | (known & (after < 0)) | (~hits.any(1) & (not alike)))


def existing(rows: Array, mdp: TabularMDP | None) -> tuple[Array | None, Array | None]:
    """Actions that exist in each distinct observation of the logs, (A, R), and in each state, (A, S); None if all."""
    if mdp is None or mdp.action_mask.all():
        return None, None
    everything, codes = distinct(np.concatenate([mdp.observations, rows]))
    there = np.zeros((len(everything), mdp.n_actions), bool)
    np.logical_or.at(there, codes[: mdp.n_states], mdp.action_mask)
    return there[codes[mdp.n_states :]].T, mdp.action_mask.T


def number_states(log: Episodes) -> tuple[Episodes, Array]:
    """A log of a world without a table, with a state for each distinct observation, and these observations, (R, d).

    States 0…R−1 are the observations that the log acted in, as `coverage` sorts them, and then those it was cut in by
    the clock and never acted in. An episode that the world ends comes to state R or, if its last step cost something,
    to R + 1: what is observed there, many files do not say. So a table of a policy has R + 2 rows.

    Args:
        log: the log; states that it knows are forgotten.
    """
    acted, states = distinct(log.observations)
    seen, code = distinct(np.concatenate([acted, log.next_observations[log.timeouts]]))
    place = np.full(len(seen), -1)
    place[code[: len(acted)]] = np.arange(len(acted))
    new = place < 0
    place[new] = len(acted) + np.arange(new.sum())
    observations = np.concatenate([acted, seen[new]])
    following = np.append(states[1:], 0)
    following[log.timeouts] = place[code[len(acted) :]]
    following[log.terminals] = len(observations) + (log.costs[log.terminals] > 0)
    return replace(log, states=frozen(states), next_states=frozen(following)), frozen(observations)
