"""The model card beside an exported policy: what it is, what it learned from, what is known of it, and its limits."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from tabulate import tabulate

import safegrid
from safegrid.array_types import Array
from safegrid.dataset import Episodes, coverage
from safegrid.evaluation import score_interval
from safegrid.intervals import Interval
from safegrid.scores import SCORE_FIELDS, PolicyScore

Scores = Mapping[str, PolicyScore | Interval | float]
Card = dict[str, Any]

FORMAT = "safegrid-policy-1"


def log_entry(log: Episodes | None, actions_of: Callable[[Array], Array]) -> tuple[Card, list[str]]:
    """What identifies a log and how much is in it, what it leaves untried, and how often a policy goes there.

    Args:
        log: or None, which covers nothing.
        actions_of: the policy, observations (R, d) → actions (R,), −1 where it has no answer.
    """
    if log is None:
        return {"log": None}, ["Which log it learned from is not said, nor what that covered."]
    cover = coverage(log)
    actions, tried = actions_of(cover.observations), cover.counts > 0
    answered = np.flatnonzero(actions >= 0)
    strange = len(answered) - int(tried[answered, actions[answered]].sum())
    entry = {
        "fingerprint": log.fingerprint, "steps": len(log), "episodes": log.n_episodes, "actions": log.n_actions,
        "harmful_episodes": int(log.harmful.sum()), "observations": len(tried), "pairs": tried.size,
        "tried_pairs": int(tried.sum()), "untried_actions_taken": strange, "unanswered": len(tried) - len(answered),
    }  # fmt: skip
    told = [
        f"It learned from a fixed log alone and tried nothing itself. The log acts in {len(tried):,} distinct "
        f"observations and tries {tried.sum():,} of the {tried.size:,} actions there. Of the others, and of all other "
        "observations, it says nothing.",
        f"In {strange:,} of these observations the policy takes an action that the log never took there.",
    ]
    if len(answered) < len(tried):
        told.append(f"In {len(tried) - len(answered):,} of these observations the policy has no answer.")
    return {"log": entry}, told


def score_entries(scores: Scores | None) -> Card:
    """Scores and estimates by name, as plain numbers.

    Raises:
        ValueError: one is no score, interval or number.
    """
    if not isinstance(scores, Mapping | None):
        raise ValueError(f"scores is a {type(scores).__name__}, expected scores by name, such as {{'exact': …}}")
    return {_line("a name in scores", name): _score(name, score) for name, score in (scores or {}).items()}


def _score(name: str, score: Any) -> Card:
    if isinstance(score, PolicyScore):
        sampled = {} if score.n_episodes is None else {"n_episodes": score.n_episodes}
        return {field: _interval(score_interval(score, field)) for field in SCORE_FIELDS} | sampled
    if isinstance(score, Interval):
        return {"estimate": _interval(score)}
    if isinstance(score, (int, float, np.integer, np.floating)) and not isinstance(score, bool):
        return {"estimate": _interval(Interval(float(score)))}
    raise ValueError(f"scores[{name!r}] is {score!r}, expected a PolicyScore, an Interval or a number")


def _interval(interval: Interval) -> Card:
    value = float(interval.estimate)
    entry: Card = {"value": value if math.isfinite(value) else None}
    if math.isfinite(interval.low) and math.isfinite(interval.high):
        entry |= {"low": float(interval.low), "high": float(interval.high)}
    return entry


def stated(name: str, text: str | None) -> str | None:
    """A text of one line, or none."""
    return None if text is None else _line(name, text)


def stated_date(day: date | str | None) -> str | None:
    """A day as ISO 8601 writes it, or none."""
    try:
        return None if day is None else date.fromisoformat(str(day)).isoformat()
    except ValueError:
        raise ValueError(f"date is {day!r}, expected a day such as '2026-01-31'") from None


def stated_limits(limits: Sequence[str]) -> list[str]:
    """Sentences of the caller's own."""
    if isinstance(limits, str):
        raise ValueError(f"limits is {limits!r}, expected a list of sentences")
    return [_line(f"limits[{i}]", text) for i, text in enumerate(limits)]


def _line(name: str, text: str) -> str:
    if not isinstance(text, str) or not text.strip() or len(text.splitlines()) > 1:
        raise ValueError(f"{name} is {text!r}, expected a text of one line")
    return text.strip()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of Python, of this package, and of those that are installed."""
    found = {"python": platform.python_version(), "safegrid": safegrid.__version__}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def as_json(card: Card) -> str:
    """For machines; a number that is not finite is null."""
    return json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(card: Card) -> str:
    """For people."""
    file, log, scores = card["file"], card["log"], card["scores"]
    facts = {
        "File": f"`{file['name']}`, {file['kind']}, {file['bytes']:,} bytes", "SHA-256": f"`{file['sha256']}`",
        "Licence": card["licence"] or "not stated",
    }  # fmt: skip
    facts |= {"Date": card["date"]} if card["date"] else {}
    learned = {"Log": "not given"}
    if log is not None:
        size = f"{log['episodes']:,} episodes, {log['harmful_episodes']:,} of them with harm, {log['steps']:,} steps"
        learned = {"Log": size, "Fingerprint": f"`{log['fingerprint']}`"}
    puts = [[way[:-1], f"`{put['name']}`", put["type"], f"({', '.join(map(str, put['shape']))})", put["meaning"]]
            for way in ("inputs", "outputs") for put in card[way]]  # fmt: skip
    known = [[name, field.replace("_", " "), _shown(field, entry)]
             for name, score in scores.items() for field, entry in score.items()]  # fmt: skip
    parts = {
        f"# Policy: {card['policy']}": _bullets(facts),
        "## In and out": _table(puts, ("", "name", "type", "shape", "meaning")),
        "## What it learned from": _bullets(learned),
        "## What is known of it": _table(known, ("", "quantity", "value [95% interval]")) if known else "No scores.",
        "## Limits": "\n".join(f"- {text}" for text in card["limits"]),
        "## Checked": card["checked"]["told"],
        "## Settings": _bullets({name: f"`{json.dumps(value)}`" for name, value in card["settings"].items()}),
        "## Versions": _bullets(card["versions"]),
    }
    return "\n".join(f"{head}\n\n{body}\n" for head, body in parts.items())


def _shown(field: str, entry: Card | int) -> str:
    if not isinstance(entry, dict):
        return f"{entry:,}"
    value = math.nan if entry["value"] is None else entry["value"]
    interval = Interval(value, entry.get("low", math.nan), entry.get("high", math.nan))
    return f"{interval:.2%}" if field.endswith("_rate") else f"{interval:.2}"


def _bullets(entries: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in entries.items())


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return str(tabulate(cells, headers, "github", disable_numparse=True))
