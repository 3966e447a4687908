"""Scores agree with the truth, and a comparison has every agent, log and seed."""

from functools import partial

import numpy as np
import pytest

from safegrid.agents import create_discrete_bc, create_discrete_cql
from safegrid.answers import policy_table, q_table
from safegrid.dataset import generate_offline_episodes
from safegrid.evaluation import compare, score_agent


def test_the_exact_score_is_the_policys(agents, original):
    mdp = original.mdp
    for agent in agents.values():
        policy = policy_table(agent, mdp)
        score = score_agent(agent, mdp)
        assert score.exact == mdp.evaluate(policy)
        assert score.true_value == pytest.approx(mdp.values(policy, 0.99)[0][0])
        assert score.sampled is None


def test_claims_are_the_agents_own(agents, original):
    score = score_agent(agents["CQL"], original.mdp)
    assert score.claimed_value == pytest.approx(q_table(agents["CQL"], original.mdp)[0].max())
    assert score.overestimate == pytest.approx(score.claimed_value - score.true_value)
    assert np.isnan(score_agent(agents["BC"], original.mdp).claimed_value)


def test_a_test_drive_brackets_the_truth(agents, original):
    score = score_agent(agents["BC"], original.mdp, stochastic=True, n_episodes=3_000, seed=5)
    assert score.sampled.n_episodes == 3_000
    for name, (low, high) in score.sampled.intervals.items():
        assert low - (high - low) / 2 <= getattr(score.exact, name) <= high + (high - low) / 2


@pytest.fixture(scope="module")
def comparison(original):
    logs = [generate_offline_episodes(original, 60, seed=seed) for seed in range(2)]
    recipes = {"BC": create_discrete_bc, "CQL": partial(create_discrete_cql, conservative_weight=3.0)}
    known = {"optimum": original.mdp.optimal(0.99)}
    settings = {"network_seeds": (0, 1), "n_steps": 40, "references": known, "n_episodes": 20, "progress": False}
    return [compare(recipes, original.mdp, logs, n_jobs=n, **settings) for n in (1, 2)]


def test_a_comparison_does_not_depend_on_the_number_of_processes(comparison):
    one, two = comparison
    for name in one.scores:
        np.testing.assert_array_equal(one.values(name, "return_mean"), two.values(name, "return_mean"))


def test_a_comparison_has_every_agent_log_and_seed(comparison):
    table = comparison[0]
    assert list(table.scores) == ["BC", "BC (stochastic)", "CQL"]
    assert table.values("CQL", "overestimate").shape == (2, 2)
    assert (np.diff(table.values("CQL", "return_mean").ravel()) != 0).all()
    for name in ("optimum", "BC (stochastic)", "CQL"):
        assert name in str(table)
        assert name in table._repr_html_()
    assert "21.7" in str(table)


@pytest.mark.parametrize("empty", ["recipes", "logs", "network_seeds"])
def test_nothing_to_compare_is_an_error(empty, original, log):
    arguments = {"recipes": {"BC": create_discrete_bc}, "logs": [log], "network_seeds": (0,)}
    with pytest.raises(ValueError, match=f"{empty} is empty"):
        compare(mdp=original.mdp, **arguments | {empty: type(arguments[empty])()})
