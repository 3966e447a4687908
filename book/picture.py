"""Draws _static/weights.png, the picture of the welcome page and of the README.

python book/picture.py
"""

from pathlib import Path

import matplotlib as mpl

import safegrid as sg
from safegrid.files.atomic import atomic_path

mpl.use("agg")


def main() -> None:
    """Trains one agent a weight on one log of crossroads, for a static slider."""
    env = sg.SafetyCriticalGridWorld(map_name="crossroads")
    dataset, policies = sg.build_mdpdataset(sg.generate_offline_episodes(env, seed=100)), {}
    for weight in (0.0, 1.0, 3.0, 6.0, 20.0, 200.0):
        agent = sg.create_discrete_cql(conservative_weight=weight)
        sg.fit(agent, dataset, seed=0)
        policies[weight] = sg.policy_table(agent, env.mdp)
    visits = {weight: env.mdp.occupancy(policy) for weight, policy in policies.items()}
    figure = sg.plot_weights(env.mdp, policies, visits, label="probability of visiting the cell")
    with atomic_path(Path(__file__).parent / "_static" / "weights.png") as unfinished:
        figure.savefig(unfinished, dpi=100)


if __name__ == "__main__":
    main()
