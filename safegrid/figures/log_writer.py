"""You write the log: drive by hand, let others drive, and see what it holds, what it lacks, and who learns from it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.intervals import Interval
from safegrid.mdp import portable_rng
from safegrid.tabular import argmax_clone, greedy, tabular_cql

from .board import plot_board
from .laboratory import check_map, world_settings
from .touchable import Touchable

LIMITS = {"others": (0, 1000), "epsilon": (0, 1), "expert_share": (0, 1), "seed": (0, 2**32 - 4)}
"""Lowest and highest value of each number."""
WEIGHT, SCALE, GAMMA = 6.0, 1.0, 0.99
"""What CQL learns with, in a table, in the limit."""


class LogWriter(Touchable):
    """A log that a hand writes, drive by drive, and other drivers after it; and who learns from it.

    Each step of the hand throws one number of `portable_rng(seed)`. A careless driver's drives come from seed + 1, an
    expert's from seed + 2.

    Args:
        env: the world, of 2 to 20 cells a side; `crossroads` by default.
        settings: any of the traits below.

    Attributes:
        drives: the actions of the hand, a digit of 0 to 3 a step, up to 3000. A drive ends on a terminal cell or when
            its time is up, and the next begins; what the last left unfinished is not in the log.
        others: how many drives others add, 0 to 1000.
        epsilon: probability of their random actions.
        expert_share: share of an expert's drives among them.
        seed: of the dice.
        learner: who learns from the log: "clone", which does what the log did most often, or "CQL", in a table.

    Raises:
        TraitError: a value outside its limits; names it and what was expected.
        ValueError: the world does not fit.
    """

    module = "log_writer"
    desc = traitlets.List(traitlets.Unicode()).tag(sync=True)
    max_steps = traitlets.Int(80).tag(sync=True)
    slip_prob = traitlets.Float(0.05).tag(sync=True)
    step_reward = traitlets.Float(-1.0).tag(sync=True)
    hazard_reward = traitlets.Float(-100.0).tag(sync=True)
    goal_reward = traitlets.Float(50.0).tag(sync=True)
    drives = traitlets.Unicode("").tag(sync=True)
    others = traitlets.Int(0).tag(sync=True)
    epsilon = traitlets.Float(0.22).tag(sync=True)
    expert_share = traitlets.Float(0.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    learner = traitlets.Enum(("clone", "CQL"), "clone").tag(sync=True)

    def __init__(self, env: SafetyCriticalGridWorld | None = None, **settings: Any) -> None:
        env = SafetyCriticalGridWorld(map_name="crossroads") if env is None else env
        if unknown := set(settings) - set(LIMITS) - {"drives", "learner"}:
            raise TypeError(f"unknown setting {min(unknown)!r}, expected drives, {', '.join(LIMITS)} or learner")
        of_world = world_settings(env)
        self.env = SafetyCriticalGridWorld(**of_world)
        self.mdp = self.env.mdp
        super().__init__(**of_world, **settings)

    def _by_hand(self) -> list[Episodes]:
        mdp, rng, rows = self.mdp, portable_rng(self.seed), []
        first, finished = int(mdp.start.argmax()), 0
        state, t = first, 0
        for action in map(int, self.drives):
            chances = mdp.probabilities[state, action].cumsum()
            branch = int((rng.random() * chances[-1] >= chances).sum())
            after, t = int(mdp.successors[state, action, branch]), t + 1
            over, late = bool(mdp.terminal[after]), t == self.max_steps
            rows.append((state, action, mdp.rewards[state, action, branch], after, over, late and not over))
            state = after
            if over or late:
                state, t, finished = first, 0, len(rows)
        if not finished:
            return []
        states, actions, rewards, following, terminals, timeouts = map(np.array, zip(*rows[:finished], strict=True))
        return [
            Episodes.from_arrays(
                mdp.observations[states], actions, rewards, terminals, timeouts, n_actions=4, states=states,
                next_observations=mdp.observations[following], next_states=following, costs=mdp.hazard[following],
            )
        ]  # fmt: skip

    def episodes(self) -> Episodes | None:
        """The log: the finished drives of the hand, then the others'; None while there is none."""
        experts = int(np.floor(self.expert_share * self.others + 0.5))
        drivers = (self.env.behaviour_policy(self.epsilon), self.env.expert_policy(self.epsilon, GAMMA))
        logs = self._by_hand()
        for n, policy, seed in zip((self.others - experts, experts), drivers, (1, 2), strict=True):
            if n:
                logs.append(sample_episodes(self.mdp, policy, n, portable_rng(self.seed + seed)))
        return Episodes.concatenate(logs) if logs else None

    def policy(self, log: Episodes | None) -> Floats:
        """What was learned from a log, (S, A)."""
        if log is None:
            return self.env.uniform_policy()
        if self.learner == "clone":
            return argmax_clone(log, self.mdp)
        return greedy(tabular_cql(log, self.mdp, WEIGHT, reward_scale=SCALE, gamma=GAMMA))

    def picture(self) -> Figure:
        """The moves that the log never tried, and where goes who learned from it."""
        log = self.episodes()
        policy = self.policy(log)
        score = self.mdp.evaluate(policy)
        fig = Figure(figsize=(8.4, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2)
        counts = np.zeros((self.mdp.n_states, 4)) if log is None else coverage(log, self.mdp).counts
        lacks = np.where(counts.any(1), (counts == 0).sum(1), np.nan)
        plot_board(self.mdp, lacks, title="moves never tried", limits=(0, 3), palette="presence", ax=left)
        title = f"{self.learner}: return {Interval(score.return_mean)}, hazard {Interval(score.hazard_rate):%}"
        plot_board(self.mdp, self.mdp.occupancy(policy), policy, title=title, limits=(0, 1), ax=right)
        return fig

    @traitlets.validate("desc")
    def _check_desc(self, proposal: Any) -> list[str]:
        return check_map(proposal["value"])

    @traitlets.validate("drives")
    def _check_drives(self, proposal: Any) -> str:
        value = str(proposal["value"])
        if not re.fullmatch("[0-3]{0,3000}", value):
            raise traitlets.TraitError(f"drives is {value[:40]!r}, expected at most 3000 digits of 0…3, an action each")
        return value

    @traitlets.validate(*LIMITS)
    def _check_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise traitlets.TraitError(f"{name} is {value!r}, expected a number in {low}…{high}")
        return value
