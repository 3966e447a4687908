"""What a log covers, in Python."""

import numpy as np
import pytest
import traitlets

import safegrid as sg
from safegrid.figures.coverage_map import CoverageMap


@pytest.fixture(scope="module")
def log(crossroads):
    return sg.generate_offline_episodes(crossroads, 60, seed=1)


@pytest.fixture
def figure(crossroads, log):
    return CoverageMap(log, crossroads.mdp, episodes=(20, 60), asked=(1, 3, 10), ask=1)


def test_its_policies_are_learnt_from_the_log_s_beginning_and_its_tries_are_counted_there(figure, crossroads, log):
    for i, n in enumerate((20, 60)):
        own = sg.select_episodes(log, np.arange(n))
        assert (figure.policies["CQL"][i] == sg.greedy(sg.tabular_cql(own, crossroads.mdp, 6.0))).all()
        assert (figure.policies["clone"][i] == sg.argmax_clone(own, crossroads.mdp)).all()
        tries, crashes = (np.reshape(figure.data[name], (2, -1))[i] for name in ("counts", "crashed"))
        assert (tries == sg.coverage(own, crossroads.mdp).counts.ravel()).all()
        assert crashes.sum() == own.costs.sum()
        assert (crashes <= tries).all()


def test_a_trip_is_thin_as_often_as_drives_meet_a_move_tried_too_seldom(figure, crossroads):
    for name, table in figure.thin.items():
        assert (np.diff(table, axis=1) >= -1e-9).all()  # the more is asked, the more trips fall short
        for size, of_size in enumerate(table):
            drives = crossroads.mdp.rollouts(figure.policies[name][size], 4_000, np.random.default_rng(0))
            tries = figure.counts[size][drives.states, drives.actions]
            for share, least in zip(of_size, figure.asked, strict=True):
                met = np.bincount(drives.episode, tries < least, minlength=4_000) > 0
                assert share == pytest.approx(met.mean(), abs=4 * np.sqrt(0.25 / 4_000))


def test_its_hazards_are_exact(figure, crossroads):
    for name, policies in figure.policies.items():
        exact = [crossroads.mdp.evaluate(policy).hazard_rate for policy in policies]
        assert figure.data["hazard"][name] == pytest.approx(exact, abs=1e-6)


def test_its_picture_leaves_thin_cells_bare(figure, crossroads):
    board, lines = figure.picture().axes[:2]
    assert "60 episodes: moves tried 3 times or more" in board.get_title()
    assert len(lines.lines) == 3
    (image, *_) = board.images or board.collections
    tries = (figure.policies["CQL"][1] * figure.counts[1]).sum(1)
    assert np.isfinite(image.get_array()).sum() <= (tries >= 3).sum()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 2}, "size is 2, expected a whole number in 0…1"),
        ({"ask": -1}, "ask is -1, expected a whole number in 0…2"),
        ({"learner": "SAC"}, "learner is 'SAC', expected one of CQL, clone"),
    ],
)
def test_a_setting_out_of_bounds_is_named(figure, settings, message):
    before = figure.size, figure.ask, figure.learner
    with pytest.raises(traitlets.TraitError, match=message):
        figure.set_trait(*next(iter(settings.items())))
    assert (figure.size, figure.ask, figure.learner) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"episodes": (20, 61)}, r"episodes is \[20, 61\], expected numbers in 1…60 that rise"),
        ({"episodes": ()}, r"episodes is \[\]"),
        ({"asked": (3, 3)}, r"asked is \[3, 3\], expected numbers in 1…"),
        ({"asked": (0, 3)}, r"asked is \[0, 3\]"),
        ({"learners": {}}, "learners is empty"),
    ],
)
def test_what_cannot_be_shown_is_refused(crossroads, log, given, message):
    with pytest.raises(ValueError, match=message):
        CoverageMap(log, crossroads.mdp, **{"episodes": (20, 60)} | given)
