"""What a sweep needs of memory, and its refusal where there is less."""

from __future__ import annotations

import psutil

from safegrid.agents import Agent

from .shards import SHARD, parameters_of
from .stack import CHUNK


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
    actions, shard = stacks[-1].size, min(members, SHARD)
    here = members * (13 * parameters + 3 * actions * (rows + states)) + 16 * steps
    table = max(rows, states) * (2 * hidden + 8 * actions)
    worker = shard * (10 * parameters + table + 20 * max(CHUNK, batch_size))
    return 4 * (here + n_jobs * worker)
