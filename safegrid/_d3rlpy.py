"""d3rlpy, imported without the farewell that the unmaintained `gym`, one of its dependencies, prints on import."""

import gym_notices.notices

gym_notices.notices.notices.clear()

import d3rlpy  # noqa: E402

__all__ = ["d3rlpy"]
