"""A monitor: it says when the world is no longer the log's, and is wrong to say so no more often than agreed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from safegrid.array_types import ByValue, Floats, Ints
from safegrid.checks import checked, checked_generator, number_array, refuse_rows
from safegrid.dataset import Episodes, check_states, coverage
from safegrid.mdp import TabularMDP

POWERS = np.array([1.0, 0.9, 0.75, 0.5, 0.25])
"""Exponents ε of the bets ε·p^(ε − 1) on small p; at 1 nothing is staked."""
BOUNDS, SURE = np.array([0.01, 0.03, 0.1, 0.25, 0.5]), 0.95
"""Other bets: that p is at most so much, with that probability."""
JUMP = 1e-3
"""Share of the capital that is spread anew before each bet: a late change finds stakes left."""
IDLE = 0.95
"""Share of a pair's own capital that is not staked: of hundreds of pairs few will have changed."""
_Pair = tuple[Hashable, int]  # where, and what was done there


@dataclass(frozen=True, eq=False)
class MonitorState(ByValue):
    """What a monitor knows after the episodes it has seen. P pairs of state and action were met.

    Attributes:
        episodes: how many it has seen.
        log_evidence: natural logarithm of the evidence, an e-value: 0 at first; where nothing has changed its
            exponential is 1 on average, or less.
        alarm: whether the evidence has ever reached 1/α.
        alarm_episode: the episode in which it first did, counted from 1; None without alarm.
        observations: (P, d), the pairs' states as they look.
        actions: (P,), their actions.
        contributions: (P,), logarithms of what the bets on each pair alone are worth by now, the largest first.
    """

    episodes: int
    log_evidence: float
    alarm: bool
    alarm_episode: int | None
    observations: Floats
    actions: Ints
    contributions: Floats

    def __str__(self) -> str:
        said = "no alarm" if self.alarm_episode is None else f"alarm in episode {self.alarm_episode}"
        return f"{self.episodes} episodes, evidence {np.exp(min(self.log_evidence, 700.0)):.3g}: {said}"


class _Capital:
    """Money on several bets at once, 1 in all at first. Before each of them a share of it is spread as at first."""

    def __init__(self, spread: Floats) -> None:
        self._spread, self._stakes, self.logarithm = JUMP * spread, spread, 0.0

    def bet(self, factors: Floats) -> None:
        """Multiplies each stake by what its bet pays."""
        won = ((1.0 - JUMP) * self._stakes + self._spread) * factors
        whole = won.sum()
        self._stakes = won / whole
        self.logarithm += math.log(whole)


class _Monitor:
    """Counts episodes, and keeps the first alarm."""

    def __init__(self, alpha: float) -> None:
        self._enough = -math.log(_between("alpha", alpha))
        self._episodes = 0
        self._alarm_episode: int | None = None

    def _hear(self, log_evidence: float) -> None:
        if self._alarm_episode is None and log_evidence >= self._enough:
            self._alarm_episode = self._episodes + 1

    def _told(self, log_evidence: float, observations: Floats, actions: Ints, contributions: Floats) -> MonitorState:
        alarm = self._alarm_episode
        return MonitorState(
            self._episodes, log_evidence, alarm is not None, alarm, observations, actions, contributions
        )


class RateMonitor(_Monitor):
    r"""Notices that something happens in more episodes than was promised: a control chart of a rate, but sequential.

    It bets on rates :math:`r` above the promised :math:`r_0`: an episode with the event pays :math:`r / r_0`, one
    without :math:`(1 - r)/(1 - r_0)`. If each episode has the event with probability :math:`r_0` at most, whatever came
    before, the capital is a test supermartingale, and the alarm ever sounds with probability α at most (Ville 1939).

    Args:
        rate: r₀, between 0 and 1.
        alpha: probability of a false alarm, between 0 and 1.

    Raises:
        ValueError: names the argument, its value and what was expected.
    """

    def __init__(self, rate: float, *, alpha: float = 0.05) -> None:
        super().__init__(alpha)
        rates = _between("rate", rate) + (1.0 - rate) * np.append(0.0, 0.5 ** np.arange(1, 9))
        self._factors = (1.0 - rates) / (1.0 - rate), rates / rate
        self._capital = _Capital(np.full(len(rates), 1.0 / len(rates)))

    @property
    def log_evidence(self) -> float:
        """Logarithm of the evidence so far."""
        return self._capital.logarithm

    def update(self, events: ArrayLike) -> MonitorState:
        """Takes in whether each of the next episodes had the event, (E,) truth values, and says what is known now."""
        column = number_array("events", events)
        refuse_rows(~np.isin(column, (0, 1)), "events", column, "a truth value")
        for event in column:
            self._capital.bet(self._factors[int(event)])
            self._hear(self.log_evidence)
            self._episodes += 1
        nothing = np.zeros(0)
        return self._told(self.log_evidence, nothing[:, None], nothing.astype(np.int64), nothing)


class ShiftMonitor(_Monitor):
    r"""Notices that a world differs from the one that wrote a log, by what follows where an action is taken.

    Each step is ranked among all steps of its own pair of state and action, the log's and those since, by how common
    is what followed: the next state, an end, or an end with harm. The smoothed conformal p-value is the share of them
    with something rarer, and of ties a random part (Vovk, Gammerman & Shafer 2005); of a pair that nobody tried before
    it is a random number, which says nothing. Bets are laid on small ones, with one capital for all steps, where a
    little more slip everywhere adds up, and with one for each pair, where a trap shows: conformal test martingales
    (Vovk 2021), whose stakes jump between bets as in Vovk et al. (2021).

    **What is promised.** No model of the world has to be right. If the steps of each pair are exchangeable, log and
    deployment together, p-values are independent and uniform, and the alarm ever sounds with probability α at most.
    This is an average over logs; with an unlucky one it may be more. Where nothing has changed it holds up to two
    conditions. The policy was not chosen by this log: a learner prefers pairs that were lucky in it, and then meets
    what is ordinary as if it were new, so give the monitor a log that the learner has not seen. And how often a pair
    comes up does not depend on what followed it before; in a walk it does, a little. `benchmarks/guard.py` measures
    what both are worth.

    A monitor remembers: each `update` changes it. The same log, episodes and seed give the same evidence, in however
    many parts the episodes come.

    Args:
        log: from the world as it should be.
        mdp: that world, of which only states and actions are used; by default states are told apart by their looks.
        alpha: probability of a false alarm, between 0 and 1.
        harm_rate: promised share of episodes with harm, between 0 and 1, against which a `RateMonitor` bets as well. It
            sees what comes of a pair that the log hardly knows.
        seed: of the ties.

    Raises:
        ValueError: names the argument, its value and what was expected, or the row of the log.
    """

    def __init__(
        self,
        log: Episodes,
        mdp: TabularMDP | None = None,
        *,
        alpha: float = 0.05,
        harm_rate: float | None = None,
        seed: int | np.random.Generator = 0,
    ) -> None:
        super().__init__(alpha)
        self._mdp, self._shape = mdp, (log.observations.shape[1], log.n_actions)
        self._rng = checked_generator("seed", seed)
        self._bags: dict[_Pair, Counter[Hashable]] = {}
        for (pair, outcome), times in Counter(self._steps(log)).items():
            self._bags.setdefault(pair, Counter())[outcome] = times
        self._everywhere = _Capital(np.full(len(POWERS), 1.0 / len(POWERS)))
        self._own = np.append(IDLE, np.full(len(BOUNDS), (1.0 - IDLE) / len(BOUNDS)))
        self._pairs: dict[_Pair, _Capital] = {}
        self._looks: dict[_Pair, Floats] = {}
        self._in_pairs = 0.0
        self._harm = None if harm_rate is None else RateMonitor(_between("harm_rate", harm_rate), alpha=alpha)

    @property
    def log_evidence(self) -> float:
        """Logarithm of the evidence so far: the largest of the capitals, over how many there are (a union bound)."""
        capitals = [self._everywhere.logarithm, self._in_pairs, *([self._harm.log_evidence] if self._harm else [])]
        return max(capitals) - math.log(len(capitals))

    def update(self, episodes: Episodes) -> MonitorState:
        """Takes in the next episodes, and says what is known now.

        Raises:
            ValueError: the episodes' actions, observations or states are not the log's; names the row.
        """
        steps, ends = self._steps(episodes), episodes.terminals | episodes.timeouts
        dice = 1.0 - self._rng.random(len(steps))  # above 0
        shares = np.array([self._share_rarer(*step, luck) for step, luck in zip(steps, dice, strict=True)])
        p = shares[:, None]
        smooth = POWERS * p ** (POWERS - 1.0)
        sharp = np.where(p <= BOUNDS, SURE / BOUNDS, (1 - SURE) / (1 - BOUNDS))
        sharp = np.hstack([np.ones_like(p), sharp])
        for i in range(len(steps)):
            pair = steps[i][0]
            capital = self._pairs.setdefault(pair, _Capital(self._own))
            self._looks.setdefault(pair, episodes.observations[i])
            self._in_pairs -= capital.logarithm
            capital.bet(sharp[i])
            self._in_pairs += capital.logarithm
            self._everywhere.bet(smooth[i])
            if ends[i] and self._harm is not None:
                self._harm.update([episodes.harmful[episodes.episode[i]]])
            self._hear(self.log_evidence)
            self._episodes += int(ends[i])
        gains = {pair: capital.logarithm for pair, capital in self._pairs.items()}
        pairs = sorted(gains, key=lambda pair: -gains[pair])
        looks = np.array([self._looks[pair] for pair in pairs], np.float32)
        acts = np.array([action for _, action in pairs], np.int64)
        return self._told(self.log_evidence, looks, acts, np.array([gains[pair] for pair in pairs]))

    def _share_rarer(self, pair: _Pair, outcome: Hashable, dice: float) -> float:
        """Puts a step into its bag: the share of it whose outcome is rarer, and a random part of those as rare."""
        bag = self._bags.setdefault(pair, Counter())
        bag[outcome] += 1
        often, times = bag[outcome], list(bag.values())
        return (sum(n for n in times if n < often) + dice * often * times.count(often)) / sum(times)

    def _steps(self, episodes: Episodes) -> list[tuple[_Pair, Hashable]]:
        """Of each step its pair, and what followed. What an end looks like may be unknown, and does not count."""
        shape = episodes.observations.shape[1], episodes.n_actions
        if shape != self._shape:
            raise ValueError(
                f"episodes have observations of length {shape[0]} and {shape[1]} actions, expected "
                f"{self._shape[0]} and {self._shape[1]} as the log"
            )
        before, after = episodes.observations + np.float32(0.0), episodes.next_observations + np.float32(0.0)
        places: list[list[Hashable]] = [[row.tobytes() for row in column] for column in (before, after)]
        if self._mdp is not None:
            coverage(episodes, self._mdp)
            check_states(episodes, self._mdp, following=~episodes.terminals)
            places = [episodes.states.tolist(), episodes.next_states.tolist()]
        harm, over = (episodes.costs > 0).tolist(), episodes.terminals.tolist()
        follows = [(None if end else there, harmful) for there, end, harmful in zip(places[1], over, harm, strict=True)]
        return list(zip(zip(places[0], episodes.actions.tolist(), strict=True), follows, strict=True))


def _between(name: str, value: float) -> float:
    """A number between 0 and 1, neither of them."""
    if checked(name, value, 0.0, 1.0) in (0.0, 1.0):
        raise ValueError(f"{name} is {value!r}, expected a number between 0 and 1, neither of them")
    return float(value)
