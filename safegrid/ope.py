"""Off-policy evaluation: what a policy is worth, from a log that another policy wrote, without one step in the world.

Every estimate is of the discounted value of the start in raw reward, so that it stands beside `mdp.start @
mdp.values(policy, gamma)[0]`. A time-out cuts an episode before its end. Importance sampling knows nothing of what
would have followed, so it estimates the value over the log's own horizon; doubly robust estimates, the log's model and
fitted Q evaluation put a value there, and so estimate that of the infinite horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.special import logsumexp
from scipy.stats import spearmanr

from .array_types import ByValue, Floats, Ints, frozen
from .checks import check_gamma, checked_generator, checked_policy, refuse_rows, whole
from .dataset import Episodes, check_states
from .intervals import Interval
from .mdp import TabularMDP
from .scores import PolicyScore


def log_shares(episodes: Episodes, n_states: int) -> Floats:
    """The log's share of each action in each state, an estimate of the behaviour policy, (S, A).

    States in which the log never acted have equal shares; nothing here ever asks for them.
    """
    counts = _count(episodes, n_states).astype(float)
    silent = counts.sum(1) == 0
    counts[silent] = 1.0
    return np.asarray(counts / counts.sum(1, keepdims=True))


def importance_ratios(
    episodes: Episodes, policy: ArrayLike, behaviour: ArrayLike | None = None, *, logarithms: bool = False
) -> Floats:
    r"""How much likelier the policy was than the driver to act as the log did up to each step, (E, T).

    .. math:: w^i_{0:t} = \prod_{k=0}^{t} \frac{\pi(a^i_k \mid s^i_k)}{\beta(a^i_k \mid s^i_k)}

    T is the length of the longest episode. An episode that has ended keeps its last ratio: after the end both policies
    do the same, nothing.

    Args:
        episodes: a log that knows its states.
        policy: (S, A) action probabilities of the candidate.
        behaviour: (S, A), those of the log's driver; by default the log's own shares.
        logarithms: give :math:`\ln w` instead, −∞ where the policy would not have acted so. A product over hundreds of
            steps may be larger than any number, or so small that it becomes 0; its logarithm is neither.

    Raises:
        ValueError: a table's shape or a row's sum does not fit; the log took an action that `behaviour` never takes; a
            ratio is larger than any number.
    """
    pi = _checked_policy("policy", policy, episodes)
    beta = log_shares(episodes, len(pi)) if behaviour is None else _checked_policy("behaviour", behaviour, episodes)
    if beta.shape != pi.shape:
        raise ValueError(f"behaviour has shape {beta.shape}, expected {pi.shape} as policy")
    at = episodes.states, episodes.actions
    if (impossible := beta[at] <= 0).any():
        row = int(np.argmax(impossible))
        raise ValueError(
            f"behaviour gives action {episodes.actions[row]} in state {episodes.states[row]} probability 0, but row "
            f"{row} of the log took it: expected the policy that wrote the log"
        )
    with np.errstate(divide="ignore"):
        ratios = np.cumsum(_padded(episodes, np.log(pi[at]) - np.log(beta[at]), 0.0), 1)
    return ratios if logarithms else _exponential(ratios)


def effective_sample_size(weights: ArrayLike, *, logarithms: bool = False) -> float:
    r"""How many equally weighted episodes weigh as much: :math:`(\sum w)^2 / \sum w^2` (Kong 1992); 0 if all are 0.

    Args:
        weights: (E,), of at least 0; the last column of `importance_ratios` for whole episodes.
        logarithms: the weights are logarithms, as `importance_ratios` gives them for long episodes.

    Raises:
        ValueError: weights of another shape, such as all columns of `importance_ratios`, or of another size.
    """
    w, low = np.asarray(weights, float), -np.inf if logarithms else 0.0
    if w.ndim != 1:
        raise ValueError(f"weights has shape {w.shape}, expected (E,), one an episode")
    refuse_rows(~((w >= low) & (w < np.inf)), "weights", w, f"{low:g} or more, below infinity")
    if not logarithms:
        with np.errstate(divide="ignore"):
            w = np.log(w)
    return float(np.exp(2 * logsumexp(w) - logsumexp(2 * w))) if (w > -np.inf).any() else 0.0


def importance_sampling(
    episodes: Episodes,
    policy: ArrayLike,
    behaviour: ArrayLike | None = None,
    gamma: float = 0.99,
    *,
    weighted: bool = True,
    per_decision: bool = True,
) -> float:
    r"""Value of the start by weighing the log's rewards with `importance_ratios` (Precup, Sutton & Singh 2000).

    .. math::

        \frac{1}{n} \sum_i w^i_{0:T-1} \sum_t \gamma^t r^i_t
        \qquad\text{or, per decision,}\qquad
        \frac{1}{n} \sum_i \sum_t \gamma^t w^i_{0:t}\, r^i_t.

    Both are unbiased where `behaviour` is the true one and takes every action that the policy may take. The weighted
    versions put :math:`\sum_j w^j_{0:t}` in place of :math:`n`: biased, consistent, and far less spread.

    Args:
        episodes: a log that knows its states.
        policy: (S, A) action probabilities of the candidate.
        behaviour: (S, A), those of the log's driver; by default the log's own shares.
        gamma: discount factor in [0, 1].
        weighted: divide by the sum of the ratios instead of the number of episodes.
        per_decision: weigh each reward with the ratio up to its own step, not to the end of the episode.

    Returns:
        Value over the log's horizon, in discounted raw reward. NaN for a weighted estimate where no episode follows
        the policy to the last step at which a reward has to be weighed: 0/0, the log says nothing.

    Raises:
        ValueError: as `importance_ratios`; of an estimate that is not weighted also where a ratio is larger than any
            number. Weighted ones need only the ratios of the ratios, at any length.
    """
    check_gamma(gamma)
    ratios = importance_ratios(episodes, policy, behaviour, logarithms=True)
    gains = _padded(episodes, episodes.rewards, 0.0) * gamma ** np.arange(ratios.shape[1])
    if not per_decision:
        gains, ratios = gains.sum(1, keepdims=True), ratios[:, -1:]
    weights = _weights(ratios, weighted)
    if weighted and not weights.any(0).all():
        return float("nan")
    return float((weights * gains).sum())


def doubly_robust(
    episodes: Episodes,
    policy: ArrayLike,
    q_values: ArrayLike,
    behaviour: ArrayLike | None = None,
    gamma: float = 0.99,
    *,
    weighted: bool = True,
) -> float:
    r"""Value of the start from a model, corrected by importance sampling of what the model gets wrong.

    With :math:`\hat V(s) = \sum_a \pi(a \mid s)\, \hat Q(s, a)` (Jiang & Li 2016, eq. 10, unrolled):

    .. math::

        \sum_i \sum_t \gamma^t
        \Big[ \omega^i_t \big(r^i_t - \hat Q(s^i_t, a^i_t)\big) + \omega^i_{t-1} \hat V(s^i_t) \Big],
        \qquad \omega^i_t = \frac{w^i_{0:t}}{n},\quad \omega^i_{-1} = \frac{1}{n}.

    Where the behaviour policy is right and no episode is cut, this is unbiased whatever the model, as long as the model
    was made from other episodes: one that was counted from these has its errors where these say nothing, and they never
    correct it. At a time-out :math:`\hat V` of the next state stands for the rest, which no reward corrects: the
    model's error there, :math:`\gamma^T w_{0:T-1} (\hat V - V)`, stays in the estimate. With the exact model nothing
    stays. The weighted version (Thomas & Brunskill 2016, section 5) has
    :math:`\omega^i_t = w^i_{0:t} / \sum_j w^j_{0:t}`: biased, consistent; from the step on at which no episode follows
    the policy any more, it is left to the model.

    Args:
        episodes: a log that knows its states.
        policy: (S, A) action probabilities of the candidate.
        q_values: (S, A), the model's action values of this policy, in discounted raw reward; finite, or −∞ for what
            it never does, such as an action that does not exist.
        behaviour: (S, A), those of the log's driver; by default the log's own shares.
        gamma: discount factor in [0, 1].
        weighted: normalise the ratios of each step.

    Raises:
        ValueError: as `importance_sampling`; `q_values` is of another shape, or not finite where the policy acts.
    """
    check_gamma(gamma)
    pi, q = _checked_policy("policy", policy, episodes), np.asarray(q_values, float)
    if q.shape != pi.shape:
        raise ValueError(f"q_values has shape {q.shape}, expected {pi.shape} as policy")
    q = np.where((pi == 0) & np.isneginf(q), 0.0, q)  # which counts nowhere
    refuse_rows(~np.isfinite(q), "q_values", q, "finite numbers, or −∞ where the policy has probability 0")
    check_states(episodes, len(pi), following=episodes.timeouts)
    v = (pi * q).sum(1)
    weights = _weights(importance_ratios(episodes, pi, behaviour, logarithms=True), weighted)
    n, steps = weights.shape
    before = np.hstack([np.full((n, 1), 1.0 / n), weights[:, :-1]])
    later = np.where(episodes.timeouts, gamma * v[episodes.next_states], 0.0)
    surprise = _padded(episodes, episodes.rewards + later - q[episodes.states, episodes.actions], 0.0)
    expected = _padded(episodes, v[episodes.states], 0.0)
    return float(((weights * surprise + before * expected) * gamma ** np.arange(steps)).sum())


@dataclass(frozen=True, eq=False)
class LogModel(ByValue):
    """The log's empirical Markov decision process: what it counted, and a price for what it never tried.

    Attributes:
        mdp: the model as a `TabularMDP` of S + 1 states. The last one is the unknown: an action that the log never
            took in a state leads there for certain, pays `unseen`, and ends the episode.
        counts: (S, A), steps in the log.
        unseen: what an untried action is worth, in discounted raw reward.
    """

    mdp: TabularMDP
    counts: Ints
    unseen: float

    def values(self, policy: ArrayLike, gamma: float = 0.99) -> tuple[Floats, Floats]:
        """V (S,) and Q (S, A) of a policy (S, A) in the model, over the infinite horizon, as `TabularMDP.values`.

        Fitted Q evaluation (Le et al. 2019) with one number for each pair, repeated until nothing moves, ends here.
        """
        v, q = self.mdp.values(self._with_unknown(policy), gamma)
        return v[:-1], q[:-1]

    def value(self, policy: ArrayLike, gamma: float = 0.99) -> float:
        """Value of the log's starts under a policy (S, A), in discounted raw reward."""
        return float(self.mdp.start[:-1] @ self.values(policy, gamma)[0])

    def evaluate(self, policy: ArrayLike, horizon: int) -> PolicyScore:
        """The policy's score in the model, undiscounted; what its rates leave to 1 is `unknown_rate`."""
        return self.mdp.evaluate(self._with_unknown(policy), horizon)

    def unknown_rate(self, policy: ArrayLike, horizon: int) -> float:
        """Probability that an episode takes an action the log never took where it is, in the model."""
        score = self.evaluate(policy, horizon)
        return max(0.0, 1.0 - score.hazard_rate - score.goal_rate - score.timeout_rate)

    def thin_rate(self, policy: ArrayLike, at_most: int = 3, gamma: float = 0.99) -> float:
        """Share of its time, in the model and discounted, that a policy spends on steps the log took `at_most` times.

        There the model rests on next to nothing, whatever it says: one slip seen makes a trap, none seen a safe way.
        """
        thin = np.vstack([self.counts <= at_most, np.zeros((1, self.counts.shape[1]), bool)])[..., None]
        pi, worlds = self._with_unknown(policy), (replace(self.mdp, rewards=r) for r in (thin, np.ones_like(thin)))
        spent, time = (float(world.start @ world.values(pi, gamma)[0]) for world in worlds)
        return spent / time

    def _with_unknown(self, policy: ArrayLike) -> Floats:
        pi = np.asarray(policy, float)
        if pi.shape != self.counts.shape:
            raise ValueError(f"policy has shape {pi.shape}, expected {self.counts.shape}")
        return np.vstack([pi, np.full((1, pi.shape[1]), 1.0 / pi.shape[1])])


def log_model(episodes: Episodes, n_states: int, *, unseen: float, weights: ArrayLike | None = None) -> LogModel:
    """Counts the log's transitions and mean rewards into a model. One visit is as good as a thousand to it.

    Args:
        episodes: a log that knows its states.
        n_states: S, number of the world's states.
        unseen: what an untried action is worth, in discounted raw reward. There is no neutral choice, so there is no
            default: 0 hopes; the worst value an episode can have refuses to leave the log (Kidambi et al. 2020).
        weights: (E,) above 0, for how many each episode counts; for 1 by default.

    Raises:
        ValueError: a state ends episodes in one row and is acted in in another; a number is not as expected.
    """
    if not np.isfinite(unseen):
        raise ValueError(f"unseen is {unseen!r}, expected a finite number")
    weight = np.ones(episodes.n_episodes) if weights is None else np.asarray(weights, float)
    if weight.shape != (episodes.n_episodes,) or not ((weight > 0) & (weight < np.inf)).all():
        raise ValueError(f"weights has shape {weight.shape}, expected ({episodes.n_episodes},) numbers above 0")
    counts, weight = _count(episodes, n_states), weight[episodes.episode]
    check_states(episodes, n_states, following=True)
    n, n_actions = counts.shape
    terminal, hazard = np.zeros(n + 1, bool), np.zeros(n + 1, bool)
    ends = episodes.next_states[episodes.terminals]
    terminal[ends] = True
    hazard[ends[episodes.costs[episodes.terminals] > 0]] = True
    if (acted := terminal[episodes.states]).any():
        row = int(np.argmax(acted))
        raise ValueError(f"states in row {row} is {episodes.states[row]}, which is terminal elsewhere in the log")
    goal = terminal & ~hazard
    terminal[-1] = True

    pairs = episodes.states * n_actions + episodes.actions, episodes.next_states
    times, total = (csr_array((w, pairs), (n * n_actions, n)) for w in (weight, weight * episodes.rewards))
    width = int(np.diff(times.indptr).max())
    pair = np.repeat(np.arange(n * n_actions), np.diff(times.indptr))
    place = np.arange(len(pair)) - times.indptr[pair]  # 0, 1, 2 … within each pair, whose successors ascend
    successors = np.full(((n + 1) * n_actions, width), n)
    probabilities, rewards = np.zeros(successors.shape), np.full(successors.shape, float(unseen))
    probabilities[:, 0] = 1.0
    probabilities[pair, place] = times.data / times.sum(1)[pair]
    successors[pair, place], rewards[pair, place] = times.indices, total.data / times.data
    first = _first_rows(episodes)
    start = np.bincount(episodes.states[first], weight[first], minlength=n + 1) / weight[first].sum()
    shape = (n + 1, n_actions, width)
    world = TabularMDP(
        successors.reshape(shape), probabilities.reshape(shape), rewards.reshape(shape), terminal, start, hazard, goal
    )
    return LogModel(world, counts, float(unseen))


def create_discrete_fqe(
    agent: Any,
    device: bool | int | str = False,
    *,
    reward_scale: float = 0.01,
    size: int | None = 15,
    cells: bool = False,
    ranges: Sequence[Sequence[float]] | None = None,
    hidden_units: Sequence[int] = (64, 64),
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    gamma: float = 0.99,
    n_critics: int = 1,
    target_update_interval: int = 25,
) -> Any:
    r"""Fitted Q evaluation (Le et al. 2019) of a trained agent, as d3rlpy's `DiscreteFQE`: a network learns its values.

    .. math:: Q(s, a) \leftarrow \rho\, r + \gamma\, Q(s', \pi(s'))

    Train it with `safegrid.fit` and read it with `safegrid.q_table`. d3rlpy's loss is Huber's: an error beyond
    :math:`1/\rho` in raw reward counts for less than its square, and then the value is no mean any more: a rare
    disaster, or a rare success, would be half forgotten. So :math:`\rho` is smaller here than in training, one over the
    worst reward. And values travel one step back a target sync: a run needs more syncs than an episode has steps.

    Args:
        agent: a trained agent; its greedy policy is evaluated.
        device: as `create_discrete_cql`, and so are the rest.
        reward_scale: ρ > 0, factor on every reward before training.
        size: see there.
        cells: see there.
        ranges: see there.
        hidden_units: see there.
        learning_rate: see there.
        batch_size: see there.
        gamma: see there.
        n_critics: see there.
        target_update_interval: gradient steps between copies into the target network.

    Raises:
        ValueError: names the argument, its value and what was expected.
        TypeError: an unknown keyword.
    """
    from .agents import built, network_settings, q_settings  # here, so that a log can be judged without torch
    from .mdpdataset import d3rlpy
    from .threads import torch_device

    network = network_settings(size, cells, ranges, hidden_units, learning_rate, batch_size)
    shared = q_settings(reward_scale, gamma, n_critics, target_update_interval)
    return d3rlpy.ope.DiscreteFQE(built(agent), d3rlpy.ope.FQEConfig(**network, **shared), torch_device(device))


def select_episodes(episodes: Episodes, which: ArrayLike) -> Episodes:
    """A log of these episodes in this order; an episode may come twice.

    Args:
        episodes: the log.
        which: (M,) indices in 0…E−1, or (E,) truth values.
    """
    index = np.asarray(which)
    if index.dtype == bool and index.shape == (episodes.n_episodes,):
        index = np.flatnonzero(index)
    bad = index.ndim != 1 or not len(index) or index.dtype.kind not in "iu"
    if bad or index.min() < 0 or index.max() >= episodes.n_episodes:
        raise ValueError(
            f"which is {np.array2string(index, threshold=6)}, expected at least one index in "
            f"0…{episodes.n_episodes - 1}"
        )
    first, lengths = _first_rows(episodes)[index], episodes.lengths[index]
    rows = np.arange(lengths.sum()) + np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    names = ("observations", "actions", "rewards", "next_observations", "terminals", "timeouts", "costs", "states",
             "next_states")  # fmt: skip
    columns: dict[str, Any] = {name: frozen(np.take(getattr(episodes, name), rows, 0)) for name in names}
    return Episodes(**columns, episode=frozen(np.repeat(np.arange(len(index)), lengths)), n_actions=episodes.n_actions)


def split_episodes(episodes: Episodes, seed: int, fraction: float = 0.5) -> tuple[Episodes, Episodes]:
    """Two logs that share no episode, drawn at random: one to train on, one to estimate on.

    Args:
        episodes: the log, of at least two episodes.
        seed: of the draw.
        fraction: of the episodes in the first log, in (0, 1).
    """
    n = episodes.n_episodes
    first = round(fraction * n) if 0 < fraction < 1 else 0
    if not 0 < first < n:
        raise ValueError(f"fraction is {fraction!r}, expected one that leaves episodes of {n} on both sides")
    order = checked_generator("seed", seed).permutation(n)
    return select_episodes(episodes, np.sort(order[:first])), select_episodes(episodes, np.sort(order[first:]))


def bootstrap_interval(
    estimate: Callable[[Episodes], float], episodes: Episodes, *, n_resamples: int = 200, seed: int = 0
) -> Interval:
    """An estimate with the 95% percentile interval of estimates on logs of episodes drawn again, with replacement.

    It shows how the estimate moves with the log's luck, and nothing else: not its bias, and not what the log never
    saw. Where no estimate is possible (NaN) the bounds are NaN.

    Args:
        estimate: a log → a number.
        episodes: the log.
        n_resamples: logs drawn.
        seed: of the draws.
    """
    rng, n = checked_generator("seed", seed), episodes.n_episodes
    draws = (rng.integers(n, size=n) for _ in range(whole("n_resamples", n_resamples)))
    values = np.array([estimate(select_episodes(episodes, drawn)) for drawn in draws])
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(estimate(episodes)), float(low), float(high))


def estimate_errors(estimates: ArrayLike, truth: ArrayLike) -> dict[str, Floats]:
    """How far the estimates of C candidates are off, for each of L logs, (L,) each; who has none is left out.

    Args:
        estimates: (C, L), NaN where there is none.
        truth: (C, L), exact values.

    Returns:
        "bias", the mean of estimate minus truth; "rmse", the root of its mean square; "rank", Spearman's rank
        correlation of estimates and truth. NaN for a log with no estimate, for the rank with fewer than three or where
        all are alike.
    """
    guess, exact = _same_shape(estimates, truth)
    rows = []
    for g, e in zip(guess.T, exact.T, strict=True):
        known = np.isfinite(g)
        error, alike = (g - e)[known], known.sum() < 3 or np.ptp(g[known]) == 0 or np.ptp(e[known]) == 0
        rank = np.nan if alike else float(spearmanr(g[known], e[known]).statistic)
        rows.append((error.mean(), np.sqrt((error**2).mean()), rank) if known.any() else (np.nan,) * 3)
    return dict(zip(("bias", "rmse", "rank"), np.array(rows).T, strict=True))


def regret(scores: ArrayLike, truth: ArrayLike) -> Floats:
    """What choosing the highest score costs: the best candidate's exact value minus the chosen one's, (L,).

    Args:
        scores: (C, L), of C candidates by any rule in L logs; NaN is never chosen, the first of equals is.
        truth: (C, L), exact values.

    Raises:
        ValueError: shapes differ, or a log has no score at all.
    """
    guess, exact = _same_shape(scores, truth)
    if (none := np.isnan(guess).all(0)).any():
        raise ValueError(f"scores[:, {int(np.argmax(none))}] are all NaN, expected a score to choose by")
    return np.asarray(exact.max(0) - exact[np.nanargmax(guess, 0), np.arange(guess.shape[1])])


def _same_shape(estimates: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    guess, exact = np.asarray(estimates, float), np.asarray(truth, float)
    if guess.ndim != 2 or guess.shape != exact.shape or not guess.size:
        raise ValueError(f"estimates and truth have shapes {guess.shape} and {exact.shape}, expected the same (C, L)")
    return guess, exact


def _count(episodes: Episodes, n_states: int) -> Ints:
    """Steps of each pair, (S, A)."""
    n = whole("n_states", n_states)
    check_states(episodes, n)
    pair = episodes.states * episodes.n_actions + episodes.actions
    return np.bincount(pair, minlength=n * episodes.n_actions).reshape(n, episodes.n_actions)


def _checked_policy(name: str, table: ArrayLike, episodes: Episodes) -> Floats:
    """Probabilities (S, A) that cover the log's states and actions."""
    pi = np.asarray(table, float)
    if pi.ndim != 2 or pi.shape[1] != episodes.n_actions:
        raise ValueError(f"{name} has shape {pi.shape}, expected (states, {episodes.n_actions})")
    pi = checked_policy(name, pi)
    check_states(episodes, len(pi))
    return pi


def _weights(ratios: Floats, weighted: bool) -> Floats:
    """What each episode counts at each step, (E, T), by logarithms of ratios; 0 where no episode follows the policy."""
    total = logsumexp(ratios, 0) if weighted else np.log(len(ratios))
    return _exponential(ratios - np.where(np.isneginf(total), 0.0, total))


def _exponential(ratios: Floats) -> Floats:
    """Importance ratios from their logarithms, (E, T)."""
    expected = "at most 709, the largest number's; logarithms, and weighted estimates, do without that number"
    refuse_rows(ratios > np.log(np.finfo(float).max), "logarithm of the importance ratios", ratios.max(1), expected)
    return np.exp(ratios)


def _first_rows(episodes: Episodes) -> Ints:
    return np.cumsum(episodes.lengths) - episodes.lengths


def _padded(episodes: Episodes, column: ArrayLike, fill: float) -> Floats:
    """A column (N,) as one row an episode, (E, T), filled up after its end."""
    table = np.full((episodes.n_episodes, int(episodes.lengths.max())), fill)
    step = np.arange(len(episodes)) - _first_rows(episodes)[episodes.episode]
    table[episodes.episode, step] = column
    return table
