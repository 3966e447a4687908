"""Scores agree with the truth, and a comparison has every agent, log and seed."""

import time
from dataclasses import replace
from functools import partial

import joblib
import numpy as np
import pytest

from safegrid.agents import create_discrete_bc, create_discrete_cql, create_double_dqn, fit
from safegrid.answers import policy_table, q_table
from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.evaluation import AgentScore, Comparison, compare, score_agent, told_dreams
from safegrid.figures.comparisons import plot_comparison, plot_profiles
from safegrid.mdpdataset import d3rlpy
from safegrid.recipe import propose_recipe
from safegrid.scores import PolicyScore


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


def test_a_run_that_diverged_is_named_and_counts_as_lost(original, logs):
    made = iter([1e-3, 1e30] + [1e-3] * 14)
    settings = {"network_seeds": (0, 1), "n_steps": 60, "progress": False}
    recipes = {"BC": lambda: create_discrete_bc(learning_rate=next(made)),
               "DQN": lambda: create_double_dqn(learning_rate=1e30)}  # fmt: skip
    with pytest.warns(RuntimeWarning, match="diverged, and counted as the worst") as told:
        table = compare(recipes, original.mdp, logs, **settings)
    assert len(told) == 1
    named = [f"BC{kind} on log 0 with network seed 1" for kind in ("", " (stochastic)")]
    named += [f"DQN on log {i} with network seed {k}" for i in range(3) for k in range(2)]
    assert str(told[0].message).split(": ")[1].split("; ") == named
    lost = np.array([[False, True], [False, False], [False, False]])
    assert (np.isneginf(table.values("BC", "return_mean")) == lost).all()
    assert (table.values("BC", "hazard_rate")[lost] == 1).all()
    assert np.isnan([table.scores["BC"][0][1].exact.return_mean, table.scores["BC"][0][1].true_value]).all()
    row = {row[0]: row[1:] for row in table.rows()}
    sound = np.sort(table.values("BC", "return_mean").ravel())[1:]
    assert row["BC"][0] == "6 (1 diverged)"
    assert row["BC"][1].startswith(f"{np.mean(sound[:4]):.1f} [")
    assert row["BC"][1].split(" ")[1].startswith("[-inf") or float(row["BC"][1].split("[")[1].split(",")[0]) < sound[0]
    assert row["BC"][2] == "diverged"
    assert row["DQN"][:3] == ["6 (6 diverged)", "-inf [-inf, -inf]", "diverged"]
    assert row["DQN"][3].startswith("100.0%")
    assert row["DQN"][4] == ""
    plot_comparison(table)
    plot_profiles(table)


def test_a_comparison_in_threads_is_the_same(original, logs, monkeypatch):
    build = d3rlpy.algos.DoubleDQN.build_with_dataset

    def build_late(agent, dataset):
        time.sleep(0.02)  # time for another thread to seed
        build(agent, dataset)

    monkeypatch.setattr(d3rlpy.algos.DoubleDQN, "build_with_dataset", build_late)

    def claims(backend):
        with joblib.parallel_config(backend, n_jobs=4):
            both = compare({"DQN": create_double_dqn}, original.mdp, logs, network_seeds=(0, 1), n_steps=9, n_jobs=4,
                           progress=False)  # fmt: skip
        return both.values("DQN", "claimed_value")

    np.testing.assert_array_equal(claims("threading"), claims("sequential"))


@pytest.mark.parametrize(("name", "settings"), [("DiscreteBCQ", {"action_flexibility": 0.99}), ("DiscreteSAC", {})])
def test_a_claim_is_that_of_the_action_taken(name, settings, log, original):
    agent = getattr(d3rlpy.algos, f"{name}Config")(batch_size=32, **settings).create()
    fit(agent, log, 20, progress=False)
    policy, q = policy_table(agent, original.mdp), q_table(agent, original.mdp)
    assert (q.argmax(1) != policy.argmax(1)).any()
    start = replace(
        original.mdp, start=np.eye(225)[np.argmax((q.argmax(1) != policy.argmax(1)) & ~original.mdp.terminal)]
    )
    assert score_agent(agent, start).claimed_value == pytest.approx(start.start @ (policy * q).sum(1))


def small(income, hazard=0.2, intervals=None):
    sampled = None if intervals is None else PolicyScore(income, 0.1, hazard, 0.8, 0.0, 9.0, 0.0, 1, intervals)
    return AgentScore(PolicyScore(income, 0.1, hazard, 0.8, 0.0, 9.0, 0.0), sampled, income + 0.03, income)


def test_returns_between_0_and_1_are_told_apart_in_a_table():
    logs = {"A": [[small(x)] for x in (0.121, 0.123, 0.126)], "B": [[small(x)] for x in (0.114, 0.119, 0.118)]}
    (name, _, best, *_), a, b = Comparison(logs, {"best": small(0.884).exact}).rows()
    assert (name, best) == ("best", "0.88")
    assert (a[2], a[3]) == ("0.123 [0.121, 0.126]", "0.121")
    assert b[2].startswith("0.117 [")
    assert a[5] == "0.030 [0.030, 0.030]"


def test_one_log_and_one_test_drive_print_no_interval():
    table = Comparison({"A": [[small(0.12), small(0.14)]], "B": [[small(0.15)]]}, {})
    assert [row[2:5] for row in table.rows()] == [["0.13", "0.12", "20.0%"], ["0.15", "0.15", "20.0%"]]
    alone = str(small(0.12, intervals={"return_mean": (-np.inf, np.inf)}))
    assert "sampled" in alone
    for nothing in ("nan", "inf", " ["):
        assert nothing not in str(table) + alone.split("\n", 1)[1]


@pytest.fixture(scope="module")
def cents():
    """A small world that pays 1 for the goal: no policy is worth more."""
    world = SafetyCriticalGridWorld(size=4, max_steps=12, step_reward=0.0, hazard_reward=0.0, goal_reward=1.0)
    return world.mdp, [generate_offline_episodes(world, 40, seed=seed) for seed in range(2)]


def test_agents_are_compared_in_the_units_of_their_world(cents):
    mdp, logs = cents
    table = compare("auto", mdp, logs, n_steps=5, progress=False)
    assert list(table.scores) == ["BC", "BC (stochastic)", "CQL"]
    proposed = propose_recipe(logs, mdp)
    recipes = {"CQL": partial(create_discrete_cql, **proposed.settings)}
    np.testing.assert_array_equal(
        compare(recipes, mdp, logs, n_steps=5, progress=False).values("CQL", "claimed_value"),
        table.values("CQL", "claimed_value"),
    )


def test_a_claim_above_what_the_rewards_allow_is_named(cents):
    mdp, logs = cents
    strange = {"units of another world": partial(create_discrete_cql, conservative_weight=6.0, size=4)}
    modest = {"its own": partial(create_discrete_cql, **propose_recipe(logs, mdp).settings)}
    table = compare(strange | modest, mdp, logs, n_steps=600, progress=False)
    assert (table.values("units of another world", "claimed_value") > 1).all()
    note = "Claims above the most that these rewards allow: units of another world (2 of 2 runs above 1)."
    assert " ".join(str(table).split()).endswith(note)
    assert table._repr_html_().endswith(f"<p>{note}</p>")
    assert "95% intervals over logs" in " ".join(str(table).split())
    assert max(map(len, str(table).splitlines()[-4:])) <= 84
    (score, *_), *_ = table.scores["units of another world"]
    assert "the most its rewards allow" in str(score)
    assert "the most its rewards allow" not in str(table.scores["its own"][0][0])


def test_a_world_without_a_horizon_is_refused_before_any_training(cents):
    mdp, logs = cents
    for world, message in ((None, "mdp is a NoneType"), (replace(mdp, horizon=None), "mdp has no horizon")):
        with pytest.raises(ValueError, match=message):
            compare("auto", world, logs, n_steps=1, progress=False)
    agent = create_discrete_bc(size=4)
    fit(agent, logs[0], 1, progress=False)
    with pytest.raises(ValueError, match="mdp has no horizon, expected one"):
        score_agent(agent, replace(mdp, horizon=None))


def test_one_log_is_compared_as_a_list_of_one(cents):
    mdp, logs = cents
    one, listed = (compare("auto", mdp, given, n_steps=2, progress=False) for given in (logs[0], logs[:1]))
    assert one == listed


def test_logs_of_another_world_are_refused_by_row(cents):
    mdp, logs = cents
    with pytest.raises(ValueError, match=r"logs\[0\] in row \d+ goes from .* in this mdp that cannot happen"):
        compare("auto", mdp, replace(logs[0], rewards=logs[0].rewards * 100), n_steps=1, progress=False)


def test_recipes_that_compare_cannot_tell_apart_are_refused(cents):
    mdp, logs = cents
    clone = partial(create_discrete_bc, size=4)
    with pytest.raises(ValueError, match=r"recipes has both 'a' and 'a \(stochastic\)'"):
        compare({"a": clone, "a (stochastic)": clone}, mdp, logs, n_steps=1, progress=False)
    for strange in ("Auto", [clone]):
        with pytest.raises(ValueError, match=r"recipes is .*expected 'auto', or a name and a function"):
            compare(strange, mdp, logs, n_steps=1, progress=False)


def test_a_claim_is_above_the_most_by_more_than_noise():
    def dreaming(claim, most):
        return bool(told_dreams({"a": (np.array([claim]), np.array([most]))}))

    assert [dreaming(1.0008, 1.0), dreaming(1.1, 1.0), dreaming(9.8, -1.0), dreaming(np.nan, 1.0)] == [
        False, True, True, False
    ]  # fmt: skip
    assert not dreaming(1e9, np.inf)
