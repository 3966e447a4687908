"""The training played: a table that the page trains on a log, beside a network that was recorded while it trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import check_gamma
from safegrid.dataset import Episodes
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.scores import PolicyScore
from safegrid.tabular import greedy, tabular_cql

from .board import plot_board
from .payload import Q_UNIT, describe_log, describe_world, digits, find_limits, whole_units
from .touchable import Touchable

TABLE_STOPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, None)
"""Gradient steps after which the table is shown; None is their limit."""


class TrainingPlayer(Touchable):
    """What a learner believes of the start while it trains, what is true, and where its dream begins.

    The table is trained in the page, as by `tabular_cql`, with a snapshot at each of `TABLE_STOPS`.

    Args:
        log: the episodes that it learns from.
        mdp: their world, of a `SafetyCriticalGridWorld`.
        network: what a network claimed after some steps of training on the same log: step → (S, A), in discounted raw
            reward, as `train_sweep` gives it to `watch`. It acts by its largest claim.
        gamma: discount factor below 1.
        reward_scale: the table's, as `tabular_cql`.
        who: who is shown, "table" or "network".
        stop: position of the step that is shown, among `TABLE_STOPS` or the network's steps.
        conservative_weight: the table's, as `tabular_cql`.
        belief: see there.
        layer: what colours the board, one of `EXPLORER_LAYERS`.

    Raises:
        ValueError: the log is of another world, a claim is not finite, or there is no such step.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "training_player"
    data = traitlets.Dict().tag(sync=True)
    who = traitlets.Enum(("table", "network"), "table").tag(sync=True)
    stop = traitlets.Int(0).tag(sync=True)
    conservative_weight = traitlets.Float(0.0).tag(sync=True)
    belief = traitlets.Float(0.0).tag(sync=True)
    layer = traitlets.Enum(("visits", "claimed", "overestimate", "gap", "coverage"), "overestimate").tag(sync=True)

    def __init__(
        self,
        log: Episodes,
        mdp: TabularMDP,
        *,
        network: Mapping[int, Floats] | None = None,
        gamma: float = 0.99,
        reward_scale: float = 1.0,
        **shown: Any,
    ) -> None:
        check_gamma(gamma)
        self.episodes, self.mdp, self.gamma, self.reward_scale = log, mdp, gamma, reward_scale
        self.network = {int(step): np.asarray(q, float) for step, q in sorted((network or {}).items())}
        live = ~mdp.terminal
        for step, q in self.network.items():
            if q.shape != (mdp.n_states, mdp.n_actions) or not np.isfinite(q[live]).all():
                raise ValueError(f"network[{step}] has shape {q.shape}, expected finite claims (S, A)")
        acted = [np.where(live[:, None], q, 0.0) for q in self.network.values()]
        best = mdp.optimal(gamma)
        last = tabular_cql(log, mdp, 0.0, reward_scale=reward_scale, belief=shown.get("belief", 0.0), gamma=gamma)
        tables = np.array([*self.network.values(), last])[:, live]
        truths = [mdp.values(greedy(q), gamma)[0][live] for q in (*self.network.values(), last)]
        data = {
            "world": describe_world(mdp),
            "gamma": gamma,
            "reward_scale": reward_scale,
            "best_value": float(mdp.start @ mdp.values(best, gamma)[0]),
            **describe_log(log, mdp),
            "limits": find_limits(tables, np.array(truths)),
            "network": {
                "steps": list(self.network),
                "q_unit": Q_UNIT,
                "q_values": whole_units(np.array(acted), Q_UNIT),
                "policies": [digits(q) for q in acted],
            }
            if self.network
            else None,
        }
        super().__init__(data=data, **shown)

    @property
    def step(self) -> int | None:
        """The step of training that is shown; None is the table's limit."""
        return (TABLE_STOPS if self.who == "table" else tuple(self.network))[self.stop]

    def claims(self) -> Floats:
        """What the learner that is shown claims of each action, (S, A), in discounted raw reward."""
        if self.who == "network":
            assert self.step is not None
            return self.network[self.step]
        return tabular_cql(
            self.episodes, self.mdp, self.conservative_weight, reward_scale=self.reward_scale, n_steps=self.step,
            belief=self.belief, gamma=self.gamma,
        )  # fmt: skip

    def policy(self) -> Floats:
        """How it acts, (S, A): a network by its largest claim, a table by all that share it."""
        q = self.claims()
        return greedy(q) if self.who == "table" else np.eye(q.shape[1])[q.argmax(1)]

    def score(self) -> PolicyScore:
        """What that earns and risks, exactly."""
        return self.mdp.evaluate(self.policy())

    def picture(self) -> Figure:
        """The board, coloured by what it believes too much."""
        q, policy = self.claims(), self.policy()
        over = q.max(1) - self.mdp.values(policy, self.gamma)[0]
        fig = Figure(figsize=(4.6, 3.8), layout="constrained")
        score = self.score()
        title = f"return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
        low, high = self.data["limits"]["overestimate"]
        ax = fig.subplots()
        plot_board(self.mdp, over, policy, title=title, limits=(low, high), palette="balance", ax=ax)
        fig.colorbar(ax.images[0], ax=ax, label="claimed minus true value", shrink=0.85)
        return fig

    @traitlets.validate("stop", "who")
    def _check_stop(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "who" and value == "network" and not self.network:
            raise traitlets.TraitError("who is 'network', but none was recorded")
        most = max(len(TABLE_STOPS), len(self.network)) - 1
        if name == "stop" and not 0 <= value <= most:
            raise traitlets.TraitError(f"stop is {value}, expected a whole number in 0…{most}")
        return value

    @traitlets.validate("conservative_weight", "belief")
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = (0, 1000) if name == "conservative_weight" else (-1000, 1000)
        if not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low}…{high}")
        return value
