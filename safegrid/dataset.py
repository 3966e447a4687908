"""The log: episodes in columns, checked once, and never changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from .array_types import Array, Bools, ByValue, Floats, Ints, ReadOnly, distinct, frozen
from .checks import refuse_rows, whole
from .files import read_npz, write_npz
from .mdp import TabularMDP

if TYPE_CHECKING:
    from .mdpdataset import ColumnarMDPDataset

Policy = Callable[[Any, np.random.Generator], int]

_FORMAT = "safegrid-episodes-1"


@dataclass(frozen=True, eq=False)
class Episodes(ReadOnly):
    """A fixed log of whole episodes, one row a step, episode after episode. It knows no grid.

    Every episode ends in its last row with either a terminal (the world ended it) or a time-out (the clock did), and
    each row's next observation is the following row's observation. Both are checked, and so is everything else below.

    Args:
        observations: (N, d) float32, finite.
        actions: (N,) int64 in 0…n_actions−1.
        rewards: (N,) float32, finite, in raw reward.
        next_observations: (N, d) float32, finite.
        terminals: (N,) bool, the world ended the episode here.
        timeouts: (N,) bool, the clock cut the episode here.
        costs: (N,) float32, harm done in the step (1.0 on a hazard).
        states: (N,) int64, index of the state in a `TabularMDP`, −1 where unknown.
        next_states: (N,) int64, the same after the step.
        episode: (N,) int64, counted from 0.
        n_actions: size of the action space.

    Raises:
        ValueError: names the argument, the row, the value and what was expected.
    """

    observations: Floats
    actions: Ints
    rewards: Floats
    next_observations: Floats
    terminals: Bools
    timeouts: Bools
    costs: Floats
    states: Ints
    next_states: Ints
    episode: Ints
    n_actions: int

    def __post_init__(self) -> None:
        n = len(np.atleast_1d(np.asarray(self.actions)))
        if n == 0:
            raise ValueError("actions is empty, expected at least one step: an empty log teaches nothing")
        for name, dtype in _COLUMNS.items():
            object.__setattr__(self, name, _column(name, getattr(self, name), dtype, n))
        if self.observations.shape != self.next_observations.shape:
            raise ValueError(
                f"next_observations has shape {self.next_observations.shape}, expected {self.observations.shape} "
                "as observations"
            )
        object.__setattr__(self, "n_actions", whole("n_actions", self.n_actions))
        self._check_rows()

    def _check_rows(self) -> None:
        def refuse(bad: Bools, name: str, expected: str) -> None:
            refuse_rows(bad, name, getattr(self, name), expected)

        for name in ("observations", "next_observations", "rewards", "costs"):
            refuse(~np.isfinite(getattr(self, name)), name, "finite numbers")
        refuse((self.actions < 0) | (self.actions >= self.n_actions), "actions", f"an action in 0…{self.n_actions - 1}")
        refuse(self.states < -1, "states", "a state or −1")
        refuse(self.next_states < -1, "next_states", "a state or −1")
        refuse(self.terminals & self.timeouts, "timeouts", "False where terminals is True: an episode ends in one way")

        ends, follows = self.terminals | self.timeouts, np.diff(self.episode)
        refuse(np.r_[self.episode[0] != 0, (follows != 0) & (follows != 1)], "episode", "0, 1, 2 … without a gap")
        last = np.r_[follows == 1, True]
        early = np.r_[False, (ends & ~last)[:-1]]
        refuse(early, "episode", "the next episode's number: the row before it is a terminal or a time-out")
        if (bad := last & ~ends).any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"row {row} ends episode {self.episode[row]} as neither terminal nor time-out, expected one"
            )
        broken = (self.next_observations[:-1] != self.observations[1:]) & ~last[:-1, None]
        refuse(broken, "next_observations", "the observation of the row after it: the log is shifted")

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def n_episodes(self) -> int:
        """Number of episodes, E."""
        return int(self.episode[-1]) + 1

    @cached_property
    def returns(self) -> Floats:
        """Undiscounted return of each episode, (E,)."""
        return np.asarray(np.bincount(self.episode, self.rewards), float)

    @cached_property
    def lengths(self) -> Ints:
        """Number of steps of each episode, (E,)."""
        return np.bincount(self.episode)

    @cached_property
    def harmful(self) -> Bools:
        """Episodes in which a cost occurred, (E,)."""
        return np.bincount(self.episode, self.costs) > 0

    @classmethod
    def from_arrays(
        cls, observations: ArrayLike, actions: ArrayLike, rewards: ArrayLike, terminals: ArrayLike,
        timeouts: ArrayLike | None = None, *, n_actions: int, next_observations: ArrayLike | None = None,
        costs: ArrayLike | None = None, states: ArrayLike | None = None, next_states: ArrayLike | None = None,
    ) -> Episodes:  # fmt: skip
        """Builds a log from a reader's own columns; the rest is worked out from the ends of the episodes.

        Without `next_observations` they are taken from the following row. A time-out's last step then has none, and is
        dropped, as d3rlpy does: its row before becomes the time-out. (An episode of that one step is dropped whole.)

        Args:
            observations, next_observations: (N, d), or (N,) for one number a step.
            actions, rewards, terminals: (N,), as `Episodes`'s, of any type that holds such numbers.
            timeouts, costs: (N,), all False and 0 by default.
            states, next_states: (N,), unknown (−1) by default.
            n_actions: size of the action space; said, not guessed from the actions that happen to occur.

        Raises:
            ValueError: as `Episodes`.
        """
        n = len(np.atleast_1d(np.asarray(actions)))
        following = observations if next_observations is None else next_observations
        before, after = (x[:, None] if x.ndim == 1 else x for x in map(np.asarray, (observations, following)))

        def known(column: ArrayLike | None, otherwise: int) -> ArrayLike:
            return np.full(n, otherwise) if column is None else column

        given: dict[str, ArrayLike] = {
            "observations": before, "actions": actions, "rewards": rewards, "next_observations": after,
            "terminals": terminals, "timeouts": known(timeouts, 0), "costs": known(costs, 0),
            "states": known(states, -1), "next_states": known(next_states, -1),
        }  # fmt: skip
        columns = {name: _column(name, value, _COLUMNS[name], n) for name, value in given.items()}
        if next_observations is None and n:
            if (cut := columns["timeouts"]).all():
                raise ValueError("every step is a time-out's last and has no next observation: pass next_observations")
            columns["next_observations"] = np.roll(columns["observations"], -1, axis=0)
            columns["next_observations"][columns["terminals"]] = 0.0
            columns["timeouts"] = np.r_[cut[1:] & ~(cut | columns["terminals"])[:-1], False]
            columns = {name: frozen(np.compress(~cut, column, 0)) for name, column in columns.items()}
        ends = columns["terminals"] | columns["timeouts"]
        columns["episode"] = frozen(np.cumsum(ends) - ends)
        return cls(**columns, n_actions=n_actions)

    @classmethod
    def from_gymnasium(cls, env: gymnasium.Env[Any, Any], policy: Policy, n_episodes: int, seed: int) -> Episodes:
        """Records a policy in any Gymnasium environment with discrete actions.

        Args:
            env: observations are vectors or numbers; `info["cost"]` is kept if there, and so is `info["state"]`.
            policy: called as policy(observation, rng), returns an action.
            n_episodes: at least 1.
            seed: of both the environment and the generator handed to the policy.
        """
        if not isinstance(env.action_space, gymnasium.spaces.Discrete) or env.action_space.start != 0:
            raise ValueError(f"env.action_space is {env.action_space}, expected Discrete(n) counted from 0")
        rng = np.random.default_rng(seed)
        rows: list[tuple[Any, ...]] = []
        for i in range(whole("n_episodes", n_episodes)):
            observation, info = env.reset(seed=seed if i == 0 else None)
            over = False
            while not over:
                action = int(policy(observation, rng))
                before, state = np.array(observation).ravel(), info.get("state", -1)
                observation, reward, terminated, truncated, info = env.step(action)
                over = terminated or truncated
                ending = (terminated, truncated and not terminated)
                cost, arrived = info.get("cost", 0.0), info.get("state", -1)
                rows.append((before, action, reward, *ending, np.array(observation).ravel(), cost, state, arrived))
        names = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations", "costs")
        columns = dict(zip((*names, "states", "next_states"), map(np.array, zip(*rows, strict=True)), strict=True))
        return cls.from_arrays(**columns, n_actions=int(env.action_space.n))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the log as compressed .npz without pickle; all or nothing."""
        header = json.dumps({"format": _FORMAT, "n_actions": self.n_actions})
        return write_npz(path, header, {name: getattr(self, name) for name in _COLUMNS})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Episodes:
        """Reads what `save` wrote, checking every row again; never unpickles.

        Raises:
            ValueError: the file is no such log, is cut short, or holds pickled data.
        """
        header, columns = read_npz(path, _FORMAT)
        if missing := [name for name in _COLUMNS if name not in columns]:
            raise ValueError(f"{path}: column {missing[0]!r} is missing")
        number: Any = header.get("n_actions")
        return cls(**{name: columns[name] for name in _COLUMNS}, n_actions=number)

    @classmethod
    def concatenate(cls, logs: Sequence[Episodes]) -> Episodes:
        """One log after another, as when several drivers wrote it (D4RL's mixtures, Fu et al. 2020).

        Raises:
            ValueError: there are no logs, or their actions or observations differ in number.
        """
        if not logs:
            raise ValueError("logs is empty, expected at least one")
        first = logs[0]
        for i, log in enumerate(logs):
            got, wanted = (log.n_actions, log.observations.shape[1]), (first.n_actions, first.observations.shape[1])
            if got != wanted:
                raise ValueError(
                    f"logs[{i}] has {got[0]} actions and observations of {got[1]} numbers, "
                    f"expected {wanted[0]} and {wanted[1]} as logs[0]"
                )
        columns: dict[str, Any] = {name: np.concatenate([getattr(log, name) for log in logs]) for name in _COLUMNS}
        before = np.cumsum([0] + [log.n_episodes for log in logs[:-1]])
        columns["episode"] += np.repeat(before, [len(log) for log in logs])
        return cls(**{name: frozen(column) for name, column in columns.items()}, n_actions=first.n_actions)


_KINDS: dict[Any, Any] = {"Floats": np.float32, "Ints": np.int64, "Bools": np.bool_}
_COLUMNS = {f.name: _KINDS[f.type] for f in fields(Episodes) if f.type in _KINDS}


def _column(name: str, value: ArrayLike, dtype: Any, n: int) -> Array:
    """A read-only array in the column's type; whole numbers and truth values may not be rounded into it.

    It is a copy, unless `value` is `frozen` and owns its numbers: then nobody can change them, as in another log.
    """
    array = np.asarray(value)
    rank = 2 if name.endswith("observations") else 1
    if array.ndim != rank:
        raise ValueError(f"{name} has shape {array.shape}, expected {'(N, d)' if rank == 2 else '(N,)'}")
    if len(array) != n:
        raise ValueError(f"{name} has {len(array)} rows, expected {n} as actions")
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise ValueError(f"{name} has type {array.dtype}, expected numbers")
    if array.dtype == dtype and array.base is None and not array.flags.writeable:
        return array
    with np.errstate(invalid="ignore"):
        column = array.astype(dtype)
    if dtype is not np.float32 and array.dtype != dtype:
        refuse_rows(array != column, name, array, f"a {'truth value' if dtype is np.bool_ else 'whole number'}")
    return frozen(column)


def generate_offline_episodes(
    env: gymnasium.Env[Any, Any], n_episodes: int = 500, epsilon: float = 0.22, seed: int | np.random.Generator = 42
) -> Episodes:
    """The book's log: `n_episodes` drives of the env's behaviour policy, sampled in lock-step from its table.

    Args:
        env: a `SafetyCriticalGridWorld`, wrapped or not.
        n_episodes: at least 1.
        epsilon: probability of a random action, in [0, 1].
        seed: seed or generator, such as `portable_rng`'s; the same seed gives the same log.
    """
    world: Any = env.unwrapped
    return sample_episodes(world.mdp, world.behaviour_policy(epsilon), n_episodes, seed)


def sample_episodes(mdp: TabularMDP, policy: ArrayLike, n_episodes: int, seed: int | np.random.Generator) -> Episodes:
    """A log of any policy (S, A) in any `TabularMDP` that has a horizon, sampled in lock-step."""
    r = mdp.rollouts(policy, whole("n_episodes", n_episodes), seed)
    columns: dict[str, Any] = {name: frozen(getattr(r, name)) for name in _COLUMNS if not name.endswith("observations")}
    before, after = (frozen(np.take(mdp.observations, states, 0)) for states in (r.states, r.next_states))
    return Episodes(observations=before, next_observations=after, **columns, n_actions=mdp.n_actions)


@dataclass(frozen=True, eq=False)
class Coverage(ByValue):
    """How often the log took each action in each state.

    Attributes:
        observations: (S, d), one row a state.
        counts: (S, A), steps in the log.
    """

    observations: Floats
    counts: Ints

    @property
    def visited(self) -> Bools:
        """States in which the log acted at least once, (S,)."""
        return self.counts.sum(1) > 0

    @property
    def unseen(self) -> Bools:
        """Actions never taken in a state that was visited, (S, A); the log cannot teach them."""
        return self.visited[:, None] & (self.counts == 0)


def coverage(episodes: Episodes, mdp: TabularMDP | None = None) -> Coverage:
    """Counts the log's (state, action) pairs.

    With `mdp`, rows are its states, and the log must know its states; without, the log's distinct observations.
    """
    if mdp is None:
        observations, states = distinct(episodes.observations)
    else:
        if episodes.n_actions != mdp.n_actions:
            raise ValueError(f"n_actions is {episodes.n_actions}, expected {mdp.n_actions} as the mdp's")
        observations, states = mdp.observations, episodes.states
        outside = (states < 0) | (states >= mdp.n_states)
        refuse_rows(outside, "states", states, f"a state of the mdp, 0…{mdp.n_states - 1}")
    shape = len(observations), episodes.n_actions
    counts = np.bincount(states * shape[1] + episodes.actions, minlength=shape[0] * shape[1]).reshape(shape)
    if mdp is not None and (bad := (counts > 0) & ~mdp.action_mask).any():
        row = int(np.argmax(bad[states, episodes.actions]))
        raise ValueError(f"actions in row {row} is {episodes.actions[row]}, which state {states[row]} does not have")
    return Coverage(observations, counts)


def build_mdpdataset(episodes: Episodes, seed: int = 0) -> ColumnarMDPDataset:
    """The log as d3rlpy's `MDPDataset`, with terminals and time-outs apart and mini-batches drawn by column.

    d3rlpy draws a batch with one Python call a transition, and loses the last step of an episode cut by a time-out,
    whose next observation it does not know. Here a batch is a few array look-ups, uniform with replacement as d3rlpy's,
    and every step of the log may be drawn. d3rlpy's own episode objects are made when they are first asked for.

    Args:
        episodes: the log.
        seed: of the batches; `safegrid.fit` sets its own.
    """
    from .mdpdataset import ColumnarMDPDataset  # here, so that a log needs no d3rlpy

    names = ("observations", "actions", "rewards", "next_observations", "terminals", "timeouts", "n_actions")
    return ColumnarMDPDataset(**{name: getattr(episodes, name) for name in names}, seed=seed)
