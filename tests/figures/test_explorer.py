"""What the figures carry into the page, and how Python reads and sets them."""

import base64
import dataclasses
import gzip
import io
import json

import ipywidgets
import nbclient
import nbformat
import numpy as np
import pytest
import traitlets
from PIL import Image

import safegrid as sg
from safegrid.figures.explorer import _LEARNING, _WORLD, EXPLORER_LAYERS, LIMITS, _presets

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def logs(crossroads):
    return [sg.generate_offline_episodes(crossroads, 60, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def sweep(crossroads, logs):
    return sg.train_sweep(logs, (0.0, 6.0, 50.0), 2, 60, mdp=crossroads.mdp, n_jobs=1, progress=False)


@pytest.fixture
def explorer(sweep, logs, crossroads):
    clones = sg.train_clone_sweep(logs, n_seeds=2, n_steps=60, mdp=crossroads.mdp, n_jobs=1, progress=False)
    references = {"optimum": crossroads.mdp.evaluate(crossroads.mdp.optimal(0.99))}
    return sg.ConservatismExplorer(sweep, crossroads.mdp, logs=logs, clones=clones, references=references)


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
    visits = np.array(data["visits"]).reshape(cube[:-1]) / 1000
    assert np.abs(visits[2, 1, 1] - mdp.occupancy(sweep.policies[2, 1, 1])).max() <= 5e-4
    assert data["scores"]["return_mean"] == sweep.scores("return_mean").ravel().round(4).tolist()
    estimate = [row[0] for row in data["curves"]["hazard_rate"]]
    assert estimate == pytest.approx([i.estimate for i in sweep.curve("hazard_rate")], abs=1e-4)
    assert set(data["references"]) == {"optimum", "BC"}


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


@pytest.mark.parametrize("make", ["explorer", "lab"])
def test_a_figure_brings_a_picture_for_where_no_script_runs(make, explorer):
    figure = explorer if make == "explorer" else sg.SafetyLab(n_episodes=20, n_steps=20)
    data, _ = figure._repr_mimebundle_()
    assert data[WIDGET]["model_id"] == figure.model_id
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        assert min(picture.size) > 250


def test_a_figure_before_all_others_does_not_keep_a_notebook_from_showing_them():
    """In a fresh kernel whose first picture is a widget's, what pyplot draws next is shown."""
    cells = (
        "import safegrid as sg; lab = sg.SafetyLab(n_episodes=20, n_steps=20); lab",
        "import matplotlib.pyplot as plt; plt.plot([0, 1]);",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(notebook, timeout=300).execute()
    assert ["image/png" in o.data for cell in notebook.cells for o in cell.outputs] == [True, True]


def test_training_again_shows_the_new_agent(explorer, logs, crossroads):
    panel = sg.train_button(explorer, n_steps=20)
    *_, button = panel.children[1].children
    before = explorer.data
    button.click()
    agent = sg.create_discrete_cql(conservative_weight=6.0)
    sg.fit(agent, sg.build_mdpdataset(logs[0]), 20, seed=0, progress=False)
    score = crossroads.mdp.evaluate(sg.policy_table(agent, crossroads.mdp))
    cube = np.array(explorer.data["scores"]["return_mean"]).reshape(3, 2, 2)
    assert cube[1, 0, 0] == pytest.approx(score.return_mean)
    changed = np.array(before["scores"]["return_mean"]).reshape(cube.shape) != cube
    assert changed.sum() <= 1
    shown = np.array(explorer.data["q_values"]).reshape(3, 2, 2, -1, 4)[1, 0, 0] * explorer.data["q_unit"]
    live = ~crossroads.mdp.terminal
    assert np.abs(shown - sg.q_table(agent, crossroads.mdp))[live].max() <= explorer.data["q_unit"] / 2 + 1e-6
    assert not button.disabled
    assert explorer.agent is not explorer.sweep.agent(6.0)
    assert (sg.q_table(explorer.agent, crossroads.mdp) == sg.q_table(agent, crossroads.mdp)).all()
    explorer.log = 1
    assert np.allclose(
        sg.q_table(explorer.agent, crossroads.mdp)[live], explorer.sweep.q_values[1, 1, 0][live], atol=1e-4
    )


def test_training_the_whole_sweep_again_replaces_it(explorer):
    panel = sg.train_button(explorer, n_steps=10, reward_scale=0.05)
    what, (_, scale, button) = panel.children[0], panel.children[1].children
    what.index = 1
    button.click()
    assert explorer.sweep.settings["n_steps"] == 10
    assert explorer.sweep.settings["reward_scale"] == scale.value == 0.05
    assert explorer.sweep.q_values.shape[:3] == (3, 2, 2)


def test_a_laboratory_is_the_package(crossroads):
    lab = sg.SafetyLab(n_episodes=80, seed=7, conservative_weight=3.0, reward_scale=1.0, n_steps=None)
    study = lab.study()
    assert study.env.desc == crossroads.desc
    assert study.log.n_episodes == 80
    again = sg.sample_episodes(crossroads.mdp, crossroads.behaviour_policy(0.22), 80, sg.portable_rng(7))
    assert (study.log.states == again.states).all()
    assert (study.q_values == sg.tabular_cql(again, crossroads.mdp, 3.0, reward_scale=1.0)).all()
    assert (study.clone == sg.argmax_clone(again, crossroads.mdp)).all()


def test_a_laboratory_begins_in_the_world_it_is_given():
    env = sg.SafetyCriticalGridWorld(size=5, slip_prob=0.2, goal_reward=7.0)
    lab = sg.SafetyLab(env, driver="expert")
    assert (lab.desc, lab.slip_prob, lab.goal_reward, lab.driver) == (list(env.desc), 0.2, 7.0, "expert")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 2.0}, "epsilon is 2.0, expected a number in 0…1"),
        ({"epsilon": np.nan}, "epsilon is nan"),
        ({"n_episodes": 0}, "n_episodes is 0, expected a number in 1…2000"),
        ({"n_steps": 10**6}, "n_steps is 1000000, expected a number in 1…5000"),
        ({"driver": "drunk"}, "driver"),
        ({"reward_scale": 0.0}, "reward_scale is 0.0, expected a number in 0.001…10"),
        ({"desc": ["S" + "F" * 20] + ["F" * 21] * 19 + ["F" * 20 + "G"]}, "desc has 21 rows, expected 2…20"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings, message):
    with pytest.raises(traitlets.TraitError, match=message):
        sg.SafetyLab(**settings)


def test_an_unknown_setting_and_a_broken_map_are_named():
    with pytest.raises(TypeError, match="unknown setting 'weight', expected one of desc"):
        sg.SafetyLab(weight=1.0)
    with pytest.raises(ValueError, match="desc row 0 is 'SX': unknown letter 'X'"):
        sg.SafetyLab(desc=["SX", "FG"])


def test_every_limit_belongs_to_a_setting():
    assert {name for name in LIMITS if name != "size"} <= set(sg.SafetyLab.class_trait_names())


@pytest.fixture(scope="module")
def lessons():
    """Preset → exact score of the clone and of CQL, what CQL claims, and what its policy is worth."""
    found = {}
    for preset in _presets():
        study = sg.SafetyLab(**preset["settings"]).study()
        mdp = study.env.mdp
        claimed, true = mdp.start @ study.q_values.max(1), mdp.start @ mdp.values(study.policy, 0.99)[0]
        best = mdp.start @ mdp.values(mdp.optimal(0.99), 0.99)[0]
        found[preset["name"]] = mdp.evaluate(study.clone), mdp.evaluate(study.policy), claimed, true, best
    return found


def test_every_preset_brings_its_whole_laboratory():
    for preset in _presets():
        assert set(preset["settings"]) == set(_WORLD) | set(_LEARNING)


def test_the_presets_teach_what_they_say(lessons):
    clone, cql, *_ = lessons["habit kills a clone"]
    assert clone.hazard_rate > 0.5 > 0.01 > cql.hazard_rate
    _, cql, claimed, true, best = lessons["no weight, thin log"]
    assert claimed > best > true + 5
    clone, cql, *_ = lessons["too much weight"]
    assert cql.hazard_rate == pytest.approx(clone.hazard_rate, abs=0.01)
    _, cql, claimed, true, _ = lessons["a lower bound"]
    assert cql.return_mean > 18
    assert claimed < true
    clone, cql, claimed, true, best = lessons["small scale, large weight"]
    assert cql.return_mean > clone.return_mean + 100
    assert claimed > 10 * best
    clone, cql, *_ = lessons["an expert's log"]
    assert clone.return_mean == pytest.approx(cql.return_mean, abs=0.2)
    clone, cql, *_ = lessons["the original world"]
    assert 0 < cql.return_mean - clone.return_mean < 10
    clone, cql, *_ = lessons["the edge of a cliff"]
    assert cql.hazard_rate == pytest.approx(clone.hazard_rate, abs=0.03)
    settings = next(preset["settings"] for preset in _presets() if preset["name"] == "the edge of a cliff")
    bold = sg.SafetyLab(**settings | {"conservative_weight": 0.0}).study()
    assert bold.env.mdp.evaluate(bold.policy).hazard_rate < cql.hazard_rate / 3
    clone, cql, *_ = lessons["one door"]
    assert 2 * cql.hazard_rate < clone.hazard_rate
    assert cql.goal_rate > clone.goal_rate + 0.1
