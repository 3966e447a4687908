"""What a log covers: where a policy would act on thin evidence, as the log grows and as more evidence is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.dataset import Episodes, coverage
from safegrid.mdp import TabularMDP
from safegrid.ope import select_episodes
from safegrid.practice.guard import guarded_policy
from safegrid.tabular import argmax_clone, greedy, tabular_cql

from .board import plot_board
from .payload import describe_world, digits
from .touchable import Touchable

EPISODES = (10, 20, 50, 100, 200, 500)
ASKED = (1, 2, 3, 5, 10, 20, 50, 100)


def _cql(log: Episodes, mdp: TabularMDP) -> Floats:
    return greedy(tabular_cql(log, mdp, 6.0))


LEARNERS: Mapping[str, Callable[[Episodes, TabularMDP], Floats]] = {"CQL": _cql, "clone": argmax_clone}


class CoverageMap(Touchable):
    """Where a policy that learned from the first episodes of a log acts on fewer tries than are asked of it.

    Args:
        log: of a grid world.
        mdp: the world, of a `SafetyCriticalGridWorld`.
        learners: (log, mdp) → policy (S, 4), deterministic, by name.
        episodes: sizes of the log's beginning, rising, each at most its number of episodes.
        asked: tries asked of a move, rising.
        code: what makes the numbers shown, for a reader to copy; `EPISODES`, `ASKED` and `LEARNER` stand for its
            settings.
        size, ask: positions of the first size and tries shown.
        learner: name of the first policy shown.

    Attributes:
        thin: probability that a trip takes a move on fewer tries than asked, exact, learner → (sizes, asked).
        hazard: exact hazard rate, learner → (sizes,).

    Raises:
        ValueError: sizes or tries do not rise, there is no learner, or the world is no grid of up to 1024 cells.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "coverage_map"
    data = traitlets.Dict().tag(sync=True)
    size = traitlets.Int(0).tag(sync=True)
    ask = traitlets.Int(0).tag(sync=True)
    learner = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        log: Episodes,
        mdp: TabularMDP,
        learners: Mapping[str, Callable[[Episodes, TabularMDP], Floats]] = LEARNERS,
        episodes: Sequence[int] = EPISODES,
        asked: Sequence[int] = ASKED,
        *,
        code: str = "",
        size: int | None = None,
        ask: int = 3,
        learner: str | None = None,
    ) -> None:
        for name, numbers, most in (("episodes", episodes, log.n_episodes), ("asked", asked, len(log))):
            if not len(numbers) or (np.diff([0, *numbers]) <= 0).any() or max(numbers) > most:
                raise ValueError(f"{name} is {list(numbers)}, expected numbers in 1…{most} that rise")
        if not learners:
            raise ValueError("learners is empty, expected at least one")
        self.mdp, self.episodes, self.asked = mdp, tuple(map(int, episodes)), tuple(map(int, asked))
        world = describe_world(mdp)
        logs = [select_episodes(log, np.arange(n)) for n in episodes]
        self.counts = [coverage(one, mdp).counts for one in logs]
        self.policies = {name: [learn(one, mdp) for one in logs] for name, learn in learners.items()}
        self.hazard = {
            name: np.array([mdp.evaluate(policy).hazard_rate for policy in policies])
            for name, policies in self.policies.items()
        }
        self.thin = {
            name: np.array([[_thin_trips(policy, one, mdp, tries) for tries in asked]
                            for policy, one in zip(policies, logs, strict=True)])
            for name, policies in self.policies.items()
        }  # fmt: skip
        data = {
            "world": world,
            "episodes": list(self.episodes),
            "asked": list(self.asked),
            "counts": [n for counts in self.counts for n in counts.ravel().tolist()],
            "crashed": [n for one in logs for n in _crashes(one, mdp)],
            "policies": {name: [digits(policy) for policy in policies] for name, policies in self.policies.items()},
            "thin": {name: table.round(6).tolist() for name, table in self.thin.items()},
            "hazard": {name: rates.round(6).tolist() for name, rates in self.hazard.items()},
            "code": code,
        }
        first = len(self.episodes) - 1 if size is None else size
        super().__init__(data=data, size=first, ask=ask, learner=learner or next(iter(learners)))

    def picture(self) -> Figure:
        """The board, and a trip's chance to meet thin evidence over the tries that are asked."""
        fig = Figure(figsize=(9.4, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2)
        policy, counts = self.policies[self.learner][self.size], self.counts[self.size]
        tries = (policy * counts).sum(1)
        tries[tries < self.asked[self.ask]] = np.nan
        title = f"{self.learner}, {self.episodes[self.size]} episodes: moves tried {self.asked[self.ask]} times or more"
        plot_board(self.mdp, np.log10(tries), policy, title=title, label="tries of the move, log₁₀", ax=left)
        for name, table in self.thin.items():
            right.plot(self.asked, table[self.size], label=name, marker="o", ms=4)
        right.axvline(self.asked[self.ask], color="black", lw=0.8, ls=":")
        right.set(xscale="log", ylim=(0, 1), xlabel="tries asked of a move", ylabel="trips that meet fewer")
        right.set_xticks(self.asked, list(map(str, self.asked)))
        right.legend(frameon=False)
        return fig

    @traitlets.validate("size", "ask")
    def _check_place(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        n = len({"size": self.episodes, "ask": self.asked}[name])
        if not 0 <= value < n:
            raise traitlets.TraitError(f"{name} is {value}, expected a whole number in 0…{n - 1}")
        return int(value)

    @traitlets.validate("learner")
    def _check_learner(self, proposal: Any) -> str:
        if proposal["value"] not in self.policies:
            raise traitlets.TraitError(f"learner is {proposal['value']!r}, expected one of {', '.join(self.policies)}")
        return str(proposal["value"])


def _thin_trips(policy: Floats, log: Episodes, mdp: TabularMDP, tries: float) -> float:
    """Probability that a trip takes a move that the log tried fewer times."""
    return guarded_policy(policy, log, mdp, evidence=tries).score(mdp).fallback_episodes


def _crashes(log: Episodes, mdp: TabularMDP) -> list[int]:
    """Of each pair's tries, those that did harm."""
    pairs = (log.states * mdp.n_actions + log.actions)[log.costs > 0]
    return np.bincount(pairs, minlength=mdp.n_states * mdp.n_actions).tolist()
