"""What a training player carries into the page, and how Python reads it."""

import gzip
import json

import numpy as np
import pytest
import traitlets

import safegrid as sg
from safegrid.figures.training_player import TABLE_STOPS


@pytest.fixture(scope="module")
def recorded(logs, crossroads):
    seen = {}
    sg.train_sweep(
        logs[0], [0.0], n_steps=60, mdp=crossroads.mdp, score_interval=20, n_jobs=1, progress=False,
        watch=lambda step, average, last: seen.update({step: average[0, 0, 0].copy()}),
    )  # fmt: skip
    return seen


@pytest.fixture
def player(logs, crossroads, recorded):
    return sg.TrainingPlayer(logs[0], crossroads.mdp, network=recorded)


def test_it_carries_what_the_log_counted_and_what_was_recorded(player, logs, recorded, crossroads):
    data, mdp, log = json.loads(json.dumps(player.data, allow_nan=False)), crossroads.mdp, logs[0]
    pair = 4 * log.states + log.actions
    counts = np.bincount(pair, minlength=900)
    assert (np.array(data["counts"]) == counts).all()
    mean = np.bincount(pair, log.rewards, minlength=900)[counts > 0] / counts[counts > 0]
    assert np.array(data["rewards"])[counts > 0] == pytest.approx(mean, abs=1e-5)
    first, followers = data["first"], np.array(data["followers"])
    for p in np.flatnonzero(counts)[::37]:
        rows = (pair == p) & ~log.terminals
        assert set(followers[first[p] : first[p + 1]]) == set(log.next_states[rows])
        assert sum(data["chances"][first[p] : first[p + 1]]) == pytest.approx(rows.sum() / counts[p])
    live = ~mdp.terminal
    q = data["network"]["q_unit"] * np.reshape(data["network"]["q_values"], (3, 225, 4))
    assert data["network"]["steps"] == [20, 40, 60]
    assert np.abs(q - np.array(list(recorded.values())))[:, live].max() <= 0.0251
    assert data["best_value"] == pytest.approx(mdp.start @ mdp.values(mdp.optimal(0.99), 0.99)[0])
    assert len(gzip.compress(json.dumps(data).encode())) < 40_000


def test_python_gives_what_the_page_shows(player, logs, crossroads, recorded):
    mdp = crossroads.mdp
    player.stop, player.belief, player.conservative_weight = TABLE_STOPS.index(50), 20.0, 2.0
    assert player.step == 50
    q = sg.tabular_cql(logs[0], mdp, 2.0, reward_scale=1.0, n_steps=50, belief=20.0)
    assert (player.claims() == q).all()
    assert player.score() == mdp.evaluate(sg.greedy(q))
    player.who, player.stop = "network", 2
    assert player.step == 60
    assert (player.claims() == recorded[60]).all()
    assert (player.policy().argmax(1) == recorded[60].argmax(1)).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("stop", 12, "stop is 12, expected a whole number in 0…11"),
        ("conservative_weight", -1.0, "conservative_weight is -1.0, expected a number in 0…1000"),
        ("belief", np.nan, "belief is nan, expected a number in -1000…1000"),
        ("who", "nobody", "who"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(player, name, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(player, name, value)


def test_without_a_network_there_is_only_the_table(logs, crossroads, original):
    bare = sg.TrainingPlayer(logs[0], crossroads.mdp)
    assert bare.data["network"] is None
    with pytest.raises(traitlets.TraitError, match="who is 'network', but none was recorded"):
        bare.who = "network"
    with pytest.raises(ValueError, match=r"network\[5\] has shape \(3, 4\), expected finite claims"):
        sg.TrainingPlayer(logs[0], crossroads.mdp, network={5: np.ones((3, 4))})
    with pytest.raises(ValueError, match="gamma"):
        sg.TrainingPlayer(logs[0], crossroads.mdp, gamma=1.5)
