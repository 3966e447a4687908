"""Draws the README's pictures: _static/weights.png, and _static/hazards.png from results/hazards.csv.

python book/picture.py
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import safegrid as sg
from safegrid.array_types import Floats
from safegrid.figures.runs import draw_row
from safegrid.figures.style import BLUE, GREEN, ORANGE, draw_levels, name_rows, rate_axis
from safegrid.files.atomic import atomic_path

mpl.use("agg")
BOOK = Path(__file__).parent
AGENTS = {"CQL, weight 6": ("CQL", "6.0"), "clone": ("BC", "0.0"), "CQL, weight 0": ("CQL", "0.0")}


def hazards(agent: str, weight: str, world: str) -> Floats:
    """Mean hazard rate of each log, (10,), over its networks and stopping times."""

    def matching() -> Iterator[list[str]]:
        with (BOOK / "results" / "hazards.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                key = (row["agent"], row["weight"], row["map"], row["first_log"])
                if key == (agent, weight, world, "100") and row["sync"] in ("0", "100"):
                    yield row["hazard_rate"].split()

    return np.asarray(np.array(list(matching()), float).reshape(-1, 10, 4).mean((0, 2)))


def draw_hazards() -> None:
    """How often each agent crashes on each map, a dot a log, beside the optimum and the driver."""
    fig, axes = plt.subplots(2, 2, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained")
    for ax, (world, env) in zip(axes.flat, ((w, sg.SafetyCriticalGridWorld(map_name=w)) for w in sg.MAPS), strict=True):
        for row, (key, colour) in enumerate(zip(AGENTS.values(), (BLUE, ORANGE, GREEN), strict=True)):
            draw_row(ax, row, hazards(*key, world), sg.mean, colour)
        known = {"optimum": env.mdp.optimal(0.99), "driver": env.behaviour_policy(0.22)}
        draw_levels(ax, {name: env.mdp.evaluate(policy).hazard_rate for name, policy in known.items()})
        rate_axis(ax, "hazard_rate")
        ax.set(title=world)
    name_rows(axes[0, 0], list(AGENTS))
    fig.supxlabel("hazard rate, exact", fontsize=10)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    with atomic_path(BOOK / "_static" / "hazards.png") as unfinished:
        fig.savefig(unfinished, dpi=100)


def draw_weights() -> None:
    """Trains one agent a weight on one log of crossroads, for a static slider."""
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    dataset, policies = sg.build_mdpdataset(sg.generate_offline_episodes(env, seed=100)), {}
    for weight in (0.0, 1.0, 3.0, 6.0, 20.0, 200.0):
        agent = sg.create_discrete_cql(conservative_weight=weight)
        sg.fit(agent, dataset, seed=0)
        policies[weight] = sg.policy_table(agent, env.mdp)
    visits = {weight: env.mdp.occupancy(policy) for weight, policy in policies.items()}
    figure = sg.plot_weights(env.mdp, policies, visits, label="probability of visiting the cell")
    with atomic_path(BOOK / "_static" / "weights.png") as unfinished:
        figure.savefig(unfinished, dpi=100)


if __name__ == "__main__":
    draw_hazards()
    draw_weights()
