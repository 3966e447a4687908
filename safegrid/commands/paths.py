"""What a command is asked to write: which files are meant, that they may be written, and that none is lost."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

_Named = TypeVar("_Named")


def npz_path(text: str, option: str = "--out") -> Path:
    """The file that is meant: the name has .npz, or gets it; a number after its last point is no extension."""
    path = Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(f"{option} is {text}, a folder; expected a file to write")
    if path.suffix == ".npz":
        return path
    if re.match(r"\.[A-Za-z]", path.suffix):
        raise ValueError(f"{option} is {text}; expected a name that ends in .npz, or without extension")
    return path.with_name(f"{path.name}.npz")


def refuse_existing(paths: Sequence[Path], force: bool, option: str = "--out") -> None:
    """What is there stays, unless it is said otherwise."""
    if not force and (there := [path for path in paths if path.exists()]):
        raise ValueError(f"{there[0]} is there already; expected another {option}, or --force to write over it")


def writable_folder(path: Path, option: str = "--out") -> Path:
    """Makes the folder and tries it, before hours of work rather than after."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise OSError(f"{option} {path}: cannot write there ({error.strerror})") from error
    return path


def repeated(values: Sequence[_Named]) -> list[_Named]:
    """Those that stand there already."""
    return [value for i, value in enumerate(values) if value in values[:i]]
