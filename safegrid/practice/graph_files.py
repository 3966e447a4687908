"""A policy's graph in a file of another format, ONNX or TorchScript: written, and run as others run it."""

from __future__ import annotations

import io
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from safegrid.array_types import Array
from safegrid.threads import one_thread

from .graphs import INPUT, PolicyGraph

OPSET, IR = 18, 8
"""The versions of ONNX's operators and of its format that files are written in: onnxruntime runs them from 1.15 on."""

_jit: Any = torch.jit  # which has no types

Runner = Callable[[Array], dict[str, Array]]
"""Observations (B, …) float32 → what the file answers, by name."""


def write_onnx(graph: PolicyGraph, path: Path, about: Mapping[str, str]) -> None:
    """The graph in ONNX, checked by onnx's own checker; `about` stands in its metadata.

    Raises:
        ValueError: onnx or onnxscript is not installed.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ValueError(f"path is {path.name}, which needs {missing[0]}: pip install 'safegrid[export]'")
    import onnx

    example = torch.zeros(2, *graph.observation_shape)
    with quiet():
        program = torch.onnx.export(
            graph, (example,), dynamo=True, verbose=False, opset_version=OPSET, input_names=[INPUT],
            output_names=list(graph(example)), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    model.ir_version = IR  # the exporter states a newer one, for the notes that are deleted here
    parts = model.graph
    for part in (parts, *parts.node, *parts.input, *parts.output, *parts.value_info, *parts.initializer):
        del part.metadata_props[:]  # where the exporter says by which lines of which file of whose disk it was made
    for put in (*parts.input, *parts.output):
        put.doc_string = graph.meanings[put.name]
    onnx.helper.set_model_props(model, dict(about))
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_torchscript(graph: PolicyGraph, path: Path, about: Mapping[str, str]) -> None:
    """The graph in TorchScript, weights as constants; `about` stands in it as the extra file "safegrid.json"."""
    example, made = torch.zeros(2, *graph.observation_shape), io.BytesIO()
    with quiet(), torch.no_grad():
        # as a function: traced modules get names that count up, and the same policy would make another file
        traced = _jit.trace(lambda observations: graph(observations), example, check_trace=False, strict=False)
        _jit.save(traced, made, _extra_files={"safegrid.json": json.dumps(about)})
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w") as kept:
        for member in whole.namelist():
            # without which lines of which file of whose disk it was made by, and the checksum of that
            if not member.endswith((".debug_pkl", "/serialization_id")):
                kept.writestr(zipfile.ZipInfo(member), whole.read(member))


def run_onnx(path: Path) -> tuple[str, Runner]:
    """What runs the file, and the file as a function: onnxruntime, or onnx's slow reference where that is missing."""
    if find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        reference = ReferenceEvaluator(path.read_bytes())
        names = [str(name) for name in reference.output_names]
        return f"onnx {version('onnx')}, reference", lambda x: dict(
            zip(names, map(np.asarray, reference.run(None, {INPUT: x})), strict=True)
        )
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path.read_bytes(), settings, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    return f"onnxruntime {version('onnxruntime')}", lambda x: dict(
        zip(outputs, session.run(None, {INPUT: x}), strict=True)
    )


def run_torchscript(path: Path) -> tuple[str, Runner]:
    """What runs the file, and the file as a function."""
    with quiet():
        loaded = _jit.load(io.BytesIO(path.read_bytes()), map_location="cpu")

    def run(x: Array) -> dict[str, Array]:
        with torch.no_grad(), one_thread():
            return {name: answer.numpy() for name, answer in loaded(torch.tensor(x)).items()}

    return f"torch {version('torch')}", run


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torch's exporters say of themselves: that they are deprecated, and what they do without.

    And without what tracing says of d3rlpy's assertions: whether a trace holds for other batches is tried, not guessed.
    """
    logger = logging.getLogger("torch.onnx._internal.exporter")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for category in (DeprecationWarning, FutureWarning, _jit.TracerWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        logger.setLevel(before)


@dataclass(frozen=True)
class FileKind:
    """A format: its name, what writes it, what runs it, and the packages that it needs beside torch."""

    name: str
    write: Callable[[PolicyGraph, Path, Mapping[str, str]], None]
    run: Callable[[Path], tuple[str, Runner]]
    packages: tuple[str, ...] = ()


KINDS = {
    ".onnx": FileKind(f"ONNX, opset {OPSET}", write_onnx, run_onnx, ("onnx", "onnxscript", "onnxruntime")),
    ".pt": FileKind("TorchScript", write_torchscript, run_torchscript),
}
"""Formats by suffix."""
