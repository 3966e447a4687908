"""The results that chapter 08 reads are what its script computes: checksums, scores, and a run's beginning again."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
specification = importlib.util.spec_from_file_location("audit", ROOT / "benchmarks" / "audit.py")
assert specification
assert specification.loader
audit = importlib.util.module_from_spec(specification)
specification.loader.exec_module(audit)


@pytest.fixture(scope="module")
def record():
    return json.loads(audit.RESULTS.read_text())


def test_nobody_has_touched_the_results(record):
    assert record["sha256"] == audit.checksum(record["stages"])
    assert record["log"]["sha256"] == audit.log_checksum(audit.published_log())


@pytest.mark.parametrize("stage", audit.STAGES)
def test_every_stage_is_there_with_the_settings_of_the_script(record, stage):
    kept, asked = record["stages"][stage], audit.STAGES[stage]
    shown = kept["settings"] | {
        "n_seeds": len(kept["seeds"]), "seed": kept["seeds"][0], "score_interval": kept["steps"][0],
        "hidden_units": tuple(kept["settings"]["hidden_units"]), "betas": (kept["settings"]["weight"],),
        "conservative_weights": (kept["settings"]["weight"],),
    }  # fmt: skip
    assert {name: shown[name] for name in asked} == asked
    assert kept["steps"][-1] == kept["settings"]["n_steps"]
    assert np.shape(kept["return_mean"]) == (len(kept["steps"]), len(kept["seeds"]))


@pytest.mark.parametrize("stage", audit.STAGES)
def test_every_networks_last_score_is_that_of_its_policy(record, stage, original):
    kept = record["stages"][stage]
    for k, actions in enumerate(kept["policies"]):
        score = original.mdp.evaluate(np.eye(4)[list(map(int, actions))])
        assert score.return_mean == pytest.approx(kept["return_mean"][-1][k], abs=1e-3)
        assert score.hazard_rate == pytest.approx(kept["hazard_rate"][-1][k], abs=1e-6)


@pytest.mark.parametrize("stage", audit.STAGES)
def test_a_network_trained_again_begins_the_same(record, stage):
    assert audit.beginning(stage) == pytest.approx(record["stages"][stage]["beginning"], abs=2e-3)


@pytest.mark.parametrize("stage", ["written", "recipe"])
def test_and_claims_the_same_at_the_first_score(record, stage):
    kept = record["stages"][stage]
    n = kept["steps"][0]
    again = audit.train(stage, n_seeds=1, n_steps=n, score_interval=n, n_jobs=1, progress=False)
    # rounding grows with the steps, and depends on how many networks are trained side by side
    assert again.history["claimed_value"].ravel()[0] == pytest.approx(kept["claimed_value"][0][0], abs=0.05)


def test_no_two_stages_begin_alike(record):
    beginnings = {stage: tuple(kept["beginning"]) for stage, kept in record["stages"].items()}
    assert len(set(beginnings.values())) == len(beginnings)
