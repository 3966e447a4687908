"""The curves of a sweep over the conservative weight."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from safegrid.scores import PolicyScore
from safegrid.sweep.results import Sweep

from .lines import plot_lines
from .style import GREY, LABELS, rate_axis


def plot_sweep(
    sweep: Sweep, references: Mapping[str, PolicyScore] | None = None, clones: Sweep | None = None
) -> Figure:
    """Return, hazard, claim and idle time-outs over the conservative weight, each with its 95% interval over logs.

    The hazard rate's axis is logarithmic.

    Args:
        sweep: trained with the world.
        references: exact scores to stand beside it, such as the optimum's; dashed lines.
        clones: from `train_clone_sweep`; their first penalty is one more line.
    """
    fig, axes = plt.subplots(2, 2, figsize=(8.8, 6.2), layout="constrained")
    for ax, field in zip(axes.flat, ("return_mean", "hazard_rate", "overestimate", "timeout_rate"), strict=True):
        levels = {"honest": 0.0}
        if field != "overestimate":
            levels = {name: getattr(score, field) for name, score in (references or {}).items()}
            if clones is not None:
                bc = clones.curve(field)[0]
                levels["BC"] = bc.estimate
                ax.axhspan(bc.low, bc.high, color=GREY, alpha=0.12, lw=0)
        plot_lines(
            sweep.weights, {"CQL": sweep.curve(field)}, xlabel="conservative weight", ylabel=LABELS[field],
            scale="symlog", levels=levels, ax=ax,
        )  # fmt: skip
        rate_axis(ax, field, upright=True)
        ax.tick_params(axis="x", rotation=90 if len(sweep.weights) > 7 else 0)
        ax.get_legend().remove()
    named = {name: line for ax in axes.flat for line, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(named.values(), named.keys(), loc="outside upper right", ncols=len(named), frameon=False)
    return fig
