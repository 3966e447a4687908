"""The command line, as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from safegrid.__main__ import main
from safegrid.agents import create_discrete_bc, fit, load_agent, save_agent
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.files.npz import read_npz
from safegrid.sweep.results import Sweep

QUICK = ["--steps", "30", "--episodes", "40", "--test-episodes", "50"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    assert main(["train", *QUICK, "--out", str(folder)]) == 0
    return folder


def start(*arguments, **environment):
    """The command in a session of its own, as a terminal's shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "safegrid", *map(str, arguments)], start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip


def test_training_saves_both_policies_and_a_figure_under_the_name_of_the_run(trained):
    assert sorted(p.name for p in trained.iterdir()) == [
        "bc-original-w6-log42.npz", "bc-original-w6-log42.pt", "comparison-original-w6-log42.png",
        "cql-original-w6-log42.npz", "cql-original-w6-log42.pt",
    ]  # fmt: skip


def test_another_weight_overwrites_no_policy_and_the_same_one_needs_force(trained, tmp_path, capsys):
    asked = ["train", *QUICK, "--out", str(tmp_path)]
    for weight in ("1", "0.5"):
        assert main([*asked, "--weight", weight]) == 0
    names = {p.name for p in tmp_path.iterdir()}
    assert {"cql-original-w1-log42.npz", "cql-original-w0.5-log42.npz"} < names
    assert len(names) == 10
    before = (tmp_path / "cql-original-w1-log42.npz").read_bytes()
    again = [*asked, "--weight", "1", "--steps", "20"]
    assert main(again) == 2
    assert "bc-original-w1-log42.npz is there already; expected another --out, or --force" in capsys.readouterr().err
    assert (tmp_path / "cql-original-w1-log42.npz").read_bytes() == before
    assert main([*again, "--force"]) == 0
    assert (tmp_path / "cql-original-w1-log42.npz").read_bytes() != before


def test_training_prints_truth_test_drive_and_references(tmp_path, capsys):
    assert main(["train", *QUICK, "--map", "crossroads", "--seeds", "0", "1", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for row in ("optimum", "behaviour policy", "BC, log 0", "CQL, log 1", "-73.69", "interquartile mean"):
        assert row in text
    assert len(list(tmp_path.glob("*.npz"))) == 4


def test_a_saved_policy_is_scored_again(trained, capsys):
    assert main(["evaluate", str(trained / "cql-original-w6-log42.npz")]) == 0
    text = capsys.readouterr().out
    assert "cql-original-w6-log42.npz" in text
    assert "claimed" in text


def test_the_original_settings_are_the_originals(tmp_path):
    assert main(["train", *QUICK, "--original", "--weight", "6", "--out", str(tmp_path)]) == 0
    config = json.loads(str(np.load(tmp_path / "cql-original-w6-log42.npz")["header"]))["d3rlpy"]["config"]["params"]
    assert (config["alpha"], config["learning_rate"], config["batch_size"]) == (6.0, 3e-4, 256)
    assert config["encoder_factory"]["type"] == "vector"
    assert config["target_update_interval"] == 8_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "--map", "maze"], "--map is maze, expected one of original"),
        (["sweep", "--logs", "0"], "--logs is 0, expected a whole number of at least 1"),
        (["sweep", "--seeds", "0"], "--seeds is 0"),
        (["sweep", "--first-log", "-1"], "--first-log is -1"),
        (["sweep", "--jobs", "0"], "--jobs is 0"),
        (["sweep", "--steps", "0"], "--steps is 0"),
        (["sweep", "--epsilon", "nan"], "--epsilon is nan"),
        (["sweep", "--weights", "1", "-2", "--logs", "1"], "--weights[1] is -2.0"),
        (["sweep", "--weights", "1", "1"], "--weights[1] is 1, which stands there already"),
        (["sweep", "--out", "sweeps/"], "--out is sweeps/, a folder"),
        (["sweep", "--out", "."], "--out is ., a folder"),
        (["sweep", "--out", "table.csv"], "--out is table.csv; expected a name that ends in .npz"),
        (["train", "--map", "maze"], "--map is maze, expected one of original"),
        (["train", "--weight", "-1"], "--weight is -1.0"),
        (["train", "--weight", "nan"], "--weight is nan"),
        (["train", "--epsilon", "2"], "--epsilon is 2.0"),
        (["train", "--episodes", "0"], "--episodes is 0"),
        (["train", "--steps", "0"], "--steps is 0"),
        (["train", "--original", "--steps", "0"], "--steps is 0"),
        (["train", "--test-episodes", "-1"], "--test-episodes is -1"),
        (["train", "--seeds", "1", "-1"], "--seeds is -1"),
        (["train", "--seeds", "1", "2", "1"], "--seeds has 1 twice, expected different logs"),
        (["train", "--episodes", str(10**15)], "llocate"),
        (["evaluate", "any.npz", "--seed", "-1"], "--seed is -1"),
        (["evaluate", "missing.npz"], "missing.npz"),
    ],
)
def test_bad_input_ends_with_status_2_and_says_what_before_any_work(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
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
    path.write_bytes((trained / "bc-original-w6-log42.npz").read_bytes()[:500])
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
        assert main([*asked, "--weights", "6"]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["s.unfinished.npz"]
    assert main([*asked, "--weights", "7"]) == 2
    assert "weights was [6.0], is [7.0]" in capsys.readouterr().err
    assert main([*asked, "--weights", "6"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.npz", "s.png"]


def test_a_number_at_the_end_of_a_name_is_no_extension_and_loses_no_sweep(tmp_path, capsys):
    asked = ["sweep", "--logs", "1", "--episodes", "40", "--steps", "30", "--jobs", "1"]
    for weight in ("0.5", "0.7"):
        assert main([*asked, "--weights", weight, "--out", str(tmp_path / f"run-w{weight}")]) == 0
    names = ["run-w0.5.npz", "run-w0.5.png", "run-w0.7.npz", "run-w0.7.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert [Sweep.load(tmp_path / name).weights.tolist() for name in names[::2]] == [[0.5], [0.7]]
    assert main([*asked, "--weights", "0.9", "--out", str(tmp_path / "run-w0.7")]) == 2
    assert "run-w0.7.npz is there already" in capsys.readouterr().err


def test_memory_that_runs_out_is_one_line(tmp_path, capsys, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr("safegrid.dataset.generate_offline_episodes", full)
    assert main(["train", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "safegrid: out of memory\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["sweep"]], ids=str)
def test_an_old_terminal_prints_the_help(encoding, command):
    out, err = start(*command, "--help", PYTHONIOENCODING=encoding).communicate()
    assert "usage" in out
    assert err == ""
    assert "log -> BC and CQL" in out or command


def test_an_old_terminal_loses_no_training(tmp_path):
    run = start("train", *QUICK, "--out", tmp_path, PYTHONIOENCODING="ascii")
    out, _ = run.communicate()
    assert run.returncode == 0
    assert "optimum (gamma = 0.99)" in out
    assert len(list(tmp_path.iterdir())) == 5


def test_a_reader_that_leaves_hears_no_complaint():
    run = start("train", "--help", PYTHONUNBUFFERED="")
    run.stdout.close()
    assert run.stderr.read() == ""
    assert run.wait() == 141
    run.stderr.close()


def until(true, run):
    deadline = time.monotonic() + 120
    while not true():
        assert run.poll() is None and time.monotonic() < deadline, run.communicate()  # noqa: PT018
        time.sleep(0.05)


def test_an_interrupted_training_says_what_it_kept_and_how_to_go_on(tmp_path):
    run = start(
        "train", "--episodes", 40, "--test-episodes", 0, "--steps", 300, "--seeds", *range(100), "--out", tmp_path
    )
    until(lambda: (tmp_path / "cql-original-w6-log0.pt").exists(), run)
    os.killpg(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in err
    told = err.splitlines()[-1]
    assert told.startswith("safegrid: interrupted; kept the policies of log 0")
    assert "the same command with --seeds " in told
    assert told.endswith(" 98 99 does the rest")


@pytest.mark.parametrize("reach", [os.kill, os.killpg], ids=["alone", "terminal"])
def test_an_interrupted_sweep_leaves_no_process_and_says_how_to_go_on(tmp_path, reach):
    unfinished = tmp_path / "s.unfinished.npz"
    asked = ["--weights", 0, 1, 6, 10, 20, "--logs", 4, "--episodes", 40, "--steps", 2_000, "--jobs", 2]
    run = start("sweep", *asked, "--out", tmp_path / "s.npz")
    own = psutil.Process(run.pid)
    until(lambda: unfinished.exists() and read_npz(unfinished, "safegrid-sweep-checkpoint-1")[0]["step"] > 0, run)
    children = own.children(recursive=True)
    reach(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in err
    told = f"safegrid: interrupted; kept {unfinished}; the same command goes on from it"
    assert err.splitlines()[-1] == told
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=30)[1] == []


@pytest.fixture
def drawn(tmp_path):
    path = tmp_path / "lane.txt"
    path.write_text("SFFHF\nFHFWF\nFFFFG\n")
    return path


def test_a_map_of_ones_own_is_learned_in_its_own_recipe(drawn, tmp_path, capsys):
    brief = ["--map", str(drawn), "--max-steps", "20", "--episodes", "20", "--steps", "5"]
    assert main(["train", *brief, "--test-episodes", "5", "--out", str(tmp_path)]) == 0
    encoder = load_agent(tmp_path / "cql-lane-w6-log42.npz").config.encoder_factory
    assert (encoder.size, encoder.cells) == (5, True)
    assert main(["evaluate", str(tmp_path / "cql-lane-w6-log42.npz"), "--map", str(drawn)]) == 0
    assert main(["evaluate", str(tmp_path / "cql-lane-w6-log42.npz")]) == 2  # it knows the map's name and not the map
    assert "--map is lane, expected one of" in capsys.readouterr().err
    assert main(["sweep", *brief, "--logs", "2", "--weights", "6", "--out", str(tmp_path / "lane.npz")]) == 0
    assert Sweep.load(tmp_path / "lane.npz").settings["cells"]
    drawn.write_text("SFX\nFFG\n")
    assert main(["train", "--map", str(drawn)]) == 2
    assert f"--map {drawn}: desc row 0 is 'SFX': unknown letter 'X'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("features", "settings"),
    [
        ("coordinates", {"size": 5, "cells": False, "ranges": None}),
        ("cells", {"size": 5, "cells": True, "ranges": None}),
        ("scaled", {"size": None, "cells": False, "ranges": [[0.0, 4.0], [0.0, 2.0]]}),
    ],
)
def test_the_features_of_a_sweep_can_be_asked_for(features, settings, drawn, tmp_path):
    brief = ["--map", str(drawn), "--episodes", "20", "--steps", "5", "--logs", "1", "--weights", "6", "--jobs", "1"]
    assert main(["sweep", *brief, "--features", features, "--out", str(tmp_path / "out.npz")]) == 0
    found = Sweep.load(tmp_path / "out.npz").settings
    assert {name: found[name] for name in settings} == settings


def test_a_policy_is_scored_in_the_map_of_its_name(trained, tmp_path, capsys):
    elsewhere = tmp_path / "cql-crossroads-w6-log42.npz"
    elsewhere.write_bytes((trained / "cql-original-w6-log42.npz").read_bytes())
    assert main(["evaluate", str(elsewhere), "--test-episodes", "5"]) == 0
    assert capsys.readouterr().out.startswith("map crossroads\n")
    assert main(["evaluate", str(elsewhere), "--map", "original", "--test-episodes", "5"]) == 0
    assert capsys.readouterr().out.startswith("map original\n")
