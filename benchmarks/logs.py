"""What a large log costs: seconds, rows per second and memory of everything that reads all of its rows.

Each operation runs in a process of its own. Its memory is the process's peak over what was imported and over the log
itself, which every operation reads or makes.

python benchmarks/logs.py 100000 1000000 10000000
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

import safegrid as sg

ROWS_AN_EPISODE = 28.55  # of the map `crossroads`
OPERATIONS = {
    "generate": lambda env, log, folder: sg.generate_offline_episodes(env, episodes_of(folder), seed=0),
    "check": lambda env, log, folder: sg.Episodes(**vars(log)),
    "coverage": lambda env, log, folder: sg.coverage(log),
    "coverage of the mdp's states": lambda env, log, folder: sg.coverage(log, env.mdp),
    "log_model": lambda env, log, folder: sg.log_model(log, env.mdp.n_states, unseen=-100.0),
    "build_mdpdataset": lambda env, log, folder: sg.build_mdpdataset(log),
    "… and a batch of 256": lambda env, log, folder: sg.build_mdpdataset(log).sample_transition_batch(256),
    "split_episodes": lambda env, log, folder: sg.split_episodes(log, seed=0),
    "save": lambda env, log, folder: log.save(folder / "log.npz"),
    "load": lambda env, log, folder: sg.Episodes.load(folder / "log.npz"),
}
MAKES_THE_LOG = ("generate", "load")


def episodes_of(folder):
    return int((folder / "episodes").read_text())


def peak():
    """Bytes that this process has held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def stored(folder):
    """The log as it was generated, not checked again: a check would leave a peak of its own."""
    log = object.__new__(sg.Episodes)
    vars(log).update({path.stem: np.load(path) for path in folder.glob("*.npy")}, n_actions=4)
    return log


def measure(operation, folder):
    """Runs one operation and prints its seconds, its rows and its memory in bytes over that of the log."""
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    if "batch" in operation or "dataset" in operation:
        sg.build_mdpdataset(sg.generate_offline_episodes(env, 1))  # imports d3rlpy
    env.mdp.rollouts(env.behaviour_policy(0.22), 1, 0)
    small = sg.generate_offline_episodes(env, 1)
    sg.log_model(small, env.mdp.n_states, unseen=0.0)
    before = peak()
    log = None if operation in MAKES_THE_LOG else stored(folder)
    begun = perf_counter()
    made = OPERATIONS[operation](env, log, folder)
    seconds = perf_counter() - begun
    log = log or made
    columns = {name: column for name, column in vars(log).items() if isinstance(column, np.ndarray)}
    size = sum(columns[name].nbytes for name in columns)
    print(json.dumps([seconds, len(log), size, peak() - before - size]))
    if operation == "generate":
        for name, column in columns.items():
            np.save(folder / f"{name}.npy", column)


def main(sizes):
    print(f"{'operation':30} {'rows':>11} {'seconds':>8} {'rows/s':>12} {'MB over the log':>16} {'of the log':>10}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "episodes").write_text(str(max(1, round(size / ROWS_AN_EPISODE))))
            for operation in OPERATIONS:
                command = [sys.executable, __file__, operation, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                seconds, rows, own, more = json.loads(done.stdout.splitlines()[-1])
                rate = f"{rows / seconds:12,.0f} {more / 1e6:16,.0f} {more / own:9.1f}×"
                print(f"{operation:30} {rows:11,} {seconds:8.2f} {rate}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in OPERATIONS:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main([int(rows) for rows in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000])
