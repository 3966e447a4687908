"""A policy as one torch module, from raw observations to answers: what another program's file is traced from."""

from __future__ import annotations

import math
import tempfile
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from safegrid.agents import Agent, load_agent, one_hot_encoders, save_agent
from safegrid.answers import is_stochastic, reward_factor
from safegrid.array_types import Array, Floats, distinct
from safegrid.checks import checked_policy, number_array, refuse_changed, refuse_rows
from safegrid.mdp import TabularMDP
from safegrid.mdpdataset import d3rlpy

INPUT = "observations"
"""The name of what goes in."""

Answers = dict[str, torch.Tensor]
"""By name: "actions" (B,) int64, and "probabilities" or "values" (B, A) float32 where the policy has any."""


_ACTIONS = {"actions": "the greedy action; −1: no answer"}
_PROBABILITIES = {"probabilities": "of each action; NaN: no answer"}


class PolicyGraph(nn.Module):
    """Observations (B, …) float32 → `Answers`. What the policy cannot answer gets the action −1, and NaN beside it.

    Attributes:
        observation_shape: of one observation.
        n_actions: A.
        meanings: in words, of what goes in and of what comes out, by name.
        sure: whether the greedy action is the policy; else it is one of chances.
    """

    observation_shape: tuple[int, ...]
    n_actions: int
    meanings: dict[str, str]
    sure: bool = True

    def masked(self, known: torch.Tensor, actions: torch.Tensor, **tables: torch.Tensor | None) -> Answers:
        """The answers where they are `known`, (B,)."""
        shown = {name: torch.where(known[:, None], t, torch.nan) for name, t in tables.items() if t is not None}
        return {"actions": torch.where(known, actions, -1)} | shown


class AgentGraph(PolicyGraph):
    """An agent's greedy actions, its probabilities, and its claims in raw reward, by the arithmetic of d3rlpy.

    It answers −1 where `policy_table` raises: the observation is no finite number or, for a one-hot encoder, no whole
    coordinate in its range; or the network's own answer is not finite.
    """

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self.agent = on_cpu(agent)
        modules = self.agent.impl.modules
        self.critics: nn.ModuleList | None = getattr(modules, "q_funcs", None)
        self.actor: Any = getattr(modules, "policy", getattr(modules, "imitator", None))
        self.eval().requires_grad_(False)
        self.observation_shape, self.n_actions = tuple(self.agent.observation_shape), self.agent.action_size
        self.size = min((encoder.size for encoder in one_hot_encoders(self.agent)), default=None)
        self.stochastic, self.reward_factor = is_stochastic(self.agent), raw_reward_factor(self.agent)
        taken = "finite numbers" if self.size is None else f"whole coordinates in 0…{self.size - 1}"
        self.meanings = {INPUT: f"raw, as in the log: {taken}"} | _ACTIONS | (_PROBABILITIES if self.stochastic else {})
        if self.reward_factor is not None:
            entropy = ", the worth of its entropy included" if self.stochastic else ""
            unit = f"in discounted raw reward (γ = {self.agent.gamma:g}){entropy}"
            self.meanings["values"] = f"what it claims each action is worth, {unit}; NaN: no answer"

    def forward(self, observations: torch.Tensor) -> Answers:
        """Answers a batch."""
        known, x = observations.flatten(1).isfinite().all(1), observations
        if self.size is not None:
            known = known & ((x == x.round()) & (x >= 0) & (x < self.size)).all(1)
        if self.agent.observation_scaler is not None:
            x = self.agent.observation_scaler.transform(x)
        values: Any = None
        logits: Any = None
        if self.critics is not None:
            values = torch.stack([claims(critic, x) for critic in self.critics]).mean(0)
            known = known & values.isfinite().all(1)
        if self.actor is not None:
            logits = self.actor._fc(self.actor._encoder(x))  # its forward tests numbers, which a trace does not have
            logits = logits - logits.logsumexp(1, keepdim=True)
            known = known & logits.isfinite().all(1)
        actions = self._ranks(values, logits).argmax(1)
        return self.masked(
            known,
            actions,
            probabilities=logits.softmax(1) if self.stochastic else None,
            values=None if self.reward_factor is None else values / self.reward_factor,
        )

    def _ranks(self, values: Any, logits: Any) -> torch.Tensor:
        """What the greedy action has most of, (B, A); the first of equals is taken, as by d3rlpy."""
        if logits is None:
            return values
        if self.stochastic:
            return logits if values is None else logits.softmax(1)
        logits = logits.log_softmax(1)  # batch-constrained Q-learning: the best of what its clone finds likely
        likely = logits - logits.max(1, keepdim=True).values > math.log(self.agent.config.action_flexibility)
        return (values - values.min(1, keepdim=True).values + 1e-5) * likely.float()


def claims(critic: Any, x: torch.Tensor) -> torch.Tensor:
    """What a Q function says, (B, A): the mean of its quantiles where it has any."""
    if not isinstance(critic, d3rlpy.models.torch.DiscreteIQNQFunction):
        return critic(x).q_value
    # its forward makes the same quantiles for each row of a batch whose size a trace would take for fixed
    quantiles = torch.linspace(0, 1, critic._n_greedy_quantiles)[:, None]
    waves = torch.cos(math.pi * (torch.arange(critic._embed_size).float() + 1) * quantiles)
    return critic._fc(critic._encoder(x)[:, None] * critic._embed(waves).relu()).mean(1)


def on_cpu(agent: Agent) -> Agent:
    """A copy for inference alone, without its optimizer.

    Raises:
        ValueError, DivergedError: as `save_agent`.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = load_agent(save_agent(agent, Path(folder) / "agent.npz"))
    copy.impl.modules.set_eval()
    if copy.observation_scaler is not None:  # it makes its tensors now, not while it is traced
        copy.observation_scaler.transform(torch.zeros(1, *copy.observation_shape))
    return copy


def raw_reward_factor(agent: Agent) -> float | None:
    """What a unit of raw reward is to the networks; None where they claim nothing in raw reward."""
    if not hasattr(agent.impl.modules, "q_funcs"):
        return None
    try:
        return reward_factor(agent)
    except ValueError:
        return None


class TableGraph(PolicyGraph):
    """A policy in a table, looked up by equality of observations; −1 for one that is not in the table.

    Args:
        policy: (S, A) probabilities.
        observations: (S, d), one for each row, no two of them alike; or the world whose states they are.

    Raises:
        ValueError: names the argument, the row and what was expected.
    """

    def __init__(self, policy: ArrayLike, observations: TabularMDP | ArrayLike) -> None:
        super().__init__()
        table, rows = checked_table(policy, observations)
        self.observation_shape, self.n_actions = rows.shape[1:], table.shape[1]
        self.rows: torch.Tensor
        self.best: torch.Tensor
        self.table: torch.Tensor
        self.eval()
        self.register_buffer("rows", torch.from_numpy(rows))
        self.register_buffer("best", torch.from_numpy(table.argmax(1)))
        self.register_buffer("table", torch.from_numpy(table.astype(np.float32)))
        self.sure = bool((table.max(1) > 1 - 1e-6).all())
        taken = f"raw, one of the {len(rows)} in the table, to the last bit"
        self.meanings = {INPUT: taken} | _ACTIONS | _PROBABILITIES

    def forward(self, observations: torch.Tensor) -> Answers:
        """Answers a batch."""
        columns = zip(observations.unbind(1), self.rows.unbind(1), strict=True)  # a trace unpacks just as many
        alike = reduce(torch.logical_and, [asked[:, None] == known for asked, known in columns]).float()
        row = alike.argmax(1)
        return self.masked(alike.sum(1) > 0, self.best[row], probabilities=self.table[row])


def checked_table(policy: ArrayLike, observations: TabularMDP | ArrayLike) -> tuple[Floats, Array]:
    """Probabilities (S, A), and the distinct observation of each row, (S, d) float32."""
    table = np.asarray(policy, float)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"policy has shape {table.shape}, expected (S, A): the probabilities of each row's actions")
    given = number_array(
        "observations", observations.observations if isinstance(observations, TabularMDP) else observations, 2
    )
    with np.errstate(over="ignore"):
        rows = given.astype(np.float32)
    refuse_rows(~np.isfinite(given), "observations", given, "finite numbers")
    refuse_changed("observations", given, rows)
    if len(rows) != len(table):
        raise ValueError(f"observations has {len(rows)} rows, expected {len(table)} as policy")
    codes = distinct(rows)[1]
    _, first = np.unique(codes, return_index=True)
    again = np.ones(len(rows), bool)
    again[first] = False
    if again.any():
        row = int(np.argmax(again))
        raise ValueError(
            f"observations in row {row} are {rows[row].tolist()}, as in row {first[codes[row]]}; "
            "expected one row for each observation: nobody else could tell them apart"
        )
    checked_policy("policy", table)
    if isinstance(observations, TabularMDP):
        if table.shape[1] != observations.n_actions:
            raise ValueError(f"policy has {table.shape[1]} actions, expected {observations.n_actions} as the world")
        nowhere = (table > 0) & ~observations.action_mask
        refuse_rows(nowhere, "policy", table, "0 for actions that do not exist there")
    return table, rows
