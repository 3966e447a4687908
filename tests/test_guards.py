"""The guards and monitors that the book judges: all there, and what their settings and seeds give."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from safegrid.env import MAPS
from safegrid.sweep.training import train_sweep

ROOT = Path(__file__).parents[1]
specification = importlib.util.spec_from_file_location("guards", ROOT / "benchmarks" / "guard.py")
guards = importlib.util.module_from_spec(specification)
specification.loader.exec_module(guards)


def rows(file):
    path = ROOT / "book" / "results" / file
    assert path.stat().st_size <= 100_000
    with path.open(newline="") as found:
        return list(csv.DictReader(found))


@pytest.fixture(scope="module")
def judged():
    return {(row["map"], row["first_log"], row["world"], row["guard"]): row for row in rows("guard.csv")}


@pytest.fixture(scope="module")
def heard():
    return {(row["map"], row["world"], row["policy"], row["test"]): row for row in rows("monitor.csv")}


def test_every_guard_stands_there_with_ten_logs_in_every_world(judged):
    wanted = {(m, "0", "none", guard) for m in MAPS for guard, _ in guards.guards("choose", m)}
    wanted |= {(m, "100", w, guard) for m in MAPS for w in guards.SHIFTS for guard, _ in guards.guards("report", m)}
    assert set(judged) == wanted
    for row in judged.values():
        assert {len(row[field].split()) for field in ("return_mean", "hazard_rate", *guards.KINDS)} == {10}
        shares = np.array([row[field].split() for field in guards.KINDS], float)
        assert ((shares >= 0) & (shares <= 1)).all()


def test_the_more_evidence_is_wanted_the_more_the_guard_decides_until_all_is_the_clones(judged):
    for name in MAPS:
        of_map = [judged[name, "100", "none", f"evidence {n}"] for n in (1, 2, 5, 20, 50)]
        episodes = [np.array(row["fallback_episodes"].split(), float) for row in of_map]
        assert (np.diff(episodes, axis=0) >= -1e-2).all()
        assert set(judged[name, "100", "none", "CQL"]["fallback_steps"].split()) == {"0"}
        assert set(judged[name, "100", "slip", "clone"]["fallback_episodes"].split()) == {"1"}


def test_the_networks_of_a_log_trained_and_guarded_again_score_as_the_file_says(judged):
    sweep = train_sweep(guards.log_of("crossroads", 100), (6.0,), 4, 2_400, mdp=guards.world("crossroads").mdp,
                        seed=100, progress=False)  # fmt: skip
    for shift in ("none", "hazards"):
        for called, guard in guards.guards("report", "crossroads", shift):
            found = guard(sweep.q_values[0, 0].astype(float), guards.log_of("crossroads", 100))
            hazards = [one.score(guards.world("crossroads", shift).mdp).score.hazard_rate for one in found]
            told = float(judged["crossroads", "100", shift, called]["hazard_rate"].split()[0])
            assert np.mean(hazards) == pytest.approx(told, abs=0.03)
            if called == "clone":  # which no training touches
                assert np.mean(hazards) == pytest.approx(told, rel=1e-3)


def test_every_monitor_stands_there_with_its_runs(heard):
    worlds, policies = (*guards.SHIFTS, "later"), ("CQL", "clone")
    found = {(*key[:3],) for key in heard}
    assert found == {(m, w, p) for m in MAPS for w in worlds for p in policies}
    assert len(heard) == len(found) * len({key[3] for key in heard})
    for row in heard.values():
        alarms = np.array(row["alarms"].split(), int)
        assert len(alarms) == guards.LOGS * guards.RUNS
        assert ((alarms >= 0) & (alarms <= int(row["episodes"]))).all()


def test_the_clones_monitors_of_a_log_sound_again_when_the_file_says(heard):
    for row in guards.monitors("rooms", None, ("hazards", "slip"), ("clone",), logs=1):
        name, shift, kind, test, _, alarms = row
        assert heard[name, shift, kind, test]["alarms"].split()[: guards.RUNS] == alarms.split()
