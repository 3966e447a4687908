"""A log as a stranger has one, written with Gymnasium alone: `python benchmarks/toy_log.py Taxi-v3 taxi.csv`."""

import csv
import sys

import gymnasium
import numpy as np


def write_log(world, path, n_episodes=500, seed=100):
    """Drives a world of Gymnasium's toy text, half of the time by its best move and else at random; a row a step."""
    env, rng = gymnasium.make(world), np.random.default_rng(seed)
    table, q = env.unwrapped.P, np.zeros((env.observation_space.n, env.action_space.n))
    for _ in range(300):  # value iteration
        v = 0.99 * q.max(1)
        q = np.array(
            [[sum(p * (r + v[t] * (not end)) for p, t, r, end in a) for a in s.values()] for s in table.values()]
        )
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("trip", "state", "move", "points", "ended", "cut"))
        for trip in range(n_episodes):
            state, over = env.reset(seed=seed + trip)[0], False
            while not over:
                move = int(q[state].argmax() if rng.random() < 0.5 else rng.integers(q.shape[1]))
                after, points, ended, cut, _ = env.step(move)
                rows.writerow((trip, state, move, points, int(ended), int(cut)))
                state, over = after, ended or cut


if __name__ == "__main__":
    write_log(*sys.argv[1:])
