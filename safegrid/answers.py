"""What a trained agent answers: its policy and its claims, as tables."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from .agents import Agent, DivergedError, asked_observations, built, trained_network
from .array_types import Bools, Floats
from .mdp import TabularMDP
from .threads import one_thread


def q_table(agent: Agent, mdp: TabularMDP | ArrayLike) -> Floats:
    """What the agent claims each action is worth, (S, A), in discounted raw reward.

    Args:
        agent: a trained agent with Q networks; what `DiscreteSAC` claims includes the worth of its entropy.
        mdp: the world, or the observations (S, d) to ask about. Actions that do not exist in the world are worth −∞.

    Raises:
        ValueError: the agent is untrained, was made for another map size, claims no values, or scales rewards by more
            than a factor.
        DivergedError: a ValueError; the agent's networks hold or give no finite numbers.
    """
    if not hasattr(built(agent).impl.modules, "q_funcs"):
        raise ValueError(f"agent is a {type(agent).__name__}, which claims no values; expected double DQN or CQL")
    observations = asked_observations(agent, mdp)
    return np.where(_existing(agent, mdp), _values(agent, observations) / reward_factor(agent), -np.inf)


def policy_table(agent: Agent, mdp: TabularMDP | ArrayLike, stochastic: bool = False) -> Floats:
    """The agent's policy as a table (S, A) of action probabilities, ready for `TabularMDP.evaluate`.

    Args:
        agent: a trained agent; of one from `create_discrete_fqe`, the policy is that of the agent it evaluates.
        mdp: the world, or the observations (S, d) to ask about.
        stochastic: act by the probabilities of behaviour cloning or `DiscreteSAC` instead of by the likeliest action.

    Raises:
        ValueError: the agent is untrained, was made for another map size, or has no probabilities.
        DivergedError: a ValueError; the agent's networks hold or give no finite numbers.
    """
    agent = getattr(agent, "algo", agent)
    observations = asked_observations(built(agent), mdp)
    if stochastic and not is_stochastic(agent):
        raise ValueError(
            f"stochastic: a {type(agent).__name__} has no action probabilities; expected behaviour cloning"
        )
    existing, modules = _existing(agent, mdp), agent.impl.modules
    ranks = np.zeros(0)
    if hasattr(modules, "q_funcs"):
        ranks = np.where(existing, _values(agent, observations), -np.inf)
    if (network := getattr(modules, "policy", getattr(modules, "imitator", None))) is not None:
        chances = np.where(existing, _logits(agent, network, observations), -np.inf)
        chances = torch.tensor(chances).softmax(1).numpy()
        if stochastic:
            return chances
        if is_stochastic(agent):
            ranks = chances
        else:  # batch-constrained Q-learning: the best of what its clone finds likely
            likely = chances > agent.config.action_flexibility * chances.max(1, keepdims=True)
            ranks = np.where(likely, ranks, -np.inf)
    if existing.all():
        with one_thread():
            return np.eye(agent.action_size)[agent.predict(observations)]
    return np.eye(agent.action_size)[ranks.argmax(1)]


def is_stochastic(agent: Agent) -> bool:
    """Whether the agent acts by probabilities of its own."""
    modules = agent.impl.modules
    return hasattr(modules, "policy") or (hasattr(modules, "imitator") and not hasattr(modules, "q_funcs"))


def _existing(agent: Agent, mdp: TabularMDP | ArrayLike) -> Bools:
    """Actions that exist in the world, (S, A); of bare observations, all do."""
    return mdp.action_mask if isinstance(mdp, TabularMDP) else np.ones((1, agent.action_size), bool)


def _values(agent: Agent, observations: NDArray[np.float32]) -> Floats:
    """What its Q networks say, (S, A), in scaled reward."""
    shape = len(observations), agent.action_size
    states, actions = (indices.ravel() for indices in np.indices(shape))
    with one_thread():
        return _finite(agent, agent.predict_value(observations[states], actions).reshape(shape))


def _logits(agent: Agent, network: nn.Module, observations: NDArray[np.float32]) -> Floats:
    """What its policy, or its clone of the log's, says, (S, A)."""
    x = torch.as_tensor(observations, device=agent.impl.device)
    with torch.no_grad(), one_thread():
        x = x if agent.observation_scaler is None else agent.observation_scaler.transform(x)
        try:
            logits = network(x).logits.cpu().numpy()
        except ValueError:  # torch's, of probabilities that are none
            logits = np.full((1, 1), np.nan)
    return _finite(agent, logits)


def _finite(agent: Agent, answers: Floats) -> Floats:
    weights = trained_network(agent).parameters()
    if not (np.isfinite(answers).all() and all(bool(w.isfinite().all()) for w in weights)):
        raise DivergedError(
            f"the {type(agent).__name__} has diverged: its weights or answers are no finite numbers; "
            "expected a smaller learning_rate, or another weight"
        )
    return answers.astype(float)


def reward_factor(agent: Agent) -> float:
    """What a unit of raw reward is to the networks. A shift cannot be undone where episodes end sooner or later."""
    scaler = agent.reward_scaler
    if scaler is None:
        return 1.0
    rewards = np.array([0.0, 1.0, -1e6, 1e6])
    scaled = scaler.transform_numpy(rewards) if scaler.built else rewards + 1.0
    if not (scaled[1] > 0 and scaled[0] == 0 and np.allclose(scaled / scaled[1], rewards)):
        raise ValueError(
            f"reward_scaler is {scaler!r}, which leaves no way back to raw reward; expected a factor alone, "
            "such as d3rlpy's MultiplyRewardScaler"
        )
    return float(scaled[1])
