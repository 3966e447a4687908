"""The laboratory: paint a world, sample a log, clone it, train tabular CQL on it, and see the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import ByValue, Floats
from safegrid.dataset import Episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.intervals import Interval
from safegrid.mdp import portable_rng
from safegrid.recording import is_plain
from safegrid.tabular import argmax_clone, greedy, tabular_cql

from .board import plot_board
from .lessons import presets
from .touchable import Touchable

WORLD = ("desc", "max_steps", "slip_prob", "step_reward", "hazard_reward", "goal_reward")
TRAINING = ("conservative_weight", "reward_scale", "n_steps", "belief")
LEARNING = ("driver", "epsilon", "n_episodes", "seed", "own_dice", *TRAINING)
"""A laboratory's settings: those of its world, and those of the log and of what learns from it."""

LAB_LAYERS = ("visits", "truth", "claimed", "overestimate", "coverage")
LIMITS: dict[str, tuple[float, float]] = {
    "max_steps": (1, 400), "n_episodes": (1, 2000), "seed": (0, 2**32 - 1), "n_steps": (1, 5000), "size": (2, 20),
    "slip_prob": (0, 1), "epsilon": (0, 1), "step_reward": (-1000, 1000), "hazard_reward": (-1000, 1000),
    "goal_reward": (-1000, 1000), "conservative_weight": (0, 1000), "reward_scale": (0.001, 10),
    "belief": (-1000, 1000),
}  # fmt: skip
"""Lowest and highest value of each of a laboratory's settings, as in the page's script: a page must never freeze."""


def world_settings(env: SafetyCriticalGridWorld) -> dict[str, Any]:
    """What a figure's traits say of a world.

    Raises:
        ValueError: it is none of ours, or a wrapper changes it.
    """
    world: Any = env.unwrapped
    if not isinstance(world, SafetyCriticalGridWorld) or not is_plain(env, world.max_steps):
        raise ValueError(f"env is {env}, expected a SafetyCriticalGridWorld, and no wrapper that changes it")
    return {name: getattr(world, name) for name in WORLD} | {"desc": list(world.desc)}


def check_map(desc: list[str]) -> list[str]:
    """A map that a page computes in no time, or what is wrong with it.

    Raises:
        ValueError: it is no map.
        TraitError: it is too small or too large.
    """
    env = SafetyCriticalGridWorld(desc=desc)
    low, high = LIMITS["size"]
    for side, n in (("rows", env.height), ("columns", env.width)):
        if not low <= n <= high:
            raise traitlets.TraitError(f"desc has {n} {side}, expected {low:g}…{high:g}")
    return list(env.desc)


@dataclass(frozen=True, eq=False)
class Study(ByValue):
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

    def compared(self) -> list[Any]:
        """The world by its table: an environment equals none but itself."""
        return [self.env.mdp, *super().compared()[1:]]


class SafetyLab(Touchable):
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
        own_dice: as `sample_episodes`. Where the world changes, each drive then goes as it went until it meets the
            change: a cell that is now a hazard ends it, a wall holds it up, a hazard that went lets it pass, and a
            driver who sees it coming decides anew, by the same throws. A drive that never comes there stays as it was.
            For new drives take another seed.
        conservative_weight: as `tabular_cql`, and so are the next three.
        reward_scale: see there.
        n_steps: see there; None for the limit.
        belief: see there.
        layer: one of `LAB_LAYERS`.

    Raises:
        TraitError: a setting outside `LIMITS`; names it and what was expected.
        ValueError: the world does not fit.
    """

    module = "laboratory"
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
    own_dice = traitlets.Bool(True).tag(sync=True)
    conservative_weight = traitlets.Float(6.0).tag(sync=True)
    reward_scale = traitlets.Float(0.1).tag(sync=True)
    n_steps = traitlets.Int(2000, allow_none=True).tag(sync=True)
    belief = traitlets.Float(0.0).tag(sync=True)
    layer = traitlets.Enum(LAB_LAYERS, "visits").tag(sync=True)

    def __init__(self, env: SafetyCriticalGridWorld | None = None, **settings: Any) -> None:
        if unknown := set(settings) - set(WORLD) - set(LEARNING) - {"layer"}:
            raise TypeError(
                f"unknown setting {min(unknown)!r}, expected one of {', '.join((*WORLD, *LEARNING))}, layer"
            )
        env = SafetyCriticalGridWorld(map_name="crossroads") if env is None else env
        super().__init__(**(world_settings(env) | {"presets": presets()} | settings))

    def study(self) -> Study:
        """Computes what the page shows, in Python."""
        env = SafetyCriticalGridWorld(**{name: getattr(self, name) for name in WORLD})
        drive = (env.behaviour_policy if self.driver == "careless" else env.expert_policy)(self.epsilon)
        log = sample_episodes(env.mdp, drive, self.n_episodes, portable_rng(self.seed), own_dice=self.own_dice)
        q = tabular_cql(log, env.mdp, **{name: getattr(self, name) for name in TRAINING})
        return Study(env, log, argmax_clone(log, env.mdp), q, greedy(q))

    def picture(self) -> Figure:
        """The two boards, with the probability of visiting each cell."""
        study = self.study()
        mdp = study.env.mdp
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        axes = fig.subplots(1, 2)
        for ax, name, policy in zip(axes, ("clone", "CQL"), (study.clone, study.policy), strict=True):
            score = mdp.evaluate(policy)
            title = f"{name}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
            plot_board(mdp, mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=ax)
        fig.colorbar(axes[0].images[0], ax=axes, label="probability of visiting the cell", shrink=0.85)
        return fig

    @traitlets.validate("desc")
    def _check_desc(self, proposal: Any) -> list[str]:
        return check_map(proposal["value"])

    @traitlets.validate(*(name for name in LIMITS if name != "size"))
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        if value is not None and not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low:g}…{high:g}")
        return value
