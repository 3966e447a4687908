"""What looks wrong in a log: one record a kind of fault, with its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from safegrid.array_types import Bools, ByValue, Ints, frozen

Severity = Literal["wrong", "doubtful"]
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


def found(kind: str, severity: Severity, rows: Ints | Bools, message: str) -> list[Finding]:
    """The finding, or none where no row is concerned."""
    which = np.flatnonzero(rows) if rows.dtype == bool else np.unique(rows)
    return [Finding(kind, message, frozen(which.astype(np.int64)), severity)] if len(which) else []


def listed(names: Iterable[object]) -> str:
    """Names in a row, such as "0, 2 and 5"."""
    texts = [str(name) for name in names]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
