"""Transitions per second: lock-step rollouts against a loop over Gymnasium's `step`, in turn, with the same policy.

python benchmarks/rollouts.py
"""

from itertools import pairwise
from time import perf_counter

import numpy as np

from safegrid.env import SafetyCriticalGridWorld

ROUNDS, LOCK_STEP_EPISODES, LOOP_EPISODES = 7, 5_000, 300


def loop(env, policy, rng):
    """Drives LOOP_EPISODES episodes one step at a time; returns the number of steps."""
    cumulative, steps = policy.cumsum(1), 0
    for _ in range(LOOP_EPISODES):
        _, info = env.reset()
        over = False
        while not over:
            action = int(np.searchsorted(cumulative[info["state"]], rng.random(), side="right"))
            _, _, terminated, truncated, info = env.step(min(action, 3))
            over = terminated or truncated
            steps += 1
    return steps


def main():
    env = SafetyCriticalGridWorld()
    policy, rng = env.behaviour_policy(0.22), np.random.default_rng(0)
    env.reset(seed=0)
    rates = []
    for seed in range(ROUNDS):
        marks = [perf_counter()]
        together = len(env.mdp.rollouts(policy, LOCK_STEP_EPISODES, seed).states)
        marks.append(perf_counter())
        single = loop(env, policy, rng)
        marks.append(perf_counter())
        first, second = (b - a for a, b in pairwise(marks))
        rates.append((together / first, single / second))
    lock_step, gymnasium = np.median(rates, 0)
    ratio = np.median([a / b for a, b in rates])
    print(f"lock-step {lock_step:,.0f} transitions/s, Gymnasium loop {gymnasium:,.0f}/s, median ratio {ratio:.0f}×")


if __name__ == "__main__":
    main()
