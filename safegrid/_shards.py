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
    weights = np.atleast_1d(np.asarray(values))
    if weights.size and weights.dtype.kind not in "iuf":
        raise ValueError(f"{name} is {values!r}, expected numbers of at least 0, (W,)")
    weights = weights.astype(float)
    if weights.ndim != 1 or not weights.size:
        raise ValueError(f"{name} has shape {weights.shape}, expected at least one weight, (W,)")
    for i, weight in enumerate(weights):
        checked(f"{name}[{i}]", float(weight), 0.0, 1e30)
        if (weights[:i] == weight).any():
            raise ValueError(f"{name}[{i}] is {weight:g}, which stands there already; expected different weights")
    return weights


def checked_logs(logs: Episodes | Sequence[Episodes], mdp: TabularMDP | None) -> list[Episodes]:
    """Logs that fit each other, and the mdp where one is given."""
    if mdp is not None and not isinstance(mdp, TabularMDP):
        raise ValueError(f"mdp is a {type(mdp).__name__}, expected a TabularMDP, such as env.mdp")
    if mdp is not None and mdp.horizon is None:
        raise ValueError("mdp has no horizon, expected one: exact scores are taken over it")
    if not isinstance(logs, (Episodes, list, tuple)):
        raise ValueError(f"logs is a {type(logs).__name__}, expected Episodes, or a list of them")
    logs = [logs] if isinstance(logs, Episodes) else list(logs)
    if not logs:
        raise ValueError("logs is empty, expected at least one log")
    for i, log in enumerate(logs):
        if not isinstance(log, Episodes):
            raise ValueError(f"logs[{i}] is a {type(log).__name__}, expected Episodes")
        like, name = (logs[0], "logs[0]") if mdp is None else (mdp, "the mdp")
        if log.n_actions != like.n_actions:
            raise ValueError(f"logs[{i}] has n_actions {log.n_actions}, expected {like.n_actions} as {name}")
        length, expected = log.observations.shape[1], like.observations.shape[1]
        if length != expected:
            raise ValueError(f"logs[{i}] has observations of length {length}, expected {expected} as {name}")
    return logs


def factory(algorithm: str, settings: Mapping[str, Any]) -> Any:
    """The recipe as a function of the weight."""
    names = set(settings) - {"n_steps", "averaging", "learning_rate_decay"}
    recipe = {name: settings[name] for name in names if name != "batch_size" or settings[name] is not None}
    if algorithm == "bc":
        return lambda beta: create_discrete_bc(beta=beta, **recipe)
    return lambda weight: create_discrete_cql(conservative_weight=weight, **recipe)


def newborn(algorithm: str, settings: Mapping[str, Any], log: Episodes, seed: int) -> tuple[Agent, np.random.Generator]:
    """An agent as `fit` begins with, and the generator of its mini-batches."""
    agent, stream = factory(algorithm, settings)(0.0), SimpleNamespace(rng=None)
    with seeded(seed, stream), _stack.one_thread():
        agent.create_impl(log.observations.shape[1:], log.n_actions)
    # d3rlpy draws one of its transitions to learn the shapes; the last step of a time-out is none to it
    stream.rng.integers(max(1, len(log) - int(log.timeouts.sum())))
    return agent, stream.rng


def linear_layers(agent: Agent) -> list[list[nn.Linear]]:
    """The linear maps of an agent's networks: layer by layer, each for every critic."""
    network = trained_network(agent)
    critics = network if isinstance(network, nn.ModuleList) else [network]
    return list(zip(*([m for m in c.modules() if isinstance(m, nn.Linear)] for c in critics), strict=True))  # type: ignore[arg-type]


def parameters_of(agent: Agent) -> list[Array]:
    """Weight (C, out, in) and bias (C, out) of each layer in turn."""
    layers = linear_layers(agent)
    tensors = (t for layer in layers for t in ([m.weight for m in layer], [m.bias for m in layer]))
    return [np.stack([p.detach().cpu().numpy() for p in t]) for t in tensors]


def _features(agent: Agent, observations: Array) -> Array:
    """What the first layer takes in, (S, D)."""
    x = torch.tensor(observations)
    encoder = next((m for m in trained_network(agent).modules() if isinstance(m, OneHotEncoder)), None)
    return (encoder.one_hot(x) if encoder else x).numpy()


def visited(logs: Sequence[Episodes], mdp: TabularMDP | None) -> tuple[Array, list[Array]]:
    """The distinct observations, (R, d), and for each log the row before and after each step, (2, N).

    After a terminal there is none: the row before stands there again, and its discount is 0.

    Raises:
        ValueError: a step cannot happen in the mdp, or, without one, logs contradict each other.
    """
    everything, codes = _distinct(
        np.concatenate([o for log in logs for o in (log.observations, log.next_observations)])
    )
    pairs = [c.reshape(2, -1) for c in np.split(codes, np.cumsum([2 * len(log) for log in logs])[:-1])]
    # `Episodes.from_arrays` fills what follows a terminal with zeros where it is not told
    told = [~log.terminals | log.next_observations.any(1) for log in logs]
    if mdp is None:
        _check_one_world(logs, pairs, told)
    else:
        _check_world(logs, pairs, told, everything, mdp)
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


def _check_one_world(logs: Sequence[Episodes], pairs: Sequence[Array], told: Sequence[Array]) -> None:
    """Where no log acts in an observation that ends its episodes, no other log may do so either."""
    ends = [np.unique(p[1, log.terminals & known]) for log, p, known in zip(logs, pairs, told, strict=True)]
    if any(np.isin(end, before).any() for end, (before, _) in zip(ends, pairs, strict=True)):
        return
    for i, j in product(range(len(logs)), repeat=2):
        if (acted := np.isin(pairs[j][0], ends[i])).any():
            row = int(np.argmax(acted))
            where = logs[j].observations[row].tolist()
            raise ValueError(
                f"logs[{i}] ends episodes in {where}, where logs[{j}] goes on in row {row}; expected logs of one world"
            )


def _check_world(
    logs: Sequence[Episodes], pairs: Sequence[Array], told: Sequence[Array], everything: Array, mdp: TabularMDP
) -> None:
    """Every step must be possible in the world; else the exact scores would be about another one."""
    states = {row.tobytes(): s for s, row in enumerate(mdp.observations + np.float32(0.0))}
    alike = len(states) < mdp.n_states  # then observations do not say which transition it was
    state_of = np.array([states.get(row.tobytes(), -1) for row in everything + np.float32(0.0)])
    for i, (log, pair, known) in enumerate(zip(logs, pairs, told, strict=True)):
        before, after = state_of[pair]
        hits = mdp.probabilities[before, log.actions] > 0
        hits &= np.isclose(mdp.rewards[before, log.actions], log.rewards[:, None], rtol=1e-4)
        following = mdp.successors[before, log.actions]
        hits &= np.where(known[:, None], following == after[:, None], True)
        hits &= mdp.terminal[following] == log.terminals[:, None]
        bad = (before < 0) | (known & (after < 0)) | (~hits.any(1) & (not alike))
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"logs[{i}] in row {row} goes from {log.observations[row].tolist()} by action {log.actions[row]} to "
                f"{log.next_observations[row].tolist()} with reward {log.rewards[row]:g}, "
                f"{'which ends' if log.terminals[row] else 'not ending'} the episode; in this mdp that cannot happen"
            )


def count_shards(members: int, device: str) -> int:
    """An even number of shards of at most 16 members; one on a GPU."""
    return 1 if torch.device(device).type != "cpu" else min(members, 2 * -(-members // (2 * _SHARD)))


def build_shards(
    algorithm: str,
    settings: Mapping[str, Any],
    logs: Sequence[Episodes],
    columns: Sequence[Array],
    rows: Array,
    observations: Array,
    weights: Floats,
    n_seeds: int,
    example: Agent,
    device: str,
) -> list[Shard]:
    """Cuts members, log after log and seed after seed with the weight fastest, into shards."""
    scale, gamma = float(settings.get("reward_scale", 1.0)), settings.get("gamma", 0.99)  # those of a clone
    indices, numbers = [], []
    for log, (before, after) in zip(logs, columns, strict=True):
        transitions = [log.actions * len(rows) + before, after, log.rewards * np.float32(scale), gamma * ~log.terminals]
        share = np.full(len(log), 1 / (settings["batch_size"] or len(log)))
        if settings["batch_size"] is None:
            _, first, counts = np.unique(np.stack(transitions), axis=1, return_index=True, return_counts=True)
            transitions, share = [column[first] for column in transitions], counts / len(log)
        indices.append(np.stack(transitions[:2]).astype(np.int64))
        numbers.append(np.stack([*transitions[2:], share]).astype(np.float32))

    members = len(logs) * n_seeds * len(weights)
    parts = np.array_split(np.arange(members), count_shards(members, device))
    q = algorithm == "cql"
    return [
        Shard(
            features=_features(example, rows), all_features=_features(example, observations),
            indices=[indices[log] for log in used], numbers=[numbers[log] for log in used],
            streams=np.searchsorted(used, logs_of), members=part // len(weights) - part[0] // len(weights),
            conservative=(weights[part % len(weights)] * scale if q else np.ones(len(part))).astype(np.float32),
            penalties=None if q else weights[part % len(weights)].astype(np.float32),
            batch_size=settings["batch_size"], n_critics=settings.get("n_critics", 1),
            target_update_interval=settings.get("target_update_interval", 1),
            learning_rate=settings["learning_rate"], learning_rate_decay=settings["learning_rate_decay"],
            averaging=settings["averaging"], n_steps=settings["n_steps"], reward_scale=scale, gamma=gamma,
            device=device,
        )
        for part in parts
        for logs_of in [np.unique(part // len(weights)) // n_seeds]
        for used in [np.unique(logs_of)]
    ]  # fmt: skip


def first_states(
    algorithm: str,
    settings: Mapping[str, Any],
    logs: Sequence[Episodes],
    seeds: Ints,
    n_weights: int,
    shards: Sequence[Shard],
) -> list[State]:
    """Every shard's state before the first step; members of one log and seed begin alike."""
    births = [newborn(algorithm, settings, log, int(s)) for log, row in zip(logs, seeds, strict=True) for s in row]
    stacks, streams = [parameters_of(agent) for agent, _ in births], [stream for _, stream in births]
    del births
    states, begun = [], 0
    for shard in shards:
        of_members = np.arange(begun, begun := begun + len(shard.members)) // n_weights
        parameters = [np.concatenate(layer) for layer in zip(*(stacks[i] for i in of_members), strict=True)]
        states.append(_stack.begin(shard, parameters, streams[of_members[0] : of_members[-1] + 1]))
    return states


def torch_device(device: bool | int | str) -> str:
    """d3rlpy's ways of naming a device, as torch's."""
    if not isinstance(device, (bool, int, str)):
        raise ValueError(f"device is {device!r}, expected False, True, the index of a GPU or torch's name of a device")
    name = device if isinstance(device, str) else "cpu" if device is False else f"cuda:{int(device)}"
    name = "cuda:0" if device is True else name
    try:
        torch.ones(1, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device is {device!r}, which torch cannot use here: {str(error).splitlines()[0]}") from None
    return name


def check_memory(
    members: int, example: Agent, rows: int, states: int, n_jobs: int, steps: int, batch_size: int
) -> None:
    """Refuses what does not fit into memory."""
    needed = sweep_memory(members, example, rows, states, n_jobs, steps, batch_size)
    there = psutil.virtual_memory().available
    if needed > there:
        raise MemoryError(
            f"{members} members in {n_jobs} processes need {needed / 2**30:.1f} GiB, {there / 2**30:.1f} GiB are free; "
            "expected fewer logs, weights or seeds, smaller networks or smaller batches"
        )


def sweep_memory(members: int, example: Agent, rows: int, states: int, n_jobs: int, steps: int, batch_size: int) -> int:
    """Bytes that a sweep needs, by the formula of `train_sweep`."""
    stacks = parameters_of(example)
    parameters, hidden = sum(p.size for p in stacks), sum(p.size for p in stacks[1:-1:2])
    actions, shard = stacks[-1].size, min(members, _SHARD)
    here = members * (13 * parameters + 3 * actions * (rows + states)) + 16 * steps
    table = max(rows, states) * (2 * hidden + 8 * actions)
    worker = shard * (10 * parameters + table + 20 * max(_stack.CHUNK, batch_size))
    return 4 * (here + n_jobs * worker)


def fingerprint(record: Episodes | TabularMDP) -> str:
    """Hash of everything in a log or a world."""
    columns = (getattr(record, f.name) for f in fields(record))
    return str(joblib.hash([np.ascontiguousarray(c) if isinstance(c, np.ndarray) else c for c in columns]))


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
    path: str | os.PathLike[str], identity: dict[str, Any], fresh: Sequence[State]
) -> tuple[int, Sequence[State], dict[int, Floats]]:
    """Step, states and scores to go on from; where there is no file yet, the fresh states at step 0."""
    if not Path(path).exists():
        write_checkpoint(path, identity, 0, fresh, {})  # if that is impossible, better now than later
        return 0, fresh, {}
    header, arrays = read_npz(path, _FORMAT)
    theirs = header.get("identity") or {}
    if differ := [name for name in identity if theirs.get(name) != identity[name]]:
        told = "; ".join(f"{name} was {theirs.get(name)!r}, is {identity[name]!r}" for name in differ)
        raise ValueError(f"checkpoint {path} belongs to other settings: {told}; expected the same, or another file")
    try:
        step, states = header["step"], []
        for i, (like, streams) in enumerate(zip(fresh, header["streams"], strict=True)):
            stacks = {name: [arrays[f"{i}/{name}/{j}"] for j in range(len(like.average))] for name in _STACKS}
            states.append(State(step=step, target=arrays[f"{i}/target"], streams=streams, **stacks))
            shapes, expected = (
                [a.shape for n in _STACKS for a in (*getattr(s, n), s.target)] for s in (states[-1], like)
            )
            if shapes != expected or len(streams) != len(like.streams) or step not in range(identity["n_steps"] + 1):
                raise ValueError(f"shard {i} at step {step!r} is not of this sweep")
        history = {int(k.split("/")[1]): a for k, a in arrays.items() if k.startswith("history/")}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"checkpoint {path} is damaged ({error}); delete it to begin anew") from error
    return step, states, history
