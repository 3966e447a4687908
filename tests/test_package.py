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
    "figures.__init__": set(),
    "figures.style": set(),
    "figures.marks": {"mdp", "figures.style"},
    "figures.board": {"mdp", "env", "figures.style", "figures.marks"},
    "figures.episodes": {"mdp", "figures.style"},
    "figures.lines": {"mdp", "evaluation", "figures.style"},
    "figures.runs": {"mdp", "evaluation", "figures.style"},
    "figures.comparisons": {"evaluation", "figures.style", "figures.runs"},
    "figures.sensitivity": {"mdp", "evaluation", "figures.style"},
    "figures.sweeps": {"mdp", "sweep", "figures.style", "figures.lines"},
    "figures.tables": {"mdp", "figures.style"},
    "figures.training": {"sweep", "figures.style"},
    "figures.estimates": {"evaluation", "ope", "figures.style", "figures.runs"},
    "figures.touchable": set(),
    "figures.explorer_data": {"mdp", "dataset", "sweep"},
    "figures.explorer": {
        "mdp", "dataset", "agents", "sweep", "figures.board", "figures.explorer_data", "figures.touchable",
    },
    "figures.lessons": {"env"},
    "figures.laboratory": {
        "mdp", "env", "dataset", "tabular", "figures.board", "figures.lessons", "figures.touchable",
    },
    "figures.training_panel": {"dataset", "agents", "sweep", "figures.explorer"},
    "__main__": {"mdp", "env", "dataset", "agents", "evaluation", "sweep", "figures.comparisons", "figures.sweeps"},
    "__init__": {"env"},
}  # fmt: skip
PACKAGE = Path(safegrid.__file__).parent


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, safegrid, gymnasium; gymnasium.make('SafeGrid-v0');"
        "print(sorted({'torch', 'd3rlpy', 'scipy', 'matplotlib', 'joblib', 'minari', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def name_of(path):
    """A file of the package as its dotted name."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imports_of(path):
    """Dotted names of the package's files that a file imports, wherever in it; `from . import x` imports x."""
    parents = ["safegrid", *name_of(path).split(".")]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            near = parents[: -node.level] if node.level else []
            top, *inside = [*near, *(node.module or "").split(".")] if node.module else near
            if top == "safegrid":
                yield from [".".join(inside)] if node.module else [".".join([*inside, a.name]) for a in node.names]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name_of)
def test_a_room_imports_only_from_floors_below(path):
    assert set(imports_of(path)) <= FLOORS[name_of(path)]


@pytest.mark.parametrize("name", sorted(safegrid.__all__))
def test_every_public_name_resolves_and_is_explained(name):
    thing = getattr(safegrid, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert len(inspect.getdoc(thing)) > 20
