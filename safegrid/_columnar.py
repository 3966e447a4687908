"""d3rlpy's dataset with mini-batches drawn by column; imported only when one is built, since it needs d3rlpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._d3rlpy import d3rlpy
from .dataset import Episodes

_data = d3rlpy.dataset


class ColumnarMDPDataset(_data.MDPDataset):  # type: ignore[name-defined,misc]
    """See `safegrid.build_mdpdataset`.

    Attributes:
        log: the `Episodes` it was built from.
        rng: the generator that draws the batches; replace it to restart the stream.
    """

    def __init__(self, episodes: Episodes, seed: int) -> None:
        self.log = episodes
        self.rng = np.random.default_rng(seed)
        actions = episodes.actions.astype(np.float32)[:, None]
        following = np.roll(actions, -1, axis=0)
        ends = episodes.terminals | episodes.timeouts
        following[ends] = 0.0
        self._flat: dict[str, NDArray[np.float32]] = {
            "observations": np.array(episodes.observations),
            "actions": actions,
            "rewards": np.array(episodes.rewards)[:, None],
            "next_observations": np.where(episodes.terminals[:, None], np.float32(0.0), episodes.next_observations),
            "next_actions": following,
            "terminals": episodes.terminals.astype(np.float32)[:, None],
        }
        cuts = np.flatnonzero(ends)[:-1] + 1
        columns = (np.split(self._flat[k], cuts) for k in ("observations", "actions", "rewards"))
        finished = episodes.terminals[ends]
        whole = [
            _data.Episode(o, a.astype(np.int64), r, bool(t)) for o, a, r, t in zip(*columns, finished, strict=True)
        ]
        signature = _data.Signature
        _data.ReplayBuffer.__init__(
            self,
            _data.InfiniteBuffer(),
            episodes=whole,
            observation_signature=signature([np.dtype(np.float32)], [episodes.observations.shape[1:]]),
            action_signature=signature([np.dtype(np.int64)], [(1,)]),
            reward_signature=signature([np.dtype(np.float32)], [(1,)]),
            action_space=d3rlpy.constants.ActionSpace.DISCRETE,
            action_size=episodes.n_actions,
        )

    @property
    def transition_count(self) -> int:
        """Number of steps, those cut by a time-out included."""
        return len(self.log)

    def sample_transition(self) -> Any:
        """One transition as d3rlpy's own, drawn with `rng`."""
        episode, index = self.buffer[int(self.rng.integers(self.buffer.transition_count))]
        return self.transition_picker(episode, index)

    def sample_transition_batch(self, batch_size: int) -> Any:
        """A mini-batch drawn uniformly with replacement."""
        rows = self.rng.integers(len(self.log), size=batch_size)
        columns = {name: column[rows] for name, column in self._flat.items()}
        return _data.TransitionMiniBatch(**columns, intervals=np.ones((batch_size, 1), np.float32), transitions=[])
