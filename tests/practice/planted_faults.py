"""Faults that files really have, planted in a log: each gives the log that is spoiled, and the rows that are wrong."""

import numpy as np
from example_logs import columns

from safegrid.dataset import Episodes


def rebuilt(log, n_actions=None, **changed):
    """The log with other columns; states are forgotten, as a file would not have them."""
    unknown = {"states": None, "next_states": None}
    return Episodes.from_arrays(**columns(log, **unknown) | changed, n_actions=n_actions or log.n_actions)


def ends(log):
    return np.flatnonzero(log.terminals | log.timeouts)


def firsts(log):
    return np.r_[0, ends(log)[:-1] + 1]


def inner(log, margin=1):
    """Rows with as many rows of their episode on both sides."""
    time = np.arange(len(log)) - np.repeat(firsts(log), log.lengths)
    return np.flatnonzero((time >= margin) & (time < log.lengths[log.episode] - margin))


def some(rng, rows, n, apart=3):
    """A few of the rows, none beside another."""
    chosen = np.sort(rng.choice(rows, min(len(rows), 3 * n), replace=False))
    return np.sort(rng.permutation(chosen[np.r_[True, np.diff(chosen) > apart]])[:n])


def seen_as(log, rows, observations):
    """The log with other observations in some rows, none of them the first of its episode."""
    before, after = log.observations.copy(), log.next_observations.copy()
    before[rows] = observations
    after[rows - 1] = observations
    return rebuilt(log, observations=before, next_observations=after)


def rows_of(log, episodes):
    return np.flatnonzero(np.isin(log.episode, episodes))


def block(log, rng, share=0.04):
    """Some episodes in a row, as of one file among others."""
    n = max(2, int(share * log.n_episodes))
    return np.arange(n) + rng.integers(0, log.n_episodes - n)


def timeouts_as_terminals(log, rng):
    return rebuilt(log, terminals=log.terminals | log.timeouts, timeouts=None), np.flatnonzero(log.timeouts)


def ends_moved(log, by):
    """As a reader makes it of a file without next observations, whose column of ends stands some rows too late."""
    flags = {"terminals": np.roll(log.terminals, by), "timeouts": np.roll(log.timeouts, by)}
    flags["timeouts"][-1] = not flags["terminals"][-1]
    given = {name: getattr(log, name) for name in ("observations", "actions", "rewards", "costs")}
    spoiled = Episodes.from_arrays(**given, **flags, n_actions=log.n_actions)
    return spoiled, np.arange(len(spoiled))


def ends_late(log, rng):
    return ends_moved(log, 1)


def ends_early(log, rng):
    return ends_moved(log, -1)


def terminals_in_the_middle(log, rng):
    rows = some(rng, inner(log), 20)
    terminals = log.terminals.copy()
    terminals[rows] = True
    return rebuilt(log, terminals=terminals), rows


def terminals_lost(log, rng):
    rows = some(rng, np.flatnonzero(log.terminals)[:-1], 10)
    terminals, following = log.terminals.copy(), log.next_observations.copy()
    terminals[rows] = False
    following[rows] = log.observations[rows + 1]
    return rebuilt(log, terminals=terminals, next_observations=following), rows


def episodes_twice(log, rng):
    again = rows_of(log, block(log, rng))
    given = {name: np.concatenate([column, column[again]]) for name, column in columns(log).items()}
    return rebuilt(log, **given | {"states": None, "next_states": None}), len(log) + np.arange(len(again))


def actions_filled_in(log, rng):
    begin = int(rng.integers(0, len(log) - 400))
    actions = log.actions.copy()
    actions[begin : begin + 300] = 0
    while begin and actions[begin - 1] == 0:
        begin -= 1
    return rebuilt(log, actions=actions), begin + np.arange(np.argmax(np.r_[actions[begin:] != 0, True]))


def actions_late(log, rng):
    return rebuilt(log, actions=np.roll(log.actions, 1)), np.arange(len(log))


def actions_early(log, rng):
    return rebuilt(log, actions=np.roll(log.actions, -1)), np.arange(len(log))


def other_coding(log, rng):
    """A file in which the first two actions have each other's number."""
    rows = rows_of(log, block(log, rng))
    actions = log.actions.copy()
    actions[rows] = np.r_[1, 0, np.arange(2, log.n_actions)][actions[rows]]
    return rebuilt(log, actions=actions), rows


def columns_swapped(log, rng):
    """A file in which the two numbers of each observation stand in the other order."""
    rows = rows_of(log, block(log, rng))
    before, after = log.observations.copy(), log.next_observations.copy()
    before[rows], after[rows] = before[rows, ::-1], after[rows, ::-1]
    return rebuilt(log, observations=before, next_observations=after), rows


def actions_of_other_rows(log, rng):
    return rebuilt(log, actions=rng.permutation(log.actions)), np.arange(len(log))


def rewards_a_thousandfold(log, rng):
    rows, rewards = some(rng, np.arange(len(log)), 20), log.rewards.copy()
    rewards[rows] *= 1_000
    return rebuilt(log, rewards=rewards), rows


def penalties_lost(log, rng):
    rows, rewards = some(rng, np.flatnonzero(log.costs > 0), 10), log.rewards.copy()
    rewards[rows] = -1.0
    return rebuilt(log, rewards=rewards), rows


def costs_lost_and_invented(log, rng):
    rows = some(rng, np.r_[np.flatnonzero(log.costs > 0)[::9], np.flatnonzero(log.costs == 0)[::999]], 10)
    costs = log.costs.copy()
    costs[rows] = 1 - costs[rows]
    return rebuilt(log, costs=costs), rows


def rewards_late(log, rng):
    return rebuilt(log, rewards=np.roll(log.rewards, 1)), np.arange(len(log))


def rewards_early(log, rng):
    return rebuilt(log, rewards=np.roll(log.rewards, -1)), np.arange(len(log))


def glitches(log, rng):
    """Observations from far away; the steps there and back are too long."""
    rows = some(rng, inner(log, 2), 20)
    wide = np.ptp(log.observations, 0)
    low = log.observations.min(0)
    away = low + np.mod(log.observations[rows] - low + np.rint(wide / 2), np.rint(wide) + 1)
    return seen_as(log, rows, away), np.sort(np.r_[rows - 1, rows])


def rows_missing(log, rng):
    """Rows left out where two steps in the same direction make one of twice the length."""
    step = log.next_observations - log.observations
    fits = np.r_[False, (step[1:] == step[:-1]).all(1) & step[1:].any(1)]
    rows = some(rng, np.intersect1d(np.flatnonzero(fits), inner(log)), 20)
    following = log.next_observations.copy()
    following[rows - 1] = following[rows]
    kept = np.setdiff1d(np.arange(len(log)), rows)
    given = columns(log, next_observations=following, states=None, next_states=None)
    given = {name: column if column is None else column[kept] for name, column in given.items()}
    return Episodes.from_arrays(**given, n_actions=log.n_actions), rows - 1 - np.arange(len(rows))


def sensor_stands_still(log, rng):
    n = min(30, log.lengths.max() - 3)
    begin = firsts(log)[rng.choice(np.flatnonzero(log.lengths >= n + 3))] + 2
    before, after = log.observations.copy(), log.next_observations.copy()
    before[begin : begin + n] = before[begin]
    after[begin : begin + n - 1] = before[begin]
    stop = begin + n - 1
    while stop < ends(log)[log.episode[begin]] and (after[stop] == before[stop]).all():
        stop += 1
    while (after[begin - 1] == before[begin - 1]).all() and log.episode[begin - 1] == log.episode[begin]:
        begin -= 1
    return rebuilt(log, observations=before, next_observations=after), np.arange(begin, stop)


def with_column(log, before, after):
    return rebuilt(
        log, observations=np.c_[log.observations, before], next_observations=np.c_[log.next_observations, after]
    )


def a_column_of_nothing(log, rng):
    return with_column(log, np.full(len(log), 7.0), np.full(len(log), 7.0)), np.arange(len(log))


def a_column_twice(log, rng):
    spoiled = with_column(log, 3 - 2 * log.observations[:, 0], 3 - 2 * log.next_observations[:, 0])
    return spoiled, np.arange(len(log))


def row_numbers(log, rng):
    return with_column(log, np.arange(len(log)), np.arange(len(log)) + 1), np.arange(len(log))


def code_for_missing(log, rng):
    rows = some(rng, inner(log), 50)
    seen = log.observations[rows].copy()
    seen[:, 0] = -999
    return seen_as(log, rows, seen), rows


def hair_beside(log, rng):
    rows = some(rng, inner(log), 50)
    return seen_as(log, rows, log.observations[rows] + 1e-4), rows


def values_clipped(log, rng):
    low, high = np.quantile(log.observations[:, 0], (0.02, 0.98)).astype(np.float32)
    before, after = log.observations.copy(), log.next_observations.copy()
    np.clip(before[:, 0], low, high, out=before[:, 0])
    np.clip(after[:, 0], low, high, out=after[:, 0])
    spoiled = rebuilt(log, observations=before, next_observations=after)
    return spoiled, np.flatnonzero(np.isin(before[:, 0], (low, high)))


def one_action(log, rng):
    return rebuilt(log, actions=np.ones(len(log), int)), np.arange(len(log))


def glitches_far_away(log, rng):
    rows = some(rng, inner(log, 2), 20)
    return seen_as(log, rows, 5 * log.observations.max(0)), np.sort(np.r_[rows - 1, rows])


PLANTED = {
    timeouts_as_terminals: "clock_ends",
    ends_late: "shifted_ends",
    ends_early: "shifted_ends",
    terminals_in_the_middle: "false_ends",
    terminals_lost: "missed_ends",
    episodes_twice: "copied_episodes",
    actions_filled_in: "stuck_actions",
    actions_late: "shifted_actions",
    actions_early: "shifted_actions",
    other_coding: "foreign_actions",
    actions_of_other_rows: "idle_actions",
    rewards_a_thousandfold: "contradicting_rewards",
    penalties_lost: "costs_disagree",
    costs_lost_and_invented: "costs_disagree",
    rewards_late: "shifted_rewards",
    rewards_early: "shifted_rewards",
    glitches: "jumps",
    rows_missing: "jumps",
    sensor_stands_still: "frozen_observations",
    a_column_of_nothing: "constant_columns",
    a_column_twice: "copied_columns",
    row_numbers: "counter_columns",
    code_for_missing: "missing_codes",
    hair_beside: "unrounded_values",
}
"""In a world whose observations recur."""
PLANTED_IN_NUMBERS = {
    timeouts_as_terminals: "clock_ends",
    episodes_twice: "copied_episodes",
    one_action: "constant_actions",
    actions_filled_in: "stuck_actions",
    actions_late: "shifted_actions",
    actions_early: "shifted_actions",
    actions_of_other_rows: "idle_actions",
    rewards_a_thousandfold: "far_rewards",
    glitches_far_away: "jumps",
    sensor_stands_still: "frozen_observations",
    a_column_of_nothing: "constant_columns",
    a_column_twice: "copied_columns",
    row_numbers: "counter_columns",
    code_for_missing: "missing_codes",
    values_clipped: "clipped_values",
}
"""Where observations are measured, and hardly ever come again."""
