"""A panel that trains again, and shows the result in an explorer."""

from __future__ import annotations

from typing import Any

import ipywidgets

from safegrid.agents import create_discrete_cql, fit
from safegrid.checks import whole
from safegrid.dataset import build_mdpdataset
from safegrid.sweep.training import train_sweep

from .explorer import ConservatismExplorer

_RECIPE = ("size", "hidden_units", "learning_rate", "batch_size", "gamma", "n_critics", "target_update_interval")
"""The settings of a sweep that training again keeps."""


def train_button(explorer: ConservatismExplorer, *, n_steps: int = 2_400, reward_scale: float = 0.1) -> ipywidgets.VBox:
    """A panel that trains again, with a progress bar, and shows the result in the explorer; needs a running kernel.

    Either d3rlpy trains the one agent that the explorer shows (its weight, log and network seed), or the whole sweep is
    trained anew. All other settings are the sweep's own.

    Args:
        explorer: with its logs.
        n_steps: gradient steps to begin with.
        reward_scale: reward scale ρ to begin with.

    Raises:
        ValueError: the explorer was made without logs.
    """
    if explorer.logs is None:
        raise ValueError("explorer has no logs to train on, expected ConservatismExplorer(…, logs=…)")
    logs = explorer.logs
    what = ipywidgets.ToggleButtons(options=["this agent (d3rlpy)", "the whole sweep"])
    steps = ipywidgets.BoundedIntText(value=whole("n_steps", n_steps), min=1, max=1_000_000, description="steps")
    scale = ipywidgets.BoundedFloatText(value=reward_scale, min=1e-3, max=10.0, step=0.01, description="reward scale")
    button = ipywidgets.Button(description="train", button_style="primary")
    output = ipywidgets.Output()

    def train(_: Any) -> None:
        settings = explorer.sweep.settings
        recipe = {name: settings[name] for name in _RECIPE} | {"reward_scale": scale.value}
        button.disabled = True
        output.clear_output()
        try:
            with output:
                if what.index == 0:
                    agent = create_discrete_cql(conservative_weight=explorer.weight, **recipe)
                    seed = int(explorer.sweep.seeds[explorer.log, explorer.seed])
                    fit(agent, build_mdpdataset(logs[explorer.log]), steps.value, seed=seed)
                    explorer.show(agent)
                else:
                    explorer.sweep = train_sweep(
                        logs, explorer.sweep.weights, explorer.sweep.seeds.shape[1], steps.value, mdp=explorer.mdp,
                        seed=int(explorer.sweep.seeds[0, 0]), **recipe,
                    )  # fmt: skip
        finally:
            button.disabled = False

    button.on_click(train)
    return ipywidgets.VBox([what, ipywidgets.HBox([steps, scale, button]), output])
