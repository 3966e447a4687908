"""A budget for harm: the best policy of the log's model that keeps it, as one linear programme over occupancies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack
from scipy.stats import beta

from safegrid.array_types import Bools, ByValue, Floats, Ints
from safegrid.checks import checked, refuse_rows, whole
from safegrid.dataset import Episodes, check_states, coverage
from safegrid.mdp import TabularMDP

_NEVER = 1e-9  # visits below it are the solver's rounding


@dataclass(frozen=True, eq=False)
class BudgetedPolicy(ByValue):
    """The best policy within a budget, and what the log's model says of it.

    Attributes:
        policy: (S, A) action probabilities. Where the programme never goes: the best action at the price below; where
            it may take none, what the log did there.
        value: claimed value of the start, in discounted raw reward.
        harm: claimed discounted probability of harm, at most the budget.
        price: λ, the budget's Lagrange multiplier: what one more unit of budget would add to the value, in raw reward.
            0 where the budget does not bind.
    """

    policy: Floats
    value: float
    harm: float
    price: float


def budgeted_policy(
    episodes: Episodes,
    mdp: TabularMDP,
    budget: float,
    *,
    gamma: float = 0.99,
    minimum_tries: int = 1,
    confidence: float | None = None,
) -> BudgetedPolicy:
    r"""Maximises reward in the log's model subject to a bound on harm (Altman 1999, chapter 3), with scipy's HiGHS.

    With :math:`x(s, a)` the discounted number of times that a policy takes a tried pair, in the log's model,

    .. math::

        \max_{x \ge 0} \sum x\,\hat r \quad\text{subject to}\quad \sum_a x(s, a) = \hat d_0(s)
            + \gamma \sum_{s', a'} x(s', a')\, \hat P(s \mid s', a'), \qquad \sum x\,\hat c \le \text{budget}.

    Harm is discounted as rewards are, so a budget on it is one on the probability of harm, counted less the later it
    comes. What happens in a state in which nothing may be taken is unknown, and counts as harm, worth as much as the
    lowest reward of the log's steps for ever.

    Args:
        episodes: a log that knows its states, with costs of 0 or 1.
        mdp: their world; only its states and actions are used.
        budget: bound on the discounted probability of harm, in [0, 1].
        gamma: discount factor in [0, 1), or below.
        minimum_tries: pairs tried less often are not taken.
        confidence: count for each pair, in place of the log's share of harmful steps, the upper bound that holds with
            this probability (Clopper & Pearson 1934), in (0, 1).

    Raises:
        ValueError: names the argument, its value and what was expected; a cost that is neither 0 nor 1; a budget that
            no policy of the model keeps, with the least harm that one can do.
        RuntimeError: the solver gave up.
    """
    checked("budget", budget, 0.0, 1.0)
    checked("gamma", gamma, 0.0, np.nextafter(1.0, 0.0))
    whole("minimum_tries", minimum_tries)
    refuse_rows(~np.isin(episodes.costs, (0, 1)), "costs", episodes.costs, "0 or 1")
    counts = coverage(episodes, mdp).counts
    check_states(episodes, mdp, following=True)
    if not (allowed := counts >= minimum_tries).any():
        raise ValueError(f"minimum_tries is {minimum_tries}, expected at most {counts.max()}, the most tries of a pair")
    reward, harm = _means(episodes, counts, confidence)
    flow, start, stuck = _flow(episodes, counts, allowed, gamma)
    lowest = episodes.rewards[~episodes.terminals].min(initial=0.0)
    gain = np.append(reward[allowed], np.full(len(stuck), lowest / (1 - gamma)))
    cost = np.append(harm[allowed], np.ones(len(stuck)))
    solved = linprog(-gain, A_ub=cost[None], b_ub=[budget], A_eq=flow, b_eq=start, method="highs")
    if solved.status == 2:
        least = float(linprog(cost, A_eq=flow, b_eq=start, method="highs").fun)
        shown = np.ceil(least * 1e4 - 1e-6) / 1e4  # rounded up: the number named is a budget that can be kept
        raise ValueError(f"budget is {budget:g}, expected at least {shown:g}, the least harm in the log's model")
    if solved.x is None:
        raise RuntimeError(f"HiGHS found no policy for a budget of {budget:g}: {solved.message}")
    price = max(0.0, -float(solved.ineqlin.marginals[0]))
    # as if trips began in every state of the model: what is best at this price wherever the car may come to stand
    everywhere = np.asarray((flow != 0).sum(1) > 0, float)
    priced = linprog(price * cost - gain, A_eq=flow, b_eq=everywhere, method="highs")
    policy = np.zeros(counts.shape)
    for x in (priced.x, solved.x):  # the second stands where it goes
        taken = np.zeros(counts.shape)
        taken[allowed] = np.maximum(x[: allowed.sum()], 0.0)
        policy = np.where(taken.sum(1, keepdims=True) > _NEVER, taken, policy)
    habit = np.where(counts.any(1, keepdims=True), counts, mdp.action_mask)
    policy = np.where(policy.any(1, keepdims=True), policy, habit)
    policy = policy / policy.sum(1, keepdims=True)
    return BudgetedPolicy(policy, float(gain @ solved.x), float(cost @ solved.x), price)


def _means(episodes: Episodes, counts: Ints, confidence: float | None) -> tuple[Floats, Floats]:
    """Mean reward and share of harmful steps of each pair, (S, A), or the upper confidence bound of that share."""
    pair = episodes.states * counts.shape[1] + episodes.actions
    sums = [np.bincount(pair, column, minlength=counts.size) for column in (episodes.rewards, episodes.costs)]
    reward, harmful = (total.reshape(counts.shape) for total in sums)
    tries = np.maximum(counts, 1)
    if confidence is None:
        return reward / tries, harmful / tries
    if not 0 < checked("confidence", confidence, 0.0, 1.0) < 1:
        raise ValueError(f"confidence is {confidence!r}, expected a number between 0 and 1")
    bound = np.where(harmful < counts, beta.ppf(confidence, harmful + 1, np.maximum(counts - harmful, 1)), 1.0)
    return reward / tries, bound


def _flow(episodes: Episodes, counts: Ints, allowed: Bools, gamma: float) -> tuple[csr_array, Floats, Ints]:
    """What flows out of each state less what flows in, a column a pair; the starts; states that nothing leaves."""
    n = len(counts)
    states = np.nonzero(allowed)[0]
    place = np.full(counts.shape, -1)
    place[allowed] = np.arange(len(states))
    on = ~episodes.terminals & (place[episodes.states, episodes.actions] >= 0)
    pair = place[episodes.states[on], episodes.actions[on]]
    share = gamma / counts[episodes.states[on], episodes.actions[on]]
    into = csr_array((share, (episodes.next_states[on], pair)), (n, len(states)))
    out = csr_array((np.ones(len(states)), (states, np.arange(len(states)))), (n, len(states)))
    firsts = np.flatnonzero(np.diff(episodes.episode, prepend=-1))
    start = np.bincount(episodes.states[firsts], minlength=n) / episodes.n_episodes
    ended = np.zeros(n, bool)
    ended[episodes.next_states[episodes.terminals]] = True
    stuck = np.flatnonzero(~allowed.any(1) & ~ended)
    stay = csr_array((np.ones(len(stuck)), (np.arange(len(stuck)), stuck)), (len(stuck), n))
    return csr_array(vstack([(out - into).T, stay]).T), start, stuck
