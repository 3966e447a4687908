"""The report's sections, as words and tables: what a terminal prints and a page shows alike."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from tabulate import tabulate

from safegrid.intervals import Interval

from .evidence import TRIES
from .report import LogFacts
from .verdict import judge

_RANGES = 8
WIDTH = 100
"""Columns of a line of text."""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first column names its rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        name: its key, such as "findings".
        title: its heading.
        lead: sentences above the rest.
        items: a list.
        tables: below it.
    """

    name: str
    title: str
    lead: str = ""
    items: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def sections(facts: LogFacts) -> list[Section]:
    """All sections of a report, in order."""
    verdict = judge(facts)
    parts = [
        _what_it_is(facts), _findings(facts), _evidence(facts),
        Section("learnable", "What can be learnt from it", items=verdict.learnable),
        Section("unlearnable", "What cannot", items=verdict.unlearnable),
        Section("untold", "What no log tells", items=verdict.untold),
        _recipe(facts),
    ]  # fmt: skip
    return parts + _truth(facts)


def as_text(facts: LogFacts) -> str:
    """A report in lines of at most `WIDTH` columns."""
    blocks = []
    for section in sections(facts):
        blocks.append(f"{section.title}\n{'─' * len(section.title)}")
        if section.lead:
            blocks.append(textwrap.fill(section.lead, WIDTH))
        if section.items:
            blocks.append("\n".join(_wrapped(item) for item in section.items))
        for table in section.tables:
            look: Any = {"colalign": _aligned(table), "maxcolwidths": _widths(table), "disable_numparse": True}
            body = tabulate(table.rows, table.head, **look)
            blocks.append(f"{textwrap.fill(table.caption, WIDTH)}\n{body}")
    return "\n\n".join(blocks)


def _wrapped(item: str) -> str:
    return textwrap.fill(item, WIDTH, initial_indent="• ", subsequent_indent="  ")


def _aligned(table: Table) -> Sequence[str]:
    return ["left"] + ["left" if table.head[-1] == "because" else "right"] * (len(table.head) - 1)


def _widths(table: Table) -> list[int | None]:
    return [None, 20, 52] if table.head[-1] == "because" else [None] * len(table.head)


def _what_it_is(facts: LogFacts) -> Section:
    log = facts.log
    n, d, harmful = log.n_episodes, log.observations.shape[1], int(facts.harmful.sum())
    ended = int(log.terminals.sum())
    lead = (
        f"{_count(n, 'episode')} with {_count(len(log), 'row')}, {_count(log.n_actions, 'action')}, observations of "
        f"{_count(d, 'number')}. {ended / n:.1%} of the episodes end in a terminal, {1 - ended / n:.1%} were cut by "
        f"the clock. The mean return is {facts.return_mean}. "
    )
    if facts.harm_told:
        how = (
            "a cost"
            if facts.harm_told == "costs"
            else f"the lowest terminal reward, {log.rewards[log.terminals].min():g}"
        )
        lead += f"{facts.harm:%} of the episodes have harm ({harmful:,} of {n:,}): {how}. "
    else:
        lead += "No episode has harm: no cost, and no terminal reward below the others. "
    lead += f"Costs add up to {log.costs.sum(dtype=float):g}."
    rows = [("steps of an episode", facts.lengths), ("return, raw reward", facts.returns)]
    table = Table(
        "Episodes by quantiles", ("", "least", "quarter", "median", "three quarters", "most"),
        tuple((name, *(f"{value:,.4g}" for value in values)) for name, values in rows),
    )  # fmt: skip
    return Section("log", "What the log is", lead, tables=(table,))


def _findings(facts: LogFacts) -> Section:
    if not facts.findings:
        return Section("findings", "What looks wrong", "Nothing of what was looked for.")
    n = len(facts.findings)
    return Section(
        "findings", "What looks wrong",
        f"{_count(n, 'kind')} of fault. What is wrong contradicts the log itself; what is doubtful, somebody who knows "
        "the file must look at.",
        tuple(map(str, facts.findings)),
    )  # fmt: skip


def _evidence(facts: LogFacts) -> Section:
    evidence = facts.evidence
    n, rows, n_actions = len(facts.log), evidence.places, facts.log.n_actions
    lead = (
        f"{rows:,} different observations, each acted in {n / rows:,.1f} times on average; {evidence.tried[1]:d} of "
        f"{_count(n_actions, 'action')} tried there in the median, {evidence.tried[0]:d} at least, "
        f"{evidence.tried[2]:d} at most. {evidence.lone:.1%} of the rows stand where one action alone was tried; "
        f"{evidence.thin_episodes:.1%} of the episodes take a pair tried fewer than {TRIES[3]} times. "
        f"{evidence.habit:.1%} of the rows take the commonest action of their place."
    )
    if not evidence.recurs:
        lead = (
            f"{rows:,} different observations in {n:,} rows: they hardly recur, so that tries of a pair are no "
            "evidence, and their absence none."
        )
    names = ["never tried", *(_class(low, high) for low, high in pairwise([*TRIES[1:], 0]))]
    tries = Table(
        "Pairs of an observation and an action by how often they were tried",
        ("tried", "pairs", "share of pairs", "share of rows"),
        tuple(
            (name, f"{pairs:,}", f"{pairs / evidence.pairs.sum():.1%}", f"{visits:.1%}")
            for name, pairs, visits in zip(names, evidence.pairs, evidence.visits, strict=True)
        ),
    )  # fmt: skip
    shown = np.argsort(-evidence.actions, kind="stable")[:12]
    actions = Table(
        "Actions" if len(shown) == n_actions else f"The {len(shown)} commonest of {n_actions} actions",
        ("action", "rows", "share"),
        tuple((str(a), f"{evidence.actions[a]:,}", f"{evidence.actions[a] / n:.1%}") for a in sorted(shown)),
    )  # fmt: skip
    return Section("evidence", "What it has tried", lead, tables=(tries, actions) if evidence.recurs else (actions,))


def _class(low: int, high: int) -> str:
    return "once" if low == 1 else f"{low} times or more" if not high else f"{low} to {high - 1} times"


def _recipe(facts: LogFacts) -> Section:
    recipe = facts.recipe
    values = recipe.settings | {"n_steps": recipe.n_steps}
    rows = tuple((name, _setting(values[name]), reason) for name, reason in recipe.reasons.items())
    lead = (
        "Settings to begin with, in the log's own units, as propose_recipe gives them. A score or an estimate judges."
    )
    table = Table("Recipe", ("setting", "value", "because"), rows)
    return Section("recipe", "What to train with", lead, tables=(table,))


def _setting(value: object) -> str:
    if isinstance(value, tuple):
        shown = "; ".join(f"{low:.4g} … {high:.4g}" for low, high in value[:_RANGES])
        return shown if len(value) <= _RANGES else f"{shown}; … ({len(value)} in all)"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _truth(facts: LogFacts) -> list[Section]:
    truth, log = facts.truth, facts.log
    if truth is None:
        return []
    steps = log.lengths.astype(float)
    half = 1.96 * steps.std() / np.sqrt(len(steps))
    told = {
        "return_mean": ("return, raw reward", facts.return_mean, ""),
        "hazard_rate": ("harm", facts.harm, "%"),
        "timeout_rate": ("cut by the clock", Interval(float(log.timeouts.sum() / log.n_episodes)), "%"),
        "length_mean": ("steps", Interval(steps.mean(), steps.mean() - half, steps.mean() + half), ""),
    }
    rows = tuple(
        (
            name,
            format(seen, spec),
            *(format(Interval(getattr(score, field)), spec) for score in (truth.driver, truth.best)),
        )
        for field, (name, seen, spec) in told.items()
    )
    lead = (
        "The world was given. A driver with the log's shares of actions is scored exactly, and so is the best policy "
        f"at γ = 0.99. Of the best policy's steps {truth.untried:.1%} take a pair that the log never tried, "
        f"{truth.thin:.1%} one that it tried fewer than {TRIES[3]} times."
    )
    table = Table("The log beside its world", ("", "the log", "its shares, exact", "best policy, exact"), rows)
    return [Section("truth", "What is true", lead, tables=(table,))]


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
