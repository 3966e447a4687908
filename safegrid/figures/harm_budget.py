"""A budget of harm: what the logs' models promise of their best policies within it, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.practice.budget import BudgetedPolicy, budgeted_policy
from safegrid.scores import PolicyScore

from .board import plot_board
from .payload import describe_world
from .style import ORANGE, RED, rate_axis
from .touchable import Touchable

BUDGETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.1)


class HarmBudget(Touchable):
    """The best policy of a log's model within a budget of harm, at any budget and on several logs, beside the truth.

    Args:
        logs: of one world, with costs of 0 or 1.
        mdp: the world, of a `SafetyCriticalGridWorld`.
        budgets: of harm, rising; each log's model must have a policy that keeps the least.
        code: what makes the policy shown, for a reader to copy; `BUDGET` stands for its budget and `LOG` for its log's
            position.
        index: position of the first budget shown.
        log: position of the first log shown; by default the one whose policy's hazard is in the middle.
        layer: what colours the board, where the policy goes ("visits") or the steps in the log ("coverage").

    Attributes:
        found: what `budgeted_policy` found, budget by budget, a log after the other.
        scores: the exact scores of these policies, likewise.

    Raises:
        ValueError: as `budgeted_policy`; the budgets do not rise; the world is no grid of up to 1024 cells.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "budget"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    log = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Enum(("visits", "coverage"), "visits").tag(sync=True)

    def __init__(
        self,
        logs: Sequence[Episodes],
        mdp: TabularMDP,
        budgets: Sequence[float] = BUDGETS,
        *,
        code: str = "",
        index: int = 0,
        log: int | None = None,
        **shown: Any,
    ) -> None:
        if not logs:
            raise ValueError("logs is empty, expected at least one")
        if not len(budgets) or (np.diff([0.0, *budgets]) <= 0).any():
            raise ValueError(f"budgets is {list(budgets)}, expected budgets above 0 that rise")
        self.mdp, self.logs, self.budgets = mdp, list(logs), tuple(map(float, budgets))
        world = describe_world(mdp)
        self.found = [[budgeted_policy(one, mdp, budget) for one in logs] for budget in budgets]
        self.scores = [[mdp.evaluate(found.policy) for found in of_budget] for of_budget in self.found]
        scores = {
            "promised": np.array([[found.harm for found in of_budget] for of_budget in self.found]),
            "hazard": self._exact("hazard_rate"),
            "return": self._exact("return_mean"),
        }
        data = {
            "world": world,
            "budgets": list(self.budgets),
            "n_logs": len(self.logs),
            **_mixtures(np.array([found.policy for of_budget in self.found for found in of_budget])),
            "counts": [n for one in logs for n in coverage(one, mdp).counts.ravel().tolist()],
            "crashed": [n for one in logs for n in crashes_in(one, mdp)],
            "scores": {name: table.round(6).tolist() for name, table in scores.items()},
            "curves": {name: _middle_half(table).round(6).tolist() for name, table in scores.items()},
            "best": mdp.evaluate(mdp.optimal(1.0, horizon=mdp.horizon)).return_mean,
            "code": code,
        }
        middle = np.argsort(scores["hazard"][self._inside("index", index)])[len(logs) // 2]
        super().__init__(data=data, index=index, log=int(middle if log is None else log), **shown)

    @property
    def policy(self) -> BudgetedPolicy:
        """What is shown, and what its log's model says of it."""
        return self.found[self.index][self.log]

    @property
    def score(self) -> PolicyScore:
        """The truth about it."""
        return self.scores[self.index][self.log]

    def picture(self) -> Figure:
        """The board, and harm over budgets, promised and exact."""
        fig = Figure(figsize=(9.4, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2)
        budget, rate = self.budgets[self.index], Interval(self.score.hazard_rate)
        title = (
            f"budget {100 * budget:g}%, log {self.log + 1}: return {Interval(self.score.return_mean)}, hazard {rate:%}"
        )
        label = "probability of visiting the cell"
        policy = self.policy.policy
        plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, label=label, limits=(0, 1), ax=left)
        for name, colour, words in (("promised", ORANGE, "promised by the model"), ("hazard", RED, "exact")):
            middle, low, high = np.transpose(self.data["curves"][name])
            right.fill_between(self.budgets, low, high, color=colour, alpha=0.2, lw=0)
            right.plot(self.budgets, middle, color=colour, label=f"{words}, median of {len(self.logs)} logs")
        right.set_xscale("log")
        right.set_xticks([0.001, 0.01, 0.1], ["0.1%", "1%", "10%"])
        rate_axis(right, "hazard_rate", upright=True)
        right.axvline(budget, color="black", lw=0.8, ls=":")
        right.set(xlabel="crashes allowed", ylabel="a trip's chance to crash")
        right.legend(frameon=False)
        return fig

    def _exact(self, field: str) -> Floats:
        return np.array([[getattr(score, field) for score in of_budget] for of_budget in self.scores])

    def _inside(self, name: str, value: int) -> int:
        n = {"index": len(self.budgets), "log": len(self.logs)}[name]
        if not 0 <= value < n:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{n - 1}")
        return int(value)

    @traitlets.validate("index", "log")
    def _check_place(self, proposal: Any) -> int:
        return self._inside(proposal["trait"].name, proposal["value"])


def crashes_in(log: Episodes, mdp: TabularMDP) -> list[int]:
    """Of each pair's tries, those that did harm."""
    pairs = (log.states * mdp.n_actions + log.actions)[log.costs > 0]
    return np.bincount(pairs, minlength=mdp.n_states * mdp.n_actions).tolist()


def _middle_half(table: Floats) -> Floats:
    """Median and quartiles over the last axis, (…, 3)."""
    return np.quantile(table, (0.5, 0.25, 0.75), axis=-1).T


def _mixtures(policies: Floats) -> dict[str, Any]:
    """Policies (K, S, 4) that seldom toss a coin.

    A digit for a state where they do not, a dot where all four moves are alike, a star for the next row of shares.
    """
    sure, alike = policies.max(-1) > 1 - 1e-9, np.ptp(policies, axis=-1) < 1e-9
    marks = np.where(sure, policies.argmax(-1).astype(str), np.where(alike, ".", "*"))
    rows = policies[marks == "*"]
    return {"policies": ["".join(one) for one in marks], "shares": rows.round(9).ravel().tolist()}
