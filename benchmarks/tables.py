"""What a log of a million rows and four numbers an observation costs as CSV and as Parquet: seconds, size, memory.

Each reading and writing is a process of its own. Its memory is the process's peak, less what the imports take, and of
writing what the log itself takes; "needed" is what `read_table` would refuse a file for where less is free.

python benchmarks/tables.py [rows]
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import safegrid as sg
from safegrid.formats.sources import opened

ROWS, WIDTH, LENGTH, ACTIONS = 1_000_000, 4, 50, 4
SHORT = {
    "episode": "episode", "observations": [f"observation_{i}" for i in range(WIDTH)], "actions": "action",
    "rewards": "reward", "terminals": "terminal",
}  # fmt: skip
"""What somebody's own table may hold: 8 columns, where `write_table`'s own has 14."""


def made(rows):
    """A walk of no world in particular: numbers with a point, in full."""
    rng, ends = np.random.default_rng(0), np.arange(rows) % LENGTH == LENGTH - 1
    ends[-1] = True
    return sg.Episodes.from_arrays(
        rng.normal(size=(rows, WIDTH)).astype(np.float32), rng.integers(ACTIONS, size=rows),
        rng.normal(size=rows).astype(np.float32), ends, n_actions=ACTIONS,
    )  # fmt: skip


def peak():
    """Bytes that this process has held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(operation, path, rows):
    log = made(rows if operation == "write" else 2 * LENGTH)
    small = path.with_stem("small")
    sg.read_table(sg.write_table(log if operation != "write" else made(2 * LENGTH), small), n_actions=ACTIONS)
    columns = SHORT if operation == "read 8 columns" else None
    before, marks = peak(), (perf_counter(), process_time())
    if operation == "write":
        sg.write_table(log, path)
    else:
        log = sg.read_table(path, columns, n_actions=ACTIONS)
    seconds = perf_counter() - marks[0], process_time() - marks[1]
    needed = 0
    if operation != "write":
        table = opened(path)
        names = [name for name in SHORT.values() if isinstance(name, str)] + SHORT["observations"]
        needed = table.needed(names if columns else table.names)
    print(json.dumps([*seconds, len(log), path.stat().st_size, peak() - before, needed]))


def main(rows):
    print(f"{'':26}{'rows':>11}{'seconds':>9}{'one core':>10}{'file, MB':>10}{'memory, MB':>12}{'needed, MB':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("csv", "parquet"):
            for operation in ("write", "read", "read 8 columns"):
                command = [sys.executable, __file__, operation, str(Path(folder) / f"log.{ending}"), str(rows)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                wall, core, n, *sizes = json.loads(done.stdout.splitlines()[-1])
                file, memory, needed = (f"{size / 1e6:,.0f}" for size in sizes)
                print(
                    f"{ending}, {operation:19}{n:11,}{wall:9.2f}{core:10.2f}{file:>10}{memory:>12}{needed:>12}",
                    flush=True,
                )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else ROWS)
