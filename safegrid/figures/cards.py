"""Agents to choose among by what a log says of them; the truth is uncovered once one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from safegrid.array_types import Floats
from safegrid.checks import checked_policy
from safegrid.dataset import Episodes
from safegrid.mdp import TabularMDP, portable_rng
from safegrid.ope import importance_sampling, log_model
from safegrid.sweep.results import Sweep

from .board import plot_board
from .explorer_data import check_shown
from .payload import describe_world, digits
from .touchable import Touchable

ESTIMATES = ("claim", "trips", "agreement", "model", "risk")
"""What a covered card tells, as the chapter's rules use it: the network's claim for the start, ordinary importance
sampling, the probability of the log's own actions, the value in the log's model with the untried at the worst, and how
often a trip in that model meets a hazard or what it does not know."""
HEADS = ("claim", "trips", "alike", "model", "risk")
"""The same in a word each, as on the cards."""
CALM = 0.05
"""Risk below which a candidate counts as calm."""
WORST = -100.0
"""What the untried is worth in the model, in discounted raw reward: a crash at once, or going nowhere for ever."""


class CoveredCards(Touchable):
    """Candidates trained on some logs, as covered cards; who picks one sees the truth, beside what rules picked.

    The cards of each log lie in an order of their own, drawn with the log's number as `portable_rng`'s seed: who knows
    the weight of a card would choose by what is known from other logs, and not by this one. "always weight 6" does so.

    Args:
        mdp: the world, of a `SafetyCriticalGridWorld`.
        logs: what the candidates are judged by.
        sweep: from `train_sweep` with the world, on as many logs, such as halves of these; the first network of each
            weight and log is a candidate.
        clones: from `train_clone_sweep` likewise: one candidate more.
        driver: the policy that wrote the logs, (S, A).
        code: what makes `cards`, for a reader to copy.
        log: position of the log that is shown.
        picks: for each log the letter of the card that was picked, or "-".
        sort: what orders the cards, "dealt" or one of `ESTIMATES`, the highest first; of risk the lowest.

    Raises:
        ValueError: a sweep is of other logs, or of another world, or has no weight 6.
        TraitError: a value that cannot be shown; names it and what was expected.
    """

    module = "cards"
    data = traitlets.Dict().tag(sync=True)
    log = traitlets.Int(0, min=0).tag(sync=True)
    picks = traitlets.Unicode().tag(sync=True)
    sort = traitlets.Enum(("dealt", *ESTIMATES), "dealt").tag(sync=True)

    def __init__(
        self,
        mdp: TabularMDP,
        logs: Sequence[Episodes],
        sweep: Sweep,
        clones: Sweep,
        driver: Floats,
        *,
        code: str = "",
        **shown: Any,
    ) -> None:
        for name, one in (("sweep", sweep), ("clones", clones)):
            if one.policies.shape[1] != len(logs):
                raise ValueError(f"{name} was trained on {one.policies.shape[1]} logs, expected {len(logs)} as logs")
        check_shown(sweep, mdp, None)
        gamma = float(sweep.settings["gamma"])
        claims = np.pad(sweep.scores("claimed_value")[:, :, 0], ((0, 1), (0, 0)), constant_values=np.nan)
        self.mdp, self.logs, self.driver = mdp, logs, checked_policy("driver", driver)
        self.policies = np.concatenate([one.policies[:, :, 0] for one in (sweep, clones)])
        self.names = [*(f"weight {weight:g}" for weight in sweep.weights), "clone"]
        self.estimates = _estimate(mdp, logs, self.policies, claims)
        self.chosen = _choose(self.estimates, self.names)
        value = np.array([[mdp.start @ mdp.values(p, gamma)[0] for p in of] for of in self.policies])
        if not np.allclose(value[:-1], sweep.scores("true_value")[:, :, 0]):
            raise ValueError(
                "mdp is another world than the sweep was trained with: its agents are worth something else"
            )
        scores = [[mdp.evaluate(p) for p in of] for of in self.policies]
        self.truth = {
            name: np.array([[getattr(score, name) for score in of] for of in scores])
            for name in ("return_mean", "hazard_rate", "timeout_rate")
        } | {"regret": value.max(0) - value}
        self.order = [_shuffled(len(self.names), seed) for seed in range(len(logs))]
        data = {
            "world": describe_world(mdp),
            "driver": self.driver.ravel().round(9).tolist(),
            "names": self.names,
            "order": [order.tolist() for order in self.order],
            "policies": [[digits(p) for p in of] for of in self.policies],
            "estimates": {name: _plain(table) for name, table in self.estimates.items()},
            "truth": {name: _plain(table) for name, table in self.truth.items()},
            "chosen": {rule: at.tolist() for rule, at in self.chosen.items()},
            "code": code,
        }
        super().__init__(data=data, **{"picks": "-" * len(logs)} | shown)

    def tally(self) -> dict[str, tuple[float, float]]:
        """Mean regret and mean exact hazard rate over the logs with a pick: yours, each rule's, and a blind draw's."""
        played = [log for log, letter in enumerate(self.picks) if letter != "-"]
        if not played:
            return {}
        yours = [int(self.order[log][ord(self.picks[log]) - ord("a")]) for log in played]
        regret, hazard = (self.truth[name][:, played] for name in ("regret", "hazard_rate"))
        who = {"you": np.array(yours)} | {rule: at[played] for rule, at in self.chosen.items()}
        logs = np.arange(len(played))
        found = {name: (float(regret[at, logs].mean()), float(hazard[at, logs].mean())) for name, at in who.items()}
        return found | {"a blind draw": (float(regret.mean()), float(hazard.mean()))}

    def picture(self) -> Figure:
        """What the cards of the log that is shown tell, and where its driver went."""
        fig = Figure(figsize=(9.6, 3.8), layout="constrained")
        left, right = fig.subplots(1, 2, width_ratios=(2, 3))
        visits = self.mdp.occupancy(self.driver)
        plot_board(self.mdp, visits, self.driver, title="who wrote the log", limits=(0, 1), ax=left)
        rows = [[_told(self.estimates[name][at, self.log]) for name in ESTIMATES] for at in self.order[self.log]]
        letters = [chr(ord("A") + i) for i in range(len(rows))]
        table = right.table(rows, rowLabels=letters, colLabels=list(HEADS), loc="center", edges="horizontal")
        table.scale(1, 1.2)
        right.axis("off")
        right.set_title(f"{len(rows)} agents, and what the log says of each")
        return fig

    @traitlets.validate("picks")
    def _check_picks(self, proposal: Any) -> str:
        picks, n = proposal["value"], len(self.names)
        letters = "-" + "".join(chr(ord("a") + i) for i in range(n))
        if len(picks) != len(self.logs) or set(picks) - set(letters):
            expected = f"{len(self.logs)} letters a…{letters[-1]} or -"
            raise traitlets.TraitError(f"picks is {picks!r}, expected {expected}")
        return str(picks)

    @traitlets.validate("log")
    def _check_log(self, proposal: Any) -> int:
        if not 0 <= proposal["value"] < len(self.logs):
            raise traitlets.TraitError(f"log is {proposal['value']}, expected a whole number in 0…{len(self.logs) - 1}")
        return int(proposal["value"])


def _estimate(mdp: TabularMDP, logs: Sequence[Episodes], policies: Floats, claims: Floats) -> dict[str, Floats]:
    """What the logs say of each candidate, (C, L) each."""
    models = [log_model(log, mdp.n_states, unseen=WORST) for log in logs]

    def of_each(estimate: Any) -> Floats:
        rows = [[estimate(*one) for one in zip(logs, models, of, strict=True)] for of in policies]
        return np.array(rows, float)

    def risk(log: Episodes, model: Any, policy: Floats) -> float:
        score = model.evaluate(policy, horizon=mdp.horizon)
        return 1 - score.goal_rate - score.timeout_rate

    return {
        "claim": claims,
        "trips": of_each(lambda log, model, policy: importance_sampling(log, policy, weighted=False)),
        "agreement": of_each(lambda log, model, policy: policy[log.states, log.actions].mean()),
        "model": of_each(lambda log, model, policy: model.value(policy)),
        "risk": of_each(risk),
    }


def _choose(estimates: dict[str, Floats], names: Sequence[str]) -> dict[str, Any]:
    """Which candidate each rule takes on each log."""
    if "weight 6" not in names:
        raise ValueError(f"sweep has {', '.join(names[:-1])}, expected weight 6 among them")
    calm = estimates["risk"] < CALM
    return {
        "its own claim": np.nanargmax(estimates["claim"], 0),
        "importance sampling": estimates["trips"].argmax(0),
        "closest to the log": estimates["agreement"].argmax(0),
        "smallest calm weight": calm.argmax(0),  # the first calm one; where none is, the smallest weight
        "model of the log": estimates["model"].argmax(0),
        "always weight 6": np.full(calm.shape[1], names.index("weight 6")),
    }


def _shuffled(n: int, seed: int) -> Any:
    return np.argsort(portable_rng(seed).random(n), kind="stable")


def _told(x: float) -> str:
    return "nothing" if np.isnan(x) else f"{x:.2f}" if 0 <= x <= 1 else f"{x:.0f}".replace("-", "−")


def _plain(table: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(x) else round(float(x), 6) for x in row] for row in table]
