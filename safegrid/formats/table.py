"""A log as a table, a row a step: CSV, Parquet, or a table in memory."""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from safegrid.array_types import Array, frozen
from safegrid.checks import RowError, number_array, refuse_changed, refuse_rows, whole
from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_path
from safegrid.files.strangers import refused_by_name

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("read_table and write_table need pyarrow: pip install 'safegrid[tables]'") from error
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from .columns import UNITS, Words, as_categories, as_episodes, as_numbers, as_times
from .sources import ParquetFile, Source, opened

Dates = Mapping[str, str | tuple[str, str]]


def read_table(
    source: Any,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    *,
    n_actions: int | None = None,
    categories: Mapping[str, Words] | None = None,
    dates: Dates | None = None,
    ends: Literal["terminal", "timeout"] | None = None,
) -> Episodes:
    """Reads a log from a table, a row a step, every row checked; what is no number becomes one only as you say.

    Rows stand in order, an episode after another. Its end is told by flags, or by the `episode` column, or by both:
    then the last row of an episode that has no flag is a time-out, as in `Episodes.from_arrays`. Nor does a table
    need `next_observations`: they are then taken from the following row, zeros stand after a terminal, and the last
    step before a time-out, whose next observation nobody knows, is dropped.

    Args:
        source: path of a .csv (UTF-8, commas, a line of names) or a .parquet file; or a table in memory that hands
            itself over by Arrow's PyCapsule protocol, such as one of pandas, Polars, DuckDB or pyarrow.
        columns: for each of "observations", "actions", "rewards" and, where there are any, "terminals", "timeouts",
            "next_observations", "costs", "states", "next_states", "episode" and "step" (a whole number that is one more
            in each row of an episode, or a time that rises) the name of its column. Observations are a list of names,
            a number each, or one column of lists. By default the names that `write_table` writes.
        n_actions: size of the action space; by default as many as the actions have categories, or as `write_table`
            wrote into Parquet.
        categories: for a column of the table its words (or whole numbers), each of which becomes its place in the list,
            from 0; or a mapping from each to its number, such as {"under way": 0, "crashed": 1, "arrived": 1}.
        dates: for a column of dates "seconds", "minutes", "hours" or "days": it becomes the time since its earliest
            date. A pair such as ("hours", "2031-05-28") says another origin: two logs that a policy is to read alike
            need the same.
        ends: "terminal" or "timeout", as which every episode ends, where only an episode column says where.

    Raises:
        ValueError: names the column, the row (from 0, the names apart) and, of a CSV file, the line: what is missing,
            text, outside the categories, or a whole number that would become another; an episode that goes on after
            its end or returns later; a step that does not follow. A column that is missing, with a name that is
            close. A file that is damaged, or declares more than its size justifies.
        MemoryError: the columns of a file do not fit into memory; with what they need.
        FileNotFoundError: there is no such file.
    """
    categories, dates = categories or {}, dates or {}
    _check_roles(columns)
    _check_words(categories)
    origins = {name: _unit(name, value) for name, value in dates.items()}
    if ends not in (None, "terminal", "timeout"):
        raise ValueError(f"ends is {ends!r}, expected 'terminal' or 'timeout'")
    if n_actions is not None:
        whole("n_actions", n_actions)
    source = _checked_source(source)
    where = str(source) if isinstance(source, Path) else "source"
    with refused_by_name(where, _FAULT):
        table = opened(source)
    roles = _found(columns, table)
    _check_read([*categories, *dates], roles, where)
    _check_ends(roles, ends, where)
    with refused_by_name(where, _FAULT):
        try:
            return _log(table, roles, n_actions, categories, origins, ends)
        except ValueError as error:
            raise ValueError(_placed(error, roles, table)) from error


def write_table(log: Episodes, path: str | os.PathLike[str]) -> Path:
    """Writes the log as a table that `read_table`, and others, read; all or nothing.

    Its columns are episode, observation_0 …, action, reward, next_observation_0 …, terminal, timeout, cost, state and
    next_state, each number in full: what is read is the log again. CSV does not say how many actions there are.

    Args:
        log: the log.
        path: ends in .csv or .parquet; what stands there is replaced.

    Returns:
        The path.
    """
    path = _checked_path("path", path)
    table = pa.table(_written(log), metadata={_N_ACTIONS: str(log.n_actions)})
    with atomic_path(path) as unfinished:
        if path.suffix.lower() == ".csv":
            texts = pa.table({name: _shortest(table.column(name)) for name in table.column_names})
            with open(unfinished, "wb") as file:
                file.write((",".join(table.column_names) + "\n").encode())
                options = arrow_csv.WriteOptions(include_header=False, batch_size=65_536, quoting_style="none")
                arrow_csv.write_csv(texts, file, options)
        else:
            pq.write_table(table, unfinished)
            if not ParquetFile(unfinished).is_believed(table.column_names):  # so small is it, for its rows are alike
                pq.write_table(table, unfinished, compression="none", use_dictionary=False)
    return path


_FAULT = "cannot be read as a log"
_LISTED, _LETTERS = 500, 600  # names of a table that a message looks at, and letters of them
_SUFFIXES = (".csv", ".parquet")
_N_ACTIONS = "safegrid.n_actions"
_WIDE = ("observations", "next_observations")
_ROLES = (
    "episode", "observations", "actions", "rewards", "next_observations", "terminals", "timeouts", "costs", "states",
    "next_states", "step",
)  # fmt: skip
_NEEDED = ("observations", "actions", "rewards")


def _checked_path(name: str, path: str | os.PathLike[str]) -> Path:
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{name} is {str(path)!r}, expected a file that ends in {' or '.join(_SUFFIXES)}")
    return Path(path)


def _checked_source(source: Any) -> Any:
    if hasattr(source, "__arrow_c_stream__"):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(f"source is a {type(source).__name__}, expected a path, or a table such as pandas's")
    path = _checked_path("source", source)
    if path.exists() and not path.is_file():
        raise ValueError(f"source is {str(path)!r}, expected a file")
    path.stat()  # FileNotFoundError
    return path


def _check_roles(columns: Any) -> None:
    if columns is None:
        return
    if not isinstance(columns, Mapping):
        raise ValueError(f"columns is {columns!r}, expected a mapping such as {{'actions': 'treatment', …}}")
    for role, names in columns.items():
        if role not in _ROLES:
            raise ValueError(f"columns has {role!r}, expected {', '.join(_ROLES)}{_close(role, _ROLES)}")
        several = role in _WIDE and isinstance(names, (list, tuple)) and len(names) > 0
        if not all(isinstance(name, str) for name in (names if several else [names])):
            wanted = "a column's name, or a list of them" if role in _WIDE else "a column's name"
            raise ValueError(f"columns[{role!r}] is {names!r}, expected {wanted}")
    if lacking := [role for role in _NEEDED if role not in columns]:
        raise ValueError(f"columns has no {lacking[0]!r}, expected the name of their column")


def _check_words(categories: Mapping[str, Words]) -> None:
    for name, words in categories.items():
        listed = list(words) if isinstance(words, (list, tuple, Mapping)) else []
        alike = any(all(type(word) is kind for word in listed) for kind in (str, int))
        if not listed or not alike or len(set(listed)) < len(listed):
            raise ValueError(
                f"categories[{name!r}] is {words!r}, expected a list of words, or of whole numbers, that differ, "
                "or a mapping from them"
            )
        for word, number in words.items() if isinstance(words, Mapping) else ():
            if not isinstance(number, (int, np.integer)) or not -(2**63) <= number < 2**63:
                raise ValueError(f"categories[{name!r}][{word!r}] is {number!r}, expected a whole number")


def _unit(name: str, value: Any) -> tuple[str, datetime | None]:
    unit, origin = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    if not isinstance(unit, str) or unit not in UNITS:
        raise ValueError(f"dates[{name!r}] is {value!r}, expected one of {', '.join(UNITS)}, or one with an origin")
    try:
        return unit, None if origin is None else datetime.fromisoformat(origin)
    except (TypeError, ValueError) as error:
        raise ValueError(f"dates[{name!r}] is {value!r}, expected an origin such as '2031-05-28'") from error


def _found(columns: Mapping[str, Any] | None, table: Source) -> dict[str, list[str]]:
    """The names of each role's columns, all of which are there."""
    if columns is None:
        roles = {role: [role.removesuffix("s")] for role in _ROLES}
        for role in _WIDE:
            (stem,) = roles[role]
            n = sum(re.fullmatch(rf"{stem}_\d+", name) is not None for name in table.names)
            roles[role] = [f"{stem}_{i}" for i in range(max(n, 1))]
        roles = {role: names for role, names in roles.items() if role in _NEEDED or {*names} & {*table.names}}
    else:
        roles = {role: [names] if isinstance(names, str) else list(names) for role, names in columns.items()}
    times, there = Counter(table.names), ", ".join(map(repr, table.names[:_LISTED]))
    for role, names in roles.items():
        for name in names:
            if times[name] != 1:
                fault = "stands there twice" if times[name] else "is missing"
                hint = "; say other names in columns" if columns is None else ""
                raise ValueError(
                    f"{table.where}: column {name!r}, for {role}, {fault}{_close(name, table.names)}; expected it once "
                    f"among {there[:_LETTERS]}{'…' * (len(there) > _LETTERS or len(times) > _LISTED)}{hint}"
                )
    return roles


def _close(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names)[:_LISTED], 1)
    return f" (did you mean {close[0]!r}?)" if close and close[0] != name else ""


def _check_read(named: Iterable[str], roles: Mapping[str, list[str]], where: str) -> None:
    """Categories and dates that nothing would read are a mistake."""
    read = [name for names in roles.values() for name in names]
    for name in named:
        if name not in read:
            raise ValueError(f"{where}: column {name!r} has categories or dates and is not read{_close(name, read)}")


def _check_ends(roles: Mapping[str, list[str]], ends: str | None, where: str) -> None:
    flags = [role for role in ("terminals", "timeouts") if role in roles]
    if ends is None and "terminals" not in roles:
        raise ValueError(
            f"{where}: no column says which steps are terminals, expected one, for terminals; or, where all "
            "episodes of a column for episode end in one way, ends='terminal' or 'timeout'"
        )
    if ends is not None and (flags or "episode" not in roles):
        beside = f"a column for {flags[0]}" if flags else "no column for episode"
        raise ValueError(f"ends is {ends!r} beside {beside}, expected None: it says how episodes of a column end")


def _log(
    table: Source,
    roles: dict[str, list[str]],
    n_actions: int | None,
    categories: Mapping[str, Words],
    origins: Mapping[str, tuple[str, datetime | None]],
    ends: str | None,
) -> Episodes:
    words = {name for name, listed in categories.items() if isinstance(next(iter(listed)), str)}
    names = list(dict.fromkeys(name for names in roles.values() for name in names))
    rows = table.read(names, words | {*roles.get("episode", ())})
    if not len(rows):
        raise ValueError("there are no rows, expected a step at least")

    def column(name: str) -> Array:
        if name in categories:
            return as_categories(name, rows.column(name), categories[name])
        if name in origins:
            return as_times(name, rows.column(name), *origins[name])
        return as_numbers(name, rows.column(name))

    given = {role: _stacked(role, names, column) for role, names in roles.items() if role != "episode"}
    episode = as_episodes(roles["episode"][0], rows.column(roles["episode"][0])) if "episode" in roles else None
    n_actions = _count_actions(n_actions, roles["actions"][0], categories, table.metadata)
    _check_values(given, n_actions)
    if episode is None:
        _check_last(given)
    if ends is not None and episode is not None:
        last = np.r_[episode[1:] != episode[:-1], True]
        given |= {"terminals": last & (ends == "terminal"), "timeouts": last & (ends == "timeout")}
    if "step" in given and episode is not None:
        step = given["step"]
        stays = np.r_[False, (step[1:] <= step[:-1]) & (episode[1:] == episode[:-1])]
        refuse_rows(stays, "step", step, "more than in the row before it")
        if roles["step"][0] in origins:
            del given["step"]  # a time that rises, whatever its unit
    return Episodes.from_arrays(**given, episode=episode, n_actions=n_actions)


def _stacked(role: str, names: Sequence[str], column: Callable[[str], Array]) -> Array:
    """A role's column, or its columns side by side; each was exact before they became one type."""
    if role not in _WIDE:
        return column(names[0])
    parts = []
    for name in names:
        array = column(name)
        if array.ndim == 2 and len(names) > 1:
            raise ValueError(f"column {name!r} holds lists, expected numbers beside other columns, or it alone")
        with np.errstate(over="ignore"):
            parts.append(array.astype(np.float32))
        refuse_changed(f"column {name!r} of {role}", array, parts[-1])
    return frozen(np.column_stack(parts))


def _count_actions(
    n_actions: int | None, name: str, categories: Mapping[str, Words], metadata: Mapping[bytes, bytes]
) -> int:
    words, written = categories.get(name), metadata.get(_N_ACTIONS.encode(), b"")
    if n_actions is not None:
        return n_actions
    if words is not None and not isinstance(words, Mapping):
        return len(words)
    if written.isdigit() and len(written) < 10:
        return int(written)
    raise ValueError(f"n_actions is None, expected the size of the action space, or a list of categories for {name!r}")


def _check_values(given: Mapping[str, Array], n_actions: int) -> None:
    """What `Episodes` would find only after rows have been dropped, and so in another row."""
    actions = number_array("actions", given["actions"])
    refuse_rows(~((actions >= 0) & (actions < n_actions)), "actions", actions, f"an action in 0…{n_actions - 1}")
    for name in {"states", "next_states"} & {*given}:
        refuse_rows(number_array(name, given[name]) < -1, name, given[name], "a state or −1")


def _check_last(given: Mapping[str, Array]) -> None:
    """Where flags alone end episodes, the last row must have one."""
    terminals = given["terminals"]
    last = np.arange(len(terminals)) == len(terminals) - 1
    ended = (terminals != 0) | (given.get("timeouts", np.zeros(1)) != 0)
    refuse_rows(last & ~ended, "terminals", terminals, "an end, as terminal or time-out: it is the last row")


def _placed(error: ValueError, roles: Mapping[str, list[str]], table: Source) -> str:
    """What an error says, after where else that row stands: a long message is cut at its end."""
    if not isinstance(error, RowError):
        return str(error)
    columns = f"column {', '.join(map(repr, roles[error.name]))[:80]}" if error.name in roles else ""
    place = ", ".join(filter(None, (table.place(error.row), columns)))
    return f"{place}: {error}" if place else str(error)


def _written(log: Episodes) -> dict[str, Array]:
    """The log's columns by the names that stand in a table."""
    columns: dict[str, Array] = {}
    for role in _ROLES[:-1]:
        stem, array = role.removesuffix("s"), getattr(log, role)
        parts = {f"{stem}_{i}": part for i, part in enumerate(np.ascontiguousarray(array.T))} if role in _WIDE else {}
        columns |= parts or {stem: array}
    return columns


def _shortest(column: Any) -> Any:
    """Floats in the fewest digits from which `read_table` makes the same: float32's, or float64's where it must.

    It reads a float64 and rounds that, which may round twice; and whole numbers must be what they are.
    """
    if column.type != pa.float32():
        return column
    texts, exact = pc.cast(column, pa.string()), column.to_numpy()
    again = pc.cast(texts, pa.float64()).to_numpy().astype(np.float32)
    fits = (again == exact) & (np.abs(exact) < 2**24)
    if fits.all():
        return column  # Arrow writes these texts
    return pc.if_else(pa.array(fits), texts, pc.cast(column.cast(pa.float64()), pa.string()))
