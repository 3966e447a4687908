"""The learners are d3rlpy's, configured as documented; nothing is dropped, and nothing random is left unseeded."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safegrid.agents import (
    DivergedError,
    create_discrete_bc,
    create_discrete_cql,
    create_double_dqn,
    fit,
    load_agent,
    save_agent,
    trained_network,
)
from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes, build_mdpdataset, coverage, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdpdataset import d3rlpy
from safegrid.ope import create_discrete_fqe

FACTORIES = [create_discrete_bc, create_double_dqn, create_discrete_cql]
Q_FACTORIES = FACTORIES[1:]


@pytest.fixture(scope="module")
def data(log):
    return build_mdpdataset(log)


@pytest.fixture(scope="module", params=["BC", "double DQN", "CQL"])
def agent(request, agents):
    return agents[request.param]


def trained(agent, data, n_steps=120, **settings):
    fit(agent, data, n_steps, **{"progress": False} | settings)
    return agent


def weights_of(agent):
    return {name: tensor.clone() for name, tensor in trained_network(agent).state_dict().items()}


def plain_dataset(log):
    return d3rlpy.dataset.MDPDataset(
        log.observations, log.actions, log.rewards, log.terminals.astype(float), log.timeouts.astype(float),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=4,
    )  # fmt: skip


@pytest.mark.parametrize("create", FACTORIES)
def test_an_unknown_keyword_is_an_error(create):
    with pytest.raises(TypeError, match="alpha"):
        create(alpha=6.0)


def test_the_weight_reaches_d3rlpy():
    config = create_discrete_cql(False, 3.0, reward_scale=0.5).config
    assert config.alpha == 1.5
    assert config.reward_scaler.multiplier == 0.5
    assert isinstance(create_discrete_cql(), d3rlpy.algos.DiscreteCQL)
    default = create_discrete_cql().config
    assert default.alpha / default.reward_scaler.multiplier == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("create", "arguments", "message"),
    [
        (
            create_discrete_cql,
            {"conservative_weight": -1.0},
            "conservative_weight is -1.0, expected a number of at least 0",
        ),
        (create_discrete_cql, {"conservative_weight": float("nan")}, "conservative_weight is nan"),
        (create_discrete_cql, {"conservative_weight": float("inf")}, "conservative_weight is inf"),
        (create_discrete_cql, {"reward_scale": 0.0}, "reward_scale is 0.0, expected a number above 0"),
        (create_double_dqn, {"learning_rate": 0.0}, "learning_rate is 0.0"),
        (create_double_dqn, {"gamma": 1.5}, "gamma is 1.5, expected a number of at least 0, at most 1"),
        (create_double_dqn, {"n_critics": 0}, "n_critics is 0"),
        (create_double_dqn, {"target_update_interval": 0.5}, "target_update_interval is 0.5"),
        (create_discrete_bc, {"batch_size": 0}, "batch_size is 0"),
        (create_discrete_bc, {"hidden_units": (64, 0.5)}, r"hidden_units\[1\] is 0.5"),
        (create_discrete_bc, {"hidden_units": 64}, "hidden_units is 64, expected the width of each"),
        (create_discrete_bc, {"size": 0}, "size is 0"),
        (create_discrete_bc, {"size": True}, "size is True, expected a whole number"),
        (create_discrete_cql, {"conservative_weight": "6"}, "conservative_weight is '6', expected a number"),
        (create_discrete_bc, {"beta": -0.1}, "beta is -0.1"),
    ],
)
def test_a_bad_setting_is_named(create, arguments, message):
    with pytest.raises(ValueError, match=message):
        create(**arguments)


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(power=st.integers(-4, 4), weight=st.floats(0.0, 50.0))
def test_rewards_times_c_weight_times_c_and_scale_over_c_train_the_same(power, weight, log, original):
    factor = 2.0**power
    agents = [
        create_discrete_cql(conservative_weight=c * weight, reward_scale=0.125 / c, target_update_interval=20)
        for c in (1, factor)
    ]
    one = trained(agents[0], build_mdpdataset(log), 60)
    two = trained(agents[1], build_mdpdataset(replace(log, rewards=factor * log.rewards)), 60)
    np.testing.assert_allclose(factor * q_table(one, original.mdp), q_table(two, original.mdp), rtol=1e-4)
    np.testing.assert_array_equal(policy_table(one, original.mdp), policy_table(two, original.mdp))


@pytest.mark.parametrize("create", Q_FACTORIES)
def test_the_same_seed_gives_the_same_q_table_to_the_last_bit(create, log, original):
    a, b, c = (
        q_table(trained(create(target_update_interval=20), build_mdpdataset(log, k), 50, seed=s), original.mdp)
        for k, s in ((0, 5), (9, 5), (0, 6))
    )
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_weight_zero_is_double_dqn(agents, data, original):
    claims = q_table(trained(create_discrete_cql(conservative_weight=0.0), data), original.mdp)
    np.testing.assert_allclose(claims, q_table(agents["double DQN"], original.mdp), rtol=1e-4, atol=1e-4)


def test_training_leaves_the_callers_random_numbers_and_threads_alone(log):
    np.random.seed(3)
    torch.manual_seed(3)
    wanted = np.random.random(), torch.rand(1).item(), torch.get_num_threads()
    np.random.seed(3)
    torch.manual_seed(3)
    trained(create_discrete_cql(), log, 5)
    assert (np.random.random(), torch.rand(1).item(), torch.get_num_threads()) == wanted


@pytest.mark.parametrize(("n_steps", "rows"), [(7, 7), (100, 100), (201, 101)])
def test_the_history_covers_every_step(n_steps, rows, data):
    history = fit(create_discrete_cql(), data, n_steps, progress=False)
    assert set(history) == {"step", "loss", "td_loss", "conservative_loss"}
    assert len(history["step"]) == rows
    assert history["step"][-1] == n_steps
    assert all(np.isfinite(values).all() for values in history.values())


def test_a_history_row_is_the_mean_since_the_last(data):
    fine, coarse = (fit(create_discrete_cql(), data, n, progress=False) for n in (2, 200))
    assert coarse["step"][0] == 2
    assert coarse["loss"][0] == pytest.approx(fine["loss"].mean())


def test_the_agent_is_left_with_the_warmed_up_moving_average(data):
    path, decay = [], 0.95
    trained(
        create_discrete_cql(),
        data,
        60,
        averaging=0.0,
        callback=lambda a, _: path.append(weights_of(a)),
        callback_interval=1,
    )
    average = path[0]
    for t, now in enumerate(path[1:], start=1):
        keep = min(decay, (1 + t) / (10 + t))
        average = {name: keep * average[name] + (1 - keep) * now[name] for name in now}
    left = weights_of(trained(create_discrete_cql(), data, 60, averaging=decay))
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, average[name], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(path[-1][name].shape, tensor.shape)
    assert any(not torch.allclose(left[name], path[-1][name]) for name in left)


def test_a_callback_sees_the_average_and_disturbs_nothing(data, original):
    seen = []
    watched = trained(
        create_discrete_cql(), data, 90, callback=lambda a, s: seen.append((s, weights_of(a))), callback_interval=30
    )
    unwatched = weights_of(trained(create_discrete_cql(), data, 90))
    assert [step for step, _ in seen] == [30, 60, 90]
    for name, tensor in weights_of(watched).items():
        assert torch.equal(tensor, unwatched[name])
        assert torch.equal(tensor, seen[-1][1][name])


def test_fitting_again_goes_on_from_the_held_weights(data):
    agent = trained(create_discrete_cql(), data, 50)
    before = weights_of(agent)
    trained(agent, data, 1, averaging=0.0)
    assert all((weights_of(agent)[name] - before[name]).abs().max() < 0.01 for name in before)


def test_a_plain_d3rlpy_dataset_trains_too_and_repeats(log, original):
    plain = plain_dataset(log)
    a, b = (q_table(trained(create_discrete_cql(), plain, 20), original.mdp) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_an_exported_policy_takes_plain_coordinates(agent, original, tmp_path):
    agent.save_policy(str(tmp_path / "policy.pt"))
    exported = torch.jit.load(str(tmp_path / "policy.pt"))
    actions = exported(torch.tensor(original.mdp.observations)).numpy()
    np.testing.assert_array_equal(np.eye(4)[actions], policy_table(agent, original.mdp))


@pytest.mark.parametrize("create", Q_FACTORIES)
def test_claims_are_in_raw_reward(create, data, original):
    agent = trained(create(reward_scale=0.25), data, 20)
    observations = np.array(original.mdp.observations)
    for action in range(4):
        raw = agent.predict_value(observations, np.full(225, action)) / 0.25
        np.testing.assert_allclose(q_table(agent, original.mdp)[:, action], raw, rtol=1e-6)


def test_the_greedy_policy_takes_the_best_claim(data, original):
    agent = trained(create_discrete_cql(), data, 20)
    np.testing.assert_array_equal(policy_table(agent, original.mdp).argmax(1), q_table(agent, original.mdp).argmax(1))


def test_the_stochastic_clone_acts_by_its_softmax(agents, original):
    agent = agents["BC"]
    with torch.no_grad():
        logits = agent.impl.modules.imitator(torch.tensor(original.mdp.observations)).logits.double()
    np.testing.assert_allclose(policy_table(agent, original.mdp, True), torch.softmax(logits, 1).numpy(), atol=1e-6)
    np.testing.assert_array_equal(policy_table(agent, original.mdp).argmax(1), logits.argmax(1).numpy())


@pytest.mark.parametrize(("beta", "close"), [(0.0, True), (0.5, False)])
def test_without_beta_a_clone_predicts_the_logs_frequencies(beta, close, data, log, original):
    agent = trained(create_discrete_bc(beta=beta), data, 300)
    counted = coverage(log, original.mdp).counts[0] / coverage(log, original.mdp).counts[0].sum()
    error = np.abs(policy_table(agent, original.mdp, True)[0] - counted).max()
    assert (error < 0.06) == close


def test_the_weight_keeps_the_agent_to_actions_of_the_log(crossroads):
    log = generate_offline_episodes(crossroads, seed=0)
    unseen = coverage(log, crossroads.mdp).unseen
    strays = []
    for weight in (0.0, 20.0):
        agent = trained(create_discrete_cql(conservative_weight=weight), build_mdpdataset(log), 300)
        strays.append((policy_table(agent, crossroads.mdp).astype(bool) & unseen).sum())
    assert strays[0] > strays[1]


def test_questions_an_agent_cannot_answer_are_refused(data, original):
    with pytest.raises(ValueError, match="DiscreteCQL that was never trained; call fit"):
        policy_table(create_discrete_cql(), original.mdp)
    with pytest.raises(ValueError, match="has no action probabilities"):
        policy_table(trained(create_double_dqn(), data, 1), original.mdp, stochastic=True)
    with pytest.raises(ValueError, match="claims no values"):
        q_table(trained(create_discrete_bc(), data, 1), original.mdp)


def test_an_agent_is_for_one_map_size(data, log):
    agent = trained(create_discrete_cql(), data, 1)
    with pytest.raises(ValueError, match="the map is 8 cells wide, this agent was made for size=15"):
        policy_table(agent, SafetyCriticalGridWorld(size=8).mdp)
    with pytest.raises(ValueError, match=r"observations in row \d+ are .* takes whole coordinates in 0…7 \(size=8\)"):
        fit(create_discrete_cql(size=8), data, 1, progress=False)
    halves = Episodes.from_arrays(
        log.observations / 2, log.actions, log.rewards, log.terminals, log.timeouts, n_actions=4
    )
    with pytest.raises(ValueError, match="takes whole coordinates"):
        fit(create_discrete_cql(), build_mdpdataset(halves), 1, progress=False)


@pytest.mark.parametrize("create", FACTORIES)
def test_any_observations_train_without_a_size(create):
    env = gymnasium.make("CartPole-v1")
    log = Episodes.from_gymnasium(env, lambda _, rng: rng.integers(2), n_episodes=10, seed=0)
    agent = trained(create(size=None), build_mdpdataset(log), 10)
    assert policy_table(agent, log.observations).shape == (len(log), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_steps": 0}, "n_steps is 0"),
        ({"averaging": 1.0}, "averaging is 1.0"),
        ({"averaging": -1}, "averaging is -1"),
    ],
)
def test_bad_training_settings_are_named(arguments, message, data):
    with pytest.raises(ValueError, match=message):
        fit(create_discrete_cql(), data, **{"progress": False} | arguments)


def test_saving_and_loading_is_the_identity(agent, original, tmp_path):
    again = load_agent(save_agent(agent, tmp_path / "agent.npz"))
    assert type(again) is type(agent)
    assert again.config == agent.config
    for name, tensor in weights_of(agent).items():
        assert torch.equal(tensor, weights_of(again)[name])
    np.testing.assert_array_equal(policy_table(again, original.mdp), policy_table(agent, original.mdp))


def test_a_loaded_agent_trains_on(data, log, tmp_path):
    agent = load_agent(save_agent(trained(create_discrete_cql(), data, 5), tmp_path / "agent.npz"))
    targets, online = (agent.impl.modules.targ_q_funcs.state_dict(), agent.impl.modules.q_funcs.state_dict())
    assert all(torch.equal(targets[name], online[name]) for name in online)
    trained(agent, data, 5)


def test_the_originals_own_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    device = False
    env = SafetyCriticalGridWorld()
    dataset = build_mdpdataset(generate_offline_episodes(env))
    cql = create_discrete_cql(device)
    cql.fit(dataset, n_steps=60, n_steps_per_epoch=30, show_progress=False)
    score = env.mdp.evaluate(policy_table(cql, env.mdp))
    assert score.hazard_rate + score.goal_rate + score.timeout_rate == pytest.approx(1.0)
    cql.save_model("cql.pt")
    assert cql.grad_step == 60


def test_a_plain_dataset_is_checked_as_a_log_is(log):
    names = ("observations", "actions", "rewards")

    def changed(name, row, value):
        columns = {n: np.array(getattr(log, n)) for n in names}
        columns[name][row] = value
        return plain_dataset(replace_columns(log, columns))

    for dataset, message in (
        (plain_dataset(replace_columns(log, {"observations": log.observations / 14})), "row 1 .*whole coordinates"),
        (changed("observations", 3, 19), "observations in row 3 are .*19.* takes whole coordinates in 0…14"),
        (changed("observations", 3, np.nan), "observations in row 3 is .*, expected finite"),
        (changed("actions", 5, 4), r"actions in row 5 is .*, expected an action in 0…3"),
        (changed("rewards", 7, np.inf), r"rewards in row 7 is .*, expected finite"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(create_discrete_cql(), dataset, 1, progress=False)


def replace_columns(log, columns):
    """A stand-in for a log, with numbers that `Episodes` refuses."""
    known = {name: getattr(log, name) for name in ("observations", "actions", "rewards", "terminals", "timeouts")}
    return SimpleNamespace(**known | columns)


def test_a_log_trains_as_its_dataset_does(log, data, original):
    a, b = (q_table(trained(create_discrete_cql(), source, 10), original.mdp) for source in (log, data))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dataset", [None, np.zeros((3, 2)), "log.npz"])
def test_what_is_no_dataset_is_refused(dataset):
    with pytest.raises(ValueError, match=r"dataset is a .*, expected Episodes, build_mdpdataset's or"):
        fit(create_discrete_cql(), dataset, 1, progress=False)


def test_a_trained_agent_refuses_a_log_of_another_shape(data):
    agent = trained(create_discrete_cql(size=None), data, 1)
    wide = Episodes.from_arrays(np.zeros((4, 3)), [0] * 4, [0] * 4, [1] * 4, n_actions=4)
    few = Episodes.from_arrays(np.zeros((4, 2)), [0] * 4, [0] * 4, [1] * 4, n_actions=2)
    for log, message in ((wide, r"shape \(3,\) and 4 actions"), (few, r"shape \(2,\) and 2 actions")):
        with pytest.raises(ValueError, match=rf"dataset has observations of {message}, this agent was made for \(2,\)"):
            fit(agent, log, 1, progress=False)


@pytest.mark.parametrize("seed", [-1, 0.5, True, None])
def test_a_bad_seed_is_named(seed, data):
    with pytest.raises(ValueError, match=f"seed is {seed}, expected a whole number of at least 0"):
        fit(create_discrete_cql(), data, 1, seed=seed, progress=False)


def test_whole_coordinates_are_not_scaled(log):
    agent = create_discrete_cql()
    agent.config.observation_scaler = d3rlpy.preprocessing.MinMaxObservationScaler()
    with pytest.raises(ValueError, match=r"observation_scaler is MinMax.*takes whole coordinates"):
        fit(agent, log, 1, progress=False)


@pytest.mark.parametrize("create", FACTORIES)
def test_an_agent_that_diverges_says_so(create, log, original):
    agent = create(learning_rate=1e30)
    with pytest.raises(DivergedError, match=r"the Do?.* diverged before step \d+"):
        fit(agent, log, 50, progress=False)
    with pytest.raises(DivergedError, match="has diverged: its weights or answers are no finite numbers"):
        policy_table(agent, original.mdp)


def test_threads_that_train_at_once_get_the_numbers_of_one(log, original):
    def claims(seed):
        return q_table(trained(create_discrete_cql(), sources[seed], 30, seed=seed), original.mdp)

    sources = [log, log, plain_dataset(log), plain_dataset(log)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(claims, range(4)))
    np.testing.assert_array_equal(together, [claims(seed) for seed in range(4)])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_not_the_files_fault(data, tmp_path):
    path = save_agent(trained(create_discrete_cql(), data, 1), tmp_path / "agent.npz")
    with pytest.raises(ValueError, match=r"^device is True, which torch cannot use here"):
        load_agent(path, device=True)


def test_loading_leaves_the_callers_random_numbers_alone(data, tmp_path):
    path = save_agent(trained(create_discrete_cql(), data, 1), tmp_path / "agent.npz")
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    load_agent(path)
    assert torch.rand(1) == wanted


def test_an_evaluation_is_not_saved_without_its_agent(agents, log, tmp_path):
    fqe = trained(create_discrete_fqe(agents["CQL"]), log, 2)
    with pytest.raises(ValueError, match="agent is a DiscreteFQE, which is nothing without the agent it evaluates"):
        save_agent(fqe, tmp_path / "agent.npz")


LOADED = """
import sys, d3rlpy
try:
    d3rlpy.load_learnable(sys.argv[1])
except KeyError as error:
    print(error)
import safegrid.agents
print(type(d3rlpy.load_learnable(sys.argv[1])).__name__)
"""


def test_d3rlpys_own_file_is_read_once_our_encoder_is_known(data, tmp_path):
    trained(create_discrete_cql(), data, 1).save(str(tmp_path / "agent.d3"))
    code = [sys.executable, "-c", LOADED, tmp_path / "agent.d3"]
    said = subprocess.run(code, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["'safegrid_one_hot'", "DiscreteCQL"]
    assert "KeyError: 'safegrid_one_hot'" in save_agent.__doc__


@pytest.mark.parametrize("create", FACTORIES)
def test_a_device_that_is_not_there_is_named_before_training(create):
    with pytest.raises(ValueError, match="device is 'nowhere', which torch cannot use here"):
        create(device="nowhere")


def test_pictures_are_no_vectors(log):
    pictures = d3rlpy.dataset.MDPDataset(
        np.zeros((4, 1, 8, 8), np.uint8), np.array([0, 1, 0, 1]), np.zeros(4), np.array([0, 0, 0, 1]),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=2,
    )  # fmt: skip
    for size in (15, None):
        with pytest.raises(ValueError, match=r"observations of shape \(1, 8, 8\), this agent takes vectors"):
            fit(create_discrete_cql(size=size), pictures, 1, progress=False)
