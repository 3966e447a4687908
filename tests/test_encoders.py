"""What a network is shown: one-hot coordinates, one-hot cells, scaled numbers."""

import numpy as np
import pytest
import torch

from safegrid.agents import create_discrete_bc, create_discrete_cql, create_double_dqn, fit, load_agent, save_agent
from safegrid.answers import policy_table, q_table
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.encoders import OneHotEncoder, ScaledEncoder
from safegrid.env import SafetyCriticalGridWorld

CREATE = [create_discrete_bc, create_double_dqn, create_discrete_cql]
X = torch.tensor([[0.0, 4.0], [2.0, 1.0]])


@pytest.fixture(scope="module")
def env():
    return SafetyCriticalGridWorld(desc=["SFFFF", "FHFWF", "FFFFG"], max_steps=20)


@pytest.fixture(scope="module")
def log(env):
    return generate_offline_episodes(env, 40, seed=0)


def test_coordinates_are_one_hot_each():
    torch.manual_seed(0)
    encoder = OneHotEncoder(2, 5, [8, 3])
    one_hot = torch.nn.functional.one_hot(X.long(), 5).flatten(1).float()
    torch.testing.assert_close(encoder(X), encoder.layers(one_hot))
    assert [tuple(p.shape) for p in encoder.parameters()] == [(8, 10), (8,), (3, 8), (3,)]


def test_cells_are_one_hot_together():
    torch.manual_seed(0)
    encoder = OneHotEncoder(2, 5, [8, 3], cells=True)
    one_hot = torch.nn.functional.one_hot(torch.tensor([20, 7]), 25).float()
    torch.testing.assert_close(encoder.features(X), one_hot)
    torch.testing.assert_close(encoder(X), encoder.layers(one_hot))
    assert [tuple(p.shape) for p in encoder.parameters()] == [(8, 25), (8,), (3, 8), (3,)]


def test_numbers_are_scaled_over_their_ranges():
    encoder = ScaledEncoder([(0, 4), (1, 5)], [3])
    torch.testing.assert_close(encoder.features(X), torch.tensor([[-1.0, 0.5], [0.0, -1.0]]))


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize("features", [{"size": 5, "cells": True}, {"size": None, "ranges": [(0, 4), (0, 2)]}])
def test_every_agent_takes_every_kind_of_features(create, features, env, log, tmp_path):
    agent = create(**features)
    fit(agent, build_mdpdataset(log), 5, progress=False)
    assert policy_table(agent, env.mdp).shape == (15, 4)
    agent.save_policy(str(tmp_path / "policy.pt"))  # plain coordinates are what an exported policy takes
    actions = torch.jit.load(str(tmp_path / "policy.pt"))(torch.tensor(env.mdp.observations)).numpy()
    np.testing.assert_array_equal(np.eye(4)[actions], policy_table(agent, env.mdp))
    again = load_agent(save_agent(agent, tmp_path / "agent.npz"))
    assert again.config.encoder_factory == agent.config.encoder_factory
    np.testing.assert_array_equal(policy_table(again, env.mdp), policy_table(agent, env.mdp))


def test_what_is_learned_of_a_cell_says_nothing_of_its_row_and_column():
    env = SafetyCriticalGridWorld(size=4, slip_prob=0.0, max_steps=6)
    log = generate_offline_episodes(env, 3, 0.0, seed=0)
    unseen = ~np.isin(np.arange(16), log.states) & ~env.mdp.terminal
    changed = {}
    for cells in (False, True):
        before, after = (create_discrete_cql(size=4, cells=cells) for _ in range(2))
        fit(before, build_mdpdataset(log), 1, progress=False)
        fit(after, build_mdpdataset(log), 200, progress=False)
        first = [agent.impl.modules.q_funcs[0].encoder.layers[0].weight.detach() for agent in (before, after)]
        changed[cells] = (first[1] - first[0]).abs().amax(0).numpy()
    assert unseen.any()
    assert changed[True][unseen].max() < 2e-3 < changed[True][log.states].min()
    assert changed[False].min() > 2e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cells": 1}, "cells is 1, expected True or False"),
        ({"size": None, "cells": True}, "cells is True, expected a size with it"),
        ({"ranges": [(0, 14)] * 2}, "ranges goes with size=None, got size=15"),
        ({"size": None, "ranges": [0, 14]}, r"ranges has shape \(2,\), expected \(d, 2\)"),
        ({"size": None, "ranges": [(0, 14), (3, 3)]}, r"ranges\[1\]\[1\] is 3.0, expected a number above 3"),
        ({"size": None, "ranges": [(0, np.inf)]}, r"ranges\[0\]\[1\] is inf"),
        ({"size": 0}, "size is 0"),
    ],
)
@pytest.mark.parametrize("create", CREATE)
def test_features_that_do_not_fit_are_named(create, arguments, message):
    with pytest.raises(ValueError, match=message):
        create(**arguments)


def test_features_that_do_not_fit_the_log_are_named(log):
    data = build_mdpdataset(log)
    with pytest.raises(ValueError, match="300 values in each of 2 coordinates make 90000 cells, expected"):
        fit(create_discrete_cql(size=300, cells=True), data, 1, progress=False)
    with pytest.raises(ValueError, match="ranges has 1 rows, expected one for each of an observation's 2 numbers"):
        fit(create_discrete_cql(size=None, ranges=[(0, 14)]), data, 1, progress=False)


def test_claims_of_unseen_numbers_go_on_beyond_the_range(log):
    agent = create_discrete_cql(size=None, ranges=[(0, 4), (0, 2)])
    fit(agent, build_mdpdataset(log), 1, progress=False)
    assert np.isfinite(q_table(agent, np.array([[50.0, -3.0]]))).all()
