"""Side by side in one figure: who learned from the same logs, every run, and the weight that moves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import checked_policy
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP, portable_rng
from safegrid.scores import PolicyScore
from safegrid.sweep.results import Sweep

from .board import plot_board
from .explorer_data import check_shown
from .payload import describe_world, digits
from .story import MARKS
from .touchable import Touchable

SIDES = ("optimum", "driver", "BC", "double DQN", "CQL")
"""Who can stand on a board."""
SHOWN = ("return_mean", "return_cvar", "hazard_rate", "timeout_rate")


class SideBySide(Touchable):
    """Agents that learned from the same logs: any two on boards, every run as a dot, the conservative weight a slider.

    Args:
        sweep: CQL on some logs, from `train_sweep` with the world; its weights rise from 0, which is double DQN. The
            first network of each log is shown.
        mdp: the world, of a `SafetyCriticalGridWorld`.
        clones: the argmax clones of the same logs, from `train_clone_sweep` with the world.
        known: policies that need no log, "optimum" and "driver", (S, A) each.
        index: position of the first weight shown.
        log: position of the log whose agents are on the boards.
        left: who stands on the left board, one of `SIDES`.
        right: who stands on the right one.
        draw: 0 for all logs; otherwise the seed that draws the three whose means are compared.

    Raises:
        ValueError: as `ConservatismExplorer`; or the weights do not begin at 0, the clones are of other logs, or
            `known` holds others than optimum and driver.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "side_by_side"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    log = traitlets.Int(0).tag(sync=True)
    left = traitlets.Enum(SIDES, "BC").tag(sync=True)
    right = traitlets.Enum(SIDES, "CQL").tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)

    def __init__(self, sweep: Sweep, mdp: TabularMDP, clones: Sweep, known: Mapping[str, Floats], **shown: Any) -> None:
        check_shown(sweep, mdp, None)
        if sweep.weights[0] != 0:
            raise ValueError(f"sweep.weights begin at {sweep.weights[0]:g}, expected 0, which is double DQN")
        if len(clones.seeds) != len(sweep.seeds):
            raise ValueError(f"clones are of {len(clones.seeds)} logs, expected {len(sweep.seeds)} as the sweep")
        if set(known) != {"optimum", "driver"}:
            raise ValueError(f"known holds {', '.join(known) or 'nothing'}, expected optimum and driver")
        self.sweep, self.mdp, self.clones = sweep, mdp, clones
        self.known = {name: checked_policy(name, policy) for name, policy in known.items()}
        scores: dict[str, PolicyScore] = {name: mdp.evaluate(policy) for name, policy in self.known.items()}
        data = {
            "world": describe_world(mdp),
            "weights": sweep.weights.tolist(),
            "marks": [int(at) for at, weight in enumerate(sweep.weights) if weight in MARKS],
            "n_logs": len(sweep.seeds),
            "policies": [digits(policy) for of_weight in sweep.policies[:, :, 0] for policy in of_weight],
            "clones": [digits(policy) for policy in clones.policies[0, :, 0]],
            "known": {name: policy.ravel().round(9).tolist() for name, policy in self.known.items()},
            "scores": {
                name: {who: round(getattr(score, name), 6) for who, score in scores.items()}
                | {"BC": clones.scores(name)[0, :, 0].round(6).tolist()}
                | {"CQL": sweep.scores(name)[:, :, 0].round(6).ravel().tolist()}
                for name in SHOWN
            },
        }
        super().__init__(data=data, **shown)

    @property
    def weight(self) -> float:
        """The conservative weight shown."""
        return float(self.sweep.weights[self.index])

    @property
    def shown_logs(self) -> list[int]:
        """The logs whose means are compared."""
        n = len(self.sweep.seeds)
        return list(range(n)) if self.draw == 0 else np.argsort(portable_rng(self.draw).random(n))[:3].tolist()

    def policies(self) -> dict[str, Floats]:
        """Who is on the two boards: left, right, (S, A) each."""
        every = self.known | {
            "BC": self.clones.policies[0, self.log, 0],
            "double DQN": self.sweep.policies[0, self.log, 0],
            "CQL": self.sweep.policies[self.index, self.log, 0],
        }
        return {side: every[side] for side in (self.left, self.right)}

    def picture(self) -> Figure:
        """The two boards."""
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        for ax, side in zip(axes, (self.left, self.right), strict=True):
            policy = self.policies()[side]
            score = self.mdp.evaluate(policy)
            title = f"{side}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("index", "log", "draw")
    def _check_position(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        most = {"index": len(self.sweep.weights) - 1, "log": len(self.sweep.seeds) - 1, "draw": 10_000}[name]
        if not 0 <= value <= most:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{most}")
        return int(value)
