"""What the README prints runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
LONG = ("jupyter-book build", "-m pytest")
"""The two commands that public CI runs itself, word for word: the book's and the tests'."""
PIECES = re.findall(r"^```(sh|python)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)


def test_the_long_commands_are_the_only_ones_left_out():
    assert [[long for long in LONG if long in text] for _, text in PIECES if "python3.11" in text] == [
        [long] for long in LONG
    ]
    assert [kind for kind, text in PIECES if "python3.11" not in text] == ["python", "python", "python", "sh", "sh"]


@pytest.mark.parametrize("kind", ["python", "sh"])
def test_what_the_readme_prints_runs_in_order_in_the_virtual_environment(kind, tmp_path):
    script = tmp_path / "printed"
    script.write_text("".join(text for its, text in PIECES if its == kind and "python3.11" not in text))
    call = {"python": ["python"], "sh": ["bash", "-euo", "pipefail"]}[kind]
    (tmp_path / "book").symlink_to(ROOT / "book")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run([*call, script], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "weight 6" in run.stdout


def test_every_picture_is_there_and_said_in_words():
    text = (ROOT / "README.md").read_text()
    said = re.findall(r"!\[(.*?)\]\(\S+?\)", text) + re.findall(r'<img src="\S+" alt="(.*?)">', text)
    shown = re.findall(r"!\[.*?\]\((\S+?)\)", text) + re.findall(r'src(?:set)?="(\S+?)"', text)
    assert len(said) == len(re.findall(r"!\[|<img", text)) > 1
    assert min(map(len, said)) > 100
    for path in shown:
        with Image.open(ROOT / path) as picture:
            assert picture.width > 600


def test_the_moving_picture_is_light_goes_round_and_stands_still_for_who_wants_that():
    (film,) = re.findall(r'<img src="(\S+\.gif)"', (ROOT / "README.md").read_text())
    assert (ROOT / film).stat().st_size < 1_000_000
    with Image.open(ROOT / film) as picture:
        assert picture.n_frames > 50
        assert picture.info["loop"] == 0
    assert '<source media="(prefers-reduced-motion: reduce)"' in (ROOT / "README.md").read_text()
