"""What a policy answers, and whether the file that it was exported to answers the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from safegrid.agents import Agent, asked_observations, one_hot_encoders
from safegrid.answers import policy_table, q_table
from safegrid.array_types import Array, Bools, Floats, Ints, distinct
from safegrid.dataset import Episodes
from safegrid.encoders import ScaledEncoderFactory
from safegrid.mdp import TabularMDP

from .graph_files import Runner
from .graphs import AgentGraph, TableGraph

TOLERANCE = 1e-5
"""How far a file's answers may be from the policy's: in probability, and in values as a share of the largest claim in
size, or of a unit of scaled reward where that is larger."""

_PROBES = 4_096
_AT_ONCE = 2**22  # numbers that a look-up compares


@dataclass(frozen=True)
class Expected:
    """What the policy itself answers.

    Attributes:
        observations: (N, …) float32.
        source: what they are, in words.
        actions: (N,).
        tables: "values", "probabilities", (N, A) each; −∞ where there is nothing to compare.
        tolerances: of each.
        ranked_by: the table whose largest entry the action is; None where there is none to compare equals by.
        at_once: rows that a file is given at once.
        hint: what may be wrong where actions differ.
    """

    observations: Array
    source: str
    actions: Ints
    tables: dict[str, Floats]
    tolerances: dict[str, float]
    ranked_by: str | None = None
    at_once: int = _PROBES
    hint: str = ""

    def hold_against(self, runtime: str, run: Runner) -> dict[str, Any]:
        """How well the file did, for the card: on one row alone, on all in batches, and on one that has no answer.

        Raises:
            ValueError: names the row, both answers and the runtime.
        """
        largest, ties = dict.fromkeys(self.tables, 0.0), 0
        alone = slice(0, 1)
        for rows in (alone, *slices(len(self.observations), self.at_once)):
            answers = self._answers(runtime, run, self.observations[rows])
            actions, wanted = answers["actions"], self.actions[rows]
            ties += 0 if rows is alone else int((actions != wanted).sum())
            self._refuse(rows, self._worse(rows, actions), "takes action", actions, wanted, runtime)
            for name, table in self.tables.items():
                gaps = np.where(np.isfinite(table[rows]), np.abs(answers[name] - table[rows]), 0.0)
                bad = np.asarray(~(gaps <= self.tolerances[name]).all(1))
                self._refuse(rows, bad, f"has the {name}", answers[name], table[rows], runtime)
                largest[name] = max(largest[name], float(gaps.max()))
        nowhere = self._answers(runtime, run, np.full((1, *self.observations.shape[1:]), np.nan, np.float32))
        if nowhere["actions"].tolist() != [-1] or not all(np.isnan(nowhere[name]).all() for name in self.tables):
            raise ValueError(f"the file answers {nowhere} to NaN in {runtime}, expected −1; nothing was written")
        n, away = len(self.observations), " and ".join(f"{gap:.1e} in its {name}" for name, gap in largest.items())
        told = f"{runtime} ran the file on {n:,} observations, {self.source}. It took the policy's actions"
        told += f", but for {ties} where two are worth the same to {TOLERANCE:g}" * (ties > 0)
        told += f", and was at most {away} away from it." if away else "."
        return {
            "runtime": runtime, "observations": n, "source": self.source, "ties": ties, "largest_difference": largest,
            "tolerance": self.tolerances, "told": told,
        }  # fmt: skip

    def _answers(self, runtime: str, run: Runner, observations: Array) -> dict[str, Array]:
        n = len(observations)
        expected = {"actions": (n,)} | {name: (n, table.shape[1]) for name, table in self.tables.items()}
        try:
            answers = run(observations)
            if (found := {name: answer.shape for name, answer in answers.items()}) != expected:
                raise ValueError(f"answers of shapes {found}, expected {expected}")
            return answers
        except Exception as error:  # each runtime has its own
            raise ValueError(
                f"{runtime} cannot run the file on {n} observations ({type(error).__name__}: {str(error)[-300:]}); "
                "nothing was written"
            ) from error

    def _worse(self, rows: slice, actions: Ints) -> Bools:
        """Where the file's action is another, and not as good."""
        wanted = self.actions[rows]
        worse = np.asarray(actions != wanted)
        if self.ranked_by is not None and worse.any() and (actions >= 0).all():
            table, i = self.tables[self.ranked_by][rows], np.arange(len(wanted))
            worse &= ~(np.abs(table[i, wanted] - table[i, actions]) <= self.tolerances[self.ranked_by])
        return worse

    def _refuse(self, rows: slice, bad: Bools, what: str, found: Array, wanted: Array, runtime: str) -> None:
        if bad.any():
            i = int(np.argmax(bad))
            row = rows.start + i
            raise ValueError(
                f"in row {row} of {self.source}, {self.observations[row].tolist()}, the file {what} "
                f"{found[i].tolist()} in {runtime}, expected the policy's {wanted[i].tolist()}{self.hint}; "
                "nothing was written"
            )


def slices(n: int, at_once: int) -> Iterator[slice]:
    """Rows of n, so many at a time."""
    return (slice(start, min(n, start + at_once)) for start in range(0, n, at_once))


def expected_of_agent(graph: AgentGraph, agent: Agent, observations: Any, log: Episodes | None) -> Expected:
    """What an agent answers to the given observations, else to the log's, else to what its encoder takes."""
    asked, source = observations, "those given"
    if isinstance(observations, TabularMDP):
        source = "the world's"
    elif observations is None and log is not None:
        asked, source = distinct(log.observations)[0], "the log's distinct ones"
    elif observations is None:
        asked, source = _probes(agent)
    rows = asked_observations(agent, asked)
    masked = isinstance(asked, TabularMDP) and not asked.action_mask.all()
    parts: list[Any] = [asked] if masked else [rows[part] for part in slices(len(rows), _PROBES)]
    policy = np.concatenate([policy_table(agent, part) for part in parts])
    tables, tolerances = {}, {}
    if graph.stochastic:
        tables["probabilities"] = np.concatenate([policy_table(agent, part, stochastic=True) for part in parts])
        tolerances["probabilities"] = TOLERANCE
    if graph.reward_factor is not None:
        values = tables["values"] = np.concatenate([q_table(agent, part) for part in parts])
        largest = np.abs(values[np.isfinite(values)]).max(initial=1 / graph.reward_factor)
        tolerances["values"] = TOLERANCE * float(largest)
    ranked_by = "probabilities" if graph.stochastic else "values" if graph.actor is None and tables else None
    hint = "; a network knows no action that does not exist: export policy_table(agent, mdp)" if masked else ""
    return Expected(rows, source, policy.argmax(1), tables, tolerances, ranked_by, hint=hint)


def expected_of_table(graph: TableGraph) -> Expected:
    """What a table says of its own rows."""
    rows, policy = graph.rows.numpy(), graph.table.numpy()
    at_once = max(1, _AT_ONCE // rows.size)
    return Expected(
        rows, "the table's rows", graph.best.numpy(), {"probabilities": policy}, {"probabilities": 0.0}, at_once=at_once
    )


def _probes(agent: Agent) -> tuple[ArrayLike, str]:
    """Observations that the agent's encoder takes, where nobody gives any."""
    rng, shape = np.random.default_rng(0), tuple(agent.observation_shape)
    if encoders := one_hot_encoders(agent):
        size = min(encoder.size for encoder in encoders)
        if size ** shape[0] <= _PROBES:
            return np.array(list(product(range(size), repeat=shape[0]))), "every cell that its encoder takes"
        return rng.integers(size, size=(_PROBES, *shape)), "cells that its encoder takes, drawn at random"
    drawn = rng.uniform(-1, 1, (_PROBES // 4, *shape))
    for setting in vars(agent.config).values():
        if isinstance(setting, ScaledEncoderFactory):
            low, high = np.transpose(setting.ranges)
            drawn = (low + high) / 2 + drawn * (high - low) / 2
    if agent.observation_scaler is not None:
        drawn = agent.observation_scaler.reverse_transform_numpy(drawn)
    return drawn, "drawn at random in its encoder's and scaler's ranges, or between −1 and 1"


def settings_of(agent: Agent) -> dict[str, Any]:
    """d3rlpy's configuration of an agent, as plain JSON."""
    shapes = {"observation_shape": list(agent.observation_shape), "action_size": agent.action_size}
    return json.loads(json.dumps(shapes | agent.config.serialize_to_dict()), parse_constant=str)
