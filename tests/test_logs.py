"""The logs of a sweep fit each other and their world, and what they visit are its states."""

from dataclasses import replace

import numpy as np
import pytest
from example_sweeps import QUIET, same_sweep

from safegrid.dataset import Episodes, generate_offline_episodes
from safegrid.sweep.training import train_sweep


def test_without_a_world_the_logs_own_observations_are_the_states(logs, original):
    blind = train_sweep(logs[0], [6], 1, 40, size=15, **QUIET)
    sighted = train_sweep(logs[0], [6], 1, 40, mdp=original.mdp, **QUIET)
    seen = [original.state_of(observation) for observation in blind.observations.astype(int)]
    assert len(blind.observations) < 225
    assert np.allclose(blind.q_values[0, 0, 0], sighted.q_values[0, 0, 0][seen], atol=1e-5)
    assert not blind.history
    assert "1 networks" in str(blind)
    with pytest.raises(ValueError, match="without mdp"):
        blind.scores("return_mean")


def test_what_follows_a_terminal_need_not_be_known(logs, original):
    log = logs[0]
    untold = Episodes.from_arrays(log.observations, log.actions, log.rewards, log.terminals, log.timeouts, n_actions=4)
    assert not untold.next_observations[untold.terminals].any()
    sweeps = (train_sweep(x, [6], 1, 20, mdp=original.mdp, **QUIET) for x in (log, untold))
    assert same_sweep(*sweeps)
    train_sweep([untold, logs[1]], [6], 1, 5, **QUIET)


def test_logs_of_different_worlds_are_refused(logs, original, crossroads):
    other = generate_offline_episodes(crossroads, 60, seed=0)
    with pytest.raises(ValueError, match=r"logs\[1\] in row \d+ goes from .* in this mdp that cannot happen"):
        train_sweep([logs[0], other], [6], 1, 5, mdp=original.mdp, **QUIET)
    with pytest.raises(ValueError, match="expected logs of one world"):
        train_sweep([logs[0], other], [6], 1, 5, **QUIET)
    with pytest.raises(ValueError, match=r"logs\[1\] has n_actions 5, expected 4 as logs\[0\]"):
        train_sweep([logs[0], replace(logs[1], n_actions=5)], [6], 1, 5, **QUIET)
    line = Episodes.from_arrays([0, 1], [0, 1], [-1, 50], [False, True], n_actions=4)
    with pytest.raises(ValueError, match=r"logs\[0\] has observations of length 1, expected 2 as the mdp"):
        train_sweep(line, [6], 1, 5, mdp=original.mdp, **QUIET)
