"""Where torch computes, and in how many threads, and the random numbers that threads share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def borrowed_random_numbers() -> Iterator[None]:
    """The global random numbers of numpy and torch for one thread alone; afterwards they are as they were."""
    with _ONE_AT_A_TIME, torch.random.fork_rng():
        before = np.random.get_state()
        try:
            yield
        finally:
            np.random.set_state(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from a second thread, and lose a hundredfold to it where another process is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def torch_device(device: bool | int | str) -> str:
    """d3rlpy's ways of naming a device, as torch's."""
    if not isinstance(device, (bool, int, str)):
        raise ValueError(f"device is {device!r}, expected False, True, the index of a GPU or torch's name of a device")
    name = device if isinstance(device, str) else "cpu" if device is False else f"cuda:{int(device)}"
    name = "cuda:0" if device is True else name
    try:
        torch.ones(1, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device is {device!r}, which torch cannot use here: {str(error).splitlines()[0]}") from None
    return name


@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32: where a machine is set to TF32, a GPU would keep three digits of them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
