"""The lessons that a laboratory offers: settings under which each can be seen."""

from __future__ import annotations

from typing import Any

from safegrid.env import MAPS


def presets() -> list[dict[str, Any]]:
    """The book's lessons as settings; each starts from the same world and log."""
    base = {
        "desc": list(MAPS["crossroads"]), "max_steps": 80, "slip_prob": 0.05, "step_reward": -1.0,
        "hazard_reward": -100.0, "goal_reward": 50.0, "driver": "careless", "epsilon": 0.22, "n_episodes": 500,
        "seed": 2, "conservative_weight": 6.0, "reward_scale": 0.1, "n_steps": 2000,
    }  # fmt: skip
    lessons: list[tuple[str, str, dict[str, Any]]] = [
        (
            "habit kills a clone",
            "The driver keeps going into the pocket between the hazards. The clone votes with the habit; CQL, from the "
            "same log, finds the detour that a few episodes took.",
            {},
        ),
        (
            "no weight, thin log",
            "With 60 episodes and no conservatism, lucky steps count as knowledge: the agent claims more than the best "
            "policy could earn.",
            {"n_episodes": 60, "conservative_weight": 0.0},
        ),
        (
            "too much weight, too few steps",
            "At reward scale 1 a weight of 200 outweighs every reward in sight, and after 2000 steps the agent is "
            "still the clone. It is not the last word: let it train for 5000 steps, and the rewards come through.",
            {"conservative_weight": 200.0, "reward_scale": 1.0},
        ),
        (
            "a lower bound",
            "At reward scale 1 and a moderate weight the claim stays below the truth: conservatism as an estimate.",
            {"conservative_weight": 3.0, "reward_scale": 1.0},
        ),
        (
            "small scale, large weight",
            "At reward scale 0.02 the softmax cannot tell the actions apart, and pushes up whatever the log did. The "
            "policy drives far better than the clone, but the claim is absurd, and a larger weight makes it worse.",
            {"conservative_weight": 200.0, "reward_scale": 0.02},
        ),
        (
            "an expert's log",
            "If the driver is an expert with a slip of the hand now and then, the clone is as good as CQL.",
            {"driver": "expert"},
        ),
        (
            "the original world",
            "Few hazards, none where the driver habitually goes: a clone does nearly as well.",
            {"desc": list(MAPS["original"])},
        ),
        (
            "the edge of a cliff",
            "The driver walks along the edge, and the log hardly knows the safe row above it. So conservatism keeps to "
            "the edge, as the clone does. Turn the weight to 0: here boldness is safer.",
            {"desc": list(MAPS["cliff"])},
        ),
        (
            "one door",
            "Few trips get through the door, so few episodes tell of the far room. They are enough for CQL; the clone "
            "crashes more often and loses its way.",
            {"desc": list(MAPS["rooms"])},
        ),
    ]
    return [{"name": name, "lesson": lesson, "settings": base | change} for name, lesson, change in lessons]
