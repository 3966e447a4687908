"""The learners: d3rlpy's behaviour cloning, double DQN and CQL, configured for the book's worlds."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from tqdm.auto import tqdm

from .array_types import Floats
from .checks import checked, checked_averaging, checked_widths, refuse_rows, whole
from .dataset import Episodes, build_mdpdataset
from .encoders import OneHotEncoderFactory, ScaledEncoderFactory, encoder_factory
from .files.npz import read_npz, write_npz
from .files.strangers import refused_by_name
from .mdp import TabularMDP
from .mdpdataset import checked_rows, d3rlpy
from .recipe import DEFAULT_STEPS
from .threads import borrowed_random_numbers, one_thread, torch_device

Agent = Any
"""One of d3rlpy's agents that `fit` trains; d3rlpy is typed too loosely to say more."""

_FORMAT = "safegrid-agent-1"
_COPIES = 4  # of the weights: those of the file, of the network, and of its target, and one on its way


class DivergedError(ValueError):
    """A network whose weights or answers are no finite numbers any more: it has no policy and claims no values."""


def create_discrete_cql(
    device: bool | int | str = False,
    conservative_weight: float = 6.0,
    *,
    reward_scale: float = 0.1,
    size: int | None = 15,
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    gamma: float = 0.99,
    n_critics: int = 1,
    target_update_interval: int = 100,
) -> Agent:
    r"""Conservative Q-learning for discrete actions (Kumar et al. 2020, eq. 4), as d3rlpy's `DiscreteCQL`.

    With :math:`\rho` the reward scale and :math:`\alpha` the conservative weight it minimises

    .. math::

        L(\theta) = \rho\,\alpha\; \mathbb{E}_{(s,a) \sim D}\Big[\log \sum_{a'} e^{Q_\theta(s,a')} - Q_\theta(s,a)\Big]
            + L_{\text{double DQN}}(\theta; \rho\, r).

    Multiplying the weight by :math:`\rho` keeps the largest conservative push, :math:`\alpha`, in units of raw reward.
    :math:`\rho` still sets the temperature of the softmax and the knee of d3rlpy's Huber loss: both are
    :math:`1/\rho` in raw reward. It is a hyper-parameter of its own.

    Args:
        device: False for the CPU, True or an index for a GPU, or torch's name of a device.
        conservative_weight: α ≥ 0, in raw reward; 0 is double DQN.
        reward_scale: ρ > 0, factor on every reward before training.
        size: number of values of each coordinate, one-hot encoded in the network; None: observations are numbers.
        cells: one input for each combination of the coordinates instead of one for each coordinate's values: what is
            learned of a cell then says nothing of its row and column.
        ranges: (d, 2), low and high end of each number, which is scaled to −1…1; with size=None, where without it
            numbers are fed as they are.
        hidden_units: widths of the hidden layers.
        learning_rate: Adam's step size.
        batch_size: transitions a gradient step.
        gamma: discount factor in [0, 1].
        n_critics: Q networks in the ensemble.
        target_update_interval: gradient steps between copies into the target network.

    Raises:
        ValueError: names the argument, its value and what was expected.
        TypeError: an unknown keyword.
    """
    weight = checked("conservative_weight", conservative_weight, 0.0)
    network = network_settings(size, cells, ranges, hidden_units, learning_rate, batch_size)
    shared = q_settings(reward_scale, gamma, n_critics, target_update_interval)
    return d3rlpy.algos.DiscreteCQLConfig(alpha=weight * float(reward_scale), **network, **shared).create(
        torch_device(device)
    )


def create_double_dqn(
    device: bool | int | str = False,
    *,
    reward_scale: float = 0.1,
    size: int | None = 15,
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    gamma: float = 0.99,
    n_critics: int = 1,
    target_update_interval: int = 100,
) -> Agent:
    """Double DQN (van Hasselt et al. 2016) on a fixed log: CQL without its conservative term, as d3rlpy's `DoubleDQN`.

    Arguments and errors as `create_discrete_cql`.
    """
    network = network_settings(size, cells, ranges, hidden_units, learning_rate, batch_size)
    shared = q_settings(reward_scale, gamma, n_critics, target_update_interval)
    return d3rlpy.algos.DoubleDQNConfig(**network, **shared).create(torch_device(device))


def create_discrete_bc(
    device: bool | int | str = False,
    *,
    beta: float = 0.0,
    size: int | None = 15,
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    batch_size: int = 256,
) -> Agent:
    """Behaviour cloning, as d3rlpy's `DiscreteBC`: cross-entropy plus β times the mean squared log-probability.

    Errors as `create_discrete_cql`.

    Args:
        beta: β ≥ 0, factor of that penalty, 0.5 in d3rlpy itself; above 0 it flattens the probabilities.
        device, size, cells, ranges, hidden_units, learning_rate, batch_size: as `create_discrete_cql`.
    """
    penalty = checked("beta", beta, 0.0)
    network = network_settings(size, cells, ranges, hidden_units, learning_rate, batch_size)
    return d3rlpy.algos.DiscreteBCConfig(beta=penalty, **network).create(torch_device(device))


def q_settings(reward_scale: float, gamma: float, n_critics: int, target_update_interval: int) -> dict[str, Any]:
    """What d3rlpy's configurations of Q learners have in common beside their networks, checked."""
    scale = checked("reward_scale", reward_scale, 0.0, exclusive=True)
    return {
        "reward_scaler": d3rlpy.preprocessing.MultiplyRewardScaler(scale),
        "gamma": checked("gamma", gamma, 0.0, 1.0),
        "n_critics": whole("n_critics", n_critics),
        "target_update_interval": whole("target_update_interval", target_update_interval),
    }


def network_settings(
    size: int | None, cells: bool, ranges: Sequence[Sequence[float]] | None, hidden_units: Sequence[int],
    learning_rate: float, batch_size: int,
) -> dict[str, Any]:  # fmt: skip
    """What all d3rlpy configurations have in common, checked."""
    return {
        "encoder_factory": encoder_factory(size, cells, ranges, checked_widths(hidden_units)),
        "learning_rate": checked("learning_rate", learning_rate, 0.0, exclusive=True),
        "batch_size": whole("batch_size", batch_size),
    }


def fit(
    agent: Agent,
    dataset: Episodes | Any,
    n_steps: int = DEFAULT_STEPS,
    *,
    seed: int = 0,
    averaging: float = 0.999,
    callback: Callable[[Agent, int], None] | None = None,
    callback_interval: int | None = None,
    progress: bool = True,
) -> dict[str, Floats]:
    """Trains an agent on a fixed log and leaves the average of its weights in it.

    Training itself is d3rlpy's `update`, untouched. Beside it runs an exponential moving average of the weights (Polyak
    & Juditsky 1992); its decay warms up as (1 + t)/(10 + t), so that it forgets where it began. Last weights swing from
    step to step, and with them the policy; their average does not.

    Args:
        agent: from `create_discrete_bc`, `create_double_dqn`, `create_discrete_cql` or `create_discrete_fqe`, or
            d3rlpy's own `DQN`, `DoubleDQN`, `NFQ`, `DiscreteCQL`, `DiscreteBC`, `DiscreteBCQ` or `DiscreteSAC`, whose
            unfitted scalers are fitted first. One that was trained before goes on from the weights it holds.
        dataset: a log, `build_mdpdataset`'s, or any `MDPDataset` or `ReplayBuffer` of d3rlpy's with discrete actions.
        n_steps: gradient steps.
        seed: of the initial weights and of the mini-batches; the same seed gives the same agent.
        averaging: decay of the average a step, in [0, 1); 0 keeps the last weights.
        callback: called as callback(agent, step) while the agent holds its average, to score it on the way.
        callback_interval: steps between calls; by default the callback is called once, at the end.
        progress: show a progress bar.

    Returns:
        The mean of each loss over each hundredth of the run, by name, and "step", the step at its end.

    Raises:
        ValueError: names the argument, or the row of the log, that does not fit the agent.
        DivergedError: a ValueError; the loss is no finite number any more.
    """
    n_steps, seed = whole("n_steps", n_steps), whole("seed", seed, least=0)
    decay = checked_averaging(averaging)
    interval = n_steps if callback_interval is None else whole("callback_interval", callback_interval)
    if isinstance(dataset, Episodes):
        dataset = build_mdpdataset(dataset)
    check_dataset(agent, dataset)

    chunk = max(1, n_steps // 100)
    recent: list[dict[str, float]] = []
    rows: list[dict[str, float]] = []
    bar = progress_bar(progress, total=n_steps, desc=type(agent).__name__)
    with seeded(seed, dataset), one_thread(), bar:
        d3rlpy.algos.utility.build_scalers_with_transition_picker(agent, dataset)
        if agent.impl is None:
            agent.build_with_dataset(dataset)
        weights = [p.detach() for p in trained_network(agent).parameters()]  # the same numbers in memory
        average = [w.clone() for w in weights]
        for step in range(1, n_steps + 1):
            recent.append(_update(agent, dataset.sample_transition_batch(agent.batch_size), step))
            torch._foreach_lerp_(average, weights, 1 - (min(decay, step / (9 + step)) if step > 1 else 0.0))
            if step % chunk == 0 or step == n_steps:
                rows.append({"step": step} | {name: sum(r[name] for r in recent) / len(recent) for name in recent[0]})
                bar.set_postfix({name: f"{rows[-1][name]:.3f}" for name in list(recent[0])[:1]}, refresh=False)
                bar.update(len(recent))
                recent = []
            if callback and step % interval == 0:
                training = [w.clone() for w in weights]
                torch._foreach_copy_(weights, average)
                try:
                    callback(agent, step)
                finally:
                    torch._foreach_copy_(weights, training)
        torch._foreach_copy_(weights, average)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _update(agent: Agent, batch: Any, step: int) -> dict[str, float]:
    """d3rlpy's gradient step and its losses."""
    try:
        losses = {name: float(loss) for name, loss in agent.update(batch).items()}
    except ValueError as error:  # torch's, of probabilities that are none
        raise DivergedError(f"the {type(agent).__name__} diverged before step {step}: {error}") from error
    if not math.isfinite(sum(losses.values())):
        raise DivergedError(f"the {type(agent).__name__} diverged before step {step}: its losses are {losses}")
    return losses


def progress_bar(progress: bool, **settings: Any) -> Any:
    """A tqdm bar or, with `progress` False, none. tqdm's TQDM_DISABLE holds in notebooks too, where tqdm forgets it."""
    return tqdm(disable=not progress or bool(os.environ.get("TQDM_DISABLE")), **settings)


def trained_network(agent: Agent) -> nn.Module:
    """The torch module that training changes: the Q networks, the clone, or all of several by name."""
    modules = {name: m for name, m in agent.impl.modules.get_torch_modules().items() if not name.startswith("targ_")}
    return nn.ModuleDict(modules) if len(modules) > 1 else next(iter(modules.values()))


@contextmanager
def seeded(seed: int, dataset: Any = None) -> Any:
    """Seeds what training draws from, and leaves the caller's own random numbers as they were."""
    weights, batches = np.random.SeedSequence(seed).generate_state(2)
    with borrowed_random_numbers():
        torch.manual_seed(int(weights))
        np.random.seed(batches)  # a plain d3rlpy dataset draws from numpy's global state
        if hasattr(dataset, "rng"):
            dataset.rng = np.random.default_rng(batches)
        yield


def check_dataset(agent: Agent, dataset: Any) -> None:
    """A d3rlpy dataset that the agent can learn from, whoever made it."""
    check_agent(agent)
    rows, info = checked_rows(dataset), dataset.dataset_info
    if agent.impl is not None:
        given = tuple(info.observation_signature.shape[0]), info.action_size
        expected = tuple(agent.observation_shape), agent.action_size
        if given != expected:
            raise ValueError(
                f"dataset has observations of shape {given[0]} and {given[1]} actions, this agent was made for "
                f"{expected[0]} and {expected[1]}"
            )
    flat = (OneHotEncoderFactory, ScaledEncoderFactory, d3rlpy.models.encoders.VectorEncoderFactory)
    shape = tuple(info.observation_signature.shape[0])
    if len(shape) != 1 and any(isinstance(setting, flat) for setting in vars(agent.config).values()):
        raise ValueError(f"dataset has observations of shape {shape}, this agent takes vectors (d,)")
    for name in [name for name in rows if name.endswith("observations")]:
        check_observations(agent, rows[name], name)


def check_agent(agent: Agent) -> None:
    """One that learns to choose among discrete actions, or what they are worth."""
    kind = d3rlpy.algos.QLearningAlgoBase
    discrete = isinstance(agent, kind) and agent.get_action_type() == d3rlpy.constants.ActionSpace.DISCRETE
    if not discrete or isinstance(agent, d3rlpy.algos.DiscreteRandomPolicy):
        raise ValueError(
            f"agent is a {type(agent).__name__}, expected one that learns to choose among discrete actions by a single "
            "observation, such as create_discrete_cql's"
        )


def check_observations(agent: Agent, observations: NDArray[np.float32], name: str = "observations") -> None:
    """Finite numbers; for a one-hot encoder whole coordinates, as many values as it has."""
    refuse_rows(~np.isfinite(observations), name, observations, "finite numbers")
    for encoder in one_hot_encoders(agent):
        if agent.observation_scaler is not None:
            raise ValueError(
                f"observation_scaler is {agent.observation_scaler!r}, but this agent takes whole coordinates; "
                "expected none, or size=None"
            )
        encoder.check(observations, name)


def one_hot_encoders(agent: Agent) -> list[OneHotEncoderFactory]:
    """Those of the agent's networks; an actor and its critics may have one each."""
    return [setting for setting in vars(agent.config).values() if isinstance(setting, OneHotEncoderFactory)]


def built(agent: Agent) -> Agent:
    """An agent that has a network."""
    check_agent(agent)
    if agent.impl is None:
        raise ValueError(f"agent is a {type(agent).__name__} that was never trained; call fit first")
    return agent


def asked_observations(agent: Agent, mdp: TabularMDP | ArrayLike) -> NDArray[np.float32]:
    """Observations that the agent can take: the world's, or those given."""
    observations = np.array(mdp.observations if isinstance(mdp, TabularMDP) else mdp, np.float32)
    expected = tuple(agent.observation_shape)
    if observations.shape[1:] != expected:
        raise ValueError(f"observations have shape {observations.shape[1:]}, this agent was trained on {expected}")
    if isinstance(mdp, TabularMDP) and mdp.n_actions != agent.action_size:
        raise ValueError(f"the world has {mdp.n_actions} actions, this agent was trained on {agent.action_size}")
    if not len(observations):
        raise ValueError(f"observations have shape {observations.shape}, expected at least one row")
    check_observations(agent, observations)
    side = int(observations.max()) + 1
    for encoder in one_hot_encoders(agent) if isinstance(mdp, TabularMDP) else ():
        if side != encoder.size:
            raise ValueError(f"the map is {side} cells wide, this agent was made for size={encoder.size}")
    return observations


def save_agent(agent: Agent, path: str | os.PathLike[str]) -> Path:
    """Writes a trained agent as .npz: its d3rlpy configuration as JSON, its weights as arrays, no pickle.

    Adam's moments are not kept. For a program that has neither d3rlpy nor this package: `export_policy`. (What d3rlpy's
    `agent.save("agent.d3")` wrote, `d3rlpy.load_learnable` reads only after `import safegrid.agents`: before, it knows
    no encoder of that name, and says `KeyError: 'safegrid_one_hot'`.)

    Raises:
        ValueError: the agent is untrained, or evaluates another one and cannot be read back without it.
        DivergedError: a ValueError; its weights are not finite.
    """
    if hasattr(built(agent), "algo"):
        raise ValueError(f"agent is a {type(agent).__name__}, which is nothing without the agent it evaluates")
    config = d3rlpy.base.LearnableConfigWithShape(
        observation_shape=agent.observation_shape, action_size=agent.action_size, config=agent.config
    )
    header = json.dumps({"format": _FORMAT, "d3rlpy": config.serialize_to_dict()})
    weights = _finite_weights(agent)
    return write_npz(path, header, {name: tensor.cpu().numpy() for name, tensor in weights.items()}, _COPIES)


def load_agent(path: str | os.PathLike[str], device: bool | int | str = False) -> Agent:
    """Reads what `save_agent` wrote; never unpickles, so that a stranger's file can do no harm.

    (d3rlpy's own .d3 files are pickles: never load one that you did not write.)

    Raises:
        ValueError: the file is cut short, pickled, or no agent of ours; its networks are of other shapes than its
            weights, or these are not finite; torch cannot use the device.
    """
    place, (header, weights) = torch_device(device), read_npz(path, _FORMAT, _COPIES)
    with refused_by_name(path, "does not hold a whole agent"), seeded(0):  # d3rlpy draws weights that these replace
        _check_layers(header["d3rlpy"]["config"]["params"], len(weights))
        config = d3rlpy.base.LearnableConfigWithShape.deserialize_from_dict(header["d3rlpy"])
        with torch.device("meta"):  # takes no memory
            shapes = {k: tuple(v.shape) for k, v in trained_network(config.create("meta")).state_dict().items()}
        if (found := {name: array.shape for name, array in weights.items()}) != shapes:
            raise ValueError(f"weights of shapes {found}, expected {shapes}")
        agent = config.create(place)
        trained_network(agent).load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
        _finite_weights(agent)
        if agent.reward_scaler is not None and agent.reward_scaler.built:
            agent.reward_scaler.transform_numpy(np.ones(1))
        if hasattr(agent.impl.modules, "targ_q_funcs"):
            agent.impl.update_target()
    return agent


def _check_layers(learner: dict[str, Any], n_arrays: int) -> None:
    """As many layers as there can be weights for, before any is made."""
    n_critics = learner.get("n_critics", 1)
    for encoder in (setting["params"] for name, setting in learner.items() if name.endswith("encoder_factory")):
        layers = sum(len(encoder.get(name) or ()) for name in ("hidden_units", "filters"))
        if n_critics * (1 + layers) > n_arrays:
            raise ValueError(f"{n_arrays} arrays of weights, expected those of {n_critics} networks of {layers} layers")


def _finite_weights(agent: Agent) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = trained_network(agent).state_dict()
    if bad := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise DivergedError(f"the {type(agent).__name__} has diverged: {bad[0]} holds weights that are not finite")
    return weights
