"""A sweep answers for each of its members, as the agent that it is; it is saved whole, or refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from example_sweeps import QUIET, same_sweep, weights_of

from safegrid.agents import load_agent, save_agent
from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes, build_mdpdataset
from safegrid.evaluation import score_agent
from safegrid.mdpdataset import d3rlpy
from safegrid.sweep.results import SCORES, Sweep
from safegrid.sweep.training import train_clone_sweep, train_sweep


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
    assert same_sweep(Sweep.load(two.save(tmp_path / "two.npz")), two)
    for wrong in (0, 4):
        with pytest.raises(ValueError, match="n_logs is"):
            sweep.of_logs(wrong)


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


def test_a_sweep_is_saved_and_read_back(sweep, tmp_path):
    again = Sweep.load(sweep.save(tmp_path / "sweep.npz"))
    assert same_sweep(again, sweep)
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
        (lambda h, a: a.update(weights=a["weights"][1:]), "seeds|q_values"),
        (lambda h, a: a.update({"parameters/1": a["parameters/1"][..., :1]}), "parameters of shape"),
        (lambda h, a: h.update(algorithm="dqn"), "dqn"),
        (lambda h, a: h["settings"].update(hidden_units=[64, 32]), "parameters of shape"),
        (lambda h, a: h["settings"].update(hidden_units=[10**9, 64]), "parameters of shape"),
        (lambda h, a: h["settings"].update(n_critics=10**9), "parameters of shape"),
        (lambda h, a: h["settings"].update(size=10**9), "parameters take 30 inputs, expected 2000000000"),
        (lambda h, a: h["settings"].update(n_steps=59), "steps are .* expected them to rise from 1 to 59"),
        (lambda h, a: a.update(q_values=a["q_values"][..., :3]), "parameters of shape"),
        (lambda h, a: a.update(observations=a["observations"][:9]), "q_values of shape"),
        (lambda h, a: a.update(weights=a["weights"] * np.nan), "weights"),
        (lambda h, a: a.update(seeds=a["seeds"].astype(float)), "seeds of shape"),
        (lambda h, a: a.update({"history/goal_rate": a["history/goal_rate"][:1]}), "history of shape"),
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


def test_a_sweep_over_one_log_prints_no_interval(sweep):
    assert "[" in str(sweep)
    assert "[" not in str(sweep.of_logs(1))
    assert "nan" not in str(sweep.of_logs(1))


def test_claims_above_what_the_rewards_allow_stand_under_the_table(sweep, tmp_path):
    least = float(sweep.scores("claimed_value")[0].min()) - 10.0
    strict = replace(sweep, settings={**sweep.settings, "largest_value": least})
    told = f"weight {sweep.weights[0]:g} ({sweep.seeds.size} of {sweep.seeds.size} runs above {least:g})"
    assert told in " ".join(str(strict).split())
    assert strict._repr_html_().endswith(".</p>")
    assert strict.agent_scores(sweep.weights[0])[0][0].largest_value == least
    assert Sweep.load(strict.save(tmp_path / "sweep.npz")).dreams() == strict.dreams()
    lenient = replace(sweep, settings={**sweep.settings, "largest_value": 1e9})
    assert lenient.dreams() == ""
    unscored = replace(strict, history={}, last_history={}, steps=sweep.steps[:0])
    assert "Claims above" in str(unscored)
    old = {name: value for name, value in sweep.settings.items() if name != "largest_value"}
    assert replace(sweep, settings=old).dreams() == ""  # a file of an earlier version


@pytest.mark.parametrize("most", ["50", None, float("nan")])
def test_a_file_whose_largest_value_is_no_number_is_refused(sweep, tmp_path, most):
    strange = replace(sweep, settings={**sweep.settings, "largest_value": most})
    with pytest.raises(ValueError, match="largest_value is"):
        Sweep.load(strange.save(tmp_path / "sweep.npz"))


def test_weights_that_lie_close_are_told_apart(logs, original):
    close = train_sweep(logs[0], [1.0, 1.0000005], 1, 5, mdp=original.mdp, **QUIET)
    mine = [q_table(close.agent(weight), original.mdp) for weight in close.weights]
    np.testing.assert_allclose(mine[1], close.q_values[1, 0, 0], rtol=1e-5, atol=1e-5)
    assert len({row[0] for row in close.rows()}) == 2
