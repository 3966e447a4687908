"""What tests of figures share: closed figures, a small sweep, and an explorer with all it needs."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

import safegrid as sg
from safegrid.dataset import generate_offline_episodes
from safegrid.sweep.training import train_clone_sweep, train_sweep

mpl.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def small_sweep(original):
    logs = [generate_offline_episodes(original, 20, seed=seed) for seed in (0, 1)]
    return train_sweep(
        logs, (0.0, 6.0), n_steps=20, mdp=original.mdp, score_interval=10, hidden_units=(8,), n_jobs=1, progress=False
    )


@pytest.fixture(scope="session")
def logs(crossroads):
    return [sg.generate_offline_episodes(crossroads, 60, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="session")
def sweep(crossroads, logs):
    return sg.train_sweep(logs, (0.0, 6.0, 50.0), 2, 60, mdp=crossroads.mdp, n_jobs=1, progress=False)


@pytest.fixture
def explorer(sweep, logs, crossroads):
    clones = sg.train_clone_sweep(logs, n_seeds=2, n_steps=60, mdp=crossroads.mdp, n_jobs=1, progress=False)
    references = {"optimum": crossroads.mdp.evaluate(crossroads.mdp.optimal(0.99))}
    return sg.ConservatismExplorer(sweep, crossroads.mdp, logs=logs, clones=clones, references=references)


@pytest.fixture
def story(sweep, logs, crossroads):
    return sg.WeightStory(sweep, crossroads.mdp, logs[0], crossroads.behaviour_policy(0.22), code="WEIGHT")


@pytest.fixture(scope="session")
def clones(logs, crossroads):
    return train_clone_sweep(logs, n_steps=60, mdp=crossroads.mdp, n_jobs=1, progress=False)


@pytest.fixture
def cards(sweep, clones, logs, crossroads):
    driver = crossroads.behaviour_policy(0.22)
    return sg.CoveredCards(crossroads.mdp, logs, sweep, clones, driver, code="import safegrid as sg")


@pytest.fixture(scope="session")
def pair(original):
    """The way of the optimum, and that of the log's favourites, which passes closer to hazards."""
    log = sg.generate_offline_episodes(original, 200, seed=1)
    return [original.mdp.optimal(0.99)], [sg.argmax_clone(log, original.mdp)]


@pytest.fixture
def headlines(original, pair):
    return sg.Headlines(original.mdp, *pair, code="import safegrid as sg")
