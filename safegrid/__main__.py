"""The command line: worlds of this book (`train`, `evaluate`, `sweep`), and a log of your own
(`report`, `train LOG`, `choose`, `export`).
"""

from __future__ import annotations

import argparse
import codecs
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .checks import whole
from .commands import own_log, worlds

_TRAIN = """Learn from a fixed log.

With a LOG of your own (.npz, .csv, .parquet, or the id of a Minari dataset): clones it (BC), learns from it with
conservative Q-learning (CQL) at several weights, with settings in the log's own units, and saves the policies for
`choose`.

Without: writes a log of the careless driver, clones it and learns from it, and prints what each policy earns and risks:
exactly, from the world's table, and as a test drive of sampled episodes would estimate it. Saves both policies and a
figure, named after map, weight and log: cql-crossroads-w6-log42.npz."""

_TRAIN_EPILOG = """examples:
  python -m safegrid train taxi.npz                        a log of your own: one clone, CQL at five weights
  python -m safegrid train                                 the default world: a clone is nearly as good
  python -m safegrid train --map crossroads --weight 6     a world in which the weight decides everything
  python -m safegrid train --map crossroads --weight 0     no conservatism: it freezes
  python -m safegrid train --seeds 0 1 2 3 --steps 9600    four logs, longer training
  python -m safegrid train --original --weight 1           the original tutorial's settings, as they really ran

What is there already is written over with --force alone.
A saved .npz policy is read back with `python -m safegrid evaluate` or `choose`; `export` writes it for others."""

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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m safegrid", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    own_log.add_report(commands)
    _add_train(commands)
    own_log.add_choose(commands)
    own_log.add_export(commands)
    worlds.add_evaluate(commands)
    worlds.add_sweep(commands)
    return parser


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = commands.add_parser("train", help="log → BC and CQL → saved policies", description=_TRAIN,
                                epilog=_TRAIN_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    train.add_argument("log", nargs="?", help="a log of your own; without, one is written on --map")
    own_log.add_columns(train)
    train.add_argument("--weight", type=float, nargs="+",
                       help="conservative weight of CQL, at least 0 (default: the recipe's; for a log of your own five "
                            "around it)")  # fmt: skip
    train.add_argument("--steps", type=int, help="gradient steps of each agent (default: the recipe's)")
    train.add_argument("--seeds", type=int, nargs="+", default=[42], metavar="SEED",
                       help="seeds of the networks, and on a map of the logs, one each (default: 42)")  # fmt: skip
    train.add_argument(
        "--out", type=Path, default=Path("safegrid-out"), help="folder to write to (default: safegrid-out)"
    )
    train.add_argument("--force", action="store_true", help="write over files of an earlier run")
    worlds.add_train(train.add_argument_group("a world of this book, without LOG"))
    least = {"steps": 1, "seeds": 0, "episodes": 1, "test_episodes": 0, "max_steps": 1, "n_actions": 1}
    train.set_defaults(run=_train, least=least)


def _train(options: argparse.Namespace) -> None:
    if options.log is None:
        if told := [name for name in own_log.COLUMNS if getattr(options, name) is not None]:
            raise ValueError(f"--{told[0].replace('_', '-')} is given without LOG, expected a table to read")
        worlds.train_in_world(options)
        return
    if told := [name for name in worlds.OF_WORLD if getattr(options, name) is not None]:
        raise ValueError(f"--{told[0].replace('_', '-')} is given beside LOG, but it is about a map")
    own_log.train_on_log(options)


if __name__ == "__main__":
    sys.exit(main())
