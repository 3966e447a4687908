"""The members of a sweep begin as d3rlpy's do, and do not depend on those beside them."""

import numpy as np
from example_sweeps import QUIET, RECIPE, shard_of, weights_of

from safegrid.agents import trained_network
from safegrid.sweep.shards import first_states, newborn
from safegrid.sweep.training import train_sweep


def test_the_initial_weights_are_d3rlpys(log):
    settings = RECIPE | {"n_critics": 2}
    agent, _ = newborn("cql", settings, log, 3)
    shard = shard_of("cql", log, 6.0, agent, n_critics=2)
    state = first_states("cql", settings, [log], np.array([[3]]), 1, [shard])[0]
    stored = trained_network(agent).state_dict()
    assert np.array_equal(state.parameters[0][1], stored["1._encoder.layers.0.weight"].numpy())
    assert np.array_equal(state.parameters[5][0], stored["0._fc.bias"].numpy())


def test_a_member_does_not_depend_on_the_others(sweep, logs):
    alone = train_sweep(logs, [6], 2, 60, size=15, **QUIET)
    together, apart = (weights_of(s.agent(6, 2, 1)) for s in (sweep, alone))
    assert (together - apart).abs().max() < 1e-4
