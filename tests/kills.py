"""Kills processes while they write: `python tests/kills.py 50 [WRITER …]` counts half files and what stays for ever.

A process saves the same target again and again until SIGKILL, at a random moment. What stands there is then read, and
saved once more.
"""

import json
import multiprocessing
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
from example_logs import short_log
from matplotlib.figure import Figure
from PIL import Image

import safegrid as sg
from safegrid.agents import create_discrete_cql, load_agent, save_agent
from safegrid.dataset import Episodes, build_mdpdataset
from safegrid.files.atomic import atomic_path
from safegrid.formats.minari import read_minari, write_minari
from safegrid.formats.table import read_table, write_table
from safegrid.practice.export import export_policy, exported_files
from safegrid.sweep.results import Sweep
from safegrid.sweep.training import train_sweep

PROCESSES = multiprocessing.get_context("forkserver")  # which imports what is heavy once for them all
PROCESSES.set_forkserver_preload(
    [
        "safegrid.sweep.training",
        "safegrid.formats.minari",
        "safegrid.practice.export",
        "safegrid.formats.table",
        "matplotlib.figure",
    ]
)


def built_agent():
    agent = create_discrete_cql(size=4, hidden_units=(256, 256))
    agent.build_with_dataset(build_mdpdataset(short_log()))
    return agent


def whole_policy(agent, path):
    with atomic_path(path) as unfinished:
        agent.save_policy(str(unfinished))


def read_exported(path):
    policy, for_machines, _ = exported_files(path)
    torch.jit.load(str(policy))
    json.loads(for_machines.read_text())


def drawn_figure():
    figure = Figure()
    figure.subplots().plot([0, 1])
    return figure


def whole_figure(figure, path):
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished)


def read_page(path):
    assert path.read_text(encoding="utf-8").endswith("</html>\n")


def anew(log, path):
    with tempfile.TemporaryDirectory() as bin_of_old:
        if path.exists():  # a data set is never replaced; to take it away piece by piece would leave half of it
            path.rename(Path(bin_of_old) / "old")
    write_minari(log, path.name, path=path.parent)


WRITERS = {
    "log.npz": (lambda: short_log(n=3_000), Episodes.save, Episodes.load),
    "log.csv": (lambda: short_log(n=3_000), write_table, lambda path: read_table(path, n_actions=4)),
    "log.parquet": (lambda: short_log(n=3_000), write_table, read_table),
    "sweep.npz": (lambda: train_sweep(short_log(), [0, 6], 2, 5, size=4, n_jobs=1, progress=False),
                  Sweep.save, Sweep.load),
    "agent.npz": (built_agent, save_agent, load_agent),
    "policy.pt": (built_agent, whole_policy, lambda path: torch.jit.load(str(path))),
    "exported.pt": (built_agent, export_policy, read_exported),
    "figure.png": (drawn_figure, whole_figure, lambda path: Image.open(path).load()),
    "report.html": (lambda: sg.report(short_log()), sg.Report.save, read_page),
    "log-v0": (lambda: short_log(n=300), anew, lambda path: read_minari(path.name, path=path.parent)),
}  # fmt: skip
"""For each target what is written, how, and how it is read."""


def write_for_ever(path, begun):
    make, write, _ = WRITERS[path.name]
    thing = make()
    write(thing, path)
    begun.set()
    while True:
        write(thing, path)


def count_kills(name, kills, seed=0):
    """How many targets could not be read, and how many files lay beside them after the next save."""
    rng, (make, write, read) = random.Random(seed), WRITERS[name]
    thing, half, left = make(), 0, 0
    for _ in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            path, begun = Path(folder) / name, PROCESSES.Event()
            process = PROCESSES.Process(target=write_for_ever, args=(path, begun))
            process.start()
            begun.wait(60)
            time.sleep(rng.uniform(0, 0.1))
            process.kill()
            process.join()
            try:
                if path.exists():
                    read(path)
            except Exception:
                half += 1
            write(thing, path)
            left += len(set(Path(folder).iterdir()) - set(exported_files(path)))
    return half, left


if __name__ == "__main__":
    for name in sys.argv[2:] or WRITERS:
        print(f"{name}: {sys.argv[1]} kills, {{}} half files, {{}} left".format(*count_kills(name, int(sys.argv[1]))))
