"""What a sweep leaves: every network, what it claims, and how good it truly is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from safegrid.agents import Agent, seeded
from safegrid.array_types import Array, Bools, ByValue, Floats, Ints
from safegrid.checks import checked_averaging, whole
from safegrid.evaluation import AgentScore, summary_row, summary_table, told_dreams
from safegrid.files.npz import read_npz, write_npz
from safegrid.files.strangers import refused_by_name
from safegrid.intervals import Interval, interquartile_mean, mean
from safegrid.scores import SCORE_FIELDS, PolicyScore, as_counted
from safegrid.threads import one_thread

from .shards import checked_weights, factory, linear_layers

SCORES = (*SCORE_FIELDS, "claimed_value", "true_value")
"""What is known of every member at every scored step."""

_FORMAT = "safegrid-sweep-1"
_COPIES = 2  # of a sweep's arrays: those of the file, and at most so much again in one member as an agent


@dataclass(frozen=True, eq=False)
class Sweep(ByValue):
    """Every network of a sweep, what it claims, and how good it truly is. Printed, it is a table over the weights.

    W weights, L logs, K network seeds a log, S observations, A actions, C critics, T scored steps. Of a member that
    diverged, claims, policy and history are NaN; in `scores` and in the table it counts as the worst possible: return
    −∞, hazard 100%, claimed minus true ∞.

    Attributes:
        algorithm: "cql", or "bc" for clones.
        weights: (W,) conservative weights, in raw reward; for clones β.
        seeds: (L, K), the seed with which `fit` would train the same network.
        observations: (S, d) float32: the world's states, or the log's distinct observations where no world was given.
        q_values: (W, L, K, S, A), claims of the averaged networks in discounted raw reward; of clones the logarithms
            of the action probabilities.
        parameters: averaged weight (W, L, K, C, out, in) and bias (W, L, K, C, out) of each layer in turn.
        last_parameters: the same after the last step, not averaged.
        steps: (T,), the gradient steps after which members were scored.
        history: name in `SCORES` → (T, W, L, K), exact scores of the averaged networks' greedy policies; clones claim
            no value; empty where no world was given.
        last_history: the same of the last weights, not averaged.
        settings: what the sweep was trained with.
    """

    algorithm: str
    weights: Floats
    seeds: Ints
    observations: Array
    q_values: Array
    parameters: tuple[Array, ...]
    last_parameters: tuple[Array, ...]
    steps: Ints
    history: Mapping[str, Floats]
    last_history: Mapping[str, Floats]
    settings: Mapping[str, Any]

    @property
    def policies(self) -> Floats:
        """The greedy policy of every member, one-hot, (W, L, K, S, A)."""
        greedy = np.eye(self.q_values.shape[-1])[self.q_values.argmax(-1)]
        return np.where(self.diverged[..., None, None], np.nan, greedy)

    @property
    def diverged(self) -> Bools:
        """Members whose averaged network holds or gives no finite numbers, (W, L, K)."""
        return np.asarray(np.isnan(self.q_values).any((-2, -1)))

    def scores(self, name: str) -> Floats:
        """One of `SCORES`, or "overestimate" (claimed minus true value of the start), at the last step, (W, L, K).

        A member that diverged counts as the worst possible; it has no lengths, no values and no spread: NaN.
        """
        if not self.history:
            raise ValueError("this sweep was trained without mdp: nothing is known of its members' exact scores")
        names = (*self.history, "overestimate") if "claimed_value" in self.history else tuple(self.history)
        if name not in names:
            raise ValueError(f"name is {name!r}, expected one of {', '.join(names)}")
        last = {known: values[-1] for known, values in self.history.items()}
        if name == "overestimate":
            last[name] = last["claimed_value"] - last["true_value"]
        return as_counted(name, last[name], self.diverged)

    def curve(self, name: str) -> list[Interval]:
        """A score over the weight: interquartile mean over logs and seeds, for rates the plain mean, with intervals."""
        summary = mean if name.endswith("_rate") else interquartile_mean
        return [summary(of_weight) for of_weight in self.scores(name)]

    def agent_scores(self, weight: float) -> list[list[AgentScore]]:
        """What `compare` has of an agent: L lists (logs) of K scores (network seeds), for a `Comparison`.

        A clone's claimed and true value of the start are NaN: it claims none.

        Args:
            weight: one of `weights`.
        """
        at, (n_logs, n_seeds) = self._position(weight), self.seeds.shape
        self.scores("return_mean")  # if there are none, it says so
        scores = {name: values[-1, at] for name, values in self.history.items()}

        def score(log: int, seed: int) -> AgentScore:
            known: dict[str, Any] = {name: float(values[log, seed]) for name, values in scores.items()}
            claimed, true = (known.pop(name, float("nan")) for name in SCORES[-2:])
            return AgentScore(PolicyScore(**known), None, claimed, true, self._largest_value)

        return [[score(log, seed) for seed in range(n_seeds)] for log in range(n_logs)]

    def of_logs(self, n_logs: int) -> Sweep:
        """The members of the first logs alone, as if the others had not been there."""
        if not 0 < whole("n_logs", n_logs) <= len(self.seeds):
            raise ValueError(f"n_logs is {n_logs}, expected 1 to {len(self.seeds)}")

        def cut(kind: Mapping[str, Floats]) -> dict[str, Floats]:
            return {name: values[:, :, :n_logs] for name, values in kind.items()}

        return replace(
            self, seeds=self.seeds[:n_logs], q_values=self.q_values[:, :n_logs],
            parameters=tuple(p[:, :n_logs] for p in self.parameters), history=cut(self.history),
            last_parameters=tuple(p[:, :n_logs] for p in self.last_parameters), last_history=cut(self.last_history),
        )  # fmt: skip

    def _position(self, weight: float) -> int:
        if np.ndim(weight) == 0 and (distance := np.abs(self.weights - weight)).min() <= 1e-6 * abs(weight):
            return int(np.argmin(distance))
        raise ValueError(f"weight is {weight!r}, expected one of {self.weights.tolist()}")

    @property
    def _largest_value(self) -> float:
        return float(self.settings.get("largest_value", np.inf))  # a file of an earlier version has none

    @property
    def _names(self) -> list[str]:
        name = "weight {:.10g}" if self.algorithm == "cql" else "BC, β = {:.10g}"
        return [name.format(weight) for weight in self.weights]

    def rows(self) -> list[list[str]]:
        """The lines of the printed table, one a weight."""
        claims = self.scores("overestimate") if "claimed_value" in self.history else [None] * len(self.weights)
        columns = zip(self.scores("return_mean"), self.scores("hazard_rate"), claims, strict=True)
        return [summary_row(name, *scores) for name, scores in zip(self._names, columns, strict=True)]

    def dreams(self) -> str:
        """Whose claims are above what the rewards allow, in words; empty where nobody's are.

        Claims are about the start or, where no world was given, about the best of what the logs visit.
        """
        if self.algorithm != "cql":
            return ""
        claims = self.scores("claimed_value") if self.history else self.q_values.max((-2, -1))
        most = np.full_like(claims, self._largest_value)
        return told_dreams(dict(zip(self._names, zip(claims, most, strict=True), strict=True)))

    def __str__(self) -> str:
        if self.history:
            return summary_table(self.rows(), self.dreams())
        lines = [f"Sweep of {self.seeds.size * len(self.weights)} networks, trained without mdp and so not scored."]
        if self.algorithm == "cql":
            best = (str(interquartile_mean(claims)) for claims in self.q_values.max((-2, -1)))
            told = "; ".join(f"{name} {claim}" for name, claim in zip(self._names, best, strict=True))
            lines += [f"Largest claim about what the logs visit, discounted, interquartile mean: {told}."]
        return "\n".join(lines + ([self.dreams()] if self.dreams() else []))

    def _repr_html_(self) -> str:
        return summary_table(self.rows(), self.dreams(), html=True) if self.history else str(self)

    def agent(self, weight: float, log: int = 0, seed: int = 0, *, averaged: bool = True) -> Agent:
        """One member as a d3rlpy agent, a `DiscreteCQL` or `DiscreteBC`, to predict, save, export or evaluate.

        Args:
            weight: one of `weights`.
            log: index of the log, 0…L−1.
            seed: index of the network seed, 0…K−1.
            averaged: the average of the weights, as `fit` leaves it in an agent; else the last ones.
        """
        at = self._position(weight)
        for name, value, n in (("log", log, self.seeds.shape[0]), ("seed", seed, self.seeds.shape[1])):
            if whole(name, value, least=0) >= n:
                raise ValueError(f"{name} is {value!r}, expected an index in 0…{n - 1}")
        where = (at, log, seed)
        agent = factory(self.algorithm, self.settings)(float(self.weights[where[0]]))
        with seeded(0), one_thread():
            agent.create_impl(self.observations.shape[1:], self.q_values.shape[-1])
        tensors = self.parameters if averaged else self.last_parameters
        with torch.no_grad():
            for i, layers in enumerate(linear_layers(agent)):
                for j, critic in enumerate(layers):
                    critic.weight.copy_(torch.tensor(tensors[2 * i][where][j]))
                    critic.bias.copy_(torch.tensor(tensors[2 * i + 1][where][j]))
        if self.algorithm == "cql":
            agent.impl.update_target()
        return agent

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the sweep as compressed .npz without pickle; all or nothing."""
        header = {"format": _FORMAT, "algorithm": self.algorithm, "settings": dict(self.settings)}
        arrays = {name: np.asarray(getattr(self, name)) for name in _COLUMNS}
        for kind in ("history", "last_history"):
            arrays |= {f"{kind}/{name}": values for name, values in getattr(self, kind).items()}
        for kind in ("parameters", "last_parameters"):
            arrays |= {f"{kind}/{i}": array for i, array in enumerate(getattr(self, kind))}
        return write_npz(path, json.dumps(header), arrays, _COPIES)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sweep:
        """Reads what `save` wrote; never unpickles.

        Raises:
            ValueError: the file is no such sweep, is cut short, or holds pickled data; its arrays, weights, steps or
                settings contradict each other.
        """
        header, arrays = read_npz(path, _FORMAT, _COPIES)
        with refused_by_name(path, "does not hold a whole sweep"):
            columns: dict[str, Any] = {name: arrays[name] for name in _COLUMNS}
            fields = {"cql": SCORES, "bc": SCORES[:-2]}[header["algorithm"]] if len(columns["steps"]) else ()
            for kind in ("history", "last_history"):
                columns[kind] = {name: arrays[f"{kind}/{name}"] for name in fields}
            for kind in ("parameters", "last_parameters"):
                columns[kind] = tuple(
                    arrays[f"{kind}/{i}"] for i in range(2 + 2 * len(header["settings"]["hidden_units"]))
                )
            sweep = cls(algorithm=header["algorithm"], settings=header["settings"], **columns)
            sweep._check()
        return sweep

    def _check(self) -> None:
        """Arrays of the shapes that each other and the settings say, before a network is made."""
        settings, cube = self.settings, (len(checked_weights("weights", self.weights)), *self.seeds.shape)
        (n_states, width), n_actions = self.observations.shape, self.q_values.shape[-1]
        n_steps = whole("n_steps", settings["n_steps"])
        checked_averaging(settings["averaging"])
        if not isinstance(most := settings.get("largest_value", 0.0), (int, float)) or np.isnan(most):
            raise ValueError(f"largest_value is {most!r}, expected a number")
        widths = [self.parameters[0].shape[-1], *settings["hidden_units"], n_actions]
        of_member = (settings.get("n_critics", 1),)
        layers = [cube + of_member + shape for a, b in pairwise(widths) for shape in ((b, a), (b,))]
        expected: dict[str, tuple[Sequence[Array], Sequence[tuple[int, ...]]]] = {
            "seeds": ([self.seeds], [cube[1:3]]),
            "observations": ([self.observations], [(n_states, width)]),
            "q_values": ([self.q_values], [(*cube, n_states, n_actions)]),
            "parameters": (self.parameters, layers),
            "last_parameters": (self.last_parameters, layers),
            "steps": ([self.steps], [(len(self.steps),)]),
            "history": ([*self.history.values()], [(len(self.steps), *cube)] * len(self.history)),
            "last_history": ([*self.last_history.values()], [(len(self.steps), *cube)] * len(self.history)),
        }
        for name, (arrays, shapes) in expected.items():
            for array, shape in zip(arrays, shapes, strict=True):
                kind = "iu" if name in ("seeds", "steps") else "f"
                if array.shape != shape or array.dtype.kind not in kind or not (array.size or name == "steps"):
                    raise ValueError(f"{name} of shape {array.shape} and type {array.dtype}, expected {shape}")
        if (np.diff(self.steps, prepend=0) <= 0).any() or (self.steps > n_steps).any():
            raise ValueError(f"steps are {self.steps}, expected them to rise from 1 to {n_steps}")
        if (self.seeds < 0).any() or not np.isfinite(self.observations).all():
            raise ValueError("a seed is negative, or an observation is not finite")
        with torch.device("meta"):  # an agent of these settings, which takes no memory
            agent = factory(self.algorithm, settings)(0.0).config.create("meta")
            agent.create_impl((width,), n_actions)
        if (inputs := linear_layers(agent)[0][0].in_features) != widths[0]:
            raise ValueError(f"parameters take {widths[0]} inputs, expected {inputs} as the settings say")


_COLUMNS = ("weights", "seeds", "observations", "q_values", "steps")
