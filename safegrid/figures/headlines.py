"""What a test of two agents by some drives each would have said, again and again, beside the exact odds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import checked_policy
from safegrid.intervals import Interval
from safegrid.mdp import TabularMDP

from .board import plot_board
from .headline_odds import N_BARS, crash_odds, return_law, return_odds, summed
from .payload import describe_world, digits
from .style import BLUE, GREY, ORANGE
from .touchable import Touchable

DRIVES = (10, 30, 100, 300, 1000)
"""The numbers of test drives that can be chosen."""
MARGIN = {"return": 5, "crashes": 1}
"""From which bar on either side a headline has a winner: 25% higher returns, or a lower crash rate."""


class Headlines(Touchable):
    """A test of two kinds of agents by some drives of each, made again and again; what it would have said is counted.

    Args:
        mdp: the world, of a `SafetyCriticalGridWorld` with whole rewards.
        ours: policies that always act alike in a state, (K, S, A): networks of one kind.
        others: as many of another kind.
        names: of the two kinds, in a word each.
        code: what makes `mdp` and the two lists of policies, `ours` and `others`, for a reader to copy.
        drives: position in `DRIVES` of the number of drives in a test.
        tests: how many tests are counted; test k throws the dice of `portable_rng(5000 * seed + k)`.
        about: what the headline speaks of, "return" or "crashes".
        networks: which of each kind are tested, the "first" or "any" two, others each time.

    Raises:
        ValueError: the two kinds are not equally many, or not of the world, or a reward is no whole number.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "headlines"
    data = traitlets.Dict().tag(sync=True)
    drives = traitlets.Int(1, min=0, max=len(DRIVES) - 1).tag(sync=True)
    tests = traitlets.Int(1, min=1, max=5000).tag(sync=True)
    about = traitlets.Enum(tuple(MARGIN), "return").tag(sync=True)
    networks = traitlets.Enum(("first", "any"), "first").tag(sync=True)
    seed = traitlets.Int(0, min=0, max=9999).tag(sync=True)

    def __init__(
        self,
        mdp: TabularMDP,
        ours: Sequence[Floats],
        others: Sequence[Floats],
        names: tuple[str, str] = ("BC", "CQL"),
        *,
        code: str = "",
        **shown: Any,
    ) -> None:
        if len(ours) != len(others):
            raise ValueError(f"ours are {len(ours)} policies and others {len(others)}, expected as many of each")
        self.mdp, self.names, world = mdp, names, describe_world(mdp)
        self.policies = checked_policy("ours", ours), checked_policy("others", others)
        self.scores = [[mdp.evaluate(policy) for policy in kind] for kind in self.policies]
        self._laws = [[return_law(mdp, policy) for policy in kind] for kind in self.policies]
        self.exact = {about: {which: self._exact(about, which) for which in ("first", "any")} for about in MARGIN}
        data = {
            "world": world,
            "names": list(names),
            "policies": [[digits(policy) for policy in kind] for kind in self.policies],
            "scores": [[[s.return_mean, s.hazard_rate] for s in kind] for kind in self.scores],
            "stops": list(DRIVES),
            "margins": MARGIN,
            "exact": {about: {w: odds.round(6).tolist() for w, odds in of.items()} for about, of in self.exact.items()},
            "code": code,
        }
        super().__init__(data=data, **shown)

    def odds(self, drives: int, about: str = "return", networks: str = "first") -> tuple[float, float, float]:
        """Exact probabilities that a test says: ours wins, no winner, the others win.

        Args:
            drives: of each agent, one of `DRIVES`.
            about: as the figure's.
            networks: as the figure's.
        """
        bars, middle, margin = self.exact[about][networks][DRIVES.index(drives)], N_BARS // 2, MARGIN[about]
        ours, others = bars[: middle - margin + 1].sum(), bars[middle + margin :].sum()
        return float(ours), float(1 - ours - others), float(others)

    def picture(self) -> Figure:
        """The first agent of each kind, and the odds of every headline."""
        fig = Figure(figsize=(9.6, 3.4), layout="constrained")
        *boards, bars = fig.subplots(1, 3)
        for ax, name, policies, scores in zip(boards, self.names, self.policies, self.scores, strict=True):
            title = f"{name}: hazard {Interval(scores[0].hazard_rate):%}"
            plot_board(self.mdp, self.mdp.occupancy(policies[0]), policies[0], title=title, limits=(0, 1), ax=ax)
        at, margin = np.arange(N_BARS) - N_BARS // 2, MARGIN[self.about]
        step, what = (5, "return higher by (%)") if self.about == "return" else (1, "crashes fewer by (points)")
        colours = np.where(at <= -margin, ORANGE, np.where(at >= margin, BLUE, GREY))
        bars.bar(step * at, self.exact[self.about][self.networks][self.drives], 0.8 * step, color=colours)
        bars.set(
            title=f"{DRIVES[self.drives]} drives of each", xlabel=f"← {self.names[0]}'s · {what} · {self.names[1]}'s →"
        )
        return fig

    def _exact(self, about: str, networks: str) -> Floats:
        """Odds of every bar at each number of drives, (drives, bars)."""
        return np.array([self._odds_of_bars(n, about, networks) for n in DRIVES])

    def _odds_of_bars(self, n: int, about: str, networks: str) -> Floats:
        k = len(self.scores[0]) if networks == "any" else 1
        if about == "crashes":
            ours, others = ([score.hazard_rate for score in kind[:k]] for kind in self.scores)
            return np.mean([crash_odds(a, b, n) for a in ours for b in others], 0)
        one, two = ([summed(law, n) for law in kind[:k]] for kind in self._laws)
        return np.mean([return_odds(a, b) for a in one for b in two], 0)
