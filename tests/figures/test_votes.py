"""What a board of votes carries into the page, and what it refuses."""

import numpy as np
import pytest
import traitlets

import safegrid as sg

NOISE = (0.0, 0.22)


@pytest.fixture(scope="module")
def ballots(crossroads):
    return {e: [sg.generate_offline_episodes(crossroads, 40, epsilon=e, seed=seed) for seed in range(3)] for e in NOISE}


@pytest.fixture(scope="module")
def drivers(crossroads):
    return {e: crossroads.behaviour_policy(e) for e in NOISE}


@pytest.fixture
def votes(ballots, drivers, crossroads):
    return sg.VoteBoard(ballots, crossroads.mdp, drivers)


def test_it_carries_every_count_and_the_exact_scores_of_both_clones(votes, ballots, drivers, crossroads):
    data, mdp = votes.data, crossroads.mdp
    counts = np.reshape(data["counts"], (2, 3, -1, 4))
    for i, epsilon in enumerate(NOISE):
        assert data["driver"][i] == pytest.approx(mdp.evaluate(drivers[epsilon]).hazard_rate, abs=1e-5)
        for k, log in enumerate(ballots[epsilon]):
            assert (counts[i, k] == sg.coverage(log, mdp).counts).all()
            clones = {"argmax": sg.argmax_clone(log, mdp), "sampled": sg.log_shares(log, mdp.n_states)}
            for way, policy in clones.items():
                score = mdp.evaluate(policy)
                assert data["scores"]["hazard_rate"][way][3 * i + k] == pytest.approx(score.hazard_rate, abs=1e-5)
                assert data["scores"]["return_mean"][way][3 * i + k] == pytest.approx(score.return_mean, abs=1e-5)


def test_python_knows_the_clones_that_are_shown(votes, ballots, crossroads):
    votes.index, votes.log = 1, 2
    log = ballots[0.22][2]
    assert (votes.policies()["argmax"] == sg.argmax_clone(log, crossroads.mdp)).all()
    assert (votes.policies()["sampled"] == sg.log_shares(log, crossroads.mdp.n_states)).all()


@pytest.mark.parametrize(("name", "value", "most"), [("index", 2, 1), ("log", -1, 2)])
def test_a_value_that_cannot_be_shown_is_named(votes, name, value, most):
    with pytest.raises(traitlets.TraitError, match=f"{name} is {value}, expected a whole number in 0…{most}"):
        setattr(votes, name, value)


def test_what_does_not_belong_together_is_refused(ballots, drivers, crossroads):
    with pytest.raises(ValueError, match=r"logs holds \[2, 3\] logs a share, expected as many for each"):
        sg.VoteBoard(ballots | {0.0: ballots[0.0][:2]}, crossroads.mdp, drivers)
    with pytest.raises(ValueError, match=r"drivers has the shares \[0.0\], expected \[0.0, 0.22\] as logs"):
        sg.VoteBoard(ballots, crossroads.mdp, {0.0: drivers[0.0]})
