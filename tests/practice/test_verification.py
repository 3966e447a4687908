"""A file that does not answer as its policy does is not written; what was there stays."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from example_policies import card_of

from safegrid.agents import create_discrete_cql, create_double_dqn, fit
from safegrid.answers import policy_table
from safegrid.practice import graph_files
from safegrid.practice.export import export_policy
from safegrid.practice.graphs import AgentGraph


def swapped(monkeypatch, change):
    """Files whose answers are changed on the way."""
    forward = AgentGraph.forward
    monkeypatch.setattr(AgentGraph, "forward", lambda graph, x: change(forward(graph, x)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out: out | {"actions": (out["actions"] + 1) % 4}, r"in row 0 of the log's distinct ones, \[.*\], the "
         r"file takes action \d in torch .*, expected the policy's \d; nothing was written"),
        (lambda out: out | {"values": out["values"] * 1.001}, r"in row \d+ .*the file has the values \[.*\] in torch"),
        (lambda out: out | {"values": out["values"] * torch.inf}, r"in row 0 .*the file has the values \["),
        (lambda out: {name: table[:1] for name, table in out.items()}, r"torch .* cannot run the file on 188 "
         r"observations \(ValueError: answers of shapes {'actions': \(1,\), .*nothing was written"),
    ],
)  # fmt: skip
def test_a_file_that_answers_otherwise_is_not_written_and_what_was_there_stays(
    change, message, agent, short_log, tmp_path, monkeypatch
):
    before = {}
    for older in (False, True):
        if older:
            export_policy(agent, tmp_path / "policy.pt")
            before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
            assert len(before) == 3
        with monkeypatch.context() as patched:
            swapped(patched, change)
            with pytest.raises(ValueError, match=message):
                export_policy(agent, tmp_path / "policy.pt", log=short_log)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_actions_may_differ_only_where_both_are_worth_the_same_and_the_card_counts_them(
    short_log, tmp_path, monkeypatch
):
    agent = create_double_dqn()
    fit(agent, short_log, 5, progress=False)
    last = agent.impl.modules.q_funcs[0]._fc
    with torch.no_grad():
        last.weight[1], last.bias[1] = last.weight[0], last.bias[0]
        last.bias[:2] += 100
        last.bias[1] -= 5e-5  # in scaled reward; the claims are 1000 in raw reward
    swapped(monkeypatch, lambda out: out | {"actions": torch.where(out["actions"] == 0, 1, out["actions"])})
    path = export_policy(agent, tmp_path / "policy.pt", log=short_log)
    seen = len(np.unique(short_log.observations, axis=0))
    assert card_of(path)["checked"]["ties"] == seen
    assert (
        f"but for {card_of(path)['checked']['ties']} where two are worth the same" in card_of(path)["checked"]["told"]
    )
    with torch.no_grad():
        last.bias[1] -= 0.1
    with pytest.raises(ValueError, match=r"the file takes action 1 in torch .*, expected the policy's 0"):
        export_policy(agent, tmp_path / "policy.pt", log=short_log)


def test_a_network_in_a_world_without_some_actions_is_refused_and_its_table_is_not(agent, worlds, tmp_path):
    mdp = worlds["original"].mdp
    usual = policy_table(agent, mdp).argmax(1)
    mask = np.ones((mdp.n_states, 4), bool)
    mask[7, usual[7]] = False
    narrow = replace(mdp, action_mask=mask)
    with pytest.raises(ValueError, match=r"in row 7 of the world's, .*export policy_table\(agent, mdp\)"):
        export_policy(agent, tmp_path / "policy.pt", observations=narrow)
    table = policy_table(agent, narrow)
    path = export_policy(table, tmp_path / "policy.pt", observations=narrow)
    answers = torch.jit.load(str(path))(torch.tensor(mdp.observations))
    np.testing.assert_array_equal(answers["actions"].numpy(), table.argmax(1))
    with pytest.raises(ValueError, match=r"policy in row 7 .*expected 0 for actions that do not exist there"):
        export_policy(np.eye(4)[usual], tmp_path / "policy.pt", observations=narrow)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("CQL", "every cell that its encoder takes"),
        ("double DQN on scaled numbers", "drawn at random"),
        ("NFQ", "drawn"),
    ],
)
def test_without_log_or_observations_a_file_is_held_against_what_its_encoder_takes(kind, source, policies, tmp_path):
    checked = card_of(export_policy(policies[kind][0], tmp_path / "policy.pt"))["checked"]
    assert source in checked["source"]
    assert checked["observations"] == (225 if kind == "CQL" else 1_024)


def test_an_encoder_of_more_cells_than_can_be_tried_is_tried_on_some(tmp_path):
    agent = create_discrete_cql(size=40)
    agent.create_impl((3,), 4)
    assert card_of(export_policy(agent, tmp_path / "policy.pt"))["checked"]["observations"] == 4_096


def test_without_onnxruntime_onnxs_own_reference_holds_the_file_against_the_policy(short_log, tmp_path, monkeypatch):
    found = graph_files.find_spec
    monkeypatch.setattr(graph_files, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    rows = np.unique(short_log.observations, axis=0)
    path = export_policy(np.full((len(rows), 4), 0.25), tmp_path / "policy.onnx", observations=rows)
    assert card_of(path)["checked"]["runtime"] == f"onnx {onnx.__version__}, reference"


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_a_package_that_is_missing_is_named(name, agent, tmp_path, monkeypatch):
    found = graph_files.find_spec
    monkeypatch.setattr(graph_files, "find_spec", lambda asked: None if asked == name else found(asked))
    with pytest.raises(ValueError, match=rf"path is policy.onnx, which needs {name}: pip install 'safegrid\[export\]'"):
        export_policy(agent, tmp_path / "policy.onnx")
    assert not list(tmp_path.iterdir())
