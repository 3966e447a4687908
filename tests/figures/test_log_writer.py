"""A log that is written by hand, in Python."""

import numpy as np
import pytest
import traitlets
from example_worlds import MAZE

import safegrid as sg


def test_a_hand_s_drives_are_the_world_s_by_one_throw_a_step(crossroads):
    writer = sg.LogWriter(drives="1" * 20 + "0" * 40, seed=5)
    log, mdp, rng = writer.episodes(), crossroads.mdp, sg.portable_rng(5)
    state, rows = 0, []
    for action in map(int, writer.drives):
        chances = mdp.probabilities[state, action].cumsum()
        after = mdp.successors[state, action, (rng.random() * chances[-1] >= chances).sum()]
        rows.append((state, action, after))
        state = 0 if mdp.terminal[after] else after
    rows = rows[: len(log)]
    assert [tuple(map(int, row)) for row in zip(log.states, log.actions, log.next_states, strict=True)] == rows
    assert log.terminals.sum() == log.n_episodes > 0
    assert (log.costs == mdp.hazard[log.next_states]).all()


def test_what_is_not_finished_is_not_in_the_log():
    writer = sg.LogWriter(drives="111")
    assert writer.episodes() is None
    assert (writer.policy(None) == 0.25).all()
    writer.others = 7
    assert writer.episodes().n_episodes == 7


def test_time_runs_out_for_a_hand_too():
    env = sg.SafetyCriticalGridWorld(desc=MAZE, max_steps=4, slip_prob=0.0)
    log = sg.LogWriter(env, drives="22222").episodes()
    assert (len(log), log.timeouts.sum(), log.terminals.sum()) == (4, 1, 0)


def test_others_add_theirs_an_expert_s_share_among_them(crossroads):
    writer = sg.LogWriter(others=10, expert_share=0.25, epsilon=0.1, seed=3)
    log = writer.episodes()
    careless = sg.sample_episodes(crossroads.mdp, crossroads.behaviour_policy(0.1), 7, sg.portable_rng(4))
    expert = sg.sample_episodes(crossroads.mdp, crossroads.expert_policy(0.1), 3, sg.portable_rng(5))
    assert log == sg.Episodes.concatenate([careless, expert])
    assert (writer.policy(log) == sg.argmax_clone(log, crossroads.mdp)).all()
    writer.learner = "CQL"
    assert (writer.policy(log) == sg.greedy(sg.tabular_cql(log, crossroads.mdp, 6.0, reward_scale=1.0))).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"drives": "0124"}, "drives is '0124', expected at most 3000 digits of 0…3"),
        ({"drives": "0" * 3001}, "expected at most 3000 digits"),
        ({"others": 1001}, "others is 1001, expected a number in 0…1000"),
        ({"epsilon": np.nan}, "epsilon is nan"),
        ({"expert_share": -0.1}, "expert_share is -0.1"),
        ({"learner": "nobody"}, "learner"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings, message):
    with pytest.raises(traitlets.TraitError, match=message):
        sg.LogWriter(**settings)


def test_an_unknown_setting_is_named():
    with pytest.raises(TypeError, match="unknown setting 'weight', expected drives, others"):
        sg.LogWriter(weight=1.0)
