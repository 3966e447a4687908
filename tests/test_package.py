"""The house: what importing costs, who may import whom, and that every name is explained."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import safegrid

FLOORS = {
    "array_types": 0, "checks": 0, "files": 0, "threads": 0,
    "scores": 1, "intervals": 1, "engine": 1, "mdp": 1, "mdpdataset": 1, "recording": 1,
    "env": 2, "dataset": 2,
    "formats": 3, "tabular": 3, "encoders": 3, "logs": 3, "recipe": 3, "agents": 3, "answers": 3,
    "evaluation": 4, "ope": 4,
    "sweep": 5, "practice": 5,
    "figures": 6,
    "commands": 7, "__init__": 7, "__main__": 7,
}  # fmt: skip
"""Where each room of the core and each wing stands: it imports from its own floor and from those below."""
PACKAGE = Path(safegrid.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    """Its place below the package: ("sweep", "stack")."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def imports(path):
    """Files of ours that a file imports anywhere: at its top, inside a function, or for its types alone."""
    own, known = name_of(path), {name_of(p) for p in FILES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            wanted = [
                tuple(alias.name.split(".")[1:]) for alias in node.names if alias.name.split(".")[0] == "safegrid"
            ]
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            if not node.level and parts[0] != "safegrid":
                continue
            module = tuple(part for part in (own[: -node.level] + tuple(parts) if node.level else parts[1:]) if part)
            wanted = [module, *((*module, alias.name) for alias in node.names)]
        else:
            continue
        found |= {name for name in wanted if name in known} | {
            (*name, "__init__") for name in wanted if (*name, "__init__") in known
        }
    return found - {("__init__",), own}


def reaches(start, graph):
    """All that a file imports, and what that imports, and so on."""
    found, front = set(), graph[start]
    while front - found:
        found |= front
        front = set().union(*(graph[name] for name in front))
    return found


ASKED_ONE_AFTER_ANOTHER = """
import sys
heavy = {"torch", "d3rlpy", "scipy", "matplotlib", "joblib", "minari", "h5py", "onnx", "onnxruntime", "pyarrow"}
loaded = lambda: print(*sorted(heavy & set(sys.modules)))
import safegrid, gymnasium
gymnasium.make("SafeGrid-v0")
loaded()
safegrid.log_model, safegrid.coverage, safegrid.doubly_robust
loaded()
import safegrid.sweep.stack
loaded()
"""


@pytest.fixture(scope="module")
def loaded():
    """What is heavy and loaded: with the package and its world, with judgements of a log, with a worker of a sweep."""
    code = [sys.executable, "-c", ASKED_ONE_AFTER_ANOTHER]
    said = subprocess.run(code, capture_output=True, text=True, check=True).stdout
    return [set(line.split()) for line in said.split("\n")]


def test_importing_the_package_loads_nothing_heavy(loaded):
    assert loaded[0] == set()


GRAPH = {name_of(path): imports(path) for path in FILES}


def test_the_imports_are_read():
    assert ("mdp",) in GRAPH[("env",)]
    assert ("engine", "chain") in GRAPH[("mdp",)]  # inside a function
    assert ("sweep", "stack") in GRAPH[("sweep", "training")]
    assert ("mdpdataset",) in GRAPH[("agents",)]


@pytest.mark.parametrize("name", GRAPH, ids=".".join)
def test_a_file_imports_only_from_its_floor_and_below_and_a_wing_from_no_other_of_its_floor(name):
    for other in GRAPH[name]:
        assert FLOORS[other[0]] <= FLOORS[name[0]], f"{name} imports {other}"
        wings = len(name) > 1 and len(other) > 1
        assert not wings or name[0] == other[0] or FLOORS[other[0]] < FLOORS[name[0]], f"{name} imports {other}"


@pytest.mark.parametrize("name", GRAPH, ids=".".join)
def test_no_file_imports_one_that_imports_it(name):
    assert name not in reaches(name, GRAPH)


@pytest.mark.parametrize("name", GRAPH, ids=".".join)
def test_what_others_import_has_no_underscore(name):
    assert all(not part.startswith("_") or part.startswith("__") for part in name)
    path = PACKAGE.joinpath(*name).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("safegrid")):
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]


def test_a_log_is_judged_without_torch(loaded):
    assert "torch" not in loaded[1]


def test_a_worker_of_a_sweep_loads_neither_d3rlpy_nor_matplotlib(loaded):
    assert "torch" in loaded[2]
    assert not {"d3rlpy", "matplotlib", "joblib"} & loaded[2]


LONGEST = {".py": 500, ".js": 250}


@pytest.mark.parametrize("ending", LONGEST)
def test_no_file_is_longer_than_a_stranger_reads(ending):
    root = PACKAGE.parent
    files = subprocess.run(["git", "ls-files", f"*{ending}"], cwd=root, capture_output=True, text=True, check=True)
    own = [root / name for name in files.stdout.splitlines() if "vendor" not in name]
    assert {str(p): n for p in own if (n := len(p.read_text().splitlines())) > LONGEST[ending]} == {}


def test_the_core_is_thin():
    core = [p for p in PACKAGE.glob("*.py") if p.stem not in ("__init__", "__main__", "ope")]
    # what the wings of practice share stands here: states of a stranger's log, its fingerprint, pairs never tried
    assert sum(len(p.read_text().splitlines()) for p in core) <= 3_850


@pytest.mark.parametrize("name", sorted(safegrid.__all__))
def test_every_public_name_resolves_and_is_explained(name):
    thing = getattr(safegrid, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert len(inspect.getdoc(thing)) > 20


def test_a_moved_tag_changes_no_action_of_the_workflows():
    texts = [path.read_text() for path in (PACKAGE.parent / ".github" / "workflows").iterdir()]
    uses = [line.strip() for text in texts for line in text.splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert uses
    assert [line for line in uses if not re.fullmatch(r"(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
