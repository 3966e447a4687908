"""A recipe in a log's own units, and what its rewards allow."""

from dataclasses import replace

import numpy as np
import pytest

from safegrid.agents import DEFAULT_STEPS, create_discrete_bc, create_discrete_cql
from safegrid.dataset import Episodes, generate_offline_episodes, sample_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.recipe import largest_value, propose_recipe
from safegrid.sweep.training import DEFAULT_WEIGHTS, train_clone_sweep, train_sweep

QUIET = {"progress": False, "n_jobs": 1}


def in_units(log, factor):
    """The same log paid in another currency."""
    return replace(log, rewards=log.rewards * np.float32(factor))


def numbers(observations):
    """A log of one episode that sees these."""
    n = len(observations)
    return Episodes.from_arrays(observations, np.zeros(n, int), np.ones(n), np.arange(n) == n - 1, n_actions=2)


@pytest.fixture(scope="module")
def elsewhere():
    return SafetyCriticalGridWorld(desc=["SFFHF", "FHFFF", "FFFFG"], max_steps=20)


@pytest.mark.parametrize("name", MAPS)
def test_on_this_books_maps_it_is_this_books_recipe(name):
    env = SafetyCriticalGridWorld(map_name=name)
    recipe = propose_recipe(generate_offline_episodes(env, 20, seed=0), env.mdp)
    assert recipe.settings == {
        "conservative_weight": 6.0, "reward_scale": 0.1, "size": 15, "cells": False, "ranges": None
    }  # fmt: skip
    assert recipe.n_steps == DEFAULT_STEPS


@pytest.mark.parametrize("factor", [0.01, 0.5, 1_000.0])
def test_weight_and_scale_are_in_the_units_of_the_rewards(factor, elsewhere):
    log = generate_offline_episodes(elsewhere, 100, seed=0)
    recipe, other = propose_recipe(log), propose_recipe(in_units(log, factor))
    assert other.conservative_weight == pytest.approx(6.0 * factor)
    assert other.reward_scale * factor == pytest.approx(0.1)
    assert recipe.features == other.features


def test_a_world_in_other_units_is_learned_as_well(elsewhere):
    log, factor = generate_offline_episodes(elsewhere, 100, seed=0), 2.0**-7
    cheap = replace(elsewhere.mdp, rewards=elsewhere.mdp.rewards * factor)
    raw, scaled = (
        train_sweep(x, n_steps=300, mdp=mdp, **QUIET)
        for x, mdp in ((log, elsewhere.mdp), (in_units(log, factor), cheap))
    )
    np.testing.assert_array_equal(scaled.weights, raw.weights * factor)
    np.testing.assert_allclose(scaled.q_values, raw.q_values * factor, rtol=1e-4, atol=1e-4 * factor)


def test_rewards_the_log_never_met_count_where_the_world_is_known(elsewhere):
    policy = np.eye(4)[np.where(elsewhere.mdp.observations[:, 1] < 2, 0, 1)]  # down, then right
    safe = sample_episodes(elsewhere.mdp, policy, 5, 0)
    assert safe.rewards.min() > -100
    assert propose_recipe(safe).largest_reward == 50
    assert propose_recipe(safe, elsewhere.mdp).largest_reward == 100


@pytest.mark.parametrize(
    ("observations", "features"),
    [
        (np.repeat([[0, 1], [2, 0]], 5, 0), {"size": 3, "cells": True, "ranges": None}),
        ([[0, 1], [2, 0]], {"size": 3, "cells": False, "ranges": None}),
        ([[0, 99], [2, 0]], {"size": 100, "cells": False, "ranges": None}),
        ([[0, 9_999], [2, 0]], {"size": None, "cells": False, "ranges": ((0, 2), (0, 9_999))}),
        ([[0.5, -1], [2, 0]], {"size": None, "cells": False, "ranges": ((0.5, 2), (-1, 0))}),
        ([[0.5, 7], [2, 7]], {"size": None, "cells": False, "ranges": ((0.5, 2), (6, 8))}),
        (np.zeros((3, 1)), {"size": 1, "cells": True, "ranges": None}),
    ],
)
def test_features_are_what_the_observations_are(observations, features):
    recipe = propose_recipe(numbers(np.asarray(observations, float)))
    assert recipe.features == features


def test_a_log_that_knows_what_follows_its_end_counts_it():
    log = Episodes.from_arrays(
        [[0.0], [1.0]], [0, 1], [0.0, 1.0], [False, True], n_actions=2, next_observations=[[1.0], [15.0]]
    )
    assert propose_recipe(log).size == 16


def test_every_setting_has_its_reason(elsewhere):
    log = generate_offline_episodes(elsewhere, 20, seed=0)
    for recipe in (propose_recipe(log), propose_recipe(numbers(np.array([[0.5], [1.0]])))):
        settings = recipe.settings | {"n_steps": recipe.n_steps}
        assert set(recipe.reasons) == {name for name, value in settings.items() if value not in (None, False)}
        assert all(name in str(recipe) for name in recipe.reasons)
        create_discrete_cql(**recipe.settings)
        create_discrete_bc(**recipe.features)


def test_without_a_reward_there_is_nothing_to_scale():
    recipe = propose_recipe(in_units(numbers(np.arange(3.0)[:, None]), 0.0))
    assert recipe.reward_scale == 10.0
    assert "all are 0" in recipe.reasons["conservative_weight"]


def test_no_log_is_refused():
    with pytest.raises(ValueError, match="logs is empty"):
        propose_recipe([])


def test_sweeps_take_the_proposal_and_say_so(elsewhere):
    log = in_units(generate_offline_episodes(elsewhere, 20, seed=0), 0.01)
    cheap = replace(elsewhere.mdp, rewards=elsewhere.mdp.rewards * 0.01)
    sweep = train_sweep(log, n_steps=2, mdp=cheap, **QUIET)
    np.testing.assert_allclose(sweep.weights, np.array(DEFAULT_WEIGHTS) / 100, rtol=1e-6)
    told = {"reward_scale": pytest.approx(10.0), "size": 5, "cells": True, "ranges": None}
    assert {name: sweep.settings[name] for name in told} == told
    clones = train_clone_sweep(log, n_steps=2, mdp=cheap, **QUIET)
    assert (clones.settings["size"], clones.settings["cells"]) == (5, True)


def test_a_proposal_is_not_half_overruled(elsewhere):
    log = generate_offline_episodes(elsewhere, 5, seed=0)
    for settings in ({"cells": True}, {"ranges": [(0, 4), (0, 2)]}):
        with pytest.raises(ValueError, match="size is 'auto', expected a size with cells, and size=None with ranges"):
            train_sweep(log, **settings, **QUIET)


@pytest.mark.parametrize(
    ("rewards", "terminal", "gamma", "limit"),
    [
        ([0, 0, 1], True, 0.95, 1.0),
        ([-1, -1, 50], True, 0.99, 50.0),
        ([-1, -1, -100], True, 0.99, -100.0),
        ([1, 0, 0], True, 0.9, 10.0),
        ([1, 1, 1], False, 0.99, 100.0),
        ([1, 1, 1], False, 1.0, np.inf),
        ([-1, -2, 5], True, 1.0, 5.0),
    ],
)
def test_no_policy_is_worth_more_than_its_rewards_allow(rewards, terminal, gamma, limit):
    ends = np.array([False, False, True])
    log = Episodes.from_arrays(
        np.arange(3.0), np.zeros(3, int), rewards, ends & terminal, ends & (not terminal), n_actions=1,
        next_observations=np.arange(1.0, 4.0),
    )  # fmt: skip
    assert largest_value(log, gamma) == pytest.approx(limit)


@pytest.mark.parametrize("name", MAPS)
def test_an_optimum_stays_below_the_largest_value(name):
    mdp = SafetyCriticalGridWorld(map_name=name).mdp
    assert mdp.values(mdp.optimal(0.99), 0.99)[0].max() <= largest_value(mdp, 0.99) == 50


def test_a_log_that_is_not_the_worlds_is_refused(elsewhere):
    log = generate_offline_episodes(elsewhere, 20, seed=0)
    with pytest.raises(ValueError, match=r"logs\[0\] in row 0 goes from .* in this mdp that cannot happen"):
        propose_recipe(in_units(log, 100.0), elsewhere.mdp)
    with pytest.raises(ValueError, match="mdp is a SafetyCriticalGridWorld, expected a TabularMDP"):
        propose_recipe(log, elsewhere)
    with pytest.raises(ValueError, match=r"logs\[1\] is a str"):
        propose_recipe([log, "x"])
    with pytest.raises(ValueError, match="logs is empty"):
        largest_value([])


def test_a_map_of_this_book_with_a_wall_is_another():
    desc = [row.replace("F", "W", 1) if y == 3 else row for y, row in enumerate(MAPS["original"])]
    env = SafetyCriticalGridWorld(desc=desc)
    assert propose_recipe(generate_offline_episodes(env, 60, seed=0), env.mdp).cells


def test_numbers_that_never_change_have_a_range_that_a_factory_takes():
    log = numbers(np.array([[2.0**60, 0.5], [2.0**60, 0.75]]))
    create_discrete_cql(**propose_recipe(log).settings)
