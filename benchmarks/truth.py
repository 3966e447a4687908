"""How fast the truth is: the exact engine beside bare sparse recursions, QuantEcon, and another engine if you have one.

    pip install quantecon
    python benchmarks/truth.py [--worlds grid grid100 random dense] [--other OLD/mdp.py] [--repeats 5]

Four worlds: the default grid, a grid of 100 × 100 cells, one of 5 000 states × 10 actions × 20 successors, and a dense
one of 716 states × 25 actions × up to 213 successors, in which only the end is rewarded. Four questions: `evaluate`,
`values`, `optimal`, `occupancy`. All sides answer in turn, so that what disturbs one disturbs all; each cell is the
median. The floor is the recursion itself on a matrix that is already there, and nothing else: mass pushed forward (of
one walk for `evaluate`, of one a state for `occupancy`), and one sparse solution for `values`, by factors where they
stay sparse, else by recursion. QuantEcon's `DiscreteDP` has `values` and `optimal` (policy iteration, and modified
policy iteration to the same 1e-10); it knows no horizon and no end, so that terminal states lead to themselves for
nothing.
"""

import argparse
import importlib.util
import resource
import sys
from statistics import median
from time import perf_counter

import numpy as np
from scipy.sparse import csr_matrix, eye_array
from scipy.sparse.linalg import splu
from tabulate import tabulate

from safegrid.env import SafetyCriticalGridWorld
from safegrid.mdp import TabularMDP

GAMMA = 0.99


def grid():
    """The default world."""
    return SafetyCriticalGridWorld().mdp


def large_grid(size=100):
    """A grid with a hazard in every ninth cell, and time enough to cross it."""
    rng = np.random.default_rng(0)
    cells = [(x, y) for x in range(size) for y in range(size) if (x, y) not in ((0, 0), (size - 1, size - 1))]
    hazards = [cell for cell in cells if rng.random() < 1 / 9]
    return SafetyCriticalGridWorld(size=size, hazard_coords=hazards, max_steps=4 * size).mdp


def random_world():
    """5 000 states, 10 actions, 20 successors anywhere, and no two rewards alike."""
    rng, (n, a, k) = np.random.default_rng(0), (5_000, 10, 20)
    terminal = np.arange(n) >= n - 50
    return TabularMDP(
        rng.integers(0, n, (n, a, k)), rng.dirichlet(np.ones(k), (n, a)), rng.normal(size=(n, a, k)), terminal,
        ~terminal / (n - 50), hazard=terminal & (np.arange(n) % 2 == 0), horizon=200,
    )  # fmt: skip


def dense_world():
    """As large as a table of intensive care: 716 states, 25 actions, up to 213 successors, rewarded at the end."""
    rng, (n, a, k) = np.random.default_rng(0), (716, 25, 213)
    goal, terminal = np.arange(n) == n - 1, np.arange(n) >= n - 2
    likely = np.where(np.arange(k) < rng.integers(2, k + 1, (n, a, 1)), rng.random((n, a, k)), 0.0)
    successors = np.argsort(rng.random((n, a, n)), axis=-1)[..., :k]
    return TabularMDP(
        successors, likely / likely.sum(-1, keepdims=True), goal[successors].astype(float), terminal,
        ~terminal / (n - 2), hazard=terminal & ~goal, goal=goal, horizon=200,
    )  # fmt: skip


WORLDS = {"grid": grid, "grid100": large_grid, "random": random_world, "dense": dense_world}


def floor(mdp, policy):
    """Questions answered by bare recursions, on matrices made beforehand."""
    n = mdp.n_states
    s, a, k = np.nonzero((mdp.probabilities > 0) & (policy > 0)[..., None] & ~mdp.terminal[:, None, None])
    arrived, p = mdp.successors[s, a, k], policy[s, a] * mdp.probabilities[s, a, k]
    everywhere = csr_matrix((p, (s, arrived)), (n, n))
    step = csr_matrix((p * ~mdp.terminal[arrived], (s, arrived)), (n, n))
    gain = np.bincount(s, p * mdp.rewards[s, a, k], n)
    back, narrow = everywhere.T.tocsr(), (np.abs(s - arrived).max() ** 2) * n < 1e9

    def evaluate():
        mass = mdp.start
        for _ in range(mdp.horizon):
            mass = back @ mass
        return mass

    def values():
        if narrow:
            return splu((eye_array(n) - GAMMA * step).tocsc()).solve(gain)
        v, moved = np.zeros(n), 1.0
        while moved > 1e-12:
            new = gain + GAMMA * (step @ v)
            moved, v = np.abs(new - v).max(), new
        return v

    def occupancy():
        mass, met = np.repeat(mdp.start[:, None], n, 1), np.zeros(n)
        for _ in range(mdp.horizon + 1):
            met += np.diag(mass)
            np.fill_diagonal(mass, 0.0)
            mass = back @ mass
        return met

    return {"evaluate": evaluate, "values": values} | ({"occupancy": occupancy} if n < 1_000 else {})


def quantecon(mdp, policy):
    """The same process as a `DiscreteDP` of pairs, and its answers."""
    from quantecon.markov import DiscreteDP

    n, a = mdp.n_states, mdp.n_actions
    s, action, _ = np.indices(mdp.successors.shape).reshape(3, -1)
    over = mdp.terminal[s]
    arrived, p = np.where(over, s, mdp.successors.ravel()), mdp.probabilities.ravel()
    q = csr_matrix((p, (s * a + action, arrived)), (n * a, n))
    r = np.where(mdp.terminal[:, None], 0.0, mdp.expected_rewards).ravel()
    process = DiscreteDP(r, q, GAMMA, np.repeat(np.arange(n), a), np.tile(np.arange(a), n))
    sigma = policy.argmax(1)
    return {
        "values": lambda: process.evaluate_policy(sigma),
        "optimal": lambda: process.solve(method="policy_iteration"),
        "optimal (mpi)": lambda: process.solve(method="modified_policy_iteration", epsilon=1e-10, k=50),
    }


def answers(mdp, policy):
    """An engine of ours."""
    return {
        "evaluate": lambda: mdp.evaluate(policy),
        "values": lambda: mdp.values(policy, GAMMA),
        "optimal": lambda: mdp.optimal(GAMMA),
        "occupancy": lambda: mdp.occupancy(policy),
    }


def again(module, mdp):
    """The same process in another `mdp.py`."""
    names = ("successors", "probabilities", "rewards", "terminal", "start", "hazard", "goal", "observations", "horizon")
    return module.TabularMDP(**{name: getattr(mdp, name) for name in names})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=WORLDS)
    parser.add_argument("--other", help="another mdp.py, to alternate with")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    module = None
    if options.other:
        spec = importlib.util.spec_from_file_location("other_mdp", options.other)
        module = sys.modules["other_mdp"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    rows = []
    for name in options.worlds:
        mdp = WORLDS[name]()
        policy = mdp.optimal(GAMMA)
        sides = {"ours": answers(mdp, policy), "floor": floor(mdp, policy)}
        if importlib.util.find_spec("quantecon"):
            sides["QuantEcon"] = quantecon(mdp, policy)
        if module:
            sides["other"] = answers(again(module, mdp), policy)
        if mdp.n_states > 1_000:  # minutes a call, or more memory than there is
            for side in ("ours", "other"):
                sides.get(side, {}).pop("occupancy", None)
        if name == "grid100":
            sides.get("other", {}).pop("values", None)
        for question in ("evaluate", "values", "optimal", "optimal (mpi)", "occupancy"):
            times = {side: [] for side, known in sides.items() if question in known}
            for _ in range(options.repeats + 1):
                for side, taken in times.items():
                    if taken and taken[0] > 20:
                        continue
                    begun = perf_counter()
                    sides[side][question]()
                    taken.append(perf_counter() - begun)
            found = {side: median(taken[1:] or taken) for side, taken in times.items()}
            rows.append([name, question, *(f"{1e3 * found[s]:.2f}" if s in found else "" for s in sides)])
            print(*rows[-1], file=sys.stderr)
    print(tabulate(rows, ["world", "question", *(f"{side} (ms)" for side in sides)], disable_numparse=True))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
