"""Figures that can be touched: in Jupyter, VS Code and Colab through anywidget, and on a built page without a kernel.

Python computes and checks; the modules in `figures/js` draw and respond. What it shows is data in JSON, never code.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .agents import create_discrete_cql, fit, policy_table, q_table, whole
from .dataset import Episodes, build_mdpdataset, coverage, sample_episodes
from .env import MAPS, SafetyCriticalGridWorld
from .figures.modules import joined
from .mdp import Floats, PolicyScore, TabularMDP, portable_rng
from .plots import plot_board
from .sweep import Sweep, train_sweep
from .tabular import argmax_clone, greedy, tabular_cql

_HERE = Path(__file__).parent

EXPLORER_LAYERS = ("visits", "claimed", "overestimate", "gap", "coverage")
LAB_LAYERS = ("visits", "truth", "claimed", "overestimate", "coverage")

LIMITS: dict[str, tuple[float, float]] = {
    "max_steps": (1, 400), "n_episodes": (1, 2000), "seed": (0, 2**32 - 1), "n_steps": (1, 5000), "size": (2, 20),
    "slip_prob": (0, 1), "epsilon": (0, 1), "step_reward": (-1000, 1000), "hazard_reward": (-1000, 1000),
    "goal_reward": (-1000, 1000), "conservative_weight": (0, 1000), "reward_scale": (0.001, 10),
}  # fmt: skip
"""Lowest and highest value of a laboratory's settings, as in its JavaScript: a page must never freeze."""


class _Figure(anywidget.AnyWidget):
    """What the figures share: the module that draws them, and a picture for where no script runs."""

    _esm = joined()
    _css = _HERE / "figures/figures.css"
    figure = traitlets.Unicode().tag(sync=True)

    def picture(self) -> Figure:
        """The figure's present state, drawn by matplotlib."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        png = io.BytesIO()
        self.picture().savefig(png, format="png", dpi=80)
        return {**data, "image/png": base64.b64encode(png.getvalue()).decode()}, metadata


class ConservatismExplorer(_Figure):
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

    figure = traitlets.Unicode("explorer").tag(sync=True)
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
        super().__init__(data=self._describe(sweep), index=first, layer=layer)

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
        for name, value in (("q_values", _whole_units(q, data["q_unit"])), ("visits", _per_mille(self.mdp, policy))):
            data[name] = _spliced(data[name], value, int(member) * len(value))
        data["policies"] = _spliced(data["policies"], [_digits(policy)], int(member))
        data["scores"] = {n: _spliced(v, [scores[n]], int(member)) for n, v in data["scores"].items()}
        self._shown[self._place] = agent
        self.data = data

    def picture(self) -> Figure:
        """The board of the weight shown."""
        shown = self._shown.get(self._place)
        policy = self.sweep.policies[self._place] if shown is None else policy_table(shown, self.mdp)
        score = self.mdp.evaluate(policy)
        agent = f"weight {self.weight:g}, log {self.log + 1}"
        title = f"{agent}: return {score.return_mean:.1f}, hazard {score.hazard_rate:.1%}"
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
        """Everything the page needs, as plain JSON with no digit too many."""
        mdp = self.mdp
        if sweep.algorithm != "cql" or not sweep.history:
            how = "with" if sweep.history else "without"
            raise ValueError(f"sweep holds {sweep.algorithm} trained {how} mdp, expected cql with mdp")
        cells = _cells(mdp)
        if (np.diff(sweep.weights) <= 0).any():
            raise ValueError(f"sweep.weights is {sweep.weights.tolist()}, expected weights that rise")
        if not np.isfinite(sweep.q_values).all():
            raise ValueError("sweep.q_values holds claims that are not finite: a member's training diverged")
        if not np.array_equal(sweep.observations, mdp.observations):
            raise ValueError("mdp is another world than the sweep was trained with: its observations differ")
        n_logs, n_seeds = sweep.seeds.shape
        if self.logs is not None and len(self.logs) != n_logs:
            raise ValueError(f"logs has {len(self.logs)} logs, expected {n_logs} as the sweep")
        gamma = float(sweep.settings["gamma"])
        live = ~mdp.terminal
        q = np.where(live[:, None], sweep.q_values, 0.0).reshape(-1, mdp.n_states, mdp.n_actions)
        policies = sweep.policies.reshape(q.shape)
        claimed = q.max(-1)
        true = np.array([mdp.values(policy, gamma)[0] for policy in policies])
        if not np.allclose(true @ mdp.start, sweep.scores("true_value").ravel()):
            raise ValueError(
                "mdp is another world than the sweep was trained with: its agents are worth something else"
            )
        over = claimed - true
        top = np.sort(q, -1)
        unit = 0.05
        largest = float(np.quantile(np.abs(over[:, live]), 0.9))
        counts = None if self.logs is None else np.stack([coverage(log, mdp).counts for log in self.logs])
        names = ("return_mean", "hazard_rate", "claimed_value", "true_value")
        return {
            "title": self.title,
            "world": {
                "cells": cells.ravel().tolist(),
                "successors": mdp.successors.ravel().tolist(),
                "probabilities": mdp.probabilities.ravel().tolist(),
                "rewards": mdp.rewards.ravel().tolist(),
                **{name: getattr(mdp, name).astype(int).tolist() for name in ("terminal", "hazard", "goal")},
                "start": mdp.start.tolist(),
                "horizon": mdp.horizon,
            },
            "gamma": gamma,
            "weights": sweep.weights.tolist(),
            "n_logs": n_logs,
            "n_seeds": n_seeds,
            "q_unit": unit,
            "q_values": _whole_units(q, unit),
            "policies": [_digits(policy) for policy in policies],
            "visits": [n for policy in policies for n in _per_mille(mdp, policy)],
            "counts": None if counts is None else counts.ravel().tolist(),
            "curves": {
                name: [[_finite(x) for x in (i.estimate, i.low, i.high)] for i in sweep.curve(name)] for name in names
            },
            "scores": {name: sweep.scores(name).ravel().round(4).tolist() for name in names},
            "limits": {
                "claimed": np.quantile(claimed[:, live], (0.02, 0.98)).round(1).tolist(),
                "overestimate": [-round(largest, 1), round(largest, 1)],
                "gap": [0.0, round(float(np.quantile((top[..., -1] - top[..., -2])[:, live], 0.95)), 2)],
            },
            "references": {name: list(levels) for name, levels in self.references.items()},
        }


def _cells(mdp: TabularMDP) -> NDArray[np.int64]:
    """Column and row of each state of a grid world."""
    cells = mdp.observations.astype(int)
    grid = mdp.observations.shape[1] == 2 and mdp.successors.shape[1:] == (4, 4) and mdp.n_states <= 1024
    if not grid or (cells != mdp.observations).any() or cells.min() < 0 or cells.max() > 63 or mdp.horizon is None:
        raise ValueError(
            f"mdp has {mdp.n_states} states and {mdp.n_actions} actions, "
            "expected a SafetyCriticalGridWorld's of up to 1024 cells"
        )
    return cells


def _whole_units(q: Floats, unit: float) -> list[int]:
    return np.rint(q / unit).astype(int).ravel().tolist()


def _per_mille(mdp: TabularMDP, policy: Floats) -> list[int]:
    return np.rint(1000 * mdp.occupancy(policy)).astype(int).tolist()


def _digits(policy: Floats) -> str:
    return "".join(map(str, policy.argmax(-1)))


def _spliced(values: Sequence[Any], part: Sequence[Any], at: int) -> list[Any]:
    return [*values[:at], *part, *values[at + len(part) :]]


def _finite(x: float) -> float | None:
    return round(x, 4) if np.isfinite(x) else None


@dataclass(frozen=True)
class Study:
    """What a laboratory shows, computed by the package: the same numbers as on the page.

    Attributes:
        env: the world.
        log: what the driver wrote.
        clone: the argmax clone, (S, A).
        q_values: tabular CQL's claims, (S, A), in discounted raw reward.
        policy: its greedy policy, (S, A).
    """

    env: SafetyCriticalGridWorld
    log: Episodes
    clone: Floats
    q_values: Floats
    policy: Floats


class SafetyLab(_Figure):
    """The whole story live in the page: paint a world, sample a log, clone it, train tabular CQL on it, know the truth.

    Every setting is a trait that can be read, set and linked. The page computes everything itself, on every change, by
    the same rules as `TabularMDP`, `argmax_clone` and `tabular_cql`, from the same random numbers (`portable_rng`).

    Args:
        env: the world to begin with, of 2 to 20 cells a side; `crossroads` by default.
        settings: any of the traits below.

    Attributes:
        desc: the map, as `SafetyCriticalGridWorld`'s.
        max_steps, slip_prob, step_reward, hazard_reward, goal_reward: of the world.
        driver: who writes the log, "careless" (`behaviour_policy`) or "expert" (`expert_policy`).
        epsilon: probability of the driver's random actions.
        n_episodes: episodes in the log.
        seed: of the log, for `portable_rng`.
        conservative_weight: as `tabular_cql`, and so are the next two.
        reward_scale: see there.
        n_steps: see there; None for the limit.
        layer: one of `LAB_LAYERS`.

    Raises:
        TraitError: a setting outside `LIMITS`; names it and what was expected.
        ValueError: the world does not fit.
    """

    figure = traitlets.Unicode("lab").tag(sync=True)
    presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    desc = traitlets.List(traitlets.Unicode()).tag(sync=True)
    max_steps = traitlets.Int(80).tag(sync=True)
    slip_prob = traitlets.Float(0.05).tag(sync=True)
    step_reward = traitlets.Float(-1.0).tag(sync=True)
    hazard_reward = traitlets.Float(-100.0).tag(sync=True)
    goal_reward = traitlets.Float(50.0).tag(sync=True)
    driver = traitlets.Enum(("careless", "expert"), "careless").tag(sync=True)
    epsilon = traitlets.Float(0.22).tag(sync=True)
    n_episodes = traitlets.Int(500).tag(sync=True)
    seed = traitlets.Int(2).tag(sync=True)
    conservative_weight = traitlets.Float(6.0).tag(sync=True)
    reward_scale = traitlets.Float(0.1).tag(sync=True)
    n_steps = traitlets.Int(2000, allow_none=True).tag(sync=True)
    layer = traitlets.Enum(LAB_LAYERS, "visits").tag(sync=True)

    def __init__(self, env: SafetyCriticalGridWorld | None = None, **settings: Any) -> None:
        if unknown := set(settings) - set(_WORLD) - set(_LEARNING) - {"layer"}:
            raise TypeError(
                f"unknown setting {min(unknown)!r}, expected one of {', '.join((*_WORLD, *_LEARNING))}, layer"
            )
        world: Any = SafetyCriticalGridWorld(map_name="crossroads") if env is None else env.unwrapped
        of_world = {name: getattr(world, name) for name in _WORLD} | {"desc": list(world.desc)}
        super().__init__(**(of_world | {"presets": _presets()} | settings))

    def study(self) -> Study:
        """Computes what the page shows, in Python."""
        env = SafetyCriticalGridWorld(**{name: getattr(self, name) for name in _WORLD})
        drive = env.behaviour_policy if self.driver == "careless" else env.expert_policy
        log = sample_episodes(env.mdp, drive(self.epsilon), self.n_episodes, portable_rng(self.seed))
        q = tabular_cql(log, env.mdp, self.conservative_weight, reward_scale=self.reward_scale, n_steps=self.n_steps)
        return Study(env, log, argmax_clone(log, env.mdp), q, greedy(q))

    def picture(self) -> Figure:
        """The two boards, with the probability of visiting each cell."""
        study = self.study()
        mdp = study.env.mdp
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        for ax, name, policy in zip(axes, ("clone", "CQL"), (study.clone, study.policy), strict=True):
            score = mdp.evaluate(policy)
            title = f"{name}: return {score.return_mean:.1f}, hazard {score.hazard_rate:.1%}"
            plot_board(mdp, mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("desc")
    def _check_desc(self, proposal: Any) -> list[str]:
        desc = list(SafetyCriticalGridWorld(desc=proposal["value"]).desc)
        low, high = LIMITS["size"]
        if not low <= len(desc) <= high:
            raise traitlets.TraitError(f"desc has {len(desc)} rows, expected {low:g}…{high:g}")
        return desc

    @traitlets.validate(*(name for name in LIMITS if name != "size"))
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        if value is not None and not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low:g}…{high:g}")
        return value


_WORLD = ("desc", "max_steps", "slip_prob", "step_reward", "hazard_reward", "goal_reward")
_LEARNING = ("driver", "epsilon", "n_episodes", "seed", "conservative_weight", "reward_scale", "n_steps")


def _presets() -> list[dict[str, Any]]:
    """The book's lessons as settings; each starts from the same world and log."""
    base = {
        "desc": list(MAPS["crossroads"]), "max_steps": 80, "slip_prob": 0.05, "step_reward": -1.0,
        "hazard_reward": -100.0, "goal_reward": 50.0, "driver": "careless", "epsilon": 0.22, "n_episodes": 500,
        "seed": 2, "conservative_weight": 6.0, "reward_scale": 0.1, "n_steps": 2000,
    }  # fmt: skip
    lessons: list[tuple[str, str, dict[str, Any]]] = [
        (
            "habit kills a clone",
            "The driver keeps going into the pocket between the hazards. The clone votes with the habit; CQL, from the "
            "same log, finds the detour that a few episodes took.",
            {},
        ),
        (
            "no weight, thin log",
            "With 60 episodes and no conservatism, lucky steps count as knowledge: the agent claims more than the best "
            "policy could earn.",
            {"n_episodes": 60, "conservative_weight": 0.0},
        ),
        (
            "too much weight",
            "At reward scale 1 a weight of 200 outweighs every reward in sight. What is left is the clone.",
            {"conservative_weight": 200.0, "reward_scale": 1.0},
        ),
        (
            "a lower bound",
            "At reward scale 1 and a moderate weight the claim stays below the truth: conservatism as an estimate.",
            {"conservative_weight": 3.0, "reward_scale": 1.0},
        ),
        (
            "small scale, large weight",
            "At reward scale 0.02 the softmax cannot tell the actions apart, and pushes up whatever the log did. The "
            "policy is good, the claim is absurd, and a larger weight makes it worse.",
            {"conservative_weight": 200.0, "reward_scale": 0.02},
        ),
        (
            "an expert's log",
            "If the driver is an expert with a slip of the hand now and then, the clone is as good as CQL.",
            {"driver": "expert"},
        ),
        (
            "the original world",
            "Few hazards, none where the driver habitually goes: a clone does nearly as well.",
            {"desc": list(MAPS["original"])},
        ),
        (
            "the edge of a cliff",
            "The driver walks along the edge, and the log hardly knows the safe row above it. So conservatism keeps to "
            "the edge, as the clone does. Turn the weight to 0: here boldness is safer.",
            {"desc": list(MAPS["cliff"])},
        ),
        (
            "one door",
            "Few trips get through the door, so few episodes tell of the far room. They are enough for CQL; the clone "
            "crashes more often and loses its way.",
            {"desc": list(MAPS["rooms"])},
        ),
    ]
    return [{"name": name, "lesson": lesson, "settings": base | change} for name, lesson, change in lessons]


def train_button(explorer: ConservatismExplorer, *, n_steps: int = 2_400, reward_scale: float = 0.1) -> ipywidgets.VBox:
    """A panel that trains again, with a progress bar, and shows the result in the explorer; needs a running kernel.

    Either d3rlpy trains the one agent that the explorer shows (its weight, log and network seed), or the whole sweep is
    trained anew. All other settings are the sweep's own.

    Args:
        explorer: with its logs.
        n_steps: gradient steps to begin with.
        reward_scale: reward scale ρ to begin with.

    Raises:
        ValueError: the explorer was made without logs.
    """
    if explorer.logs is None:
        raise ValueError("explorer has no logs to train on, expected ConservatismExplorer(…, logs=…)")
    logs = explorer.logs
    what = ipywidgets.ToggleButtons(options=["this agent (d3rlpy)", "the whole sweep"])
    steps = ipywidgets.BoundedIntText(value=whole("n_steps", n_steps), min=1, max=1_000_000, description="steps")
    scale = ipywidgets.BoundedFloatText(value=reward_scale, min=1e-3, max=10.0, step=0.01, description="reward scale")
    button = ipywidgets.Button(description="train", button_style="primary")
    output = ipywidgets.Output()

    def train(_: Any) -> None:
        settings = explorer.sweep.settings
        recipe = {name: settings[name] for name in _RECIPE} | {"reward_scale": scale.value}
        button.disabled = True
        output.clear_output()
        try:
            with output:
                if what.index == 0:
                    agent = create_discrete_cql(conservative_weight=explorer.weight, **recipe)
                    seed = int(explorer.sweep.seeds[explorer.log, explorer.seed])
                    fit(agent, build_mdpdataset(logs[explorer.log]), steps.value, seed=seed)
                    explorer.show(agent)
                else:
                    explorer.sweep = train_sweep(
                        logs, explorer.sweep.weights, explorer.sweep.seeds.shape[1], steps.value, mdp=explorer.mdp,
                        seed=int(explorer.sweep.seeds[0, 0]), **recipe,
                    )  # fmt: skip
        finally:
            button.disabled = False

    button.on_click(train)
    return ipywidgets.VBox([what, ipywidgets.HBox([steps, scale, button]), output])


_RECIPE = ("size", "hidden_units", "learning_rate", "batch_size", "gamma", "n_critics", "target_update_interval")
