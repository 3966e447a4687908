"""Keeps what stands twice the same: the project's address, and each chapter's paired notebook.

python book/sync.py            # rewrites install cells and CITATION.cff from _config.yml, and the .ipynb from the .md
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


def repository() -> dict[str, str]:
    """Where the project lives, by _config.yml."""
    return yaml.safe_load((BOOK.parent / "_config.yml").read_text())["repository"]


def cited() -> dict[Path, str]:
    """CITATION.cff as it should be."""
    path = BOOK.parent / "CITATION.cff"
    return {path: re.sub(r"(?m)^(repository-code:) .*", rf"\1 {repository()['url']}", path.read_text())}


def paired(path: Path) -> dict[Path, str]:
    """Both files of one chapter as they should be."""
    install = '%pip install -q "safegrid @ git+{url}@{branch}"'.format_map(repository())
    text = INSTALL.sub(install, path.read_text())
    notebook = jupytext.reads(text, fmt="md:myst")
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # stable, so that an unchanged chapter gives an unchanged file
    return {path: text, path.with_suffix(".ipynb"): jupytext.writes(notebook, fmt="ipynb") + "\n"}


def main() -> int:
    """Writes or checks the citation and every chapter with code."""
    wanted = cited()
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
