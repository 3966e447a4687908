"""The laboratory in Python."""

import gymnasium
import numpy as np
import pytest
import traitlets
from example_worlds import MAZE

import safegrid as sg
from safegrid.figures.laboratory import LIMITS


def test_a_laboratory_is_the_package(crossroads):
    lab = sg.SafetyLab(
        n_episodes=80, seed=7, conservative_weight=3.0, reward_scale=1.0, n_steps=None, belief=20.0, own_dice=False
    )
    study = lab.study()
    assert study.env.desc == crossroads.desc
    assert study.log.n_episodes == 80
    again = sg.sample_episodes(crossroads.mdp, crossroads.behaviour_policy(0.22), 80, sg.portable_rng(7))
    assert (study.log.states == again.states).all()
    assert (study.q_values == sg.tabular_cql(again, crossroads.mdp, 3.0, reward_scale=1.0, belief=20.0)).all()
    assert (study.clone == sg.argmax_clone(again, crossroads.mdp)).all()


def test_drives_stay_the_same_where_they_still_can(crossroads):
    lab = sg.SafetyLab()
    before, driver = lab.study().log, crossroads.behaviour_policy(0.22)
    assert before == sg.sample_episodes(crossroads.mdp, driver, 500, sg.portable_rng(lab.seed), own_dice=True)
    lab.desc = [*lab.desc[:13], lab.desc[13][:1] + "H" + lab.desc[13][2:], lab.desc[14]]
    painted = lab.study().log
    near = [lab.study().env.state_of(cell) for cell in ((1, 13), (1, 12), (2, 13), (1, 14), (0, 13))]
    far = ~np.isin(np.arange(500), before.episode[np.isin(before.next_states, near)])
    assert 0 < (~far).sum() < 100
    for name in ("states", "actions", "rewards", "next_states"):
        assert (getattr(before, name)[far[before.episode]] == getattr(painted, name)[far[painted.episode]]).all()


def test_a_laboratory_begins_in_the_world_it_is_given():
    env = sg.SafetyCriticalGridWorld(size=5, slip_prob=0.2, goal_reward=7.0)
    lab = sg.SafetyLab(env, driver="expert")
    assert (lab.desc, lab.slip_prob, lab.goal_reward, lab.driver) == (list(env.desc), 0.2, 7.0, "expert")


def test_a_laboratory_may_stand_in_a_maze_that_is_no_square():
    study = sg.SafetyLab(desc=list(MAZE), conservative_weight=0.0).study()
    assert study.env.desc == MAZE
    assert study.env.mdp.evaluate(study.policy).goal_rate > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 2.0}, "epsilon is 2.0, expected a number in 0…1"),
        ({"epsilon": np.nan}, "epsilon is nan"),
        ({"n_episodes": 0}, "n_episodes is 0, expected a number in 1…2000"),
        ({"n_steps": 10**6}, "n_steps is 1000000, expected a number in 1…5000"),
        ({"driver": "drunk"}, "driver"),
        ({"own_dice": "no"}, "own_dice"),
        ({"belief": 1e4}, "belief is 10000.0, expected a number in -1000…1000"),
        ({"reward_scale": 0.0}, "reward_scale is 0.0, expected a number in 0.001…10"),
        ({"desc": ["S" + "F" * 20, "G" + "F" * 20]}, "desc has 21 columns, expected 2…20"),
        ({"desc": ["S" + "F" * 20] + ["F" * 21] * 19 + ["F" * 20 + "G"]}, "desc has 21 rows, expected 2…20"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings, message):
    with pytest.raises(traitlets.TraitError, match=message):
        sg.SafetyLab(**settings)


def test_an_unknown_setting_and_a_broken_map_are_named():
    with pytest.raises(TypeError, match="unknown setting 'weight', expected one of desc"):
        sg.SafetyLab(weight=1.0)
    with pytest.raises(ValueError, match="desc row 0 is 'SX': unknown letter 'X'"):
        sg.SafetyLab(desc=["SX", "FG"])


def test_every_limit_belongs_to_a_setting():
    assert {name for name in LIMITS if name != "size"} <= set(sg.SafetyLab.class_trait_names())


def test_a_world_that_the_page_would_not_compute_is_refused():
    for strange in (gymnasium.make("FrozenLake-v1"), gymnasium.wrappers.TimeLimit(sg.SafetyCriticalGridWorld(), 9)):
        with pytest.raises(ValueError, match="expected a SafetyCriticalGridWorld, and no wrapper that changes it"):
            sg.SafetyLab(strange)
