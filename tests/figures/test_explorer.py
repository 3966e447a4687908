"""What the explorer carries into the page, and how Python reads and sets it."""

import dataclasses
import gzip
import json

import ipywidgets
import numpy as np
import pytest
import traitlets
from example_worlds import MAZE

import safegrid as sg
from safegrid.figures.explorer import EXPLORER_LAYERS


def test_the_explorer_begins_at_the_book_s_own_weight(explorer):
    assert explorer.weight == 6.0
    assert (explorer.index, explorer.log, explorer.seed, explorer.layer) == (1, 0, 0, "visits")


def test_what_it_carries_is_the_sweep(explorer, sweep, crossroads):
    data, mdp = explorer.data, crossroads.mdp
    cube = sweep.q_values.shape
    live = ~mdp.terminal
    q = data["q_unit"] * np.array(data["q_values"]).reshape(cube)
    assert np.abs(q - sweep.q_values)[..., live, :].max() <= data["q_unit"] / 2 + 1e-6
    policies = np.array([list(map(int, digits)) for digits in data["policies"]]).reshape(cube[:-1])
    assert (policies == sweep.q_values.argmax(-1))[..., live].all()
    assert data["reward_scale"] == sweep.settings["reward_scale"]
    assert data["scores"]["return_mean"] == sweep.scores("return_mean").ravel().round(4).tolist()
    estimate = [row[0] for row in data["curves"]["hazard_rate"]]
    assert estimate == pytest.approx([i.estimate for i in sweep.curve("hazard_rate")], abs=1e-4)
    assert set(data["references"]) == {"optimum", "BC"}


def test_a_map_that_is_no_square_and_has_walls_is_carried_whole():
    env = sg.SafetyCriticalGridWorld(desc=MAZE)
    logs = [sg.generate_offline_episodes(env, 20, seed=0)]
    sweep = sg.train_sweep(logs, (0.0, 6.0), 1, 20, mdp=env.mdp, size=8, n_jobs=1, progress=False)
    world = sg.ConservatismExplorer(sweep, env.mdp, logs=logs).data["world"]
    assert np.reshape(world["cells"], (4, 8, 2))[3, 7].tolist() == [7, 3]
    nowhere = np.array(world["terminal"]) - world["hazard"] - world["goal"]
    assert "".join("W" if wall else "F" for wall in nowhere) == "".join(MAZE).replace("S", "F").replace("G", "F")


def test_it_is_plain_json_and_counts_the_log(explorer, logs, crossroads):
    data = json.loads(json.dumps(explorer.data, allow_nan=False))
    counts = np.array(data["counts"]).reshape(2, -1, 4)
    assert (counts[1] == sg.coverage(logs[1], crossroads.mdp).counts).all()


def test_a_page_of_the_book_s_own_size_stays_under_300_kilobytes(crossroads):
    """Ten weights × ten logs of noise, which packs worse than any trained network."""
    logs = [sg.generate_offline_episodes(crossroads, 20, seed=seed) for seed in range(10)]
    sweep = sg.train_sweep(logs, n_steps=10, mdp=crossroads.mdp, n_jobs=1, progress=False)
    data = sg.ConservatismExplorer(sweep, crossroads.mdp, logs=logs).data
    noise = np.random.default_rng(0).normal(0, 30, len(data["q_values"])) / data["q_unit"]
    data |= {"q_values": noise.astype(int).tolist()}
    assert len(gzip.compress(json.dumps(data).encode())) < 300_000


def test_python_sets_and_reads_the_weight(explorer):
    explorer.weight = 50.0
    assert (explorer.index, explorer.weight) == (2, 50.0)
    with pytest.raises(ValueError, match=r"weight is 7.0, expected one of \[0.0, 6.0, 50.0\]"):
        explorer.weight = 7.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("index", 3, r"index is 3, expected a whole number in 0…2"),
        ("log", -1, r"log is -1, expected a whole number in 0…1"),
        ("seed", 2, r"seed is 2, expected a whole number in 0…1"),
        ("layer", "height", f"layer is 'height', expected one of {', '.join(EXPLORER_LAYERS)}"),
        ("index", 1.5, "expected an int"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(explorer, name, value, message):
    before = getattr(explorer, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before


def test_without_logs_there_is_no_coverage(sweep, crossroads):
    bare = sg.ConservatismExplorer(sweep, crossroads.mdp)
    assert bare.data["counts"] is None
    with pytest.raises(traitlets.TraitError, match="layer is 'coverage'"):
        bare.layer = "coverage"
    with pytest.raises(ValueError, match="explorer has no logs to train on"):
        sg.train_button(bare)


def test_another_world_or_sweep_is_refused(sweep, logs, original, crossroads):
    blind = sg.train_sweep(logs[0], 6.0, n_steps=5, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match="trained without mdp, expected cql with mdp"):
        sg.ConservatismExplorer(blind, crossroads.mdp)
    with pytest.raises(ValueError, match="logs has 1 logs, expected 2"):
        sg.ConservatismExplorer(sweep, crossroads.mdp, logs=logs[:1])
    small = sg.SafetyCriticalGridWorld(size=5)
    with pytest.raises(ValueError, match="another world"):
        sg.ConservatismExplorer(sweep, small.mdp)
    line = sg.TabularMDP.from_dense(np.ones((1, 4, 1)), np.zeros((1, 4)), terminal=[False], start=[1.0], horizon=3)
    with pytest.raises(ValueError, match="mdp has 1 states and 4 actions, expected a SafetyCriticalGridWorld's"):
        sg.ConservatismExplorer(sweep, line)
    with pytest.raises(ValueError, match="mdp is another world"):
        sg.ConservatismExplorer(sweep, original.mdp)


def test_weights_must_rise_and_claims_be_finite(crossroads, logs, sweep):
    falling = sg.train_sweep(logs[0], (6.0, 0.0), n_steps=5, mdp=crossroads.mdp, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match=r"sweep.weights is \[6.0, 0.0\], expected weights that rise"):
        sg.ConservatismExplorer(falling, crossroads.mdp)
    lost = dataclasses.replace(sweep, q_values=np.full_like(sweep.q_values, np.nan))
    with pytest.raises(ValueError, match="claims that are not finite"):
        sg.ConservatismExplorer(lost, crossroads.mdp)


def test_another_sweep_can_be_shown(explorer, crossroads, logs):
    explorer.index, explorer.log = 2, 1
    explorer.sweep = sg.train_sweep(logs, (1.0, 2.0), n_steps=20, mdp=crossroads.mdp, n_jobs=1, progress=False)
    assert (explorer.index, explorer.log, explorer.seed) == (1, 1, 0)
    assert explorer.weight == 2.0
    assert explorer.data["weights"] == [1.0, 2.0]
    assert explorer.agent.config.alpha == pytest.approx(0.2)


def test_it_can_be_linked(explorer):
    slider = ipywidgets.IntSlider(max=2)
    ipywidgets.jslink((explorer, "index"), (slider, "value"))
    link = ipywidgets.link((explorer, "index"), (slider, "value"))
    slider.value = 2
    assert explorer.weight == 50.0
    link.unlink()
