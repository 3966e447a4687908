"""Worlds of this book: a log of the careless driver, agents that learn from it, and the truth about them."""

from __future__ import annotations

import argparse
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from safegrid.checks import checked
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.files.atomic import atomic_path
from safegrid.intervals import Interval
from safegrid.scores import PolicyScore

from .paths import npz_path, refuse_existing, repeated, writable_folder

_SWEEP = """The whole curve over the conservative weight.

Trains CQL for every weight on every log, all side by side, scores each network exactly, and prints return, hazard and
claimed minus true value with intervals over the logs. Writes the sweep (.npz) and a picture (.png).
If it is interrupted, the same command goes on where it stopped. What is there already is written over with --force
alone."""

_SWEEP_EPILOG = """examples:
  python -m safegrid sweep --map crossroads                ten weights, ten logs
  python -m safegrid sweep --weights 0 1 6 200 --logs 4    a quick look
  python -m safegrid sweep --map my_map.txt                a world drawn in a file, in its own recipe
  python -m safegrid sweep --first-log 100 --seeds 4       other logs, four networks for each weight and log"""


ORIGINAL = {"bc_steps": 25_000, "cql_steps": 80_000}
"""Gradient steps of the original tutorial."""


def add_train(train: argparse._ArgumentGroup) -> None:
    """What `train` may be asked beside a log of one's own; the defaults are put in by `train_in_world`."""
    _add_world(train)
    _add_features(train)
    train.add_argument("--episodes", type=int, help="episodes in a log that is written (default: 500)")
    train.add_argument("--epsilon", type=float, help="the driver's share of random actions (default: 0.22)")
    train.add_argument("--test-episodes", type=int, help="sampled episodes of a test drive (default: 1000)")
    steps = f"{ORIGINAL['bc_steps']} and {ORIGINAL['cql_steps']}"
    train.add_argument("--original", action="store_true", default=None,
                       help=f"the original tutorial's networks, rates and steps ({steps}; minutes)")  # fmt: skip


OF_WORLD = {
    "map": "original", "max_steps": None, "features": "auto", "episodes": 500, "epsilon": 0.22, "test_episodes": 1_000,
    "original": False,
}  # fmt: skip
"""Options of `train` that say which log to write, and where to drive."""


def add_evaluate(commands: Any) -> None:
    """`evaluate`."""
    raw = argparse.RawDescriptionHelpFormatter
    evaluate = commands.add_parser("evaluate", help="score a saved policy", formatter_class=raw,
                                   description="Scores a saved policy exactly and by sampled episodes.")  # fmt: skip
    evaluate.add_argument("policy", type=Path, help="an .npz written by `train` or `safegrid.save_agent`")
    _add_world(evaluate, "the one in the policy's name, else original")
    evaluate.add_argument("--test-episodes", type=int, default=1_000, help="sampled episodes (default: 1000)")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of those episodes (default: 0)")
    evaluate.set_defaults(run=_evaluate, least={"test_episodes": 0, "seed": 0, "max_steps": 1})


def add_sweep(commands: Any) -> None:
    """`sweep`."""
    raw = argparse.RawDescriptionHelpFormatter
    sweep = commands.add_parser("sweep", help="CQL for every conservative weight at once", description=_SWEEP,
                                epilog=_SWEEP_EPILOG, formatter_class=raw)  # fmt: skip
    _add_world(sweep)
    sweep.add_argument("--weights", type=float, nargs="+", metavar="WEIGHT",
                       help="conservative weights, at least 0 (default: ten, in its rewards' unit)")  # fmt: skip
    _add_features(sweep)
    sweep.add_argument("--logs", type=int, default=10, help="number of logs (default: 10)")
    sweep.add_argument("--first-log", type=int, default=0, metavar="SEED", help="seed of the first log (default: 0)")
    sweep.add_argument("--seeds", type=int, default=1, help="networks for each weight and log (default: 1)")
    sweep.add_argument("--steps", type=int, help="gradient steps of each network (default: the recipe's)")
    sweep.add_argument("--episodes", type=int, default=500, help="episodes in a log (default: 500)")
    sweep.add_argument("--epsilon", type=float, default=0.22, help="the driver's random actions (default: 0.22)")
    sweep.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    sweep.add_argument("--out", default="sweep.npz", help="file to write, .npz (default: sweep.npz)")
    sweep.add_argument("--force", action="store_true", help="write over the files of an earlier sweep")
    sweep.set_defaults(
        run=_run_sweep, least={"logs": 1, "first_log": 0, "seeds": 1, "steps": 1, "episodes": 1, "max_steps": 1}
    )


def _add_world(command: argparse._ActionsContainer, default: str = "original") -> None:
    drawn = "or a text file that draws one, a row a line: S start, F free, H hazard, W wall, G goal"
    command.add_argument("--map", help=f"world: {', '.join(MAPS)} (default: {default}), {drawn}")
    command.add_argument("--max-steps", type=int, help="steps of an episode in a drawn map (default: 80)")


def _add_features(command: argparse._ActionsContainer) -> None:
    command.add_argument("--features", choices=("auto", "coordinates", "cells", "scaled"),
                         help="what a network is shown: one-hot coordinates, one-hot cells or coordinates scaled to "
                              "-1 to 1 (default: auto, the recipe's)")  # fmt: skip


def _world(options: argparse.Namespace) -> SafetyCriticalGridWorld:
    """A named map, or one drawn in a file; the one that a policy was trained in has left its name in the policy's."""
    if options.map is None:
        saved = options.policy.stem if "policy" in options else ""
        named = re.fullmatch(r"(?:bc|cql)-(.+)-w[^-]+(?:-[a-z]+)?-log\d+", saved)
        options.map = named[1] if named else "original"
    path = Path(options.map)
    if options.map in MAPS:
        if options.max_steps is not None:
            raise ValueError(f"--max-steps is {options.max_steps}, but the map {options.map} has its own clock")
        return SafetyCriticalGridWorld(map_name=options.map)
    if not path.is_file():
        raise ValueError(f"--map is {options.map}, expected one of {', '.join(MAPS)}, or a text file that draws one")
    try:
        rows = [row.strip() for row in path.read_text(encoding="utf-8-sig").splitlines() if row.strip()]
        return SafetyCriticalGridWorld(desc=rows, max_steps=options.max_steps or 80)
    except ValueError as error:
        raise ValueError(f"--map {path}: {error}") from None


def _features(options: argparse.Namespace, env: SafetyCriticalGridWorld) -> dict[str, Any]:
    """As keywords of a sweep; without size where they are left to the proposal."""
    ranges = [(0, env.width - 1), (0, env.height - 1)]
    kinds: dict[str | None, dict[str, Any]] = {
        None: {}, "auto": {}, "coordinates": {"size": env.size}, "cells": {"size": env.size, "cells": True},
        "scaled": {"size": None, "ranges": ranges},
    }  # fmt: skip
    return kinds[options.features]


def train_in_world(options: argparse.Namespace) -> None:
    """Writes a log on a map for each seed, learns from it, and says what is true."""
    for name, value in OF_WORLD.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    env, seeds = _world(options), options.seeds
    checked("--epsilon", options.epsilon, 0.0, 1.0)
    for weight in options.weight or ():
        checked("--weight", weight, 0.0)
    if options.weight and len(options.weight) > 1:
        raise ValueError(f"--weight is {options.weight}, expected one without LOG; `sweep` trains several at once")
    if twice := repeated(seeds):
        raise ValueError(f"--seeds has {twice[0]} twice, expected different logs")
    if options.original and options.features != "auto":
        raise ValueError(f"--features is {options.features}, but --original has the tutorial's own")
    makers, weight = _makers(options, env)
    shown = "" if options.features == "auto" else f"-{options.features}"
    out, run = writable_folder(options.out), f"{Path(options.map).stem}-w{weight:g}{shown}-log"
    saved = {seed: {name: out / f"{name.lower()}-{run}{seed}.npz" for name in makers} for seed in seeds}
    figure = out / f"comparison-{run}{'-'.join(map(str, dict.fromkeys([seeds[0], seeds[-1]])))}.png"
    policies = [path for of_seed in saved.values() for path in of_seed.values()]
    refuse_existing([*policies, *(path.with_suffix(".pt") for path in policies), figure], options.force)

    import matplotlib

    matplotlib.use("agg")
    from safegrid.agents import fit, save_agent
    from safegrid.dataset import build_mdpdataset, generate_offline_episodes
    from safegrid.evaluation import Comparison, score_agent
    from safegrid.figures.comparisons import plot_comparison

    for name, (make, steps) in makers.items():
        encoder = make().config.encoder_factory  # bad settings show before any work is done
        print(f"{name}: {steps} steps{f', weight {weight:g}' * (name == 'CQL')}, {encoder}")
    mdp = env.mdp
    references = {"optimum (γ = 0.99)": mdp.optimal(0.99), "behaviour policy": env.behaviour_policy(options.epsilon)}
    scores: dict[str, list[list[Any]]] = {name: [] for name in makers}
    rest = list(seeds)
    try:
        for seed in seeds:
            log = generate_offline_episodes(env, options.episodes, options.epsilon, seed)
            print(f"log {seed}: {log.n_episodes} episodes, {len(log)} steps, {log.harmful.mean():.1%} end on a hazard")
            agents = {name: make() for name, (make, _) in makers.items()}
            for name, agent in agents.items():
                steps, averaging = makers[name][1], 0.0 if options.original else 0.999
                fit(agent, build_mdpdataset(log), steps, seed=seed, averaging=averaging)
                scores[name].append([score_agent(agent, mdp, n_episodes=options.test_episodes, seed=seed)])
            for name, agent in agents.items():  # a log's policies together, or neither
                save_agent(agent, saved[seed][name])
                with atomic_path(saved[seed][name].with_suffix(".pt")) as unfinished:
                    agent.save_policy(str(unfinished))
            rest.remove(seed)
        comparison = Comparison(scores, {name: mdp.evaluate(policy) for name, policy in references.items()})
        with atomic_path(figure) as unfinished:
            plot_comparison(comparison).savefig(unfinished, dpi=150)
    except KeyboardInterrupt:
        kept = " ".join(str(seed) for seed in seeds if seed not in rest)
        again = " --force" * any(path.exists() for seed in rest[:1] for path in saved[seed].values())
        told = f"kept the policies of log {kept} in {out}" if kept else "kept nothing"
        if rest:
            told += f"; the same command with --seeds {' '.join(map(str, rest))}{again} does the rest"
        raise KeyboardInterrupt(told) from None
    rows = [_row(name, score, None) for name, score in comparison.references.items()]
    for name, runs in scores.items():
        for seed, (score,) in zip(seeds, runs, strict=True):
            rows.append(_row(f"{name}, log {seed}", score.exact, score.sampled))
    print(f"\n{tabulate(rows, _HEADERS, disable_numparse=True)}\n")
    if len(seeds) > 1:
        print(f"over {len(seeds)} logs (interquartile mean, 95% interval):\n\n{comparison}\n")
    print(f"saved {', '.join(path.name for path in policies)} and {figure.name} in {out}")


def _makers(
    options: argparse.Namespace, env: SafetyCriticalGridWorld
) -> tuple[dict[str, tuple[Callable[[], Any], int]], float]:
    """For each agent how to make it, and its gradient steps; and CQL's weight."""
    from safegrid.agents import create_discrete_bc, create_discrete_cql
    from safegrid.dataset import generate_offline_episodes
    from safegrid.recipe import propose_recipe

    recipe = propose_recipe(
        generate_offline_episodes(env, options.episodes, options.epsilon, options.seeds[0]), env.mdp
    )
    weight = options.weight[0] if options.weight else recipe.conservative_weight
    steps = recipe.n_steps if options.steps is None else options.steps
    if not options.original:
        features = _features(options, env) or recipe.features
        learned = features | {"conservative_weight": weight, "reward_scale": recipe.reward_scale}
        return {
            "BC": (lambda: create_discrete_bc(**features), steps),
            "CQL": (lambda: create_discrete_cql(**learned), steps),
        }, weight
    bc_steps, cql_steps = (steps, steps) if options.steps is not None else ORIGINAL.values()
    shared: dict[str, Any] = {"size": None, "hidden_units": (256, 256), "learning_rate": 3e-4, "batch_size": 256}
    values: dict[str, Any] = {"reward_scale": 1.0, "target_update_interval": 8_000}
    return {
        "BC": (lambda: create_discrete_bc(**shared), bc_steps),
        "CQL": (lambda: create_discrete_cql(conservative_weight=weight, **shared, **values), cql_steps),
    }, weight


def _evaluate(options: argparse.Namespace) -> None:
    env = _world(options)

    from safegrid.agents import load_agent
    from safegrid.evaluation import score_agent

    agent = load_agent(options.policy)
    score = score_agent(agent, env.mdp, n_episodes=options.test_episodes, seed=options.seed)
    rows = [
        _row("optimum (γ = 0.99)", env.mdp.evaluate(env.mdp.optimal(0.99)), None),
        _row(options.policy.name, score.exact, score.sampled),
    ]
    print(f"map {options.map}\n\n{tabulate(rows, _HEADERS, disable_numparse=True)}")
    if np.isfinite(score.overestimate):
        print(f"\nvalue of the start, discounted: claimed {score.claimed_value:.1f}, true {score.true_value:.1f}")


def _run_sweep(options: argparse.Namespace) -> None:
    env = _world(options)
    checked("--epsilon", options.epsilon, 0.0, 1.0)
    if not options.jobs:
        raise ValueError("--jobs is 0, expected a number of processes, or -1 for one a core")
    out = npz_path(options.out)
    figure, unfinished = out.with_suffix(".png"), out.with_suffix(".unfinished.npz")
    writable_folder(out.parent)
    refuse_existing([out, figure], options.force)

    import joblib
    import matplotlib

    matplotlib.use("agg")
    from safegrid.dataset import generate_offline_episodes
    from safegrid.evaluation import reference_row, summary_table
    from safegrid.figures.sweeps import plot_sweep
    from safegrid.sweep.shards import checked_weights
    from safegrid.sweep.training import train_clone_sweep, train_sweep

    weights: Any = "auto" if options.weights is None else checked_weights("--weights", options.weights)
    logs = [
        generate_offline_episodes(env, options.episodes, options.epsilon, seed)
        for seed in range(options.first_log, options.first_log + options.logs)
    ]
    run: Any = {
        "n_seeds": options.seeds, "n_steps": "auto" if options.steps is None else options.steps, "mdp": env.mdp,
        "seed": options.first_log, "n_jobs": options.jobs, **_features(options, env),
    }  # fmt: skip
    # Ctrl-C reaches every process of the terminal; the workers leave it to this one, which ends them
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    saved = False
    try:
        with joblib.parallel_config("loky", **deaf):
            sweep = train_sweep(logs, weights, checkpoint=unfinished, **run)
            clones = train_clone_sweep(logs, **run)
        sweep.save(out)
        saved = True
        unfinished.unlink()
        references = {
            "optimum": env.mdp.evaluate(env.mdp.optimal(0.99)),
            "behaviour policy": env.mdp.evaluate(env.behaviour_policy(options.epsilon)),
        }
        with atomic_path(figure) as unfinished_figure:
            plot_sweep(sweep, references, clones).savefig(unfinished_figure, dpi=150)
    except KeyboardInterrupt:
        going_on = f"kept {unfinished}; the same command goes on from it" if unfinished.exists() else "kept nothing"
        raise KeyboardInterrupt(f"kept {out}" if saved else going_on) from None
    rows = [reference_row(name, score) for name, score in references.items()]
    print(f"\n{summary_table(rows + clones.rows() + sweep.rows(), sweep.dreams())}\n")
    print(f"wrote {out} and {figure}")


_HEADERS = ("", "return", "worst 5%", "hazard", "goal", "time-out", "return, sampled", "hazard, sampled")


def _row(name: str, exact: PolicyScore, sampled: PolicyScore | None) -> list[str]:
    from safegrid.evaluation import score_interval

    cells = [f"{Interval(exact.return_mean):.2}", f"{Interval(exact.return_cvar)}"]
    cells += [f"{Interval(rate):.2%}" for rate in (exact.hazard_rate, exact.goal_rate, exact.timeout_rate)]
    if sampled is None:
        return [name, *cells, "", ""]
    income, risk = (score_interval(sampled, field) for field in ("return_mean", "hazard_rate"))
    return [name, *cells, f"{income:.2}", f"{risk:.2%}"]
