"""What a large log costs: seconds, rows per second and memory of everything that goes through all of its rows.

Each operation runs in a process of its own. Its memory is the process's peak, less what the imports and the log itself
take, whether the operation was handed the log or makes it.

python benchmarks/logs.py [rows …]
"""

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import safegrid as sg

SIZES = [100_000, 1_000_000, 10_000_000]
ROWS_AN_EPISODE = 28.6  # of the map `crossroads`
OPERATIONS = {
    "generate": lambda env, log, file: sg.generate_offline_episodes(env, int(file.with_suffix(".txt").read_text())),
    "check": lambda env, log, file: sg.Episodes(**{name: getattr(log, name) for name in COLUMNS}, n_actions=4),
    "coverage": lambda env, log, file: sg.coverage(log),
    "coverage, by state": lambda env, log, file: sg.coverage(log, env.mdp),
    "log_model": lambda env, log, file: sg.log_model(log, env.mdp.n_states, unseen=-100.0),
    "build_mdpdataset": lambda env, log, file: sg.build_mdpdataset(log),
    "… and 256 rows of it": lambda env, log, file: sg.build_mdpdataset(log).sample_transition_batch(256),
    "split_episodes": lambda env, log, file: sg.split_episodes(log, 0),
    "save": lambda env, log, file: log.save(file),
    "load": lambda env, log, file: sg.Episodes.load(file),
}
COLUMNS = [field.name for field in fields(sg.Episodes) if field.name != "n_actions"]


def peak():
    """Bytes that this process has held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def stored(folder):
    """The log as it was generated, and not checked again: that would leave a peak of its own."""
    log = object.__new__(sg.Episodes)
    vars(log).update({name: np.load(folder / f"{name}.npy") for name in COLUMNS}, n_actions=4)
    return log


def measure(operation, folder):
    """Does one operation; prints its seconds by the wall and by the processor, the log's rows and bytes, and more."""
    env, file = sg.SafetyCriticalGridWorld(map_name="crossroads"), folder / "log.npz"
    small = sg.generate_offline_episodes(env, 2)
    for warm in list(OPERATIONS)[1:]:  # a small log has everything imported
        OPERATIONS[warm](env, small, folder / "small.npz")
    before = peak()
    log = None if operation in ("generate", "load") else stored(folder)
    marks = perf_counter(), process_time()
    made = OPERATIONS[operation](env, log, file)
    seconds = perf_counter() - marks[0], process_time() - marks[1]
    more = peak() - before
    columns = {name: getattr(log or made, name) for name in COLUMNS}
    size = sum(column.nbytes for column in columns.values())
    if operation == "generate":
        for name, column in columns.items():
            np.save(folder / f"{name}.npy", column)
    print(json.dumps([*seconds, len(columns["actions"]), size, max(0, more - size)]))


def main(sizes):
    print(f"{'operation':22}{'rows':>12}{'seconds':>9}{'one core':>10}{'rows/s':>13}{'MB over the log':>17}{'logs':>6}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "log.txt").write_text(str(max(1, round(size / ROWS_AN_EPISODE))))
            for operation in OPERATIONS:
                command = [sys.executable, __file__, operation, folder]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                wall, core, rows, own, more = json.loads(done.stdout.splitlines()[-1])
                rate, memory = f"{rows / wall:13,.0f}", f"{more / 1e6:17,.0f}{more / own:6.1f}"
                print(f"{operation:22}{rows:12,}{wall:9.3f}{core:10.3f}{rate}{memory}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in OPERATIONS:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main([int(rows) for rows in sys.argv[1:]] or SIZES)
