"""The command line: `python -m safegrid train`, `evaluate` and `sweep`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from .env import MAPS, SafetyCriticalGridWorld
from .intervals import Interval
from .scores import PolicyScore

_TRAIN = """Learn from a fixed log, then look at the truth.

Writes a log of the careless driver, clones it (BC), learns from it with conservative Q-learning (CQL), and prints what
each policy earns and risks: exactly, from the world's table, and as a test drive of sampled episodes would
estimate it.
Saves both policies and a figure."""

_TRAIN_EPILOG = """examples:
  python -m safegrid train                                 the default world: a clone is nearly as good
  python -m safegrid train --map crossroads --weight 6     a world in which the weight decides everything
  python -m safegrid train --map crossroads --weight 0     no conservatism: it freezes
  python -m safegrid train --seeds 0 1 2 3 --steps 9600    four logs, longer training
  python -m safegrid train --original --weight 1           the original tutorial's settings, as they really ran

A saved .npz policy is read back with `python -m safegrid evaluate`; the .pt beside it is d3rlpy's TorchScript export,
which needs nothing but torch."""

_SWEEP = """The whole curve over the conservative weight.

Trains CQL for every weight on every log, all side by side, scores each network exactly, and prints return, hazard and
claimed minus true value with intervals over the logs. Writes the sweep (.npz) and a picture (.png).
If it is interrupted, the same command goes on where it stopped."""

_SWEEP_EPILOG = """examples:
  python -m safegrid sweep --map crossroads                ten weights, ten logs
  python -m safegrid sweep --weights 0 1 6 200 --logs 4    a quick look
  python -m safegrid sweep --first-log 100 --seeds 4       other logs, four networks for each weight and log"""

ORIGINAL = {"bc_steps": 25_000, "cql_steps": 80_000}
"""Gradient steps of the original tutorial."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status, 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"safegrid: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m safegrid", description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="log → BC and CQL → truth → saved policies", description=_TRAIN,
                                epilog=_TRAIN_EPILOG, formatter_class=raw)  # fmt: skip
    train.add_argument("--map", default="original", help=f"world: {', '.join(MAPS)} (default: original)")
    train.add_argument("--weight", type=float, default=6.0, help="conservative weight of CQL, at least 0 (default: 6)")
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
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="score a saved policy", formatter_class=raw,
                                   description="Scores a saved policy exactly and by sampled episodes.")  # fmt: skip
    evaluate.add_argument("policy", type=Path, help="an .npz written by `train` or `safegrid.save_agent`")
    evaluate.add_argument(
        "--map", default="original", help=f"world to score it in: {', '.join(MAPS)} (default: original)"
    )
    evaluate.add_argument("--test-episodes", type=int, default=1_000, help="sampled episodes (default: 1000)")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of those episodes (default: 0)")
    evaluate.set_defaults(run=_evaluate)

    sweep = commands.add_parser("sweep", help="CQL for every conservative weight at once", description=_SWEEP,
                                epilog=_SWEEP_EPILOG, formatter_class=raw)  # fmt: skip
    sweep.add_argument("--map", default="original", help=f"world: {', '.join(MAPS)} (default: original)")
    sweep.add_argument("--weights", type=float, nargs="+", metavar="WEIGHT",
                       help="conservative weights, at least 0 (default: ten from 0 to 200)")  # fmt: skip
    sweep.add_argument("--logs", type=int, default=10, help="number of logs (default: 10)")
    sweep.add_argument("--first-log", type=int, default=0, metavar="SEED", help="seed of the first log (default: 0)")
    sweep.add_argument("--seeds", type=int, default=1, help="networks for each weight and log (default: 1)")
    sweep.add_argument("--steps", type=int, help="gradient steps of each network (default: the recipe's)")
    sweep.add_argument("--episodes", type=int, default=500, help="episodes in a log (default: 500)")
    sweep.add_argument("--epsilon", type=float, default=0.22, help="the driver's random actions (default: 0.22)")
    sweep.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    sweep.add_argument("--out", type=Path, default=Path("sweep.npz"), help="file to write (default: sweep.npz)")
    sweep.set_defaults(run=_run_sweep)
    return parser


def _train(options: argparse.Namespace) -> None:
    env = SafetyCriticalGridWorld(map_name=options.map)
    out = _writable_folder(options.out)

    import matplotlib

    matplotlib.use("agg")
    from .agents import fit, save_agent
    from .dataset import build_mdpdataset, generate_offline_episodes
    from .evaluation import Comparison, score_agent
    from .figures.comparisons import plot_comparison

    makers = _makers(options)
    for make, _ in makers.values():
        make()  # bad settings show before any work is done
    mdp = env.mdp
    references = {"optimum (γ = 0.99)": mdp.optimal(0.99), "behaviour policy": env.behaviour_policy(options.epsilon)}
    scores: dict[str, list[list[Any]]] = {name: [] for name in makers}
    for seed in options.seeds:
        log = generate_offline_episodes(env, options.episodes, options.epsilon, seed)
        print(f"log {seed}: {log.n_episodes} episodes, {len(log)} steps, {log.harmful.mean():.1%} end on a hazard")
        for name, (make, steps) in makers.items():
            agent = make()
            fit(agent, build_mdpdataset(log), steps, seed=seed, averaging=0.0 if options.original else 0.999)
            scores[name].append([score_agent(agent, mdp, n_episodes=options.test_episodes, seed=seed)])
            stem = f"{name.lower()}-{options.map}" + (f"-{seed}" if len(options.seeds) > 1 else "")
            save_agent(agent, out / f"{stem}.npz")
            agent.save_policy(str(out / f"{stem}.pt"))
    comparison = Comparison(scores, {name: mdp.evaluate(policy) for name, policy in references.items()})
    rows = [_row(name, score, None) for name, score in comparison.references.items()]
    for name, runs in scores.items():
        for seed, (score,) in zip(options.seeds, runs, strict=True):
            rows.append(_row(f"{name}, log {seed}", score.exact, score.sampled))
    print(f"\n{tabulate(rows, _HEADERS, disable_numparse=True)}\n")
    if len(options.seeds) > 1:
        print(f"over {len(options.seeds)} logs (interquartile mean, 95% interval):\n\n{comparison}\n")
    figure = out / f"comparison-{options.map}.png"
    plot_comparison(comparison).savefig(figure, dpi=150)
    print(f"saved the policies and {figure.name} in {out}{'/' if not str(out).endswith('/') else ''}")


def _makers(options: argparse.Namespace) -> dict[str, tuple[Callable[[], Any], int]]:
    """For each agent how to make it, and its gradient steps."""
    from .agents import create_discrete_bc, create_discrete_cql
    from .recipe import DEFAULT_STEPS

    steps = DEFAULT_STEPS if options.steps is None else options.steps
    if not options.original:
        size = len(MAPS[options.map])
        return {
            "BC": (lambda: create_discrete_bc(size=size), steps),
            "CQL": (lambda: create_discrete_cql(conservative_weight=options.weight, size=size), steps),
        }
    bc_steps, cql_steps = (steps, steps) if options.steps is not None else ORIGINAL.values()
    shared: dict[str, Any] = {"size": None, "hidden_units": (256, 256), "learning_rate": 3e-4, "batch_size": 256}
    values: dict[str, Any] = {"reward_scale": 1.0, "target_update_interval": 8_000}
    return {
        "BC": (lambda: create_discrete_bc(**shared), bc_steps),
        "CQL": (
            lambda: create_discrete_cql(conservative_weight=options.weight, **shared, **values),
            cql_steps,
        ),
    }


def _evaluate(options: argparse.Namespace) -> None:
    env = SafetyCriticalGridWorld(map_name=options.map)

    from .agents import load_agent
    from .evaluation import score_agent

    agent = load_agent(options.policy)
    score = score_agent(agent, env.mdp, n_episodes=options.test_episodes, seed=options.seed)
    rows = [
        _row("optimum (γ = 0.99)", env.mdp.evaluate(env.mdp.optimal(0.99)), None),
        _row(options.policy.name, score.exact, score.sampled),
    ]
    print(tabulate(rows, _HEADERS, disable_numparse=True))
    if np.isfinite(score.overestimate):
        print(f"\nvalue of the start, discounted: claimed {score.claimed_value:.1f}, true {score.true_value:.1f}")


def _run_sweep(options: argparse.Namespace) -> None:
    env = SafetyCriticalGridWorld(map_name=options.map)
    if options.logs < 1:
        raise ValueError(f"--logs is {options.logs}, expected at least 1")
    _writable_folder(options.out.parent)

    import matplotlib

    matplotlib.use("agg")
    from .dataset import generate_offline_episodes
    from .evaluation import SUMMARY_HEADERS, reference_row
    from .figures.sweeps import plot_sweep
    from .recipe import DEFAULT_STEPS
    from .sweep.training import DEFAULT_WEIGHTS, train_clone_sweep, train_sweep

    logs = [
        generate_offline_episodes(env, options.episodes, options.epsilon, seed)
        for seed in range(options.first_log, options.first_log + options.logs)
    ]
    out, unfinished = options.out.with_suffix(".npz"), options.out.with_suffix(".unfinished.npz")
    weights = DEFAULT_WEIGHTS if options.weights is None else options.weights
    run: Any = {
        "n_seeds": options.seeds, "n_steps": DEFAULT_STEPS if options.steps is None else options.steps, "mdp": env.mdp,
        "seed": options.first_log, "size": len(MAPS[options.map]), "n_jobs": options.jobs,
    }  # fmt: skip
    sweep = train_sweep(logs, weights, checkpoint=unfinished, **run)
    clones = train_clone_sweep(logs, **run)
    sweep.save(out)
    unfinished.unlink()

    references = {
        "optimum": env.mdp.evaluate(env.mdp.optimal(0.99)),
        "behaviour policy": env.mdp.evaluate(env.behaviour_policy(options.epsilon)),
    }
    rows = [reference_row(name, score) for name, score in references.items()]
    print(f"\n{tabulate(rows + clones.rows() + sweep.rows(), SUMMARY_HEADERS, disable_numparse=True)}\n")
    figure = out.with_suffix(".png")
    plot_sweep(sweep, references, clones).savefig(figure, dpi=150)
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


def _writable_folder(path: Path) -> Path:
    """Makes the folder and tries it, before hours of work rather than after."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".safegrid-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
