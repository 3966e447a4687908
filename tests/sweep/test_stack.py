"""A step side by side is d3rlpy's own step: the same gradient to rounding, on the same mini-batch."""

import numpy as np
import pytest
import torch
from example_sweeps import shard_of

from safegrid.agents import create_discrete_bc, create_discrete_cql
from safegrid.dataset import build_mdpdataset
from safegrid.mdpdataset import d3rlpy
from safegrid.sweep import stack
from safegrid.sweep.shards import linear_layers, parameters_of


def gradients(shard, agent, rows):
    """What the stack makes of the agent's present weights and target on these rows of the log."""
    with torch.no_grad():
        parameters = [torch.tensor(p) for p in parameters_of(agent)]
        for p in parameters:
            p.grad = torch.empty_like(p)
        networks = stack._Networks(parameters, torch.tensor(shard.features))
        target = torch.zeros(())
        if shard.penalties is None:
            critics = [q(torch.tensor(rows_of(agent, shard))).q_value.T for q in agent.impl.modules.targ_q_funcs]
            target = torch.stack(critics).amin(0)[None]
        indices = torch.tensor(shard.indices[0][:, rows])[:, None]
        numbers = torch.tensor(shard.numbers[0][:, rows])[:, None]
        q = networks.forward().view(1, shard.n_critics, *networks.outputs.shape[1:])
        networks.backward(stack.loss_gradient(shard, q, target, (*indices, *numbers)))
        return [p.grad.numpy() for p in parameters]


def rows_of(agent, shard):
    """The observations behind one-hot features."""
    return shard.features.reshape(len(shard.features), -1, 15).argmax(-1).astype(np.float32)


def theirs(agent):
    """The gradient that d3rlpy's last update left behind."""
    return [
        np.stack([getattr(m, name).grad.numpy() for m in layer])
        for layer in linear_layers(agent)
        for name in ("weight", "bias")
    ]


def batch_of(log, rows):
    data = build_mdpdataset(log)
    columns = {name: column[rows] for name, column in data.columns.items()}
    return d3rlpy.dataset.TransitionMiniBatch(**columns, intervals=np.ones((len(rows), 1), np.float32), transitions=[])


def largest_difference(ours, other):
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, other, strict=True))


@pytest.mark.parametrize(
    ("algorithm", "weight", "critics"), [("cql", 0.0, 1), ("cql", 6.0, 1), ("cql", 200.0, 2), ("cql", 6.0, 2),
                                         ("bc", 0.0, 1), ("bc", 0.5, 1)]
)  # fmt: skip
def test_every_gradient_is_d3rlpys(log, algorithm, weight, critics):
    torch.manual_seed(0)
    agent = (
        create_discrete_cql(conservative_weight=weight, n_critics=critics, target_update_interval=7)
        if algorithm == "cql"
        else create_discrete_bc(beta=weight)
    )
    agent.create_impl((2,), 4)
    shard = shard_of(algorithm, log, weight, agent, n_critics=critics)
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows = rng.integers(len(log), size=256)
        ours = gradients(shard, agent, rows)
        agent.update(batch_of(log, rows))
        assert largest_difference(ours, theirs(agent)) <= 1e-5


def test_another_weight_has_another_gradient(log):
    agent = create_discrete_cql(conservative_weight=6.0)
    agent.create_impl((2,), 4)
    rows = np.arange(256)
    ours = gradients(shard_of("cql", log, 6.01, agent), agent, rows)
    agent.update(batch_of(log, rows))
    assert largest_difference(ours, theirs(agent)) > 1e-4


def test_a_step_on_the_whole_log_has_the_gradient_of_all_its_rows(log):
    torch.manual_seed(0)
    agent = create_discrete_cql(conservative_weight=6.0)
    agent.create_impl((2,), 4)
    shard = shard_of("cql", log, 6.0, agent, batch_size=None)
    assert shard.indices[0].shape[1] < len(log) / 5  # distinct transitions only
    ours = gradients(shard, agent, np.arange(shard.indices[0].shape[1]))
    agent.update(batch_of(log, np.arange(len(log))))
    assert largest_difference(ours, theirs(agent)) <= 1e-5
