"""Episodes as an environment shows them, step by step, whoever wrote it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces, wrappers

from .checks import is_finite, whole

_ENDLESS = 1_000_000  # steps after which an episode that nothing cuts is given up


def record(
    env: gymnasium.Env[Any, Any],
    act: Callable[[Any, dict[str, Any]], Any],
    n_episodes: int,
    seed: int,
    max_steps: int | None = None,
) -> dict[str, Any]:
    """Columns of what act(observation, info) does in an environment, as `Episodes.from_arrays` takes them."""
    if not isinstance(env.action_space, spaces.Discrete) or env.action_space.start != 0:
        raise ValueError(f"env.action_space is {env.action_space}, expected Discrete(n) counted from 0")
    if env.observation_space.shape is None:
        raise ValueError(f"env.observation_space is {env.observation_space}, expected vectors or numbers; flatten it")
    n_actions, limit = int(env.action_space.n), _ENDLESS if max_steps is None else whole("max_steps", max_steps)
    seen = env.observation_space

    def state_in(info: dict[str, Any], observation: Any) -> int:
        state = known_state(info.get("state"))
        return known_state(observation - seen.start) if state < 0 and isinstance(seen, spaces.Discrete) else state

    rows: list[tuple[Any, ...]] = []
    for i in range(whole("n_episodes", n_episodes)):
        observation, info = env.reset(seed=seed if i == 0 else None)
        info = _told("env.reset", info)
        before, state = np.array(observation).ravel(), state_in(info, observation)
        for step in range(limit):
            action = _checked_action(act(observation, info), n_actions, f"step {step} of episode {i}, row {len(rows)},")
            observation, reward, cost, terminated, truncated, info = _taken(env, action)
            after, arrived = np.array(observation).ravel(), state_in(info, observation)
            cut = not terminated and (truncated or step + 1 == max_steps)
            rows.append((before, action, reward, terminated, cut, after, cost, state, arrived))
            if terminated or cut:
                break
            before, state = after, arrived
        else:
            raise ValueError(f"episode {i} has not ended after {limit} steps: pass max_steps, to cut it as a time-out")
    names = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations", "costs")
    columns = dict(zip((*names, "states", "next_states"), zip(*rows, strict=True), strict=True))
    return {**columns, "n_actions": n_actions}


def _taken(env: gymnasium.Env[Any, Any], action: int) -> tuple[Any, ...]:
    """Observation, reward, cost, terminated, truncated and info of a step."""
    match env.step(action):
        case observation, reward, terminated, truncated, info:
            info = _told("env.step", info)
            cost = float(_finite(info.get("cost")) or 0.0)
            return observation, reward, cost, terminated, truncated, info
        case (*found, info) if len(found) == 5:
            return *found, _told("env.step", info)
        case found:
            raise ValueError(
                f"env.step returned {len(found)} values, expected observation, reward, terminated, truncated and info, "
                "or a cost after the reward as well"
            )


def _told(source: str, info: Any) -> Any:
    """An info; None tells nothing."""
    if info is not None and not isinstance(info, Mapping):
        raise ValueError(f"{source} returned the info {info!r}, expected a dict")
    return {} if info is None else info


def _checked_action(action: Any, n_actions: int, where: str) -> int:
    try:
        index = operator.index(action)
    except TypeError:
        index = -1
    if isinstance(action, bool) or not 0 <= index < n_actions:
        raise ValueError(f"policy's action in {where} is {action!r}, expected a whole number in 0…{n_actions - 1}")
    return index


def _finite(value: Any) -> Any:
    """A finite number, or None: in somebody else's info anything may stand under any name."""
    value = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return value if is_finite(value) else None


def known_state(value: Any) -> int:
    """Index of a state, or −1 where the value is none."""
    number = None if isinstance(value, (bool, np.bool_)) else _finite(value)
    return int(number) if number is not None and 0 <= number < 2**53 and number % 1 == 0 else -1


def is_plain(env: gymnasium.Env[Any, Any], horizon: int | None) -> bool:
    """No wrapper changes anything."""
    while isinstance(env, gymnasium.Wrapper):
        limit = env._max_episode_steps if type(env) is wrappers.TimeLimit else None
        idle = type(env) in (wrappers.PassiveEnvChecker, wrappers.OrderEnforcing)
        if not idle and (limit is None or horizon is None or limit < horizon):
            return False
        env = env.env
    return True
