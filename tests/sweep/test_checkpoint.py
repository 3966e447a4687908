"""A sweep survives a kill and a full disk, and takes up no other's work."""

import json
import multiprocessing
import re
import signal
import time

import numpy as np
import pytest
from example_sweeps import QUIET, same_sweep

from safegrid.dataset import generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.sweep.training import train_sweep

PROCESSES = multiprocessing.get_context("forkserver")  # which imports torch once for them all
PROCESSES.set_forkserver_preload(["safegrid.sweep.training"])


def interrupted(checkpoint):
    """A sweep that leaves many checkpoints on its way."""
    env = SafetyCriticalGridWorld()
    log = generate_offline_episodes(env, 60, seed=0)
    often = {"score_interval": 100, "checkpoint": checkpoint, "checkpoint_interval": 20}
    return train_sweep(log, [0, 6], 2, 400, mdp=env.mdp, **often, **QUIET)


def test_after_kill_9_it_goes_on_to_the_same_numbers(tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    for delay in (0.0, 0.05, 0.11):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = PROCESSES.Process(target=interrupted, args=(checkpoint,))
        process.start()
        while process.is_alive() and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL  # before it was done
        with np.load(checkpoint) as file:  # whole, whatever happened
            assert len(file["header"].item()) > 100
    resumed, expected = interrupted(checkpoint), interrupted(tmp_path / "other.npz")
    assert same_sweep(resumed, expected)
    assert resumed.steps.tolist() == [100, 200, 300, 400]
    assert np.array_equal(resumed.history["return_mean"], expected.history["return_mean"])


def test_a_failing_write_leaves_the_good_checkpoint(logs, tmp_path, monkeypatch):
    checkpoint, headers, write_array = tmp_path / "checkpoint.npz", [], np.lib.format.write_array

    def full_disk(file, array, **settings):
        headers.extend([array] if array.dtype.kind == "U" else [])
        if len(headers) == 3:  # the third file
            file.write(b"half of it")
            raise OSError("disk full")
        write_array(file, array, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", full_disk)
        with pytest.raises(OSError, match="disk full"):
            train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, checkpoint_interval=4, **QUIET)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    resumed = train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    assert same_sweep(resumed, train_sweep(logs[0], [6], 1, 10, **QUIET))


def test_a_checkpoint_of_other_settings_says_which_differ(logs, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    with pytest.raises(ValueError, match=re.escape("gamma was 0.99, is 0.9; weights was [6.0], is [7.0]")):
        train_sweep(logs[0], [7], 1, 10, gamma=0.9, checkpoint=checkpoint, **QUIET)
    with pytest.raises(ValueError, match="logs was"):
        train_sweep(logs[1], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    with np.load(checkpoint) as file:
        arrays = dict(file)
    for spoil in ({"step": 11}, {"step": "4"}, {"step": True}, {"streams": []}, {"streams": [[{"state": 1}]]}):
        header = json.loads(str(arrays["header"])) | spoil
        np.savez(checkpoint, **arrays | {"header": np.array(json.dumps(header))})
        with pytest.raises(ValueError, match="is damaged"):
            train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with pytest.raises(ValueError, match="cut short"):
        train_sweep(logs[0], [6], 1, 10, checkpoint=checkpoint, **QUIET)


def test_a_checkpoint_that_cannot_be_written_fails_before_training(logs, tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*nowhere"):
        train_sweep(logs[0], [6], 1, 1_000_000, checkpoint=tmp_path / "nowhere" / "c.npz", **QUIET)
