"""Which of several agents to let loose, judged by the log alone."""

from dataclasses import replace

import numpy as np
import pytest

import safegrid as sg
from safegrid.logs import number_states
from safegrid.practice.choice import choose_policy


@pytest.fixture(scope="module")
def yard():
    return sg.SafetyCriticalGridWorld(map_name="crossroads")


@pytest.fixture(scope="module")
def known(yard):
    return sg.generate_offline_episodes(yard, seed=100)


@pytest.fixture(scope="module")
def log(known):
    """As a stranger's file has it: without states."""
    unknown = np.full(len(known), -1)
    return replace(known, states=unknown, next_states=unknown)


@pytest.fixture(scope="module")
def tables(yard, known, log):
    """Policies by name, a row for each of the log's distinct observations."""
    places = [yard.state_of(tuple(map(int, cell))) for cell in sg.coverage(log).observations]
    mdp = yard.mdp
    policies = {
        "clone": sg.argmax_clone(known, mdp),
        "CQL": sg.greedy(sg.tabular_cql(known, mdp, 6.0)),
        "driver": yard.behaviour_policy(0.22),
    }
    return {name: policy[places] for name, policy in policies.items()}


def test_a_log_without_a_table_gets_a_state_for_each_observation_and_two_for_its_ends(log):
    numbered, observations = number_states(log)
    assert (observations[numbered.states] == log.observations).all()
    inner = ~log.terminals
    assert (observations[numbered.next_states[inner]] == log.next_observations[inner]).all()
    ends = numbered.next_states[log.terminals] - len(observations)
    assert (ends == (log.costs[log.terminals] > 0)).all()
    acted = len(sg.coverage(log).observations)
    assert (observations[:acted] == sg.coverage(log).observations).all()
    sg.log_model(numbered, len(observations) + 2, unseen=-100.0)


def test_the_value_of_a_policy_is_that_of_the_log_s_model_with_the_world_s_own_states(log, known, yard, tables):
    choice = choose_policy(log, tables)
    assert choice.by == "model"
    model = sg.log_model(known, yard.mdp.n_states, unseen=-100.0)
    places = [yard.state_of(tuple(map(int, cell))) for cell in sg.coverage(log).observations]
    for name, table in tables.items():
        whole = np.full((yard.mdp.n_states, 4), 0.25)
        whole[places] = table
        judged, score = choice.judgements[name], model.evaluate(whole, int(log.lengths.max()))
        assert judged.value.estimate == pytest.approx(model.value(whole), abs=1e-6)
        assert judged.harm == pytest.approx(score.hazard_rate, abs=1e-9)
        assert judged.agreement == pytest.approx(whole[known.states, known.actions].mean())
        assert judged.value.low <= judged.value.high
    assert choice.best == "CQL"
    assert "→ CQL" in str(choice)


def test_an_interval_holds_its_estimate_since_no_tried_action_becomes_untried(log, tables):
    for judged in choose_policy(log, tables).judgements.values():
        assert judged.value.low - 1 <= judged.value.estimate <= judged.value.high + 1


def test_who_would_do_too_much_harm_is_not_taken_unless_all_would(log, tables):
    harmful = {name: tables[name] for name in ("clone", "driver")}
    free = choose_policy(log, harmful)
    bound = free.judgements["clone"].harm / 2
    assert choose_policy(log, harmful, most_harm=bound).best == free.best
    assert choose_policy(log, tables, most_harm=bound).judgements["CQL"].harm <= bound


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others(log, tables):
    one, same, other = (choose_policy(log, tables, seed=seed) for seed in (3, 3, 4))
    assert str(one) == str(same)
    assert str(one) != str(other)


def test_agents_are_asked_themselves_and_claim_for_themselves(log):
    agents = {"BC": sg.create_discrete_bc(), "CQL": sg.create_discrete_cql()}
    for agent in agents.values():
        sg.fit(agent, log, 50, progress=False)
    judged = choose_policy(log, agents, n_resamples=2).judgements
    starts = log.observations[np.diff(log.episode, prepend=-1) > 0]
    assert judged["CQL"].claimed == pytest.approx(sg.q_table(agents["CQL"], starts).max(1).mean())
    assert np.isnan(judged["BC"].claimed)
    rows = sg.policy_table(agents["BC"], log.observations)
    assert judged["BC"].agreement == pytest.approx(rows[np.arange(len(log)), log.actions].mean())


def test_where_observations_never_come_again_a_network_learns_the_values():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(400, 3))
    ends = np.arange(400) % 10 == 9
    log = sg.Episodes.from_arrays(seen, rng.integers(0, 2, 400), rng.normal(size=400), ends, n_actions=2)
    features = sg.propose_recipe(log).features
    agents = {"one": sg.create_discrete_cql(**features), "two": sg.create_discrete_bc(**features)}
    for agent in agents.values():
        sg.fit(agent, log, 20, progress=False)
    choice = choose_policy(log, agents, progress=False)
    assert choice.by == "FQE"
    assert all(np.isfinite(j.value.estimate) and np.isnan(j.harm) for j in choice.judgements.values())
    with pytest.raises(ValueError, match="hardly ever come again"):
        choose_policy(log, {"table": np.full((400, 2), 0.5)})
    with pytest.raises(ValueError, match=r"most_harm is 0\.1, expected 1, for 0% of the log's steps"):
        choose_policy(log, agents, most_harm=0.1)


def test_of_harm_that_no_log_has_nothing_is_said(log, tables):
    harmless = replace(log, costs=np.zeros(len(log)))
    choice = choose_policy(harmless, tables, n_resamples=2)
    assert all(np.isnan(j.harm) and np.isfinite(j.unknown) for j in choice.judgements.values())
    assert choice.why.endswith("nothing is said of harm.")
    with pytest.raises(ValueError, match=r"most_harm is 0\.1, expected a log that has costs"):
        choose_policy(harmless, tables, most_harm=0.1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"candidates": {}}, "candidates is empty"),
        ({"gamma": 1.0}, "gamma is 1.0"),
        ({"most_harm": 2.0}, "most_harm is 2.0"),
        ({"candidates": {"short": np.full((3, 4), 0.25)}}, r"candidates\['short'\] has shape \(3, 4\)"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(log, tables, given, message):
    with pytest.raises(ValueError, match=message):
        choose_policy(log, **{"candidates": tables} | given)
