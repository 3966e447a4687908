"""All that looks wrong in a log."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from safegrid.array_types import Bools
from safegrid.dataset import Episodes

from . import actions, columns, copies, ends, observations, rewards
from .coded import Coded
from .finding import Finding


def find_faults(log: Episodes) -> tuple[Coded, tuple[Finding, ...]]:
    """Every kind of fault that a log shows, what is wrong before what is doubtful; and its codes.

    A fault is not reported again as what follows from it: rows that one search has explained are left out of others.
    """
    odd_columns, ignored = columns.find(log)
    coded = Coded(log, ignored)
    odd_values = _rows(odd_columns, len(log), ("missing_codes", "unrounded_values"))
    odd_values |= np.r_[odd_values[1:], False]  # the row before arrives there
    by_reward = ends.missed_by_reward(coded)
    moves = observations.find(coded, odd_values | by_reward)
    odd_moves = odd_values | _rows(moves, len(log))
    joined = by_reward | (ends.missed_by_place(coded) & ~odd_moves)
    ended = ends.find(coded)
    relations = actions.find(coded)
    relations += rewards.find(coded, joined, all(finding.kind != "shifted_ends" for finding in ended))
    findings = relations + copies.find(coded, _rows(relations + ended, len(log)))
    findings += ended + ends.missed_ends(joined) + moves + odd_columns
    return coded, tuple(sorted(findings, key=lambda finding: (finding.severity != "wrong", finding.kind)))


def _rows(findings: Iterable[Finding], n: int, kinds: tuple[str, ...] | None = None) -> Bools:
    rows = np.zeros(n, bool)
    for finding in findings:
        if kinds is None or finding.kind in kinds:
            rows[finding.rows] = True
    return rows
