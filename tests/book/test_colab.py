"""A chapter opened in Colab: an empty folder, the notebook alone, and its install cell as it stands."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from test_chapters import ROOT


@pytest.mark.skipif(not os.environ.get("CI"), reason="clones and builds the package: only in CI")
def test_a_chapter_runs_from_an_empty_folder_after_its_install_cell(tmp_path):
    """Colab has the libraries but not the package. Here its address leads to this clone."""
    venv.create(tmp_path / "colab", with_pip=True)
    python = tmp_path / "colab" / "bin" / "python"
    (site,) = (tmp_path / "colab" / "lib").glob("python*/site-packages")
    (site / "google" / "colab").mkdir(parents=True)
    (site / "google" / "colab" / "__init__.py").touch()
    for library in Path(sysconfig.get_path("purelib")).iterdir():
        if "safegrid" not in library.name and not (site / library.name).exists():
            (site / library.name).symlink_to(library)
    kernel = tmp_path / "kernels" / "colab"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Colab", "language": "python"}))
    empty, bare = tmp_path / "empty", tmp_path / "safegrid.git"
    empty.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--bare", str(ROOT), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "branch", "-f", "main", "HEAD"], check=True)
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{bare.as_uri()}.insteadOf", "GIT_CONFIG_VALUE_0": address,
        "TQDM_DISABLE": "1", "JUPYTER_PATH": str(tmp_path),
    }  # fmt: skip

    notebook = nbformat.read(ROOT / "book" / "01_world.ipynb", as_version=4)
    install = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "%pip install" in install.source
    install.source = f"import google.colab\n{install.source}"  # as Colab does before any cell
    where = nbformat.v4.new_code_cell("import safegrid; print(safegrid.__file__)")
    notebook.cells.append(where)
    nbformat.write(notebook, empty / "chapter.ipynb")
    run = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", "chapter.ipynb"]
    settings = ["--ExecutePreprocessor.kernel_name=colab", "--ExecutePreprocessor.timeout=600"]
    done = subprocess.run([*run, *settings], cwd=empty, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    said = nbformat.read(empty / "chapter.ipynb", as_version=4).cells[-1].outputs[0].text
    assert said.startswith(str(site)), done.stderr


def test_what_the_package_asks_for_is_what_is_tested():
    for line in distribution("safegrid").requires or []:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            assert wanted.specifier.contains(distribution(wanted.name).version), line
    assert sys.version_info >= (3, 11)
