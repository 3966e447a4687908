"""A log's report in a browser: light and dark, on a desk and on a telephone."""

import numpy as np
import pytest
from conftest import axe

import safegrid as sg


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    log = sg.generate_offline_episodes(env, 300, seed=0)
    rewards = np.where(np.isin(np.arange(len(log)), [50, 500, 5000]), 1e5, log.rewards)
    columns = {name: getattr(log, name) for name in ("observations", "actions", "terminals", "timeouts", "costs")}
    spoiled = sg.Episodes.from_arrays(**columns, rewards=rewards, next_observations=log.next_observations, n_actions=4)
    return sg.report(spoiled).save(tmp_path_factory.mktemp("report") / "report.html")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_nothing_overflows_and_nothing_is_asked_for(browser, page, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    visit, asked, complaints = context.new_page(), [], []
    visit.on("request", lambda request: asked.append(request.url))
    visit.on("console", lambda message: complaints.append(message.text))
    visit.goto(page.as_uri())
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(visit, "html") == {}
    dark = visit.evaluate("getComputedStyle(document.body).color") != "rgb(26, 29, 33)"
    assert dark == (scheme == "dark")
    ink = visit.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    assert ink == visit.evaluate("getComputedStyle(document.body).color")
    assert asked == [page.as_uri()]
    assert complaints == []
    context.close()
