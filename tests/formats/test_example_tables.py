"""The example logs of the book are what their script writes, and are read as the worlds drove them."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from example_logs import columns

from safegrid.dataset import Episodes

ROOT = Path(__file__).parents[2]
DATA = ROOT / "book" / "data"
specification = importlib.util.spec_from_file_location("written_logs", ROOT / "benchmarks" / "example_logs.py")
written_logs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(written_logs)


@pytest.mark.parametrize("name", written_logs.LOGS)
def test_the_file_is_what_its_script_writes_byte_for_byte(name, tmp_path):
    written_logs.write(name, tmp_path)
    assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    assert (DATA / name).stat().st_size <= 400_000


def test_no_other_file_stands_there():
    assert {path.name for path in DATA.iterdir()} == {*written_logs.LOGS, "README.md"}


@pytest.fixture(scope="module")
def read():
    """The logs, as the page beside them says."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", (DATA / "README.md").read_text(), re.M | re.S)
    names = {}
    exec(code.replace("book/data", DATA.as_posix()), names)
    return names


@pytest.mark.parametrize("name", ["cart", "ward", "desk"])
def test_the_page_reads_what_was_driven(name, read):
    driven = getattr(written_logs, name)()
    hidden = ("next_observations", "states", "next_states")
    known = {key: column for key, column in columns(driven).items() if key not in hidden}
    assert read[name] == Episodes.from_arrays(**known, n_actions=driven.n_actions)
    assert read[name].n_episodes == driven.n_episodes - (driven.timeouts & (driven.lengths[driven.episode] == 1)).sum()
    assert 0.1 < read[name].harmful.mean() < 0.7


def test_the_page_counts_the_rows():
    text = (DATA / "README.md").read_text()
    for name in written_logs.LOGS:
        rows = len((DATA / name).read_text().splitlines()) - 1
        assert f"| `{name}` | {rows:,} |".replace(",", " ") in text


@pytest.mark.parametrize("name", ["ward", "desk"])
def test_who_knows_the_world_harms_less_and_earns_more_than_its_writer(name, monkeypatch):
    worlds = []
    monkeypatch.setattr(written_logs.sg, "sample_episodes", lambda mdp, policy, *_: worlds.append((mdp, policy)))
    getattr(written_logs, name)()
    ((mdp, habit),) = worlds
    best, rule = mdp.evaluate(mdp.optimal(0.99)), mdp.evaluate(habit)
    assert best.return_mean > rule.return_mean + 5
    assert best.hazard_rate < 0.75 * rule.hazard_rate
    assert np.all(mdp.observations[:, 0] <= written_logs.WORST)
