"""What a sweep is made of: checked logs, shards of members, the state they begin in, and the file they go on from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import psutil
import torch
from numpy.typing import ArrayLike
from torch import nn

from . import _stack
from ._stack import Array, Shard, State
from .agents import (
    Agent,
    OneHotEncoder,
    check_observations,
    checked,
    create_discrete_bc,
    create_discrete_cql,
    seeded,
    trained_network,
)
from .dataset import Episodes, read_npz, write_npz
from .mdp import Floats, Ints, TabularMDP

_FORMAT = "safegrid-sweep-checkpoint-1"
_SHARD = 16  # members whose tables fit a core's cache together


def checked_weights(name: str, values: ArrayLike) -> Floats:
    """Different numbers of at least 0, (W,)."""
    try:
        weights = np.atleast_1d(np.asarray(values, float))
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {values!r}, expected numbers of at least 0, (W,)") from None
    if weights.ndim != 1 or not weights.size:
        raise ValueError(f"{name} has shape {weights.shape}, expected at least one weight, (W,)")
    for i, weight in enumerate(weights):
        checked(f"{name}[{i}]", float(weight), 0.0)
        if (weights[:i] == weight).any():
            raise ValueError(f"{name}[{i}] is {weight:g}, which stands there already; expected different weights")
    return weights


def checked_logs(logs: Episodes | Sequence[Episodes], mdp: TabularMDP | None) -> list[Episodes]:
    """Logs of one world: the mdp's, where one is given."""
    logs = [logs] if isinstance(logs, Episodes) else list(logs)
    if not logs:
        raise ValueError("logs is empty, expected at least one log")
    for i, log in enumerate(logs):
        if not isinstance(log, Episodes):
            raise ValueError(f"logs[{i}] is a {type(log).__name__}, expected Episodes")
        for name, got, expected in (
            ("n_actions", log.n_actions, (mdp or logs[0]).n_actions),
            ("observations of length", log.observations.shape[1], (mdp or logs[0]).observations.shape[1]),
        ):
            if got != expected:
                raise ValueError(
                    f"logs[{i}] has {name} {got}, expected {expected} as {'the mdp' if mdp else 'logs[0]'}"
                )
        if mdp is not None:
            _check_world(f"logs[{i}]", log, mdp)
    return logs


def _check_world(name: str, log: Episodes, mdp: TabularMDP) -> None:
    """Every step of the log must be possible in the world; else the exact scores would be about another one."""
    states = {row.tobytes(): s for s, row in reversed(list(enumerate(mdp.observations + 0.0)))}
    if len(states) < mdp.n_states:
        return  # some states look alike: observations do not say which transition it was
    before, after = (
        np.array([states.get(row.tobytes(), -1) for row in column + np.float32(0.0)])
        for column in (log.observations, log.next_observations)
    )
    hits = (mdp.successors[before, log.actions] == after[:, None]) & (mdp.probabilities[before, log.actions] > 0)
    hits &= np.isclose(mdp.rewards[before, log.actions], log.rewards[:, None], rtol=1e-4)
    bad = (before < 0) | (after < 0) | ~hits.any(1) | (mdp.terminal[after] != log.terminals)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{name} in row {row} goes from {log.observations[row].tolist()} by action {log.actions[row]} to "
            f"{log.next_observations[row].tolist()} with reward {log.rewards[row]:g}, "
            f"{'which ends' if log.terminals[row] else 'not ending'} the episode; in this mdp that cannot happen"
        )


def factory(algorithm: str, settings: Mapping[str, Any]) -> Any:
    """The recipe as a function of the weight."""
    names = set(settings) - {"n_steps", "averaging", "learning_rate_decay"}
    recipe = {name: settings[name] for name in names if settings[name] is not None or name == "size"}
    if algorithm == "bc":
        return lambda beta: create_discrete_bc(beta=beta, **recipe)
    return lambda weight: create_discrete_cql(conservative_weight=weight, **recipe)


def newborn_agents(
    algorithm: str, settings: Mapping[str, Any], logs: Sequence[Episodes], seeds: Ints
) -> tuple[list[Agent], list[np.random.Generator]]:
    """An agent for each log and seed as `fit` begins with, and the generator of its mini-batches."""
    agents, streams = [], []
    for i, (log, row) in enumerate(zip(logs, seeds, strict=True)):
        for seed in row:
            agent, stream = factory(algorithm, settings)(0.0), SimpleNamespace(rng=None)
            try:
                check_observations(agent, log.observations)
            except ValueError as error:
                raise ValueError(f"logs[{i}]: {error}") from None
            with seeded(int(seed), stream), _stack.one_thread():
                agent.create_impl(log.observations.shape[1:], log.n_actions)
            stream.rng.integers(len(log))  # d3rlpy draws a transition to learn the shapes
            agents.append(agent)
            streams.append(stream.rng)
    return agents, streams


def linear_layers(agent: Agent) -> list[list[nn.Linear]]:
    """The linear maps of an agent's networks: layer by layer, each for every critic."""
    network = trained_network(agent)
    critics = network if isinstance(network, nn.ModuleList) else [network]
    return list(zip(*([m for m in c.modules() if isinstance(m, nn.Linear)] for c in critics), strict=True))  # type: ignore[arg-type]


def _parameters(agent: Agent) -> list[Array]:
    """Weight (C, out, in) and bias (C, out) of each layer in turn."""
    layers = linear_layers(agent)
    tensors = (t for layer in layers for t in ([m.weight for m in layer], [m.bias for m in layer]))
    return [np.stack([p.detach().cpu().numpy() for p in t]) for t in tensors]


def _features(agent: Agent, observations: Array) -> Array:
    """What the first layer takes in, (S, D)."""
    x = torch.tensor(observations)
    encoder = next((m for m in trained_network(agent).modules() if isinstance(m, OneHotEncoder)), None)
    return (encoder.one_hot(x) if encoder else x).numpy()


def visited(logs: Sequence[Episodes], one_world: bool = True) -> tuple[Array, list[Array]]:
    """The distinct observations, (R, d), and for each log the row before and after each step, (2, N).

    After a terminal there is none: the row before stands there again, and its discount is 0. With `one_world`, logs
    that contradict each other are refused.
    """
    everything, codes = _distinct(
        np.concatenate([o for log in logs for o in (log.observations, log.next_observations)])
    )
    pairs = [c.reshape(2, -1) for c in np.split(codes, np.cumsum([2 * len(log) for log in logs])[:-1])]
    if one_world:
        _check_one_world(logs, pairs)
    pairs = [np.stack([b, np.where(log.terminals, b, a)]) for log, (b, a) in zip(logs, pairs, strict=True)]
    used = np.unique(np.concatenate([p.ravel() for p in pairs]))
    return everything[used], [np.searchsorted(used, p) for p in pairs]


def _distinct(rows: Array) -> tuple[Array, Array]:
    """`np.unique(rows, axis=0, return_inverse=True)`, column by column and so many times faster."""
    codes = np.zeros(len(rows), np.int64)
    for column in rows.T:
        values, code = np.unique(column, return_inverse=True)
        codes = np.unique(codes * len(values) + code, return_inverse=True)[1]
    return rows[np.unique(codes, return_index=True)[1]], codes


def _check_one_world(logs: Sequence[Episodes], pairs: Sequence[Array]) -> None:
    """Where no log acts in an observation that ends its episodes, no other log may do so either."""
    ends = [np.unique(after[log.terminals]) for log, (_, after) in zip(logs, pairs, strict=True)]
    if any(np.isin(end, before).any() for end, (before, _) in zip(ends, pairs, strict=True)):
        return
    for i, j in product(range(len(logs)), repeat=2):
        if (acted := np.isin(pairs[j][0], ends[i])).any():
            row = int(np.argmax(acted))
            where = logs[j].observations[row].tolist()
            raise ValueError(
                f"logs[{i}] ends episodes in {where}, where logs[{j}] goes on in row {row}; expected logs of one world"
            )


def build_shards(
    algorithm: str,
    settings: Mapping[str, Any],
    logs: Sequence[Episodes],
    columns: Sequence[Array],
    rows: Array,
    observations: Array,
    weights: Floats,
    newborns: Sequence[Agent],
    device: str,
) -> list[Shard]:
    """Cuts members, log after log and seed after seed with the weight fastest, into shards."""
    scale, gamma = settings.get("reward_scale", 1.0), settings.get("gamma", 0.99)
    indices, numbers = [], []
    for log, (before, after) in zip(logs, columns, strict=True):
        transitions = [log.actions * len(rows) + before, after, log.rewards * np.float32(scale), gamma * ~log.terminals]
        share = np.full(len(log), 1 / (settings["batch_size"] or len(log)))
        if settings["batch_size"] is None:
            _, first, counts = np.unique(np.stack(transitions), axis=1, return_index=True, return_counts=True)
            transitions, share = [column[first] for column in transitions], counts / len(log)
        indices.append(np.stack(transitions[:2]).astype(np.int64))
        numbers.append(np.stack([*transitions[2:], share]).astype(np.float32))

    members = len(newborns) * len(weights)
    count = 1 if device != "cpu" else 2 * -(-members // (2 * _SHARD))
    parts = np.array_split(np.arange(members), min(members, count))
    q = algorithm == "cql"
    return [
        Shard(
            features=_features(newborns[0], rows), all_features=_features(newborns[0], observations),
            indices=[indices[log] for log in used], numbers=[numbers[log] for log in used],
            streams=np.searchsorted(used, logs_of), members=part // len(weights) - part[0] // len(weights),
            conservative=(weights[part % len(weights)] * scale if q else np.ones(len(part))).astype(np.float32),
            penalties=None if q else weights[part % len(weights)].astype(np.float32),
            batch_size=settings["batch_size"], n_critics=settings.get("n_critics", 1),
            target_update_interval=settings.get("target_update_interval", 1),
            learning_rate=settings["learning_rate"], learning_rate_decay=settings["learning_rate_decay"],
            averaging=settings["averaging"], n_steps=settings["n_steps"], device=device,
        )
        for part in parts
        for logs_of in [np.unique(part // len(weights)) // (len(newborns) // len(logs))]
        for used in [np.unique(logs_of)]
    ]  # fmt: skip


def first_states(
    shards: Sequence[Shard], newborns: Sequence[Agent], streams: Sequence[np.random.Generator], n_weights: int
) -> list[State]:
    """Every shard's state before the first step; members of one log and seed begin alike."""
    parameters = [
        np.concatenate(layer)
        for layer in zip(*(_parameters(a) for a in newborns for _ in range(n_weights)), strict=True)
    ]
    states, begun = [], 0
    for shard in shards:
        members = slice(begun, begun := begun + len(shard.members))
        networks = slice(members.start * shard.n_critics, members.stop * shard.n_critics)
        of_shard = streams[members.start // n_weights : -(-members.stop // n_weights)]
        states.append(_stack.begin(shard, [p[networks] for p in parameters], of_shard))
    return states


def torch_device(device: bool | int | str) -> str:
    """d3rlpy's ways of naming a device, as torch's."""
    name = device if isinstance(device, str) else "cpu" if device is False else f"cuda:{int(device)}"
    name = "cuda:0" if device is True else name
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {device!r}, which torch cannot use here: {str(error).splitlines()[0]}") from None
    return name


def check_memory(members: int, agent: Agent, rows: int, states: int, n_jobs: int) -> None:
    """Refuses what does not fit into memory."""
    needed, there = sweep_memory(members, agent, rows, states, n_jobs), psutil.virtual_memory().available
    if needed > there:
        raise MemoryError(
            f"{members} members in {n_jobs} processes need {needed / 2**30:.1f} GiB, {there / 2**30:.1f} GiB are free; "
            "expected fewer logs, weights or seeds, or smaller networks"
        )


def sweep_memory(members: int, agent: Agent, rows: int, states: int, n_jobs: int) -> int:
    """Bytes that a sweep needs, by the formula of `train_sweep`."""
    stacks = _parameters(agent)
    parameters, hidden = sum(p.size for p in stacks), sum(p.size for p in stacks[1:-1:2])
    actions, shard = stacks[-1].size, min(members, _SHARD)
    here = members * (12 * parameters + 3 * actions * (rows + states))
    worker = shard * (10 * parameters + max(rows, states) * (2 * hidden + 8 * actions))
    return 4 * (here + n_jobs * worker)


def fingerprint(record: Episodes | TabularMDP) -> str:
    """Hash of everything in a log or a world."""
    return str(joblib.hash([getattr(record, f.name) for f in fields(record)]))


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    return dict(json.loads(json.dumps(settings, default=lambda x: x.tolist())))


_STACKS = ("parameters", "average", "first_moment", "second_moment")


def write_checkpoint(
    path: str | os.PathLike[str],
    identity: dict[str, Any],
    step: int,
    states: Sequence[State],
    history: Mapping[int, Floats],
) -> None:
    """Writes everything needed to go on, all or nothing."""
    arrays = {f"history/{at}": scores for at, scores in history.items()}
    for i, state in enumerate(states):
        arrays[f"{i}/target"] = state.target
        arrays |= {f"{i}/{name}/{j}": a for name in _STACKS for j, a in enumerate(getattr(state, name))}
    header = {
        "format": _FORMAT, "identity": identity, "step": step, "streams": [s.streams for s in states],
    }  # fmt: skip
    write_npz(path, json.dumps(header), arrays, compressed=False)


def read_checkpoint(
    path: str | os.PathLike[str], identity: dict[str, Any]
) -> tuple[int, list[State] | None, dict[int, Floats]]:
    """Step, states and scores to go on from; step 0 where there is no file yet."""
    if not Path(path).exists():
        return 0, None, {}
    header, arrays = read_npz(path, _FORMAT)
    try:
        theirs, step, streams = header["identity"], header["step"], header["streams"]
        if differ := [name for name in identity if theirs.get(name) != identity[name]]:
            told = "; ".join(f"{name} was {theirs.get(name)!r}, is {identity[name]!r}" for name in differ)
            raise ValueError(f"checkpoint {path} belongs to other settings: {told}; expected the same, or another file")
        layers = range(sum(key.startswith("0/average/") for key in arrays))
        states = []
        for i, rngs in enumerate(streams):
            stacks: dict[str, Any] = {name: [arrays[f"{i}/{name}/{j}"] for j in layers] for name in _STACKS}
            states.append(State(step=step, target=arrays[f"{i}/target"], streams=rngs, **stacks))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"checkpoint {path} is incomplete ({error!r})") from error
    return step, states, {int(k.split("/")[1]): a for k, a in arrays.items() if k.startswith("history/")}
