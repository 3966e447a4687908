"""What a sweep costs beside d3rlpy: milliseconds per member-step, in turn, on the same logs with batches of 256.

    python benchmarks/sweep.py            # about eight minutes
    python benchmarks/sweep.py profile    # where one shard's time goes

Where the remaining time goes, one shard of 16 members on one core (`profile`): three quarters in batched products,
which run at their own speed but for the two narrow ones at the four actions; 7% in Adam, a third of it arithmetic; 2%
each in the ReLU's derivative, in sums for the biases and in copies; the rest in two dozen small kernels of about 1%
each. What would come next, and why it would not pay: the one-hot first layer is multiplied out although nearly all of
its inputs are 0, but a gather and a scatter run at memory speed and win little of a product that takes a fifth of the
time; leaving out the rows that a mini-batch does not touch saves a third of the rows and costs a different shape
every step for every stream; smaller blocks fit the cache better and pay for it in Python (8 members: 6% slower, 4
members: 25%). A whole call is about 8% slower than its shards: five cuts at which the processes wait for each other,
and 0.2 s to set up.
"""

import logging
import sys
from functools import partial
from itertools import pairwise
from time import perf_counter

import joblib
import numpy as np
import structlog
import torch
from scipy.stats import trim_mean
from tabulate import tabulate
from torch.profiler import ProfilerActivity, profile

from safegrid.agents import create_discrete_cql
from safegrid.answers import policy_table
from safegrid.dataset import build_mdpdataset, generate_offline_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdpdataset import d3rlpy
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep import stack, training
from safegrid.sweep.training import DEFAULT_WEIGHTS, train_sweep

ROUNDS, D3RLPY_STEPS, SWEEP_STEPS, PROCESSES = 5, 400, 1_200, 2
SHAPE = (16, 211, 64, 64)  # members, observations and widths of the product that a sweep does most
QUALITY, SCORED_EVERY = 20.0, 100


def plain_dataset(log):
    """d3rlpy's own dataset, as its documentation builds it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return d3rlpy.dataset.MDPDataset(
        log.observations, log.actions, log.rewards, log.terminals.astype(np.float32), log.timeouts.astype(np.float32),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE, action_size=log.n_actions,
    )  # fmt: skip


def d3rlpy_rate(build, log, steps=D3RLPY_STEPS):
    """Gradient steps per second of one agent: draw a mini-batch, update."""
    torch.set_num_threads(1)
    agent, dataset = create_discrete_cql(), build(log)
    agent.build_with_dataset(dataset)
    for _ in range(20):
        agent.update(dataset.sample_transition_batch(256))
    begun = perf_counter()
    for _ in range(steps):
        agent.update(dataset.sample_transition_batch(256))
    return steps / (perf_counter() - begun)


def sweep_rate(logs, weights=DEFAULT_WEIGHTS, n_steps=SWEEP_STEPS, **settings):
    """Member-steps per second of a whole call, from logs to the finished sweep."""
    begun = perf_counter()
    train_sweep(logs, weights, 1, n_steps, n_jobs=PROCESSES, progress=False, **settings)
    return len(weights) * len(logs) * n_steps / (perf_counter() - begun)


def product_rate(seconds=1.0):
    """Floating-point operations per second of torch's batched product, one thread."""
    torch.set_num_threads(1)
    members, rows, width, out = SHAPE
    a, b, c = torch.rand(members, rows, width), torch.rand(members, width, out), torch.empty(members, rows, out)
    torch.bmm(a, b, out=c)
    begun, done = perf_counter(), 0
    while perf_counter() - begun < seconds:
        torch.bmm(a, b, out=c)
        done += 1
    return done * 2 * members * rows * width * out / (perf_counter() - begun)


def operations(rows, widths):
    """Floating-point operations of one member-step: outputs, gradients of the weights, gradients of hidden units."""
    products = [before * after for before, after in pairwise(widths)]
    return 2 * rows * (3 * sum(products) - products[0])


def over_processes(task, *arguments):
    """Sum over processes that run at the same time."""
    return sum(joblib.Parallel(PROCESSES)(joblib.delayed(task)(*arguments) for _ in range(PROCESSES)))


def speed(logs):
    sides = {
        "(a) d3rlpy, one agent at a time": partial(d3rlpy_rate, plain_dataset, logs[0]),
        "(b) d3rlpy, two joblib processes": partial(over_processes, d3rlpy_rate, plain_dataset, logs[0]),
        "    d3rlpy on our dataset, one agent": partial(d3rlpy_rate, build_mdpdataset, logs[0]),
        "(c) train_sweep, 100 members": partial(sweep_rate, logs),
        "    the same, whole-log steps": partial(sweep_rate, logs, batch_size=None),
        "batched product": partial(over_processes, product_rate),
    }
    for side in sides.values():
        side()  # starts the processes, warms the caches
    rates = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            rates[name].append(side())
    rates = {name: np.array(values) for name, values in rates.items()}
    product = rates.pop("batched product")
    ours = rates["(c) train_sweep, 100 members"]
    lines = [[name, f"{1e3 / np.median(r):.4f}", f"{np.median(ours / r):.1f}"] for name, r in rates.items()]
    print(tabulate(lines, ["", "ms a member-step", "(c) is faster by"], disable_numparse=True))
    need = operations(SHAPE[1], (30, 64, 64, 4))
    print(f"\na member-step needs {need / 1e6:.2f} million floating-point operations; torch's batched product does")
    print(f"{np.median(product) / 1e9:.0f} thousand million a second on {PROCESSES} processes; (c) reaches", end=" ")
    print(f"{np.median(ours * need / product):.0%} of it\n")


def growth(logs, mdp):
    begun = perf_counter()
    train_sweep(logs, mdp=mdp, n_jobs=PROCESSES, progress=False)
    print(f"default sweep, 100 members, {DEFAULT_STEPS} steps, scored exactly: {perf_counter() - begun:.1f} s")
    costs = {20: [], 100: [], 400: []}
    for _ in range(3):
        for members, seconds in costs.items():
            weights = np.linspace(0, 20, members // len(logs))
            seconds.append(1e3 / sweep_rate(logs, weights, DEFAULT_STEPS))
    for members, values in costs.items():
        ratio = np.median(np.array(values) / costs[20])
        print(f"{members} members: {np.median(values):.4f} ms a member-step, {ratio:.2f} × that of 20")


def returns_over_steps(logs, mdp, n_steps):
    """d3rlpy's agents step by step: exact returns (T, logs) every 100 steps, and the seconds of training until then."""
    torch.set_num_threads(1)
    pairs = []
    for i, log in enumerate(logs):
        d3rlpy.seed(i)
        pairs.append((create_discrete_cql(), plain_dataset(log)))
        pairs[-1][0].build_with_dataset(pairs[-1][1])
    returns, seconds, spent = [], [], 0.0
    for step in range(n_steps):
        begun = perf_counter()
        for agent, dataset in pairs:
            agent.update(dataset.sample_transition_batch(256))
        spent += perf_counter() - begun
        if (step + 1) % SCORED_EVERY == 0:
            returns.append([mdp.evaluate(policy_table(agent, mdp)).return_mean for agent, _ in pairs])
            seconds.append(spent)
    return np.array(returns), np.array(seconds)


def first_good(returns):
    """Index of the first row whose interquartile mean passes 20, or −1."""
    good = trim_mean(returns, 0.25, axis=1) > QUALITY
    return int(np.argmax(good)) if good.any() else -1


def time_to_quality(logs, mdp):
    print(f"\nseconds of training until ten logs' interquartile mean passes {QUALITY:g}, at the default weight")
    one, seconds = returns_over_steps(logs, mdp, DEFAULT_STEPS)
    report("(a)", first_good(one), seconds)
    halves = joblib.Parallel(PROCESSES)(
        joblib.delayed(returns_over_steps)(logs[i::PROCESSES], mdp, DEFAULT_STEPS) for i in range(PROCESSES)
    )
    returns = np.concatenate([r for r, _ in halves], 1)
    report("(b)", first_good(returns), np.max([s for _, s in halves], 0))
    sweep = train_sweep(
        logs, [6.0], 1, DEFAULT_STEPS, mdp=mdp, score_interval=SCORED_EVERY, n_jobs=PROCESSES, progress=False
    )
    for name, history in {"(c)": sweep.history, "(c), last weights": sweep.last_history}.items():
        good = first_good(history["return_mean"].reshape(len(sweep.steps), -1))
        taken = []
        for _ in range(3):
            begun = perf_counter()
            train_sweep(logs, [6.0], 1, (good + 1) * SCORED_EVERY, n_jobs=PROCESSES, progress=False)
            taken.append(perf_counter() - begun)
        report(name, good, np.full(len(sweep.steps), np.median(taken)))


def report(name, good, seconds):
    never = f"not within {DEFAULT_STEPS} steps ({seconds[-1]:.1f} s)"
    print(f"{name}: {never if good < 0 else f'{seconds[good]:.1f} s, at step {(good + 1) * SCORED_EVERY}'}")


def profile_shard(logs):
    """Runs one shard of 16 members alone and prints where its time goes."""
    caught, original = {}, training.train_and_score

    def catch(shard, state, **rest):
        caught.setdefault("shard", (shard, state))
        return original(shard, state, **rest)

    training.train_and_score = catch
    train_sweep(logs[:2], np.arange(8.0), 2, 2, n_jobs=1, progress=False)
    training.train_and_score = original
    shard, state = caught["shard"]
    stack.advance(shard, state, 100)
    begun = perf_counter()
    stack.advance(shard, state, 500)
    print(
        f"{len(shard.members)} members: {(perf_counter() - begun) / 500 / len(shard.members) * 1e6:.1f} µs each a step"
    )
    with profile(activities=[ProfilerActivity.CPU]) as record:
        stack.advance(shard, state, 200)
    print(record.key_averages().table(sort_by="self_cpu_time_total", row_limit=20))


def main():
    env = SafetyCriticalGridWorld()
    logs = [generate_offline_episodes(env, seed=seed) for seed in range(10)]
    if sys.argv[1:] == ["profile"]:
        profile_shard(logs)
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    speed(logs)
    growth(logs, env.mdp)
    time_to_quality(logs, env.mdp)


if __name__ == "__main__":
    main()
