"""What each changed setting does: in rows with intervals, and in a figure that can be touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from safegrid.array_types import Floats
from safegrid.env import SafetyCriticalGridWorld
from safegrid.intervals import Interval, interquartile_mean, mean

from .board import plot_board
from .payload import describe_world
from .style import GREY, GRID, LABELS, line_colours, name_rows, rate_axis
from .touchable import Touchable

RUN_SCORES = ("return_mean", "hazard_rate", "overestimate")


def plot_sensitivity(
    series: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]],
    *,
    default: str = "default",
    figsize: tuple[float, float] = (10.5, 5),
) -> Figure:
    """What each changed setting does: return, worst run, hazard and claimed minus true value, a row a setting.

    A marker is the interquartile mean over the runs, for the hazard the mean; its bar the 95% interval over logs. A
    shaded band is the interval of the row named `default`. The worst run has no interval.

    Args:
        series: name of a series, such as a map → setting → "return_mean", "hazard_rate" and "overestimate" → (L, K)
            scores of L logs and K network seeds. Every series has the same settings.
        default: the row to compare with.
        figsize: width and height in inches.

    Raises:
        ValueError: a series lacks the row `default`, or its settings differ from the first one's.
    """
    names = list(next(iter(series.values())))
    for key, rows in series.items():
        if default not in rows or list(rows) != names:
            raise ValueError(f"series[{key!r}] has rows {list(rows)}, expected {names} with {default!r} among them")
    panels: tuple[tuple[str, str, Callable[[Floats], Interval]], ...] = (
        ("return_mean", LABELS["return_mean"], interquartile_mean),
        ("return_mean", "worst run's return (raw reward)", _least),
        ("hazard_rate", LABELS["hazard_rate"], mean),
        ("overestimate", LABELS["overestimate"], interquartile_mean),
    )
    widths = {"width_ratios": [1, 1, 1.5, 1]}  # a logarithmic axis has the longest labels
    fig, axes = plt.subplots(1, len(panels), figsize=figsize, sharey=True, layout="constrained", gridspec_kw=widths)
    for ax, (field, label, summary) in zip(axes, panels, strict=True):
        for i, (key, colour, marker) in enumerate(zip(series, line_colours(), cycle("osD^v"), strict=False)):
            nudge = 0.5 * ((i + 0.5) / len(series) - 0.5)
            for row, name in enumerate(names):
                at = summary(np.asarray(series[key][name][field], float))
                if name == default and np.isfinite(at.low):
                    ax.axvspan(at.low, at.high, color=colour, alpha=0.15, lw=0)
                ax.plot([at.low, at.high], [row + nudge] * 2, color=colour, lw=1.8, solid_capstyle="butt")
                ax.plot(at.estimate, row + nudge, marker, ms=5, color=colour, label=key if row == 0 else None)
        rate_axis(ax, field)
        ax.set(xlabel=label.replace(" (", "\n("), yticks=range(len(names)))
        ax.grid(axis="y", color=GRID, lw=0.5)
    axes[-1].axvline(0, color=GREY, ls="--", lw=1)
    name_rows(axes[0], names)
    if len(series) > 1:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(series), frameon=False)
    return fig


def _least(runs: Floats) -> Interval:
    """The worst run; there is no interval for it."""
    return Interval(float(np.min(runs)), float("nan"), float("nan"))


class Sensitivity(Touchable):
    """Every run of every changed setting as a dot; beside each other on boards a run of the first row, which is the
    recipe's own, and the run of a changed setting on the same log with the same network seed.

    Args:
        runs: name of a map → setting → "return_mean", "hazard_rate" and "overestimate", (L, K) scores of L logs and K
            network seeds, and "actions", (L, K, S) whole numbers: what each agent does in every state. Maps are named
            as in `MAPS`, all have the same settings, and the first setting is the one that the others are changes of.
        meanings: name of a setting → what was changed, in plain words.
        setting: position of the changed setting shown, from 1.
        map: name of the map shown, by default the first.
        run: position of the run shown, log after log and of each log network after network.

    Raises:
        ValueError: maps differ in their settings, or a score or an action does not fit.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "sensitivity"
    data = traitlets.Dict().tag(sync=True)
    setting = traitlets.Int(1).tag(sync=True)
    map = traitlets.Unicode().tag(sync=True)
    run = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        runs: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]],
        meanings: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> None:
        self.worlds = {name: SafetyCriticalGridWorld(map_name=name).mdp for name in runs}
        self.settings = list(next(iter(runs.values())))
        self.actions = {name: [np.asarray(row["actions"]) for row in rows.values()] for name, rows in runs.items()}
        if unknown := [name for name in meanings or () if name not in self.settings]:
            raise ValueError(f"meanings has {unknown[0]!r}, expected names among {self.settings}")
        n_logs, n_networks = next(iter(self.actions.values()))[0].shape[:2]
        for name, rows in runs.items():
            if list(rows) != self.settings:
                raise ValueError(f"runs[{name!r}] has settings {list(rows)}, expected {self.settings}")
            for setting, row in rows.items():
                _check_row(f"runs[{name!r}][{setting!r}]", row, (n_logs, n_networks, self.worlds[name].n_states))
        data = {
            "settings": self.settings,
            "meanings": [(meanings or {}).get(name, name) for name in self.settings],
            "n_logs": n_logs,
            "n_networks": n_networks,
            "maps": {
                name: {"world": describe_world(self.worlds[name]), "rows": [_described(row) for row in rows.values()]}
                for name, rows in runs.items()
            },
        }
        super().__init__(data=data, **{"map": next(iter(runs))} | shown)

    def policies(self) -> dict[str, Floats]:
        """Who is on the two boards: the recipe's own agent and that of the changed setting, (S, A) each."""
        mdp = self.worlds[self.map]
        acts = [rows.reshape(-1, mdp.n_states)[self.run] for rows in self.actions[self.map]]
        return {self.settings[k]: np.eye(mdp.n_actions)[acts[k]] for k in (0, self.setting)}

    def picture(self) -> Figure:
        """The two boards."""
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes, mdp = fig.subplots(1, 2), self.worlds[self.map]
        for ax, (name, policy) in zip(axes, self.policies().items(), strict=True):
            score = mdp.evaluate(policy)
            title = f"{name}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(mdp, mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("setting", "run")
    def _check_position(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        n_logs, n_networks = self.actions[next(iter(self.actions))][0].shape[:2]
        low, high = {"setting": (1, len(self.settings) - 1), "run": (0, n_logs * n_networks - 1)}[name]
        if not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in {low}…{high}")
        return int(value)

    @traitlets.validate("map")
    def _check_map(self, proposal: Any) -> str:
        if proposal["value"] not in self.worlds:
            raise traitlets.TraitError(f"map is {proposal['value']!r}, expected one of {', '.join(self.worlds)}")
        return str(proposal["value"])


def _check_row(name: str, row: Mapping[str, ArrayLike], shape: tuple[int, int, int]) -> None:
    """Refuses a row whose arrays do not fit each other and the world."""
    for field, wanted in {**dict.fromkeys(RUN_SCORES, shape[:2]), "actions": shape}.items():
        found = np.shape(row[field])
        if found != wanted:
            raise ValueError(f"{name}[{field!r}] has shape {found}, expected {wanted}")
    actions = np.asarray(row["actions"])
    if not (np.issubdtype(actions.dtype, np.integer) and actions.min() >= 0 and actions.max() < 4):
        raise ValueError(f"{name}['actions'] holds other than whole numbers in 0…3")


def _described(row: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """The runs of a row as plain JSON."""
    scores = {name: np.asarray(row[name], float).round(5).ravel().tolist() for name in RUN_SCORES}
    actions = np.asarray(row["actions"])
    return scores | {"actions": ["".join(map(str, one)) for one in actions.reshape(-1, actions.shape[-1])]}
