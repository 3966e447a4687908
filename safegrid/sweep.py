"""Hundreds of CQL networks at once: the whole curve over the conservative weight, for many logs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from numpy.typing import ArrayLike
from tabulate import tabulate

from . import _stack
from ._shards import (
    build_shards,
    check_memory,
    checked_logs,
    checked_weights,
    count_shards,
    factory,
    fingerprint,
    first_states,
    linear_layers,
    newborn,
    plain,
    read_checkpoint,
    torch_device,
    visited,
    write_checkpoint,
)
from ._stack import Array, State
from .agents import (
    DEFAULT_STEPS,
    Agent,
    asked_observations,
    check_observations,
    checked_averaging,
    checked_widths,
    progress_bar,
    whole,
)
from .dataset import Episodes, read_npz, write_npz
from .evaluation import SUMMARY_HEADERS, AgentScore, Interval, interquartile_mean, mean, summary_row
from .mdp import SCORE_FIELDS, Floats, Ints, PolicyScore, TabularMDP

DEFAULT_WEIGHTS = (0.0, 1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 50.0, 100.0, 200.0)

SCORES = (*SCORE_FIELDS, "claimed_value", "true_value")
"""What is known of every member at every scored step."""

_FORMAT = "safegrid-sweep-1"


@dataclass(frozen=True)
class Sweep:
    """Every network of a sweep, what it claims, and how good it truly is. Printed, it is a table over the weights.

    W weights, L logs, K network seeds a log, S observations, A actions, C critics, T scored steps.

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
        return np.eye(self.q_values.shape[-1])[self.q_values.argmax(-1)]

    def scores(self, name: str) -> Floats:
        """One of `SCORES`, or "overestimate" (claimed minus true value of the start), at the last step, (W, L, K)."""
        if not self.history:
            raise ValueError("this sweep was trained without mdp: nothing is known of its members' exact scores")
        names = (*self.history, "overestimate") if "claimed_value" in self.history else tuple(self.history)
        if name not in names:
            raise ValueError(f"name is {name!r}, expected one of {', '.join(names)}")
        if name == "overestimate":
            return self.history["claimed_value"][-1] - self.history["true_value"][-1]
        return self.history[name][-1]

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
        scores = {name: self.scores(name)[at] for name in (*SCORE_FIELDS, *(set(SCORES[-2:]) & set(self.history)))}

        def score(log: int, seed: int) -> AgentScore:
            known: dict[str, Any] = {name: float(values[log, seed]) for name, values in scores.items()}
            claimed, true = (known.pop(name, float("nan")) for name in SCORES[-2:])
            return AgentScore(PolicyScore(**known), None, claimed, true)

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
        near = np.isclose(self.weights, weight, rtol=1e-6, atol=0) if np.ndim(weight) == 0 else np.zeros(1, bool)
        if not near.any():
            raise ValueError(f"weight is {weight!r}, expected one of {self.weights.tolist()}")
        return int(np.argmax(near))

    def rows(self) -> list[list[str]]:
        """The lines of the printed table, one a weight."""
        name = "weight {:g}" if self.algorithm == "cql" else "BC, β = {:g}"
        claims = self.scores("overestimate") if "claimed_value" in self.history else [None] * len(self.weights)
        columns = zip(self.scores("return_mean"), self.scores("hazard_rate"), claims, strict=True)
        return [summary_row(name.format(w), *scores) for w, scores in zip(self.weights, columns, strict=True)]

    def __str__(self) -> str:
        if not self.history:
            return f"Sweep of {self.seeds.size * len(self.weights)} networks, trained without mdp and so not scored"
        return str(tabulate(self.rows(), SUMMARY_HEADERS, disable_numparse=True))

    def _repr_html_(self) -> str:
        return str(
            tabulate(self.rows(), SUMMARY_HEADERS, tablefmt="html", disable_numparse=True) if self.history else self
        )

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
        with torch.random.fork_rng(), _stack.one_thread():
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
        return write_npz(path, json.dumps(header), arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sweep:
        """Reads what `save` wrote; never unpickles.

        Raises:
            ValueError: the file is no such sweep, is cut short, or holds pickled data.
        """
        header, arrays = read_npz(path, _FORMAT)
        try:
            columns: dict[str, Any] = {name: arrays[name] for name in _COLUMNS}
            fields = {"cql": SCORES, "bc": SCORES[:-2]}[header["algorithm"]] if len(columns["steps"]) else ()
            for kind in ("history", "last_history"):
                columns[kind] = {name: arrays[f"{kind}/{name}"] for name in fields}
            for kind in ("parameters", "last_parameters"):
                columns[kind] = tuple(
                    arrays[f"{kind}/{i}"] for i in range(2 + 2 * len(header["settings"]["hidden_units"]))
                )
            sweep = cls(algorithm=header["algorithm"], settings=header["settings"], **columns)
            cube = (len(sweep.weights), *sweep.seeds.shape)
            scores = (a for kind in (sweep.history, sweep.last_history) for a in kind.values())
            if any(a.shape[:3] != cube for a in (sweep.q_values, *sweep.parameters, *sweep.last_parameters)):
                raise ValueError(f"expected every array to begin with shape {cube}")
            if any(a.shape != (len(sweep.steps), *cube) for a in scores):
                raise ValueError(f"expected scores of shape {(len(sweep.steps), *cube)}")
            layers = linear_layers(sweep.agent(sweep.weights[0]))
            shapes = [p.shape for layer in layers for p in (layer[0].weight, layer[0].bias)]
            if any([a.shape[4:] for a in kind] != shapes for kind in (sweep.parameters, sweep.last_parameters)):
                raise ValueError(f"expected layers of shapes {[tuple(shape) for shape in shapes]}")
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            raise ValueError(f"{path}: does not hold a whole sweep ({type(error).__name__}: {error})") from error
        return sweep


_COLUMNS = ("weights", "seeds", "observations", "q_values", "steps")


def train_sweep(
    logs: Episodes | Sequence[Episodes],
    conservative_weights: ArrayLike = DEFAULT_WEIGHTS,
    n_seeds: int = 1,
    n_steps: int = DEFAULT_STEPS,
    *,
    mdp: TabularMDP | None = None,
    seed: int = 0,
    reward_scale: float = 0.1,
    size: int | None = 15,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    learning_rate_decay: bool = False,
    batch_size: int | None = 256,
    gamma: float = 0.99,
    n_critics: int = 1,
    target_update_interval: int = 100,
    averaging: float = 0.999,
    score_interval: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_interval: int | None = None,
    n_jobs: int | None = -1,
    device: bool | int | str = False,
    progress: bool = True,
) -> Sweep:
    """Trains d3rlpy's `DiscreteCQL` for every weight, log and network seed side by side.

    The same algorithm as `fit(create_discrete_cql(weight), build_mdpdataset(log), seed=…)`: the same initial weights,
    mini-batches, loss, optimizer, target syncs and average. Only rounding differs, and grows with the steps. Members of
    one log and seed begin alike and see the same mini-batches whatever their weight, so that a curve over the weight
    compares like with like.

    The members are cut into shards of up to 16 that run through joblib: inside
    `joblib.parallel_config(backend="dask")` the same call runs on a cluster. With M members of P parameters and H
    hidden units each, logs of N steps that visit R observations, S in the world, A actions and B transitions a batch, a
    sweep on the CPU needs up to 4·M·(13 P + 3 A (R + S)) + 64 N bytes here and, in each process,
    4·16·(10 P + max(R, S)·(2 H + 8 A) + 20·max(16 384, B)). (With C critics P, H and A count all of them.)

    Args:
        logs: one log, or several of the same world; states are told apart by their observations.
        conservative_weights: (W,) α ≥ 0, in raw reward; 0 is double DQN.
        n_seeds: networks for each weight and log, K.
        n_steps: gradient steps of each.
        mdp: the world, to cover its unvisited states and to score every member exactly.
        seed: network k of log l is trained as `fit(…, seed=seed + l·K + k)` would.
        reward_scale: as `create_discrete_cql`, and so are the arguments down to `target_update_interval`.
        size: see there.
        hidden_units: see there.
        learning_rate: see there.
        learning_rate_decay: let the learning rate fall to 0 along a cosine (Loshchilov & Hutter 2017).
        batch_size: transitions a gradient step; None takes the whole log in each.
        gamma: see there.
        n_critics: see there.
        target_update_interval: see there.
        averaging: as `fit`.
        score_interval: steps between exact scores (with `mdp`); by default once, at the end.
        checkpoint: file to which the training state is written on the way. Where it exists, training goes on from it,
            to the same numbers as without the interruption. It stays when the sweep is done.
        checkpoint_interval: steps between writes, and of the progress bar; a fifth of the run by default.
        n_jobs: processes, through joblib; −1 is one a core, None what `joblib.parallel_config` says. No result
            depends on it.
        device: as `create_discrete_cql`; on a GPU all members train in one shard.
        progress: show a progress bar.

    Raises:
        ValueError: names the argument, its value and what was expected; the log and the row; the settings in which a
            checkpoint differs.
        MemoryError: the members need more memory than there is; says how much.
    """
    recipe = {
        "reward_scale": reward_scale, "size": size, "hidden_units": hidden_units, "learning_rate": learning_rate,
        "batch_size": batch_size, "gamma": gamma, "n_critics": n_critics,
        "target_update_interval": target_update_interval,
    }  # fmt: skip
    return _train(
        "cql", logs, checked_weights("conservative_weights", conservative_weights), n_seeds, n_steps, recipe, mdp=mdp,
        seed=seed, learning_rate_decay=learning_rate_decay, averaging=averaging, score_interval=score_interval,
        checkpoint=checkpoint, checkpoint_interval=checkpoint_interval, n_jobs=n_jobs, device=device, progress=progress,
    )  # fmt: skip


def train_clone_sweep(
    logs: Episodes | Sequence[Episodes],
    betas: ArrayLike = (0.0,),
    n_seeds: int = 1,
    n_steps: int = DEFAULT_STEPS,
    *,
    size: int | None = 15,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    batch_size: int | None = 256,
    **settings: Any,
) -> Sweep:
    """Trains d3rlpy's `DiscreteBC` for every penalty β, log and network seed side by side: the clones beside a sweep.

    The same as `fit(create_discrete_bc(beta=β), …)`, up to rounding. The sweep's weights are the penalties, its
    scores those of the likeliest action; a clone claims no value.

    Args:
        logs: as `train_sweep`.
        betas: (W,) β ≥ 0, d3rlpy's penalty on the mean squared log-probability.
        n_seeds: as `train_sweep`, and so are the rest.
        n_steps: see there.
        size: see there.
        hidden_units: see there.
        learning_rate: see there.
        batch_size: see there.
        settings: mdp, seed, learning_rate_decay, averaging, score_interval, checkpoint, checkpoint_interval, n_jobs,
            device and progress of `train_sweep`.

    Raises:
        ValueError, MemoryError: as `train_sweep`.
        TypeError: an unknown keyword.
    """
    recipe = {"size": size, "hidden_units": hidden_units, "learning_rate": learning_rate, "batch_size": batch_size}
    return _train("bc", logs, checked_weights("betas", betas), n_seeds, n_steps, recipe, **settings)


def _train(
    algorithm: str,
    logs: Episodes | Sequence[Episodes],
    weights: Floats,
    n_seeds: int,
    n_steps: int,
    recipe: dict[str, Any],
    *,
    mdp: TabularMDP | None = None,
    seed: int = 0,
    learning_rate_decay: bool = False,
    averaging: float = 0.999,
    score_interval: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_interval: int | None = None,
    n_jobs: int | None = -1,
    device: bool | int | str = False,
    progress: bool = True,
) -> Sweep:
    n_seeds, n_steps = whole("n_seeds", n_seeds), whole("n_steps", n_steps)
    if score_interval is not None and mdp is None:
        raise ValueError(f"score_interval is {score_interval!r}, but without mdp there is nothing to score by")
    scoring = n_steps if score_interval is None else whole("score_interval", score_interval)
    cut = max(1, n_steps // 5) if checkpoint_interval is None else whole("checkpoint_interval", checkpoint_interval)
    if not isinstance(learning_rate_decay, (bool, np.bool_)):
        raise ValueError(f"learning_rate_decay is {learning_rate_decay!r}, expected True or False")
    if recipe["batch_size"] is not None:
        whole("batch_size", recipe["batch_size"])
    logs, place = checked_logs(logs, mdp), torch_device(device)
    first_seed = whole("seed", seed, least=0)
    if first_seed + len(logs) * n_seeds >= 2**63:
        raise ValueError(f"seed is {seed}, expected it and those counted from it to stay below 2**63")
    settings = plain(recipe | {
        "hidden_units": checked_widths(recipe["hidden_units"]), "n_steps": n_steps,
        "averaging": checked_averaging(averaging), "learning_rate_decay": learning_rate_decay,
    })  # fmt: skip
    example, _ = newborn(algorithm, settings, logs[0], first_seed)
    for i, log in enumerate(logs):
        try:
            check_observations(example, log.observations)
        except ValueError as error:
            raise ValueError(f"logs[{i}]: {error}") from None
    rows, columns = visited(logs, mdp)
    observations = rows if mdp is None else asked_observations(example, mdp)
    members = len(weights) * len(logs) * n_seeds
    # a cluster's other processes have their own memory
    here = min(joblib.effective_n_jobs(n_jobs), joblib.cpu_count(), count_shards(members, place))
    batch = settings["batch_size"] or max(map(len, logs))
    check_memory(members, example, len(rows), len(observations), here, sum(map(len, logs)), batch)

    seeds = first_seed + np.arange(len(logs) * n_seeds).reshape(len(logs), n_seeds)
    shards = build_shards(
        algorithm, settings, logs, columns, rows, observations, weights, n_seeds, example, place
    )  # fmt: skip
    identity = plain(settings | {
        "algorithm": algorithm, "weights": weights, "seeds": seeds, "score_interval": scoring,
        "device": torch.device(place).type, "logs": [fingerprint(log) for log in logs],
        "mdp": None if mdp is None else fingerprint(mdp),
    })  # fmt: skip
    step, history = 0, dict[int, Floats]()
    states: Sequence[State] = first_states(algorithm, settings, logs, seeds, len(weights), shards)
    if checkpoint:
        step, states, history = read_checkpoint(checkpoint, identity, states)

    ends = {*range(cut, n_steps, cut), *(range(scoring, n_steps, scoring) if mdp is not None else ()), n_steps}
    bar = progress_bar(
        progress, total=members * n_steps, initial=members * step, desc="sweep", unit=" steps", unit_scale=True
    )
    with bar:
        for end in sorted(end for end in ends if end > step):
            world = mdp if end % scoring == 0 or end == n_steps else None
            task = partial(joblib.delayed(_stack.train_and_score), until=end, mdp=world)
            # a call for each cut: what joblib lends the processes through files is freed after it
            results = joblib.Parallel(n_jobs, batch_size=1)(task(a, b) for a, b in zip(shards, states, strict=True))
            states = [state for state, _ in results]
            if world is not None:
                history[end] = np.concatenate([scores for _, scores in results])
            if checkpoint:
                write_checkpoint(checkpoint, identity, end, states, history)
            bar.update(members * (end - step))
            step = end

    def cube(of_shards: Iterable[Array]) -> Array:
        """From members, one a row, log after log and the weight fastest, to (W, L, K, …)."""
        rows = np.concatenate(list(of_shards))
        return np.moveaxis(rows.reshape(*seeds.shape, len(weights), *rows.shape[1:]), 2, 0)

    critics = shards[0].n_critics
    averaged, last = (
        tuple(cube(p.reshape(-1, critics, *p.shape[1:]) for p in layer) for layer in zip(*stacks, strict=True))
        for stacks in ([state.average for state in states], [state.parameters for state in states])
    )
    times = sorted(history)
    fields = SCORES if algorithm == "cql" else SCORES[:-2]
    histories = [
        {field: np.array([cube([history[t][:, kind, i]]) for t in times]) for i, field in enumerate(fields) if times}
        for kind in range(2)
    ]
    return Sweep(
        algorithm=algorithm,
        weights=weights,
        seeds=seeds,
        observations=observations,
        q_values=cube(_stack.tables(a, b.average) / a.reward_scale for a, b in zip(shards, states, strict=True)),
        parameters=averaged,
        last_parameters=last,
        steps=np.array(times, np.int64),
        history=histories[0],
        last_history=histories[1],
        settings=settings,
    )
