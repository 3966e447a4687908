"""The lessons that a laboratory offers: settings under which each can be seen."""

from __future__ import annotations

from typing import Any

from safegrid.env import MAPS


def presets() -> list[dict[str, Any]]:
    """The book's lessons as settings; each starts from the same world and log."""
    base = {
        "desc": list(MAPS["crossroads"]), "max_steps": 80, "slip_prob": 0.05, "step_reward": -1.0,
        "hazard_reward": -100.0, "goal_reward": 50.0, "driver": "careless", "epsilon": 0.22, "n_episodes": 500,
        "seed": 2, "own_dice": True, "conservative_weight": 6.0, "reward_scale": 1.0, "n_steps": 2000, "belief": 50.0,
    }  # fmt: skip
    lessons: list[tuple[str, str, dict[str, Any]]] = [
        (
            "no weight: it freezes",
            "It believes that a move which nobody tried is worth as much as the goal. Nothing in the log contradicts "
            "that, and at weight 0 nothing else does. So it comes back to such a move again and again, harms nobody "
            "and never arrives. It claims more than anybody could earn.",
            {"conservative_weight": 0.0},
        ),
        (
            "some weight: it chooses",
            "The same log, the same belief, but the weight has pushed down what nobody tried. The driver keeps going "
            "into the pocket between the hazards, and the clone votes with the habit: most trips of both crash. CQL "
            "finds the detour that a few drives took. It claims less than it is worth.",
            {},
        ),
        (
            "much weight: it imitates",
            "So large a weight outweighs every reward in sight, and after 2000 steps it crashes nearly as often as "
            "the clone. It is not the last word: let it train for ever, and the rewards come through.",
            {"conservative_weight": 200.0},
        ),
        (
            "a dream that crashes",
            "The driver is an expert with a slip of the hand now and then, and his clone does as well as anybody can. "
            "The dreamer takes moves that he never made, and does not always freeze there: many of its trips end on a "
            "hazard. Turn the weight to 6: it is as good as the clone.",
            {"driver": "expert", "conservative_weight": 0.0},
        ),
        (
            "no dream, but luck",
            "Now it believes the worst of moves that nobody tried, and where the log has been it takes none. But with "
            "60 drives and no conservatism lucky steps count as knowledge: it still claims more than the best policy "
            "could earn.",
            {"belief": -100.0, "conservative_weight": 0.0, "n_episodes": 60},
        ),
        (
            "small scale, large weight",
            "At reward scale 0.02 the softmax cannot tell the actions apart, and pushes up whatever the log did. The "
            "policy drives far better than the clone, but the claim is absurd, and a larger weight makes it worse.",
            {"belief": 0.0, "conservative_weight": 200.0, "reward_scale": 0.02},
        ),
        (
            "the edge of a cliff",
            "The driver walks along the edge, and the log hardly knows the safe row above it. So conservatism keeps to "
            "the edge, as the clone does. Turn the weight to 0: with a belief of 0 boldness is safer here.",
            {"desc": list(MAPS["cliff"]), "belief": 0.0},
        ),
    ]
    return [{"name": name, "lesson": lesson, "settings": base | change} for name, lesson, change in lessons]
