"""Which of several agents to let loose, judged by the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tabulate import tabulate

from safegrid.array_types import Array, ByValue, Floats
from safegrid.checks import checked, checked_policy, whole
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.logs import number_states
from safegrid.ope import create_discrete_fqe, log_model
from safegrid.recipe import propose_recipe

_OFTEN = 5
"""A pair tried so often says something of what follows it."""
_FQE_STEPS = 2_400


@dataclass(frozen=True, eq=False)
class Judgement(ByValue):
    """What the log says of one candidate; NaN where it says nothing.

    Attributes:
        value: of the log's starts, in discounted raw reward, with a 95% interval from the log's luck alone: episodes
            are weighted anew (Rubin 1981, the Bayesian bootstrap), so that no tried action becomes an untried one.
        claimed: the same by the agent's own word.
        harm: probability of an end with harm within the log's longest episode, in the log's model; NaN too where no
            step of the log has a cost.
        unknown: probability of an action that the log never took where it is, in the log's model.
        agreement: mean probability of the log's own actions.
    """

    value: Interval
    claimed: float
    harm: float
    unknown: float
    agreement: float


@dataclass(frozen=True, eq=False)
class Choice(ByValue):
    """The candidate that the log speaks for, and what it says of each; printed, it is a table.

    Attributes:
        best: its name.
        judgements: of each candidate, by name.
        by: "model" where the log was counted into a world, "FQE" where its observations hardly ever come again.
        why: in a sentence.
    """

    best: str
    judgements: Mapping[str, Judgement]
    by: str
    why: str

    def __str__(self) -> str:
        rows = [
            [f"{'→ ' * (name == self.best)}{name}", f"{j.value:.2}", _or_dash(f"{j.claimed:.1f}"),
             *(_or_dash(f"{rate:.1%}") for rate in (j.harm, j.unknown, j.agreement))]
            for name, j in self.judgements.items()
        ]  # fmt: skip
        headers = ("", f"value by {self.by}", "claimed", "harm", "leaves the log", "as the log")
        return f"{tabulate(rows, headers, disable_numparse=True)}\n\n{self.why}"


def choose_policy(
    log: Episodes,
    candidates: Mapping[str, Any],
    *,
    gamma: float = 0.99,
    most_harm: float = 1.0,
    n_resamples: int = 50,
    seed: int = 0,
    progress: bool = True,
) -> Choice:
    """Judges agents by a log alone, and takes the one it speaks for: chapter 09's rule "model of the log".

    Where at least half of the log's steps take a pair (observation, action) that it took five times or more, the log is
    counted into a world (`log_model`), in which what was never tried is worth the least that such rewards allow.
    Elsewhere a network learns each candidate's value (`create_discrete_fqe`), and says nothing of harm.

    Args:
        log: any log; its observations are what the agents see.
        candidates: agents that `fit` trained, by name; or tables of action probabilities (R, A), one row for each of
            the log's distinct observations, as `coverage` sorts them.
        gamma: discount factor in [0, 1).
        most_harm: candidates above this probability of harm are not taken, unless all are above it.
        n_resamples: times that the episodes are weighted anew for the intervals.
        seed: of these weights, and of FQE's networks.
        progress: show FQE's progress bars.

    Raises:
        ValueError: there are no candidates; one does not fit the log; tables where only FQE would do; a bound on harm
            where the log says nothing of it.
    """
    checked("gamma", gamma, 0.0, np.nextafter(1.0, 0.0))
    checked("most_harm", most_harm, 0.0, 1.0)
    if not candidates:
        raise ValueError("candidates is empty, expected at least one agent")
    numbered, observations = number_states(log)
    counts = coverage(log).counts
    often = float(counts[counts >= _OFTEN].sum() / len(log))
    tables = {name: _table(name, one, observations, len(counts)) for name, one in candidates.items()}
    claims = {name: _claim(one, log, gamma) for name, one in candidates.items()}
    pairs = numbered.states, numbered.actions
    agreement = {name: float(table[pairs].mean()) for name, table in tables.items()}
    shown = f"{often:.0%} of the log's steps take a pair that it took {_OFTEN} times or more"
    counted, costs = often >= 0.5, bool((log.costs > 0).any())
    if most_harm < 1 and not (counted and costs):
        wanted = "a log that has costs" if counted else f"1, for {shown}: too few to count harm"
        raise ValueError(f"most_harm is {most_harm}, expected {wanted}")
    if counted:
        judged = _by_model(numbered, len(observations) + 2, tables, gamma, whole("n_resamples", n_resamples), seed)
        why = f"{shown}: the log was counted into a world."
        if not costs:
            judged = {name: (value, np.nan, unknown) for name, (value, _, unknown) in judged.items()}
            why += " No step has a cost: nothing is said of harm."
    else:
        judged = {name: (_by_fqe(name, one, log, gamma, seed, progress), np.nan, np.nan)
                  for name, one in candidates.items()}  # fmt: skip
        why = f"{shown}: too few to count; a network learned each value, and nothing is said of harm."
    judgements = {
        name: Judgement(value, claims[name], harm, unknown, agreement[name])
        for name, (value, harm, unknown) in judged.items()
    }
    calm = {name: j for name, j in judgements.items() if not j.harm > most_harm} or judgements
    best = max(calm, key=lambda name: calm[name].value.estimate)
    return Choice(best, judgements, "model" if counted else "FQE", why)


def worst_value(log: Episodes, gamma: float) -> float:
    """The least that any policy could be worth with the log's rewards: V ≥ min(r_on / (1 − γ), r_end), at γ < 1."""
    on, last = (log.rewards[rows].min(initial=0.0) for rows in (~log.terminals, log.terminals))
    return float(min(on / (1 - gamma), last))


def _table(name: str, candidate: Any, observations: Array, n_acted: int) -> Floats:
    """Action probabilities of the states that `number_states` numbers, ends included, (R + 2, A)."""
    if hasattr(candidate, "predict"):
        from safegrid.answers import policy_table  # here, so that tables are judged without torch

        try:
            table = policy_table(candidate, observations)
        except ValueError as error:
            raise ValueError(f"candidates[{name!r}] does not fit the log: {error}") from error
    else:
        table = checked_policy(f"candidates[{name!r}]", candidate)
        if len(table) not in (n_acted, len(observations)):
            raise ValueError(
                f"candidates[{name!r}] has shape {table.shape}, expected a row for each of the log's {n_acted} "
                "distinct observations"
            )
    missing = len(observations) + 2 - len(table)
    return np.concatenate([table, np.full((missing, table.shape[1]), 1 / table.shape[1])])


def _claim(candidate: Any, log: Episodes, gamma: float) -> float:
    """The mean of what an agent claims for the log's starts, in discounted raw reward."""
    if not hasattr(candidate, "predict"):
        return float("nan")
    from safegrid.answers import q_table

    try:
        return float(q_table(candidate, _starts(log)).max(1).mean())
    except ValueError:  # a clone has no values
        return float("nan")


def _starts(log: Episodes) -> Floats:
    return log.observations[np.diff(log.episode, prepend=-1) > 0]


def _by_model(
    log: Episodes, n_states: int, tables: Mapping[str, Floats], gamma: float, n_resamples: int, seed: int
) -> dict[str, tuple[Interval, float, float]]:
    """Value with its interval, harm and unknown rate of each candidate, in the log counted into a world."""
    unseen, rng = worst_value(log, gamma), np.random.default_rng(seed)

    def values(weights: Floats) -> list[float]:
        model = log_model(log, n_states, unseen=unseen, weights=weights)
        return [model.value(table, gamma) for table in tables.values()]

    model, horizon = log_model(log, n_states, unseen=unseen), int(log.lengths.max())
    again = [values(weights) for weights in rng.standard_exponential((n_resamples, log.n_episodes))]
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    judged = {}
    for i, (name, table) in enumerate(tables.items()):
        score = model.evaluate(table, horizon)
        unknown = max(0.0, 1 - score.hazard_rate - score.goal_rate - score.timeout_rate)
        judged[name] = Interval(model.value(table, gamma), low[i], high[i]), score.hazard_rate, unknown
    return judged


def _by_fqe(name: str, candidate: Any, log: Episodes, gamma: float, seed: int, progress: bool) -> Interval:
    """What fitted Q evaluation says of the log's starts."""
    if not hasattr(candidate, "predict"):
        raise ValueError(
            f"candidates[{name!r}] is a table, expected an agent: this log's observations hardly ever come again"
        )
    from safegrid.agents import fit
    from safegrid.answers import q_table

    recipe = propose_recipe(log)
    judge = create_discrete_fqe(candidate, reward_scale=1 / recipe.largest_reward, gamma=gamma, **recipe.features)
    fit(judge, log, _FQE_STEPS, seed=seed, progress=progress)
    starts = _starts(log)
    chosen = judge.algo.predict(np.asarray(starts, np.float32))
    return Interval(float(q_table(judge, starts)[np.arange(len(starts)), chosen].mean()))


def _or_dash(text: str) -> str:
    return "–" if text.startswith("nan") else text
