"""A file is whole or refused, never unpickled, and never half there."""

import os

import numpy as np
import pytest
from example_logs import same, short_log
from hypothesis import given, settings
from hypothesis import strategies as st

from safegrid.dataset import Episodes
from safegrid.files import write_npz


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

    def interrupted(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
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
