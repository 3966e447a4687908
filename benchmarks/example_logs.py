"""Writes the example logs of `book/data`, which `sg.read_table` reads: a cart, a ward and a desk, all of them invented.

python benchmarks/example_logs.py [folder]
"""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

import safegrid as sg

FOLDER = Path(__file__).parents[1] / "book" / "data"
WORST, FULL = 5, 3
"""The level, of illness or annoyance, at which it is over; the stock, of strength or knowledge, that there can be."""


def cart():
    """The map `crossroads` of our own grid world, and its careless driver."""
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    return sg.sample_episodes(env.mdp, env.behaviour_policy(0.22), 400, sg.portable_rng(1))


def ward():
    """Strong treatment helps at once and costs strength; without strength it harms."""
    moves = [
        lambda severity, strength: [(0.35, -1, 0), (0.25, 0, 1), (0.4, 1, 0)],
        lambda severity, strength: [(0.5, -1, 0), (0.3, 0, 0), (0.2, 1, -1)],
        lambda severity, strength: [(0.7, -2, -1), (0.3, 1, -1)] if strength else [(0.3, -1, 0), (0.7, 1, 0)],
    ]
    mdp = ladder(moves, FULL, 24, (-1.0, 20.0, -50.0))
    habit = usual(mdp, lambda severity, strength: 0 if severity < 2 else 1 if severity < 4 else 2, 0.3)
    return sg.sample_episodes(mdp, habit, 900, sg.portable_rng(2))


def desk():
    """An answer without knowledge annoys; so does a question too many."""
    moves = [
        lambda annoyance, knowledge: [(0.6, 0, 1), (0.15, 0, 0), (0.25, 1, 0)],
        lambda annoyance, knowledge: [(0.2 + 0.2 * knowledge, -WORST, 0), (0.8 - 0.2 * knowledge, 1, 0)],
        lambda annoyance, knowledge: [(0.5, -1, -FULL), (0.5, 1, -1)],
    ]
    mdp = ladder(moves, 0, 10, (-1.0, 10.0, -25.0))
    habit = usual(mdp, lambda annoyance, knowledge: 2 if annoyance > 3 else int(knowledge > 1), 0.3)
    return sg.sample_episodes(mdp, habit, 1_500, sg.portable_rng(3))


def ladder(moves, stock, horizon, rewards):
    """A world of two numbers, (level, stock): level 0 ends well, level 5 badly.

    Args:
        moves: for each action a function (level, stock) → [(probability, change of level, change of stock), …].
        stock: that an episode begins with, at level 2 or 3.
        horizon: steps after which it is cut.
        rewards: of a step, and more of the good end and of the bad one.
    """
    states = [(level, stock) for level in range(WORST + 1) for stock in range(FULL + 1)]
    transition = np.zeros((len(states), len(moves), len(states)))
    for s, a in np.ndindex(transition.shape[:2]):
        for probability, *change in moves[a](*states[s]):
            transition[s, a, states.index(tuple(np.clip(np.add(states[s], change), 0, (WORST, FULL))))] += probability
    level, stocks = np.array(states).T
    start = np.isin(level, (2, 3)) & (stocks == stock)
    entered = rewards[0] + rewards[1] * (level == 0) + rewards[2] * (level == WORST)
    return sg.TabularMDP.from_dense(
        transition, np.broadcast_to(entered, transition.shape), terminal=np.isin(level, (0, WORST)),
        start=start / start.sum(), hazard=level == WORST, goal=level == 0, observations=states, horizon=horizon,
    )  # fmt: skip


def usual(mdp, choose, epsilon):
    """A policy (S, A): what is done as a rule in each state, and now and then anything."""
    actions = [choose(*observation) for observation in mdp.observations]
    return (1 - epsilon) * np.eye(mdp.n_actions)[actions] + epsilon / mdp.n_actions


def minute(ticket, step):
    """A ticket every seven minutes, ten minutes a reply."""
    return f"{datetime(2031, 5, 26, 8) + timedelta(minutes=int(7 * ticket + 10 * step)):%Y-%m-%d %H:%M}"


LOGS = {
    "cart.csv": (
        cart, "trip second x y move points damage outcome", "down right up left", "under way,arrived,crashed",
        lambda trip, step: (trip + 1, step),
    ),
    "ward.csv": (
        ward, "patient hour severity strength treatment points harm outcome", "wait gentle strong",
        "in care,went home,died", lambda patient, step: (f"P{patient + 1:03}", step),
    ),
    "desk.csv": (
        desk, "ticket time annoyance knowledge reply points complaint outcome", "ask answer handover",
        "open,solved,walked out", lambda ticket, step: (ticket + 1, minute(ticket, step)),
    ),
}  # fmt: skip
"""For each file its log, its columns, the words of its actions, of going on and of both ends, and who acts when."""


def write(name, folder):
    make, names, actions, ends, who_and_when = LOGS[name]
    log = make()
    step = np.arange(len(log)) - np.searchsorted(log.episode, log.episode)
    outcome = np.array(ends.split(","))[log.terminals * (1 + (log.costs > 0))]
    numbers = (*log.observations.astype(int).T, np.array(actions.split())[log.actions], log.rewards.astype(int))
    with open(folder / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names.split())
        for episode, i, *row in zip(log.episode, step, *numbers, log.costs.astype(int), outcome, strict=True):
            writer.writerow([*who_and_when(episode, i), *row])


if __name__ == "__main__":
    for name in LOGS:
        write(name, Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
