"""Exported policies: size of each file, and CPU time of a call beside d3rlpy's `predict`, in turn, on one thread.

python benchmarks/export.py
"""

import tempfile
from pathlib import Path
from time import process_time

import numpy as np
import onnxruntime
import torch
from tabulate import tabulate

import safegrid as sg

BATCHES, ROUNDS, SECONDS = (1, 225, 1_000), 5, 0.1


def microseconds(call, observations):
    """Of one call, over SECONDS of calls."""
    calls, begin = 0, process_time()
    while process_time() < begin + SECONDS:
        call(observations)
        calls += 1
    return (process_time() - begin) / calls * 1e6


def runners(path):
    """The file in onnxruntime, or in torch."""
    if path.suffix == ".onnx":
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), settings)
        return lambda x: session.run(["actions"], {"observations": x})
    loaded = torch.jit.load(str(path))
    return lambda x: loaded(torch.from_numpy(x))


def main():
    torch.set_num_threads(1)
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    log = sg.generate_offline_episodes(env, 100)
    made = {"CQL, one-hot, 64 × 64": sg.create_discrete_cql(), "CQL of 5 critics": sg.create_discrete_cql(n_critics=5),
            "BC, one-hot, 64 × 64": sg.create_discrete_bc()}  # fmt: skip
    for agent in made.values():
        sg.fit(agent, log, 100, progress=False)
    policies = made | {"table of 225 rows": env.mdp.optimal(0.99)}
    rng, rows = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        for name, policy in policies.items():
            calls = {} if isinstance(policy, np.ndarray) else {"d3rlpy": (policy.predict, "", "")}
            for suffix in (".onnx", ".pt"):
                begin = process_time()
                path = sg.export_policy(policy, Path(folder) / f"policy{suffix}", observations=env.mdp, log=log)
                calls[suffix] = runners(path), f"{path.stat().st_size / 1e3:.1f}", f"{process_time() - begin:.1f}"
            times = {way: [] for way in calls}
            for batch in BATCHES:
                observations = env.mdp.observations[rng.integers(225, size=batch)]
                rounds = {way: [] for way in calls}
                for _ in range(ROUNDS):
                    for way, (call, _, _) in calls.items():
                        rounds[way].append(microseconds(call, observations))
                for way, found in rounds.items():
                    times[way].append(f"{np.median(found):,.0f}")
            rows += [[name, way, size, seconds, *times[way]] for way, (_, size, seconds) in calls.items()]
    headers = ["policy", "run as", "kB", "s to export", *(f"µs for {batch} rows" for batch in BATCHES)]
    print(tabulate(rows, headers, disable_numparse=True))
    rates = {row[1]: float(row[4].replace(",", "")) for row in rows[:3]}
    print(f"\none row of the first: onnxruntime takes 1/{rates['d3rlpy'] / rates['.onnx']:.0f} of d3rlpy's time")


if __name__ == "__main__":
    main()
