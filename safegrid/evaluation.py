"""How good and how risky: exact and sampled scores of agents, and their comparison over many logs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import fill

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from tabulate import tabulate

from .agents import Agent, DivergedError, create_discrete_bc, create_discrete_cql, fit, progress_bar
from .answers import is_stochastic, policy_table, q_table
from .array_types import ByValue, Floats
from .dataset import Episodes
from .intervals import Interval, interquartile_mean, mean
from .logs import checked_logs
from .mdp import TabularMDP
from .recipe import Auto, is_auto, largest_value, propose_recipe
from .scores import PolicyScore, as_counted


@dataclass(frozen=True, eq=False)
class AgentScore(ByValue):
    """One agent in one world: what it does, what a test drive would show, and what it believes.

    Attributes:
        exact: the truth over the world's horizon, undiscounted.
        sampled: the same from sampled episodes, with intervals; None where none were asked for.
        claimed_value: the agent's own V̂(s₀) = Σ π(a|s₀) Q̂(s₀, a), discounted, in raw reward; NaN where it claims none.
        true_value: V^π(s₀) of its policy, exact, discounted the same way.
        largest_value: the most that any policy could be worth with the world's rewards.
    """

    exact: PolicyScore
    sampled: PolicyScore | None
    claimed_value: float
    true_value: float
    largest_value: float = float("inf")

    @property
    def overestimate(self) -> float:
        """Claimed minus true value of the start, in discounted raw reward."""
        return self.claimed_value - self.true_value

    def __str__(self) -> str:
        rows = [[name, f"{Interval(value):.4}"] for name, value in self.exact.as_dict().items()]
        if self.sampled:
            rows = [[name, exact, f"{score_interval(self.sampled, name):.4}"] for name, exact in rows]
        rows += [["true value of the start", f"{Interval(self.true_value):.4}"]]
        if not np.isnan(self.claimed_value):
            rows += [["claimed value of the start", f"{Interval(self.claimed_value):.4}"]]
        if told_dreams({"": (np.array([self.claimed_value]), np.array([self.largest_value]))}):
            rows += [["… the most its rewards allow", f"{Interval(self.largest_value):.4}"]]
        headers = ("", "exact", "sampled [95% interval]")[: 3 if self.sampled else 2]
        return str(tabulate(rows, headers, disable_numparse=True))


def score_agent(
    agent: Agent, mdp: TabularMDP, *, stochastic: bool = False, n_episodes: int = 0, seed: int = 0
) -> AgentScore:
    """Scores a trained agent exactly and, with `n_episodes` above 0, by sampled episodes as well.

    Args:
        agent: a trained agent.
        mdp: a world with a horizon.
        stochastic: as `policy_table`.
        n_episodes: sampled episodes; 0 for none.
        seed: of those episodes.

    Raises:
        ValueError, DivergedError: as `policy_table` and, of an agent with Q networks, `q_table`.
    """
    if mdp.horizon is None:
        raise ValueError("mdp has no horizon, expected one: exact scores are taken over it")
    policy = policy_table(agent, mdp, stochastic)
    claims = hasattr(agent.impl.modules, "q_funcs")
    gamma = agent.gamma if claims else 0.99
    q = np.where(policy > 0, q_table(agent, mdp), 0.0) if claims else np.full_like(policy, np.nan)
    return AgentScore(
        exact=mdp.evaluate(policy),
        sampled=mdp.rollouts(policy, n_episodes, seed).score() if n_episodes else None,
        claimed_value=float(mdp.start @ (policy * q).sum(1)),
        true_value=float(mdp.start @ mdp.values(policy, gamma)[0]),
        largest_value=largest_value(mdp, gamma) if claims and not is_stochastic(agent) else float("inf"),  # no entropy
    )


def score_interval(score: PolicyScore, field: str) -> Interval:
    """One field of a score with its 95% interval, without where the score has none."""
    return Interval(getattr(score, field), *(score.intervals or {}).get(field, ()))


def told_dreams(claims: Mapping[str, tuple[Floats, Floats]]) -> str:
    """A line under a table: which runs claim more than their rewards allow, by one in a hundred; empty where none does.

    Args:
        claims: by name what the runs claim, and the most that their rewards allow, both (L, K).
    """
    named = []
    for name, (claimed, most) in claims.items():
        if (above := claimed - most > 0.01 * np.maximum(np.abs(claimed), np.abs(most))).any():
            named += [f"{name} ({int(above.sum())} of {above.size} runs above {most[above].max():g})"]
    return f"Claims above the most that these rewards allow: {', '.join(named)}." if named else ""


_STOCHASTIC = " (stochastic)"

SUMMARY_HEADERS = ("", "runs", "return", "worst run", "hazard", "claimed − true")


def summary_row(name: str, returns: Floats, hazards: Floats, overestimates: Floats | None) -> list[str]:
    """One line of a table under `SUMMARY_HEADERS`, from scores (L, K) each, as they count."""
    income, risk = interquartile_mean(returns), mean(hazards)
    over = None if overestimates is None else interquartile_mean(overestimates)
    claim = "" if over is None or np.isnan(over.estimate) else str(over)
    runs, worst = f"{returns.size}", f"{returns.min():.{income.decimals()}f}"
    if lost := int(np.isneginf(returns).sum()):
        runs, worst = f"{runs} ({lost} diverged)", "diverged"
    return [name, runs, str(income), worst, f"{risk:%}", claim]


def summary_table(rows: list[list[str]], note: str, html: bool = False) -> str:
    """Rows under `SUMMARY_HEADERS`, what the columns are, and a note beneath."""
    table = tabulate(rows, SUMMARY_HEADERS, tablefmt="html" if html else "simple", disable_numparse=True)
    lines = [_LEGEND, *([note] if note else [])]
    if html:
        return table + "".join(f"<p>{line}</p>" for line in lines)
    return "\n".join([table, "", *(fill(line, _WIDTH) for line in lines)])


_WIDTH = 84  # letters of a line that fit a page of the book
_LEGEND = (
    "Interquartile means over runs, of the hazard the mean, with 95% intervals over logs; claimed and true value of "
    "the start are discounted."
)


def warn_diverged(members: Sequence[str]) -> None:
    """Names the runs that diverged, all at once."""
    if members:
        named = "; ".join(members)
        warnings.warn(f"diverged, and counted as the worst possible: {named}", RuntimeWarning, stacklevel=3)


def reference_row(name: str, score: PolicyScore) -> list[str]:
    """One line under the same headers for a policy that needs no training."""
    return [name, "", str(Interval(score.return_mean)), "", f"{Interval(score.hazard_rate):%}", ""]


@dataclass(frozen=True, eq=False)
class Comparison(ByValue):
    """Several agents over the same logs and network seeds, beside policies that need no training.

    Printed, or shown in a notebook, it is a table: return as interquartile mean with its 95% interval, and the worst
    run; hazard as mean with its interval; claimed minus true start value as interquartile mean. A run whose network
    diverged counts as the worst possible: return −∞, hazard 100%, claimed minus true ∞.

    Attributes:
        scores: for each agent L lists (logs) of K scores (network seeds); NaN where the network diverged.
        references: exact scores of the optimum, the behaviour policy and the like.
    """

    scores: Mapping[str, Sequence[Sequence[AgentScore]]]
    references: Mapping[str, PolicyScore]

    def values(self, agent: str, field: str) -> Floats:
        """A field of `PolicyScore` (exact), "overestimate", "claimed_value" or "true_value", as it counts; (L, K)."""
        scores = self.scores[agent]
        known = [[getattr(s if hasattr(s, field) else s.exact, field) for s in seeds] for seeds in scores]
        diverged = np.isnan([[s.exact.return_mean for s in seeds] for seeds in scores])
        return as_counted(field, np.array(known, float), diverged)

    def rows(self) -> list[list[str]]:
        """The table's lines as text."""
        fields = ("return_mean", "hazard_rate", "overestimate")
        agents = [summary_row(name, *(self.values(name, field) for field in fields)) for name in self.scores]
        return [reference_row(name, score) for name, score in self.references.items()] + agents

    def dreams(self) -> str:
        """Whose claims about the start are above what the rewards allow, in words; empty where nobody's are."""

        def told(name: str, field: str) -> Floats:
            return np.array([[getattr(score, field) for score in seeds] for seeds in self.scores[name]])

        return told_dreams({n: (told(n, "claimed_value"), told(n, "largest_value")) for n in self.scores})

    def __str__(self) -> str:
        return summary_table(self.rows(), self.dreams())

    def _repr_html_(self) -> str:
        return summary_table(self.rows(), self.dreams(), html=True)


def compare(
    recipes: Mapping[str, Callable[[], Agent]] | Auto,
    mdp: TabularMDP,
    logs: Episodes | Sequence[Episodes],
    *,
    network_seeds: Iterable[int] = (0,),
    n_steps: int | Auto = "auto",
    references: Mapping[str, ArrayLike] | None = None,
    n_episodes: int = 0,
    n_jobs: int = 1,
    progress: bool = True,
) -> Comparison:
    """Trains every recipe on every log with every network seed, and scores all of them in the same world.

    Behaviour cloning, and `DiscreteSAC`, appear twice: by the likeliest action, and as "… (stochastic)" by their
    probabilities. A network that diverges is named in a warning, and counts as the worst possible.

    Args:
        recipes: a name and a function that makes a fresh agent, such as `functools.partial(create_discrete_cql,
            conservative_weight=1.0)`; "auto" for behaviour cloning and CQL as `propose_recipe` has them.
        mdp: the world the logs come from.
        logs: one `Episodes` or more.
        network_seeds: passed to `fit`.
        references: policies (S, A) to stand beside the agents.
        n_episodes: sampled episodes for each agent besides its exact score; 0 for none.
        n_jobs: processes, through joblib; results do not depend on it.
        n_steps: as `fit`; "auto" as `propose_recipe`.
        progress: as `fit`.
    """
    if not isinstance(mdp, TabularMDP):
        raise ValueError(f"mdp is a {type(mdp).__name__}, expected a TabularMDP, such as env.mdp")
    seeds, logs = list(network_seeds), checked_logs(logs, mdp, scored=True)
    proposed = propose_recipe(logs, mdp)  # which holds the logs against the world
    n_steps = proposed.n_steps if is_auto(n_steps) else n_steps
    if is_auto(recipes):
        clone, cql = partial(create_discrete_bc, **proposed.features), partial(create_discrete_cql, **proposed.settings)
        recipes = {"BC": clone, "CQL": cql}
    if not isinstance(recipes, Mapping):
        raise ValueError(f"recipes is {recipes!r}, expected 'auto', or a name and a function for each")
    if merged := [name for name in recipes if f"{name}{_STOCHASTIC}" in recipes]:
        raise ValueError(
            f"recipes has both {merged[0]!r} and {merged[0] + _STOCHASTIC!r}, a name that compare gives itself"
        )
    for name, items in {"recipes": recipes, "network_seeds": seeds}.items():
        if not items:
            raise ValueError(f"{name} is empty, expected at least one")
    jobs = [(name, i, seed) for name in recipes for i in range(len(logs)) for seed in seeds]
    work = (delayed(_train_and_score)(recipes[name], mdp, logs[i], seed, n_steps, n_episodes) for name, i, seed in jobs)
    results = Parallel(n_jobs=n_jobs, return_as="generator")(work)
    scores: dict[str, list[list[AgentScore]]] = {}
    bar = progress_bar(progress, iterable=results, total=len(jobs), desc="agents")
    for (name, i, _), kinds in zip(jobs, bar, strict=True):
        for kind, score in kinds.items():
            scores.setdefault(f"{name}{kind}", [[] for _ in logs])[i].append(score)
    warn_diverged([
        f"{name} on log {i} with network seed {seeds[j]}"
        for name, of_logs in scores.items() for i, of_seeds in enumerate(of_logs)
        for j, score in enumerate(of_seeds) if np.isnan(score.exact.return_mean)
    ])  # fmt: skip
    return Comparison(scores, {name: mdp.evaluate(policy) for name, policy in (references or {}).items()})


def _train_and_score(
    create: Callable[[], Agent], mdp: TabularMDP, log: Episodes, seed: int, n_steps: int, n_episodes: int
) -> dict[str, AgentScore]:
    agent, nan = create(), float("nan")

    def kinds() -> dict[str, bool]:
        return {"": False, _STOCHASTIC: True} if is_stochastic(agent) else {"": False}

    try:
        fit(agent, log, n_steps, seed=seed, progress=False)
        return {k: score_agent(agent, mdp, stochastic=s, n_episodes=n_episodes, seed=seed) for k, s in kinds().items()}
    except DivergedError:
        return dict.fromkeys(kinds(), AgentScore(PolicyScore(nan, nan, nan, nan, nan, nan, nan), None, nan, nan))
