"""The command line, as a user types it."""

import json

import numpy as np
import pytest

from safegrid.__main__ import main
from safegrid.agents import create_discrete_bc, fit, load_agent, save_agent
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.sweep.results import Sweep

QUICK = ["--steps", "30", "--episodes", "40", "--test-episodes", "50"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    assert main(["train", *QUICK, "--out", str(folder)]) == 0
    return folder


def test_training_saves_both_policies_and_a_figure(trained):
    assert sorted(p.name for p in trained.iterdir()) == [
        "bc-original.npz", "bc-original.pt", "comparison-original.png", "cql-original.npz", "cql-original.pt",
    ]  # fmt: skip


def test_training_prints_truth_test_drive_and_references(tmp_path, capsys):
    assert main(["train", *QUICK, "--map", "crossroads", "--seeds", "0", "1", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for row in ("optimum", "behaviour policy", "BC, log 0", "CQL, log 1", "-73.69", "interquartile mean"):
        assert row in text
    assert len(list(tmp_path.glob("*.npz"))) == 4


def test_a_saved_policy_is_scored_again(trained, capsys):
    assert main(["evaluate", str(trained / "cql-original.npz")]) == 0
    text = capsys.readouterr().out
    assert "cql-original.npz" in text
    assert "claimed" in text


def test_the_original_settings_are_the_originals(tmp_path):
    assert main(["train", *QUICK, "--original", "--weight", "6", "--out", str(tmp_path)]) == 0
    config = json.loads(str(np.load(tmp_path / "cql-original.npz")["header"]))["d3rlpy"]["config"]["params"]
    assert (config["alpha"], config["learning_rate"], config["batch_size"]) == (6.0, 3e-4, 256)
    assert config["encoder_factory"]["type"] == "vector"
    assert config["target_update_interval"] == 8_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "--map", "maze"], "map_name is 'maze'"),
        (["sweep", "--logs", "0"], "--logs is 0, expected at least 1"),
        (["sweep", "--weights", "1", "-2", "--logs", "1"], "conservative_weights[1] is -2.0"),
        (["train", "--map", "maze"], "map_name is 'maze'"),
        (["train", "--weight", "-1"], "conservative_weight is -1.0"),
        (["train", "--weight", "nan"], "conservative_weight is nan"),
        (["train", "--epsilon", "2"], "epsilon is 2.0"),
        (["train", "--episodes", "0"], "n_episodes is 0"),
        (["train", "--steps", "0"], "n_steps is 0"),
        (["train", "--original", "--steps", "0"], "n_steps is 0"),
        (["evaluate", "missing.npz"], "missing.npz"),
    ],
)
def test_bad_input_ends_with_status_2_and_says_what(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_an_unwritable_folder_is_named_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "cannot write there" in capsys.readouterr().err


def test_a_policy_made_for_another_map_size_is_refused(tmp_path, capsys):
    env = SafetyCriticalGridWorld(size=6)
    agent = create_discrete_bc(size=6)
    fit(agent, build_mdpdataset(generate_offline_episodes(env, 20)), 5, progress=False)
    path = save_agent(agent, tmp_path / "small.npz")
    assert main(["evaluate", str(path)]) == 2
    assert "0…5 (size=6)" in capsys.readouterr().err
    assert load_agent(path).config.encoder_factory.size == 6


def test_a_corrupt_policy_is_refused(trained, tmp_path, capsys):
    path = tmp_path / "half.npz"
    path.write_bytes((trained / "bc-original.npz").read_bytes()[:500])
    assert main(["evaluate", str(path)]) == 2
    assert "cut short" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"]])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--map crossroads" in text or command != ["train"]
    assert len(text) > 200


def test_a_command_is_needed():
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2


def test_a_sweep_prints_the_curve_and_writes_it(tmp_path, capsys):
    out = tmp_path / "new" / "sweep.npz"
    asked = ["sweep", "--weights", "0", "6", "--logs", "2", "--first-log", "5", "--episodes", "40", "--steps", "30"]
    assert main([*asked, "--map", "crossroads", "--jobs", "1", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    for row in ("optimum", "behaviour policy", "-73.7", "BC, β = 0", "weight 0", "weight 6", "claimed − true"):
        assert row in text
    assert sorted(p.name for p in out.parent.iterdir()) == ["sweep.npz", "sweep.png"]
    sweep = Sweep.load(out)
    assert sweep.weights.tolist() == [0, 6]
    assert sweep.seeds.tolist() == [[5], [6]]


def test_an_interrupted_sweep_goes_on_and_refuses_other_settings(tmp_path, capsys, monkeypatch):
    asked = [
        "sweep",
        "--logs",
        "1",
        "--episodes",
        "40",
        "--steps",
        "30",
        "--jobs",
        "1",
        "--out",
        str(tmp_path / "s.npz"),
    ]

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("safegrid.sweep.training.train_clone_sweep", stop)
        with pytest.raises(KeyboardInterrupt):
            main([*asked, "--weights", "6"])
    assert [p.name for p in tmp_path.iterdir()] == ["s.unfinished.npz"]
    assert main([*asked, "--weights", "7"]) == 2
    assert "weights was [6.0], is [7.0]" in capsys.readouterr().err
    assert main([*asked, "--weights", "6"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.npz", "s.png"]
