"""One state in balance: what the log's shares, the softmax's and the conservative weight make of its four actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import check_gamma
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.tabular import greedy, tabular_cql

from .board import plot_board
from .payload import describe_log, describe_world, find_limits
from .touchable import Touchable

LIMITS = {"conservative_weight": (0, 1000), "reward_scale": (0.001, 10)}
"""Lowest and highest value of each number."""


class Balance(Touchable):
    """One state of tabular CQL under a microscope: its log's shares, its softmax's, and what the weight gives or takes.

    In the limit the claim of a tried action stands α (1 − μ / β̂) above its target (Kumar et al. 2020, below eq. 4),
    with the weight α, the softmax's share μ and the log's share β̂. A step of the log in the chosen state may be counted
    several times, or not at all; all claims are solved anew, by `tabular_cql`, in the page as in Python.

    Args:
        log: the episodes that CQL learns from.
        mdp: their world, of a `SafetyCriticalGridWorld`.
        gamma: discount factor below 1.
        cell: the state that is looked at; one where somebody acts.
        conservative_weight: as `tabular_cql`.
        reward_scale: see there.
        times: how often each of the state's four actions in the log is counted, 0 to 1000.
        layer: what colours the board, one of `EXPLORER_LAYERS`.

    Raises:
        ValueError: the log is of another world.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "balance"
    data = traitlets.Dict().tag(sync=True)
    cell = traitlets.Int(0).tag(sync=True)
    conservative_weight = traitlets.Float(6.0).tag(sync=True)
    reward_scale = traitlets.Float(0.1).tag(sync=True)
    times = traitlets.List(traitlets.Int(), [1, 1, 1, 1]).tag(sync=True)
    layer = traitlets.Enum(("visits", "claimed", "overestimate", "gap", "coverage"), "visits").tag(sync=True)

    def __init__(self, log: Episodes, mdp: TabularMDP, *, gamma: float = 0.99, **shown: Any) -> None:
        check_gamma(gamma)
        self.known, self.mdp, self.gamma = log, mdp, gamma
        live = ~mdp.terminal
        tables = np.array([tabular_cql(log, mdp, weight, gamma=gamma) for weight in (1.0, 6.0, 50.0)])
        tables = np.where(np.isfinite(tables), tables, 0.0)
        truths = np.array([mdp.values(greedy(q), gamma)[0] for q in tables])
        limits = find_limits(tables[:, live], truths[:, live])
        data = {"world": describe_world(mdp), "gamma": gamma, "limits": limits, **describe_log(log, mdp)}
        super().__init__(data=data, **shown)

    def episodes(self) -> Episodes:
        """The log, with the steps of the chosen state counted as often as `times` says; every step an episode."""
        log = self.known
        often = np.where(log.states == self.cell, np.array(self.times)[log.actions], 1)
        rows = np.repeat(np.arange(len(log)), often)
        columns = {name: getattr(log, name)[rows] for name in ("observations", "actions", "rewards", "terminals")}
        return Episodes.from_arrays(
            **columns, timeouts=~columns["terminals"], next_observations=log.next_observations[rows],
            states=log.states[rows], next_states=log.next_states[rows], n_actions=log.n_actions,
        )  # fmt: skip

    def claims(self) -> Floats:
        """What CQL claims in the limit, (S, A), in discounted raw reward."""
        scale = self.reward_scale
        return tabular_cql(self.episodes(), self.mdp, self.conservative_weight, reward_scale=scale, gamma=self.gamma)

    def policy(self) -> Floats:
        """How it acts, (S, A)."""
        return greedy(self.claims())

    def rows(self) -> dict[str, Floats]:
        """The state's four actions: the log's shares, the softmax's, what the weight gives or takes, and the claims."""
        counts = coverage(self.episodes(), self.mdp).counts[self.cell]
        q = self.claims()[self.cell]
        softmax = np.exp(self.reward_scale * (q - q.max()))
        softmax /= softmax.sum()
        share = counts / max(counts.sum(), 1)
        charge = np.divide(softmax, share, out=np.full(4, np.inf), where=share > 0)
        push = self.conservative_weight * (1 - charge) if self.conservative_weight else np.zeros(4)
        return {"log": share, "softmax": softmax, "push": push, "claims": q}

    def picture(self) -> Figure:
        """The board, and the four pushes."""
        policy = self.policy()
        score = self.mdp.evaluate(policy)
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2)
        title = f"weight {self.conservative_weight:g}: return {Interval(score.return_mean)}"
        plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=left)
        rows = self.rows()
        for i, name in enumerate(("log", "softmax")):
            right.bar(np.arange(4) + 0.4 * (i - 0.5), rows[name], width=0.4, label=f"{name}'s share")
        right.set_xticks(range(4), "↓→↑←")
        right.legend(frameon=False)
        return fig

    @traitlets.validate("cell")
    def _check_cell(self, proposal: Any) -> int:
        value, n = proposal["value"], self.mdp.n_states
        if not 0 <= value < n or self.mdp.terminal[value]:
            raise traitlets.TraitError(f"cell is {value}, expected a state of 0…{n - 1} where somebody acts")
        return int(value)

    @traitlets.validate("times")
    def _check_times(self, proposal: Any) -> list[int]:
        value = list(proposal["value"])
        if len(value) != 4 or not all(0 <= x <= 1000 for x in value):
            raise traitlets.TraitError(f"times is {value}, expected four whole numbers in 0…1000")
        return value

    @traitlets.validate(*LIMITS)
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low}…{high}")
        return value
