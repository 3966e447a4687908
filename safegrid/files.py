"""Files whole or not at all, and arrays in them without pickle."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .array_types import Array


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file that appears under its name only once it is whole.

    Raises:
        OSError: the folder does not exist or cannot be written to; the message names it.
    """
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise OSError(f"cannot write {target}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def write_npz(path: str | os.PathLike[str], header: str, arrays: dict[str, Array], compressed: bool = True) -> Path:
    """Arrays and a JSON header in one .npz, all or nothing."""
    with atomic_file(path) as file:
        write = np.savez_compressed if compressed else np.savez
        write(file, allow_pickle=False, header=np.array(header), **arrays)
    return Path(path)


def read_npz(path: str | os.PathLike[str], format_name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays that `write_npz` wrote; never unpickles.

    Raises:
        ValueError: the file is cut short, is no .npz, holds pickled data, or has another format.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # numpy, zipfile, zlib and json each have their own
        why = f"({error}); it is cut short, pickled or another file"
        raise ValueError(f"{path}: cannot be read as {format_name} {why}") from error
    if not isinstance(header, dict) or header.get("format") != format_name:
        found = header.get("format") if isinstance(header, dict) else header
        raise ValueError(f"{path}: format is {found!r}, expected {format_name!r}")
    return header, arrays
