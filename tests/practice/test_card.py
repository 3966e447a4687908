"""The card beside an exported policy, and what stands in the file itself."""

import hashlib
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from example_policies import card_of

import safegrid
from safegrid.answers import policy_table
from safegrid.evaluation import score_agent
from safegrid.intervals import Interval
from safegrid.practice.card import FORMAT
from safegrid.practice.export import export_policy
from safegrid.scores import PolicyScore

ROOT = Path(safegrid.__file__).parents[1]


@pytest.fixture(scope="module")
def exported(agent, short_log, worlds, tmp_path_factory):
    """A policy in ONNX, with all that a card can say."""
    score, folder = score_agent(agent, worlds["original"].mdp, n_episodes=50), tmp_path_factory.mktemp("card")
    return export_policy(
        agent, folder / "policy.onnx", log=short_log, licence="MIT", date="2026-01-31", limits=["Not for roads."],
        scores={"exact": score.exact, "sampled": score.sampled, "by a model": Interval(1.0, 0.5, np.nan), "claim": 3},
    )  # fmt: skip


def test_the_graph_is_small_checked_and_says_where_it_comes_from(exported, short_log):
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert len(model.graph.node) < 60
    assert {p.key: p.value for p in model.metadata_props} == {
        "format": "safegrid-policy-1", "safegrid": safegrid.__version__, "policy": "DiscreteCQL",
        "log": short_log.fingerprint, "licence": "MIT",
    }  # fmt: skip
    shapes = {
        put.name: [d.dim_param or d.dim_value for d in put.type.tensor_type.shape.dim]
        for put in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"observations": ["batch", 2], "actions": ["batch"], "values": ["batch", 4]}


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
def test_no_file_says_where_on_whose_disk_it_was_made(suffix, exported, agent, short_log, tmp_path):
    path = exported if suffix == ".onnx" else export_policy(agent, tmp_path / "policy.pt", log=short_log)
    for file in path.parent.iterdir():
        raw = file.read_bytes()
        assert not [place for place in (str(ROOT), str(path.parent), "site-packages", '.py"') if place.encode() in raw]
    assert len(list(path.parent.iterdir())) == 3


def test_torchscript_holds_no_trace_of_lines_and_says_where_it_comes_from(agent, short_log, tmp_path):
    path, extra = export_policy(agent, tmp_path / "policy.pt", log=short_log), {"safegrid.json": ""}
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".debug_pkl")]
    torch.jit.load(str(path), _extra_files=extra)
    about = json.loads(extra["safegrid.json"])
    assert (about["format"], about["log"]) == (FORMAT, short_log.fingerprint)


def test_the_card_says_what_the_file_is_what_it_learned_from_and_what_is_known(exported, short_log, agent):
    card = card_of(exported)
    raw = exported.read_bytes()
    assert card["file"] == {"name": "policy.onnx", "kind": "ONNX, opset 18", "bytes": len(raw),
                            "sha256": hashlib.sha256(raw).hexdigest()}  # fmt: skip
    assert (card["log"]["fingerprint"], card["log"]["steps"]) == (short_log.fingerprint, len(short_log))
    assert (card["licence"], card["date"]) == ("MIT", "2026-01-31")
    assert card["settings"]["alpha"] == agent.config.alpha
    assert set(card["versions"]) == {
        "python", "safegrid", "numpy", "torch", "d3rlpy", "onnx", "onnxscript", "onnxruntime"
    }  # fmt: skip
    assert {put["name"]: put["shape"] for put in card["outputs"]} == {"actions": ["batch"], "values": ["batch", 4]}
    assert "raw reward" in card["outputs"][1]["meaning"]
    scores = card["scores"]
    assert scores["exact"]["return_mean"].keys() == {"value"}
    assert scores["sampled"]["hazard_rate"].keys() == {"value", "low", "high"}
    assert scores["sampled"]["n_episodes"] == 50
    assert scores["claim"] == {"estimate": {"value": 3.0}}
    assert card["checked"]["runtime"].startswith("onnxruntime ")
    assert card["checked"]["ties"] == 0
    assert card["limits"][-1] == "Not for roads."


def test_the_card_counts_what_the_log_does_not_cover(exported, short_log, agent):
    log, limits = card_of(exported)["log"], " ".join(card_of(exported)["limits"])
    pairs = {(*o, a) for o, a in zip(short_log.observations.tolist(), short_log.actions.tolist(), strict=True)}
    seen = np.array(sorted({pair[:2] for pair in pairs}), np.float32)
    actions = policy_table(agent, seen).argmax(1)
    strange = sum((*o, a) not in pairs for o, a in zip(seen.tolist(), actions.tolist(), strict=True))
    assert (log["observations"], log["pairs"], log["tried_pairs"]) == (len(seen), 4 * len(seen), len(pairs))
    assert log["untried_actions_taken"] == strange > 0
    assert f"In {strange} of these observations the policy takes an action that the log never took there." in limits
    assert log["unanswered"] == 0


def test_people_read_the_same_in_words(exported, short_log):
    text = exported.with_name("policy.onnx.md").read_text(encoding="utf-8")
    card = card_of(exported)
    for said in (
        card["file"]["sha256"],
        short_log.fingerprint,
        "MIT",
        "2026-01-31",
        "Not for roads.",
        card["checked"]["told"],
    ):
        assert said in text
    assert re.search(r"\| sampled +\| hazard rate +\| +[\d.]+% \[", text)
    assert text.startswith("# Policy: DiscreteCQL\n")


def test_a_table_on_a_logs_observations_has_no_answer_elsewhere(short_log, tmp_path):
    rows = np.unique(short_log.observations, axis=0)[:-3]
    table = np.random.default_rng(0).dirichlet(np.ones(4), len(rows))
    path = export_policy(table, tmp_path / "policy.pt", observations=rows, log=short_log)
    assert card_of(path)["log"]["unanswered"] == 3
    assert "In 3 of these observations the policy has no answer." in card_of(path)["limits"]
    assert card_of(path)["policy"] == "table"
    assert "draw an action from its probabilities" in " ".join(card_of(path)["limits"])
    sure = export_policy(np.eye(4)[table.argmax(1)], path, observations=rows)
    assert "draw" not in " ".join(card_of(sure)["limits"])


def test_a_score_without_a_number_is_null_in_the_card(agent, tmp_path):
    score = PolicyScore(1.0, 0.5, 0.0, 1.0, 0.0, 7.0, np.nan)
    path = export_policy(agent, tmp_path / "policy.pt", scores={"exact": score})
    assert card_of(path)["scores"]["exact"]["return_cvar"] == {"value": None}
    assert "| nan" in path.with_name("policy.pt.md").read_text()
