"""Tables of Gymnasium's toy-text worlds, `P[state][action] = [(probability, next state, reward, terminated), …]`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from safegrid.array_types import Array, Bools, Floats, distinct
from safegrid.checks import is_finite
from safegrid.recording import is_plain


def read_world(
    env: Any, horizon: int | None, hazard: ArrayLike, goal: ArrayLike | None, observations: ArrayLike | None,
    start: ArrayLike | None,
) -> dict[str, Any]:  # fmt: skip
    """The arguments of `TabularMDP` for an environment; arguments and errors as `TabularMDP.from_gymnasium`'s."""
    if not isinstance(env, gymnasium.Env):
        raise ValueError(f"env is a {type(env).__name__}, expected an environment of Gymnasium's")
    world: Any = env.unwrapped
    if not is_plain(env, 0):
        raise ValueError(
            f"env is {env}, expected no wrapper but TimeLimit: the table knows nothing of what others change"
        )
    table = getattr(world, "P", None)
    if not isinstance(table, dict) or not table or set(table) != set(range(len(table))):
        raise ValueError(f"env is {world}, expected one with a dict P whose keys are the states 0, 1, …")
    first = np.asarray(getattr(world, "initial_state_distrib", None) if start is None else start, float)
    if first.shape != (len(table),):
        raise ValueError(f"start (by default initial_state_distrib) is {first}, expected {len(table)} probabilities")
    if not isinstance(world.action_space, gymnasium.spaces.Discrete):
        raise ValueError(f"env.action_space is {world.action_space}, expected Discrete(n)")
    n_actions = int(world.action_space.n)
    parts, number = _split_ends(_read_entries(table, n_actions), first, n_actions)
    terminal = parts["terminal"]
    harm = _find_ends("hazard", hazard, number, terminal)
    seen = np.arange(len(table))[:, None] if observations is None else np.asarray(observations)
    if len(seen) != len(table):
        raise ValueError(f"observations has {len(seen)} rows, expected {len(table)}, one a state")
    return parts | {
        "hazard": harm,
        "goal": terminal & ~harm if goal is None else _find_ends("goal", goal, number, terminal),
        "observations": seen[number],
        "horizon": _find_limit(env) if horizon is None else horizon,
    }


def _read_entries(table: dict[int, Any], n_actions: int) -> Floats:
    """State, action, probability, next state, reward and end of each entry that can happen, (N, 6)."""
    for state, actions in table.items():
        if not isinstance(actions, dict) or set(actions) != set(range(n_actions)):
            raise ValueError(f"P[{state}] has the actions {str(list(actions))[:60]}, expected 0…{n_actions - 1}")
        if odd := [a for a, entries in actions.items() if not isinstance(entries, (list, tuple, np.ndarray))]:
            raise ValueError(f"P[{state}][{odd[0]}] is {actions[odd[0]]!r}, expected a list of entries")
    rows = [(s, a, entry) for s in range(len(table)) for a in range(n_actions) for entry in table[s][a]]
    read = [isinstance(e, (list, tuple, np.ndarray)) and len(e) == 4 and all(map(is_finite, e)) for *_, e in rows]
    numbers = [(s, a, *e) if fit else [np.nan] * 6 for (s, a, e), fit in zip(rows, read, strict=True)]
    entries = np.array(numbers, float).reshape(-1, 6)
    p, z, r, over = entries[:, 2:].T
    fits = (p >= 0) & np.isin(z, np.arange(len(table))) & np.isfinite(r) & np.isin(over, (0, 1))
    if not fits.all():
        state, action, entry = rows[np.argmin(fits)]
        wanted = f"(probability, state in 0…{len(table) - 1}, finite reward, terminated)"
        raise ValueError(f"P[{state}][{action}] holds {entry}, expected {wanted}")
    return entries[p > 0]


def _split_ends(entries: Floats, start: Floats, n_actions: int) -> tuple[dict[str, Array], Array]:
    """The table's arrays, and which state of it each of their S states is, (S,).

    A state that ends some episodes while others go on there is two: itself, and after all states one that is terminal.
    """
    kinds, kind = distinct(entries[:, [0, 1, 3, 4, 5]])  # the same entry twice is one
    s, a, z = kinds[:, :3].T.astype(int)
    over, n = kinds[:, 4] > 0, len(start)
    live = start > 0
    while (onward := live[s] & ~over & ~live[z]).any():
        live[z[onward]] = True
    ends = np.isin(np.arange(n), z[over])
    both = np.flatnonzero(ends & live)
    pair = s * n_actions + a
    rank = np.arange(len(pair)) - np.searchsorted(pair, pair)
    columns = np.zeros((3, n + len(both), n_actions, 1 + rank.max(initial=0)))
    columns[0, s, a, rank] = np.where(over & live[z], n + np.searchsorted(both, z), z)
    columns[1, s, a, rank] = np.bincount(kind, entries[:, 2])
    columns[2, s, a, rank] = kinds[:, 3]
    parts = dict(zip(("successors", "probabilities", "rewards"), columns, strict=True)) | {
        "terminal": np.concatenate([ends & ~live, np.ones(len(both), bool)]),
        "start": np.concatenate([start, np.zeros(len(both))]),
    }
    return parts, np.concatenate([np.arange(n), both])


def _find_ends(name: str, states: ArrayLike, number: Array, terminal: Bools) -> Bools:
    """Which states are the ends that were named by their numbers in the table, (S,)."""
    wanted = np.asarray(states)
    if wanted.size and wanted.dtype.kind not in "iu":
        raise ValueError(f"{name} is {states!r}, expected numbers of states")
    if (odd := np.setdiff1d(wanted, number[terminal])).size:
        raise ValueError(f"{name} has state {odd[0]}, expected states in which an episode ends")
    return np.isin(number, wanted) & terminal


def _find_limit(env: Any) -> int | None:
    """The fewest steps after which a `TimeLimit` around a world cuts an episode."""
    limits, layer = list[int](), env
    while layer is not env.unwrapped:
        limits += [layer._max_episode_steps] if hasattr(layer, "_max_episode_steps") else []
        layer = layer.env
    return min(limits, default=None)
