"""The world: a grid with hazards, as a Gymnasium environment and as the table behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cached_property
from numbers import Real
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from .arrays import Floats
from .mdp import TabularMDP

Cell = tuple[int, int]

ORIGINAL_HAZARDS: tuple[Cell, ...] = ((2, 9), (2, 10), (4, 3), (6, 11), (7, 12), (9, 6), (10, 10))


def _draw_map(size: int, hazards: Iterable[Cell], start: Cell, goal: Cell) -> tuple[str, ...]:
    letters = np.full((size, size), "F")
    for x, y in hazards:
        letters[y, x] = "H"
    letters[start[1], start[0]], letters[goal[1], goal[0]] = "S", "G"
    return tuple("".join(row) for row in letters)


MAPS: dict[str, tuple[str, ...]] = {
    "original": _draw_map(15, ORIGINAL_HAZARDS, (0, 0), (14, 14)),
    "crossroads": _draw_map(
        15,
        [(7, y) for y in range(3, 12) if y != 4] + [(x, 7) for x in range(2, 13) if x not in (4, 11)],
        (0, 0),
        (14, 14),
    ),
    "cliff": _draw_map(15, [(x, 14) for x in range(15)], (0, 13), (14, 13)),
    "rooms": _draw_map(15, [(7, y) for y in range(15) if y != 7], (0, 0), (14, 14)),
}
"""Named maps: rows from y = 0 down, columns from x = 0; S start, F free, H hazard, G goal (FrozenLake's letters).

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
        `Discrete(4)`: 0 down (+y), 1 right (+x), 2 up (−y), 3 left (−x). Walking into the border is standing still.

    Observation space:
        `Box(0, size − 1, (2,), float32)`: the raw coordinates (x, y).

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
        "timeout") and `state` (the index y·size + x used by `mdp`).

    Args:
        size: side of the square grid, at least 2.
        max_steps: steps after which an episode is cut.
        hazard_coords: (x, y) of each hazard; the original's seven by default on a 15 × 15 grid, none on another.
        start: (x, y) of the start, by default the corner (0, 0).
        goal: (x, y) of the goal, by default the opposite corner.
        slip_prob: probability of slipping, in [0, 1].
        step_reward: reward of an ordinary step.
        hazard_reward: reward of a step onto a hazard.
        goal_reward: reward of the step onto the goal.
        desc: the map as strings of S, F, H, G; replaces size, hazards, start and goal.
        map_name: name of a map in `MAPS`; replaces the same four.
        render_mode: None, "ansi" or "rgb_array".

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

    metadata = {  # noqa: RUF012 - Gymnasium declares it as an instance attribute
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 8,
    }

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
        desc: Sequence[str] | None = None,
        map_name: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.desc = _resolve_map(size, hazard_coords, start, goal, desc, map_name)
        if not (isinstance(max_steps, (int, np.integer)) and max_steps >= 1):
            raise ValueError(f"max_steps is {max_steps!r}, expected a whole number of at least 1")
        if not (_is_number(slip_prob) and 0 <= slip_prob <= 1):
            raise ValueError(f"slip_prob is {slip_prob!r}, expected a probability in [0, 1]")
        rewards = {"step_reward": step_reward, "hazard_reward": hazard_reward, "goal_reward": goal_reward}
        for name, value in rewards.items():
            if not (_is_number(value) and np.isfinite(value)):
                raise ValueError(f"{name} is {value!r}, expected a finite number")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}, expected None, 'ansi' or 'rgb_array'")

        letters = np.array([list(row) for row in self.desc])
        self.size = len(letters)
        self.max_steps = int(max_steps)
        self.slip_prob = float(slip_prob)
        self.step_reward, self.hazard_reward, self.goal_reward = map(float, rewards.values())
        self.render_mode = render_mode
        self.hazard_coords: tuple[Cell, ...] = _cells(letters == "H")
        (self.start,) = _cells(letters == "S")
        (self.goal,) = _cells(letters == "G")
        self.observation_space = spaces.Box(0.0, self.size - 1.0, (2,), np.float32)
        self.action_space = spaces.Discrete(4)
        self._state = self.state_of(self.start)
        self._steps = 0
        self._last_action: Action | None = None

    def state_of(self, cell: Sequence[int]) -> int:
        """Index of a cell (x, y) in `mdp`: y·size + x."""
        return int(cell[1]) * self.size + int(cell[0])

    @cached_property
    def mdp(self) -> TabularMDP:
        """The table behind the world, with every state, action, slip and reward; `step` draws from it."""
        n = self.size**2
        cells = np.stack([np.arange(n) % self.size, np.arange(n) // self.size], 1)
        arrived = np.clip(cells[:, None] + MOVES, 0, self.size - 1)  # (S, 4, 2)
        landing = arrived[..., 1] * self.size + arrived[..., 0]
        hazard, goal, start = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n)
        hazard[[self.state_of(c) for c in self.hazard_coords]] = True
        goal[self.state_of(self.goal)] = True
        start[self.state_of(self.start)] = 1.0
        reward = np.where(hazard, self.hazard_reward, np.where(goal, self.goal_reward, self.step_reward))
        successors = np.broadcast_to(landing[:, None], (n, 4, 4))  # [s, intended action, action that happens]
        slipping = (1 - self.slip_prob) * np.eye(4) + self.slip_prob / 4
        return TabularMDP(
            successors=successors,
            probabilities=np.broadcast_to(slipping, (n, 4, 4)),
            rewards=reward[successors],
            terminal=hazard | goal,
            start=start,
            hazard=hazard,
            goal=goal,
            observations=cells.astype(np.float32),
            horizon=self.max_steps,
        )

    def behaviour_policy(self, epsilon: float) -> Floats:
        """The careless driver who wrote the log, (S, 4) probabilities.

        With probability `epsilon` any action. Otherwise down or right, at random among those that stay inside and
        enter no hazard: it looks one step ahead and does not think of slipping. Where neither is left it takes, at
        random, one of the moves that enter no hazard and end nearest the goal.
        """
        mdp = self.mdp
        landing = mdp.successors[:, 0]  # (S, 4): where each action leads without a slip
        stays = landing == np.arange(mdp.n_states)[:, None]
        harmful = mdp.hazard[landing]
        forward = ~stays & ~harmful & np.isin(np.arange(4), (Action.DOWN, Action.RIGHT))
        distance = np.abs(mdp.observations - np.array(self.goal)).sum(1)[landing].astype(float)
        distance[stays] = 2 * self.size  # standing still comes after every move, and before a hazard
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
        return self._observe("running")

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
        terminated = bool(mdp.terminal[self._state])
        truncated = not terminated and self._steps >= self.max_steps
        if terminated:
            outcome = "hazard" if mdp.hazard[self._state] else "goal"
        else:
            outcome = "timeout" if truncated else "running"
        observation, info = self._observe(outcome)
        return observation, reward, terminated, truncated, info

    def _observe(self, outcome: str) -> tuple[NDArray[np.float32], dict[str, Any]]:
        cost = float(self.mdp.hazard[self._state])
        return self.mdp.observations[self._state].copy(), {"cost": cost, "outcome": outcome, "state": self._state}

    def render(self) -> str | NDArray[np.uint8] | None:  # type: ignore[override]
        """The board as text ("ansi") or as a picture of (size·32, size·32, 3) bytes ("rgb_array")."""
        if self.render_mode == "ansi":
            return self._render_text()
        if self.render_mode == "rgb_array":
            return self._render_picture()
        gymnasium.logger.warn(
            "render() needs a render_mode: SafetyCriticalGridWorld(render_mode='ansi' or 'rgb_array')"
        )
        return None

    def _render_text(self) -> str:
        glyphs = {"F": "·", "H": "▒", "S": "S", "G": "G"}
        rows = [[glyphs[letter] for letter in row] for row in self.desc]
        y, x = divmod(self._state, self.size)
        rows[y][x] = "✕" if self.mdp.hazard[self._state] else "●"
        head = "start" if self._last_action is None else f"{self._steps}: {self._last_action.name.lower()}"
        edge = "─" * (2 * self.size + 1)
        body = "\n".join(f"│ {' '.join(row)} │" for row in rows)
        return f"{head}\n┌{edge}┐\n{body}\n└{edge}┘\n"

    def _render_picture(self, pixels: int = 32) -> NDArray[np.uint8]:
        """Drawn four times too large and shrunk, which smooths the edges; it looks like the book's boards."""
        from PIL import Image, ImageDraw  # heavy, and wanted only here

        u = 4 * pixels
        image = Image.new("RGB", (self.size * u, self.size * u), "#f7f5f0")
        draw = ImageDraw.Draw(image)

        def box(cell: Cell, inset: float) -> list[float]:
            x, y = cell
            return [(x + inset) * u, (y + inset) * u, (x + 1 - inset) * u, (y + 1 - inset) * u]

        for i in range(self.size + 1):
            draw.line([(i * u, 0), (i * u, self.size * u)], "#dcd8cf", 4)
            draw.line([(0, i * u), (self.size * u, i * u)], "#dcd8cf", 4)
        tile = Image.new("RGB", (u, u), "#d55e00")
        hatch = ImageDraw.Draw(tile)
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
        here = (self._state % self.size, self._state // self.size)
        draw.ellipse(box(here, 0.2), fill="#e69f00", outline="#111111", width=round(0.06 * u))
        return np.asarray(image.resize((self.size * pixels, self.size * pixels), Image.Resampling.LANCZOS))


def _is_number(value: object) -> bool:
    return isinstance(value, Real)


def _cells(mask: NDArray[np.bool_]) -> tuple[Cell, ...]:
    return tuple((int(x), int(y)) for y, x in np.argwhere(mask))


def _mix(policy: Floats, epsilon: float) -> Floats:
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon!r}, expected a probability in [0, 1]")
    return (1 - epsilon) * policy + epsilon / policy.shape[1]


def _resolve_map(
    size: int | None,
    hazard_coords: Iterable[Sequence[int]] | None,
    start: Sequence[int] | None,
    goal: Sequence[int] | None,
    desc: Sequence[str] | None,
    map_name: str | None,
) -> tuple[str, ...]:
    """One checked map from whichever of the three descriptions was given."""
    drawn = {"size": size, "hazard_coords": hazard_coords, "start": start, "goal": goal}
    given = [name for name, value in drawn.items() if value is not None]
    if desc is not None and map_name is not None:
        raise ValueError(f"desc and map_name={map_name!r} both describe the map: pass one")
    if (desc is not None or map_name is not None) and given:
        raise ValueError(
            f"{given[0]}={drawn[given[0]]!r} goes with neither desc nor map_name: they describe the whole map"
        )
    if map_name is not None:
        if map_name not in MAPS:
            raise ValueError(f"map_name is {map_name!r}, expected one of {', '.join(sorted(MAPS))}")
        return MAPS[map_name]
    if desc is not None:
        return _check_desc(desc)
    size = 15 if size is None else size
    if not (isinstance(size, (int, np.integer)) and size >= 2):
        raise ValueError(f"size is {size!r}, expected a whole number of at least 2")
    if hazard_coords is None:
        hazard_coords = ORIGINAL_HAZARDS if size == 15 else ()
    first = _check_cell("start", (0, 0) if start is None else start, size)
    last = _check_cell("goal", (size - 1, size - 1) if goal is None else goal, size)
    if first == last:
        raise ValueError(f"goal is {last}, expected a cell other than the start")
    hazards = [_check_cell(f"hazard_coords[{i}]", cell, size) for i, cell in enumerate(hazard_coords)]
    for i, cell in enumerate(hazards):
        if cell in (first, last):
            raise ValueError(
                f"hazard_coords[{i}] is {cell}, the {'start' if cell == first else 'goal'}; expected a free cell"
            )
    return _draw_map(size, hazards, first, last)


def _check_cell(name: str, cell: Sequence[int], size: int) -> Cell:
    whole = np.iterable(cell) and len(tuple(cell)) == 2
    if not whole or not all(_is_number(c) and float(c).is_integer() and 0 <= c < size for c in cell):
        raise ValueError(f"{name} is {cell!r}, expected (x, y) with whole numbers in 0…{size - 1}")
    return int(cell[0]), int(cell[1])


def _check_desc(desc: Sequence[str]) -> tuple[str, ...]:
    rows = tuple(str(row) for row in desc)
    if len(rows) < 2:
        raise ValueError(f"desc has {len(rows)} rows, expected at least 2")
    for y, row in enumerate(rows):
        if len(row) != len(rows):
            raise ValueError(f"desc row {y} is {row!r}, {len(row)} long; expected {len(rows)}: the grid is square")
        if unknown := set(row) - set("SFHG"):
            raise ValueError(f"desc row {y} is {row!r}: unknown letter {min(unknown)!r}, expected S, F, H or G")
    for letter, name in (("S", "start"), ("G", "goal")):
        if (count := "".join(rows).count(letter)) != 1:
            raise ValueError(f"desc has {count} cells {letter}, expected exactly one {name}")
    return rows


gymnasium.register("SafeGrid-v0", entry_point="safegrid.env:SafetyCriticalGridWorld")
