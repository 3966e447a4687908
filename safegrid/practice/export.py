"""Off to another program: a policy as a file that needs neither d3rlpy nor this package, and its model card."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import safegrid
from safegrid.agents import Agent, built
from safegrid.array_types import Array
from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_paths
from safegrid.mdp import TabularMDP

from .card import (
    FORMAT,
    Scores,
    as_json,
    as_markdown,
    log_entry,
    score_entries,
    stated,
    stated_date,
    stated_limits,
    versions,
)
from .graph_files import KINDS, Runner
from .graphs import INPUT, AgentGraph, PolicyGraph, TableGraph
from .verification import Expected, expected_of_agent, expected_of_table, settings_of, slices


def export_policy(
    agent: Agent | ArrayLike,
    path: str | os.PathLike[str],
    *,
    observations: TabularMDP | ArrayLike | None = None,
    log: Episodes | None = None,
    scores: Scores | None = None,
    limits: Sequence[str] = (),
    licence: str | None = None,
    date: datetime.date | str | None = None,
) -> Path:
    """Writes a policy as ONNX or TorchScript, with a model card beside it, and holds the file against the policy.

    The file takes raw observations, "observations" (batch, d) float32, of any number of rows; scaling and one-hot
    encoding happen in it. It answers by name:

    - "actions" (batch,) int64: the greedy action, of equals the first, as `policy_table`'s.
    - "values" (batch, A) float32, of Q learners: as `q_table`, in discounted raw reward; left out where a reward scaler
      leaves no way back to that.
    - "probabilities" (batch, A) float32, of behaviour cloning and `DiscreteSAC`: as `policy_table(…, stochastic=True)`;
      of a table, its rows. A table that is not deterministic is followed by drawing from them alone.

    Where `policy_table` would refuse an observation (no finite number; for a one-hot encoder, no whole coordinate in
    its range), or a table does not have it, the action is −1 and the rest is NaN: the program that asks must then do
    what is safe. No action is left out: for a world in which some do not exist, export `policy_table(agent, mdp)`.

    Beside "policy.onnx" stand "policy.onnx.json" and "policy.onnx.md", the model card for machines and for people. All
    three are written, over older ones as by `save_agent`, or none is. The same policy, arguments and versions give the
    same bytes.

    Args:
        agent: a trained agent, as `fit` leaves it or `load_agent` reads it; or a policy's table (S, A) of
            probabilities.
        path: ends in .onnx (operators of version 18, which onnxruntime runs from 1.15 on) or .pt, for `torch.jit.load`.
        observations: of a table, those of its rows, (S, d), no two alike. Of an agent, those to hold the file against;
            by default the log's, or, without one, what its encoder takes. A world stands for its observations.
        log: what the policy learned from: its fingerprint, size and coverage go into the card.
        scores: exact scores and estimates by name, in raw reward: a `PolicyScore`, an `Interval` or a number each, such
            as `{"exact": score_agent(agent, mdp).exact, "doubly robust": interval}`.
        limits: sentences for the card, beside its own, such as where the policy must not be used.
        licence: of the policy, such as "MIT" (an SPDX identifier).
        date: ISO 8601; the card has one only if it is given.

    Returns:
        The path, as it was given.

    Raises:
        ValueError: an argument does not fit, the agent is untrained or diverged, or a package is missing; or the file
            does not answer as the policy does, and nothing is written: then row, both answers and the runtime are
            named. Actions may differ only where both are worth the same to `TOLERANCE`; the card counts them.
        OSError: the files cannot be written; names them.
    """
    target = Path(path)
    kind = KINDS.get(target.suffix)
    if kind is None:
        raise ValueError(f"path is {target.name}, expected a name that ends in {' or '.join(KINDS)}")
    said = {"licence": stated("licence", licence), "date": stated_date(date), "scores": score_entries(scores)}
    own_limits = stated_limits(limits)
    graph, expected, what = _held(agent, observations, log)
    about = {"format": FORMAT, "safegrid": safegrid.__version__, "policy": what["policy"]}
    about |= {} if log is None else {"log": log.fingerprint}
    about |= {} if said["licence"] is None else {"licence": said["licence"]}
    with atomic_paths(*exported_files(target)) as (file, for_machines, for_people):
        kind.write(graph, file, about)
        runtime, run = kind.run(file)
        checked = expected.hold_against(runtime, run)
        learned, uncovered = log_entry(log, lambda rows: _actions(run, rows, expected.at_once))
        raw = file.read_bytes()
        card = {"format": FORMAT} | what | said | learned | _puts(graph) | {
            "file": {"name": target.name, "kind": kind.name, "bytes": len(raw), "sha256": sha256(raw).hexdigest()},
            "limits": [*uncovered, *([] if graph.sure else [_CHANCES]), _UNKNOWN, *own_limits],
            "checked": checked,
            "versions": versions(("numpy", "torch", "d3rlpy", *kind.packages)),
        }  # fmt: skip
        for_machines.write_text(as_json(card), encoding="utf-8")
        for_people.write_text(as_markdown(card), encoding="utf-8")
    return target


_UNKNOWN = (
    "Where the policy has no answer, the action is −1 and the rest is NaN; what is safe to do then, the program that "
    "asks must know. That an answer comes does not mean that the log knew anything like the observation."
)
_CHANCES = (
    "It acts by chance: to follow it, draw an action from its probabilities. Its likeliest action alone is another "
    "policy, which keeps none of the promises made of this one."
)


def exported_files(path: str | os.PathLike[str]) -> list[Path]:
    """The three files that `export_policy` writes: the policy, and its card for machines and for people."""
    target = Path(path)
    return [target, target.with_name(f"{target.name}.json"), target.with_name(f"{target.name}.md")]


def _held(agent: Any, observations: Any, log: Episodes | None) -> tuple[PolicyGraph, Expected, dict[str, Any]]:
    """The policy as a graph, what it answers itself, and what it is."""
    graph: PolicyGraph
    if not isinstance(agent, (np.ndarray, list, tuple)):
        graph = AgentGraph(built(agent))
        _check_log(log, graph)
        what = {"policy": type(agent).__name__, "settings": settings_of(graph.agent)}
        return graph, expected_of_agent(graph, agent, observations, log), what
    if observations is None:
        raise ValueError("observations is None, expected those of the table's rows, (S, d), or their world")
    graph = TableGraph(agent, observations)
    _check_log(log, graph)
    what = {"policy": "table", "settings": {"observations": len(graph.rows), "actions": graph.n_actions}}
    return graph, expected_of_table(graph), what


def _check_log(log: Episodes | None, graph: PolicyGraph) -> None:
    if log is None:
        return
    if not isinstance(log, Episodes):
        raise ValueError(f"log is a {type(log).__name__}, expected Episodes")
    given, expected = (log.observations.shape[1:], log.n_actions), (graph.observation_shape, graph.n_actions)
    if given != expected:
        raise ValueError(
            f"log has observations of shape {given[0]} and {given[1]} actions, the policy takes {expected[0]} and "
            f"has {expected[1]}"
        )


def _actions(run: Runner, observations: Array, at_once: int) -> Array:
    return np.concatenate([run(observations[rows])["actions"] for rows in slices(len(observations), at_once)])


def _puts(graph: PolicyGraph) -> dict[str, Any]:
    """What goes in and what comes out: name, type, shape and meaning of each."""
    types = {"actions": "int64"}
    shapes = {INPUT: graph.observation_shape, "actions": ()}
    entries = {
        name: {
            "name": name, "type": types.get(name, "float32"),
            "shape": ["batch", *shapes.get(name, (graph.n_actions,))], "meaning": meaning,
        }
        for name, meaning in graph.meanings.items()
    }  # fmt: skip
    return {"inputs": [entries.pop(INPUT)], "outputs": list(entries.values())}
