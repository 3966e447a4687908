"""The best driver before a deadline, in Python."""

import gymnasium
import numpy as np
import pytest
import traitlets
from example_worlds import MAZE

import safegrid as sg


def test_it_begins_on_the_cliff_where_the_best_driver_climbs_and_the_fearless_one_does_not():
    figure = sg.BestDriver()
    mdp = sg.SafetyCriticalGridWorld(map_name="cliff").mdp
    best = mdp.optimal(1.0, horizon=80)
    assert (figure.policies()["best"] == best).all()
    scores = figure.scores()
    assert scores["best"] == mdp.evaluate(best)
    assert scores["fearless"].hazard_rate > 10 * scores["best"].hazard_rate


@pytest.mark.parametrize(
    ("settings", "rows_away"),
    [({"slip_prob": 0.002}, 0), ({}, 1), ({"slip_prob": 0.2}, 2), ({"hazard_reward": -1e6}, 3), ({"max_steps": 14}, 0)],
)
def test_slips_price_and_deadline_say_how_far_from_the_edge_the_best_driver_walks(settings, rows_away):
    figure = sg.BestDriver(**settings)
    mdp = sg.SafetyCriticalGridWorld(desc=figure.desc, **settings).mdp
    half_way = mdp.occupancy(figure.policies()["best"]).reshape(15, 15)[:, 7]
    assert half_way.argmax() == 13 - rows_away


def test_no_other_driver_earns_more_before_the_deadline():
    figure = sg.BestDriver(max_steps=14, slip_prob=0.2)
    env = sg.SafetyCriticalGridWorld(desc=figure.desc, max_steps=14, slip_prob=0.2)
    earned = figure.scores()["best"].return_mean
    rng = np.random.default_rng(0)
    others = [
        env.mdp.optimal(0.99),
        env.behaviour_policy(0.2),
        env.uniform_policy(),
        *rng.dirichlet([0.1] * 4, (20, 225)),
    ]
    assert earned >= figure.scores()["fearless"].return_mean
    assert max(env.mdp.evaluate(policy).return_mean for policy in others) <= earned


def test_any_world_of_ours_may_be_shown():
    figure = sg.BestDriver(sg.SafetyCriticalGridWorld(desc=MAZE, max_steps=30, hazard_reward=-7.0))
    assert (figure.desc, figure.max_steps, figure.hazard_reward) == (list(MAZE), 30, -7.0)
    assert figure.scores()["best"].goal_rate > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slip_prob": 1.5}, "slip_prob is 1.5, expected a number in 0…1"),
        ({"slip_prob": np.nan}, "slip_prob is nan"),
        ({"hazard_reward": -2e6}, "hazard_reward is -2000000.0, expected a number in -1e\\+06…1000"),
        ({"max_steps": 0}, "max_steps is 0, expected a number in 1…400"),
        ({"desc": ["S" + "F" * 20, "G" + "F" * 20]}, "desc has 21 columns, expected 2…20"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings, message):
    with pytest.raises(traitlets.TraitError, match=message):
        sg.BestDriver(**settings)


def test_an_unknown_setting_and_another_world_are_refused():
    with pytest.raises(TypeError, match="unknown setting 'price', expected one of desc"):
        sg.BestDriver(price=1.0)
    with pytest.raises(ValueError, match="expected a SafetyCriticalGridWorld, and no wrapper that changes it"):
        sg.BestDriver(gymnasium.make("FrozenLake-v1"))
