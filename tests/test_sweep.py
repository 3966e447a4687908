"""A sweep trains what `fit` trains, hundreds at a time; it survives a kill, splits over processes, and says no."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from safegrid.agents import (
    create_discrete_bc,
    create_discrete_cql,
    fit,
    load_agent,
    policy_table,
    q_table,
    save_agent,
    trained_network,
)
from safegrid.dataset import Episodes, build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.evaluation import score_agent
from safegrid.mdp import TabularMDP
from safegrid.mdpdataset import d3rlpy
from safegrid.sweep import training
from safegrid.sweep.memory import sweep_memory
from safegrid.sweep.results import SCORES, Sweep
from safegrid.sweep.training import train_clone_sweep, train_sweep

QUIET = {"n_jobs": 1, "progress": False}


@pytest.fixture(scope="module")
def logs(original):
    return [generate_offline_episodes(original, 60, seed=seed) for seed in (0, 1, 2)]


@pytest.fixture(scope="module")
def sweep(logs, original):
    """5 weights × 3 logs × 2 seeds, in two shards."""
    return train_sweep(logs, [0, 1, 6, 20, 200], 2, 60, mdp=original.mdp, score_interval=20, **QUIET)


def test_a_member_is_scored_as_a_comparison_would(sweep, original):
    scores = sweep.agent_scores(6.0)
    assert [len(seeds) for seeds in scores] == [2, 2, 2]
    mine, its = scores[1][0], score_agent(sweep.agent(6.0, 1, 0), original.mdp)
    assert mine.exact.as_dict() == pytest.approx(its.exact.as_dict())
    assert (mine.claimed_value, mine.true_value) == pytest.approx((its.claimed_value, its.true_value), rel=1e-4)
    with pytest.raises(ValueError, match=r"weight is 5\.0, expected one of"):
        sweep.agent_scores(5.0)


def test_a_clone_is_scored_without_a_claim(logs, original):
    clones = train_clone_sweep(logs, n_steps=20, mdp=original.mdp, **QUIET)
    (score,) = clones.agent_scores(0.0)[2]
    assert score.exact.return_mean == clones.scores("return_mean")[0, 2, 0]
    assert np.isnan([score.claimed_value, score.true_value]).all()


def test_the_first_logs_alone_are_a_sweep(sweep, tmp_path):
    two = sweep.of_logs(2)
    assert two.seeds.shape == (2, 2)
    np.testing.assert_array_equal(two.scores("overestimate"), sweep.scores("overestimate")[:, :2])
    np.testing.assert_array_equal(
        weights_of(two.agent(20.0, 1, 1, averaged=False)), weights_of(sweep.agent(20.0, 1, 1, averaged=False))
    )
    assert same(Sweep.load(two.save(tmp_path / "two.npz")), two)
    for wrong in (0, 4):
        with pytest.raises(ValueError, match="n_logs is"):
            sweep.of_logs(wrong)


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.parameters, b.parameters, strict=True)) and np.array_equal(
        a.q_values, b.q_values
    )


def weights_of(agent):
    return torch.cat([tensor.ravel() for tensor in trained_network(agent).state_dict().values()])


@pytest.mark.parametrize("n_critics", [1, 2])
def test_a_member_is_the_agent_that_fit_trains(logs, original, n_critics):
    sweep = train_sweep(logs[:2], [0, 6], 2, 200, n_critics=n_critics, mdp=original.mdp, **QUIET)
    agent = create_discrete_cql(conservative_weight=6, n_critics=n_critics)
    fit(agent, build_mdpdataset(logs[1]), 200, seed=int(sweep.seeds[1, 0]), progress=False)
    assert np.allclose(q_table(agent, original.mdp), sweep.q_values[1, 1, 0], rtol=1e-4, atol=1e-4)
    other = create_discrete_cql(conservative_weight=6, n_critics=n_critics)
    fit(other, build_mdpdataset(logs[1]), 200, seed=int(sweep.seeds[1, 1]), progress=False)
    assert not np.allclose(q_table(other, original.mdp), sweep.q_values[1, 1, 0], rtol=1e-4, atol=1e-4)


class Shuffled:
    """The same mini-batches with their rows in another order: what rounding alone does to d3rlpy."""

    def __init__(self, dataset):
        self.dataset, self.order = dataset, np.random.default_rng(0)

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __setattr__(self, name, value):
        setattr(self.dataset, name, value) if name == "rng" else super().__setattr__(name, value)

    def sample_transition_batch(self, size):
        batch, order = self.dataset.sample_transition_batch(size), self.order.permutation(size)
        names = ("observations", "actions", "rewards", "next_observations", "next_actions", "terminals", "intervals")
        return replace(batch, **{name: getattr(batch, name)[order] for name in names})


@pytest.mark.parametrize(
    "create", [create_discrete_cql, lambda: create_discrete_cql(n_critics=2), lambda: create_discrete_bc(beta=0.5)]
)
def test_after_200_steps_a_member_differs_from_d3rlpy_by_rounding(log, create):
    reference, shuffled, data = create(), create(), build_mdpdataset(log)
    fit(reference, data, 200, averaging=0, progress=False)
    fit(shuffled, Shuffled(build_mdpdataset(log)), 200, averaging=0, progress=False)
    if hasattr(reference.config, "beta"):
        member = train_clone_sweep(log, 0.5, 1, 200, **QUIET).agent(0.5, averaged=False)
    else:
        critics = reference.config.n_critics
        member = train_sweep(log, [0, 6], 1, 200, n_critics=critics, **QUIET).agent(6, averaged=False)
    rounding = (weights_of(shuffled) - weights_of(reference)).abs().max()
    assert rounding > 0
    assert (weights_of(member) - weights_of(reference)).abs().max() <= 10 * rounding


def test_over_twenty_seeds_returns_are_distributed_as_d3rlpys(logs, original):
    """Kolmogorov and Smirnov's two-sample test at 1%: accepts the same weight, rejects another."""

    def theirs(seed):
        agent = create_discrete_cql(conservative_weight=3)
        fit(agent, build_mdpdataset(logs[0]), 600, seed=seed, progress=False)
        return score_agent(agent, original.mdp).exact.return_mean

    reference = joblib.Parallel(2)(joblib.delayed(theirs)(seed) for seed in range(20))
    ours = train_sweep(logs[0], [0, 3], 20, 600, seed=1_000, mdp=original.mdp, **QUIET).scores("return_mean")[:, 0]
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


def test_scores_are_those_of_the_agents(sweep, original):
    for weight, log, seed in ((0, 0, 0), (6, 2, 1), (200, 1, 0)):
        score = score_agent(sweep.agent(weight, log, seed), original.mdp)
        where = (list(sweep.weights).index(weight), log, seed)
        assert sweep.scores("return_mean")[where] == pytest.approx(score.exact.return_mean, abs=1e-9)
        assert sweep.scores("hazard_rate")[where] == pytest.approx(score.exact.hazard_rate, abs=1e-9)
        assert sweep.scores("overestimate")[where] == pytest.approx(score.overestimate, abs=1e-3)
        assert np.allclose(policy_table(sweep.agent(weight, log, seed), original.mdp), sweep.policies[where])
    assert sweep.steps.tolist() == [20, 40, 60]
    assert sweep.history["goal_rate"].shape == (3, 5, 3, 2)


def test_last_and_averaged_weights_are_both_kept(sweep, original):
    last, averaged = sweep.agent(6, averaged=False), sweep.agent(6)
    assert not torch.equal(weights_of(last), weights_of(averaged))
    expected = score_agent(last, original.mdp).exact.return_mean
    assert sweep.last_history["return_mean"][-1, 2, 0, 0] == pytest.approx(expected, abs=1e-9)
    two_steps = Episodes.from_arrays([[0, 0], [1, 0]], [0, 1], [-1, 50], [False, True], n_actions=4)
    plain = train_sweep(two_steps, [6], 1, 20, averaging=0, **QUIET)
    assert all(np.array_equal(a, b) for a, b in zip(plain.parameters, plain.last_parameters, strict=True))


def test_an_agent_saves_exports_and_is_evaluated_by_d3rlpy(sweep, logs, original, tmp_path):
    agent = sweep.agent(6, 1, 1)
    assert type(agent) is d3rlpy.algos.DiscreteCQL
    again = load_agent(save_agent(agent, tmp_path / "agent.npz"))
    assert np.array_equal(q_table(again, original.mdp), q_table(agent, original.mdp))
    agent.save_policy(str(tmp_path / "policy.pt"))
    exported = torch.jit.load(str(tmp_path / "policy.pt"))(torch.tensor(original.mdp.observations))
    assert np.array_equal(exported.numpy().ravel(), agent.predict(original.mdp.observations))
    fqe = d3rlpy.ope.DiscreteFQE(agent, d3rlpy.ope.FQEConfig(encoder_factory=agent.config.encoder_factory))
    fqe.fit(build_mdpdataset(logs[1]), 10, 10, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory())
    assert np.isfinite(fqe.predict_value(original.mdp.observations, np.zeros(225, int))).all()


def test_without_a_world_the_logs_own_observations_are_the_states(logs, original):
    blind = train_sweep(logs[0], [6], 1, 40, **QUIET)
    sighted = train_sweep(logs[0], [6], 1, 40, mdp=original.mdp, **QUIET)
    seen = [original.state_of(observation) for observation in blind.observations.astype(int)]
    assert len(blind.observations) < 225
    assert np.allclose(blind.q_values[0, 0, 0], sighted.q_values[0, 0, 0][seen], atol=1e-5)
    assert not blind.history
    assert "1 networks" in str(blind)
    with pytest.raises(ValueError, match="without mdp"):
        blind.scores("return_mean")


def test_the_same_call_gives_the_same_bits_however_it_is_cut(sweep, logs, original, tmp_path):
    parallel = train_sweep(
        logs, [0, 1, 6, 20, 200], 2, 60, mdp=original.mdp, checkpoint=tmp_path / "c.npz", checkpoint_interval=7,
        n_jobs=2, progress=False,
    )  # fmt: skip
    assert same(parallel, sweep)
    assert np.array_equal(parallel.scores("return_mean"), sweep.scores("return_mean"))


def test_a_member_does_not_depend_on_the_others(sweep, logs):
    alone = train_sweep(logs, [6], 2, 60, **QUIET)
    together, apart = (weights_of(s.agent(6, 2, 1)) for s in (sweep, alone))
    assert (together - apart).abs().max() < 1e-4


def test_a_decaying_rate_ends_at_nothing(logs):
    constant, decaying = (
        train_sweep(logs[0], [6], 1, 60, learning_rate_decay=decay, averaging=0, **QUIET) for decay in (False, True)
    )
    assert not same(constant, decaying)
    shard_free = train_sweep(logs[0], [6], 1, 1, learning_rate_decay=True, averaging=0, **QUIET)
    assert same(shard_free, train_sweep(logs[0], [6], 1, 1, averaging=0, **QUIET))


def test_a_decaying_rate_is_d3rlpys_cosine(logs):
    optimizers = d3rlpy.optimizers
    cosine = optimizers.AdamFactory(lr_scheduler_factory=optimizers.CosineAnnealingLRFactory(T_max=60))
    agent = replace(create_discrete_cql().config, optim_factory=cosine).create()
    fit(agent, build_mdpdataset(logs[0]), 60, averaging=0, progress=False)
    member = train_sweep(logs[0], [6], 1, 60, learning_rate_decay=True, averaging=0, **QUIET).agent(6)
    assert (weights_of(agent) - weights_of(member)).abs().max() < 1e-5


def test_whole_log_steps_train(logs, original):
    sweep = train_sweep(logs, [0, 6], 1, 60, batch_size=None, mdp=original.mdp, **QUIET)
    assert same(sweep, train_sweep(logs, [0, 6], 1, 60, batch_size=None, mdp=original.mdp, **QUIET))
    single = train_sweep(logs[2], [6], 1, 60, batch_size=None, seed=2, **QUIET)
    assert (weights_of(single.agent(6)) - weights_of(sweep.agent(6, 2))).abs().max() < 1e-4


def test_a_sweep_is_saved_and_read_back(sweep, tmp_path):
    again = Sweep.load(sweep.save(tmp_path / "sweep.npz"))
    assert same(again, sweep)
    assert again.settings == sweep.settings
    assert set(again.history) == set(SCORES)
    assert np.array_equal(again.last_history["return_cvar"], sweep.last_history["return_cvar"])
    assert np.array_equal(
        weights_of(again.agent(6, 1, 1, averaged=False)), weights_of(sweep.agent(6, 1, 1, averaged=False))
    )
    with pytest.raises(ValueError, match="safegrid-sweep"):
        Sweep.load(save_agent(sweep.agent(6), tmp_path / "agent.npz"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda h, a: a.pop("parameters/3"), "parameters/3"),
        (lambda h, a: a.pop("history/hazard_rate"), "history/hazard_rate"),
        (lambda h, a: a.update(weights=a["weights"][1:]), "begin with shape"),
        (lambda h, a: a.update({"parameters/1": a["parameters/1"][..., :1]}), "layers of shapes"),
        (lambda h, a: h.update(algorithm="dqn"), "dqn"),
        (lambda h, a: h["settings"].update(hidden_units=[64, 32]), "copy_|layers|size"),
    ],
)
def test_an_incomplete_sweep_is_refused(sweep, tmp_path, spoil, message):
    with np.load(sweep.save(tmp_path / "sweep.npz")) as file:
        arrays = dict(file)
    header = json.loads(str(arrays.pop("header")))
    spoil(header, arrays)
    np.savez(tmp_path / "spoiled.npz", header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(ValueError, match=f"does not hold a whole sweep.*({message})"):
        Sweep.load(tmp_path / "spoiled.npz")


def test_a_flipped_bit_is_refused(sweep, tmp_path):
    path = sweep.save(tmp_path / "sweep.npz")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1  # now it claims to be encrypted
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cannot be read as safegrid-sweep"):
        Sweep.load(path)


RUN = """
import sys
from safegrid.env import SafetyCriticalGridWorld
from safegrid.dataset import generate_offline_episodes
from safegrid.sweep.training import train_sweep
env = SafetyCriticalGridWorld()
log = generate_offline_episodes(env, 60, seed=0)
sweep = train_sweep(log, [0, 6], 2, 400, mdp=env.mdp, score_interval=100, checkpoint=sys.argv[1],
                    checkpoint_interval=20, n_jobs=1, progress=False)
sweep.save(sys.argv[2])
"""


def test_after_kill_9_it_goes_on_to_the_same_numbers(tmp_path):
    checkpoint, out = tmp_path / "checkpoint.npz", tmp_path / "sweep.npz"
    subprocess.run([sys.executable, "-c", RUN, tmp_path / "other.npz", tmp_path / "expected.npz"], check=True)
    for delay in (0.0, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", RUN, checkpoint, out])
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
            time.sleep(0.005)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not out.exists()
        with np.load(checkpoint) as file:  # whole, whatever happened
            assert len(file["header"].item()) > 100
    subprocess.run([sys.executable, "-c", RUN, checkpoint, out], check=True)
    resumed, expected = Sweep.load(out), Sweep.load(tmp_path / "expected.npz")
    assert same(resumed, expected)
    assert resumed.steps.tolist() == [100, 200, 300, 400]
    assert np.array_equal(resumed.history["return_mean"], expected.history["return_mean"])


def test_a_failing_write_leaves_the_good_checkpoint(logs, tmp_path, monkeypatch):
    checkpoint, writes, savez = tmp_path / "checkpoint.npz", [], np.savez

    def full_disk(file, **arrays):
        writes.append(len(arrays))
        if len(writes) == 3:
            file.write(b"PK half of it")
            raise OSError("disk full")
        savez(file, **arrays)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full_disk)
        with pytest.raises(OSError, match="disk full"):
            train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, checkpoint_interval=4, **QUIET)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    resumed = train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    assert same(resumed, train_sweep(logs[0], [6], 1, 10, **QUIET))


def test_a_checkpoint_of_other_settings_says_which_differ(logs, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    with pytest.raises(ValueError, match=re.escape("gamma was 0.99, is 0.9; weights was [6.0], is [7.0]")):
        train_sweep(logs[0], [7], 1, 10, gamma=0.9, checkpoint=checkpoint, **QUIET)
    with pytest.raises(ValueError, match="logs was"):
        train_sweep(logs[1], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    with np.load(checkpoint) as file:
        arrays = dict(file)
    for spoil in ({"step": 11}, {"step": "4"}, {"streams": []}):
        header = json.loads(str(arrays["header"])) | spoil
        np.savez(checkpoint, **arrays | {"header": np.array(json.dumps(header))})
        with pytest.raises(ValueError, match="is damaged"):
            train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with pytest.raises(ValueError, match="cut short"):
        train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)


def test_a_checkpoint_that_cannot_be_written_fails_before_training(logs, tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*nowhere"):
        train_sweep(logs[0], [6], 1, 1_000_000, checkpoint=tmp_path / "nowhere" / "c.npz", **QUIET)


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
    assert same(far, sweep)


def test_memory_stays_within_the_formula():
    """Peak of 1 600 members over that of 320, in bytes, against the formula's own difference."""
    code = """
import resource, sys
from safegrid.env import SafetyCriticalGridWorld
from safegrid.dataset import generate_offline_episodes
from safegrid.sweep.training import train_sweep
log = generate_offline_episodes(SafetyCriticalGridWorld(), 60, seed=0)
train_sweep(log, range(16), int(sys.argv[1]), 3, n_jobs=1, progress=False, checkpoint_interval=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
    few, many = (
        int(subprocess.run([sys.executable, "-c", code, n], capture_output=True, text=True, check=True).stdout)
        for n in ("20", "100")
    )
    agent = create_discrete_cql()
    agent.create_impl((2,), 4)
    promised = sweep_memory(1_600, agent, 200, 200, 1, 2_000, 256) - sweep_memory(320, agent, 200, 200, 1, 2_000, 256)
    assert many - few < promised


def test_the_memory_formula_promises_no_more_than_twice_what_is_held(logs, monkeypatch):
    held, train_and_score = [], training.train_and_score

    def bytes_of(arrays):
        return sum(array.nbytes for array in arrays)

    def watched(shard, state, **rest):
        after, scores = train_and_score(shard, state, **rest)
        for s in (state, after):
            held.append(bytes_of([*s.parameters, *s.average, *s.first_moment, *s.second_moment, s.target]))
        return after, scores

    monkeypatch.setattr(training, "train_and_score", watched)
    sweep = train_sweep(logs[0], range(16), 60, 3, checkpoint_interval=3, **QUIET)
    counted = sum(held) + bytes_of([*sweep.parameters, *sweep.last_parameters, sweep.q_values])
    agent = create_discrete_cql()
    agent.create_impl((2,), 4)
    states = len(sweep.observations)
    assert counted < sweep_memory(960, agent, states, states, 1, len(logs[0]), 256) < 2 * counted


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


def test_what_follows_a_terminal_need_not_be_known(logs, original):
    log = logs[0]
    untold = Episodes.from_arrays(log.observations, log.actions, log.rewards, log.terminals, log.timeouts, n_actions=4)
    assert not untold.next_observations[untold.terminals].any()
    sweeps = (train_sweep(x, [6], 1, 20, mdp=original.mdp, **QUIET) for x in (log, untold))
    assert same(*sweeps)
    train_sweep([untold, logs[1]], [6], 1, 5, **QUIET)


def test_large_batches_are_drawn_a_few_at_a_time(logs):
    drawn = (train_sweep(logs[0], [6], 1, 6, batch_size=20_000, checkpoint_interval=cut, **QUIET) for cut in (1, 6))
    assert same(*drawn)


def test_an_unknown_argument_is_an_error(logs):
    with pytest.raises(TypeError, match="alpha"):
        train_sweep(logs, alpha=6)
    with pytest.raises(TypeError, match="gamma"):
        train_clone_sweep(logs, gamma=0.9)


def test_more_members_than_memory_allows_says_how_much_is_needed(logs):
    with pytest.raises(MemoryError, match=r"30000000 members in 1 processes need [\d.]+ GiB, [\d.]+ GiB are free"):
        train_sweep(logs, range(10), 1_000_000, 5, **QUIET)


def test_logs_of_different_worlds_are_refused(logs, original, crossroads):
    other = generate_offline_episodes(crossroads, 60, seed=0)
    with pytest.raises(ValueError, match=r"logs\[1\] in row \d+ goes from .* in this mdp that cannot happen"):
        train_sweep([logs[0], other], [6], 1, 5, mdp=original.mdp, **QUIET)
    with pytest.raises(ValueError, match="expected logs of one world"):
        train_sweep([logs[0], other], [6], 1, 5, **QUIET)
    with pytest.raises(ValueError, match=r"logs\[1\] has n_actions 5, expected 4 as logs\[0\]"):
        train_sweep([logs[0], replace(logs[1], n_actions=5)], [6], 1, 5, **QUIET)
    line = Episodes.from_arrays([0, 1], [0, 1], [-1, 50], [False, True], n_actions=4)
    with pytest.raises(ValueError, match=r"logs\[0\] has observations of length 1, expected 2 as the mdp"):
        train_sweep(line, [6], 1, 5, mdp=original.mdp, **QUIET)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.agent(5), r"weight is 5, expected one of \[0.0, 1.0"),
        (lambda s: s.agent([0, 6]), r"weight is \[0, 6\], expected one of"),
        (lambda s: s.agent(6, seed=True), "seed is True"),
        (lambda s: s.agent(6, log=3), r"log is 3, expected an index in 0…2"),
        (lambda s: s.agent(6, seed=-1), "seed is -1, expected a whole number of at least 0"),
        (lambda s: s.scores("regret"), "name is 'regret', expected one of return_mean"),
    ],
)
def test_a_bad_question_is_answered_with_what_there_is(sweep, ask, message):
    with pytest.raises(ValueError, match=message):
        ask(sweep)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")
def test_a_gpu_trains_the_same_members(logs, sweep):
    on_gpu = train_sweep(logs, [0, 1, 6, 20, 200], 2, 60, device="cuda", **QUIET)
    assert (weights_of(on_gpu.agent(6, 1, 1)) - weights_of(sweep.agent(6, 1, 1))).abs().max() < 1e-3


def test_the_number_of_threads_is_left_as_it_was(logs):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        train_sweep(logs[0], [6], 1, 2, **QUIET)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
