"""What a side-by-side figure carries into the page, and what it refuses."""

import gzip
import json

import numpy as np
import pytest
import traitlets

import safegrid as sg


@pytest.fixture(scope="session")
def clones(logs, crossroads):
    return sg.train_clone_sweep(logs, n_steps=60, mdp=crossroads.mdp, n_jobs=1, progress=False)


@pytest.fixture
def known(crossroads):
    return {"optimum": crossroads.mdp.optimal(0.99), "driver": crossroads.behaviour_policy(0.22)}


@pytest.fixture
def side(sweep, clones, crossroads, known):
    return sg.SideBySide(sweep, crossroads.mdp, clones, known)


def test_it_carries_every_agent_of_the_first_network_and_its_exact_scores(side, sweep, clones, crossroads):
    data, mdp = json.loads(json.dumps(side.data, allow_nan=False)), crossroads.mdp
    live = ~mdp.terminal
    for k, (weight, log) in enumerate((w, n) for w in range(3) for n in range(2)):
        policy = np.eye(4)[[int(digit) for digit in data["policies"][k]]]
        assert (policy == sweep.policies[weight, log, 0])[live].all()
        score = mdp.evaluate(policy)
        for name in ("return_mean", "return_cvar", "hazard_rate", "timeout_rate"):
            assert data["scores"][name]["CQL"][k] == pytest.approx(getattr(score, name), abs=1e-5)
    assert data["scores"]["hazard_rate"]["BC"] == clones.scores("hazard_rate")[0, :, 0].round(6).tolist()
    assert data["scores"]["return_mean"]["optimum"] == pytest.approx(
        mdp.evaluate(mdp.optimal(0.99)).return_mean, abs=1e-5
    )
    assert len(gzip.compress(json.dumps(data).encode())) < 20_000


def test_python_knows_who_is_on_the_boards(side, sweep, clones, known):
    side.left, side.right, side.index, side.log = "double DQN", "CQL", 1, 1
    assert side.weight == 6.0
    shown = side.policies()
    assert (shown["double DQN"] == sweep.policies[0, 1, 0]).all()
    assert (shown["CQL"] == sweep.policies[1, 1, 0]).all()
    side.left, side.right = "BC", "driver"
    assert (side.policies()["BC"] == clones.policies[0, 1, 0]).all()
    assert (side.policies()["driver"] == known["driver"]).all()


def test_three_logs_are_drawn_by_a_seed_and_all_without_one(sweep, crossroads, known):
    logs = [sg.generate_offline_episodes(crossroads, 5, seed=seed) for seed in range(10)]
    ten = sg.train_sweep(logs, (0.0, 6.0), n_steps=2, mdp=crossroads.mdp, n_jobs=1, progress=False, hidden_units=(8,))
    clones = sg.train_clone_sweep(logs, n_steps=2, mdp=crossroads.mdp, n_jobs=1, progress=False, hidden_units=(8,))
    side = sg.SideBySide(ten, crossroads.mdp, clones, known)
    assert side.shown_logs == list(range(10))
    drawn = []
    for side.draw in range(1, 40):
        assert len(set(side.shown_logs)) == 3
        drawn += side.shown_logs
    assert set(drawn) == set(range(10))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("index", 3, "index is 3, expected a whole number in 0…2"),
        ("log", -1, "log is -1, expected a whole number in 0…1"),
        ("draw", 10_001, "draw is 10001, expected a whole number in 0…10000"),
        ("left", "nobody", "left"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(side, name, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(side, name, value)


def test_what_does_not_belong_together_is_refused(sweep, clones, logs, crossroads, known):
    mdp = crossroads.mdp
    with pytest.raises(ValueError, match="known holds optimum, expected optimum and driver"):
        sg.SideBySide(sweep, mdp, clones, {"optimum": known["optimum"]})
    one = sg.train_clone_sweep(logs[0], n_steps=5, mdp=mdp, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match="clones are of 1 logs, expected 2 as the sweep"):
        sg.SideBySide(sweep, mdp, one, known)
    late = sg.train_sweep(logs, (1.0, 6.0), n_steps=5, mdp=mdp, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match=r"sweep.weights begin at 1, expected 0, which is double DQN"):
        sg.SideBySide(late, mdp, clones, known)
    with pytest.raises(ValueError, match="driver"):
        sg.SideBySide(sweep, mdp, clones, known | {"driver": np.ones((225, 4))})
