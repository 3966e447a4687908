"""A saved agent is whole and holds what it declares, or it is refused; a stranger's runs nothing."""

import json
import os

import numpy as np
import pytest
import torch

from safegrid.agents import DivergedError, create_discrete_cql, fit, load_agent, save_agent, trained_network
from safegrid.dataset import build_mdpdataset
from safegrid.files.npz import write_npz


@pytest.fixture(scope="module")
def data(log):
    return build_mdpdataset(log)


def trained(agent, data, n_steps):
    fit(agent, data, n_steps, progress=False)
    return agent


def test_a_strangers_file_runs_nothing(tmp_path, data):
    marker = tmp_path / "opened"

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    good = dict(np.load(save_agent(trained(create_discrete_cql(), data, 1), tmp_path / "good.npz")))
    name = next(key for key in good if key != "header")
    np.savez(tmp_path / "trap.npz", **good | {name: np.array([Trap()], object)})
    with pytest.raises(ValueError, match="pickled or another file"):
        load_agent(tmp_path / "trap.npz")
    assert not marker.exists()


def test_a_broken_file_is_refused(tmp_path, data, log):
    path = save_agent(trained(create_discrete_cql(), data, 1), tmp_path / "agent.npz")
    parts = dict(np.load(path))
    (tmp_path / "half.npz").write_bytes(path.read_bytes()[:2_000])
    np.savez(tmp_path / "less.npz", **dict(list(parts.items())[:-1]))
    np.savez(tmp_path / "odd.npz", header=np.array(json.dumps({"format": "safegrid-agent-1", "d3rlpy": {"type": "?"}})))
    for name, message in (("half.npz", "cut short"), ("less.npz", "whole agent"), ("odd.npz", "whole agent")):
        with pytest.raises(ValueError, match=message):
            load_agent(tmp_path / name)
    with pytest.raises(ValueError, match="format is 'safegrid-episodes-1', expected 'safegrid-agent-1'"):
        load_agent(log.save(tmp_path / "log.npz"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda learner, weights: learner["encoder_factory"]["params"].update(hidden_units=[10**9]), "of shapes"),
        (lambda learner, weights: learner["encoder_factory"]["params"].update(hidden_units=[64] * 10**5), "arrays of"),
        (lambda learner, weights: learner.update(n_critics=10**9), "networks of 2 layers"),
        (lambda learner, weights: next(iter(weights.values())).fill(np.nan), "weights that are not finite"),
    ],
)
def test_an_agent_that_declares_what_it_does_not_hold_is_refused_before_it_is_made(spoil, message, tmp_path, data):
    path = save_agent(trained(create_discrete_cql(), data, 1), tmp_path / "agent.npz")
    with np.load(path) as file:
        weights = dict(file)
    header = json.loads(str(weights.pop("header")))
    spoil(header["d3rlpy"]["config"]["params"], weights)
    write_npz(path, json.dumps(header), weights)
    with pytest.raises(ValueError, match=f"agent.npz: does not hold a whole agent.*{message}"):
        load_agent(path)


def test_an_agent_that_diverged_is_not_saved(tmp_path, data):
    agent = trained(create_discrete_cql(), data, 1)
    with torch.no_grad():
        next(trained_network(agent).parameters()).fill_(torch.nan)
    with pytest.raises(DivergedError, match=r"has diverged: .* holds weights that are not finite"):
        save_agent(agent, tmp_path / "agent.npz")
    assert not list(tmp_path.iterdir())


def test_an_agent_is_saved_whole_or_not_at_all(tmp_path, data):
    agent = trained(create_discrete_cql(), data, 1)
    with pytest.raises(OSError, match="cannot write"):
        save_agent(agent, tmp_path / "missing" / "agent.npz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="never trained"):
        save_agent(create_discrete_cql(), tmp_path / "agent.npz")
