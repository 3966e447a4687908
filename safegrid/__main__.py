"""The command line: `python -m safegrid train`, `evaluate` and `sweep`."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from .checks import checked, whole
from .env import MAPS, SafetyCriticalGridWorld
from .files.atomic import atomic_path
from .intervals import Interval
from .scores import PolicyScore

_TRAIN = """Learn from a fixed log, then look at the truth.

Writes a log of the careless driver, clones it (BC), learns from it with conservative Q-learning (CQL), and prints what
each policy earns and risks: exactly, from the world's table, and as a test drive of sampled episodes would
estimate it.
Saves both policies and a figure, named after map, weight and log: cql-crossroads-w6-log42.npz."""

_TRAIN_EPILOG = """examples:
  python -m safegrid train                                 the default world: a clone is nearly as good
  python -m safegrid train --map crossroads --weight 6     a world in which the weight decides everything
  python -m safegrid train --map crossroads --weight 0     no conservatism: it freezes
  python -m safegrid train --seeds 0 1 2 3 --steps 9600    four logs, longer training
  python -m safegrid train --original --weight 1           the original tutorial's settings, as they really ran

What is there already is written over with --force alone.
A saved .npz policy is read back with `python -m safegrid evaluate`; the .pt beside it is d3rlpy's TorchScript export,
which needs nothing but torch."""

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


_SPELLED = {"γ": "gamma", "β": "beta", "→": "->", "−": "-", "–": "-", "…": "...", "’": "'"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 2 for bad input, 130 if it was interrupted, 141 if nobody reads on."""
    codecs.register_error("spelled", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelled")
    try:
        try:
            options = _parser().parse_args(arguments)
            _check(options)
            options.run(options)
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the very end
        return 141
    except KeyboardInterrupt as stop:
        print(f"safegrid: interrupted; {str(stop) or 'kept nothing'}", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:
        print(f"safegrid: {str(error) or 'out of memory'}", file=sys.stderr)
        return 2
    return 0


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Letters and signs that the terminal's encoding lacks."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_SPELLED.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def _check(options: argparse.Namespace) -> None:
    """Refuses what no command can carry out, before any work."""
    given = vars(options)
    for name, least in options.least.items():
        for value in given[name] if isinstance(given[name], list) else [given[name]]:
            if value is not None:  # the recipe's
                whole(f"--{name.replace('_', '-')}", value, least)
    if "epsilon" in given:
        checked("--epsilon", options.epsilon, 0.0, 1.0)
    _world(options)


def _world(options: argparse.Namespace) -> SafetyCriticalGridWorld:
    """A named map, or one drawn in a file; the one that a policy was trained in has left its name in the policy's."""
    if options.map is None:
        named = re.fullmatch(r"(?:bc|cql)-(.+)-w[^-]+(?:-[a-z]+)?-log\d+", options.policy.stem)
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


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m safegrid", description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="log → BC and CQL → truth → saved policies", description=_TRAIN,
                                epilog=_TRAIN_EPILOG, formatter_class=raw)  # fmt: skip
    _add_world(train)
    train.add_argument("--weight", type=float, help="conservative weight of CQL, at least 0 (default: the recipe's)")
    _add_features(train)
    train.add_argument("--steps", type=int, help="gradient steps of each agent (default: the recipe's)")
    train.add_argument("--seeds", type=int, nargs="+", default=[42], metavar="SEED",
                       help="seeds of the logs and networks, one log each (default: 42)")  # fmt: skip
    train.add_argument("--episodes", type=int, default=500, help="episodes in a log (default: 500)")
    train.add_argument(
        "--epsilon", type=float, default=0.22, help="the driver's share of random actions (default: 0.22)"
    )
    train.add_argument(
        "--test-episodes", type=int, default=1_000, help="sampled episodes of a test drive (default: 1000)"
    )
    train.add_argument(
        "--out", type=Path, default=Path("safegrid-out"), help="folder to write to (default: safegrid-out)"
    )
    steps = f"{ORIGINAL['bc_steps']} and {ORIGINAL['cql_steps']}"
    train.add_argument("--original", action="store_true",
                       help=f"the original tutorial's networks, rates and steps ({steps}; minutes)")  # fmt: skip
    train.add_argument("--force", action="store_true", help="write over files of an earlier run")
    train.set_defaults(run=_train, least={"steps": 1, "seeds": 0, "episodes": 1, "test_episodes": 0, "max_steps": 1})

    evaluate = commands.add_parser("evaluate", help="score a saved policy", formatter_class=raw,
                                   description="Scores a saved policy exactly and by sampled episodes.")  # fmt: skip
    evaluate.add_argument("policy", type=Path, help="an .npz written by `train` or `safegrid.save_agent`")
    _add_world(evaluate, None)
    evaluate.add_argument("--test-episodes", type=int, default=1_000, help="sampled episodes (default: 1000)")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of those episodes (default: 0)")
    evaluate.set_defaults(run=_evaluate, least={"test_episodes": 0, "seed": 0, "max_steps": 1})

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
    return parser


def _add_world(command: argparse.ArgumentParser, default: str | None = "original") -> None:
    told = default or "the one in the policy's name, else original"
    drawn = "or a text file that draws one, a row a line: S start, F free, H hazard, W wall, G goal"
    command.add_argument("--map", default=default, help=f"world: {', '.join(MAPS)} (default: {told}), {drawn}")
    command.add_argument("--max-steps", type=int, help="steps of an episode in a drawn map (default: 80)")


def _add_features(command: argparse.ArgumentParser) -> None:
    command.add_argument("--features", choices=("auto", "coordinates", "cells", "scaled"), default="auto",
                         help="what a network is shown: one-hot coordinates, one-hot cells or coordinates scaled to "
                              "-1 to 1 (default: auto, the recipe's)")  # fmt: skip


def _features(options: argparse.Namespace, env: SafetyCriticalGridWorld) -> dict[str, Any]:
    """As keywords of a sweep; without size where they are left to the proposal."""
    ranges = [(0, env.width - 1), (0, env.height - 1)]
    kinds: dict[str, dict[str, Any]] = {
        "auto": {}, "coordinates": {"size": env.size}, "cells": {"size": env.size, "cells": True},
        "scaled": {"size": None, "ranges": ranges},
    }  # fmt: skip
    return kinds[options.features]


def _train(options: argparse.Namespace) -> None:
    env, seeds = _world(options), options.seeds
    if options.weight is not None:
        checked("--weight", options.weight, 0.0)
    if twice := [seed for i, seed in enumerate(seeds) if seed in seeds[:i]]:
        raise ValueError(f"--seeds has {twice[0]} twice, expected different logs")
    if options.original and options.features != "auto":
        raise ValueError(f"--features is {options.features}, but --original has the tutorial's own")
    makers, weight = _makers(options, env)
    shown = "" if options.features == "auto" else f"-{options.features}"
    out, run = _writable_folder(options.out), f"{Path(options.map).stem}-w{weight:g}{shown}-log"
    saved = {seed: {name: out / f"{name.lower()}-{run}{seed}.npz" for name in makers} for seed in seeds}
    figure = out / f"comparison-{run}{'-'.join(map(str, dict.fromkeys([seeds[0], seeds[-1]])))}.png"
    policies = [path for of_seed in saved.values() for path in of_seed.values()]
    _refuse_existing([*policies, *(path.with_suffix(".pt") for path in policies), figure], options.force)

    import matplotlib

    matplotlib.use("agg")
    from .agents import fit, save_agent
    from .dataset import build_mdpdataset, generate_offline_episodes
    from .evaluation import Comparison, score_agent
    from .figures.comparisons import plot_comparison

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
    from .agents import create_discrete_bc, create_discrete_cql
    from .dataset import generate_offline_episodes
    from .recipe import propose_recipe

    recipe = propose_recipe(
        generate_offline_episodes(env, options.episodes, options.epsilon, options.seeds[0]), env.mdp
    )
    weight = recipe.conservative_weight if options.weight is None else options.weight
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

    from .agents import load_agent
    from .evaluation import score_agent

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
    if not options.jobs:
        raise ValueError("--jobs is 0, expected a number of processes, or -1 for one a core")
    out = _npz(options.out)
    figure, unfinished = out.with_suffix(".png"), out.with_suffix(".unfinished.npz")
    _writable_folder(out.parent)
    _refuse_existing([out, figure], options.force)

    import joblib
    import matplotlib

    matplotlib.use("agg")
    from .dataset import generate_offline_episodes
    from .evaluation import reference_row, summary_table
    from .figures.sweeps import plot_sweep
    from .sweep.shards import checked_weights
    from .sweep.training import train_clone_sweep, train_sweep

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
    from .evaluation import score_interval

    cells = [f"{Interval(exact.return_mean):.2}", f"{Interval(exact.return_cvar)}"]
    cells += [f"{Interval(rate):.2%}" for rate in (exact.hazard_rate, exact.goal_rate, exact.timeout_rate)]
    if sampled is None:
        return [name, *cells, "", ""]
    income, risk = (score_interval(sampled, field) for field in ("return_mean", "hazard_rate"))
    return [name, *cells, f"{income:.2}", f"{risk:.2%}"]


def _npz(text: str) -> Path:
    """The file that is meant: the name has .npz, or gets it; a number after its last point is no extension."""
    path = Path(text)
    if text.endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(f"--out is {text}, a folder; expected a file to write")
    if path.suffix == ".npz":
        return path
    if re.match(r"\.[A-Za-z]", path.suffix):
        raise ValueError(f"--out is {text}; expected a name that ends in .npz, or without extension")
    return path.with_name(f"{path.name}.npz")


def _refuse_existing(paths: Sequence[Path], force: bool) -> None:
    if not force and (there := [path for path in paths if path.exists()]):
        raise ValueError(f"{there[0]} is there already; expected another --out, or --force to write over it")


def _writable_folder(path: Path) -> Path:
    """Makes the folder and tries it, before hours of work rather than after."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise OSError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
