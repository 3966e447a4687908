"""No input makes a reader fail by another error than its own, take memory that the file does not justify, or crash."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import READERS


@pytest.mark.parametrize("reader", READERS)
def test_a_spoiled_input_is_refused_by_name_or_harmless(reader):
    if reader == "page" and not shutil.which("node") and not os.environ.get("CI"):
        pytest.skip("no Node here")
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), reader, os.environ.get("FUZZ_INPUTS", "2000")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]  # it may have crashed in HDF5
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["foreign"] == 0, said["kinds"]
    assert said["over"] == 0
    assert min(said["accepted"], said["refused"]) > 20
