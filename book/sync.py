"""Keeps what stands twice the same: the address in install cells, and each chapter's paired notebook.

python book/sync.py            # rewrites the install cells from _config.yml and the .ipynb from the .md
python book/sync.py --check    # changes nothing; exit status 1 where something is out of step
"""

import re
import sys
from pathlib import Path

import jupytext
import yaml

from safegrid.files.atomic import atomic_path

BOOK = Path(__file__).parent
INSTALL = re.compile(r'%pip install -q "safegrid @ git\+[^"]*"')


def install_line() -> str:
    """The Colab install command for the repository named in _config.yml."""
    repository = yaml.safe_load((BOOK.parent / "_config.yml").read_text())["repository"]
    return f'%pip install -q "safegrid @ git+{repository["url"]}@{repository["branch"]}"'


def paired(path: Path) -> dict[Path, str]:
    """Both files of one chapter as they should be."""
    text = INSTALL.sub(install_line(), path.read_text())
    notebook = jupytext.reads(text, fmt="md:myst")
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # stable, so that an unchanged chapter gives an unchanged file
    return {path: text, path.with_suffix(".ipynb"): jupytext.writes(notebook, fmt="ipynb") + "\n"}


def main() -> int:
    """Writes or checks every chapter with code."""
    wanted = {}
    for path in sorted(BOOK.glob("*.md")):
        if "{code-cell}" in path.read_text():
            wanted |= paired(path)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if "--check" in sys.argv:
            print(f"{path.relative_to(BOOK.parent)} is out of step: run python book/sync.py")
        else:
            with atomic_path(path) as unfinished:
                unfinished.write_text(wanted[path])
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
