"""A log of one's own: from the file to a report, to agents, to the one it speaks for, to a file for another program."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safegrid.checks import checked
from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_path

from .paths import npz_path, refuse_existing, repeated, writable_folder

if TYPE_CHECKING:
    from safegrid.agents import Agent

_REPORT = """What a log holds, what looks wrong in it, and what can be learnt from it.

Reads a log, a row a step, and prints a report: episodes, returns, harm; how often each action was tried; rows that look
wrong; settings to begin with, and why; a verdict in words. Writes the same as one page with pictures, LOG-report.html,
and with --save the log as it was checked, which the next commands read without being told its columns again.

What --columns may name:
  observations   numbers, what the driver saw before the step; several columns are joined by commas
  actions        whole numbers from 0, what it did; words with --categories
  rewards        what the step paid
  terminals      1 where the world ended the episode with this step, else 0
  timeouts       1 where the clock did
  costs          above 0 where the step did harm
  episode, step  which episode a row belongs to, and its place in it; a step may be a date, with --dates
  next_observations   what was seen after the step; without, the next row's observations
The first three are needed, and of terminals, timeouts and episode whatever tells where episodes end."""

_REPORT_EPILOG = """examples:
  python -m safegrid report taxi.csv --save taxi.npz --n-actions 6 \\
      --columns observations=state actions=move rewards=points terminals=ended timeouts=cut
  python -m safegrid report ward.csv --save ward.npz \\
      --columns episode=patient step=hour observations=severity,strength actions=treatment \\
                rewards=points costs=harm terminals=outcome \\
      --categories treatment=wait,gentle,strong "outcome=in care:0,went home:1,died:1"

`python -m safegrid train ward.npz` goes on."""

_CHOOSE = """Which of several policies the log speaks for.

Counts the log into a world and prints what each policy is worth and risks in it; what the log never tried counts as the
worst. Where observations hardly ever come again, a network learns each value instead. The best is copied to --out.

Of each policy it prints
  value            of the log's starts, discounted, in the log's reward, with a 95% interval
  claimed          the same by the policy's own word; a clone claims nothing
  harm             share of the episodes that end with harm; nothing where the log has no cost
  leaves the log   share of the episodes that meet an action which the log never took there
  as the log       how often it would do what the log did"""

_CHOOSE_EPILOG = """examples:
  python -m safegrid choose taxi.npz safegrid-out/*-taxi-*.npz
  python -m safegrid choose ward.npz safegrid-out/*-ward-*.npz --most-harm 0.3

This is an estimate, from the very log that the policies learned from. The book's chapter "Choosing without trying"
says what it is worth. `python -m safegrid export chosen.npz policy.onnx --log taxi.npz` goes on."""

_EXPORT = """A policy for another program.

Writes the policy as ONNX (.onnx) or TorchScript (.pt), which need neither this package nor d3rlpy, and beside it a
model card (.json and .md): what it learned from, how, and its limits. The file is run once more before it is kept: its
actions are the policy's own.

In goes "observations" (batch, numbers of an observation) float32, as they are in the log. Out come "actions" (batch,),
-1 where the policy has no answer, and "values" or "probabilities" (batch, actions)."""

_EXPORT_EPILOG = """examples:
  python -m safegrid export chosen.npz policy.onnx --log taxi.npz
  python -m safegrid export chosen.npz policy.pt --licence MIT

and then, in a program that has onnxruntime alone:
  session = onnxruntime.InferenceSession("policy.onnx")
  action = session.run(["actions"], {"observations": numpy.float32([[state]])})[0][0]"""

_RAW = argparse.RawDescriptionHelpFormatter
COLUMNS = ("columns", "categories", "dates", "ends", "n_actions")
"""Options that say how a table is read."""
MULTIPLES = (1 / 6, 1 / 2, 1, 10 / 3, 25 / 3)
"""Weights to choose among, as multiples of the recipe's; in this book's unit 1, 3, 6, 20 and 50."""


def add_columns(command: argparse.ArgumentParser) -> None:
    """How a table's columns are to be read."""
    told = command.add_argument_group("columns of a table", "for .csv and .parquet; without them, those of write_table")
    told.add_argument("--columns", nargs="+", metavar="NAME=COLUMN", type=_pair,
                      help="observations=COLUMN,COLUMN... actions=COLUMN rewards=COLUMN, and of terminals, timeouts, "
                           "costs, episode, step and next_observations those that there are")  # fmt: skip
    told.add_argument("--categories", nargs="+", metavar="COLUMN=WORD,WORD", type=_pair,
                      help="a column of words: the first is 0, the next 1 ...; or WORD:NUMBER each")  # fmt: skip
    told.add_argument("--dates", nargs="+", metavar="COLUMN=UNIT", type=_pair,
                      help="a column of dates, as seconds, minutes, hours or days since its earliest")  # fmt: skip
    told.add_argument("--ends", choices=("terminal", "timeout"),
                      help="what an episode's last row is, where only the episode is told")  # fmt: skip
    told.add_argument("--n-actions", type=int, metavar="N",
                      help="how many actions there are; a CSV whose actions are numbers does not say it")  # fmt: skip


def _pair(text: str) -> tuple[str, list[str]]:
    name, sign, values = text.partition("=")
    if not (name and sign and values):
        raise argparse.ArgumentTypeError(f"{text!r}, expected NAME=VALUE")
    return name, values.split(",")


def add_report(commands: Any) -> None:
    """`report`."""
    report = commands.add_parser("report", help="what a log holds, and what looks wrong in it", description=_REPORT,
                                 epilog=_REPORT_EPILOG, formatter_class=_RAW)  # fmt: skip
    report.add_argument("log", help=".npz, .csv or .parquet, or the id of a Minari dataset")
    add_columns(report)
    report.add_argument("--out", type=Path, help="page to write, .html (default: LOG-report.html)")
    report.add_argument("--save", metavar="NPZ", help="also write the log as it was checked, .npz")
    report.add_argument("--force", action="store_true", help="write over files of an earlier run")
    report.set_defaults(run=_report, least={"n_actions": 1})


def add_choose(commands: Any) -> None:
    """`choose`."""
    choose = commands.add_parser("choose", help="which policy the log speaks for", description=_CHOOSE,
                                 epilog=_CHOOSE_EPILOG, formatter_class=_RAW)  # fmt: skip
    choose.add_argument("log", help="the log they learned from, or another of the same world")
    choose.add_argument("policies", type=Path, nargs="+", help=".npz files written by `train`")
    add_columns(choose)
    choose.add_argument("--most-harm", type=float, default=1.0,
                        help="leave out what does more harm in the counted world, 0 to 1 (default: 1)")  # fmt: skip
    choose.add_argument("--seed", type=int, default=0, help="of the episodes drawn again (default: 0)")
    choose.add_argument("--out", default="chosen.npz", help="copy of the best, .npz (default: chosen.npz)")
    choose.add_argument("--force", action="store_true", help="write over an earlier choice")
    choose.set_defaults(run=_choose, least={"n_actions": 1, "seed": 0})


def add_export(commands: Any) -> None:
    """`export`."""
    export = commands.add_parser("export", help="a policy for another program", description=_EXPORT,
                                 epilog=_EXPORT_EPILOG, formatter_class=_RAW)  # fmt: skip
    export.add_argument("policy", type=Path, help="an .npz written by `train` or `choose`")
    export.add_argument("out", type=Path, help="file to write, .onnx or .pt")
    export.add_argument("--log", help="the log it learned from, for the card and a last check")
    add_columns(export)
    export.add_argument("--licence", help="of the policy, for the card")
    export.add_argument("--force", action="store_true", help="write over an earlier export")
    export.set_defaults(run=_export, least={"n_actions": 1})


def read_log(options: argparse.Namespace) -> Episodes:
    """The log that is meant, by its file's ending; an id without one is Minari's."""
    path = Path(options.log)
    ending = path.suffix.lower()
    given = {name: getattr(options, name) for name in COLUMNS if getattr(options, name) is not None}
    if ending in (".csv", ".parquet"):
        from safegrid.formats.table import read_table

        lists = {name: _once(name, pairs) for name, pairs in given.items() if isinstance(pairs, list)}
        for name in lists.keys() & {"columns", "dates"}:
            lists[name] = {one: values[0] if len(values) == 1 else values for one, values in lists[name].items()}
        if "categories" in lists:
            lists["categories"] = {one: _numbered(words) for one, words in lists["categories"].items()}
        return read_table(path, **given | lists)
    if given:
        raise ValueError(f"--{next(iter(given)).replace('_', '-')} is given, but {path} is no .csv or .parquet")
    if ending == ".npz":
        return Episodes.load(path)
    if not re.search(r"-v\d+$", options.log):
        raise ValueError(
            f"log is {options.log}, expected a file that ends in .npz, .csv or .parquet, or the id of a Minari "
            "dataset, which ends in its version, such as -v0"
        )
    from safegrid.formats.minari import read_minari

    return read_minari(options.log)


def _once(option: str, pairs: list[tuple[str, list[str]]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := repeated(names):
        raise ValueError(f"--{option} has {twice[0]} twice, expected each name once")
    return dict(pairs)


def _numbered(words: list[str]) -> list[str] | dict[str, int]:
    """Words in their order, or each with the number behind its colon."""
    pairs = [word.rpartition(":") for word in words]
    if all(sign and number.isdigit() for _, sign, number in pairs):
        return {word: int(number) for word, _, number in pairs}
    return words


def _report(options: argparse.Namespace) -> None:
    page = options.out or Path(f"{Path(options.log).stem}-report.html")
    if page.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out is {page}, expected a name that ends in .html")
    kept = None if options.save is None else npz_path(options.save, "--save")
    for option, path in (("--out", page), ("--save", kept)):
        if path is not None:
            writable_folder(path.parent, option)
            refuse_existing([path], options.force, option)
    import matplotlib

    matplotlib.use("agg")
    from safegrid.figures.log_report import report

    log = read_log(options)
    found = report(log)
    print(found)
    found.save(page)
    print(f"\nwrote {page}")
    if kept is not None:
        print(f"wrote {log.save(kept)}")


def train_on_log(options: argparse.Namespace) -> None:
    """BC, and CQL at each weight, from a log of one's own."""
    for weight in options.weight or ():
        checked("--weight", weight, 0.0)
    if twice := repeated(options.seeds):
        raise ValueError(f"--seeds has {twice[0]} twice, expected each once")
    if alike := repeated([_label("cql", "", weight) for weight in options.weight or ()]):
        raise ValueError(
            f"--weight has {alike[0].rpartition('w')[2]} twice to three digits, expected different weights"
        )
    log = read_log(options)
    from safegrid.recipe import propose_recipe

    recipe = propose_recipe(log)
    weights = options.weight or [multiple * recipe.conservative_weight for multiple in MULTIPLES]
    steps = recipe.n_steps if options.steps is None else options.steps
    name, out = Path(options.log).stem, writable_folder(options.out)
    runs = [("bc", None, seed) for seed in options.seeds]
    runs += [("cql", weight, seed) for weight in weights for seed in options.seeds]
    saved = [out / f"{_label(kind, name, weight)}-seed{seed}.npz" for kind, weight, seed in runs]
    refuse_existing(saved, options.force)
    print(f"{options.log}: {log.n_episodes} episodes, {len(log)} steps\n\n{recipe}\n")

    from safegrid.agents import create_discrete_bc, create_discrete_cql, fit, save_agent

    kept: list[str] = []
    try:
        for (kind, weight, seed), path in zip(runs, saved, strict=True):
            learned = recipe.settings | {"conservative_weight": weight}
            agent = create_discrete_bc(**recipe.features) if kind == "bc" else create_discrete_cql(**learned)
            fit(agent, log, steps, seed=seed)
            kept.append(str(save_agent(agent, path)))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"kept {' '.join(kept) or 'nothing'}") from None
    print(f"saved {', '.join(path.name for path in saved)} in {out}")
    print(f"`python -m safegrid choose {options.log} {out / f'*-{name}-*.npz'}` goes on")


def _label(kind: str, name: str, weight: float | None) -> str:
    return f"{kind}-{name}" if weight is None else f"{kind}-{name}-w{weight:.3g}"


def _choose(options: argparse.Namespace) -> None:
    checked("--most-harm", options.most_harm, 0.0, 1.0)
    out = npz_path(options.out)
    writable_folder(out.parent)
    refuse_existing([out], options.force)
    names = [path.stem for path in options.policies]
    if twice := repeated(names):
        raise ValueError(f"policies has {twice[0]} twice, expected files of different names")
    log = read_log(options)
    from safegrid.practice.choice import choose_policy

    agents = {name: _policy(path) for name, path in zip(names, options.policies, strict=True)}
    choice = choose_policy(log, agents, most_harm=options.most_harm, seed=options.seed)
    print(choice)
    with atomic_path(out) as unfinished:
        shutil.copyfile(options.policies[names.index(choice.best)], unfinished)
    print(f"\nwrote {out}: {choice.best}")


def _policy(path: Path) -> Agent:
    """A saved agent."""
    if path.suffix != ".npz":
        raise ValueError(f"policy is {path}, expected an .npz that `train` or `choose` wrote")
    from safegrid.agents import load_agent

    return load_agent(path)


def _export(options: argparse.Namespace) -> None:
    agent = _policy(options.policy)
    log = None if options.log is None else read_log(options)
    from safegrid.practice.export import export_policy, exported_files

    files = exported_files(options.out)
    writable_folder(options.out.parent, "OUT")
    refuse_existing(files, options.force, "OUT")
    export_policy(agent, options.out, log=log, licence=options.licence)
    print(f"wrote {', '.join(map(str, files))}")
