"""Hundreds of CQL networks at once: the whole curve over the conservative weight, for many logs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import joblib
import numpy as np
import torch
from numpy.typing import ArrayLike

from safegrid.agents import asked_observations, check_observations, progress_bar
from safegrid.array_types import Array, Floats
from safegrid.checks import checked_averaging, checked_widths, whole
from safegrid.dataset import Episodes
from safegrid.evaluation import warn_diverged
from safegrid.logs import checked_logs, existing, visited
from safegrid.mdp import TabularMDP
from safegrid.recipe import UNIT, Auto, Recipe, is_auto, largest_value, proposal
from safegrid.threads import torch_device

from .checkpoint import fingerprint, plain, read_checkpoint, write_checkpoint
from .memory import check_memory
from .results import SCORES, Sweep
from .shards import build_shards, checked_weights, count_shards, first_states, newborn
from .stack import State, tables, train_and_score

Watch = Callable[[int, Floats, Floats], object]
"""What looks on while a sweep trains: step, claims of the averaged networks, claims of the last weights."""

DEFAULT_WEIGHTS = (0.0, 1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""In a world whose largest reward is 100; in another, in proportion."""


def train_sweep(
    logs: Episodes | Sequence[Episodes],
    conservative_weights: ArrayLike | Auto = "auto",
    n_seeds: int = 1,
    n_steps: int | Auto = "auto",
    *,
    mdp: TabularMDP | None = None,
    seed: int = 0,
    reward_scale: float | Auto = "auto",
    size: int | Auto | None = "auto",
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    learning_rate_decay: bool = False,
    batch_size: int | None = 256,
    gamma: float = 0.99,
    n_critics: int = 1,
    target_update_interval: int = 100,
    averaging: float = 0.999,
    score_interval: int | None = None,
    watch: Watch | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_interval: int | None = None,
    n_jobs: int | None = -1,
    device: bool | int | str = False,
    progress: bool = True,
) -> Sweep:
    """Trains d3rlpy's `DiscreteCQL` for every weight, log and network seed side by side.

    The same algorithm as `fit(create_discrete_cql(weight, …), log, seed=…)` with the same settings: the same initial
    weights, mini-batches, loss, optimizer, target syncs and average. Only rounding differs, and grows with the steps.
    Members of one log and seed begin alike and see the same mini-batches whatever their weight, so that a curve over
    the weight compares like with like.

    The members are cut into shards of up to 16 that run through joblib: inside
    `joblib.parallel_config(backend="dask")` the same call runs on a cluster. With M members of P parameters and H
    hidden units each, logs of N steps that visit R observations, S in the world, A actions and B transitions a batch, a
    sweep on the CPU needs up to 4·M·(13 P + 3 A (R + S)) + 64 N bytes here and, in each process,
    4·16·(10 P + max(R, S)·(2 H + 8 A) + 20·max(16 384, B)). (With C critics P, H and A count all of them.)

    Settings that are "auto" are those of `propose_recipe`, in the units of these logs; `Sweep.settings` holds them.

    Args:
        logs: one log, or several of the same world; states are told apart by their observations.
        conservative_weights: (W,) α ≥ 0, in raw reward; 0 is double DQN. By default ten, from 0 to twice the largest
            reward.
        n_seeds: networks for each weight and log, K.
        n_steps: gradient steps of each.
        mdp: the world, to cover its unvisited states and to score every member exactly. Actions that do not exist in it
            are left out of softmax, targets and policies; d3rlpy's own training knows nothing of them.
        seed: network k of log l is trained as `fit(…, seed=seed + l·K + k)` would.
        reward_scale: as `create_discrete_cql`, and so are the arguments down to `target_update_interval`.
        size: see there.
        cells: see there.
        ranges: see there.
        hidden_units: see there.
        learning_rate: see there.
        learning_rate_decay: let the learning rate fall to 0 along a cosine (Loshchilov & Hutter 2017).
        batch_size: transitions a gradient step; None takes the whole log in each.
        gamma: see there.
        n_critics: see there.
        target_update_interval: see there.
        averaging: as `fit`.
        score_interval: steps between exact scores (with `mdp`); by default once, at the end.
        watch: called after each scored step with the step, the averaged networks' claims there and those of the last
            weights, both (W, L, K, S, A) as `Sweep.q_values`.
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
    logs = checked_logs(logs, mdp, scored=True)
    proposed = proposal(logs, mdp)
    recipe = _features(proposed, size, cells, ranges) | {
        "reward_scale": proposed.reward_scale if is_auto(reward_scale) else reward_scale,
        "hidden_units": hidden_units, "learning_rate": learning_rate, "batch_size": batch_size, "gamma": gamma,
        "n_critics": n_critics, "target_update_interval": target_update_interval,
        "largest_value": largest_value(logs if mdp is None else mdp, gamma),
    }  # fmt: skip
    ladder = np.array(DEFAULT_WEIGHTS) * proposed.largest_reward / UNIT
    weights: Any = ladder if is_auto(conservative_weights) else conservative_weights
    steps: Any = proposed.n_steps if is_auto(n_steps) else n_steps
    return _train(
        "cql", logs, checked_weights("conservative_weights", weights), n_seeds, steps, recipe, mdp=mdp, seed=seed,
        learning_rate_decay=learning_rate_decay, averaging=averaging, score_interval=score_interval, watch=watch,
        checkpoint=checkpoint, checkpoint_interval=checkpoint_interval, n_jobs=n_jobs, device=device, progress=progress,
    )  # fmt: skip


def train_clone_sweep(
    logs: Episodes | Sequence[Episodes],
    betas: ArrayLike = (0.0,),
    n_seeds: int = 1,
    n_steps: int | Auto = "auto",
    *,
    mdp: TabularMDP | None = None,
    size: int | Auto | None = "auto",
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
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
        mdp: see there.
        size: see there.
        cells: see there.
        ranges: see there.
        hidden_units: see there.
        learning_rate: see there.
        batch_size: see there.
        settings: seed, learning_rate_decay, averaging, score_interval, watch, checkpoint, checkpoint_interval, n_jobs,
            device and progress of `train_sweep`.

    Raises:
        ValueError, MemoryError: as `train_sweep`.
        TypeError: an unknown keyword.
    """
    logs = checked_logs(logs, mdp, scored=True)
    proposed = proposal(logs, mdp)
    recipe = _features(proposed, size, cells, ranges) | {
        "hidden_units": hidden_units, "learning_rate": learning_rate, "batch_size": batch_size,
    }  # fmt: skip
    steps: Any = proposed.n_steps if is_auto(n_steps) else n_steps
    return _train("bc", logs, checked_weights("betas", betas), n_seeds, steps, recipe, mdp=mdp, **settings)


def _features(
    proposed: Recipe, size: Any, cells: bool, ranges: Sequence[Sequence[float]] | None
) -> dict[str, Any]:  # fmt: skip
    if not is_auto(size):
        return {"size": size, "cells": cells, "ranges": ranges}
    if cells or ranges is not None:
        raise ValueError("size is 'auto', expected a size with cells, and size=None with ranges")
    return proposed.features


def _train(
    algorithm: str,
    logs: Sequence[Episodes],
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
    watch: Watch | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_interval: int | None = None,
    n_jobs: int | None = -1,
    device: bool | int | str = False,
    progress: bool = True,
) -> Sweep:
    n_seeds, n_steps = whole("n_seeds", n_seeds), whole("n_steps", n_steps)
    if score_interval is not None and mdp is None:
        raise ValueError(f"score_interval is {score_interval!r}, but without mdp there is nothing to score by")
    if watch is not None and (mdp is None or not callable(watch)):
        raise ValueError(f"watch is {watch!r}, expected a function, and an mdp to score by")
    scoring = n_steps if score_interval is None else whole("score_interval", score_interval)
    cut = max(1, n_steps // 5) if checkpoint_interval is None else whole("checkpoint_interval", checkpoint_interval)
    if not isinstance(learning_rate_decay, (bool, np.bool_)):
        raise ValueError(f"learning_rate_decay is {learning_rate_decay!r}, expected True or False")
    if recipe["batch_size"] is not None:
        whole("batch_size", recipe["batch_size"])
    place = torch_device(device)
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
        algorithm, settings, logs, columns, rows, observations, weights, n_seeds, example, place, existing(rows, mdp)
    )
    identity = plain(settings | {
        "algorithm": algorithm, "weights": weights, "seeds": seeds, "score_interval": scoring,
        "device": torch.device(place).type, "logs": [fingerprint(log) for log in logs],
        "mdp": None if mdp is None else fingerprint(mdp),
    })  # fmt: skip
    step, history = 0, dict[int, Floats]()
    states: Sequence[State] = first_states(algorithm, settings, logs, seeds, len(weights), shards)
    if checkpoint:
        step, states, history = read_checkpoint(checkpoint, identity, states)

    def cube(of_shards: Iterable[Array]) -> Array:
        """From members, one a row, log after log and the weight fastest, to (W, L, K, …)."""
        rows = np.concatenate(list(of_shards))
        return np.moveaxis(rows.reshape(*seeds.shape, len(weights), *rows.shape[1:]), 2, 0)

    def claims(kind: str) -> Floats:
        """What every member answers with its weights of a kind, in raw reward."""
        pairs = zip(shards, states, strict=True)
        return cube(tables(shard, getattr(state, kind)) / shard.reward_scale for shard, state in pairs)

    ends = {*range(cut, n_steps, cut), *(range(scoring, n_steps, scoring) if mdp is not None else ()), n_steps}
    bar = progress_bar(
        progress, total=members * n_steps, initial=members * step, desc="sweep", unit=" steps", unit_scale=True
    )
    with bar:
        for end in sorted(end for end in ends if end > step):
            world = mdp if end % scoring == 0 or end == n_steps else None
            task = partial(joblib.delayed(train_and_score), until=end, mdp=world)
            # a call for each cut: what joblib lends the processes through files is freed after it
            results = joblib.Parallel(n_jobs, batch_size=1)(task(a, b) for a, b in zip(shards, states, strict=True))
            states = [state for state, _ in results]
            if world is not None:
                history[end] = np.concatenate([scores for _, scores in results])
                if watch is not None:
                    watch(end, claims("average"), claims("parameters"))
            if checkpoint:
                write_checkpoint(checkpoint, identity, end, states, history)
            bar.update(members * (end - step))
            step = end

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
    sweep = Sweep(
        algorithm=algorithm,
        weights=weights,
        seeds=seeds,
        observations=observations,
        q_values=claims("average"),
        parameters=averaged,
        last_parameters=last,
        steps=np.array(times, np.int64),
        history=histories[0],
        last_history=histories[1],
        settings=settings,
    )
    warn_diverged([
        f"weight {weights[w]:g} on log {log} with network seed {seeds[log, seed]}"
        for w, log, seed in np.argwhere(sweep.diverged)
    ])  # fmt: skip
    return sweep
