"""The runs that the book compares settings by: all there, each scored by what it does in every cell."""

import csv
from pathlib import Path

import numpy as np
import pytest

from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.sweep.training import train_sweep

RESULTS = Path(__file__).parents[1] / "book" / "results" / "settings.csv"
SETTINGS = {
    "default", "last weights", "steps × 2", "steps × 4", "reward scale ÷ 2", "reward scale × 2", "sync × 4",
    "sync × 4, steps × 4", "decaying rate", "scaled coordinates", "raw coordinates",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_setting_stands_there_once_a_map_with_twenty_runs(rows):
    found = [(row["map"], row["setting"]) for row in rows]
    assert sorted(found) == sorted((name, setting) for name in ("crossroads", "original") for setting in SETTINGS)
    assert {len(row[field].split()) for row in rows for field in ("return_mean", "overestimate", "actions")} == {20}


def test_every_run_scores_what_its_actions_are_worth(rows):
    worlds = {name: SafetyCriticalGridWorld(map_name=name).mdp for name in ("crossroads", "original")}
    for row in rows:
        for i in (0, 13):
            score = worlds[row["map"]].evaluate(np.eye(4)[[int(digit) for digit in row["actions"].split()[i]]])
            assert score.return_mean == pytest.approx(float(row["return_mean"].split()[i]), abs=0.006)
            assert score.hazard_rate == pytest.approx(float(row["hazard_rate"].split()[i]), abs=6e-6)


def test_the_default_trained_again_scores_as_the_file_says(rows):
    env = SafetyCriticalGridWorld(map_name="crossroads")
    sweep = train_sweep(generate_offline_episodes(env, seed=0), (6.0,), 2, 2_400, mdp=env.mdp, progress=False)
    (row,) = [row for row in rows if (row["map"], row["setting"]) == ("crossroads", "default")]
    for score, tolerance in (("overestimate", 1.0), ("return_mean", 3.0), ("hazard_rate", 0.03)):
        told = np.array(row[score].split()[:2], float)
        assert sweep.scores(score).ravel() == pytest.approx(told, abs=tolerance), score
