"""The house: what importing costs, who may import whom, and that every name is explained."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import safegrid

FLOORS = {
    "mdp": set(),
    "env": {"mdp"},
    "_d3rlpy": set(),
    "dataset": {"mdp", "_columnar", "_minari"},
    "_columnar": {"dataset", "_d3rlpy"},
    "_minari": {"dataset"},
    "_stack": {"mdp"},
    "agents": {"mdp", "dataset", "_d3rlpy", "_stack"},
    "evaluation": {"mdp", "dataset", "agents"},
    "_shards": {"mdp", "dataset", "agents", "_stack"},
    "sweep": {"mdp", "dataset", "agents", "evaluation", "_stack", "_shards"},
    "ope": {"mdp", "dataset", "_d3rlpy", "agents", "evaluation"},
    "tabular": {"mdp", "dataset"},
    "plots": {"mdp", "evaluation", "ope", "sweep"},
    "widgets": {"mdp", "env", "dataset", "tabular", "agents", "sweep", "plots", "figures.modules"},
    "__main__": {"mdp", "env", "dataset", "agents", "evaluation", "sweep", "plots"},
    "__init__": {"env"},
}
PACKAGE = Path(safegrid.__file__).parent


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, safegrid, gymnasium; gymnasium.make('SafeGrid-v0');"
        "print(sorted({'torch', 'd3rlpy', 'scipy', 'matplotlib', 'joblib', 'minari', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda p: p.stem)
def test_a_room_imports_only_from_floors_below(path):
    tree = ast.parse(path.read_text())
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1)
    inside = {name for node in imports for name in ([node.module] if node.module else [a.name for a in node.names])}
    assert inside <= FLOORS[path.stem]


@pytest.mark.parametrize("name", sorted(safegrid.__all__))
def test_every_public_name_resolves_and_is_explained(name):
    thing = getattr(safegrid, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert len(inspect.getdoc(thing)) > 20
