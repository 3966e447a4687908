"""Policies that leave for another program, briefly trained."""

import pytest
from example_policies import KINDS, MAKERS, NAMES

from safegrid.agents import fit
from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.practice.budget import budgeted_policy
from safegrid.tabular import greedy, tabular_cql


@pytest.fixture(scope="session")
def worlds():
    return {name: SafetyCriticalGridWorld(map_name=name) for name in MAPS}


@pytest.fixture(scope="session")
def short_logs(worlds):
    return {name: generate_offline_episodes(env, 60, seed=0) for name, env in worlds.items()}


@pytest.fixture(scope="session")
def short_log(short_logs):
    return short_logs["original"]


@pytest.fixture(scope="session")
def policies(worlds, short_logs):
    """By name: the policy, and the map that it is for."""
    made = {}
    for name in NAMES[:-2]:
        kind, _, place = name.partition(" on ") if name not in KINDS else (name, "", "original")
        made[name] = MAKERS[kind](), place
        fit(made[name][0], short_logs[place], 25, progress=False)
    log = generate_offline_episodes(worlds["rooms"], seed=100)
    made["a budget's table"] = budgeted_policy(log, worlds["rooms"].mdp, 0.01).policy, "rooms"
    made["tabular CQL"] = greedy(tabular_cql(short_logs["original"], worlds["original"].mdp)), "original"
    return made


@pytest.fixture(scope="session")
def agent(policies):
    return policies["CQL"][0]
