"""Agents answer in their own words, in raw reward, whichever of d3rlpy's they are; or say why there is no answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from safegrid.agents import (
    DivergedError,
    create_discrete_bc,
    create_discrete_cql,
    create_double_dqn,
    fit,
    load_agent,
    save_agent,
    trained_network,
)
from safegrid.answers import policy_table, q_table
from safegrid.mdpdataset import d3rlpy

D3RLPYS = ("DQN", "DoubleDQN", "NFQ", "DiscreteCQL", "DiscreteBC", "DiscreteBCQ", "DiscreteSAC")


def of_d3rlpy(name, **settings):
    return getattr(d3rlpy.algos, f"{name}Config")(batch_size=32, **settings).create()


def trained(agent, log, n_steps):
    fit(agent, log, n_steps, progress=False)
    return agent


def weights_of(agent):
    return {name: tensor.clone() for name, tensor in trained_network(agent).state_dict().items()}


@pytest.mark.parametrize("name", D3RLPYS)
def test_every_agent_that_fit_promises_is_averaged_saved_and_read(name, log, original, tmp_path):
    agent = of_d3rlpy(name)
    seen = []
    fit(agent, log, 6, progress=False, averaging=0.9, callback=lambda a, _: seen.append(weights_of(a)))
    assert all(torch.equal(now, seen[0][key]) for key, now in weights_of(agent).items())
    networks = [m for key, m in agent.impl.modules.get_torch_modules().items() if not key.startswith("targ_")]
    assert len(weights_of(agent)) == sum(len(m.state_dict()) for m in networks)
    np.testing.assert_array_equal(policy_table(agent, original.mdp).argmax(1), agent.predict(original.mdp.observations))
    again = load_agent(save_agent(agent, tmp_path / "agent.npz"))
    for stochastic in (False, True) if name in ("DiscreteBC", "DiscreteSAC") else (False,):
        tables = [policy_table(a, original.mdp, stochastic) for a in (agent, again)]
        np.testing.assert_array_equal(*tables)
        np.testing.assert_allclose(tables[0].sum(1), 1)
    if name != "DiscreteBC":
        np.testing.assert_array_equal(*(q_table(a, original.mdp) for a in (agent, again)))
    if name not in ("DiscreteBC", "DiscreteSAC"):
        with pytest.raises(ValueError, match=f"a {name} has no action probabilities"):
            policy_table(agent, original.mdp, stochastic=True)


@pytest.mark.parametrize("name", D3RLPYS)
def test_no_agent_takes_an_action_that_does_not_exist(name, log, original):
    agent = trained(of_d3rlpy(name), log, 6)
    usual = policy_table(agent, original.mdp).argmax(1)
    mask = np.ones((original.mdp.n_states, 4), bool)
    mask[np.arange(len(usual)), usual] = False  # what it would take
    narrow = replace(original.mdp, action_mask=mask)
    assert not narrow.action_mask.all()
    assert narrow.action_mask[policy_table(agent, narrow).astype(bool)].all()


@pytest.mark.parametrize("name", ["DiscreteRandomPolicy", "DiscreteDecisionTransformer", "CQL"])
def test_an_agent_that_does_not_learn_discrete_actions_from_one_observation_is_refused(name, log, original):
    agent = getattr(d3rlpy.algos, f"{name}Config")().create()
    for question in (lambda: fit(agent, log, 1, progress=False), lambda: policy_table(agent, original.mdp)):
        with pytest.raises(ValueError, match=f"agent is a {name}, expected one that learns to choose among discrete"):
            question()


scalers = d3rlpy.preprocessing


@pytest.mark.parametrize("scaler", [scalers.ReturnBasedRewardScaler(), scalers.MultiplyRewardScaler(0.25),
                                    scalers.StandardRewardScaler(mean=0.0, std=20.0, eps=0.0)])  # fmt: skip
def test_claims_are_in_raw_reward_whatever_scaled_it(scaler, log, original):
    agent = trained(of_d3rlpy("DoubleDQN", reward_scaler=scaler), log, 20)
    raw = scaler.reverse_transform_numpy(agent.predict_value(original.mdp.observations, np.zeros(225)))
    np.testing.assert_allclose(q_table(agent, original.mdp)[:, 0], raw, rtol=1e-5)


@pytest.mark.parametrize("scaler", [scalers.StandardRewardScaler(), scalers.MinMaxRewardScaler(),
                                    scalers.ClipRewardScaler(-1, 1),
                                    scalers.ConstantShiftRewardScaler(2.0)])  # fmt: skip
def test_rewards_that_were_shifted_or_clipped_leave_no_claim(scaler, log, original):
    agent = trained(of_d3rlpy("DoubleDQN", reward_scaler=scaler), log, 5)
    assert policy_table(agent, original.mdp).sum() == 225
    with pytest.raises(ValueError, match=f"reward_scaler is {type(scaler).__name__}.*no way back to raw reward"):
        q_table(agent, original.mdp)


def test_a_stochastic_clone_sees_scaled_observations(log, original):
    agent = trained(of_d3rlpy("DiscreteBC", observation_scaler=scalers.MinMaxObservationScaler()), log, 40)
    x = agent.observation_scaler.transform(torch.tensor(original.mdp.observations))
    with torch.no_grad():
        wanted = agent.impl.modules.imitator(x).probs
    np.testing.assert_allclose(policy_table(agent, original.mdp, True), wanted.numpy(), atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("create", [create_discrete_bc, create_double_dqn, create_discrete_cql])
def test_a_network_without_finite_numbers_has_no_table(create, value, log, original):
    agent = trained(create(), log, 1)
    with torch.no_grad():
        for weights in trained_network(agent).parameters():
            weights.fill_(value)
    for table in (policy_table, q_table)[: 1 if create is create_discrete_bc else 2]:
        with pytest.raises(DivergedError, match="has diverged"):
            table(agent, original.mdp)


def test_no_observations_are_named(log):
    agent = trained(create_double_dqn(), log, 1)
    for table in (policy_table, q_table):
        with pytest.raises(ValueError, match=r"observations have shape \(0, 2\), expected at least one row"):
            table(agent, np.zeros((0, 2)))
