"""Does a guard help, and does a monitor notice? In the world as it was, and in worlds that have shifted since.

    python benchmarks/guard.py choose     # guards on logs of seeds 0–9, to settle their settings
    python benchmarks/guard.py report     # guards on logs 100–109, their thresholds chosen by each log alone
    python benchmarks/guard.py monitor    # when monitors sound, on logs 100–109
    python benchmarks/guard.py table      # prints what these have written

guard.csv has a row for each guard in each world, with numbers of the ten logs between blanks: exact return, hazard,
share of steps and of episodes that the guard took, means over four networks a log; of the worst of the forty the
return; and of guards whose threshold the log chose, all forty thresholds. monitor.csv has one for each test, policy and
world: of each run, log after log, the episode in which the alarm sounded, 0 for none within the limit. Both stand in
book/results.

The shifts: slip, 0.15 in place of 0.05; hazards, all of them moved; goal, moved four cells up; later, the slip from the
hundred-and-first episode on. An operator who takes over drives best in the world as it is now.
"""

import argparse
import csv
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from tabulate import tabulate

from safegrid.dataset import Episodes, generate_offline_episodes, sample_episodes
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.files.atomic import atomic_path
from safegrid.intervals import mean
from safegrid.ope import log_model, select_episodes
from safegrid.practice.guard import guarded_policy
from safegrid.practice.monitor import RateMonitor, ShiftMonitor
from safegrid.recipe import DEFAULT_STEPS
from safegrid.sweep.results import Sweep
from safegrid.sweep.training import train_sweep
from safegrid.tabular import argmax_clone

RESULTS = Path(__file__).parents[1] / "book" / "results"
LOGS, NETWORKS, WEIGHT = 10, 4, 6.0
MOVES = {"original": (1, 0), "crossroads": (1, 1), "cliff": (0, -2), "rooms": (0, 3)}
"""How far each map's hazards move, (dx, dy), around its edges."""
SHIFTS = ("none", "slip", "hazards", "goal")
ASKING = 20.0  # what a question costs, in raw reward
CAUTIONS = (1e-4, 1e-3, 0.01, 0.1, 1.0)  # the default, 0, is the limit
ALPHA, RUNS, LONG, SHORT, CALM = 0.05, 2, 1_000, 200, 100


@cache
def world(name, shift="none"):
    """A map as it was, or as it has become."""
    env = SafetyCriticalGridWorld(map_name=name)
    if shift in ("none", "slip"):
        return SafetyCriticalGridWorld(map_name=name, slip_prob=0.15) if shift == "slip" else env
    hazards, (x, y) = env.hazard_coords, env.goal
    if shift == "hazards":
        dx, dy = MOVES[name]
        moved = [((i + dx) % env.width, (j + dy) % env.height) for i, j in hazards]
        hazards = [cell for cell in moved if cell not in (env.start, env.goal)]
    goal = (x, y - 4) if shift == "goal" else env.goal
    return SafetyCriticalGridWorld(size=env.size, hazard_coords=hazards, start=env.start, goal=goal)


@cache
def log_of(name, seed):
    return generate_offline_episodes(world(name), seed=seed)


def trained(name, first, folder):
    """Q values (10, 4, S, A) of the networks of ten logs; the first two arguments tell what they are called."""
    path = folder / f"safegrid-guard-{name}-{first}.npz"
    if not path.exists():
        logs = [log_of(name, seed) for seed in range(first, first + LOGS)]
        train_sweep(
            logs, (WEIGHT,), NETWORKS, DEFAULT_STEPS, mdp=world(name).mdp, seed=first, progress=False
        ).save(path)  # fmt: skip
    return Sweep.load(path).q_values[0].astype(float)


def guards(command, name, shift="none"):
    """Guards by name: of a log's networks (4, S, A) and the log the guarded policies. Operators see the shift."""
    mdp = world(name).mdp

    def each(**settings):
        return lambda q, log: [guarded_policy(one[None], log, mdp, **settings) for one in q]

    def all_four(**settings):
        return lambda q, log: [guarded_policy(q, log, mdp, **settings)]

    yield "CQL", each(evidence=0)
    yield from ((f"evidence {n}", each(evidence=n)) for n in (1, 2, 5, 20, 50))
    yield "clone", each(evidence=np.inf)
    yield "mean of four", all_four(evidence=0)
    yield from ((f"mean, noise {z}", all_four(evidence=0, noise=z)) for z in (1, 2))
    if command == "choose":
        yield from ((f"log's choice, caution {c:g}", each(caution=c)) for c in CAUTIONS)
    else:
        yield "log's choice", each()
        yield "mean, log's choice", all_four()
        yield from ((f"evidence {n}, asks", each(evidence=n, fallback="ask", ask_cost=ASKING)) for n in (1, 5, 20))
        operator = world(name, shift).mdp.optimal(0.99)
        yield from ((f"evidence {n}, operator", each(evidence=n, fallback=operator)) for n in (1, 5, 20))


def judge(command, name, first, q_values):
    """Rows of one map."""
    logs, found = [log_of(name, seed) for seed in range(first, first + LOGS)], {}
    for shift in SHIFTS[: 1 if command == "choose" else None]:
        for called, guard in guards(command, name, shift):
            if called not in found or "operator" in called:
                found[called] = [guard(q, log) for q, log in zip(q_values, logs, strict=True)]
            scores = [[one.score(world(name, shift).mdp) for one in of_log] for of_log in found[called]]
            returns = np.array([[s.score.return_mean for s in of_log] for of_log in scores])
            hazards = [np.mean([s.score.hazard_rate for s in of_log]) for of_log in scores]
            shares = [[np.mean([getattr(s, kind) for s in of_log]) for of_log in scores] for kind in KINDS]
            chosen = [one.evidence for of_log in found[called] for one in of_log] if "choice" in called else []
            columns = (returns.mean(1), hazards, [returns.min()], chosen if shift == "none" else [])
            told = [" ".join(f"{x:.4g}" for x in column) for column in columns]
            rounded = [" ".join(f"{x:.2g}" for x in share) for share in shares]
            yield [name, first, shift, called, *told[:2], *rounded, *told[2:]]


KINDS = ("fallback_steps", "fallback_episodes")
GUARD = ("map", "first_log", "world", "guard", "return_mean", "hazard_rate", *KINDS, "worst", "evidence")
MONITOR = ("map", "world", "policy", "test", "episodes", "alarms")


def at_its_word(log, mdp, drives):
    """Where a likelihood ratio against the log's own shares first exceeds 1/α: a test that takes them for the truth."""

    def followed(episodes):
        ends = np.where(episodes.costs > 0, mdp.n_states, mdp.n_states + 1)
        return np.where(episodes.terminals, ends, episodes.next_states)

    counts = np.zeros((mdp.n_states, mdp.n_actions, mdp.n_states + 2))
    np.add.at(counts, (log.states, log.actions, followed(log)), 1)
    shares = (counts + 1 / counts.shape[2]) / (counts.sum(2, keepdims=True) + 1)
    told = shares[drives.states, drives.actions, followed(drives)]
    other = np.array([0.01, 0.03, 0.1, 0.3])  # share of steps after which anything may follow
    gains = np.log(1 - other + other / (counts.shape[2] * told[:, None])).cumsum(0)
    above = np.logaddexp.reduce(gains - np.log(len(other)), 1) >= -np.log(ALPHA)
    return int(drives.episode[above.argmax()]) + 1 if above.any() else 0


def heard(monitor, feed, episodes, block=20):
    """The episode in which a monitor sounds, 0 for none."""
    for start in range(0, episodes, block):
        if (state := monitor.update(feed(start, min(start + block, episodes)))).alarm:
            return state.alarm_episode
    return 0


def listen(name, shift, kind, policy, seed, run):
    """One deployment, and by each test's name the episode in which it sounds."""
    mdp, learned, fresh = world(name).mdp, log_of(name, seed), log_of(name, 100 * seed + run)
    rng, changed = np.random.default_rng((seed, run)), world(name, "slip" if shift == "later" else shift).mdp
    drives = sample_episodes(changed, policy, LONG if shift == "none" else SHORT, rng)
    if shift == "later":
        drives = Episodes.concatenate([sample_episodes(mdp, policy, CALM, rng), drives])
    n, last = drives.n_episodes, np.flatnonzero(drives.terminals | drives.timeouts)
    failed = drives.timeouts[last] | (drives.costs[last] > 0)

    def part(start, end):
        return select_episodes(drives, np.arange(start, end))

    model = log_model(learned, mdp.n_states, unseen=-100.0)
    rates = {
        "success, true rate": 1 - mdp.evaluate(policy).goal_rate,
        "success, model's rate": 1 - model.evaluate(policy, mdp.horizon).goal_rate,
    }
    yield "monitor", heard(ShiftMonitor(fresh, mdp, alpha=ALPHA, harm_rate=fresh.harmful.mean(), seed=run), part, n)
    yield "steps alone", heard(ShiftMonitor(fresh, mdp, alpha=ALPHA, seed=run), part, n)
    yield "steps alone, learner's log", heard(ShiftMonitor(learned, mdp, alpha=ALPHA, seed=run), part, n)
    yield "log at its word", at_its_word(fresh, mdp, drives)
    for test, rate in rates.items():
        chart = RateMonitor(float(np.clip(rate, 1e-6, 1 - 1e-6)), alpha=ALPHA)
        yield test, heard(chart, lambda start, end: failed[start:end], n)


def monitors(name, q_values, shifts=(*SHIFTS, "later"), kinds=("CQL", "clone"), logs=LOGS):
    """Rows of one map."""
    for shift in shifts:
        for kind in kinds:
            alarms = {}
            for log in range(logs):
                clone = argmax_clone(log_of(name, 100 + log), world(name).mdp)
                policy = clone if kind == "clone" else np.eye(4)[q_values[log, 0].argmax(1)]
                for run in range(RUNS):
                    for test, alarm in listen(name, shift, kind, policy, 100 + log, run):
                        alarms.setdefault(test, []).append(alarm)
            length = LONG if shift == "none" else SHORT + CALM * (shift == "later")
            for test, when in alarms.items():
                yield [name, shift, kind, test, length, " ".join(map(str, when))]


def read(file):
    if not (RESULTS / file).exists():
        return []
    with (RESULTS / file).open(newline="") as found:
        return list(csv.reader(found))[1:]


def write(file, headers, rows, keep=lambda row: False):
    """The rows, after those of the file that are to be kept."""
    kept = [row for row in read(file) if keep(row)]
    with atomic_path(RESULTS / file) as path, path.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([headers, *kept, *rows])


def numbers(text):
    return np.array(text.split(), float)


def quantiles(found):
    """Median and quartiles of the episodes to an alarm, those without one counting as the last."""
    return " ".join("–" if np.isinf(x) else f"{x:.0f}" for x in np.quantile(found, (0.5, 0.25, 0.75), method="lower"))


def table():
    """Hazard and return with intervals over logs, and what the guard took; false alarms, and episodes to a true one."""
    lines = []
    for name, first, shift, guard, returns, hazard, *shares, worst, chosen in read("guard.csv"):
        steps, episodes = (numbers(share).mean() for share in shares)
        middle = f"{np.median(numbers(chosen)):g}" if chosen else ""
        told = f"{mean(numbers(returns)):.1}", float(worst), f"{mean(numbers(hazard)):.2%}"
        lines.append([name, first, shift, guard, *told, f"{steps:.1%}", f"{episodes:.0%}", middle])
    headers = (*GUARD[:4], "return", "worst", "hazard", "steps", "episodes", "threshold")
    print(tabulate(lines, headers, disable_numparse=True), "\n")
    lines = []
    for *what, limit, alarms in read("monitor.csv"):
        when = numbers(alarms)
        before = CALM if what[1] == "later" else 0
        false = (when > 0) & (when <= (limit if what[1] == "none" else before))
        after = np.where(when > before, when - before, np.inf)[~false]
        lines.append([*what, len(when), f"{false.mean():.1%}", "" if what[1] == "none" else quantiles(after)])
    print(tabulate(lines, (*MONITOR[:4], "runs", "false", "median, quartiles"), disable_numparse=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("choose", "report", "monitor", "table"))
    parser.add_argument("--sweeps", type=Path, default=tempfile.gettempdir(), help="folder that keeps trained networks")
    given = parser.parse_args()
    command, first = given.command, 0 if given.command == "choose" else 100
    if command == "table":
        return table()
    rows = []
    for name in MAPS:
        q_values = trained(name, first, Path(given.sweeps))
        rows += monitors(name, q_values) if command == "monitor" else judge(command, name, first, q_values)
        log_of.cache_clear()
        print(name, flush=True)
    if command == "monitor":
        return write("monitor.csv", MONITOR, rows)
    return write("guard.csv", GUARD, rows, keep=lambda row: row[1] != str(first))


if __name__ == "__main__":
    main()
