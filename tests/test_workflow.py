"""The runs by which the field guide judges the signals of training: all there, and what their settings give."""

import csv
from pathlib import Path

import numpy as np
import pytest

from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.ope import log_model
from safegrid.sweep.training import train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "workflow.csv"
CHANGED = ("4 hidden units", "raw coordinates", "sync every 400", "50 episodes")


@pytest.fixture(scope="module")
def rows():
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_agent_stands_there_on_ten_logs_at_eight_stopping_times(rows):
    found = {tuple(row[key] for key in ("map", "first_log", "setting", "weight", "acts_by", "steps")) for row in rows}
    assert len(found) == len(rows)
    agents = [("recipe", weight) for weight in ("0.0", "1.0", "6.0", "20.0", "200.0")] + [(s, "6.0") for s in CHANGED]
    assert found == {
        (name, first, *agent, kind, str(steps)) for name in MAPS for first in ("0", "100") for agent in agents
        for kind in ("average", "last weights") for steps in range(1_200, 9_601, 1_200)
    }  # fmt: skip
    for row in rows:
        hazard = [float(x) for x in row["hazard_rate"].split()]
        assert len(hazard) == 10
        assert 0 <= min(hazard) <= max(hazard) <= 1


def test_the_first_agent_trained_again_shows_the_signals_that_the_file_says(rows):
    env, seen = SafetyCriticalGridWorld(map_name="crossroads"), []
    log = generate_offline_episodes(env, seed=100)
    train_sweep(log, (6.0,), 1, 1_200, mdp=env.mdp, seed=100, watch=lambda *one: seen.append(one), progress=False)
    (_, *claims), key = seen[0], {"map": "crossroads", "first_log": "100", "setting": "recipe", "weight": "6.0"}
    for kind, of_kind in zip(("average", "last weights"), claims, strict=True):
        (row,) = (r for r in rows if (key | {"acts_by": kind, "steps": "1200"}).items() <= r.items())
        told = {name: float(row[name].split()[0]) for name in row if name not in (*key, "acts_by", "steps")}
        q = of_kind[0, 0, 0].astype(float)
        policy = np.eye(4)[q.argmax(1)]
        error = 0.1 * (q[log.states, log.actions] - log.rewards - 0.99 * ~log.terminals * q[log.next_states].max(1))
        cost = np.log(np.exp(0.1 * q[log.states]).sum(1)) - 0.1 * q[log.states, log.actions]
        assert q[log.states, log.actions].mean() == pytest.approx(told["claim"], abs=0.5)
        loss = np.where(np.abs(error) < 1, error**2 / 2, np.abs(error) - 0.5)
        assert loss.mean() == pytest.approx(told["td_loss"], abs=0.02)
        assert cost.mean() == pytest.approx(told["conservative_loss"], abs=0.02)
        assert env.mdp.evaluate(policy).return_mean == pytest.approx(told["return_mean"], abs=3.0)
        assert log_model(log, env.mdp.n_states, unseen=-100.0).value(policy) == pytest.approx(told["model"], abs=15.0)
