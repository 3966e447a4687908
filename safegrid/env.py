"""The world: a grid with hazards, as a Gymnasium environment and as the table behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import IntEnum
from functools import cached_property
from numbers import Real
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from .array_types import Floats
from .checks import is_finite, whole
from .mdp import TabularMDP

Cell = tuple[int, int]

LETTERS = "SFHGW"
"""What a cell of a map can be: start, free, hazard, goal, wall."""

ORIGINAL_HAZARDS: tuple[Cell, ...] = ((2, 9), (2, 10), (4, 3), (6, 11), (7, 12), (9, 6), (10, 10))


def _draw_map(
    size: int | None = None,
    hazard_coords: Iterable[Sequence[int]] | None = None,
    start: Sequence[int] | None = None,
    goal: Sequence[int] | None = None,
) -> tuple[str, ...]:
    """A map from coordinates; what is None is as in the original."""
    size = whole("size", 15 if size is None else size, least=2)
    if hazard_coords is None:
        hazard_coords = ORIGINAL_HAZARDS if size == 15 else ()
    first = _check_cell("start", (0, 0) if start is None else start, size)
    last = _check_cell("goal", (size - 1, size - 1) if goal is None else goal, size)
    if first == last:
        raise ValueError(f"goal is {last}, expected a cell other than the start")
    letters = {first: "S", last: "G"}
    for i, given in enumerate(hazard_coords):
        cell = _check_cell(f"hazard_coords[{i}]", given, size)
        if taken := {"S": "start", "G": "goal"}.get(letters.setdefault(cell, "H")):
            raise ValueError(f"hazard_coords[{i}] is {cell}, the {taken}; expected a free cell")
    return tuple("".join(letters.get((x, y), "F") for x in range(size)) for y in range(size))


def _check_cell(name: str, cell: Sequence[int], size: int) -> Cell:
    pair = np.iterable(cell) and not isinstance(cell, (Set, Mapping)) and len(tuple(cell)) == 2
    if not pair or not all(isinstance(c, Real) and 0 <= c < size and float(c).is_integer() for c in cell):
        raise ValueError(f"{name} is {cell!r}, expected (x, y) with whole numbers in 0…{size - 1}")
    return int(cell[0]), int(cell[1])


MAPS: dict[str, tuple[str, ...]] = {
    "original": _draw_map(),
    "crossroads": _draw_map(
        15, [(7, y) for y in range(3, 12) if y != 4] + [(x, 7) for x in range(2, 13) if x not in (4, 11)]
    ),
    "cliff": _draw_map(15, [(x, 14) for x in range(15)], (0, 13), (14, 13)),
    "rooms": _draw_map(15, [(7, y) for y in range(15) if y != 7]),
}
"""Named maps: rows from y = 0 down, columns from x = 0; FrozenLake's letters S start, F free, H hazard, G goal; W wall.

`original`: seven scattered hazards. `crossroads`: a cross of hazards with three gaps; the driver's habit leads into the
pocket before it. `cliff`: the shortest way runs along an edge, the safe way a row or two above it; after the cliff walk
of Sutton & Barto (2018, example 6.6). `rooms`: a wall of hazards with one door, which few episodes get through.
"""


class Action(IntEnum):
    """The four moves. y grows downwards, as rows of a map do."""

    DOWN = 0
    RIGHT = 1
    UP = 2
    LEFT = 3


MOVES: NDArray[np.int64] = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
"""(dx, dy) of each action."""


class SafetyCriticalGridWorld(gymnasium.Env[NDArray[np.float32], np.int64]):
    """A walk across a slippery grid, where some cells end the walk badly.

    Description:
        The walker starts at S and wants to reach G. Cells marked H are hazards. Now and then it slips and moves another
        way than it meant. With the default arguments this is the world of the tutorial that this book rebuilds.

    Action space:
        `Discrete(4)`: 0 down (+y), 1 right (+x), 2 up (−y), 3 left (−x). Walking into the border or into a wall is
        standing still.

    Observation space:
        `Box(0, (width − 1, height − 1), (2,), float32)`: the raw coordinates (x, y).

    Starting state:
        The cell S, always.

    Transitions:
        With probability `slip_prob` the action is replaced by one of the four, drawn uniformly. The intended action
        thus happens with probability 1 − ¾·`slip_prob`.

    Rewards:
        `step_reward` for a step; `hazard_reward` for a step onto a hazard; `goal_reward` for the step onto the goal.

    Episode end:
        Terminated on a hazard or on the goal; truncated after `max_steps` steps elsewhere.

    Information:
        Both `reset` and `step` return `cost` (1.0 on a hazard, else 0.0), `outcome` ("running", "hazard", "goal" or
        "timeout") and `state` (the index y·width + x used by `mdp`).

    Args:
        size: side of the square grid, at least 2.
        max_steps: steps after which an episode is cut.
        hazard_coords: (x, y) of each hazard; the original's seven by default on a 15 × 15 grid, none on another.
        start, goal: (x, y) of each, by default the corner (0, 0) and the opposite one.
        slip_prob: probability of slipping, in [0, 1].
        step_reward, hazard_reward, goal_reward: see Rewards; finite.
        desc: the map, row by row, each of text, of bytes or of letters one by one, as Gymnasium's `desc` arrays: one S,
            one G, and F free, H hazard, W wall; at least 2 × 2 cells. Whether a way leads to the goal is not asked. It
            replaces size, hazards, start and goal.
        map_name: name of a map in `MAPS`; replaces the same four.
        render_mode: None, "ansi" or "rgb_array".

    Attributes:
        width, height: columns and rows of the map.
        size: how many values a coordinate can take, the longer of the two.

    Raises:
        ValueError: an argument does not fit; the message names it, its value and what was expected.

    Examples:
        >>> env = SafetyCriticalGridWorld()
        >>> observation, info = env.reset(seed=0)
        >>> observation.tolist(), info["outcome"]
        ([0.0, 0.0], 'running')
        >>> env.step(Action.RIGHT)[0].tolist()
        [1.0, 0.0]
        >>> score = env.mdp.evaluate(env.mdp.optimal(gamma=0.99))
        >>> round(score.return_mean, 6), f"{score.hazard_rate:.1e}"
        (21.688494, '2.5e-05')

    Version history:
        v0: the original's world, with the checker's complaints mended.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 8}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        size: int | None = None,
        max_steps: int = 80,
        hazard_coords: Iterable[Sequence[int]] | None = None,
        start: Sequence[int] | None = None,
        goal: Sequence[int] | None = None,
        slip_prob: float = 0.05,
        step_reward: float = -1.0,
        hazard_reward: float = -100.0,
        goal_reward: float = 50.0,
        desc: Iterable[Any] | None = None,
        map_name: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.desc = _resolve_map(desc, map_name, size=size, hazard_coords=hazard_coords, start=start, goal=goal)
        self.max_steps = whole("max_steps", max_steps)
        self.slip_prob = _check_probability("slip_prob", slip_prob)
        rewards = {"step_reward": step_reward, "hazard_reward": hazard_reward, "goal_reward": goal_reward}
        for name, value in rewards.items():
            if not is_finite(value):
                raise ValueError(f"{name} is {value!r}, expected a finite number")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}, expected None, 'ansi' or 'rgb_array'")

        self.step_reward, self.hazard_reward, self.goal_reward = map(float, rewards.values())
        self.render_mode = render_mode
        self.width, self.height = len(self.desc[0]), len(self.desc)
        self.size = max(self.width, self.height)
        self.hazard_coords = self._cells("H")
        (self.start,), (self.goal,) = self._cells("S"), self._cells("G")
        last = np.array([self.width - 1, self.height - 1], np.float32)
        self.observation_space = spaces.Box(np.zeros_like(last), last)
        self.action_space = spaces.Discrete(4)
        self._state, self._steps = self.state_of(self.start), 0
        self._last_action: Action | None = None

    def _cells(self, letter: str) -> tuple[Cell, ...]:
        return tuple((x, y) for y, row in enumerate(self.desc) for x, here in enumerate(row) if here == letter)

    def state_of(self, cell: Sequence[int]) -> int:
        """Index of a cell (x, y) in `mdp`: y·width + x."""
        return int(cell[1]) * self.width + int(cell[0])

    @cached_property
    def mdp(self) -> TabularMDP:
        """The table behind the world, with every state, action, slip and reward; `step` draws from it.

        A wall is a terminal state that is neither hazard nor goal, and that nothing leads to: nobody acts in it.
        """
        n = self.width * self.height
        cells = np.stack([np.arange(n) % self.width, np.arange(n) // self.width], 1)
        arrived = np.clip(cells[:, None] + MOVES, 0, (self.width - 1, self.height - 1))  # (S, 4, 2)
        landing = arrived[..., 1] * self.width + arrived[..., 0]
        hazard, goal, start, wall = (np.array(list("".join(self.desc))) == letter for letter in "HGSW")
        landing = np.where(wall[landing], np.arange(n)[:, None], landing)
        reward = np.where(hazard, self.hazard_reward, np.where(goal, self.goal_reward, self.step_reward))
        successors = np.broadcast_to(landing[:, None], (n, 4, 4))  # [s, intended action, action that happens]
        slipping = (1 - self.slip_prob) * np.eye(4) + self.slip_prob / 4
        return TabularMDP(
            successors=successors,
            probabilities=np.broadcast_to(slipping, (n, 4, 4)),
            rewards=reward[successors],
            terminal=hazard | goal | wall,
            start=start.astype(float),
            hazard=hazard,
            goal=goal,
            observations=cells.astype(np.float32),
            horizon=self.max_steps,
        )

    def behaviour_policy(self, epsilon: float) -> Floats:
        """The careless driver who wrote the log, (S, 4) probabilities.

        With probability `epsilon` any action. Otherwise a move towards the goal, such as down or right where that lies
        in the last corner, at random among those that lead to another cell and enter no hazard: it looks one step ahead
        and does not think of slipping. Where none is left it takes, at random, one of the moves that enter no hazard
        and end nearest the goal, were there no walls.
        """
        mdp = self.mdp
        landing = mdp.successors[:, 0]  # (S, 4): where each action leads without a slip
        stays = landing == np.arange(mdp.n_states)[:, None]
        harmful = mdp.hazard[landing]
        towards = (np.array(self.goal) - mdp.observations) @ MOVES.T > 0
        forward = towards & ~stays & ~harmful
        distance = np.abs(mdp.observations - np.array(self.goal)).sum(1)[landing].astype(float)
        distance[stays] = self.width + self.height  # standing still comes after every move, and before a hazard
        distance[harmful] = np.inf
        nearest = distance == distance.min(1, keepdims=True)
        wanted = np.where(forward.any(1, keepdims=True), forward, nearest)
        return _mix(wanted / wanted.sum(1, keepdims=True), epsilon)

    def expert_policy(self, epsilon: float = 0.0, gamma: float = 0.99) -> Floats:
        """The γ-optimal policy, replaced by any action with probability `epsilon`; (S, 4)."""
        return _mix(self.mdp.optimal(gamma), epsilon)

    def uniform_policy(self) -> Floats:
        """Every action with probability ¼; (S, 4)."""
        return np.full((self.mdp.n_states, 4), 0.25)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Puts the walker back on the start; `options` is unused."""
        super().reset(seed=seed)
        self._state, self._steps, self._last_action = self.state_of(self.start), 0, None
        return self._observe()

    def step(self, action: np.int64 | int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Moves once; see the class for what may happen.

        Raises:
            ValueError: the action is none of 0, 1, 2, 3.
            RuntimeError: the episode has ended; call `reset` first.
        """
        if isinstance(action, (bool, np.bool_)) or not self.action_space.contains(action):
            raise ValueError(f"action is {action!r}, expected 0, 1, 2 or 3")
        mdp = self.mdp
        if mdp.terminal[self._state] or self._steps >= self.max_steps:
            raise RuntimeError("the episode has ended: call reset() before step()")
        happens = int(self.np_random.choice(4, p=mdp.probabilities[self._state, action]))
        reward = float(mdp.rewards[self._state, action, happens])
        self._state = int(mdp.successors[self._state, action, happens])
        self._steps += 1
        self._last_action = Action(int(action))
        observation, info = self._observe()
        return observation, reward, bool(mdp.terminal[self._state]), info["outcome"] == "timeout", info

    def _observe(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        mdp, state = self.mdp, self._state
        alive = "timeout" if self._steps >= self.max_steps else "running"
        outcome = "hazard" if mdp.hazard[state] else "goal" if mdp.goal[state] else alive
        return mdp.observations[state].copy(), {"cost": float(mdp.hazard[state]), "outcome": outcome, "state": state}

    def render(self) -> str | NDArray[np.uint8] | None:  # type: ignore[override]
        """The board as text ("ansi") or as a picture of (height·32, width·32, 3) bytes ("rgb_array")."""
        if self.render_mode is None:
            usage = "SafetyCriticalGridWorld(render_mode='ansi' or 'rgb_array')"
            return gymnasium.logger.warn(f"render() needs a render_mode: {usage}")
        return self._render_text() if self.render_mode == "ansi" else self._render_picture()

    def _render_text(self) -> str:
        rows = [list(row.replace("F", "·").replace("H", "▒").replace("W", "█")) for row in self.desc]
        y, x = divmod(self._state, self.width)
        rows[y][x] = "✕" if self.mdp.hazard[self._state] else "●"
        head = "start" if self._last_action is None else f"{self._steps}: {self._last_action.name.lower()}"
        edge = "─" * (2 * self.width + 1)
        body = "\n".join(f"│ {' '.join(row)} │" for row in rows)
        return f"{head}\n┌{edge}┐\n{body}\n└{edge}┘\n"

    def _render_picture(self) -> NDArray[np.uint8]:
        """Drawn four times too large and shrunk, which smooths the edges; it looks like the book's boards."""
        from PIL import Image, ImageDraw  # heavy, and wanted only here

        u, right, bottom = 128, self.width * 128, self.height * 128
        image, tile = Image.new("RGB", (right, bottom), "#f7f5f0"), Image.new("RGB", (u, u), "#d55e00")
        draw, hatch = ImageDraw.Draw(image), ImageDraw.Draw(tile)

        def box(cell: Cell, inset: float) -> list[float]:
            return [(c + far) * u for far in (inset, 1 - inset) for c in cell]

        for at in range(0, right + 1, u):
            draw.line([(at, 0), (at, bottom)], "#dcd8cf", 4)
        for at in range(0, bottom + 1, u):
            draw.line([(0, at), (right, at)], "#dcd8cf", 4)
        for cell in self._cells("W"):
            draw.rectangle(box(cell, 0.0), fill="#56606b")
        for k in range(-u, u, u // 4):
            hatch.line([(k, u), (k + u, 0)], "white", round(0.09 * u))
        for x, y in self.hazard_coords:
            image.paste(tile, (x * u, y * u))
        draw.rectangle(box(self.start, 0.0), outline="white", width=round(0.16 * u))
        draw.rectangle(box(self.start, 0.04), outline="#1a1a1a", width=round(0.08 * u))
        draw.rectangle(box(self.goal, 0.0), fill="#009e73")
        x, y = self.goal  # the letter is an arc and a bar, as not every machine has the same fonts
        draw.arc(box(self.goal, 0.24), 0, 310, "white", round(0.12 * u))
        draw.rectangle([(x + 0.5) * u, (y + 0.46) * u, (x + 0.76) * u, (y + 0.57) * u], fill="white")
        here = (self._state % self.width, self._state // self.width)
        draw.ellipse(box(here, 0.2), fill="#e69f00", outline="#111111", width=round(0.06 * u))
        return np.asarray(image.resize((right // 4, bottom // 4), Image.Resampling.LANCZOS))


def _check_probability(name: str, value: float) -> float:
    if not (isinstance(value, Real) and 0 <= value <= 1):
        raise ValueError(f"{name} is {value!r}, expected a probability in [0, 1]")
    return float(value)


def _mix(policy: Floats, epsilon: float) -> Floats:
    return (1 - _check_probability("epsilon", epsilon)) * policy + epsilon / policy.shape[1]


def _resolve_map(desc: Iterable[Any] | None, map_name: str | None, **coordinates: Any) -> tuple[str, ...]:
    """One checked map from whichever of the three descriptions was given."""
    if desc is None and map_name is None:
        return _draw_map(**coordinates)
    if desc is not None and map_name is not None:
        raise ValueError(f"desc and map_name={map_name!r} both describe the map: pass one")
    if given := [f"{name}={value!r}" for name, value in coordinates.items() if value is not None]:
        raise ValueError(f"{given[0]} goes with neither desc nor map_name: they describe the whole map")
    if desc is not None:
        return _check_desc(desc)
    if map_name not in MAPS:
        raise ValueError(f"map_name is {map_name!r}, expected one of {', '.join(sorted(MAPS))}")
    return MAPS[map_name]


def _check_desc(desc: Iterable[Any]) -> tuple[str, ...]:
    if not np.iterable(desc):
        raise ValueError(f"desc is {desc!r}, expected rows of letters")
    letters = (np.char.decode(row, "latin-1") if row.dtype.kind == "S" else row for row in map(np.asarray, desc))
    rows = tuple("".join(row.astype(str).ravel()) for row in letters)
    if len(rows) < 2:
        raise ValueError(f"desc has {len(rows)} rows, expected at least 2")
    for y, row in enumerate(rows):
        if unknown := row.lstrip(LETTERS):
            cell = len(row) - len(unknown), y
            raise ValueError(
                f"desc row {y} is {row!r}: unknown letter {unknown[0]!r} in cell {cell}, expected one of {LETTERS}"
            )
        if len(row) != len(rows[0]):
            raise ValueError(f"desc row {y} is {row!r}, {len(row)} long; expected {len(rows[0])} as row 0")
    if len(rows[0]) < 2:
        raise ValueError(f"desc row 0 is {rows[0]!r}, {len(rows[0])} long; expected at least 2")
    for letter, name in (("S", "start"), ("G", "goal")):
        if (count := "".join(rows).count(letter)) != 1:
            raise ValueError(f"desc has {count} cells {letter}, expected exactly one {name}")
    return rows


gymnasium.register("SafeGrid-v0", entry_point="safegrid.env:SafetyCriticalGridWorld")
