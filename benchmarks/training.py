"""Gradient steps per second of d3rlpy's own `fit`: our dataset against a plain MDPDataset, same agent, in turn.

Then the seconds that one agent of each kind takes with the default recipe through `safegrid.fit`.

python benchmarks/training.py
"""

import logging
from time import perf_counter

import numpy as np
import structlog
import torch

from safegrid.agents import create_discrete_bc, create_discrete_cql, create_double_dqn, fit
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdpdataset import d3rlpy
from safegrid.recipe import DEFAULT_STEPS

ROUNDS, STEPS = 7, 400


def rate(dataset):
    """Steps per second of a fresh CQL agent."""
    agent = create_discrete_cql()
    begun = perf_counter()
    agent.fit(dataset, STEPS, STEPS, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory())
    return STEPS / (perf_counter() - begun)


def main():
    torch.set_num_threads(1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    log = generate_offline_episodes(SafetyCriticalGridWorld())
    plain = d3rlpy.dataset.MDPDataset(
        log.observations, log.actions, log.rewards, log.terminals.astype(np.float32), log.timeouts.astype(np.float32),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=log.n_actions,
    )  # fmt: skip
    ours = build_mdpdataset(log)
    rates = [(rate(ours), rate(plain)) for _ in range(ROUNDS + 1)][1:]
    columnar, usual = np.median(rates, 0)
    ratio = np.median([a / b for a, b in rates])
    print(f"d3rlpy's fit: {columnar:.0f} steps/s on our dataset, {usual:.0f} on a plain one, median ratio {ratio:.2f}×")
    for create in (create_discrete_cql, create_double_dqn, create_discrete_bc):
        begun = perf_counter()
        fit(create(), ours, progress=False)
        print(f"{create.__name__}: {DEFAULT_STEPS} steps in {perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
