"""What a network is shown of an observation: one-hot coordinates, one-hot cells, scaled numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .checks import checked, whole
from .mdpdataset import d3rlpy

MOST_CELLS = 2**16
"""One input a cell, so no more cells than a first layer can hold."""


class FeatureEncoder(nn.Module):
    """Multi-layer perceptron on features of the observations, (B, d) → (B, hidden_units[-1])."""

    def __init__(self, n_features: int, hidden_units: Sequence[int]) -> None:
        super().__init__()
        steps = pairwise([n_features, *hidden_units])
        self.layers = nn.Sequential(*(part for a, b in steps for part in (nn.Linear(a, b), nn.ReLU())))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the first layer takes in, (B, D)."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes and transforms a batch."""
        return self.layers(self.features(x))


class OneHotEncoder(FeatureEncoder):
    """One-hot coordinates, (B, d) whole numbers in 0…size−1 → (B, d · size); or one-hot cells, (B, size ** d)."""

    def __init__(self, n_coordinates: int, size: int, hidden_units: Sequence[int], cells: bool = False) -> None:
        super().__init__(size**n_coordinates if cells else n_coordinates * size, hidden_units)
        self.values: torch.Tensor
        self.places: torch.Tensor | None
        self.register_buffer("values", torch.arange(size**n_coordinates if cells else size).float(), persistent=False)
        places = float(size) ** torch.arange(n_coordinates) if cells else None  # a cell is x + size · y
        self.register_buffer("places", places, persistent=False)

    def cell(self, x: torch.Tensor) -> torch.Tensor:
        """Index of each observation's cell, (B, 1); with one-hot coordinates the coordinates themselves, (B, d)."""
        return x if self.places is None else (x * self.places).sum(-1, keepdim=True)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros, and a one for each coordinate, or for the cell."""
        return torch.eq(self.cell(x)[..., None], self.values).float().flatten(1)


class ScaledEncoder(FeatureEncoder):
    """Numbers scaled to −1…1 over their ranges, (B, d) → (B, d)."""

    def __init__(self, ranges: Sequence[Sequence[float]], hidden_units: Sequence[int]) -> None:
        super().__init__(len(ranges), hidden_units)
        self.middle: torch.Tensor
        self.reach: torch.Tensor
        low, high = torch.tensor(ranges, dtype=torch.float64).T
        self.register_buffer("middle", (low + high).div(2).float(), persistent=False)
        self.register_buffer("reach", (high - low).div(2).float(), persistent=False)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """−1 at the low end of a range, 1 at the high one; further out beyond."""
        return (x - self.middle) / self.reach


@dataclass
class OneHotEncoderFactory(d3rlpy.models.encoders.EncoderFactory):  # type: ignore[name-defined,misc]
    """d3rlpy's hook for networks of one's own: agents with it feed coordinates (x, y) to a `OneHotEncoder`."""

    size: int = 15
    hidden_units: list[int] = field(default_factory=lambda: [64, 64])
    cells: bool = False

    def create(self, observation_shape: Sequence[int]) -> OneHotEncoder:
        """The network for observations of this shape, (d,)."""
        d = observation_shape[0]
        if self.cells and self.size**d > MOST_CELLS:
            raise ValueError(
                f"cells is True, but {self.size} values in each of {d} coordinates make {self.size**d} cells, "
                f"expected at most {MOST_CELLS}; use one-hot coordinates or ranges"
            )
        return OneHotEncoder(d, self.size, self.hidden_units, self.cells)

    def check(self, observations: NDArray[np.float32], name: str) -> None:
        """Whole coordinates, as many values as there are inputs."""
        bad = ((observations != np.rint(observations)) | (observations < 0) | (observations >= self.size)).any(1)
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"{name} in row {row} are {observations[row].tolist()}, but this agent takes whole coordinates "
                f"in 0…{self.size - 1} (size={self.size}); pass the grid's size to its factory, or size=None"
            )

    @staticmethod
    def get_type() -> str:
        """Name under which d3rlpy's configurations store this factory."""
        return "safegrid_one_hot"


@dataclass
class ScaledEncoderFactory(d3rlpy.models.encoders.EncoderFactory):  # type: ignore[name-defined,misc]
    """The same hook for numbers with a low and a high end each, (d, 2)."""

    ranges: list[list[float]]
    hidden_units: list[int] = field(default_factory=lambda: [64, 64])

    def create(self, observation_shape: Sequence[int]) -> ScaledEncoder:
        """The network for observations of this shape, (d,)."""
        if tuple(observation_shape) != (len(self.ranges),):
            raise ValueError(
                f"ranges has {len(self.ranges)} rows, expected one for each of an observation's "
                f"{observation_shape[0]} numbers"
            )
        return ScaledEncoder(self.ranges, self.hidden_units)

    @staticmethod
    def get_type() -> str:
        """Name under which d3rlpy's configurations store this factory."""
        return "safegrid_scaled"


for factory in (OneHotEncoderFactory, ScaledEncoderFactory):
    d3rlpy.models.encoders.register_encoder_factory(factory)


def encoder_factory(
    size: int | None, cells: bool, ranges: Sequence[Sequence[float]] | None, widths: list[int]
) -> Any:  # fmt: skip
    """The factory that `create_discrete_cql`'s arguments ask for, checked."""
    if not isinstance(cells, (bool, np.bool_)):
        raise ValueError(f"cells is {cells!r}, expected True or False")
    if size is None and cells:
        raise ValueError("cells is True, expected a size with it: the number of values of each coordinate")
    if size is not None and ranges is not None:
        raise ValueError(f"ranges goes with size=None, got size={size!r}: numbers are either scaled or one-hot")
    if size is not None:
        return OneHotEncoderFactory(whole("size", size), widths, bool(cells))
    if ranges is None:
        return d3rlpy.models.encoders.VectorEncoderFactory(hidden_units=widths)
    pairs = np.asarray(ranges, float)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise ValueError(f"ranges has shape {pairs.shape}, expected (d, 2): the low and the high end of each number")
    for i, (low, high) in enumerate(pairs.tolist()):
        checked(f"ranges[{i}][0]", low, -np.inf)
        checked(f"ranges[{i}][1]", high, low, exclusive=True)
    return ScaledEncoderFactory(pairs.tolist(), widths)
