"""The runs that the book judges hazard by: all there, and what their settings give."""

import csv
from pathlib import Path

import numpy as np
import pytest

from safegrid.dataset import generate_offline_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.sweep.training import DEFAULT_WEIGHTS, train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "hazards.csv"


@pytest.fixture(scope="module")
def rows():
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_agent_stands_there_with_forty_runs_at_five_stopping_times(rows):
    found = {tuple(row[key] for key in ("agent", "map", "first_log", "sync", "weight", "steps")) for row in rows}
    assert len(found) == len(rows)
    wanted = {("CQL", m, "100", "100", str(w), str(t)) for m in MAPS for w in DEFAULT_WEIGHTS for t in TIMES}
    wanted |= {
        ("CQL", m, f, s, "6.0", str(t)) for m in MAPS for f in ("0", "100") for s in ("100", "50", "25") for t in TIMES
    }
    wanted |= {("BC", m, "100", "0", "0.0", str(t)) for m in MAPS for t in TIMES}
    assert found == wanted
    for row in rows:
        assert len(row["hazard_rate"].split()) == 40
        assert 0 <= min(map(float, row["hazard_rate"].split())) <= max(map(float, row["hazard_rate"].split())) <= 1


TIMES = (2400, 3000, 3600, 4200, 4800)


def test_the_first_networks_of_a_cell_trained_again_score_as_the_file_says(rows):
    env = SafetyCriticalGridWorld(map_name="crossroads")
    log = generate_offline_episodes(env, seed=100)
    sweep = train_sweep(log, (6.0,), 4, 2_400, mdp=env.mdp, seed=100, progress=False)
    key = {"agent": "CQL", "map": "crossroads", "first_log": "100", "sync": "100", "weight": "6.0", "steps": "2400"}
    (row,) = [row for row in rows if key.items() <= row.items()]
    for score, tolerance in (("claimed_value", 1.0), ("return_mean", 3.0), ("hazard_rate", 0.03)):
        told = np.array(row[score].split()[:4], float)
        assert sweep.scores(score).ravel() == pytest.approx(told, abs=tolerance), score
