"""Files that a command is asked to write: which are meant, that they may be written, and that none is lost."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path


def npz_path(text: str) -> Path:
    """The file that is meant: the name has .npz, or gets it; a number after its last point is no extension."""
    path = Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(f"--out is {text}, a folder; expected a file to write")
    if path.suffix == ".npz":
        return path
    if re.match(r"\.[A-Za-z]", path.suffix):
        raise ValueError(f"--out is {text}; expected a name that ends in .npz, or without extension")
    return path.with_name(f"{path.name}.npz")


def refuse_existing(paths: Sequence[Path], force: bool) -> None:
    """What is there stays, unless it is said otherwise."""
    if not force and (there := [path for path in paths if path.exists()]):
        raise ValueError(f"{there[0]} is there already; expected another --out, or --force to write over it")


def writable_folder(path: Path) -> Path:
    """Makes the folder and tries it, before hours of work rather than after."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise OSError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path
