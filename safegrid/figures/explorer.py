"""The explorer: a slider over the conservative weight of agents that were really trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.scores import PolicyScore
from safegrid.sweep.results import Sweep

from .board import plot_board
from .explorer_data import check_shown, describe_sweep, spliced
from .payload import digits, whole_units
from .touchable import Touchable

EXPLORER_LAYERS = ("visits", "claimed", "overestimate", "gap", "coverage")


class ConservatismExplorer(Touchable):
    """A slider over the conservative weight of agents that were really trained.

    It shows the chosen agent on the board (greedy arrows, and a layer: where it goes, its claims, claimed minus its own
    true value, the action gap, the log's coverage), and over all weights the return, the hazard rate and the claimed
    and true value of the start, with their 95% intervals over logs.

    `index`, `log`, `seed` and `layer` can be read, set and linked (`ipywidgets.jslink`) like any widget's traits.

    Args:
        sweep: from `train_sweep` with the world; assign another to `explorer.sweep` to show that one.
        mdp: the world, of a `SafetyCriticalGridWorld`.
        logs: those the sweep was trained on, to show what they cover.
        clones: from `train_clone_sweep`; their first penalty is a reference line.
        references: name → exact score, such as the optimum's and the driver's.
        title: what is shown, such as the map's name.
        log: position of the first log shown.
        index: position of the first weight shown; by default of `create_discrete_cql`'s own, 6, or the middle.
        layer: one of `EXPLORER_LAYERS`.

    Attributes:
        weight: the conservative weight shown.
        agent: the agent shown, as a d3rlpy `DiscreteCQL`.

    Raises:
        ValueError: the sweep was not trained with `mdp`, holds clones or claims that are not finite, its weights do not
            rise, or the world is no grid of up to 1024 cells.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "explorer"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    log = traitlets.Int(0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Unicode("visits").tag(sync=True)

    def __init__(
        self,
        sweep: Sweep,
        mdp: TabularMDP,
        *,
        logs: Episodes | Sequence[Episodes] | None = None,
        clones: Sweep | None = None,
        references: Mapping[str, PolicyScore] | None = None,
        title: str = "Agents trained by CQL",
        log: int = 0,
        index: int | None = None,
        layer: str = "visits",
    ) -> None:
        self.mdp, self.title = mdp, title
        self.logs = [logs] if isinstance(logs, Episodes) else None if logs is None else list(logs)
        self.references = {name: (s.return_mean, s.hazard_rate) for name, s in (references or {}).items()}
        if clones is not None:
            scores = clones.curve("return_mean")[0], clones.curve("hazard_rate")[0]
            self.references |= {"BC": (scores[0].estimate, scores[1].estimate)}
        self._sweep, self._shown = sweep, dict[tuple[int, int, int], Any]()
        known = sweep.weights.tolist()
        first = (known.index(6.0) if 6.0 in known else len(known) // 2) if index is None else index
        super().__init__(data=self._describe(sweep), index=first, log=log, layer=layer)

    @property
    def sweep(self) -> Sweep:
        """What is shown; assign another sweep to show that one."""
        return self._sweep

    @sweep.setter
    def sweep(self, sweep: Sweep) -> None:
        data = self._describe(sweep)
        self._sweep, self._shown = sweep, {}
        shape = (len(sweep.weights), *sweep.seeds.shape)
        with self.hold_sync():
            self.index, self.log, self.seed = (
                min(at, n - 1) for at, n in zip((self.index, self.log, self.seed), shape, strict=True)
            )
            self.data = data

    @property
    def weight(self) -> float:
        """The conservative weight shown; assign one of the sweep's."""
        return float(self.sweep.weights[self.index])

    @weight.setter
    def weight(self, weight: float) -> None:
        near = np.isclose(self.sweep.weights, weight, rtol=1e-6, atol=0)
        if not near.any():
            raise ValueError(f"weight is {weight!r}, expected one of {self.sweep.weights.tolist()}")
        self.index = int(np.argmax(near))

    @property
    def agent(self) -> Any:
        """The agent shown, as d3rlpy's."""
        return self._shown.get(self._place) or self.sweep.agent(self.weight, self.log, self.seed)

    @property
    def _place(self) -> tuple[int, int, int]:
        return self.index, self.log, self.seed

    def show(self, agent: Any) -> None:
        """Shows another agent in the place of the chosen one, until the sweep changes.

        Raises:
            ValueError: the agent's values are not finite.
        """
        q = q_table(agent, self.mdp)
        if not np.isfinite(q).all():
            raise ValueError(f"agent claims {q[~np.isfinite(q)][0]}, expected finite values: its training diverged")
        policy = policy_table(agent, self.mdp)
        score = self.mdp.evaluate(policy)
        start = self.mdp.start
        scores = {
            "return_mean": score.return_mean,
            "hazard_rate": score.hazard_rate,
            "claimed_value": float(start @ q.max(1)),
            "true_value": float(start @ self.mdp.values(policy, agent.gamma)[0]),
        }
        member = np.ravel_multi_index(self._place, (len(self.sweep.weights), *self.sweep.seeds.shape))
        data = dict(self.data)
        claims = whole_units(q, data["q_unit"])
        data["q_values"] = spliced(data["q_values"], claims, int(member) * len(claims))
        data["policies"] = spliced(data["policies"], [digits(policy)], int(member))
        data["scores"] = {n: spliced(v, [scores[n]], int(member)) for n, v in data["scores"].items()}
        self._shown[self._place] = agent
        self.data = data

    def picture(self) -> Figure:
        """The board of the weight shown."""
        shown = self._shown.get(self._place)
        policy = self.sweep.policies[self._place] if shown is None else policy_table(shown, self.mdp)
        score = self.mdp.evaluate(policy)
        agent = f"weight {self.weight:g}, log {self.log + 1}"
        title = f"{agent}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
        visits = self.mdp.occupancy(policy)
        fig = Figure(figsize=(5.2, 4.4), layout="constrained")  # not pyplot's, which would show it or what follows late
        ax = fig.subplots()
        plot_board(
            self.mdp, visits, policy, title=title, label="probability of visiting the cell", limits=(0, 1), ax=ax
        )
        return fig

    @traitlets.validate("index", "log", "seed")
    def _check_index(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        n = dict(zip(("index", "log", "seed"), (len(self.sweep.weights), *self.sweep.seeds.shape), strict=True))[name]
        if not 0 <= value < n:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{n - 1}")
        return int(value)

    @traitlets.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        known = EXPLORER_LAYERS if self.logs else EXPLORER_LAYERS[:-1]
        if proposal["value"] not in known:
            raise traitlets.TraitError(f"layer is {proposal['value']!r}, expected one of {', '.join(known)}")
        return str(proposal["value"])

    def _describe(self, sweep: Sweep) -> dict[str, Any]:
        check_shown(sweep, self.mdp, self.logs)
        references = {name: list(levels) for name, levels in self.references.items()}
        return {"title": self.title, "references": references} | describe_sweep(sweep, self.mdp, self.logs)
