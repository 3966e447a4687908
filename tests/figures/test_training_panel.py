"""Training again from a page."""

import numpy as np
import pytest

import safegrid as sg


def test_training_again_shows_the_new_agent(explorer, logs, crossroads):
    panel = sg.train_button(explorer, n_steps=20)
    *_, button = panel.children[1].children
    before = explorer.data
    button.click()
    agent = sg.create_discrete_cql(conservative_weight=6.0)
    sg.fit(agent, sg.build_mdpdataset(logs[0]), 20, seed=0, progress=False)
    score = crossroads.mdp.evaluate(sg.policy_table(agent, crossroads.mdp))
    cube = np.array(explorer.data["scores"]["return_mean"]).reshape(3, 2, 2)
    assert cube[1, 0, 0] == pytest.approx(score.return_mean)
    changed = np.array(before["scores"]["return_mean"]).reshape(cube.shape) != cube
    assert changed.sum() <= 1
    shown = np.array(explorer.data["q_values"]).reshape(3, 2, 2, -1, 4)[1, 0, 0] * explorer.data["q_unit"]
    live = ~crossroads.mdp.terminal
    assert np.abs(shown - sg.q_table(agent, crossroads.mdp))[live].max() <= explorer.data["q_unit"] / 2 + 1e-6
    assert not button.disabled
    assert explorer.agent is not explorer.sweep.agent(6.0)
    assert (sg.q_table(explorer.agent, crossroads.mdp) == sg.q_table(agent, crossroads.mdp)).all()
    explorer.log = 1
    assert np.allclose(
        sg.q_table(explorer.agent, crossroads.mdp)[live], explorer.sweep.q_values[1, 1, 0][live], atol=1e-4
    )


def test_training_the_whole_sweep_again_replaces_it(explorer):
    panel = sg.train_button(explorer, n_steps=10, reward_scale=0.05)
    what, (_, scale, button) = panel.children[0], panel.children[1].children
    what.index = 1
    button.click()
    assert explorer.sweep.settings["n_steps"] == 10
    assert explorer.sweep.settings["reward_scale"] == scale.value == 0.05
    assert explorer.sweep.q_values.shape[:3] == (3, 2, 2)
