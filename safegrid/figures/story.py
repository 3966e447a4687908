"""The story of the book in one figure: who wrote a log beside who learned from it, at any conservative weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import checked_policy
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.sweep.results import Sweep
from safegrid.tabular import argmax_clone

from .board import plot_board
from .explorer_data import check_shown, describe_agents
from .payload import digits
from .touchable import Touchable

MARKS = (0.0, 6.0, 200.0)
"""The weights that have a button of their own, where a sweep has them."""


class WeightStory(Touchable):
    """One log's author beside the network that CQL trained on it, at any conservative weight; twenty trips at a touch.

    Args:
        sweep: from `train_sweep` with the world; its first log and network are shown.
        mdp: the world, of a `SafetyCriticalGridWorld`.
        log: the one that the sweep was trained on.
        driver: the policy that wrote the log, (S, A).
        code: what makes the agent that is shown, for a reader to copy; `WEIGHT` stands for its weight.
        index: position of the first weight shown.
        beside: who stands on the left, "driver" or "clone", which does what the log did most often.
        layer: what colours the boards, one of `EXPLORER_LAYERS`; only CQL's has claims.

    Raises:
        ValueError: as `ConservatismExplorer`, or the driver is no policy of the world.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "story"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0, min=0).tag(sync=True)
    beside = traitlets.Enum(("driver", "clone"), "driver").tag(sync=True)
    layer = traitlets.Enum(("visits", "claimed", "overestimate", "gap", "coverage"), "visits").tag(sync=True)

    def __init__(
        self, sweep: Sweep, mdp: TabularMDP, log: Episodes, driver: Floats, *, code: str = "", **shown: Any
    ) -> None:
        check_shown(sweep.of_logs(1), mdp, [log])
        self.sweep, self.mdp, self.driver = sweep, mdp, checked_policy("driver", driver)
        self.clone = argmax_clone(log, mdp)
        data = {
            **describe_agents(sweep, mdp, np.s_[:, 0, 0]),
            "marks": [int(at) for at, weight in enumerate(sweep.weights) if weight in MARKS],
            "driver": self.driver.ravel().round(9).tolist(),
            "clone": digits(self.clone),
            "counts": coverage(log, mdp).counts.ravel().tolist(),
            "code": code,
        }
        super().__init__(data=data, **shown)

    @property
    def weight(self) -> float:
        """The conservative weight shown."""
        return float(self.sweep.weights[self.index])

    def picture(self) -> Figure:
        """The two boards."""
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        left = self.driver if self.beside == "driver" else self.clone
        shown = {f"its {self.beside}": left, f"CQL, weight {self.weight:g}": self.sweep.policies[self.index, 0, 0]}
        for ax, (name, policy) in zip(axes, shown.items(), strict=True):
            score = self.mdp.evaluate(policy)
            title = f"{name}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("index")
    def _check_index(self, proposal: Any) -> int:
        n = len(self.sweep.weights)
        if not 0 <= proposal["value"] < n:
            raise traitlets.TraitError(f"index is {proposal['value']}, expected a whole number in 0…{n - 1}")
        return int(proposal["value"])
