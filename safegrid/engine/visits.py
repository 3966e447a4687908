"""Where a policy leads within a horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from safegrid.array_types import Floats

from .chain import BLOCK, NOTHING, Chain


def expected_visits(start: Floats, chains: Sequence[Chain]) -> Floats:
    """How often an episode is in each state on average, (S,)."""
    mass = expected = start
    for t, chain in enumerate(chains):
        mass = chain.everywhere @ mass
        expected = expected + mass
        if t % BLOCK == 0 and mass.sum() <= NOTHING:
            break
    return expected


def visits(start: Floats, chains: Sequence[Chain], *, width: int = 256) -> Floats:
    """Probability that an episode is in each state at least once, (S,).

    What ends an episode is met once at most. For every other state a walk is followed whose mass is held fast where it
    arrives there; `width` of them at a time.
    """
    met = expected_visits(start, chains)
    own = np.flatnonzero((met > 0) & ~chains[0].pairs.terminal)
    for columns in np.split(own, range(width, len(own), width)):
        place = columns, np.arange(len(columns))
        walks = np.repeat(start[:, None], len(columns), 1)
        met[columns], walks[place] = walks[place], 0.0
        for t, chain in enumerate(chains):
            walks = chain.everywhere @ walks
            met[columns] += walks[place]
            walks[place] = 0.0
            if t % BLOCK == 0 and walks.sum() <= NOTHING:
                break
    return met
