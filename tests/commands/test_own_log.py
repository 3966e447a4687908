"""A log of one's own by the command line: from a table that Gymnasium wrote to a file that onnxruntime runs."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import onnxruntime
import pytest
from scipy.stats import binomtest

import safegrid as sg
from safegrid.__main__ import _parser, main
from safegrid.commands.own_log import read_log

ROOT = Path(__file__).parents[2]
specification = importlib.util.spec_from_file_location("toy_log", ROOT / "benchmarks" / "toy_log.py")
toy_log = importlib.util.module_from_spec(specification)
specification.loader.exec_module(toy_log)

COLUMNS = ["--columns", "episode=trip", "observations=state", "actions=move", "rewards=points", "terminals=ended"]
COLUMNS += ["timeouts=cut", "--n-actions", "4"]
DRIVE = """
import sys
import gymnasium, numpy, onnxruntime

session = onnxruntime.InferenceSession("lake.onnx")
env, paid = gymnasium.make("FrozenLake-v1"), 0.0
for seed in range(1000):
    state, over = env.reset(seed=seed)[0], False
    while not over:
        (action,) = session.run(["actions"], {"observations": numpy.float32([[state]])})[0]
        state, points, ended, cut, _ = env.step(int(action))
        paid, over = paid + points, ended or cut
print(int(paid), *sorted({"torch", "d3rlpy", "safegrid"} & set(sys.modules)))
"""
"""A program of somebody else's: it has Gymnasium and onnxruntime, and the file."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the whole path was walked: table, report, policies, choice, export."""
    folder = tmp_path_factory.mktemp("lake")
    toy_log.write_log("FrozenLake-v1", folder / "lake.csv")
    report = [sys.executable, "-m", "safegrid", "report", "lake.csv", "--save", "lake.npz", *COLUMNS]
    said = subprocess.run(report, cwd=folder, capture_output=True, text=True, check=True).stdout
    (folder / "said.txt").write_text(said)
    log, out = str(folder / "lake.npz"), str(folder / "out")
    assert main(["train", log, "--weight", "0.06", "--steps", "1200", "--out", out]) == 0
    saved = sorted(map(str, Path(out).iterdir()))
    assert main(["choose", log, *saved, "--out", str(folder / "chosen.npz")]) == 0
    assert main(["export", str(folder / "chosen.npz"), str(folder / "lake.onnx"), "--log", log]) == 0
    return folder


@pytest.fixture(scope="module")
def lake():
    return sg.TabularMDP.from_gymnasium(gymnasium.make("FrozenLake-v1"))


def test_the_report_tells_the_table_and_leaves_the_log_as_it_was_checked(folder):
    said = (folder / "said.txt").read_text()
    rows = (folder / "lake.csv").read_text().splitlines()[1:]
    log = sg.Episodes.load(folder / "lake.npz")
    assert f"500 episodes with {len(rows):,} rows, 4 actions" in said
    assert [(int(s), a, r) for (s,), a, r in zip(log.observations, log.actions, log.rewards, strict=True)] == [
        (int(s), int(a), float(r)) for _, s, a, r, _, _ in (row.split(",") for row in rows)
    ]
    assert "Nothing of what was looked for." in said
    assert re.search(r"conservative_weight +0\.06 ", said)
    assert "<svg" in (folder / "lake-report.html").read_text()


def test_a_file_that_onnxruntime_alone_runs_reaches_what_the_book_says_of_the_lake(folder, lake):
    run = [sys.executable, "-c", DRIVE]
    arrived, *loaded = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
    session = onnxruntime.InferenceSession(folder / "lake.onnx")
    actions = session.run(["actions"], {"observations": np.arange(16, dtype=np.float32)[:, None]})[0]
    acted = sg.Episodes.load(folder / "lake.npz").observations.astype(int)
    assert (actions[acted] >= 0).all()
    exact = lake.evaluate(np.eye(4)[np.maximum(actions, 0)]).return_mean
    assert exact == pytest.approx(0.74, abs=0.005)
    assert binomtest(int(arrived), 1000, exact).pvalue > 0.001


@pytest.mark.parametrize("kind", ["bc", "cql"])
def test_clone_and_cql_both_reach_it(folder, lake, kind):
    (path,) = (folder / "out").glob(f"{kind}-lake-*.npz")
    table = sg.policy_table(sg.load_agent(path), np.arange(15)[:, None])
    assert lake.evaluate(np.concatenate([table, np.full((1, 4), 0.25)])).return_mean == pytest.approx(0.74, abs=0.005)


def test_what_was_chosen_is_a_copy_of_the_best_and_its_card_knows_the_log(folder, capsys):
    policies = sorted(map(str, (folder / "out").iterdir()))
    assert main(["choose", str(folder / "lake.npz"), *policies, "--out", str(folder / "again.npz")]) == 0
    said = capsys.readouterr().out
    (best,) = re.findall(r"again\.npz: (\S+)", said)
    assert re.search(rf"→ {best} +0\.\d+ \[", said)
    assert (folder / "again.npz").read_bytes() == (folder / "out" / f"{best}.npz").read_bytes()
    assert sg.Episodes.load(folder / "lake.npz").fingerprint in (folder / "lake.onnx.json").read_text()


BAD = [
    (["report", "none.csv"], "none.csv"),
    (["report", "lake"], "log is lake, expected a file that ends in .npz, .csv or .parquet"),
    (["report", "lake.csv"], "lake.csv: column 'observation_0', for observations, is missing; expected"),
    (["report", "lake.csv", *COLUMNS[:-2]], "n_actions is None, expected the size of the action space"),
    (["report", "lake.csv", *COLUMNS[:-1], "3"], "column 'move': actions in row 5 is 3, expected an action in 0…2"),
    (["report", "lake.csv", *COLUMNS[:3]], "columns has no 'actions'"),
    (["report", "lake.csv", *COLUMNS[:2], "observations=stat", *COLUMNS[3:]], "'stat'"),
    (["report", "lake.csv", "--columns", "observation=state"], "did you mean 'observations'"),
    (["report", "lake.csv", *COLUMNS[:4], "actions=cut", *COLUMNS[4:]], "--columns has actions twice"),
    (["report", "lake.csv", *COLUMNS, "--out", "page.csv"], "--out is page.csv, expected a name that ends in .html"),
    (["report", "lake.csv", *COLUMNS, "--save", "log.csv"], "--save is log.csv; expected a name that ends in .npz"),
    (["report", "lake.csv", *COLUMNS, "--save", "lake.npz"], "lake.npz is there already; expected another --save"),
    (["report", "lake.npz", "--out", "page.html"], "page.html is there already"),
    (["report", "lake.npz", "--n-actions", "4"], "--n-actions is given, but lake.npz is no .csv or .parquet"),
    (["report", "policy.npz"], "format is 'safegrid-agent-1', expected 'safegrid-episodes"),
    (["train", "lake.npz", "--weight", "-1"], "--weight is -1.0"),
    (["train", "lake.npz", "--weight", "0.06", "0.06001"], "--weight has 0.06 twice to three digits"),
    (["train", "lake.npz", "--seeds", "1", "1"], "--seeds has 1 twice"),
    (["train", "lake.npz", "--map", "rooms"], "--map is given beside LOG, but it is about a map"),
    (["train", *COLUMNS], "--columns is given without LOG, expected a table to read"),
    (["choose", "lake.npz", "lake.csv"], "policy is lake.csv, expected an .npz that `train` or `choose` wrote"),
    (["choose", "lake.npz", "lake.npz"], "format is 'safegrid-episodes-1', expected 'safegrid-agent-1'"),
    (["choose", "lake.npz", "policy.npz", "policy.npz"], "policies has policy twice"),
    (["choose", "grid.npz", "policy.npz"], "candidates['policy'] does not fit the log: observations have shape (2,)"),
    (["choose", "lake.npz", "policy.npz", "--out", "policy.npz"], "policy.npz is there already"),
    (["choose", "lake.npz", "policy.npz", "--most-harm", "0.1"], "expected a log that has costs"),
    (["choose", "lake.npz", "policy.npz", "--most-harm", "2"], "--most-harm is 2.0"),
    (["export", "lake.csv", "p.onnx"], "policy is lake.csv, expected an .npz"),
    (["export", "policy.npz", "p.txt"], "p.txt, expected a name that ends in .onnx or .pt"),
    (["export", "policy.npz", "lake.onnx"], "lake.onnx is there already"),
    (["export", "policy.npz", "p.onnx", "--log", "grid.npz"], "observations of shape (2,) and 4 actions"),
    (["export", "none.npz", "p.onnx"], "none.npz"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:60] for a, _ in BAD])
def test_bad_input_is_named_in_one_line_and_nothing_is_written(
    arguments, message, folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sg.generate_offline_episodes(sg.SafetyCriticalGridWorld(), 20, seed=0).save("grid.npz")  # of two coordinates
    here = {"lake.csv": "lake.csv", "lake.npz": "lake.npz", "lake.onnx": "lake.onnx", "page.html": "lake-report.html",
            "policy.npz": "chosen.npz"}  # fmt: skip
    for name, there in here.items():
        shutil.copy(folder / there, name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("safegrid: ")
    assert err.count("\n") == 1
    assert message in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("arguments", [["report", "lake.csv", "--fancy"], ["report", "lake.csv", "--columns", "state"]])
def test_an_option_that_does_not_exist_or_has_no_value_is_named(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert re.search(r"unrecognized arguments: --fancy|'state', expected NAME=VALUE", capsys.readouterr().err)


def test_an_interrupted_training_says_what_it_kept(folder, tmp_path, capsys, monkeypatch):
    from safegrid import agents

    fit, done = agents.fit, []

    def interrupted(*given, **told):
        if done:
            raise KeyboardInterrupt
        done.append(fit(*given, **told | {"progress": False}))

    monkeypatch.setattr(agents, "fit", interrupted)
    assert main(["train", str(folder / "lake.npz"), "--steps", "5", "--out", str(tmp_path)]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["bc-lake-seed42.npz"]
    assert f"kept {tmp_path / 'bc-lake-seed42.npz'}" in capsys.readouterr().err


def test_words_and_dates_are_read_as_in_python():
    desk = str(ROOT / "book" / "data" / "desk.csv")
    told = ["--columns", "episode=ticket", "step=time", "observations=annoyance,knowledge", "actions=reply",
            "rewards=points", "costs=complaint", "terminals=outcome", "--dates", "time=minutes", "--categories",
            "reply=ask,answer,handover", "outcome=open:0,solved:1,walked out:1"]  # fmt: skip
    assert read_log(_parser().parse_args(["report", desk, *told])) == sg.read_table(
        desk,
        {"episode": "ticket", "step": "time", "observations": ["annoyance", "knowledge"], "actions": "reply",
         "rewards": "points", "costs": "complaint", "terminals": "outcome"},
        categories={"reply": ["ask", "answer", "handover"], "outcome": {"open": 0, "solved": 1, "walked out": 1}},
        dates={"time": "minutes"},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["report", "train", "choose", "export"])
def test_help_has_examples_that_can_be_typed_and_says_what_comes_out(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    typed = re.findall(r"^  (python -m safegrid (?:.*\\\n)*.*)$", text.partition("examples:")[2], re.M)
    assert len(typed) >= 2
    for line in typed:
        _parser().parse_args(shlex.split(line.replace("\\\n", "").split("   ")[0])[3:])
    written = {"report": "LOG-report.html", "train": "saves the policies", "choose": "copied to --out",
               "export": "model card"}  # fmt: skip
    assert written[command] in " ".join(text.split())
    if command == "report":
        for role in ("observations", "actions", "rewards", "terminals", "timeouts", "costs", "episode", "step"):
            assert re.search(rf"^  .*\b{role}\b", text, re.M)
