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
from safegrid.dataset import Episodes
from safegrid.files import read_npz, write_npz
from safegrid.mdp import TabularMDP

from .stack import State

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
