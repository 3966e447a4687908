"""What a stranger's file may do to its reader: be refused by name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from safegrid.array_types import Array


@contextmanager
def refused_by_name(path: str | os.PathLike[str], fault: str, hint: str = "") -> Iterator[None]:
    """Reads what others wrote: whatever a damaged file makes fail is a ValueError that names the file."""
    try:
        yield
    except MemoryError:  # sizes are checked before, so there is too little
        raise
    except Exception as error:  # numpy, zipfile, zlib, json, torch, d3rlpy, h5py and Minari each have their own
        raise ValueError(f"{path}: {fault} ({type(error).__name__}: {str(error)[:300]}){hint}") from error


def check_truth(name: str, array: Array) -> None:
    """Truth values are bytes in a file, and only 0 and 1 are any."""
    if array.dtype == bool and (array.view(np.uint8) > 1).any():
        raise ValueError(f"{name} holds truth values that are neither 0 nor 1")
