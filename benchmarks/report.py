"""What a log's report costs: seconds of one core for each part, on boards and on a cart of measured numbers.

python benchmarks/report.py [rows …]
"""

import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from tabulate import tabulate

import safegrid as sg
from safegrid.practice.evidence import weigh
from safegrid.practice.faults.search import find_faults

SIZES = [100_000, 1_000_000]
ROWS_AN_EPISODE = {"original": 33.8, "crossroads": 28.4, "cliff": 11.9, "rooms": 34.7}


def board(name, rows):
    env = sg.SafetyCriticalGridWorld(map_name=name)
    return sg.generate_offline_episodes(env, max(1, round(rows / ROWS_AN_EPISODE[name])))


def cart(rows, length=200):
    """A mass on a line, pushed left or right by a driver that holds it near the middle, with noise; no row recurs."""
    rng, n = np.random.default_rng(0), max(1, rows // length)
    seen = np.zeros((n, length + 1, 2), np.float32)
    seen[:, 0] = rng.normal(0, 0.1, (n, 2))
    actions = np.zeros((n, length), np.int64)
    for t in range(length):
        place, speed = seen[:, t].T
        actions[:, t] = np.where(rng.random(n) < 0.2, rng.integers(0, 2, n), place + speed < 0)
        speed = 0.95 * speed + 0.1 * (2 * actions[:, t] - 1) + rng.normal(0, 0.02, n)
        seen[:, t + 1] = np.c_[place + 0.1 * speed, speed]
    last = np.tile(np.arange(length) == length - 1, n)
    before, after = (np.ascontiguousarray(part).reshape(-1, 2) for part in (seen[:, :-1], seen[:, 1:]))
    return sg.Episodes.from_arrays(
        before, actions.ravel(), -np.abs(after[:, 0]), np.zeros(len(last), bool), last, n_actions=2,
        next_observations=after,
    )  # fmt: skip


LOGS = {name: lambda rows, name=name: board(name, rows) for name in ROWS_AN_EPISODE} | {"cart": cart}


def measure(log):
    """Seconds of the search for faults, of counting evidence, of the recipe, of the whole report, and of its page."""
    taken = []

    def timed(action):
        begun = process_time()
        made = action()
        taken.append(process_time() - begun)
        return made

    coded, _ = timed(lambda: find_faults(log))
    timed(lambda: weigh(coded))
    timed(lambda: sg.propose_recipe(log))
    report = timed(lambda: sg.report(log))
    with tempfile.TemporaryDirectory() as folder:
        timed(lambda: report.save(Path(folder, "report.html")))
    return taken, report


def main(sizes):
    measure(board("original", 2_000))  # imports
    rows = []
    for size in sizes:
        for name, make in LOGS.items():
            taken, report = measure(make(size))
            kinds = ", ".join(finding.kind for finding in report.findings) or "none"
            rows.append([name, f"{len(report.log):,}", *(f"{seconds:.2f}" for seconds in taken), kinds])
            print(*rows[-1], file=sys.stderr)
    head = ["log", "rows", "faults", "evidence", "recipe", "report, all", "page", "findings"]
    print(tabulate(rows, head, disable_numparse=True, colalign=["left"] + ["right"] * 6 + ["left"]))


if __name__ == "__main__":
    main([int(rows) for rows in sys.argv[1:]] or SIZES)
