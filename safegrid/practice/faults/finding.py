"""What looks wrong in a log: one record a kind of fault, with its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from safegrid.array_types import Bools, ByValue, Ints, frozen

Severity = Literal["wrong", "doubtful"]
KINDS: dict[str, tuple[Severity, str]] = {
    "impossible_rows": ("wrong", "cannot happen in the world that was given"),
    "clock_ends": ("wrong", "time-outs marked as terminals, at the greatest length"),
    "shifted_ends": ("wrong", "the column of ends stands a row too early or late"),
    "false_ends": ("wrong", "terminals where other episodes go on"),
    "missed_ends": ("wrong", "rows that go on where other episodes end"),
    "copied_episodes": ("wrong", "episodes that are in the log twice"),
    "shifted_actions": ("wrong", "the action column stands a row too early or late"),
    "foreign_actions": ("wrong", "episodes in which actions do what they do nowhere else"),
    "idle_actions": ("wrong", "nothing depends on the action"),
    "shifted_rewards": ("wrong", "the reward column stands a row too early or late"),
    "contradicting_rewards": ("wrong", "rewards that no kind of step usually has"),
    "costs_disagree": ("wrong", "a cost without its penalty, or a penalty without its cost"),
    "negative_costs": ("wrong", "costs below 0"),
    "counter_columns": ("wrong", "an observation counts rows or dates"),
    "missing_codes": ("wrong", "a code for a missing value, such as -999"),
    "unrounded_values": ("wrong", "a hair beside a whole number"),
    "constant_actions": ("doubtful", "one action alone"),
    "stuck_actions": ("doubtful", "one action in row after row, against the driver's habit"),
    "far_rewards": ("doubtful", "rewards far outside all others"),
    "jumps": ("doubtful", "steps of the observation far longer than all others"),
    "frozen_observations": ("doubtful", "an observation that stands still in row after row"),
    "clipped_values": ("doubtful", "many rows at exactly the end of a range"),
    "constant_columns": ("doubtful", "an observation that never changes"),
    "copied_columns": ("doubtful", "an observation that says what another says"),
}
"""Every kind of fault: how sure it is, and what it is."""
SHOWN = 6
"""How many rows are named."""


@dataclass(frozen=True, eq=False)
class Finding(ByValue):
    """One kind of fault, and where it is.

    Attributes:
        kind: its name, such as "shifted_actions"; one of `KINDS`.
        message: what was seen, with its numbers, and what would mend it.
        rows: (n,) the rows concerned, rising.
        severity: "wrong" where rows contradict the others; "doubtful" where somebody who knows the file must look.
    """

    kind: str
    message: str
    rows: Ints
    severity: Severity

    @property
    def where(self) -> str:
        """The number of rows, and the first of them."""
        n, named = len(self.rows), ", ".join(map(str, self.rows[:SHOWN]))
        return f"{n:,} row{'s' * (n != 1)}: {named}{', …' if n > SHOWN else ''}"

    def __str__(self) -> str:
        return f"{self.kind} ({self.severity}): {self.message} [{self.where}]"


def found(kind: str, rows: Ints | Bools, message: str) -> list[Finding]:
    """The finding, or none where no row is concerned."""
    which = np.flatnonzero(rows) if rows.dtype == bool else np.unique(rows)
    return [Finding(kind, message, frozen(which.astype(np.int64)), KINDS[kind][0])] if len(which) else []


def listed(names: Iterable[object], most: int = 10) -> str:
    """Names in a row, such as "0, 2 and 5"."""
    texts = [str(name) for name in names]
    if len(texts) > most:
        return f"{', '.join(texts[:most])}, … ({len(texts)} in all)"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
