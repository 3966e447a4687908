"""Estimates of a policy's value from a log alone, against the truth, and what a choice by them costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from safegrid.intervals import Interval, mean
from safegrid.ope import estimate_errors

from .runs import draw_row
from .style import GREY, draw_levels, line_colours, name_rows, true_minus


def plot_estimates(
    estimates: Mapping[str, ArrayLike],
    truth: ArrayLike,
    groups: Mapping[str, Sequence[int]],
    *,
    limits: tuple[float, float] | None = None,
    columns: int = 3,
) -> Figure:
    """Each estimator's values against the exact ones, a mark for each candidate and log; on the diagonal it is right.

    Above each panel stand the mean over logs of bias, root-mean-square error and rank correlation, in it how many
    estimates there are none of, or none within the limits.

    Args:
        estimates: name → (C, L), NaN where there is none.
        truth: (C, L), exact values.
        groups: name → indices of candidates that share a mark.
        limits: lowest and highest estimate shown; by default all are.
        columns: panels a row.
    """
    exact, rows = np.asarray(truth, float), -(-len(estimates) // columns)
    size = (3.1 * columns, 0.4 + 2.9 * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False)
    for ax, (name, values) in zip(axes.flat, estimates.items(), strict=False):
        guess = np.asarray(values, float)
        for (group, members), colour, mark in zip(groups.items(), line_colours(), cycle("osD^v"), strict=False):
            x, y = exact[list(members)].ravel(), guess[list(members)].ravel()
            ax.plot(x, y, mark, ms=4, color=colour, alpha=0.6, mew=0, label=group)
        ax.axline((0, 0), (1, 1), color=GREY, ls="--", lw=1)
        error = estimate_errors(guess, exact)
        bias, rmse, rank = (float(np.mean(error[key][np.isfinite(error[key])])) for key in ("bias", "rmse", "rank"))
        words = f"bias {Interval(bias)}, rmse {Interval(rmse)}, rank {rank:.2f}"
        ax.set_title(f"{name}\n{true_minus(words)}", fontsize=9)
        low, high = limits if limits else (-np.inf, np.inf)
        absent = {"no estimate": np.isnan(guess), "not shown": (guess < low) | (guess > high)}
        notes = [f"{label}: {int(which.sum())}" for label, which in absent.items() if which.any()]
        ax.text(0.03, 0.97, "\n".join(notes), transform=ax.transAxes, va="top", fontsize=8)
    axes[0, 0].set_ylim(limits)
    for ax in axes.flat[len(estimates) :]:
        ax.set_visible(False)
    fig.supxlabel("exact value of the start (discounted raw reward)", fontsize=10)
    fig.supylabel("estimate (discounted raw reward)", fontsize=10)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=len(groups), frameon=False)
    return fig


def plot_regrets(
    regrets: Mapping[str, Mapping[str, ArrayLike]], references: Mapping[str, float] | None = None
) -> Figure:
    """What each rule's choice costs: a dot a log, a diamond for the mean, a bar for its 95% interval; a panel a world.

    Args:
        regrets: world → rule → (L,) regrets, in discounted raw reward.
        references: world → the regret of a blind draw, dashed.
    """
    rules = list(next(iter(regrets.values())))
    fig, axes = plt.subplots(
        1, len(regrets), figsize=(4.4 * len(regrets), 0.6 + 0.36 * len(rules)), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for ax, (world, of_rule) in zip(axes.flat, regrets.items(), strict=True):
        for row, (rule, colour) in enumerate(zip(rules, line_colours(), strict=False)):
            draw_row(ax, row, of_rule[rule], mean, colour)
        if references:
            draw_levels(ax, {"a blind draw": references[world]})
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(-0.1, 1.4 * max(np.max(values) for values in of_rule.values()))
        ax.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        ax.set(title=world, xlabel="regret (discounted raw reward), exact")
    name_rows(axes[0, 0], rules)
    if references:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", frameon=False)
    return fig
