"""A log in a table: the clone that counts, CQL without a network, for ever or for a number of gradient steps, and the
value that conservative policy evaluation claims.

The reference that networks approach; the laboratory on the page computes the same (`learning.js`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, eye_array
from scipy.sparse.linalg import spsolve
from scipy.special import softmax, wrightomega

from .array_types import Bools, Floats
from .checks import check_gamma, checked, whole
from .dataset import Episodes, check_states, coverage
from .mdp import TabularMDP

TIE = 1e-6
"""Values that differ by less, in raw reward, count as tied."""

RESIDUAL = 1e-9
"""The limit's solver stops once no value moves by more, in raw reward: then it is within RESIDUAL · γ/(1 − γ)."""

_TINY = 1e-100  # the least positive push: below it the limit's numbers overflow


def argmax_clone(episodes: Episodes, mdp: TabularMDP) -> Floats:
    """The log's most frequent action of each state, (S, A); tied actions share, and all do where the log is silent."""
    counts = coverage(episodes, mdp).counts
    return greedy(np.where(mdp.action_mask, counts, -np.inf))


def greedy(q_values: Floats) -> Floats:
    """Acts by the highest value, (S, A) probabilities; values within `TIE` share evenly."""
    best = q_values >= q_values.max(1, keepdims=True) - TIE
    return np.asarray(best / best.sum(1, keepdims=True))


def tabular_cql(
    episodes: Episodes,
    mdp: TabularMDP,
    conservative_weight: float = 6.0,
    *,
    reward_scale: float = 0.1,
    gamma: float = 0.99,
    n_steps: int | None = None,
    huber: bool = False,
    belief: float = 0.0,
) -> Floats:
    r"""CQL (Kumar et al. 2020, eq. 4) with one number for each state and action instead of a network.

    With :math:`\hat\beta(a \mid s)` the log's share of each action, :math:`y` the log's mean of
    :math:`\rho r + \gamma \max_{a'} Q(s', a')` and :math:`\mu` the softmax of :math:`Q`, both in scaled reward, a
    gradient step in a visited state is

    .. math::

        Q(s, a) \mathrel{-}= \eta \Big[ \hat\beta(a \mid s)\,(Q(s, a) - y(s, a))
            + \rho\,\alpha\,(\mu(a \mid s) - \hat\beta(a \mid s)) \Big], \qquad \eta = \frac{1}{1 + \rho\alpha/2},

    from :math:`Q = \rho b` with the belief :math:`b`, over the whole log, with a squared TD loss, or Huber's, and no
    target network. The step :math:`\eta` is one over the largest curvature that the loss can have. Steps never stop
    moving an action that was not tried: its value sinks from the belief without bound. In the limit the softmax is over
    tried actions alone, and the bracket is 0: one convex problem a state, solved inside value iteration until no value
    moves by more than `RESIDUAL`.

    Args:
        episodes: a log that knows its states.
        mdp: their world; only its states and actions are used.
        conservative_weight: α ≥ 0, in raw reward. At 0 nothing pushes untried actions down: they keep the belief, and
            the maximum takes it wherever it is highest.
        reward_scale: ρ > 0; 1/ρ is the softmax's temperature in raw reward.
        gamma: discount factor in [0, 1), or 1 for a number of steps.
        n_steps: gradient steps; None for the limit of infinitely many.
        huber: each transition's TD error, in scaled reward, is clipped to −1…1 before it pulls, as by the Huber loss
            that networks train with. Only for a number of steps.
        belief: b, what each pair is worth before training, in discounted raw reward, and so what the learner believes
            of moves that nobody tried. A network makes that up: it generalises.

    Returns:
        Q (S, A) in discounted raw reward. A state that was entered but never acted in is worth the belief. In the limit
        untried actions of visited states are −∞, unless the weight is 0; actions that do not exist always are.

    Raises:
        ValueError: names the argument, its value and what was expected.
    """
    checked("belief", belief)
    checked("conservative_weight", conservative_weight, 0.0)
    checked("reward_scale", reward_scale, 0.0, exclusive=True)
    check_gamma(gamma)
    if n_steps is None and gamma == 1:
        raise ValueError("gamma is 1, expected less for the limit: its values need not converge")
    if n_steps is None and huber:
        raise ValueError("huber is True, expected a number of n_steps with it: the limit is that of the squared loss")
    if n_steps is not None:
        whole("n_steps", n_steps)
    model = count_log(episodes, mdp, reward_scale, gamma)
    push = max(reward_scale * conservative_weight, _TINY) if conservative_weight > 0 else 0.0
    q: Floats = np.where(mdp.action_mask, reward_scale * belief, -np.inf)
    if n_steps is None:
        return _limit(model, q, push, RESIDUAL * reward_scale) / reward_scale
    pull = _huber_pull(episodes, model, reward_scale, gamma) if huber else model.pull
    visited = model.share.any(1, keepdims=True)
    for _ in range(n_steps):
        q -= (pull(q) + push * visited * (softmax(q, 1) - model.share)) / (1 + push / 2)
    return q / reward_scale


def tabular_iql(episodes: Episodes, mdp: TabularMDP, expectile: float = 0.9, *, gamma: float = 0.99) -> Floats:
    r"""Implicit Q-learning (Kostrikov et al. 2022, eq. 5 and 6) with one number for each state and action.

    It never asks what an untried action is worth. With :math:`\hat\beta` the log's share of each action, a state is
    worth the expectile τ of its tried actions' values, and these are the log's means over what followed:

    .. math::

        V(s) = \arg\min_v \sum_a \hat\beta(a \mid s)\, \big(\tau - \mathbb 1[Q(s, a) < v]\big)\,
            \operatorname{sgn}(Q(s, a) - v)\, (Q(s, a) - v)^2,
        \qquad Q(s, a) = \hat{\mathbb E}[r + \gamma V(s')].

    For τ ≥ ½ this V is the largest that any policy earns in the log's model whose odds of two actions differ from the
    log's by a factor of at most τ/(1 − τ): policy iteration finds it.

    Args:
        episodes: a log that knows its states.
        mdp: their world; only its states and actions are used.
        expectile: τ in (0, 1): ½ is the mean, the value of the log's own habits; near 1 the best tried action's.
        gamma: discount factor in [0, 1).

    Returns:
        Q (S, A) in discounted raw reward, −∞ for untried actions of visited states, 0 in states never acted in. Its
        `greedy` policy is the agent's.

    Raises:
        ValueError: names the argument, its value and what was expected.
    """
    _below_one("expectile", checked("expectile", expectile, 0.0, 1.0, exclusive=True))
    model = count_log(episodes, mdp, 1.0, _below_one("gamma", checked("gamma", gamma, 0.0, 1.0)))
    v: Floats = np.zeros(mdp.n_states)
    q: Floats = np.zeros(model.share.shape)
    while True:
        lean = model.share * np.where(q > v[:, None], expectile, 1 - expectile)
        before, v = v, model.value(lean / np.maximum(lean.sum(1, keepdims=True), _TINY))
        q = model.target(v)
        if np.abs(v - before).max() <= RESIDUAL:
            return np.where(model.share > 0, q, np.where(mdp.action_mask & ~model.visited, 0.0, -np.inf))


def tabular_spibb(episodes: Episodes, mdp: TabularMDP, threshold: int = 20, *, gamma: float = 0.99) -> Floats:
    r"""Safe policy improvement with baseline bootstrapping (Laroche et al. 2019, Π_b-SPIBB), baseline the log's shares.

    Pairs that the log tried fewer than `threshold` times keep the log's own share. What is left of each state's
    probability goes to the best of the other actions, in the log's model.

    Args:
        episodes: a log that knows its states.
        mdp: their world; only its states and actions are used.
        threshold: N ≥ 1, tries from which on a pair is trusted. At 1 this is the model's best among tried actions.
        gamma: discount factor in [0, 1).

    Returns:
        The policy, (S, A) action probabilities; all actions alike in states the log never acted in.

    Raises:
        ValueError: names the argument, its value and what was expected.
    """
    whole("threshold", threshold)
    model = count_log(episodes, mdp, 1.0, _below_one("gamma", checked("gamma", gamma, 0.0, 1.0)))
    trusted = coverage(episodes, mdp).counts >= threshold
    policy, worth = model.share, -np.inf
    while True:
        v = model.value(policy)
        if v.sum() <= worth + RESIDUAL:  # it rises everywhere or stays
            return np.where(model.visited, policy, mdp.action_mask / mdp.action_mask.sum(1, keepdims=True))
        worth = v.sum()
        best = np.eye(mdp.n_actions)[np.where(trusted, model.target(v), -np.inf).argmax(1)]
        free = np.where(trusted, model.share, 0.0).sum(1, keepdims=True)
        policy = np.where(trusted, 0.0, model.share) + free * best


def conservative_values(
    mdp: TabularMDP,
    policy: ArrayLike,
    behaviour: ArrayLike,
    conservative_weight: float = 6.0,
    *,
    pushed_down: ArrayLike | None = None,
    push_up: bool = True,
    gamma: float = 0.99,
) -> tuple[Floats, Floats]:
    r"""The value that conservative policy evaluation claims, exactly (Kumar et al. 2020, eq. 1 and 2).

    Its fixed point is :math:`Q = B^\pi Q - \alpha\,(\mu/\beta - 1)`, or :math:`Q = B^\pi Q - \alpha\,\mu/\beta`
    without the push up: ordinary values, in a world that charges for each action. An action with
    :math:`\beta = \mu = 0` is neither pushed nor charged for.

    Args:
        mdp: the world that backs values up: the true one, or a log's.
        policy: π, (S, A) action probabilities.
        behaviour: β, (S, A), the driver's probabilities or the log's shares; rows of terminal states do not count.
        conservative_weight: α ≥ 0, in raw reward.
        pushed_down: μ, (S, A), the actions pushed down; π by default, as Theorem 3.2 wants it.
        push_up: also push the log's actions up (eq. 2).
        gamma: discount factor in [0, 1].

    Returns:
        V (S,) and Q (S, A), in discounted raw reward, 0 in terminal states.

    Raises:
        ValueError: μ takes an action that β never takes: nothing holds its value, and there is no fixed point.
    """
    checked("conservative_weight", conservative_weight, 0.0)
    mu = np.asarray(policy if pushed_down is None else pushed_down, float)
    beta = np.asarray(behaviour, float)
    pairs = (mdp.n_states, mdp.n_actions)
    for name, table in {"pushed_down": mu, "behaviour": beta}.items():
        if table.shape != pairs:
            raise ValueError(f"{name} has shape {table.shape}, expected {pairs}")
    tried = beta > 0
    if (bad := (mu > 0) & ~tried & ~mdp.terminal[:, None]).any():
        state, action = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"behaviour[{state}, {action}] is 0, expected more where pushed_down is {mu[state, action]:g}")
    charge = np.where(tried, mu / np.where(tried, beta, 1.0) - float(push_up), 0.0)
    charged = replace(mdp, rewards=mdp.rewards - conservative_weight * charge[..., None])
    return charged.values(policy, gamma)


def _below_one(name: str, number: float) -> float:
    if number == 1:
        raise ValueError(f"{name} is 1, expected less")
    return number


@dataclass(frozen=True, eq=False)
class _Model:
    """What the log says of each pair: its share of the state's actions, its mean reward, and what follows it."""

    share: Floats  # (S, A)
    reward: Floats  # (S, A), scaled
    follow: csr_matrix  # (S·A, S), γ times the shares of the states that follow

    @property
    def visited(self) -> Bools:
        """Whether the log acted there, (S, 1)."""
        return np.asarray(self.share.any(1, keepdims=True))

    def value(self, policy: Floats) -> Floats:
        """V (S,) of a policy in the log's model; its rows are 0 where the log never acted, and so is V."""
        chances = csr_matrix((policy.ravel(), np.arange(policy.size), np.arange(len(policy) + 1) * policy.shape[1]))
        follow = (chances @ self.follow).tocsc()
        return np.asarray(spsolve(eye_array(len(policy), format="csc") - follow, (policy * self.reward).sum(1)))

    def target(self, values: Floats) -> Floats:
        return self.reward + (self.follow @ values).reshape(self.reward.shape)

    def pull(self, q: Floats) -> Floats:
        return np.asarray(self.share * (np.where(self.share > 0, q, 0.0) - self.target(q.max(1))))


def count_log(episodes: Episodes, mdp: TabularMDP, reward_scale: float, gamma: float) -> _Model:
    """What a log says of each pair, in scaled reward; `follow` is discounted by γ."""
    counts = coverage(episodes, mdp).counts
    check_states(episodes, mdp, following=~episodes.terminals)
    pair = episodes.states * mdp.n_actions + episodes.actions
    each = 1.0 / np.maximum(counts.ravel(), 1)[pair]
    rewards = np.bincount(pair, episodes.rewards * each, minlength=counts.size).reshape(counts.shape)
    on = ~episodes.terminals
    follow = csr_matrix((gamma * each[on], (pair[on], episodes.next_states[on])), (counts.size, mdp.n_states))
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return _Model(share, reward_scale * rewards, follow)


def _huber_pull(episodes: Episodes, model: _Model, reward_scale: float, gamma: float) -> Callable[[Floats], Floats]:
    """`_Model.pull` with each transition's error clipped before the mean is taken."""
    s, a, rewards = episodes.states, episodes.actions, reward_scale * episodes.rewards.astype(float)
    discounts = gamma * ~episodes.terminals
    each = 1.0 / np.bincount(s)[s]
    pair = s * model.share.shape[1] + a

    def pull(q: Floats) -> Floats:
        errors = np.clip(q[s, a] - rewards - discounts * q.max(1)[episodes.next_states], -1, 1)
        return np.asarray(np.bincount(pair, errors * each, minlength=q.size).reshape(q.shape), float)

    return pull


def _limit(model: _Model, q: Floats, push: float, residual: float) -> Floats:
    """Value iteration whose every sweep balances each visited state's pulls; a contraction by γ."""
    visited = np.asarray(model.share.any(1))
    share, seen = model.share[visited], model.share[visited] > 0
    if push > 0:
        q[visited[:, None] & (model.share == 0)] = -np.inf
    old, z = np.zeros_like(share), np.full(len(share), -np.inf)
    while True:
        target = model.target(q.max(1))[visited]
        new = target
        if push > 0:
            rise = np.where(seen, target - old, np.inf).min(1)
            new, z, old = *_balance(share, target, push, z + rise), target
        change = np.abs(new[seen] - q[visited][seen]).max()
        q[visited] = np.where(seen, new, q[visited])
        if change <= residual:
            return q


def _balance(share: Floats, target: Floats, push: float, least: Floats) -> tuple[Floats, Floats]:
    """Solves share·(q − target) = push·(share − softmax(q)) in each state over its seen actions, for q and log Σ exp q.

    With z = log Σ exp q each q is target + push − ω(log(push/share) + target + push − z), with Wright's function ω,
    ω + log ω = x (Corless & Jeffrey 2002). The softmax sums to 1 at one z; the sum falls convexly in z, so that
    Newton's method climbs to it from the left, where the lowest target lies, or from `least`, if that is known to lie
    left of it too: z follows the targets, and rises by at least their smallest rise.
    """
    seen = share > 0
    ratio = np.where(seen, push / np.where(seen, share, 1.0), 1.0)
    reach = np.where(seen, np.log(ratio) + target + push, -np.inf)
    z = np.maximum(least, np.where(seen, target, np.inf).min(1))
    rounding = 1e-14 * (1 + push + np.where(seen, np.abs(target), 0.0).max(1))
    while True:
        omega = wrightomega(reach - z[:, None])
        step = ((omega / ratio).sum(1) - 1) / (omega / (1 + omega) / ratio).sum(1)
        z += step
        if not (step > rounding).any():
            return np.asarray(target + push - wrightomega(reach - z[:, None])), z
