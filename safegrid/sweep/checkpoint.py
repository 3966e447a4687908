"""The file from which an interrupted sweep goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from safegrid.array_types import Floats
from safegrid.checks import whole
from safegrid.dataset import Episodes
from safegrid.files.npz import read_npz, write_npz
from safegrid.files.strangers import refused_by_name
from safegrid.mdp import TabularMDP

from .results import SCORES
from .stack import State, generator

_FORMAT = "safegrid-sweep-checkpoint-1"


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
    theirs = header.get("identity")
    if not isinstance(theirs, dict):
        raise ValueError(f"{path}: identity is {str(theirs)[:60]!r}, expected that of a sweep")
    if differ := [name for name in identity if theirs.get(name) != identity[name]]:
        told = "; ".join(f"{name} was {theirs.get(name)!r}, is {identity[name]!r}" for name in differ)
        raise ValueError(
            f"checkpoint {path} belongs to other settings: {told}; expected the same, or no such file: delete it"
        )
    with refused_by_name(path, "this checkpoint is damaged", "; delete it to begin anew"):
        step, states = whole("step", header["step"], least=0), []
        for i, (like, streams) in enumerate(zip(fresh, header["streams"], strict=True)):
            stacks = {name: [arrays[f"{i}/{name}/{j}"] for j in range(len(like.average))] for name in _STACKS}
            states.append(State(step=step, target=arrays[f"{i}/target"], streams=streams, **stacks))
            kinds, expected = (
                [(a.shape, a.dtype) for n in _STACKS for a in (*getattr(s, n), s.target)] for s in (states[-1], like)
            )
            if kinds != expected or len(streams) != len(like.streams) or step > identity["n_steps"]:
                raise ValueError(f"shard {i} at step {step} is not of this sweep")
            for stream in streams:
                generator(stream)
        history = {int(k.split("/")[1]): a for k, a in arrays.items() if k.startswith("history/")}
        every, last = identity["score_interval"], identity["n_steps"]
        due = {*range(every, step + 1, every), *{last} & {step}}
        shape = (sum(len(like.target) for like in fresh), 2, len(SCORES))
        if set(history) != (due if identity["mdp"] else set()) or any(a.shape != shape for a in history.values()):
            raise ValueError(f"scores of steps {sorted(history)}, expected those of {sorted(due)}, each {shape}")
    return step, states, history
