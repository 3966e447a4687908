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

from .arrays import Array, Bools, Floats, Ints, distinct
from .checks import whole
from .files import read_npz, write_npz
from .mdp import TabularMDP

if TYPE_CHECKING:
    from .mdpdataset import ColumnarMDPDataset

Policy = Callable[[Any, np.random.Generator], int]

_FORMAT = "safegrid-episodes-1"


@dataclass(frozen=True)
class Episodes:
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
            column = _column(name, getattr(self, name), dtype, n)
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        if self.observations.shape != self.next_observations.shape:
            raise ValueError(
                f"next_observations has shape {self.next_observations.shape}, expected {self.observations.shape} "
                "as observations"
            )
        object.__setattr__(self, "n_actions", whole("n_actions", self.n_actions))
        self._check_rows()

    def _check_rows(self) -> None:
        def refuse(bad: Bools, name: str, expected: str) -> None:
            if bad.any():
                row = int(np.argmax(bad))
                raise ValueError(f"{name} in row {row} is {getattr(self, name)[row]}, expected {expected}")

        for name in ("observations", "next_observations", "rewards", "costs"):
            column = getattr(self, name)
            refuse(~np.isfinite(column).reshape(len(column), -1).all(1), name, "finite numbers")
        refuse((self.actions < 0) | (self.actions >= self.n_actions), "actions", f"an action in 0…{self.n_actions - 1}")
        refuse(self.states < -1, "states", "a state or −1")
        refuse(self.next_states < -1, "next_states", "a state or −1")
        refuse(self.terminals & self.timeouts, "timeouts", "False where terminals is True: an episode ends in one way")

        ends = self.terminals | self.timeouts
        follows = np.diff(self.episode)
        refuse(np.r_[self.episode[0] != 0, (follows != 0) & (follows != 1)], "episode", "0, 1, 2 … without a gap")
        last = np.r_[follows == 1, True]
        early = np.r_[False, (ends & ~last)[:-1]]
        refuse(early, "episode", "the next episode's number: the row before it is a terminal or a time-out")
        if (bad := last & ~ends).any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"row {row} ends episode {self.episode[row]} as neither terminal nor time-out, expected one"
            )
        broken = ~last[:-1] & (self.next_observations[:-1] != self.observations[1:]).any(1)
        refuse(np.r_[broken, False], "next_observations", "the observation of the row after it: the log is shifted")

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
        cls,
        observations: ArrayLike,
        actions: ArrayLike,
        rewards: ArrayLike,
        terminals: ArrayLike,
        timeouts: ArrayLike | None = None,
        *,
        n_actions: int,
        next_observations: ArrayLike | None = None,
        costs: ArrayLike | None = None,
        states: ArrayLike | None = None,
        next_states: ArrayLike | None = None,
    ) -> Episodes:
        """Builds a log from a reader's own columns; the rest is worked out from the ends of the episodes.

        Without `next_observations` they are taken from the following row. A time-out's last step then has none, and is
        dropped, as d3rlpy does: its row before becomes the time-out. (An episode of that one step is dropped whole.)

        Args:
            observations: (N, d), or (N,) for one number a step.
            actions: (N,), whole numbers.
            rewards: (N,), raw reward.
            terminals: (N,), truth values.
            timeouts: (N,), all False by default.
            n_actions: size of the action space; said, not guessed from the actions that happen to occur.
            next_observations: (N, d), the observation after each step.
            costs: (N,), harm; 0 by default.
            states: (N,), index in a `TabularMDP`; unknown (−1) by default.
            next_states: (N,), the same after the step.

        Raises:
            ValueError: as `Episodes`.
        """
        n = len(np.atleast_1d(np.asarray(actions)))
        obs = np.asarray(observations)
        obs = obs[:, None] if obs.ndim == 1 else obs
        following = None if next_observations is None else np.asarray(next_observations)
        following = following[:, None] if following is not None and following.ndim == 1 else following
        unknown = np.full(n, -1)
        raw: dict[str, Any] = {
            "observations": obs,
            "actions": actions,
            "rewards": rewards,
            "next_observations": np.zeros_like(obs) if following is None else following,
            "terminals": terminals,
            "timeouts": np.zeros(n, bool) if timeouts is None else timeouts,
            "costs": np.zeros(n) if costs is None else costs,
            "states": unknown if states is None else states,
            "next_states": unknown if next_states is None else next_states,
        }
        columns = {name: _column(name, value, _COLUMNS[name], n) for name, value in raw.items()}
        ends = columns["terminals"] | columns["timeouts"]
        columns["episode"] = np.r_[0, np.cumsum(ends)[:-1]].astype(np.int64) if n else np.zeros(0, np.int64)
        if following is None and n:
            if columns["timeouts"].all():
                raise ValueError("every step is a time-out's last and has no next observation: pass next_observations")
            columns = _shift_observations(columns, ends)
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
        columns = {name: getattr(self, name) for name in _COLUMNS}
        header = json.dumps({"format": _FORMAT, "n_actions": self.n_actions})
        return write_npz(path, header, columns)

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
        columns = {name: np.concatenate([getattr(log, name) for log in logs]) for name in _COLUMNS}
        before = np.cumsum([0] + [log.n_episodes for log in logs[:-1]])
        columns["episode"] += np.repeat(before, [len(log) for log in logs])
        return cls(**columns, n_actions=first.n_actions)


_COLUMNS: dict[str, Any] = {
    f.name: {"observations": np.float32, "next_observations": np.float32, "rewards": np.float32, "costs": np.float32,
             "terminals": np.bool_, "timeouts": np.bool_}.get(f.name, np.int64)
    for f in fields(Episodes)
    if f.name != "n_actions"
}  # fmt: skip


def _column(name: str, value: ArrayLike, dtype: Any, n: int) -> Array:
    """A private copy in the column's type; whole numbers and truth values may not be rounded into it."""
    array = np.asarray(value)
    rank = 2 if name.endswith("observations") else 1
    if array.ndim != rank:
        raise ValueError(f"{name} has shape {array.shape}, expected {'(N, d)' if rank == 2 else '(N,)'}")
    if len(array) != n:
        raise ValueError(f"{name} has {len(array)} rows, expected {n} as actions")
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise ValueError(f"{name} has type {array.dtype}, expected numbers")
    if dtype is not np.float32:
        with np.errstate(invalid="ignore"):
            changed = array != array.astype(dtype)
        if changed.any():
            row, wanted = int(np.argmax(changed)), "truth value" if dtype is np.bool_ else "whole number"
            raise ValueError(f"{name} in row {row} is {array[row]}, expected a {wanted}")
    return array.astype(dtype)


def _shift_observations(columns: dict[str, Array], ends: Bools) -> dict[str, Array]:
    """Fills next observations from the following row and drops the last step of each time-out, which has none."""
    following = np.roll(columns["observations"], -1, axis=0)
    following[columns["terminals"]] = 0.0
    cut = columns["timeouts"]
    columns = columns | {"next_observations": following, "timeouts": np.r_[cut[1:] & ~ends[:-1], False]}
    kept = {name: column[~cut] for name, column in columns.items()}
    _, kept["episode"] = np.unique(kept["episode"], return_inverse=True)
    return kept


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
    return Episodes(
        observations=mdp.observations[r.states],
        actions=r.actions,
        rewards=r.rewards,
        next_observations=mdp.observations[r.next_states],
        terminals=r.terminals,
        timeouts=r.timeouts,
        costs=r.costs,
        states=r.states,
        next_states=r.next_states,
        episode=r.episode,
        n_actions=mdp.n_actions,
    )


@dataclass(frozen=True)
class Coverage:
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
        if (bad := (states < 0) | (states >= mdp.n_states)).any():
            row = int(np.argmax(bad))
            raise ValueError(f"states in row {row} is {states[row]}, expected a state of the mdp, 0…{mdp.n_states - 1}")
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
