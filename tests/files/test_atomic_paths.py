"""Files that belong together take their places together, or all stay as they were."""

import os

import pytest

from safegrid.files import atomic
from safegrid.files.atomic import atomic_paths


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def write(folder, text, *names):
    with atomic_paths(*(folder / name for name in names)) as unfinished:
        for path in unfinished:
            path.write_text(text)


def test_all_take_their_places_and_nothing_is_left_beside_them(tmp_path):
    for text in ("old", "new"):
        write(tmp_path, text, "a", "b", "c")
        assert texts(tmp_path) == dict.fromkeys("abc", text)


@pytest.mark.parametrize("there", ["", "a", "abc"])
@pytest.mark.parametrize("fails", "abc")
def test_if_one_cannot_take_its_place_all_stay_as_they_were(there, fails, tmp_path, monkeypatch):
    for name in there:
        (tmp_path / name).write_text("old")
    replaced = os.replace

    def replace(source, target):
        if target == tmp_path / fails and not str(source).endswith(".before"):
            raise PermissionError(13, "in use")
        replaced(source, target)

    monkeypatch.setattr(atomic.os, "replace", replace)
    with pytest.raises(PermissionError, match="in use"):
        write(tmp_path, "new", "a", "b", "c")
    assert texts(tmp_path) == dict.fromkeys(there, "old")


@pytest.mark.parametrize("there", ["", "ab"])
def test_if_writing_stops_all_stay_as_they_were(there, tmp_path):
    for name in there:
        (tmp_path / name).write_text("old")

    def write_half():
        with atomic_paths(tmp_path / "a", tmp_path / "b") as (a, _):
            a.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert texts(tmp_path) == dict.fromkeys(there, "old")


def test_one_that_was_not_written_leaves_all_as_they_were(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_paths(tmp_path / "a", tmp_path / "b") as (a, _):
        a.write_text("new")
    assert texts(tmp_path) == {}


def test_what_a_killed_process_left_is_cleared_with_the_copy_of_what_it_replaced(tmp_path):
    work, lock = atomic._begin(tmp_path, ".a.")
    lock.close()  # as when its process is killed
    for name in ("a", f"{work.name}.before"):
        (work / name).write_text("old")
    write(tmp_path, "new", "a", "b")
    assert texts(tmp_path) == dict.fromkeys("ab", "new")
