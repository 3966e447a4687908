"""Hostile inputs for every reader: `python tests/fuzz.py READER N --seed S` prints what became of them, as JSON.

Each input is a good one with a few bytes, members, headers, arrays or values changed. A reader may accept it or refuse
it by name; anything else is foreign, and the first of each kind is shown. The peak is in MB.
"""

import argparse
import io
import json
import random
import subprocess
import tempfile
import warnings
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from example_logs import short_log

from safegrid.agents import create_discrete_cql, load_agent, save_agent
from safegrid.dataset import Episodes, build_mdpdataset
from safegrid.env import SafetyCriticalGridWorld
from safegrid.figures.cards import CoveredCards
from safegrid.figures.coverage_map import CoverageMap
from safegrid.figures.explorer import ConservatismExplorer
from safegrid.figures.hand_over import HandOver
from safegrid.figures.harm_budget import HarmBudget
from safegrid.figures.headlines import Headlines
from safegrid.figures.laboratory import LEARNING, WORLD, SafetyLab
from safegrid.figures.modules import joined
from safegrid.figures.side_by_side import SideBySide
from safegrid.figures.story import WeightStory
from safegrid.figures.training_player import TrainingPlayer
from safegrid.figures.votes import VoteBoard
from safegrid.formats.minari import read_minari, write_minari
from safegrid.formats.table import read_table
from safegrid.sweep import training
from safegrid.sweep.checkpoint import read_checkpoint
from safegrid.sweep.results import Sweep
from safegrid.tabular import argmax_clone

warnings.simplefilter("ignore")
QUIET = {"size": 4, "hidden_units": (8,), "n_jobs": 1, "progress": False}
ODD = [None, True, -1, 0, 0.5, 3, 10**9, 10**30, 1e308, float("nan"), "", "x" * 99, "\ud800", [], {}, [[]], [0] * 9_999,
       {"type": "Box"}, {"toString": 1}, ["visits"], "vector", "pixel", "__proto__"]  # fmt: skip
ODD_TEXTS = [
    "1e400",
    "9" * 400,
    "9007199254740993",
    "-0",
    "0x10",
    "2031-01-01",
    "2031-13-01",
    "2031-05-28T08:00Z",
    "10:30",
    "trip 0",
    "NA",
    "inf",
    '"',
    '"\n"',
    "\0",
    "\ufeff",
    "\r",
    "é",
    "true",
    "down",
    "1,5",
    " 1 ",
]
TYPES = ["<f4", "<f8", "<i8", "|b1", "<U3", "|V0", "<U0", "<c16", "|O", ">f4", "|u1", "<M8[s]"]
NODE = """
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
IMPORTS
const checkSettings = (settings) => checked(LABORATORY_SETTINGS, settings);
const followed = (link) => fromLink(link, LABORATORY_SETTINGS);
const figures = {
  readBudgets, readCards, readCoverage, readData, readHandOver, readHeadlines, readSides, readStory, readTraining,
};
const states = { ...figures, readPresets, readVotes };
const readers = { ...states, checkSettings, fromLink: followed };
const said = { accepted: 0, refused: 0, foreign: 0, over: 0, kinds: {} }; // Node holds all in 100 MB, or stops
for await (const line of createInterface({ input: createReadStream("inputs") })) {
  const [name, input] = JSON.parse(line);
  let value = input; // a text that is no JSON never reaches a reader
  try { if (name !== "fromLink") value = JSON.parse(input); } catch { said.refused++; continue; }
  try { readers[name](value); said.accepted++; }
  catch (error) {
    const named = error.constructor === Error && error.message.includes(", expected ");
    said[named ? "refused" : "foreign"]++;
    if (!named) said.kinds[error] ??= input.slice(0, 200);
  }
}
console.log(JSON.stringify({ ...said, peak: process.resourceUsage().maxRSS / 1e3 }));
"""

READ = {
    "explorer": "readData",
    "budget": "readBudgets",
    "hand_over": "readHandOver",
    "story": "readStory",
    "cards": "readCards",
    "coverage_map": "readCoverage",
    "headlines": "readHeadlines",
    "side_by_side": "readSides",
    "training_player": "readTraining",
    "votes": "readVotes",
    "laboratory": "readPresets, checked, fromLink, LABORATORY_SETTINGS",
}
"""What reads a state or a link in each figure's script."""


def odd_json(rng, tree):
    """A text of JSON with one value changed, gone, or standing under another name."""
    holder, tree = None, json.loads(json.dumps(tree))
    node = tree
    while isinstance(node, (dict, list)) and node and (holder is None or rng.random() < 0.8):
        holder, key = node, rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node = holder[key]
    fate = rng.random()
    if fate < 0.1:
        del holder[key]
    elif fate < 0.2 and isinstance(node, (int, float)):
        holder[key] = node * rng.choice([-1, 2, 1.5, 10**6, 1 / 3])
    else:
        holder[key] = rng.choice(ODD)
    deep = "[" * 9_999 + "]" * 9_999 if fate > 0.99 else '{"a":' * 9_999 + "0" + "}" * 9_999
    text = json.dumps(tree)
    return text.replace("null", deep, 1) if fate > 0.98 else text


def odd_bytes(rng, raw):
    """Bits flipped, an end cut off, or a piece moved elsewhere."""
    raw, fate = bytearray(raw), rng.random()
    if fate < 0.2:
        return raw[: rng.randrange(len(raw))]
    if fate < 0.4:
        a, b, n = rng.randrange(len(raw)), rng.randrange(len(raw)), rng.randrange(1, 200)
        raw[a : a + n] = raw[b : b + n]
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return raw


def odd_array(rng, name, npy):
    """A member of an .npz with another header, content, type or shape, or another JSON."""
    fate, array, body = rng.random(), np.load(io.BytesIO(npy)), npy[10 + int.from_bytes(npy[8:10], "little") :]
    if name == "header.npy" and fate < 0.7:
        array = np.array(odd_json(rng, json.loads(str(array))))
    elif fate < 0.4:
        shape = tuple(rng.choice([0, 1, 2, 7, -1, 10**6, 10**12, 2**63, True]) for _ in range(rng.randrange(4)))
        shape = rng.choice([shape, shape, array.shape, "(" * 300, "-" * 5_000, "None"])
        kind, fortran = rng.choice([*TYPES, array.dtype.str]), rng.choice([False, True, 3])
        text = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
        return npy[:8] + len(text).to_bytes(2, "little") + text + body
    elif fate < 0.5:
        array = np.zeros(rng.choice([10**5] * 30 + [10**6, 3 * 10**6, 2 * 10**7]), array.dtype)
    elif array.size and array.dtype.kind != "U":
        if fate < 0.7:
            array = rng.choice([array.astype(rng.choice(TYPES[:4])), array.ravel()[: rng.randrange(array.size)]])
        else:
            array.flat[rng.randrange(array.size)] = rng.choice([0, 1, 99, np.nan if array.dtype.kind == "f" else 2])
    np.save(buffer := io.BytesIO(), array)
    return buffer.getvalue()


def odd_npz(rng, raw):
    """Other bytes, or other members under checksums that fit."""
    if rng.random() < 0.3:
        return odd_bytes(rng, raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    i, fate = rng.randrange(len(members)), rng.random()
    if rng.random() < 0.3:
        i = [name for name, _ in members].index("header.npy")
    name, npy = members[i]
    if fate < 0.05:
        members.pop(i)
    elif fate < 0.1:
        members.append((name, rng.choice(members)[1]))
    elif fate < 0.15:
        members[i] = (rng.choice(["header.npy", "x.npy", "../x", members[0][0]]), npy)
    else:
        members[i] = (name, bytes(odd_bytes(rng, npy)) if fate < 0.2 else odd_array(rng, name, npy))
    method = zipfile.ZIP_DEFLATED if max(len(npy) for _, npy in members) > 10**6 else rng.choice([0, 8, 12, 14])
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", method) as archive:
        for member in members:
            archive.writestr(*member)
    return buffer.getvalue()


def odd_hdf5(rng, path):
    """Another dataset, group or link in the place of one."""
    with h5py.File(path, "r+") as file:
        group = rng.choice([file["episode_0"], file["episode_1"], file["episode_0/infos"]])
        name = rng.choice(list(group))
        kept = group[name]
        values = np.zeros(3) if isinstance(kept, h5py.Group) else kept[()]
        del group[name]
        elsewhere = h5py.VirtualLayout((3,), "f8")
        elsewhere[:] = h5py.VirtualSource("other.hdf5", "x", (3,))
        rng.choice([
            lambda: None,
            lambda: group.update({name: h5py.ExternalLink("/etc/hostname", "/")}),
            lambda: group.update({name: h5py.SoftLink("/episode_1")}),
            lambda: group.update({name: file}),
            lambda: group.create_group(name),
            lambda: group.create_virtual_dataset(name, elsewhere),
            lambda: group.create_dataset(name, (3,), "f8", external=[("/etc/hostname", 0, 24)]),
            lambda: group.create_dataset(name, data=["x"] * 3),
            lambda: group.create_dataset(name, (10**9, 10**3), "f8", chunks=(10**6, 10)),
            lambda: group.create_dataset(name, (rng.choice([0, 1, 3, 10**7]),), rng.choice(["f8", "i4", "?", "c16"])),
            lambda: group.create_dataset(name, data=values.astype(rng.choice(["f2", "i8", "?", "S3"]))),
            lambda: group.create_dataset(name, data=np.full_like(values, rng.choice([0, 1, 99]))),
        ])()  # fmt: skip


def good_npz(name, path):
    """Writes one good file of ours; returns what reads it."""
    log = short_log()
    if name == "log":
        log.save(path)
        return lambda: Episodes.load(path)
    if name == "agent":
        agent = create_discrete_cql(size=4, hidden_units=(8,))
        agent.build_with_dataset(build_mdpdataset(log))
        save_agent(agent, path)
        return lambda: load_agent(path)
    world, asked = SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)], max_steps=6).mdp, []
    checkpoint = path if name == "checkpoint" else None
    training.read_checkpoint = lambda *given: asked.append(given) or read_checkpoint(*given)
    sweep = training.train_sweep(log, [0, 6], 2, 5, mdp=world, checkpoint=checkpoint, **QUIET)
    if name == "checkpoint":
        return lambda: read_checkpoint(*asked[0])
    sweep.save(path)
    return lambda: Sweep.load(path)


def fuzz_npz(name, folder, rngs):
    """Yields what reads each spoiled file."""
    path = folder / f"{name}.npz"
    read = good_npz(name, path)
    good = path.read_bytes()
    yield read
    for rng in rngs:
        path.write_bytes(odd_npz(rng, good))
        yield read


def fuzz_minari(folder, rngs):
    """The same of datasets in Minari's format."""
    data = Path(str(write_minari(short_log(n=3), "log-v0", path=folder).storage.data_path))
    good = {path: path.read_bytes() for path in data.iterdir()}
    numbers, about = data / "main_data.hdf5", data / "metadata.json"
    yield lambda: read_minari("log-v0", path=folder)
    for rng in rngs:
        for path, raw in good.items():
            path.write_bytes(raw)
        if (fate := rng.random()) < 0.5:
            numbers.write_bytes(odd_bytes(rng, good[numbers]))
        elif fate < 0.7:
            odd_hdf5(rng, numbers)
        else:
            tree = json.loads(good[about])
            inner = rng.choice(["observation_space", "action_space", "data_format"])
            if fate < 0.85 and inner != "data_format":
                tree |= {inner: odd_json(rng, json.loads(tree[inner]))}
            about.write_text(json.dumps(tree) if fate < 0.85 else odd_json(rng, tree))
        yield lambda: read_minari("log-v0", path=folder)


def good_table():
    """A log as somebody may hold it: words, dates, texts for episodes, lists; and how it is read."""
    log = short_log(n=9)
    step = np.arange(len(log)) - np.searchsorted(log.episode, log.episode)
    table = pa.table({
        "trip": [f"trip {i}" for i in log.episode],
        "when": np.datetime64("2031-05-28T08:00", "s") + 600 * step.astype("m8[s]"),
        "x": log.observations[:, 0].astype(int),
        "y": log.observations[:, 1],
        "move": np.array(["down", "right", "up", "left"])[log.actions],
        "reward": log.rewards.astype(float) + 0.5,
        "over": log.terminals,
        "both": list(log.observations),
    })  # fmt: skip
    columns = {"episode": "trip", "step": "when", "actions": "move", "rewards": "reward", "terminals": "over"}
    told = {"categories": {"move": ["down", "right", "up", "left"]}, "dates": {"when": "hours"}}
    return table, columns, told


def odd_csv(rng, text):
    """Another cell, line or name."""
    lines = text.split("\n")
    i = rng.choice([0, rng.randrange(len(lines))])
    cells, odd = lines[i].split(","), [*map(str, ODD), *ODD_TEXTS]
    if (fate := rng.random()) < 0.7:
        cells[rng.randrange(len(cells))] = rng.choice([*odd, cells[-1], *cells])
        lines[i] = ",".join(cells)
    elif fate < 0.8:
        lines[i] += rng.choice([",", ",1", '"', "\r", ",".join("abc" * 3_000)])
    elif fate < 0.9:
        lines.insert(rng.randrange(len(lines)), lines[i])
    else:
        lines.pop(i)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def odd_parquet(rng, table):
    """Another column in the place of one: of any type, with what is missing, or of much in few bytes."""
    name, n = rng.choice(table.column_names), len(table)
    if rng.random() < 0.1:
        n = rng.choice([0, 1, 10**5, 10**5, 10**6])
        table = pa.table({key: pa.array([table[key][0].as_py()] * min(n, 10**5)) for key in table.column_names})
        table = pa.concat_tables([table] * max(1, n // 10**5))
        n = len(table)
    kept = table[name].combine_chunks()
    few, turn = min(n, 99), np.arange(n)
    odd = rng.choice([
        lambda: pa.nulls(n, kept.type),
        lambda: pa.nulls(n),
        lambda: pa.array(np.array([rng.choice([0, 1, 2**62]), 1, -1, 3])[turn % rng.choice([1, 2, 4])]),
        lambda: pa.array((turn % 100).astype(rng.choice(["i1", "u1", "i8", "u8", "f2", "f4"]))),
        lambda: pa.array(np.array([0.0, 0.5, np.nan, np.inf, 1e308, 2.0**53])[turn % rng.choice([1, 2, 6])]),
        lambda: pa.array(["x" * 10 ** rng.randrange(7)] * few + [""] * (n - few)),
        lambda: pa.DictionaryArray.from_arrays(turn * 0, ["x" * rng.choice([1, 10**6])]),
        lambda: pa.array(turn.astype(str), rng.choice([pa.string(), pa.large_string()])),
        lambda: pa.array([b"\xff\xfe"] * n),
        lambda: pa.array([bytes(9_999)] * few + [None] * (n - few), pa.binary(9_999)),
        lambda: pa.array([[0.0] * rng.choice([0, 1, 2, 2])] * n),
        lambda: pa.array([[0.0] * (i % 3) for i in range(few)] + [None] * (n - few)),
        lambda: pa.array([[["x"]]] * n),
        lambda: pa.array([["x" * 10**5]] * few + [[]] * (n - few)),
        lambda: pa.array([{"a": 1}] * n),
        lambda: pa.array([1] * n, pa.decimal128(30, 5)),
        lambda: pa.array(turn, rng.choice([pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.duration("s")])),
        lambda: pa.array(np.array([0, 2**62, -(2**62)])[turn % 3], pa.timestamp("us")),
        lambda: pa.array(turn % 2 == 0),
        lambda: kept.take(pa.array(turn[::-1])),
    ])()  # fmt: skip
    renamed = rng.choice([name, name, name, name, "x", "", "both.list.element"])
    table = table.set_column(table.column_names.index(name), renamed, odd)
    made = {"compression": rng.choice(["none", "snappy", "zstd", "gzip", "brotli", "lz4"])}
    made |= {"data_page_version": rng.choice(["1.0", "2.0"]), "use_dictionary": rng.choice([True, False])}
    pq.write_table(table, buffer := io.BytesIO(), row_group_size=rng.choice([7, 10**6]) if n < 100 else 10**6, **made)
    return buffer.getvalue()


def fuzz_table(name, folder, rngs):
    """The same of tables, in CSV or in Parquet."""
    path, (table, columns, told) = folder / f"log.{name}", good_table()
    if name == "csv":
        table = table.drop_columns("both")
        arrow_csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    good = path.read_bytes()
    seen = ["x", "y"] if name == "csv" else "both"
    yield lambda: read_table(path, columns | {"observations": ["x", "y"]}, **told)
    for rng in rngs:
        if rng.random() < 0.4:
            path.write_bytes(odd_bytes(rng, good))
        else:
            path.write_bytes(odd_csv(rng, good.decode()) if name == "csv" else odd_parquet(rng, table))
        observations = rng.choice([["x", "y"], seen])
        yield lambda observations=observations: read_table(path, columns | {"observations": observations}, **told)


def fuzz_page(folder, rngs):
    """States and share links, read by the page's own script under Node."""
    world = SafetyCriticalGridWorld(size=4, hazard_coords=[(1, 2)], max_steps=6).mdp
    sweep = training.train_sweep(short_log(), [0, 6], 1, 5, mdp=world, **QUIET)
    lab = SafetyLab()
    settings = {name: getattr(lab, name) for name in (*WORLD, *LEARNING, "layer")}
    driver = world.optimal(0.9)
    explorer = ConservatismExplorer(sweep, world, logs=short_log(), references={"driver": world.evaluate(driver)})
    story = WeightStory(sweep, world, short_log(), driver, code="WEIGHT")
    clones = training.train_clone_sweep(short_log(), 1, 5, mdp=world, **QUIET)
    cards = CoveredCards(world, [short_log()], sweep, clones, driver)
    headlines = Headlines(world, [driver], [driver])
    budget = HarmBudget([short_log()], world, (0.5, 1.0))
    shown = {"readData": explorer, "readStory": story, "readCards": cards, "readHeadlines": headlines}
    shown |= {"readBudgets": budget, "readVotes": VoteBoard({0.0: [short_log()]}, world, {0.0: driver})}
    shown["readCoverage"] = CoverageMap(short_log(), world, {"clone": argmax_clone}, (1, 2), (1, 3), ask=1)
    shown["readHandOver"] = HandOver([driver], [short_log()], {"own": world, "same": world}, (0.0, 3.0, np.inf))
    shown["readSides"] = SideBySide(sweep, world, clones, {"optimum": driver, "driver": driver})
    shown["readTraining"] = TrainingPlayer(short_log(), world, network={1: np.zeros((16, 4)), 9: np.ones((16, 4))})
    trees = {name: figure.data for name, figure in shown.items()}
    trees |= {"readPresets": lab.presets, "checkSettings": settings}
    said = settings | {"desc": ".".join(lab.desc), "own_dice": "true"}
    link = "#" + urlencode({"safegrid": 1, "figure": "laboratory"} | said)

    inputs = [*((name, json.dumps(tree)) for name, tree in trees.items()), ("fromLink", link)]
    for rng in rngs:
        name = rng.choice([*trees, "fromLink"])
        odd = link if name == "fromLink" else odd_json(rng, trees[name])
        if name == "fromLink":
            part = rng.choice(link.split("&"))
            other = rng.choice(
                ["", part + "&" + part, part + "9" * 99, part.split("=")[0] + "=%00%ff%", f"x{part}", "&=&"]
            )
            odd = link.replace(part, other)
        inputs.append((name, odd))
    for figure, names in READ.items():
        (folder / f"{figure}.mjs").write_text(f"{joined(f'{figure}.js')}\nexport {{ {names} }};\n")
    imports = [f'import {{ {names} }} from "./{figure}.mjs";' for figure, names in READ.items()]
    (folder / "main.mjs").write_text(NODE.replace("IMPORTS", "\n".join(imports)))
    (folder / "inputs").write_text("\n".join(map(json.dumps, inputs)))
    command = ["node", "--max-old-space-size=100", "main.mjs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def memory(anew=False):
    """What this process holds, and its peak since it was last asked for anew, in kB (Linux)."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines) if name.startswith("Vm")}


def fuzz(name, n, seed):
    """How many of n inputs were accepted, refused, foreign, and over some times their size and 100 MB of memory."""
    rngs = (random.Random(f"{name} {seed} {i}") for i in range(n))
    with tempfile.TemporaryDirectory() as folder:
        if name == "page":
            return fuzz_page(Path(folder), rngs)
        said = {"accepted": -1, "refused": 0, "foreign": 0, "kinds": {}, "over": 0}  # the good one comes first
        if name == "minari":
            reads = fuzz_minari(Path(folder), rngs)
        else:
            reads = (fuzz_table if name in ("csv", "parquet") else fuzz_npz)(name, Path(folder), rngs)
        for i, read in enumerate(reads):
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            before = memory(anew=True)["VmRSS"]
            try:
                read()
                fate = "accepted"
            except BaseException as error:
                named = isinstance(error, ValueError) and folder in str(error)
                fate = "refused" if named else "foreign"
                if not named:
                    said["kinds"].setdefault(f"{type(error).__name__}: {str(error)[:80]}", i)
            said[fate] += 1
            peak = (memory()["VmHWM"] - before) / 1e3
            said["peak"] = max(said["peak"], peak) if i else 0.0
            if peak > 100 + TIMES.get(name, 4) * size / 1e6:
                said["over"] += 1
                said["kinds"].setdefault(f"{peak:.0f} MB", i)
    return said


TIMES = {"parquet": 1_000}
"""A million rows that are much alike are a few kilobytes of Parquet."""
READERS = ("log", "sweep", "agent", "checkpoint", "minari", "csv", "parquet", "page")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(fuzz(options.reader, options.n, options.seed)))
