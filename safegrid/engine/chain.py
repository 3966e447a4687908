"""A process under a policy: a Markov chain.

A row of its matrix lists only the moves after which the episode goes on: what it lacks to 1 has ended. Rows of states
that end an episode are empty, so that nothing of theirs is ever read.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from safegrid.array_types import Floats

from .pairs import Pairs

NOTHING = 1e-30
"""Less mass than this is none: rounding of the rest is larger."""

BLOCK = 32
"""Steps after which it is asked whether there is any left."""


class Chain:
    """A process under a policy.

    Args:
        pairs: the process.
        policy: (S, A) action probabilities, 0 in states that end the episode.
    """

    def __init__(self, pairs: Pairs, policy: Floats) -> None:
        (n, n_actions), (state, action) = pairs.shape, np.nonzero(policy)
        first = np.concatenate([[0], np.cumsum(np.bincount(state, minlength=n))])
        self.pairs = pairs
        self.choose = csr_matrix((policy[state, action], state * n_actions + action, first), (n, n * n_actions))

    @cached_property
    def step(self) -> csr_matrix:
        """Probabilities of moving on, (S, S)."""
        return self.choose @ self.pairs.onward

    @cached_property
    def out(self) -> csc_matrix:
        """Where mass goes in a step: into the states that go on and the ways to end, transposed, (S + C, S)."""
        return (self.choose @ self.pairs.with_ends).T

    @cached_property
    def everywhere(self) -> csr_matrix:
        """Where mass goes in a step, the states that end the episode included, transposed, (S, S)."""
        return (self.choose @ self.pairs.everywhere).T.tocsr()

    @cached_property
    def back(self) -> csc_matrix:
        """`step` transposed: where mass that moves on goes, (S, S)."""
        return self.step.T

    @cached_property
    def weighted_back(self) -> csc_matrix:
        """`back` times the reward, (S, S)."""
        return (self.choose @ self.pairs.weighted).T

    @cached_property
    def square(self) -> Floats:
        """Expected square of the reward of a step, (S,)."""
        return self.choose @ self.pairs.square

    @cached_property
    def gain(self) -> Floats:
        """Expected reward of a step, (S,)."""
        return self.choose @ self.pairs.gain
