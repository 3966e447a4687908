"""Small logs that several tests look at, and what it means that two are the same."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from safegrid.dataset import Episodes, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld

COLUMNS = [f.name for f in dataclasses.fields(Episodes) if f.name != "n_actions"]


def same(a, b):
    return a.n_actions == b.n_actions and all(np.array_equal(getattr(a, c), getattr(b, c)) for c in COLUMNS)


def short_log(seed=0, n=20):
    """With terminals and time-outs both."""
    env = SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)], max_steps=6)
    return generate_offline_episodes(env, n, 0.5, seed)


def columns(log, **changed):
    names = [name for name in COLUMNS if name != "episode"]
    return {name: np.array(getattr(log, name)) for name in names} | changed


@st.composite
def any_log(draw, timeouts=True):
    """Episodes of any lengths, observations and endings, of no world in particular."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    cut = [timeouts and draw(st.booleans()) for _ in lengths]
    d, n_actions = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    n, ends = sum(lengths), np.cumsum(lengths) - 1
    paths = [rng.normal(size=(length + 1, d)) for length in lengths]
    terminals, timed = np.zeros((2, n), bool)
    terminals[ends], timed[ends] = np.logical_not(cut), cut
    return Episodes.from_arrays(
        np.concatenate([p[:-1] for p in paths]), rng.integers(n_actions, size=n), rng.normal(size=n), terminals, timed,
        n_actions=n_actions, next_observations=np.concatenate([p[1:] for p in paths]), costs=rng.random(n),
        states=rng.integers(-1, 9, n), next_states=rng.integers(-1, 9, n),
    )  # fmt: skip
