"""A world and the best driver in it: what slips, the price of a crash and a deadline make of its way."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.env import SafetyCriticalGridWorld
from safegrid.intervals import Interval
from safegrid.scores import PolicyScore

from .board import plot_board
from .laboratory import LIMITS, WORLD, check_map, world_settings
from .touchable import Touchable

LARGEST_PRICE = 1e6


class BestDriver(Touchable):
    """The best way through a world before its deadline, beside the way of somebody who fears no slip.

    The page computes both by induction from the last step backwards (Bellman 1957), as `TabularMDP.optimal` with a
    horizon does, on every change. Who fears no slip does what is best in the same world without slips.

    Args:
        env: the world to begin with, of 2 to 20 cells a side; `cliff` by default.
        settings: any of the traits below.

    Attributes:
        desc: the map, as `SafetyCriticalGridWorld`'s, and so are the others.
        max_steps: the deadline, 1 to 400 steps.
        slip_prob: the share of steps that go astray.
        step_reward: raw reward of a step, -1000 to 1000.
        hazard_reward: raw reward of a crash, -1e6 to 1000.
        goal_reward: raw reward of the goal, -1000 to 1000.

    Raises:
        TraitError: a setting outside its limits; names it and what was expected.
        ValueError: the world does not fit.
    """

    module = "best_driver"
    desc = traitlets.List(traitlets.Unicode()).tag(sync=True)
    max_steps = traitlets.Int(80).tag(sync=True)
    slip_prob = traitlets.Float(0.05).tag(sync=True)
    step_reward = traitlets.Float(-1.0).tag(sync=True)
    hazard_reward = traitlets.Float(-100.0).tag(sync=True)
    goal_reward = traitlets.Float(50.0).tag(sync=True)

    def __init__(self, env: SafetyCriticalGridWorld | None = None, **settings: Any) -> None:
        if unknown := set(settings) - set(WORLD):
            raise TypeError(f"unknown setting {min(unknown)!r}, expected one of {', '.join(WORLD)}")
        env = SafetyCriticalGridWorld(map_name="cliff") if env is None else env
        super().__init__(**(world_settings(env) | settings))

    def policies(self) -> dict[str, Floats]:
        """Both drivers' policies, "fearless" and "best", each (max_steps, S, A)."""
        settings = {name: getattr(self, name) for name in WORLD}
        worlds = {"fearless": settings | {"slip_prob": 0.0}, "best": settings}
        return {
            name: SafetyCriticalGridWorld(**own).mdp.optimal(1.0, horizon=self.max_steps)
            for name, own in worlds.items()
        }

    def scores(self) -> dict[str, PolicyScore]:
        """What both earn and risk in this world, exactly."""
        mdp = SafetyCriticalGridWorld(**{name: getattr(self, name) for name in WORLD}).mdp
        return {name: mdp.evaluate(policy) for name, policy in self.policies().items()}

    def picture(self) -> Figure:
        """The two boards."""
        mdp = SafetyCriticalGridWorld(**{name: getattr(self, name) for name in WORLD}).mdp
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        for ax, (name, policy) in zip(axes, self.policies().items(), strict=True):
            score = mdp.evaluate(policy)
            title = f"{name}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(mdp, mdp.occupancy(policy), policy[0], title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("desc")
    def _check_desc(self, proposal: Any) -> list[str]:
        return check_map(proposal["value"])

    @traitlets.validate("max_steps", "slip_prob", "step_reward", "hazard_reward", "goal_reward")
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = (-LARGEST_PRICE, 1000.0) if name == "hazard_reward" else LIMITS[name]
        if not low <= value <= high or not np.isfinite(value):
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low:g}…{high:g}")
        return value
