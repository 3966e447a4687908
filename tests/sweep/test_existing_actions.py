"""Networks in a world in which some actions do not exist: they are neither taken nor hoped for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from safegrid.agents import create_discrete_bc, create_discrete_cql, fit
from safegrid.answers import policy_table, q_table
from safegrid.dataset import build_mdpdataset, sample_episodes
from safegrid.evaluation import score_agent
from safegrid.sweep.results import Sweep
from safegrid.sweep.training import train_clone_sweep, train_sweep

QUIET = {"n_jobs": 1, "progress": False}


@pytest.fixture(scope="module")
def walled(original):
    """The original world without the moves that would walk into the border."""
    mdp = original.mdp
    return replace(mdp, action_mask=mdp.successors[:, 0] != np.arange(mdp.n_states)[:, None])


@pytest.fixture(scope="module")
def walled_log(original, walled):
    driver = np.where(walled.action_mask, original.behaviour_policy(0.22), 0.0)
    return sample_episodes(walled, driver / driver.sum(1, keepdims=True), 100, 0)


@pytest.mark.parametrize("train", [train_sweep, train_clone_sweep])
def test_no_member_of_a_sweep_takes_one(train, walled, walled_log, tmp_path):
    sweep = train(walled_log, (0.0, 6.0), n_steps=60, mdp=walled, **QUIET)
    gone = ~walled.action_mask
    assert (sweep.q_values[..., gone] == -np.inf).all()
    assert not sweep.policies[..., gone].any()
    assert np.isfinite(sweep.scores("return_mean")).all()
    if sweep.algorithm == "cql":
        assert np.isfinite(sweep.scores("claimed_value")).all()
    again = Sweep.load(sweep.save(tmp_path / "sweep.npz"))
    np.testing.assert_array_equal(again.q_values, sweep.q_values)
    agent = sweep.agent(6.0)
    np.testing.assert_array_equal(policy_table(agent, walled), sweep.policies[1, 0, 0])
    assert score_agent(agent, walled).exact.return_mean == pytest.approx(sweep.scores("return_mean")[1, 0, 0])


def test_training_hopes_for_none(walled, walled_log):
    """At weight 0 a network dreams of what was never tried; of what does not exist it may not dream."""
    told, untold = (
        train_sweep(walled_log, 0.0, n_steps=600, mdp=world, **QUIET) for world in (walled, original_of(walled))
    )
    assert np.abs(told.q_values[0, 0, 0][walled.possible] - untold.q_values[0, 0, 0][walled.possible]).max() > 0.1
    assert told.scores("claimed_value").item() < untold.scores("claimed_value").item()


def original_of(mdp):
    return replace(mdp, action_mask=None)


@pytest.mark.parametrize("create", [create_discrete_cql, create_discrete_bc])
def test_an_agent_of_d3rlpys_takes_none_either(create, walled, walled_log):
    agent = create()
    fit(agent, build_mdpdataset(walled_log), 20, progress=False)
    gone = ~walled.action_mask
    assert not policy_table(agent, walled)[gone].any()
    assert np.isfinite(score_agent(agent, walled).exact.return_mean)
    if create is create_discrete_cql:
        assert (q_table(agent, walled)[gone] == -np.inf).all()
    else:
        chances = policy_table(agent, walled, stochastic=True)
        assert not chances[gone].any()
        np.testing.assert_allclose(chances.sum(1), 1)


def test_a_log_that_takes_one_is_refused(original, walled, log):
    with pytest.raises(ValueError, match="in this mdp that cannot happen"):
        train_sweep(log, 6.0, n_steps=5, mdp=walled, **QUIET)


def test_a_clone_that_is_sure_of_an_action_that_does_not_exist_takes_the_next(walled, walled_log):
    agent = create_discrete_bc()
    fit(agent, build_mdpdataset(walled_log), 1, progress=False)
    last = agent.impl.modules.imitator._fc
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([-5.0, -4.0, 300.0, -9.0]))  # up, everywhere
    top = np.flatnonzero(~walled.action_mask[:, 2] & walled.action_mask[:, 1])
    assert (policy_table(agent, walled)[top].argmax(1) == 1).all()
    chances = policy_table(agent, walled, stochastic=True)[top]
    np.testing.assert_allclose(chances[:, 1] / chances[:, 0], np.e, rtol=1e-6)
