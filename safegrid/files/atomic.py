"""Files and folders that are whole or not there at all."""

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed: there the lock's file itself is the lock
    fcntl = None  # type: ignore[assignment]

_ENDING = ".unfinished"
_BEFORE = ".before"  # the copy of what is replaced, until all is
_LONG = 100  # bytes of a target's name, beyond which its hash stands for it: no file system takes a name of any length


@contextmanager
def atomic_path(path: str | os.PathLike[str], folder: Path | None = None) -> Iterator[Path]:
    """A path to write a file or folder to, of the same name, that takes its place only once it is whole.

    A link is followed. A file that is replaced hands on its mode; a new one has that of any new file. What processes
    that were killed have left of the same target is removed first.

    Args:
        path: the target.
        folder: where to work meanwhile, on the same disk; by default beside the target.

    Raises:
        OSError: the folder does not exist or cannot be written to, or what stands there is no file; names the target.
    """
    with _workplace(path, folder) as (unfinished, target):
        yield unfinished
        _take_place(unfinished, target)


@contextmanager
def atomic_paths(*paths: str | os.PathLike[str]) -> Iterator[list[Path]]:
    """The same for files that belong together: where one cannot take its place, all stay as they were.

    They take their places one right after another, in their order. A process that is killed just then leaves whole
    files, but some of them new and some old.
    """
    with ExitStack() as stack:
        places = [stack.enter_context(_workplace(path)) for path in paths]
        yield [unfinished for unfinished, _ in places]
        with ExitStack() as undo:
            for unfinished, target in places:
                if target.is_file():
                    before = unfinished.parent / f"{unfinished.parent.name}{_BEFORE}"
                    shutil.copy2(target, before)
                    back = partial(os.replace, before, target)
                else:
                    back = partial(target.unlink, missing_ok=True)
                _take_place(unfinished, target)
                undo.callback(back)
            undo.pop_all()


@contextmanager
def _workplace(path: str | os.PathLike[str], folder: Path | None = None) -> Iterator[tuple[Path, Path]]:
    """Where to write meanwhile, and the target; what is written there is gone afterwards."""
    target = Path(os.path.realpath(path))
    home = target.parent if folder is None else folder
    try:
        if target.exists() and not target.is_file():
            raise OSError(0, "it is no file")
        name = os.fsencode(target.name)
        prefix = f".{target.name if len(name) <= _LONG else hashlib.sha256(name).hexdigest()[:32]}."
        _clear(home, prefix, target.name)
        work, lock = _begin(home, prefix)
    except OSError as error:
        raise OSError(f"cannot write {target}: {error.strerror}") from error
    try:
        with lock:
            yield work / target.name, target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_place(unfinished: Path, target: Path) -> None:
    if target.is_file():
        shutil.copymode(target, unfinished)
    os.replace(unfinished, target)


def _begin(home: Path, prefix: str) -> tuple[Path, BinaryIO]:
    """A new folder to work in, held by a lock for as long as its process lives."""
    while True:
        work = Path(tempfile.mkdtemp(_ENDING, prefix, home))
        with suppress(BlockingIOError, FileNotFoundError):  # somebody cleared it before it was locked
            lock = _lock(work)
            if work.exists():
                return work, lock
            lock.close()


def _lock(work: Path) -> BinaryIO:
    file = open(work / work.name, "ab")  # noqa: SIM115 as it is held open
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
    return file


def _clear(home: Path, prefix: str, name: str) -> None:
    """Removes what was left: folders of nothing but their lock, the target and its copy, or of nothing yet."""
    for left in home.glob(f"{glob.escape(prefix)}*{_ENDING}"):
        with suppress(OSError):  # its writer lives
            if (held := set(os.listdir(left))) and not {left.name} <= held <= {left.name, name, left.name + _BEFORE}:
                continue
            if fcntl:
                with _lock(left):
                    shutil.rmtree(left / name, ignore_errors=True)  # while the lock still tells whose it is
                    shutil.rmtree(left)
            else:
                (left / left.name).unlink(missing_ok=True)
                shutil.rmtree(left)
