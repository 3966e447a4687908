"""Does the proposed recipe travel? Worlds that are not this book's, ten logs each, `propose_recipe` as it comes.

python benchmarks/proposal.py            # logs of seeds 100–109, some minutes: proposal.md
python benchmarks/proposal.py --first 0  # the logs on which it may be changed
"""

import argparse

import gymnasium
import numpy as np
from features import random_world
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import trim_mean
from tabulate import tabulate

from safegrid.dataset import sample_episodes
from safegrid.mdp import TabularMDP
from safegrid.recipe import SCALE, WEIGHT, propose_recipe
from safegrid.sweep.training import train_clone_sweep, train_sweep

HEADER = """# Does the proposed recipe travel?

Worlds that are not this book's, ten logs of 500 episodes each (seeds 100–109), two networks a log, `propose_recipe` as
it comes: `python benchmarks/proposal.py`. Value of the start, discounted, and claim are interquartile means, as is the
return; the hazard is a mean. The gridworld's driver is worth what its paper's baseline is; Gymnasium's toy worlds are
driven by their optimum with every other action at random; random maps, 12% hazards, by the book's driver.

- **CQL as proposed earns more than the driver in every world,** and within a hundredth what the clone earns. Where
  most moves are the best ones, the clone finds them by vote and little is left to gain.
- **Units.** In the book's own units, 6 and 0.1, CQL still finds good policies in small worlds whose logs are dense. But
  it claims many times what any policy can be worth there (1 in the lakes and in the gridworld), and in Taxi it earns
  less and has worse runs.
- **A claim can be absurd and the policy good.** In CliffWalking every reward is negative, and CQL claims a positive
  value for the optimum. `largest_value` is −1 there, and the claim is named under the table.
- The largest random map is far from solved; the log hardly reaches its goal."""

EPSILON = 0.5
"""The drivers' share of random actions."""


def spibb_gridworld():
    """The 5 × 5 gridworld of Laroche et al. (2019, section 3.1) and a driver worth what their baseline is, 0.40225."""
    walls = {((2, y), (3, y)) for y in (0, 1, 2)} | {((3, y), (4, y)) for y in (2, 3)}
    moves = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    chances = [0.75, 0.10, 0.05, 0.10]  # as wanted, to the right of it, backwards, to the left of it
    table = np.zeros((25, 4, 25))
    for s in range(25):
        cell = s % 5, s // 5
        for i, (dx, dy) in enumerate(moves):
            to = cell[0] + dx, cell[1] + dy
            free = min(to) >= 0 and max(to) < 5 and not {(cell, to), (to, cell)} & walls
            for a in range(4):
                table[s, a, to[0] + 5 * to[1] if free else s] += chances[(i - a) % 4]
    states = np.arange(25)
    goal = states == 24
    rewards = np.broadcast_to(goal.astype(float), (25, 25))
    observations = np.stack([states % 5, states // 5], 1)
    mdp = TabularMDP.from_dense(
        table, np.broadcast_to(rewards[:, None], table.shape), terminal=goal, start=states == 0, goal=goal,
        observations=observations, horizon=100,
    )  # fmt: skip
    q = mdp.values(mdp.optimal(0.95), 0.95)[1]

    def driver(heat):
        return softmax(heat * q, 1)

    return mdp, driver(brentq(lambda heat: mdp.values(driver(heat), 0.95)[0][0] - 0.4022501619, 0, 1e3)), 0.95


def toy(name, horizon, hazard=lambda env: (), **settings):
    """A world of Gymnasium's and a driver who takes the best action or, with EPSILON, any."""
    env = gymnasium.make(name, **settings)
    mdp = TabularMDP.from_gymnasium(env, horizon=horizon, hazard=hazard(env))
    return mdp, (1 - EPSILON) * mdp.optimal(0.99) + EPSILON / mdp.n_actions, 0.99


def holes(env):
    """FrozenLake's."""
    return np.flatnonzero(env.unwrapped.desc.ravel() == b"H")


def random_map(size):
    """A map of which 12% are hazards and the book's driver."""
    env = random_world(size, 200)
    return env.mdp, env.behaviour_policy(0.22), 0.99


WORLDS = {
    "SPIBB's gridworld": spibb_gridworld,
    "FrozenLake 4 × 4": lambda: toy("FrozenLake-v1", 100, holes),
    "FrozenLake 8 × 8": lambda: toy("FrozenLake8x8-v1", 200, holes),
    "CliffWalking": lambda: toy("CliffWalking-v0", 100),
    "Taxi": lambda: toy("Taxi-v3", 200),
    "random 15 × 15": lambda: random_map(15),
    "random 25 × 25": lambda: random_map(25),
    "random 40 × 40": lambda: random_map(40),
}


def lines(name, first, episodes):
    """Exact scores of every policy in one world."""
    mdp, driver, gamma = WORLDS[name]()
    logs = [sample_episodes(mdp, driver, episodes, seed) for seed in range(first, first + 10)]
    recipe = propose_recipe(logs, mdp)
    clones = train_clone_sweep(logs, n_seeds=2, mdp=mdp, seed=first, progress=False)
    sweeps = {f"CQL as proposed: {recipe.conservative_weight:g}, ρ {recipe.reward_scale:g}": {}}
    if recipe.reward_scale != SCALE:
        sweeps["CQL in the book's units: 6, ρ 0.1"] = {"conservative_weights": [WEIGHT], "reward_scale": SCALE}
    for kind, policy in {"optimum": mdp.optimal(gamma), "driver": driver}.items():
        score = mdp.evaluate(policy)
        yield (
            name,
            kind,
            f"{mdp.start @ mdp.values(policy, gamma)[0]:.3g}",
            f"{score.return_mean:.3g}",
            "",
            f"{score.hazard_rate:.1%}",
            "",
        )
    for kind, settings in {"BC": None, **sweeps}.items():
        own = {"conservative_weights": [recipe.conservative_weight]} | (settings or {})
        sweep = clones if settings is None else train_sweep(
            logs, n_seeds=2, mdp=mdp, seed=first, gamma=gamma, progress=False, **own
        )  # fmt: skip
        policies = sweep.policies.reshape(-1, mdp.n_states, mdp.n_actions)
        values = [float(mdp.start @ mdp.values(p, gamma)[0]) for p in policies]
        returns, hazards = sweep.scores("return_mean").ravel(), sweep.scores("hazard_rate")
        claim = "" if settings is None else f"{trim_mean(sweep.scores('claimed_value').ravel(), 0.25):.3g}"
        yield (
            name, kind, f"{trim_mean(values, 0.25):.3g}", f"{trim_mean(returns, 0.25):.3g}", f"{returns.min():.3g}",
            f"{hazards.mean():.1%}", claim,
        )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=100, help="seed of the first log")
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS))
    options = parser.parse_args()
    rows = []
    for world in options.worlds:
        rows += lines(world, options.first, options.episodes)
        print(*rows[-5:], sep="\n", flush=True)
    print(f"\n{HEADER}\n")
    headers = ("world", "policy", "value of the start", "return", "worst run", "hazard", "claim")
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))
