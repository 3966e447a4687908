"""One state in balance, in Python."""

import numpy as np
import pytest
import traitlets

import safegrid as sg


@pytest.fixture
def balance(logs, crossroads):
    return sg.Balance(logs[0], crossroads.mdp, cell=16)


def test_without_a_hand_it_is_tabular_cql(balance, logs, crossroads):
    q = sg.tabular_cql(logs[0], crossroads.mdp, 6.0, reward_scale=0.1)
    np.testing.assert_allclose(balance.claims(), q, atol=1e-6)
    assert (balance.policy() == sg.greedy(q)).all()


def test_a_tried_action_s_claim_stands_the_push_above_its_target(balance, logs, crossroads):
    """α (1 − μ / β̂), of Kumar et al. 2020."""
    mdp, log = crossroads.mdp, logs[0]
    balance.reward_scale, balance.conservative_weight = 1.0, 3.0
    rows, q = balance.rows(), balance.claims()
    for action in np.flatnonzero(rows["log"]):
        taken = (log.states == balance.cell) & (log.actions == action)
        following = np.where(log.terminals[taken], 0.0, q.max(1)[log.next_states[taken]])
        target = (log.rewards[taken] + 0.99 * following).mean()
        assert rows["claims"][action] - target == pytest.approx(rows["push"][action], abs=1e-5)
    assert (rows["push"][rows["log"] == 0] == -np.inf).all()
    assert mdp.n_actions == len(rows["log"])


def test_a_step_can_be_counted_several_times_or_not_at_all(balance, logs, crossroads):
    before = sg.coverage(logs[0], crossroads.mdp).counts
    balance.times = [3, 1, 0, 1]
    after = sg.coverage(balance.episodes(), crossroads.mdp).counts
    assert (after[16] == before[16] * [3, 1, 0, 1]).all()
    assert (np.delete(after, 16, 0) == np.delete(before, 16, 0)).all()
    balance.conservative_weight = 0.0
    assert not balance.rows()["push"].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": 225}, "cell is 225, expected a state of 0…224 where somebody acts"),
        ({"cell": 3 * 15 + 7}, "where somebody acts"),
        ({"times": [1, 2, 3]}, "times is .1, 2, 3., expected four whole numbers in 0…1000"),
        ({"times": [1, 1, 1, -1]}, "expected four whole numbers"),
        ({"conservative_weight": -1.0}, "conservative_weight is -1.0, expected a number in 0…1000"),
        ({"reward_scale": 0.0}, "reward_scale is 0.0, expected a number in 0.001…10"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(logs, crossroads, settings, message):
    with pytest.raises(traitlets.TraitError, match=message):
        sg.Balance(logs[0], crossroads.mdp, **settings)
