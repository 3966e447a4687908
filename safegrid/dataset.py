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
from gymnasium import spaces
from numpy.typing import ArrayLike

from .array_types import Array, Bools, ByValue, Floats, Ints, ReadOnly, content_hash, distinct, frozen
from .checks import checked_generator, number_array, refuse_changed, refuse_rows, whole
from .files.npz import read_npz, write_npz
from .files.strangers import refused_by_name
from .mdp import TabularMDP
from .recording import is_plain, known_state, record

if TYPE_CHECKING:
    from .mdpdataset import ColumnarMDPDataset

Policy = Callable[[Any, np.random.Generator], int]

_FORMAT = "safegrid-episodes-1"
_COPIES = 1.5  # a log's columns, and what looks for bad rows in them


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
        n = len(number_array("actions", self.actions))
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

        for name in _FINITE:
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
        return frozen(np.bincount(self.episode, self.rewards))

    @cached_property
    def lengths(self) -> Ints:
        """Number of steps of each episode, (E,)."""
        return frozen(np.bincount(self.episode))

    @cached_property
    def harmful(self) -> Bools:
        """Episodes in which a cost occurred, (E,)."""
        return frozen(np.bincount(self.episode, self.costs) > 0)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all columns and `n_actions`: equal logs have the same one on every machine, others another."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return content_hash(columns | {"n_actions": np.array(self.n_actions, np.int64)})

    @classmethod
    def from_arrays(
        cls, observations: ArrayLike, actions: ArrayLike, rewards: ArrayLike, terminals: ArrayLike,
        timeouts: ArrayLike | None = None, *, n_actions: int, next_observations: ArrayLike | None = None,
        costs: ArrayLike | None = None, states: ArrayLike | None = None, next_states: ArrayLike | None = None,
        episode: ArrayLike | None = None, step: ArrayLike | None = None,
    ) -> Episodes:  # fmt: skip
        """Builds a log from a reader's own columns; the rest is worked out from the ends of the episodes.

        Without `next_observations` they are taken from the following row. A time-out's last step then has none, and is
        dropped, as d3rlpy does: its row before becomes the time-out. (An episode of that one step is dropped whole.)
        An end that is flagged both ways is a terminal.

        Args:
            observations, next_observations: (N, d), or (N,) for one number a step.
            actions, rewards, terminals: (N,), as `Episodes`'s, of any type that holds such numbers, such as pandas's.
            timeouts, costs: (N,), all False and 0 by default.
            states, next_states: (N,), unknown (−1) by default.
            episode: (N,) numbers or texts, each row's episode, where the rows of one need not stand together: they are
                brought together, an episode where its first row stands. A last row without a flag is a time-out.
            step: (N,) whole numbers, one more in each row of an episode, or times that rise; where its rows are out of
                order, or one might be missing.
            n_actions: size of the action space; said, not guessed from the actions that happen to occur.

        Raises:
            ValueError: as `Episodes`, in whose columns whole numbers must be what they were; or an episode goes on
                after its end.
        """
        n = len(number_array("actions", actions))
        following = observations if next_observations is None else next_observations

        def known(column: ArrayLike | None, otherwise: int) -> ArrayLike:
            return np.full(n, otherwise) if column is None else column

        given: dict[str, ArrayLike] = {
            "observations": observations, "actions": actions, "rewards": rewards, "next_observations": following,
            "terminals": terminals, "timeouts": known(timeouts, 0), "costs": known(costs, 0),
            "states": known(states, -1), "next_states": known(next_states, -1),
        }  # fmt: skip
        columns = {name: _column(name, value, _COLUMNS[name], n) for name, value in given.items()}
        for name in _FINITE:  # by the rows as they were given
            refuse_rows(~np.isfinite(columns[name]), name, columns[name], "finite numbers")
        columns["timeouts"] = frozen(columns["timeouts"] & ~columns["terminals"])
        if episode is not None:
            columns = _brought_together(columns, episode, step)
        elif step is not None:
            raise ValueError("step is given without episode, expected each row's episode with it")
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
    def from_gymnasium(
        cls, env: gymnasium.Env[Any, Any], policy: Policy, n_episodes: int, seed: int, *, max_steps: int | None = None
    ) -> Episodes:
        """Records a policy in any Gymnasium environment with discrete actions.

        Args:
            env: observations are vectors or numbers, and a picture becomes a vector. `info["cost"]` is kept where it is
                a finite number, or the cost that `step` returns after the reward, as Safety Gymnasium's. The state is
                `info["state"]` where that is a whole number, else a `Discrete` observation, else unknown.
            policy: called as policy(observation, rng), returns an action.
            n_episodes: at least 1.
            seed: of both the environment and the generator handed to the policy.
            max_steps: an episode is cut there as a time-out; None leaves that to the environment.

        Raises:
            ValueError: a space or what `step` returns does not fit; the policy returns no action; an episode does not
                end within a million steps.
        """
        seed = whole("seed", seed, least=0)
        rng = np.random.default_rng(seed)
        return cls.from_arrays(**record(env, lambda seen, _: policy(seen, rng), n_episodes, seed, max_steps))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the log as compressed .npz without pickle; all or nothing."""
        header = json.dumps({"format": _FORMAT, "n_actions": self.n_actions})
        return write_npz(path, header, {name: getattr(self, name) for name in _COLUMNS}, _COPIES)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Episodes:
        """Reads what `save` wrote, checking every row again; never unpickles.

        Raises:
            ValueError: the file is no such log, is cut short, or holds pickled data.
        """
        header, columns = read_npz(path, _FORMAT, _COPIES)
        if missing := [name for name in _COLUMNS if name not in columns]:
            raise ValueError(f"{path}: column {missing[0]!r} is missing")
        number: Any = header.get("n_actions")
        with refused_by_name(path, "does not hold a whole log"):
            return cls(**{name: frozen(columns[name]) for name in _COLUMNS}, n_actions=number)

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
_FINITE = ("observations", "next_observations", "rewards", "costs")


def _column(name: str, value: ArrayLike, dtype: Any, n: int) -> Array:
    """A read-only array in the column's type; whole numbers and truth values may not be rounded into it.

    It is a copy, unless `value` is `frozen` and owns its numbers: then nobody can change them, as in another log.
    """
    array = number_array(name, value, 2 if name.endswith("observations") else 1)
    if len(array) != n:
        raise ValueError(f"{name} has {len(array)} rows, expected {n} as actions")
    if array.dtype == dtype and array.base is None and not array.flags.writeable:
        return array
    with np.errstate(invalid="ignore", over="ignore"):
        column = array.astype(dtype)
        if array.dtype != dtype:
            refuse_changed(name, array, column)
    return frozen(column)


def _brought_together(columns: dict[str, Array], episode: ArrayLike, step: ArrayLike | None) -> dict[str, Array]:
    """The rows of each episode one after another; the last is a time-out where it is no terminal."""
    n = len(columns["actions"])
    ids = number_array("episode", episode, kinds="biufU")
    steps = np.zeros(n) if step is None else number_array("step", step)
    for name, column in {"episode": ids, "step": steps}.items():
        if len(column) != n:
            raise ValueError(f"{name} has {len(column)} rows, expected {n} as actions")
        if column.dtype.kind == "f":
            refuse_rows(~np.isfinite(column), name, column, "finite numbers")
    _, first, code = np.unique(ids, return_index=True, return_inverse=True)
    order = np.lexsort((steps, first[code]))  # stable
    goes_on = np.diff(code[order]) == 0
    inner, again = np.zeros((2, n), bool)
    inner[order[:-1]], again[order[1:]] = goes_on, goes_on & (np.diff(steps[order]) == 0) & (step is not None)
    for name in ("terminals", "timeouts"):
        refuse_rows(columns[name] & inner, name, columns[name], "False: its episode goes on")
    refuse_rows(again, "step", steps, "another than that of an earlier row of its episode")
    if step is not None and (steps == np.trunc(steps)).all():
        gap = np.zeros(n, bool)
        gap[order[1:]] = goes_on & (np.diff(steps[order]) != 1)
        refuse_rows(
            gap, "step", steps, "one more than in the row before it: a row that is missing would join two others"
        )
    columns = {name: frozen(np.take(column, order, 0)) for name, column in columns.items()}
    return columns | {"timeouts": frozen(~inner[order] & ~columns["terminals"])}


def generate_offline_episodes(
    env: gymnasium.Env[Any, Any], n_episodes: int = 500, epsilon: float = 0.22, seed: int | np.random.Generator = 42
) -> Episodes:
    """The book's log: `n_episodes` drives of the env's behaviour policy, sampled in lock-step from its table.

    In a wrapped env the driver acts by the state in `info`, step by step, and the log is what the wrappers show; those
    of `gymnasium.make` that change nothing do not count.

    Args:
        env: a `SafetyCriticalGridWorld`, wrapped or not.
        n_episodes: at least 1.
        epsilon: probability of a random action, in [0, 1].
        seed: seed or generator, such as `portable_rng`'s; the same seed gives the same log.

    Raises:
        ValueError: the env has no driver, or wrappers hide the state or change the actions.
    """
    world: Any = env.unwrapped
    if not (hasattr(world, "mdp") and hasattr(world, "behaviour_policy")):
        raise ValueError(
            f"env is {world}, which has no mdp and no behaviour_policy, expected a SafetyCriticalGridWorld; "
            "Episodes.from_gymnasium records a policy of your own anywhere"
        )
    mdp, driver = world.mdp, world.behaviour_policy(epsilon)
    if is_plain(env, mdp.horizon):
        return sample_episodes(mdp, driver, n_episodes, seed)
    if env.action_space != spaces.Discrete(mdp.n_actions):
        raise ValueError(f"env.action_space is {env.action_space}, expected Discrete({mdp.n_actions}) as the driver's")
    rng = checked_generator("seed", seed)

    def drive(_: Any, info: dict[str, Any]) -> int:
        if not 0 <= (state := known_state(info.get("state"))) < mdp.n_states:
            raise ValueError(
                f"info['state'] of env is {info.get('state')!r}, expected the state: the driver acts by it"
            )
        return int(rng.choice(mdp.n_actions, p=driver[state]))

    return Episodes.from_arrays(**record(env, drive, n_episodes, int(rng.integers(2**31))))


def sample_episodes(
    mdp: TabularMDP, policy: ArrayLike, n_episodes: int, seed: int | np.random.Generator, *, own_dice: bool = False
) -> Episodes:
    """A log of any policy (S, A) in any `TabularMDP` that has a horizon, sampled in lock-step.

    With `own_dice` every episode has random numbers of its own (see `TabularMDP.rollouts`): in a world that differs in
    one cell, a drive goes as it went before until it comes there.
    """
    r = mdp.rollouts(policy, whole("n_episodes", n_episodes), seed, own_dice=own_dice)

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

    def thin(self, least: int = 5) -> Bools:
        """Actions tried in a state, but fewer than `least` times, (S, A): of them the log says little."""
        return (self.counts > 0) & (self.counts < whole("least", least))


def knows_next_observations(episodes: Episodes) -> Bools:
    """Rows whose next observation is the world's, (N,): `Episodes.from_arrays` fills in zeros after a terminal."""
    return np.asarray(~episodes.terminals | episodes.next_observations.any(1))


def check_states(episodes: Episodes, world: TabularMDP | int, following: Bools | bool = False) -> None:
    """Refuses a log whose states are not the world's: out of range, or seen elsewhere than where the log was.

    Places are compared where the log's observations are as long as the world's, and no two of the world's are alike.

    Args:
        episodes: the log.
        world: the table, or only its number of states.
        following: (N,) rows whose next state is needed; elsewhere it may be unknown (−1).

    Raises:
        ValueError: names the row, the state, and both observations where they differ.
    """
    mdp = world if isinstance(world, TabularMDP) else None
    n = world.n_states if isinstance(world, TabularMDP) else world
    places = None if mdp is None else mdp.observations
    if places is not None and (places.shape[1] != episodes.observations.shape[1] or len(distinct(places)[0]) < n):
        places = None
    for name, needed, told in (("states", True, True), ("next_states", following, knows_next_observations(episodes))):
        states, seen = getattr(episodes, name), getattr(episodes, name.replace("states", "observations"))
        outside = (states >= n) | ((states < 0) & needed)
        refuse_rows(outside, name, states, f"a state {'in' if mdp is None else 'of the mdp,'} 0…{n - 1}")
        if places is not None and (other := (places[states] != seen).any(1) & (states >= 0) & told).any():
            row = int(np.argmax(other))
            place = places[states[row]]
            raise ValueError(f"{name} in row {row} is {states[row]}, expected one observed as {seen[row]}, not {place}")


def coverage(episodes: Episodes, mdp: TabularMDP | None = None) -> Coverage:
    """Counts the log's (state, action) pairs.

    With `mdp`, rows are its states, and the log must know its states; without, the log's distinct observations.

    Raises:
        ValueError: actions or states are not the mdp's, as `check_states` finds.
    """
    if mdp is None:
        observations, states = distinct(episodes.observations)
    else:
        if episodes.n_actions != mdp.n_actions:
            raise ValueError(f"n_actions is {episodes.n_actions}, expected {mdp.n_actions} as the mdp's")
        check_states(episodes, mdp)
        observations, states = mdp.observations, episodes.states
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
