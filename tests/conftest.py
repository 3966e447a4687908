"""Worlds and logs that many tests look at."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks crawl where threads compete for a busy core

import pytest

from safegrid.dataset import Episodes, build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld


@pytest.fixture(scope="session")
def original() -> SafetyCriticalGridWorld:
    return SafetyCriticalGridWorld()


@pytest.fixture(scope="session")
def crossroads() -> SafetyCriticalGridWorld:
    return SafetyCriticalGridWorld(map_name="crossroads")


@pytest.fixture(scope="session")
def cliff() -> SafetyCriticalGridWorld:
    return SafetyCriticalGridWorld(map_name="cliff")


@pytest.fixture(scope="session")
def rooms() -> SafetyCriticalGridWorld:
    return SafetyCriticalGridWorld(map_name="rooms")


@pytest.fixture(scope="session")
def log(original: SafetyCriticalGridWorld) -> Episodes:
    return generate_offline_episodes(original)


@pytest.fixture(scope="session")
def agents(log: Episodes):
    """One of each kind, briefly trained on the default log."""
    from safegrid.agents import create_discrete_bc, create_discrete_cql, create_double_dqn, fit

    made = {"BC": create_discrete_bc(), "double DQN": create_double_dqn(), "CQL": create_discrete_cql()}
    for agent in made.values():
        fit(agent, build_mdpdataset(log), 120, progress=False)
    return made


@pytest.fixture(scope="session")
def logs(original: SafetyCriticalGridWorld) -> list[Episodes]:
    return [generate_offline_episodes(original, 60, seed=seed) for seed in (0, 1, 2)]


@pytest.fixture(scope="session")
def sweep(logs: list[Episodes], original: SafetyCriticalGridWorld):
    """5 weights × 3 logs × 2 seeds, in two shards."""
    from safegrid.sweep.training import train_sweep

    return train_sweep(logs, [0, 1, 6, 20, 200], 2, 60, mdp=original.mdp, score_interval=20, n_jobs=1, progress=False)
