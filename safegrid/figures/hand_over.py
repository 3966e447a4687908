"""A guard at a dial: below so many tries somebody else takes over, in the world of the log and in others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from safegrid.array_types import Floats
from safegrid.checks import checked, checked_policy
from safegrid.dataset import Episodes, coverage
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP
from safegrid.practice.guard import GuardedPolicy, GuardedScore, guarded_policy

from .board import plot_board
from .harm_budget import crashes_in
from .payload import describe_world, digits
from .style import BLUE, ORANGE, RED, rate_axis
from .touchable import Touchable

TRIES = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 50.0, 100.0, 200.0, np.inf)
FALLBACKS = {"clone": RED, "ask": ORANGE, "operator": BLUE}
GAMMA = 0.99
NEVER = 1e9
"""Carried for infinity, which JSON has not: no pair is tried so often."""


class HandOver(Touchable):
    """Policies with a guard, at any number of tries that a move needs, whoever takes over, in worlds that have shifted.

    Who takes over is the log's most frequent action ("clone"), nobody ("ask": the trip ends, and costs), or an operator
    who drives best in the world as it is now.

    Args:
        policies: (L, S, 4), deterministic, one learned from each log.
        logs: L logs of the first world.
        worlds: by name, alike but for their rewards, hazards, goals and chances; the first is the one of the logs.
        tries: that a move needs in the log, rising; at 0 there is no guard, at infinity it always decides.
        ask_cost: what asking costs, in raw reward.
        code: what makes the numbers shown, for a reader to copy; `LOG` stands for the log's position, `POLICY` for its
            policy's digits, `WORLD` for the world's name, `ASKED` for the tries and `FALLBACK` for the arguments that
            say who takes over, in which `world` is the world shown.
        index: position of the first number of tries shown.
        log: position of the first log shown.
        world: position of the first world shown.
        fallback: who takes over at first.
        layer: what colours the board, who decides ("decides") or the steps in the log ("coverage").

    Attributes:
        scores: exact, by who takes over: a list for each world, in it for each number of tries, in it for each log.
        chosen: positions of the tries that each log would choose by itself, by who takes over.

    Raises:
        ValueError: as `guarded_policy`; lengths do not fit, tries do not rise, a policy is not deterministic; a world
            is no grid of up to 1024 cells, or not of the first one's cells.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "hand_over"
    data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    log = traitlets.Int(0).tag(sync=True)
    world = traitlets.Int(0).tag(sync=True)
    fallback = traitlets.Enum(tuple(FALLBACKS), "clone").tag(sync=True)
    layer = traitlets.Enum(("decides", "coverage"), "decides").tag(sync=True)

    def __init__(
        self,
        policies: ArrayLike,
        logs: Sequence[Episodes],
        worlds: Mapping[str, TabularMDP],
        tries: Sequence[float] = TRIES,
        *,
        ask_cost: float = 20.0,
        code: str = "",
        **shown: Any,
    ) -> None:
        if not logs or not worlds:
            raise ValueError(f"there are {len(logs)} logs and {len(worlds)} worlds, expected at least one of each")
        if not len(tries) or not tries[0] >= 0 or not (np.diff(tries) > 0).all():
            raise ValueError(f"tries is {list(tries)}, expected numbers from 0 on that rise")
        self.worlds, self.logs, self.tries = dict(worlds), list(logs), tuple(map(float, tries))
        self.ask_cost = checked("ask_cost", ask_cost)
        mdp = self.mdp
        described = {name: describe_world(one) for name, one in self.worlds.items()}
        for name, one in described.items():
            if one["cells"] != describe_world(mdp)["cells"] or (self.worlds[name].terminal & (mdp.start > 0)).any():
                raise ValueError(f"worlds[{name!r}] has other cells than the first, or ends where that one starts")
        self.policies = self._checked(policies)
        self.operators = [one.optimal(GAMMA) for one in self.worlds.values()]
        self.scores = {fallback: self._score(fallback) for fallback in FALLBACKS}
        self.chosen = {fallback: [self._choice(fallback, k) for k in range(len(logs))] for fallback in FALLBACKS}
        data = {
            "worlds": [{"name": name, "world": one} for name, one in described.items()],
            "tries": [min(n, NEVER) for n in self.tries],
            "n_logs": len(self.logs),
            "policies": [digits(policy) for policy in self.policies],
            "operators": [digits(policy) for policy in self.operators],
            "counts": [n for one in logs for n in coverage(one, mdp).counts.ravel().tolist()],
            "crashed": [n for one in logs for n in crashes_in(one, mdp)],
            "hazard": {name: self._exact(name, lambda s: s.score.hazard_rate) for name in FALLBACKS},
            "return": {name: self._exact(name, lambda s: s.score.return_mean) for name in FALLBACKS},
            "handed": self._exact("clone", lambda s: s.fallback_episodes),  # whoever then takes over
            "chosen": self.chosen,
            "ask_cost": self.ask_cost,
            "code": code,
        }
        super().__init__(data=data, **shown)

    @property
    def mdp(self) -> TabularMDP:
        """The world of the logs."""
        return next(iter(self.worlds.values()))

    @property
    def policy(self) -> GuardedPolicy:
        """What is shown."""
        return self._guarded(self.fallback, self.world, self.tries[self.index], self.log)

    @property
    def score(self) -> GuardedScore:
        """The truth about it in the world shown."""
        return self.scores[self.fallback][self.world][self.index][self.log]

    def picture(self) -> Figure:
        """The board, and hazard over the tries that a move needs, whoever takes over."""
        fig = Figure(figsize=(9.4, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2)
        name, mdp = list(self.worlds.items())[self.world]
        guarded = self.policy
        visits = guarded.world(mdp).expected_visits(guarded.policy)[: mdp.n_states]
        acts = guarded.policy
        if self.fallback == "ask":  # where it does, nobody moves, and no arrow stands
            acts = guarded.kept + guarded.handed[:, None] / mdp.n_actions
        rate = Interval(self.score.score.hazard_rate)
        title = f"{name}, log {self.log + 1}, tries wanted: {_named(self.tries[self.index])}; hazard {rate:%}"
        label = "expected visits; above 0 the guard decides"
        decides = visits * (2 * guarded.handed - 1)
        plot_board(mdp, decides, acts, title=title, label=label, limits=(-1, 1), palette="balance", ax=left)
        places = range(len(self.tries))
        for fallback, colour in FALLBACKS.items():
            means = np.mean(self.data["hazard"][fallback][self.world], axis=1)
            right.plot(places, means, color=colour, marker=".", label=fallback)
        right.axvline(self.index, color="black", lw=0.8, ls=":")
        rate_axis(right, "hazard_rate", upright=True)
        right.set_xticks(places, [_named(n) for n in self.tries])
        right.set(xlabel="tries that a move needs", ylabel=f"a trip's chance to crash, mean of {len(self.logs)} logs")
        right.legend(frameon=False)
        return fig

    def _checked(self, policies: ArrayLike) -> Floats:
        table, shape = np.asarray(policies, float), (len(self.logs), self.mdp.n_states, self.mdp.n_actions)
        if table.shape != shape:
            raise ValueError(f"policies has shape {table.shape}, expected {shape}")
        for k, policy in enumerate(table):
            if (checked_policy(f"policies[{k}]", policy).max(1) < 1).any():
                raise ValueError(f"policies[{k}] has shares, expected one action in every state")
        return table

    def _guarded(self, fallback: str, world: int, tries: Any, log: int) -> GuardedPolicy:
        """The policy of a log with its guard."""
        instead: dict[str, dict[str, Any]] = {
            "clone": {"fallback": "clone"},
            "ask": {"fallback": "ask", "ask_cost": self.ask_cost},
            "operator": {"fallback": self.operators[world]},
        }
        return guarded_policy(self.policies[log], self.logs[log], self.mdp, evidence=tries, **instead[fallback])

    def _score(self, fallback: str) -> list[list[list[GuardedScore]]]:
        places = range(len(self.logs))
        return [
            [[self._guarded(fallback, w, n, k).score(one) for k in places] for n in self.tries]
            for w, one in enumerate(self.worlds.values())
        ]

    def _choice(self, fallback: str, log: int) -> int:
        """Position of the tries nearest to those that the log would choose."""
        chosen = self._guarded(fallback, 0, "auto", log).evidence
        return int(np.searchsorted(self.tries, chosen).clip(0, len(self.tries) - 1))

    def _exact(self, fallback: str, field: Any) -> list[list[list[float]]]:
        table = [[[field(one) for one in of_n] for of_n in of_world] for of_world in self.scores[fallback]]
        return np.round(table, 6).tolist()  # type: ignore[no-any-return]

    @traitlets.validate("index", "log", "world")
    def _check_place(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        n = len({"index": self.tries, "log": self.logs, "world": self.worlds}[name])
        if not 0 <= value < n:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{n - 1}")
        return int(value)


def _named(tries: float) -> str:
    return "∞" if np.isinf(tries) else f"{tries:g}"
