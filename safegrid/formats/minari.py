"""A log in Minari's format, there and back."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import minari
import numpy as np
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import parse_dataset_id
from minari.dataset.minari_storage import MinariStorage
from minari.namespace import NAMESPACE_METADATA_FILENAME
from minari.storage import get_dataset_path

from safegrid.array_types import Array, Ints, frozen
from safegrid.checks import whole
from safegrid.dataset import Episodes
from safegrid.files.atomic import atomic_path
from safegrid.files.strangers import check_truth, refused_by_name

Env = str | gymnasium.Env[Any, Any]

_VECTORS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def write_minari(
    log: Episodes,
    dataset_id: str,
    *,
    path: str | os.PathLike[str] | None = None,
    env: Env | None = None,
    description: str | None = None,
    algorithm_name: str | None = None,
    author: str | None = None,
    author_email: str | None = None,
    code_permalink: str | None = None,
) -> minari.MinariDataset:
    """Writes the log in Minari's format (HDF5), for other people's readers; all or nothing, and never online.

    An episode of T steps is stored with T + 1 observations, and with T + 1 of each info, as by Minari's own
    collector: "cost" and "state" of the reset and of each step, and "next_state" where no following row repeats it.

    Args:
        log: the log.
        dataset_id: "(namespace/)name-v0"; it must be new.
        path: the folder of all datasets, which must exist; by default Minari's: `$MINARI_DATASETS_PATH`, or
            ".minari/datasets" in the home folder.
        env: the log's environment, from `gymnasium.make`, or its id; kept with the log, so that
            `MinariDataset.recover_environment` can make it again.
        description: in a sentence or two.
        algorithm_name: the name of the behaviour policy.
        author: name.
        author_email: address.
        code_permalink: where the code stands that made the log.

    Returns:
        Minari's own reader of what was written.

    Raises:
        ValueError: the id exists or is malformed, or the log does not fit the env.
        FileNotFoundError: `path` is no folder.
    """
    about = {
        "description": description,
        "algorithm_name": algorithm_name,
        "author": author,
        "author_email": author_email,
        "code_permalink": code_permalink,
    }
    namespace = _namespace(dataset_id)
    root = _root(path)
    final = root / dataset_id
    if final.exists():
        raise ValueError(f"dataset_id {dataset_id!r} exists already in {root}, expected a new name or version")
    made = gymnasium.make(env) if isinstance(env, str) else env
    metadata: dict[str, Any] = {"dataset_id": dataset_id, "minari_version": minari.__version__}
    for name, value in about.items():
        if value is not None:
            if not isinstance(value, str):
                raise ValueError(f"{name} is {value!r}, expected text")
            metadata[name] = {value} if name in ("author", "author_email") else value
    observation_space, action_space = _spaces(log, made)
    with atomic_path(final, folder=root) as unfinished:
        unfinished.mkdir()
        storage = MinariStorage.new(
            unfinished / "data", observation_space, action_space, None if made is None else made.spec, "hdf5"
        )
        storage.update_metadata(metadata)
        storage.update_episodes(_buffers(log))
        for folder in namespace:
            (root / folder).mkdir(parents=True, exist_ok=True)
            if not (note := root / folder / NAMESPACE_METADATA_FILENAME).exists():
                with atomic_path(note) as unfinished_note:
                    unfinished_note.write_text("{}")
    return minari.MinariDataset(final / "data")


def read_minari(dataset: minari.MinariDataset | str, *, path: str | os.PathLike[str] | None = None) -> Episodes:
    """Reads a log in Minari's format (HDF5), every row checked; nothing is downloaded, and nothing in it is run.

    What is declared is checked before memory is taken: at most a number for each byte of the file, and three million.
    Links in the file, to others or to itself, are not followed.

    Observations are flattened and kept as float32. An end that is flagged both ways is a terminal. Costs and states
    come from infos "cost" and "state" where they are there; "state" must be whole numbers, one more than steps. Without
    it `Discrete` observations are the states.

    Args:
        dataset: a `MinariDataset`, whole, split or filtered; or the id of one.
        path: the folder of all datasets, for an id; by default Minari's, as in `write_minari`.

    Raises:
        ValueError: actions are not discrete, observations are no vectors, there are no episodes, an episode's
            columns do not fit each other, or a row does not fit, as in `Episodes`; the files are cut short, damaged,
            or in another format than HDF5.
        FileNotFoundError: there is no such dataset or folder.
    """
    if isinstance(dataset, str):
        _namespace(dataset)
        folder = _root(path) / dataset / "data"
        if not folder.is_dir():
            raise FileNotFoundError(f"dataset {dataset!r} is not in {_root(path)}; nothing is downloaded")
        with refused_by_name(folder, _FAULT):
            _check_metadata(folder)
            dataset = minari.MinariDataset(folder)
    elif not isinstance(dataset, minari.MinariDataset):
        raise ValueError(f"dataset is {dataset!r}, expected a MinariDataset or the id of one")
    elif path is not None:
        raise ValueError(f"path is {str(path)!r}, expected none beside a MinariDataset: it knows where it lies")
    actions, where = dataset.action_space, dataset.storage.data_path
    if not isinstance(actions, spaces.Discrete) or actions.start != 0:
        raise ValueError(f"{where}: action_space is {actions}, expected Discrete(n) counted from 0")
    if not isinstance(dataset.observation_space, _VECTORS):
        raise ValueError(f"{where}: observation_space is {dataset.observation_space}, expected vectors or numbers")
    if not len(dataset.episode_indices):
        raise ValueError(f"{where}: {dataset.id!r} has no episodes, expected at least one")
    stored = where / "main_data.hdf5"
    with refused_by_name(stored, _FAULT), h5py.File(stored, "r") as file:
        found = _find_columns(file, dataset.episode_indices, stored.stat().st_size)
        episodes = [_rows(columns, number, dataset.observation_space) for number, columns in enumerate(found)]
        columns = {name: frozen(np.concatenate([rows[name] for rows in episodes])) for name in episodes[0]}
        return Episodes(**columns, n_actions=int(actions.n))


_FAULT = "cannot be read as a log in Minari's format"
_LONGEST_METADATA = 1_000_000  # bytes
_NUMBERS = 3_000_000
_A_CHUNK = 100  # numbers for whose memory HDF5 keeps a chunk in mind
_COLUMNS = ("observations", "actions", "rewards", "terminations", "truncations")
_INFOS = ("infos/cost", "infos/state", "infos/next_state")


def _check_metadata(folder: Path) -> None:
    """What Minari's own reader would make without a look: any environment, any space, any number of episodes."""
    if (size := (folder / "metadata.json").stat().st_size) > _LONGEST_METADATA:
        raise ValueError(f"metadata.json has {size:,} bytes, expected at most {_LONGEST_METADATA:,}")
    about = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    if about["data_format"] != "hdf5":
        raise ValueError(f"data_format is {about['data_format']!r}, expected 'hdf5'")
    for name in ("observation_space", "action_space"):  # else the environment is made, by a stranger's entry point
        space = json.loads(about[name])
        if space["type"] == "Box" and math.prod(space["shape"]) > len(about[name]):
            raise ValueError(f"{name} has shape {space['shape']}, and fewer bounds")
    if whole("total_episodes", about["total_episodes"], least=0) > (folder / "main_data.hdf5").stat().st_size:
        raise ValueError(f"total_episodes is {about['total_episodes']}, expected those of main_data.hdf5")


def _find_columns(file: h5py.File, episodes: Ints, size: int) -> list[dict[str, h5py.Dataset]]:
    """What is read of each episode, checked before a number is read."""
    found = []
    for episode in episodes:
        group = _own(file, f"episode_{episode}", h5py.Group)
        columns = {name: _own(group, name, h5py.Dataset) for name in _COLUMNS}
        if "infos" in group:
            infos = _own(group, "infos", h5py.Group)
            columns |= {name: _own(infos, name[6:], h5py.Dataset) for name in _INFOS if name[6:] in infos}
        found.append(columns)
    numbers = 0
    for column in (column for columns in found for column in columns.values()):
        if column.dtype.kind not in "biuf" or column.is_virtual or column.external:
            raise ValueError(f"{column.name} holds {column.dtype}, or what is stored in another file")
        chunks = column.chunks or column.shape
        n_chunks = math.prod(-(-n // c) for n, c in zip(column.shape, chunks, strict=True) if n)
        numbers += column.size + math.prod(chunks) + _A_CHUNK * n_chunks
    if numbers > size + _NUMBERS:
        raise ValueError(f"{numbers:,} numbers are declared, expected at most {size + _NUMBERS:,} in {size:,} bytes")
    return found


def _own(group: h5py.Group, name: str, kind: type) -> Any:
    """A member of a group that is its own, no link to elsewhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink) or not isinstance(group[name], kind):
        raise ValueError(f"{name} of {group.name} is missing, a link, or no {kind.__name__}")
    return group[name]


def _namespace(dataset_id: str) -> list[str]:
    """The folders that a dataset's id names above it, outermost first."""
    try:
        namespace, _, _ = parse_dataset_id(dataset_id)
    except (ValueError, TypeError) as error:  # TypeError: no version, or no text
        raise ValueError(f"dataset_id is {dataset_id!r}, expected '(namespace/)name-v0'") from error
    parts = namespace.split("/") if namespace else []
    if "" in parts:
        raise ValueError(f"dataset_id is {dataset_id!r}, expected '(namespace/)name-v0'")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _root(path: str | os.PathLike[str] | None) -> Path:
    root = Path(get_dataset_path("")) if path is None else Path(path)
    if not root.is_dir():
        raise FileNotFoundError(f"path is {str(root)!r}, expected a folder that exists")
    return root


def _spaces(log: Episodes, env: gymnasium.Env[Any, Any] | None) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
    """The env's own spaces where they fit what is stored; the log must fit the env's."""
    width = log.observations.shape[1]
    plain = spaces.Box(-np.inf, np.inf, (width,), np.float32)
    if env is None:
        return plain, spaces.Discrete(log.n_actions)
    if env.spec is None:
        raise ValueError("env has no spec to be made again from, expected one from gymnasium.make")
    if not isinstance(env.action_space, spaces.Discrete) or env.action_space != spaces.Discrete(log.n_actions):
        raise ValueError(f"env.action_space is {env.action_space}, expected Discrete({log.n_actions}) as the log's")
    box = env.observation_space
    if not (isinstance(box, spaces.Box) and box.shape == (width,) and box.dtype == np.float32):
        return plain, env.action_space
    for name in ("observations", "next_observations"):
        column = getattr(log, name)
        if (outside := ((column < box.low) | (column > box.high)).any(1)).any():
            row = int(np.argmax(outside))
            raise ValueError(f"{name} in row {row} is {column[row]}, expected one of env.observation_space {box}")
    return box, env.action_space


def _buffers(log: Episodes) -> Iterator[EpisodeBuffer]:
    """One buffer an episode: T actions, T + 1 observations, and infos from the reset and each step, so T + 1 too."""
    ends = np.flatnonzero(log.terminals | log.timeouts) + 1
    inner = ~(log.terminals | log.timeouts)[:-1]
    chained = (log.next_states[:-1] == log.states[1:])[inner].all()
    for begin, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
        rows, last = slice(begin, end), slice(end - 1, end)
        infos = {
            "cost": np.r_[np.float32(0.0), log.costs[rows]],
            "state": np.r_[log.states[rows], log.next_states[last]],
        }
        if not chained:  # next states that no following row repeats, such as unknown ones
            infos["next_state"] = np.r_[np.int64(-1), log.next_states[rows]]
        yield EpisodeBuffer(
            observations=np.r_[log.observations[rows], log.next_observations[last]],  # type: ignore[arg-type]
            actions=log.actions[rows],  # type: ignore[arg-type]
            rewards=log.rewards[rows],  # type: ignore[arg-type]
            terminations=log.terminals[rows],  # type: ignore[arg-type]
            truncations=log.timeouts[rows],  # type: ignore[arg-type]
            infos=infos,
        )


def _rows(stored: dict[str, h5py.Dataset], number: int, seen: spaces.Space[Any]) -> dict[str, Array]:
    """The columns of one episode; observations that are counted from a number are states, if no info says otherwise."""
    episode = {name: column[()] for name, column in stored.items()}
    for name, values in episode.items():
        check_truth(name, values)
    steps = len(episode["rewards"])
    lengths = {"actions": steps, "terminations": steps, "truncations": steps, "observations": steps + 1}
    for name, wanted in lengths.items():
        if (got := len(episode[name])) != wanted:
            raise ValueError(f"episode {number} has {got} {name} and {steps} rewards, expected {wanted}")
    if steps == 0:
        raise ValueError(f"episode {number} has no steps, expected at least one")
    if (got := episode["observations"].shape[1:]) != seen.shape:  # such as pictures, which Minari packs as JPEG
        raise ValueError(f"observations of episode {number} have shape {got}, expected {seen.shape} as the space's")
    flat = episode["observations"].reshape(steps + 1, -1)
    terminals = episode["terminations"].astype(bool)
    infos = {name[6:]: episode[name] for name in _INFOS if name in episode}
    unknown = np.full(steps + 1, -1)
    states = _state_info(infos, "state", flat[:, 0] - int(seen.start) if isinstance(seen, spaces.Discrete) else unknown)
    following = _state_info(infos, "next_state", unknown) if "next_state" in infos else states
    return {
        "observations": flat[:-1],
        "actions": episode["actions"],
        "rewards": episode["rewards"],
        "next_observations": flat[1:],
        "terminals": terminals,
        "timeouts": episode["truncations"].astype(bool) & ~terminals,
        "costs": _cost_info(infos, steps, number),
        "states": states[:-1],
        "next_states": following[1:],
        "episode": np.full(steps, number),
    }


def _state_info(infos: dict[str, Any], name: str, otherwise: Ints) -> Ints:
    """Whole numbers from the reset and each step; another world's "state" may be anything, and is unknown to us."""
    values = np.asarray(infos.get(name, ()))
    fits = values.shape == otherwise.shape and np.issubdtype(values.dtype, np.integer) and (values >= -1).all()
    return values.astype(np.int64) if fits else otherwise


def _cost_info(infos: dict[str, Any], steps: int, number: int) -> Array:
    if "cost" not in infos:
        return np.zeros(steps)
    costs = np.asarray(infos["cost"])
    if costs.shape not in ((steps + 1,), (steps,)):
        raise ValueError(f"infos['cost'] of episode {number} has shape {costs.shape}, expected ({steps + 1},)")
    return costs[-steps:]
