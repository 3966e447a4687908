"""Small worlds whose every episode can be listed, and policies in them."""

import itertools

import numpy as np
from hypothesis import settings

from safegrid.mdp import TabularMDP

FEW = settings(deadline=None, max_examples=40)
MAZE = ("SFFFFFFW", "FWWFWWWF", "FFWFFWWF", "FWGFWFFW")
"""The maze of CQL's tutorial, in our letters: no square, and with walls."""


def random_mdp(seed, n_states=4, n_actions=2, width=3):
    """Starts anywhere but in the last two states, a hazard and a goal; successors may repeat or have probability 0."""
    rng = np.random.default_rng(seed)
    shape = (n_states, n_actions, width)
    probabilities = rng.dirichlet(np.ones(width), shape[:2])
    probabilities[..., 0] += probabilities[..., 1] * (gone := rng.random(shape[:2]) < 0.3)
    probabilities[gone, 1] = 0.0
    state = np.arange(n_states)
    terminal = state >= n_states - 2
    start = np.append(rng.dirichlet(np.ones(n_states - 2)), [0, 0])
    return TabularMDP(
        rng.integers(0, n_states, shape), probabilities, rng.integers(-5, 4, shape), terminal, start,
        hazard=state == n_states - 2, goal=state == n_states - 1,
    )  # fmt: skip


def dense(mdp):
    """Transitions (S, A, S) and the reward expected on each, summed entry by entry."""
    shape = (mdp.n_states, mdp.n_actions, mdp.n_states)
    transition, flow = np.zeros(shape), np.zeros(shape)
    for s, a, k in np.ndindex(mdp.successors.shape):
        z = mdp.successors[s, a, k]
        transition[s, a, z] += mdp.probabilities[s, a, k]
        flow[s, a, z] += mdp.probabilities[s, a, k] * mdp.rewards[s, a, k]
    return transition, np.divide(flow, transition, out=np.zeros(shape), where=transition > 0)


def enumerate_episodes(mdp, policy, horizon):
    """Every trajectory of a tiny world: its probability, its return, and the states it passed through."""

    def walk(p, total, path):
        t, s = len(path) - 1, path[-1]
        if mdp.terminal[s] or t == horizon:
            yield p, total, path
            return
        for a, k in np.ndindex(mdp.successors.shape[1:]):
            q = p * (policy[t] if policy.ndim == 3 else policy)[s, a] * mdp.probabilities[s, a, k]
            if q > 0:
                yield from walk(q, total + mdp.rewards[s, a, k], (*path, mdp.successors[s, a, k]))

    walks = (walk(p, 0.0, (s,)) for s, p in enumerate(mdp.start) if p > 0)
    p, returns, paths = zip(*itertools.chain(*walks), strict=True)
    return np.array(p), np.array(returns), paths


def worst_twentieth(p, returns):
    """CVaR at 5%: each outcome counts with that part of its probability which lies in the first twentieth."""
    order = np.argsort(returns)
    upper = np.cumsum(p[order])
    share = np.minimum(upper, 0.05) - np.minimum(upper - p[order], 0.05)
    return (share * returns[order]).sum() / 0.05


def random_policy(mdp, seed, horizon=None):
    shape = (mdp.n_states,) if horizon is None else (horizon, mdp.n_states)
    return np.random.default_rng(seed).dirichlet(np.ones(mdp.n_actions), shape)
