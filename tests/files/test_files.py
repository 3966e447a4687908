"""A file is whole or refused, never unpickled, and never half there."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from example_logs import COLUMNS, same, short_log
from hypothesis import given, settings
from hypothesis import strategies as st

from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_path
from safegrid.files.npz import write_npz


@settings(deadline=None, max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_refused(share, tmp_path_factory):
    path = short_log().save(tmp_path_factory.mktemp("logs") / "log.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"log.npz: cannot be read as safegrid-episodes-1 .* cut short"):
        Episodes.load(path)


def test_a_flipped_byte_is_refused_by_name_or_harmless(tmp_path):
    kept = short_log()
    path = kept.save(tmp_path / "log.npz")
    raw = path.read_bytes()
    for i in range(0, len(raw), 5):
        path.write_bytes(raw[:i] + bytes([raw[i] ^ 0xFF]) + raw[i + 1 :])
        try:
            again = Episodes.load(path)
        except ValueError:
            continue
        assert same(kept, again)


def test_a_pickle_is_never_opened(tmp_path):
    marker = tmp_path / "opened"

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    np.savez(tmp_path / "trap.npz", header=np.array([Trap()], object))
    np.save(tmp_path / "trap.npy", np.array([Trap()], object))
    for name in ("trap.npz", "trap.npy"):
        with pytest.raises(ValueError, match="cannot be read"):
            Episodes.load(tmp_path / name)
    assert not marker.exists()


def test_a_plain_npy_is_refused(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="cannot be read"):
        Episodes.load(tmp_path / "array.npy")


def test_another_format_is_named(tmp_path):
    write_npz(tmp_path / "other.npz", '{"format": "something-else"}', {})
    with pytest.raises(ValueError, match="format is 'something-else', expected 'safegrid-episodes-1'"):
        Episodes.load(tmp_path / "other.npz")


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    path = tmp_path / "log.npz"
    old = short_log(0)
    old.save(path)

    def interrupted(file, *_, **__):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        short_log(1).save(path)
    assert os.listdir(tmp_path) == ["log.npz"]
    assert same(old, Episodes.load(path))


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_an_unwritable_folder_is_named(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=f"cannot write .*{folder}"):
        short_log().save(tmp_path / folder / "log.npz")
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_files_place_stays_and_nothing_is_left(tmp_path):
    (tmp_path / "log.npz").mkdir()
    with pytest.raises(OSError, match=r"log\.npz"):
        short_log().save(tmp_path / "log.npz")
    assert os.listdir(tmp_path) == ["log.npz"]


def test_a_later_save_clears_what_a_killed_process_left_and_nothing_of_a_living_one(tmp_path):
    path = tmp_path / "log.npz"
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(b"of a living writer")
        left = tmp_path / ".log.npz.dead.unfinished"  # nobody holds it
        left.mkdir()
        (left / "log.npz").write_bytes(b"half")
        (left / left.name).touch()
        (tmp_path / ".other.npz.dead.unfinished").mkdir()
        short_log().save(path)
        assert unfinished.exists()
        assert not left.exists()
    assert path.read_bytes() == b"of a living writer"
    assert sorted(os.listdir(tmp_path)) == [".other.npz.dead.unfinished", "log.npz"]


@pytest.mark.parametrize("held", [["notes.txt"], ["log.npz"], [".log.npz.mine.unfinished", "log.npz", "notes.txt"]])
def test_a_folder_that_only_sounds_like_ours_stays_as_it_is(held, tmp_path):
    mine = tmp_path / ".log.npz.mine.unfinished"
    mine.mkdir()
    for name in held:
        (mine / name).write_text("mine")
    short_log().save(tmp_path / "log.npz")
    assert sorted(os.listdir(mine)) == sorted(held)
    assert all((mine / name).read_text() == "mine" for name in held)


@pytest.mark.parametrize("stem", ["x" * 251, "x" * 232, "é" * 125])
def test_a_name_as_long_as_the_file_system_takes_can_be_saved(stem, tmp_path):
    path = tmp_path / f"{stem}.npz"
    with pytest.raises(KeyboardInterrupt), atomic_path(path):
        raise KeyboardInterrupt
    for _ in range(2):
        short_log().save(path)
    assert os.listdir(tmp_path) == [path.name]


def test_a_new_file_has_the_umasks_mode_and_an_old_one_keeps_its_own(tmp_path):
    before = os.umask(0o027)
    try:
        path = short_log().save(tmp_path / "log.npz")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o600)
        short_log().save(path)
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "log.npz", tmp_path / "real" / "of-today.npz"
    target.write_bytes(b"old")
    link.symlink_to(target)
    short_log().save(link)
    assert link.is_symlink()
    assert same(Episodes.load(target), short_log())
    assert os.listdir(tmp_path / "real") == ["of-today.npz"]


def rewritten(path, **members):
    """The file with other bytes for some of its members, under checksums that fit."""
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, npy in (kept | {f"{name}.npy": npy for name, npy in members.items()}).items():
            archive.writestr(name, npy)
    return path


def npy(array):
    np.save(buffer := io.BytesIO(), array)
    return buffer.getvalue()


def test_what_is_declared_is_refused_before_memory_is_taken(tmp_path):
    path = short_log().save(tmp_path / "log.npz")
    huge = npy(np.zeros(3, np.float32)).replace(b"(3,), } ", b"(%d,), }" % 10**12)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"log\.npz: cannot be read .*rewards declares"):
            Episodes.load(rewritten(path, rewards=huge[: len(npy(np.zeros(3, np.float32)))]))
        with pytest.raises(ValueError, match=r"its arrays have .* bytes, expected at most"):
            Episodes.load(rewritten(path, rewards=npy(np.zeros(2 * 10**7))))
        tracemalloc.reset_peak()
        with pytest.raises(ValueError, match="its arrays have"):
            Episodes.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_a_log_that_shrinks_a_thousandfold_is_saved_so_that_it_can_be_read(tmp_path):
    n = 2_000_000
    log = Episodes.from_arrays(np.zeros((n, 1)), np.zeros(n), np.zeros(n), np.ones(n), n_actions=2)
    path = log.save(tmp_path / "log.npz")
    assert same(Episodes.load(path), log)
    assert path.stat().st_size < 0.3 * sum(getattr(log, name).nbytes for name in COLUMNS)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy(np.zeros((20, 0), "U3")), "declares"),
        (npy(np.zeros(20, "c8")), "declares"),
        (npy(np.zeros(20))[:-8], "declares"),
        (b"\x93NUMPY\x01\x00\x88\x13" + b"(" * 5_000, "Error|parsed"),
        (npy(np.zeros(20, bool))[:-1] + b"\x02", "neither 0 nor 1"),
    ],
)
def test_a_member_that_is_no_array_of_numbers_is_refused(tmp_path, member, message):
    path = rewritten(short_log().save(tmp_path / "log.npz"), costs=member)
    with pytest.raises(ValueError, match=f"log.npz: cannot be read.*({message})"):
        Episodes.load(path)


def test_a_log_whose_columns_contradict_each_other_is_refused_by_its_file(tmp_path):
    path = rewritten(short_log().save(tmp_path / "log.npz"), rewards=npy(np.zeros(3, np.float32)))
    with pytest.raises(ValueError, match=r"log\.npz: does not hold a whole log \(.*rewards has 3 rows"):
        Episodes.load(path)
