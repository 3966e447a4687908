"""d3rlpy's dataset over plain columns, with mini-batches drawn by column."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import d3rlpy
import numpy as np

from .array_types import Array, Bools, Floats, Ints
from .checks import refuse_rows, whole
from .threads import borrowed_random_numbers

__all__ = ["ColumnarMDPDataset", "checked_rows", "d3rlpy"]

_data = d3rlpy.dataset


class ColumnarMDPDataset(_data.MDPDataset):  # type: ignore[name-defined,misc]
    """See `safegrid.build_mdpdataset`.

    Args:
        observations, next_observations: (N, d) float32.
        actions: (N,) int64.
        rewards: (N,) float32.
        terminals, timeouts: (N,) bool; each episode ends in a row that has one of them.
        n_actions: size of the action space.
        seed: of the batches.

    Attributes:
        columns: the log by d3rlpy's names, (N, …) float32 each.
        rng: the generator that draws the batches; replace it to restart the stream.
    """

    def __init__(
        self, observations: Floats, actions: Ints, rewards: Floats, next_observations: Floats, terminals: Bools,
        timeouts: Bools, n_actions: int, seed: int,
    ) -> None:  # fmt: skip
        self.rng = np.random.default_rng(whole("seed", seed, least=0))
        self._timeouts = timeouts
        chosen = actions.astype(np.float32)[:, None]
        following = np.roll(chosen, -1, axis=0)
        following[terminals | timeouts] = 0.0
        self.columns: dict[str, Array] = {
            "observations": np.array(observations),
            "actions": chosen,
            "rewards": np.array(rewards)[:, None],
            "next_observations": np.where(terminals[:, None], np.float32(0.0), next_observations),
            "next_actions": following,
            "terminals": terminals.astype(np.float32)[:, None],
        }
        signature = _data.Signature
        with borrowed_random_numbers():  # d3rlpy draws an example of each signature
            _data.ReplayBuffer.__init__(
                self,
                _data.InfiniteBuffer(),
                observation_signature=signature([np.dtype(np.float32)], [observations.shape[1:]]),
                action_signature=signature([np.dtype(np.int64)], [(1,)]),
                reward_signature=signature([np.dtype(np.float32)], [(1,)]),
                action_space=d3rlpy.constants.ActionSpace.DISCRETE,
                action_size=n_actions,
            )
        del self._buffer  # from here on the property below, which costs nothing until it is asked for

    @cached_property
    def _ends(self) -> Ints:
        """One past the last row of each episode, (E,)."""
        return np.flatnonzero(self._timeouts | (self.columns["terminals"][:, 0] > 0)) + 1

    def _episode(self, number: int) -> Any:
        """An episode as d3rlpy's own; the last step of one that was cut is none to it."""
        rows = slice(int(self._ends[number - 1]) if number else 0, int(self._ends[number]))
        observations, actions, rewards = (self.columns[k][rows] for k in ("observations", "actions", "rewards"))
        return _data.Episode(observations, actions.astype(np.int64), rewards, not self._timeouts[rows.stop - 1])

    @cached_property
    def _buffer(self) -> Any:
        """d3rlpy's list of all its episodes and transitions."""
        buffer = _data.InfiniteBuffer()
        for episode in map(self._episode, range(len(self._ends))):
            for i in range(episode.transition_count):
                buffer.append(episode, i)
        return buffer

    def append(self, observation: Any, action: Any, reward: Any) -> None:
        """A step of a new episode, which comes after those of the log."""
        self._writer._buffer = self._buffer
        super().append(observation, action, reward)

    @property
    def appended(self) -> list[Any]:
        """What came after the log: d3rlpy's episodes."""
        return list(self._buffer.episodes[len(self._ends) :]) if "_buffer" in vars(self) else []

    @property
    def transition_count(self) -> int:
        """Number of steps in the log, those cut by a time-out included, and after it."""
        later = len(self._buffer) - len(self._known) if "_buffer" in vars(self) else 0
        return len(self._timeouts) + later

    @cached_property
    def _known(self) -> Ints:
        """Rows whose next observation d3rlpy knows."""
        return np.flatnonzero(~self._timeouts)

    def sample_transition(self) -> Any:
        """One transition as d3rlpy's own, drawn with `rng`."""
        if "_buffer" in vars(self):  # which may hold more than the log
            return self.transition_picker(*self._buffer[int(self.rng.integers(len(self._buffer)))])
        row = int(self._known[self.rng.integers(len(self._known))])
        number = int(np.searchsorted(self._ends, row, side="right"))
        return self.transition_picker(self._episode(number), row - (int(self._ends[number - 1]) if number else 0))

    def sample_transition_batch(self, batch_size: int) -> Any:
        """A mini-batch of the log and of what was appended to it, drawn uniformly with replacement."""
        rows = self.rng.integers(self.transition_count, size=batch_size)
        log, later = rows[rows < len(self._timeouts)], rows[rows >= len(self._timeouts)]
        columns = {name: column[log] for name, column in self.columns.items()}
        columns["intervals"] = np.ones((len(log), 1), np.float32)
        if len(later):
            places = later - len(self._timeouts) + len(self._known)
            picked = [self.transition_picker(*self._buffer[int(place)]) for place in places]
            batch = _data.TransitionMiniBatch.from_transitions(picked)
            columns = {name: np.concatenate([column, getattr(batch, name)]) for name, column in columns.items()}
        return _data.TransitionMiniBatch(**columns, transitions=[])


def checked_rows(dataset: Any) -> dict[str, Array]:
    """All that batches of any d3rlpy dataset are drawn from, by d3rlpy's names, (N, …) each.

    Raises:
        ValueError: it is empty, its actions are not discrete, or a row holds what no agent can learn from.
    """
    if not isinstance(dataset, _data.ReplayBuffer):
        kind = type(dataset).__name__
        raise ValueError(f"dataset is a {kind}, expected Episodes, build_mdpdataset's or d3rlpy's MDPDataset")
    info = dataset.dataset_info
    if info.action_space != d3rlpy.constants.ActionSpace.DISCRETE:
        raise ValueError(f"dataset has {info.action_space.name.lower()} actions, expected discrete ones")
    if len(info.observation_signature.shape) != 1:
        raise ValueError(f"dataset has {len(info.observation_signature.shape)} arrays an observation, expected one")
    if not dataset.transition_count:
        raise ValueError("dataset is empty, expected at least one transition")
    ours = isinstance(dataset, ColumnarMDPDataset)
    names = ("observations", "actions", "rewards")
    parts = [{name: getattr(e, name) for name in names} for e in (dataset.appended if ours else dataset.episodes)]
    rows = {name: np.concatenate([p[name] for p in ([dataset.columns] if ours else []) + parts]) for name in names}
    if ours:
        rows["next_observations"] = dataset.columns["next_observations"]
    for name, column in rows.items():
        refuse_rows(~np.isfinite(column), name, column, "finite numbers")
    actions, n_actions = rows["actions"], info.action_size
    outside = (actions != np.rint(actions)) | (actions < 0) | (actions >= n_actions)
    refuse_rows(outside, "actions", actions, f"an action in 0…{n_actions - 1}")
    return rows
