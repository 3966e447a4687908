"""The members of a sweep, how they begin, and the shards in which they train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from safegrid.agents import (
    Agent,
    create_discrete_bc,
    create_discrete_cql,
    seeded,
    trained_network,
)
from safegrid.array_types import Array, Floats, Ints
from safegrid.checks import checked
from safegrid.dataset import Episodes
from safegrid.encoders import FeatureEncoder, OneHotEncoder
from safegrid.threads import one_thread

from .stack import Shard, State, begin

SHARD = 16
"""Members whose tables fit a core's cache together."""


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


def factory(algorithm: str, settings: Mapping[str, Any]) -> Any:
    """The recipe as a function of the weight."""
    names = set(settings) - {"n_steps", "averaging", "learning_rate_decay", "largest_value"}
    recipe = {name: settings[name] for name in names if name != "batch_size" or settings[name] is not None}
    if algorithm == "bc":
        return lambda beta: create_discrete_bc(beta=beta, **recipe)
    return lambda weight: create_discrete_cql(conservative_weight=weight, **recipe)


def newborn(algorithm: str, settings: Mapping[str, Any], log: Episodes, seed: int) -> tuple[Agent, np.random.Generator]:
    """An agent as `fit` begins with, and the generator of its mini-batches."""
    agent, stream = factory(algorithm, settings)(0.0), SimpleNamespace(rng=None)
    with seeded(seed, stream), one_thread():
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
    """What the first layer takes in, (S, D); of one-hot cells, which are nothing but one, its index (S,)."""
    x = torch.tensor(observations)
    encoder = next((m for m in trained_network(agent).modules() if isinstance(m, FeatureEncoder)), None)
    if isinstance(encoder, OneHotEncoder) and encoder.places is not None:
        return encoder.cell(x)[:, 0].long().numpy()
    return (encoder.features(x) if encoder else x).numpy()


def count_shards(members: int, device: str) -> int:
    """An even number of shards of at most 16 members; one on a GPU."""
    return 1 if torch.device(device).type != "cpu" else min(members, 2 * -(-members // (2 * SHARD)))


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
    existing: tuple[Array | None, Array | None] = (None, None),
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
            existing=existing[0], all_existing=existing[1],
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
        states.append(begin(shard, parameters, streams[of_members[0] : of_members[-1] + 1]))
    return states
