"""The votes of a log: what its driver did most often in each cell, and what another log would have said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.ope import log_shares
from safegrid.tabular import argmax_clone

from .board import plot_board
from .payload import describe_world
from .touchable import Touchable


class VoteBoard(Touchable):
    """Two clones that count: one takes in each cell the move that won the vote of a log, one draws from its shares.

    Args:
        logs: share of the driver's random actions, ε → logs of that driver, as many for each; at most 20 shares and 50
            logs.
        mdp: their world, of a `SafetyCriticalGridWorld`.
        drivers: ε → the policy that wrote the logs, (S, A).
        index: position of the share that is shown.
        log: position of the log that is shown.

    Raises:
        ValueError: there are not as many logs for each share, or a log is of another world.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "votes"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    log = traitlets.Int(0).tag(sync=True)

    def __init__(
        self, logs: Mapping[float, Sequence[Episodes]], mdp: TabularMDP, drivers: Mapping[float, Floats], **shown: Any
    ) -> None:
        self.mdp, self.epsilons = mdp, sorted(logs)
        self.logs = [list(logs[epsilon]) for epsilon in self.epsilons]
        if len(numbers := {len(of_share) for of_share in self.logs}) != 1:
            raise ValueError(f"logs holds {sorted(numbers)} logs a share, expected as many for each")
        if sorted(drivers) != self.epsilons:
            raise ValueError(f"drivers has the shares {sorted(drivers)}, expected {self.epsilons} as logs")
        every = [self._clones(log) for of_share in self.logs for log in of_share]
        scores = {way: [mdp.evaluate(clones[way]) for clones in every] for way in ("argmax", "sampled")}
        data = {
            "world": describe_world(mdp),
            "epsilons": self.epsilons,
            "n_logs": len(self.logs[0]),
            "driver": [round(mdp.evaluate(drivers[epsilon]).hazard_rate, 6) for epsilon in self.epsilons],
            "counts": np.concatenate(
                [coverage(log, mdp).counts.ravel() for of_share in self.logs for log in of_share]
            ).tolist(),
            "scores": {
                field: {way: [round(getattr(score, field), 6) for score in of_way] for way, of_way in scores.items()}
                for field in ("return_mean", "hazard_rate")
            },
        }
        super().__init__(data=data, **shown)

    def _clones(self, log: Episodes) -> dict[str, Floats]:
        return {"argmax": argmax_clone(log, self.mdp), "sampled": log_shares(log, self.mdp.n_states)}

    def policies(self) -> dict[str, Floats]:
        """The two clones on the boards, "argmax" and "sampled", (S, A) each."""
        return self._clones(self.logs[self.index][self.log])

    def picture(self) -> Figure:
        """The two boards."""
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        for ax, (name, policy) in zip(axes, self.policies().items(), strict=True):
            score = self.mdp.evaluate(policy)
            title = f"{name}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("index", "log")
    def _check_position(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        most = (len(self.epsilons) if name == "index" else len(self.logs[0])) - 1
        if not 0 <= value <= most:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{most}")
        return int(value)
