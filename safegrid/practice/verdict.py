"""What can be learnt from a log, what cannot, and what no log tells, each with its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from safegrid.array_types import ByValue

from .evidence import TRIES
from .faults.finding import listed
from .report import LogFacts

_NATS = 0.05


@dataclass(frozen=True, eq=False)
class Verdict(ByValue):
    """Sentences, each of which stands alone.

    Attributes:
        learnable: what the log says.
        unlearnable: what it does not.
        untold: what no log says of itself.
    """

    learnable: tuple[str, ...]
    unlearnable: tuple[str, ...]
    untold: tuple[str, ...]


def judge(facts: LogFacts) -> Verdict:
    """Reads the numbers of a log."""
    return Verdict(tuple(_learnable(facts)), tuple(_unlearnable(facts)), tuple(_untold(facts)))


def _learnable(facts: LogFacts) -> Iterator[str]:
    log, evidence = facts.log, facts.evidence
    yield (
        f"What its driver earns: {facts.return_mean} in raw reward, from {log.n_episodes:,} episodes; an estimate of "
        "another policy is rarely more certain."
    )
    if n := int(facts.harmful.sum()):
        yield f"How often its driver does harm: in {facts.harm:%} of the episodes ({n:,} of {log.n_episodes:,})."
    if evidence.recurs and evidence.visits[-1] > 0:
        yield (
            f"What {evidence.pairs[-1]:,} pairs of observation and action lead to, each tried {TRIES[-1]} times or "
            f"more: {_percent(evidence.visits[-1])} of the rows."
        )
    if evidence.choice > 0:
        yield (
            f"Which of two actions is better, in observations that take up {_percent(evidence.choice)} of the rows: "
            f"there two or more were tried {TRIES[-1]} times each."
        )


def _unlearnable(facts: LogFacts) -> Iterator[str]:
    log, evidence, n = facts.log, facts.evidence, facts.log.n_episodes
    if wrong := [finding.kind for finding in facts.findings if finding.severity == "wrong"]:
        yield f"Anything that rests on the rows found wrong ({listed(wrong)}): mend them first, and read this again."
    bound = 1 - 0.05 ** (1 / n)
    if not facts.harm_told:
        yield (
            "What harm costs: no episode ends in any. That its driver does harm in fewer than "
            f"{_percent(bound, up=True)} of episodes is all that {n:,} without harm show, with 95% "
            "confidence (the rule of three)."
        )
    else:
        yield (
            f"That a policy does harm in fewer than {_percent(bound, up=True)} of episodes: {n:,} drives without any "
            "would not show it with 95% confidence (the rule of three), and these are another driver's."
        )
    if log.rewards.min() == log.rewards.max():
        yield f"What is good, but for how long an episode lasts: every reward is {log.rewards[0]:g}."
    if never := [action for action, rows in enumerate(evidence.actions) if not rows]:
        yield f"What action{'s' * (len(never) > 1)} {listed(never)} would do: never taken in {len(log):,} rows."
    yield from _choices(facts)
    if cut := int(log.timeouts.sum()):
        yield (
            f"What would have followed in the {_percent(cut / n)} of the episodes that were cut by the clock: a value "
            "there is a guess of the learner's."
        )


def _choices(facts: LogFacts) -> Iterator[str]:
    evidence = facts.evidence
    if not evidence.recurs:
        yield (
            f"What a pair leads to by counting: {evidence.places:,} different observations in "
            f"{len(facts.log):,} rows hardly recur. All rests on how a network joins what looks alike, and which "
            "actions are thin there, no count shows."
        )
        return
    if evidence.lone > 0.001:
        yield (
            f"Another choice in {_percent(evidence.lone)} of the rows, where one action alone was ever tried: "
            "conservative Q-learning can hardly differ from the clone there."
        )
    if evidence.habit > 0.9:
        yield (
            f"Much beside the habit: {_percent(evidence.habit)} of the rows take the action that is commonest where "
            "they are, so that the driver is nearly deterministic."
        )
    total = int(evidence.pairs.sum())
    if untried := int(evidence.pairs[0]):
        yield (
            f"What {untried:,} of {total:,} pairs ({_percent(untried / total)}) would do: never tried in an "
            "observation that was visited. A learner without conservatism invents their values."
        )
    if evidence.thin_episodes > 0.05:
        yield (
            f"A fair share of its own certainty: {_percent(evidence.thin_episodes)} of the episodes take a pair tried "
            f"fewer than {TRIES[3]} times, whose mean reward and next observation are hardly known."
        )
    if evidence.driver_memory > _NATS:
        yield (
            f"What the driver saw: the action before tells {evidence.driver_memory:.2f} nats of an action beyond its "
            "observation. It acted by something that the log leaves out, or by a plan."
        )
    if evidence.world_memory > _NATS:
        yield (
            f"A state: the observation before tells {evidence.world_memory:.2f} nats of the next one beyond "
            "observation and action. Stack observations, or add what is missing."
        )


def _untold(facts: LogFacts) -> Iterator[str]:
    yield (
        "Whether the driver knew more than the log shows. If it braked for what no column holds, braking looks as if "
        "it caused the harm that it answered (hidden confounding)."
    )
    yield "Whether the world is still the one that wrote the log."
    yield "Whether the rewards say what you want, and whether every harm was written down as a cost."
    if facts.truth is None:
        yield (
            "What a policy that leaves the log would do. Estimates from a log are of what its driver tried; drive with "
            "a guard, and count."
        )


def _percent(share: float, up: bool = False) -> str:
    """A share in percent, in two digits at least where it is small; rounded up where it is a bound."""
    percent = 100 * share
    digits = 0 if percent >= 99.95 or percent == 0 else 1 if percent >= 1 else 2 - int(np.floor(np.log10(percent))) - 1
    scaled = np.ceil(percent * 10**digits - 1e-9) if up else np.round(percent * 10**digits)
    return f"{scaled / 10**digits:.{digits}f}%"
