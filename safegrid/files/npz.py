"""Arrays and a JSON header in one .npz, without pickle."""

import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from safegrid.array_types import Array

from .atomic import atomic_path
from .strangers import check_truth, refused_by_name

_HEADER_LETTERS = 2_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def write_npz(
    path: str | os.PathLike[str], header: str, arrays: dict[str, Array], copies: float = 1, compressed: bool = True
) -> Path:
    """Arrays and a JSON header in one .npz, all or nothing.

    Args:
        path: the target.
        header: with a "format".
        arrays: by name.
        copies: as the reader's. So much is left uncompressed, the largest arrays first, that its bound holds.
        compressed: else nothing is.
    """
    members = {"header": np.array(header)} | arrays
    total, stored = sum(array.nbytes for array in members.values()), 0
    with atomic_path(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for name, array in sorted(members.items(), key=lambda member: -member[1].nbytes):
            member = zipfile.ZipInfo(f"{name}.npy")
            if compressed and total <= _most(stored, copies):
                member.compress_type = zipfile.ZIP_DEFLATED
            stored += array.nbytes * (member.compress_type == zipfile.ZIP_STORED)
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return Path(path)


def read_npz(
    path: str | os.PathLike[str], format_name: str, copies: float = 1
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays that `write_npz` wrote; never unpickles, and takes no memory before what is declared fits.

    Args:
        path: the file.
        format_name: the header's "format".
        copies: how often the arrays stand in memory until the reader is done, at most. It then needs no more than four
            times the file and 100 MB.

    Raises:
        ValueError: the file is cut short, is no .npz, holds pickled data, declares more than it may, or has another
            format.
    """
    hint = "; it is cut short, pickled or another file"
    with open(path, "rb") as stream, refused_by_name(path, f"cannot be read as {format_name}", hint):
        arrays = _read_members(stream, copies)
        header = json.loads(str(arrays.pop("header")))
    if not isinstance(header, dict) or header.get("format") != format_name:
        found = header.get("format") if isinstance(header, dict) else header
        raise ValueError(f"{path}: format is {str(found)[:60]!r}, expected {format_name!r}")
    return header, arrays


def _most(size: int, copies: float) -> float:
    """Bytes that arrays may have in a file of a size, so that their copies stay in the bound of `read_npz`."""
    return (4 * size + 100e6) / copies


def _read_members(stream: BinaryIO, copies: float) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        most, total = _most(os.fstat(stream.fileno()).st_size, copies), sum(m.file_size for m in members)
        if total > most:
            raise ValueError(f"its arrays have {total:,} bytes, expected at most {most:,.0f} in a file of this size")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if member.compress_type not in _METHODS or name in arrays:
                raise ValueError(f"{name} is compressed by method {member.compress_type} or stands there twice")
            with archive.open(member) as file:
                _check_header(file, name, member.file_size)
                file.seek(0)
                arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
            check_truth(name, arrays[name])
    return arrays


def _check_header(file: Any, name: str, size: int) -> None:
    """An array of numbers that is as large as its file, before memory is taken for it."""
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(file)
    except MemoryError as error:  # Python's own parser, where brackets are too deep
        raise ValueError(f"{name} has a header that cannot be parsed") from error
    kinds, most = ("U", 4 * _HEADER_LETTERS) if name == "header" else ("biuf", size)
    declared = math.prod(shape) * dtype.itemsize
    if dtype.kind not in kinds or min(shape, default=0) < 0 or declared > most or file.tell() + declared != size:
        raise ValueError(f"{name} declares {shape} of {dtype} in {size:,} bytes, expected as many, of kind {kinds}")
