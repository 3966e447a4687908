"""What tests of a sweep share: what it means that two are the same, and a shard of one log."""

import numpy as np
import torch

from safegrid.agents import trained_network
from safegrid.logs import visited
from safegrid.sweep.shards import build_shards

QUIET = {"n_jobs": 1, "progress": False}


RECIPE = {
    "size": 15, "hidden_units": (64, 64), "learning_rate": 1e-3, "batch_size": 256, "reward_scale": 0.1, "gamma": 0.99,
    "n_critics": 1, "target_update_interval": 100, "averaging": 0.999, "learning_rate_decay": False, "n_steps": 200,
}  # fmt: skip


def shard_of(algorithm, log, weight, agent, **changes):
    rows, columns = visited([log], None)
    settings = RECIPE | changes
    return build_shards(algorithm, settings, [log], columns, rows, rows, np.array([weight]), 1, agent, "cpu")[0]


def same_sweep(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.parameters, b.parameters, strict=True)) and np.array_equal(
        a.q_values, b.q_values
    )


def weights_of(agent):
    return torch.cat([tensor.ravel() for tensor in trained_network(agent).state_dict().values()])
