"""A sweep trains what `fit` trains, hundreds at a time, however it is cut; and says no."""

from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from example_sweeps import QUIET, same_sweep, weights_of
from scipy.stats import ks_2samp

from safegrid.agents import DivergedError, create_discrete_bc, create_discrete_cql, fit
from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes, build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.evaluation import Comparison, score_agent
from safegrid.figures.sweeps import plot_sweep
from safegrid.mdp import TabularMDP
from safegrid.mdpdataset import d3rlpy
from safegrid.sweep import training
from safegrid.sweep.shards import first_states
from safegrid.sweep.training import train_clone_sweep, train_sweep


@pytest.mark.parametrize("n_critics", [1, 2])
def test_a_member_is_the_agent_that_fit_trains(logs, original, n_critics):
    sweep = train_sweep(logs[:2], [0, 6], 2, 200, n_critics=n_critics, mdp=original.mdp, **QUIET)
    agent = create_discrete_cql(conservative_weight=6, n_critics=n_critics)
    fit(agent, build_mdpdataset(logs[1]), 200, seed=int(sweep.seeds[1, 0]), progress=False)
    mine, of_another_seed = sweep.q_values[1, 1]
    assert np.allclose(q_table(agent, original.mdp), mine, rtol=1e-4, atol=1e-4)
    assert not np.allclose(q_table(agent, original.mdp), of_another_seed, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("features", [{"size": 15, "cells": True}, {"size": None, "ranges": [(0, 14)] * 2}])
def test_a_member_of_other_features_is_the_agent_that_fit_trains(logs, original, features):
    sweep = train_sweep(logs[0], [6], 1, 60, mdp=original.mdp, **features, **QUIET)
    agent = create_discrete_cql(conservative_weight=6, **features)
    fit(agent, logs[0], 60, seed=0, progress=False)
    assert np.allclose(q_table(agent, original.mdp), sweep.q_values[0, 0, 0], rtol=1e-4, atol=1e-4)
    assert np.allclose(q_table(sweep.agent(6), original.mdp), sweep.q_values[0, 0, 0], rtol=1e-5, atol=1e-5)
    clones = train_clone_sweep(logs[0], n_steps=60, mdp=original.mdp, **features, **QUIET)
    clone = create_discrete_bc(**features)
    fit(clone, logs[0], 60, seed=0, progress=False)
    claimed = np.exp(clones.q_values[0, 0, 0])
    assert np.allclose(policy_table(clone, original.mdp, stochastic=True), claimed, atol=1e-4)


def shuffled_dataset(log):
    """The same mini-batches with their rows in another order: what rounding alone does to d3rlpy."""
    data, order = build_mdpdataset(log), np.random.default_rng(0)
    sample = data.sample_transition_batch
    names = ("observations", "actions", "rewards", "next_observations", "next_actions", "terminals", "intervals")

    def sample_shuffled(size):
        batch, rows = sample(size), order.permutation(size)
        return replace(batch, **{name: getattr(batch, name)[rows] for name in names})

    data.sample_transition_batch = sample_shuffled
    return data


@pytest.mark.parametrize(
    "create", [create_discrete_cql, lambda: create_discrete_cql(n_critics=2), lambda: create_discrete_bc(beta=0.5)]
)
def test_after_200_steps_a_member_differs_from_d3rlpy_by_rounding(log, create):
    reference, shuffled, data = create(), create(), build_mdpdataset(log)
    fit(reference, data, 200, averaging=0, progress=False)
    fit(shuffled, shuffled_dataset(log), 200, averaging=0, progress=False)
    if hasattr(reference.config, "beta"):
        member = train_clone_sweep(log, 0.5, 1, 200, size=15, **QUIET).agent(0.5, averaged=False)
    else:
        critics = reference.config.n_critics
        member = train_sweep(log, [0, 6], 1, 200, size=15, n_critics=critics, **QUIET).agent(6, averaged=False)
    rounding = (weights_of(shuffled) - weights_of(reference)).abs().max()
    assert rounding > 0
    assert (weights_of(member) - weights_of(reference)).abs().max() <= 10 * rounding


def test_over_twenty_seeds_returns_are_distributed_as_d3rlpys(logs, original):
    """Kolmogorov and Smirnov's two-sample test at 1%: accepts the same weight, rejects another."""

    def theirs(seed):
        agent = create_discrete_cql(conservative_weight=3)
        fit(agent, data, 150, seed=seed, progress=False)
        return score_agent(agent, original.mdp).exact.return_mean

    data = build_mdpdataset(logs[0])
    reference = [theirs(seed) for seed in range(20)]
    ours = train_sweep(logs[0], [0, 3], 20, 150, seed=1_000, mdp=original.mdp, **QUIET).scores("return_mean")[:, 0]
    assert len(set(np.round(reference, 3))) > 10
    assert ks_2samp(reference, ours[1]).pvalue > 0.01
    assert ks_2samp(reference, ours[0]).pvalue < 0.01


def test_clones_are_those_that_fit_trains(logs, original):
    clones = train_clone_sweep(logs, [0.0, 0.5], 1, 100, mdp=original.mdp, **QUIET)
    for i, beta in enumerate(clones.weights):
        agent = create_discrete_bc(beta=beta)
        fit(agent, build_mdpdataset(logs[2]), 100, seed=int(clones.seeds[2, 0]), progress=False)
        expected = policy_table(agent, original.mdp, stochastic=True)
        assert np.allclose(expected, np.exp(clones.q_values[i, 2, 0]), atol=1e-5)
        assert np.allclose(expected, policy_table(clones.agent(beta, 2), original.mdp, True), atol=1e-5)
    assert "claimed_value" not in clones.history


def test_the_same_call_gives_the_same_bits_however_it_is_cut(sweep, logs, original, tmp_path):
    parallel = train_sweep(
        logs, [0, 1, 6, 20, 200], 2, 60, mdp=original.mdp, checkpoint=tmp_path / "c.npz", checkpoint_interval=7,
        n_jobs=2, progress=False,
    )  # fmt: skip
    assert same_sweep(parallel, sweep)
    assert np.array_equal(parallel.scores("return_mean"), sweep.scores("return_mean"))


def test_who_watches_sees_the_claims_that_were_scored_and_changes_nothing(logs, original):
    seen = {}
    settings = {"mdp": original.mdp, "score_interval": 20, **QUIET}
    sweep = train_sweep(logs[:2], [0, 6], 1, 60, watch=lambda step, *claims: seen.update({step: claims}), **settings)
    assert list(seen) == [20, 40, 60] == list(sweep.steps)
    assert np.array_equal(seen[60][0], sweep.q_values)
    for i, of_step in enumerate(seen.values()):
        for claims, history in zip(of_step, (sweep.history, sweep.last_history), strict=True):
            claimed = claims.max(-1).astype(float) @ original.mdp.start
            assert claimed == pytest.approx(history["claimed_value"][i])
    assert not np.array_equal(*seen[60])
    assert same_sweep(sweep, train_sweep(logs[:2], [0, 6], 1, 60, **settings))


def test_a_decaying_rate_ends_at_nothing(logs):
    constant, decaying = (
        train_sweep(logs[0], [6], 1, 60, learning_rate_decay=decay, averaging=0, **QUIET) for decay in (False, True)
    )
    assert not same_sweep(constant, decaying)
    shard_free = train_sweep(logs[0], [6], 1, 1, learning_rate_decay=True, averaging=0, **QUIET)
    assert same_sweep(shard_free, train_sweep(logs[0], [6], 1, 1, averaging=0, **QUIET))


def test_a_decaying_rate_is_d3rlpys_cosine(logs):
    optimizers = d3rlpy.optimizers
    cosine = optimizers.AdamFactory(lr_scheduler_factory=optimizers.CosineAnnealingLRFactory(T_max=60))
    agent = replace(create_discrete_cql().config, optim_factory=cosine).create()
    fit(agent, build_mdpdataset(logs[0]), 60, averaging=0, progress=False)
    member = train_sweep(logs[0], [6], 1, 60, size=15, learning_rate_decay=True, averaging=0, **QUIET).agent(6)
    assert (weights_of(agent) - weights_of(member)).abs().max() < 1e-5


def test_whole_log_steps_train(logs, original):
    sweep = train_sweep(logs, [0, 6], 1, 60, batch_size=None, mdp=original.mdp, **QUIET)
    assert same_sweep(sweep, train_sweep(logs, [0, 6], 1, 60, batch_size=None, mdp=original.mdp, **QUIET))
    single = train_sweep(logs[2], [6], 1, 60, size=15, batch_size=None, seed=2, **QUIET)
    assert (weights_of(single.agent(6)) - weights_of(sweep.agent(6, 2))).abs().max() < 1e-4


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")
def test_a_cluster_of_two_processes_gets_the_same_tables(sweep, logs, original):
    distributed = pytest.importorskip("distributed")
    loaded = "'safegrid.sweep.stack' in __import__('sys').modules"
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        before = client.run(eval, loaded)
        far = train_sweep(logs, [0, 1, 6, 20, 200], 2, 60, mdp=original.mdp, n_jobs=-1, progress=False)
        after = client.run(eval, loaded)
    assert list(before.values()) == [False, False]
    assert list(after.values()) == [True, True]  # both took part
    assert same_sweep(far, sweep)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conservative_weights": []}, r"conservative_weights has shape \(0,\)"),
        ({"conservative_weights": [1, 6, 1]}, r"conservative_weights\[2\] is 1, which stands there already"),
        ({"conservative_weights": [1, -6]}, r"conservative_weights\[1\] is -6.0, expected a number of at least 0"),
        ({"conservative_weights": [float("nan")]}, r"conservative_weights\[0\] is nan"),
        ({"conservative_weights": "six"}, "conservative_weights is 'six'"),
        ({"logs": []}, "logs is empty"),
        ({"logs": ["log.npz"]}, r"logs\[0\] is a str, expected Episodes"),
        ({"n_seeds": 0}, "n_seeds is 0"),
        ({"n_steps": 2.5}, "n_steps is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"gamma": 1.5}, "gamma is 1.5"),
        ({"reward_scale": 0}, "reward_scale is 0"),
        ({"averaging": 1.0}, "averaging is 1.0"),
        ({"n_steps": 0}, "n_steps is 0"),
        ({"checkpoint_interval": -1}, "checkpoint_interval is -1"),
        ({"hidden_units": 64}, "hidden_units is 64"),
        ({"size": 10}, r"logs\[0\]: observations in row \d+ are"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"device": "meta"}, "device is 'meta'"),
        ({"device": None}, "device is None"),
        ({"conservative_weights": ["1", "6"]}, r"conservative_weights is \['1', '6'\]"),
        ({"conservative_weights": [1e39]}, r"conservative_weights\[0\] is 1e\+39"),
        ({"logs": None}, "logs is a NoneType, expected Episodes"),
        ({"mdp": "crossroads"}, "mdp is a str, expected a TabularMDP"),
        ({"hidden_units": ()}, r"hidden_units is \(\), expected the width"),
        ({"hidden_units": None}, "hidden_units is None"),
        ({"hidden_units": iter((8, 8))}, "hidden_units is <"),
        ({"learning_rate": None}, "learning_rate is None"),
        ({"gamma": None}, "gamma is None"),
        ({"n_critics": None}, "n_critics is None"),
        ({"learning_rate_decay": "off"}, "learning_rate_decay is 'off'"),
        ({"score_interval": 2}, "score_interval is 2, but without mdp"),
        ({"watch": print}, "watch is <built-in function print>, expected a function, and an mdp"),
        ({"seed": 2**63 - 1}, r"seed is 9223372036854775807, expected it"),
    ],
)
def test_a_bad_argument_is_named(logs, arguments, message):
    with pytest.raises(ValueError, match=message):
        train_sweep(**{"logs": logs, "n_steps": 5} | QUIET | arguments)


def test_a_world_that_cannot_score_is_refused_before_training(logs, original):
    with pytest.raises(ValueError, match="mdp has no horizon"):
        train_sweep(logs, n_steps=10**9, mdp=replace(original.mdp, horizon=None), **QUIET)
    with pytest.raises(ValueError, match="score_interval is 0"):
        train_sweep(logs, mdp=original.mdp, score_interval=0, **QUIET)
    with pytest.raises(ValueError, match="watch is 600, expected a function"):
        train_sweep(logs, n_steps=10**9, mdp=original.mdp, watch=600, **QUIET)
    with pytest.raises(ValueError, match="the map is 15 cells wide, this agent was made for size=16"):
        train_sweep(logs, n_steps=10**9, size=16, mdp=original.mdp, **QUIET)
    ahead = np.eye(3)[[[1, 0], [2, 0], [2, 2]]]
    line = TabularMDP.from_dense(ahead, -np.ones((3, 2)), terminal=[0, 0, 1], start=[1, 0, 0], horizon=5)
    short = Episodes.from_arrays([0, 0], [1, 1], [-1, -1], [0, 0], [0, 1], n_actions=2, next_observations=[0, 0])
    with pytest.raises(ValueError, match=r"observations in row 1 are \[1.0\]"):
        train_sweep(short, [6], 1, 10**9, size=1, mdp=line, **QUIET)


def test_undiscounted_a_policy_without_an_end_has_no_true_value():
    env = SafetyCriticalGridWorld(slip_prob=0.0)  # a slip would end every drive sooner or later
    log = generate_offline_episodes(env, 60, seed=0)
    sweep = train_sweep(log, [0, 200], 2, 20, gamma=1.0, mdp=env.mdp, **QUIET)
    assert np.isnan(sweep.scores("true_value")).any()
    assert np.isfinite(sweep.scores("return_mean")).all()


def test_large_batches_are_drawn_a_few_at_a_time(logs):
    drawn = (train_sweep(logs[0], [6], 1, 6, batch_size=20_000, checkpoint_interval=cut, **QUIET) for cut in (1, 6))
    assert same_sweep(*drawn)


def test_an_unknown_argument_is_an_error(logs):
    with pytest.raises(TypeError, match="alpha"):
        train_sweep(logs, alpha=6)
    with pytest.raises(TypeError, match="gamma"):
        train_clone_sweep(logs, gamma=0.9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")
def test_a_gpu_trains_the_same_members(logs):
    """Five steps: Adam's first steps are as long for a rounding error as for a gradient, and later ones add up."""
    here, there = (train_sweep(logs, [0, 1, 6, 20, 200], 2, 5, device=d, **QUIET) for d in ("cpu", "cuda"))
    assert np.abs(there.q_values - here.q_values).max() < 2e-3


def test_the_number_of_threads_is_left_as_it_was(logs):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        train_sweep(logs[0], [6], 1, 2, **QUIET)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("train", [train_sweep, train_clone_sweep])
def test_members_that_diverge_are_named_and_count_as_lost(train, logs, original, monkeypatch):
    def poisoned(*arguments):
        states = first_states(*arguments)
        for state, position, value in zip(states, (3, 1), (np.nan, np.inf), strict=True):  # members 3 and 7
            state.parameters[1][position, 0] = value
        return states

    monkeypatch.setattr(training, "first_states", poisoned)
    with pytest.warns(RuntimeWarning, match="diverged, and counted as the worst possible: ") as told:
        sweep = train(logs, [0, 6], 2, 20, mdp=original.mdp, score_interval=10, **QUIET)
    assert len(told) == 1
    named = [f"weight 6 on log {log} with network seed {seed}" for log, seed in ((0, 1), (1, 3))]
    assert str(told[0].message).split(": ")[1].split("; ") == named
    lost = np.zeros((2, 3, 2), bool)
    lost[1, 0, 1] = lost[1, 1, 1] = True
    np.testing.assert_array_equal(sweep.diverged, lost)
    for kind in (sweep.history, sweep.last_history):
        np.testing.assert_array_equal(np.isnan(kind["return_mean"]), np.stack([lost] * 2))
    np.testing.assert_array_equal(np.isnan(sweep.policies).all((-2, -1)), lost)
    assert np.isneginf(sweep.scores("return_mean")[lost]).all()
    assert (sweep.scores("hazard_rate")[lost] == 1).all()
    row = sweep.rows()[1]
    assert row[1:4:2] == ["6 (2 diverged)", "diverged"]
    assert row[2].startswith("-inf [-inf, ")
    assert sweep.curve("hazard_rate")[1].estimate == pytest.approx(
        (2 + sweep.scores("hazard_rate")[1][~lost[1]].sum()) / 6
    )
    assert Comparison({"6": sweep.agent_scores(6.0)}, {}).rows()[0][1:] == row[1:]
    with pytest.raises(DivergedError, match="has diverged"):
        policy_table(sweep.agent(6.0, 1, 1), original.mdp)
    if train is train_sweep:
        assert np.isnan(sweep.scores("overestimate")).sum() == 0
        plot_sweep(sweep)
