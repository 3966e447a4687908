"""From a table that Gymnasium alone wrote to a file that onnxruntime alone runs, by the command line alone.

`python benchmarks/own_log.py` trains as the command line does by itself, with `--weight 1.2` and the like as told. It
prints what the chosen policy earns in a thousand drives, beside the log's driver and what proposal.md says of CQL as
proposed: the interquartile mean over ten logs of such a driver, and the worst run.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gymnasium
import numpy as np
import onnxruntime
from tabulate import tabulate
from toy_log import write_log

N_DRIVES = 1_000
WORLDS = {"FrozenLake-v1": (4, "FrozenLake 4 × 4"), "Taxi-v3": (6, "Taxi")}
"""Its actions, and its name in proposal.md."""
COLUMNS = ["episode=trip", "observations=state", "actions=move", "rewards=points", "terminals=ended", "timeouts=cut"]


def asked(folder, *arguments):
    """What a command of safegrid's prints."""
    command = [sys.executable, "-m", "safegrid", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def walked(folder, world, n_actions, options):
    """Table, report, policies, choice, file; what the choice printed."""
    write_log(world, folder / "log.csv")
    asked(folder, "report", "log.csv", "--save", "log.npz", "--n-actions", n_actions, "--columns", *COLUMNS)
    asked(folder, "train", "log.npz", *options)
    said = asked(folder, "choose", "log.npz", *sorted((folder / "safegrid-out").iterdir()))
    asked(folder, "export", "chosen.npz", "policy.onnx", "--log", "log.npz")
    return said


def driven(world, file):
    """Returns of drives that the exported file alone decides, and how many of its answers were none."""
    session, env = onnxruntime.InferenceSession(file), gymnasium.make(world)
    returns, unknown = np.zeros(N_DRIVES), 0
    for drive in range(N_DRIVES):
        state, over = env.reset(seed=drive)[0], False
        while not over:
            (action,) = session.run(["actions"], {"observations": np.float32([[state]])})[0]
            unknown += action < 0
            state, points, ended, cut, _ = env.step(max(0, int(action)))
            returns[drive] += points
            over = ended or cut
    return returns, unknown


def proposed(name):
    """Return and worst run of CQL as proposed."""
    rows = [line.split("|") for line in Path(__file__).with_name("proposal.md").read_text().splitlines()]
    (row,) = [row for row in rows if len(row) > 2 and row[1].strip() == name and row[2].strip().startswith("CQL as")]
    return f"{row[4].strip()} / {row[5].strip()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=WORLDS, action="append", help="this one alone")
    chosen, options = parser.parse_known_args()
    rows = []
    for world in chosen.world or WORLDS:
        n_actions, name = WORLDS[world]
        with tempfile.TemporaryDirectory() as place:
            began, folder = time.process_time(), Path(place)
            said = walked(folder, world, n_actions, options)
            print(f"{world}\n\n{said}\n")
            returns, unknown = driven(world, folder / "policy.onnx")
            half = 1.96 * returns.std(ddof=1) / np.sqrt(N_DRIVES)
            log = np.loadtxt(folder / "log.csv", delimiter=",", skiprows=1)
            driver = log[:, 3].sum() / len(np.unique(log[:, 0]))
            rows.append((world, f"{driver:.3g}", f"{returns.mean():.3g} ± {half:.2g}", proposed(name), unknown,
                         f"{time.process_time() - began:.0f} s"))  # fmt: skip
    headers = ("world", "driver", f"chosen, {N_DRIVES} drives", "CQL in proposal.md", "no answer", "driving took")
    print(tabulate(rows, headers, disable_numparse=True))


if __name__ == "__main__":
    main()
