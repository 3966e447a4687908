"""What a log says beside what is true of its world, where that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from safegrid.array_types import ByValue, Floats, Ints, distinct
from safegrid.dataset import Episodes, check_states
from safegrid.logs import impossible_rows
from safegrid.mdp import TabularMDP
from safegrid.scores import PolicyScore

from .evidence import TRIES
from .faults.finding import Finding, found

_GAMMA = 0.99


@dataclass(frozen=True, eq=False)
class Truth(ByValue):
    """Exact scores in the world, over its horizon, or over the log's longest episode where it has none.

    Attributes:
        driver: of the log's shares of actions, taken as a policy; any action in states that the log never saw.
        best: of the best policy at γ = 0.99.
        untried: share of the best policy's steps that take a pair which the log never tried.
        thin: share of them that take one it tried, but fewer than 5 times.
    """

    driver: PolicyScore
    best: PolicyScore
    untried: float
    thin: float


def hold(log: Episodes, mdp: TabularMDP) -> tuple[Truth, list[Finding]]:
    """Holds a log against its world: the truth, and the finding `impossible_rows`.

    Raises:
        ValueError: the log's actions or observations are not of the world's number and length; or the world's
            observations do not tell its states, and the log does not know them.
    """
    if not isinstance(mdp, TabularMDP):
        raise ValueError(f"mdp is a {type(mdp).__name__}, expected a TabularMDP, such as env.mdp")
    for name, got, expected in (
        ("n_actions", log.n_actions, mdp.n_actions),
        ("observations of length", log.observations.shape[1], mdp.observations.shape[1]),
    ):
        if got != expected:
            raise ValueError(f"log has {name} {got}, expected {expected} as the mdp")
    odd = impossible_rows(log, mdp)
    findings = found(
        "impossible_rows", odd,
        "cannot happen in the world that was given: another place, another reward, or another end follows there",
    )  # fmt: skip
    counts = np.zeros((mdp.n_states, mdp.n_actions))
    states = _states(log, mdp)
    met = states >= 0
    np.add.at(counts, (states[met], log.actions[met]), 1)
    counts *= mdp.action_mask
    shares = np.where(counts.any(1, keepdims=True), counts, mdp.action_mask)
    best, horizon = mdp.optimal(_GAMMA), mdp.horizon or int(log.lengths.max())
    driver = mdp.evaluate(shares / shares.sum(1, keepdims=True), horizon)
    taken: Floats = best * (mdp.expected_visits(best, horizon) * ~mdp.terminal)[:, None]
    never, few = counts == 0, (counts > 0) & (counts < TRIES[3])
    untried, thin = (float(taken[rows].sum() / taken.sum()) for rows in (never, few))
    return Truth(driver, mdp.evaluate(best, horizon), untried, thin), findings


def _states(log: Episodes, mdp: TabularMDP) -> Ints:
    """The state of each row by its observation, −1 where none is observed so; by the log where two look alike."""
    everything, codes = distinct(np.concatenate([mdp.observations, log.observations]))
    if len(np.unique(codes[: mdp.n_states])) < mdp.n_states:
        check_states(log, mdp)
        return log.states
    state = np.full(len(everything), -1)
    state[codes[: mdp.n_states]] = np.arange(mdp.n_states)
    return np.asarray(state[codes[mdp.n_states :]])
