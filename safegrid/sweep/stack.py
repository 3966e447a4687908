"""Many small networks trained side by side: weights on a leading axis, batched products, the gradient in closed form.

A mini-batch needs Q values of a few hundred distinct observations at most. One forward pass over all of them answers
every question a mini-batch can ask; the target network's answers change only at a sync. The loss then has a gradient in
closed form with respect to that table, and one backward pass carries it to the weights. Worker processes import this
file and neither d3rlpy nor matplotlib.

N = M·C networks, C critics for each of M members; R rows (distinct observations), A actions, B transitions a batch.
Tables are (…, A, R): reductions over actions then run along contiguous rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import torch

from safegrid.array_types import Array, ByValue, Floats
from safegrid.mdp import TabularMDP
from safegrid.scores import SCORE_FIELDS
from safegrid.threads import full_precision, one_thread

Tensor = torch.Tensor

CHUNK = 16_384  # transitions of one stream that are drawn at once, or one mini-batch if that is larger


@dataclass(frozen=True, eq=False)
class Shard(ByValue):
    """What a group of members learns from, and how. It never changes.

    Attributes:
        features: (R, D) float32, the networks' inputs at the observations that the logs visit; or (R,) int64, the one
            input that is 1 there, where all others are 0.
        all_features: (S, D) or (S,), the same at every observation the tables should cover.
        existing: (A, R) bool, actions that exist there, and `all_existing` (A, S); None where all do.
        indices: for each log (2, T) int64: pair a·R + s, and row of the next observation (0 after a terminal).
        numbers: for each log (3, T) float32: scaled reward, discount (0 after a terminal), share of the batch.
        streams: (G,), the log of each stream of mini-batches.
        members: (M,), the stream of each member.
        conservative: (M,) float32, factor on the conservative loss, in scaled reward; for clones factor on the
            cross-entropy.
        penalties: (M,) float32, clones' factor on the mean squared log-probability; None trains Q networks.
        batch_size: transitions a step, drawn uniformly with replacement; None takes the whole log.
        n_steps: of the whole run, where a decaying learning rate reaches 0.
        reward_scale: what tables are divided by to be in raw reward.
        gamma: discount factor of the true values that claims are compared with.
    """

    features: Array
    all_features: Array
    existing: Array | None
    all_existing: Array | None
    indices: Sequence[Array]
    numbers: Sequence[Array]
    streams: Array
    members: Array
    conservative: Array
    penalties: Array | None
    batch_size: int | None
    n_critics: int
    target_update_interval: int
    learning_rate: float
    learning_rate_decay: bool
    averaging: float
    n_steps: int
    reward_scale: float
    gamma: float
    device: str


@dataclass(frozen=True, eq=False)
class State(ByValue):
    """Where a shard's training stands: all that is needed to go on as if nothing had happened.

    Attributes:
        step: gradient steps done.
        parameters: weight (N, out, in) and bias (N, out) of each layer in turn.
        average: moving average of the parameters.
        first_moment: Adam's, of the gradient.
        second_moment: Adam's, of its square.
        target: (M, A, R), the target networks' table, least over the critics.
        streams: state of each stream's bit generator.
    """

    step: int
    parameters: list[Array]
    average: list[Array]
    first_moment: list[Array]
    second_moment: list[Array]
    target: Array
    streams: list[dict[str, Any]]


def begin(shard: Shard, parameters: list[Array], generators: Sequence[np.random.Generator]) -> State:
    """The state before the first step."""
    with one_thread():
        target = _per_critic(shard, _Networks(_load(shard, parameters), _load(shard, [shard.features])[0]).forward())
    return State(
        0, parameters, parameters, [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters],
        target.amin(1).cpu().numpy(), [dict(g.bit_generator.state) for g in generators],
    )  # fmt: skip


def advance(shard: Shard, state: State, until: int) -> State:
    """Trains on to step `until`; how a run is cut into calls changes no bit of it."""
    with one_thread(), full_precision(), torch.no_grad():
        return _advance(shard, state, until)


def _advance(shard: Shard, state: State, until: int) -> State:
    parameters, average = _load(shard, state.parameters), _load(shard, state.average)
    moments = _load(shard, state.first_moment), _load(shard, state.second_moment)
    networks = _Networks(parameters, _load(shard, [shard.features])[0])
    optimizer = torch.optim.Adam(parameters, lr=shard.learning_rate, fused=True)
    for p, first, second in zip(parameters, *moments, strict=True):
        p.grad = torch.zeros_like(p)
        step = torch.tensor(float(state.step), device=p.device)
        optimizer.state[p] = {"step": step, "exp_avg": first, "exp_avg_sq": second}
    target = _load(shard, [state.target])[0]
    generators = [generator(s) for s in state.streams]

    for done, batch in enumerate(_batches(shard, generators, until - state.step), start=state.step):
        if shard.learning_rate_decay:
            optimizer.param_groups[0]["lr"] = shard.learning_rate * 0.5 * (1 + math.cos(math.pi * done / shard.n_steps))
        networks.backward(loss_gradient(shard, _per_critic(shard, networks.forward()), target, batch))
        optimizer.step()
        decay = min(shard.averaging, (1 + done) / (10 + done)) if done else 0.0
        torch._foreach_lerp_(average, parameters, 1 - decay)
        if shard.penalties is None and done % shard.target_update_interval == 0:
            target = _per_critic(shard, networks.forward()).amin(1)

    return State(
        until, _unload(parameters), _unload(average), _unload(moments[0]), _unload(moments[1]),
        target.cpu().numpy(), [dict(g.bit_generator.state) for g in generators],
    )  # fmt: skip


class _Networks:
    """N perceptrons with ReLUs on one set of inputs; buffers are made once and used again every step."""

    def __init__(self, parameters: list[Tensor], features: Tensor) -> None:
        self.weights, self.biases = parameters[::2], parameters[1::2]
        n, rows = len(self.weights[0]), len(features)
        self.inputs = features.expand(n, *features.shape)
        self.cells = features if features.ndim == 1 else None
        self.hidden = [w.new_empty(n, rows, w.shape[1]) for w in self.weights[:-1]]
        self.errors = [torch.empty_like(h) for h in self.hidden]
        self.outputs = self.weights[-1].new_empty(n, self.weights[-1].shape[1], rows)

    def forward(self) -> Tensor:
        """Outputs, (N, A, R); they hold until the next call."""
        below = self.inputs
        for i, (weight, bias, out) in enumerate(zip(self.weights, self.biases, self.hidden, strict=False)):
            if i == 0 and self.cells is not None:  # the product with a one-hot row is a column of the weights
                below = torch.add(weight.index_select(2, self.cells).mT, bias[:, None], out=out).relu_()
            else:
                below = torch.baddbmm(bias[:, None], below, weight.mT, out=out).relu_()
        return torch.baddbmm(self.biases[-1][:, :, None], self.weights[-1], below.mT, out=self.outputs)

    def backward(self, gradient: Tensor) -> None:
        """From the gradient of the outputs to every parameter's `grad`."""
        inputs = [self.inputs, *self.hidden]
        torch.bmm(gradient, inputs[-1], out=self.weights[-1].grad)
        torch.sum(gradient, 2, out=self.biases[-1].grad)
        error = gradient.mT
        for i in reversed(range(len(self.hidden))):
            error = torch.bmm(error, self.weights[i + 1], out=self.errors[i])
            torch.ops.aten.threshold_backward.grad_input(error, self.hidden[i], 0, grad_input=error)
            if i == 0 and self.cells is not None:  # cells differ from row to row; the others' gradient stays 0
                self.weights[0].grad.index_copy_(2, self.cells, error.mT)  # type: ignore[union-attr]
            else:
                torch.bmm(error.mT, inputs[i], out=self.weights[i].grad)
            torch.sum(error, 1, out=self.biases[i].grad)


Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Each (M, B): pair, row of the next observation, scaled reward, discount, share of the batch."""


def loss_gradient(shard: Shard, q: Tensor, target: Tensor, batch: Batch) -> Tensor:
    r"""Gradient (N, A, R) of d3rlpy's loss with respect to the tables q, (M, C, A, R).

    With n(s, a) the share of the batch in pair (s, a) and μ the softmax of the critics' mean over the actions that
    exist, the conservative loss has the gradient α/C · (n(s) μ(a|s) − n(s, a)) (Kumar et al. 2020, eq. 4). Huber's loss
    adds each transition's temporal-difference error, clipped to ±1, to its pair; its double-DQN target takes the action
    from the critics' mean and the value from the target networks' least. Cross-entropy is the first part alone, with
    α = 1.
    """
    members, critics, actions, rows = q.shape
    pairs, following, rewards, discounts, shares = batch
    mean = q.mean(1) if critics > 1 else q[:, 0]
    if shard.existing is not None and shard.penalties is None:
        mean = mean.masked_fill(~torch.tensor(shard.existing, device=q.device), -math.inf)
    counts = torch.zeros_like(mean).view(members, -1).scatter_add_(1, pairs, shares).view_as(mean)
    visits = counts.sum(1, keepdim=True)
    factor = torch.tensor(shard.conservative, device=q.device).view(-1, 1, 1) / critics
    if shard.penalties is not None:
        logs = torch.log_softmax(mean, 1)
        gradient = (logs.exp() * visits - counts) * factor
        penalty = torch.tensor(shard.penalties, device=q.device).view(-1, 1, 1) * (2 / actions) * visits
        return gradient.add_(penalty * (logs - logs.exp() * logs.sum(1, keepdim=True)))
    gradient = (torch.softmax(mean, 1) * visits).sub_(counts).mul_(factor)
    values = target.gather(1, mean.max(1, keepdim=True).indices)[:, 0]
    goals = rewards + discounts * values.gather(1, following)
    gradient = gradient[:, None].expand_as(q).reshape(members, critics, -1).contiguous()
    where = pairs[:, None].expand(-1, critics, -1)
    errors = q.view(members, critics, -1).gather(2, where).sub_(goals[:, None]).clamp_(-1, 1).mul_(shares[:, None])
    return gradient.scatter_add_(2, where, errors).view(-1, actions, rows)


def _batches(shard: Shard, generators: Sequence[np.random.Generator], n_steps: int) -> Iterator[Batch]:
    members = torch.tensor(shard.members, device=shard.device)

    def to_members(indices: Tensor, numbers: Tensor) -> Batch:
        (pairs, following), (rewards, discounts, shares) = (t.index_select(1, members) for t in (indices, numbers))
        return pairs, following, rewards, discounts, shares

    if shard.batch_size is None:
        width = max(i.shape[1] for i in shard.indices)
        padded = [[np.pad(c[log], ((0, 0), (0, width - c[log].shape[1]))) for log in shard.streams]
                  for c in (shard.indices, shard.numbers)]  # fmt: skip
        indices, numbers = (torch.tensor(np.stack(p, 1), device=shard.device) for p in padded)
        yield from repeat(to_members(indices, numbers), n_steps)
        return
    chunk = max(1, CHUNK // shard.batch_size)
    for begun in range(0, n_steps, chunk):
        size = (min(chunk, n_steps - begun), shard.batch_size)
        drawn = [g.integers(shard.indices[log].shape[1], size=size)
                 for log, g in zip(shard.streams, generators, strict=True)]  # fmt: skip
        indices, numbers = (
            torch.tensor(np.stack([c[log][:, d] for log, d in zip(shard.streams, drawn, strict=True)], 2))
            .transpose(0, 1).contiguous().to(shard.device)
            for c in (shard.indices, shard.numbers)
        )  # fmt: skip
        yield from (to_members(i, n) for i, n in zip(indices, numbers, strict=True))


def tables(shard: Shard, parameters: list[Array]) -> Array:
    """What the members answer at every observation, mean over the critics, (M, S, A); clones' are log-probabilities.

    The answers of a member that diverged, whose weights or answers are no finite numbers, are all NaN.
    """
    with one_thread(), torch.no_grad():
        networks = _Networks(_load(shard, parameters), _load(shard, [shard.all_features])[0])
        q = _per_critic(shard, networks.forward()).mean(1)
        everything = (q, *(p.view(len(q), -1) for p in (*networks.weights, *networks.biases)))
        sound = torch.stack([numbers.isfinite().flatten(1).all(1) for numbers in everything]).all(0)
        if shard.all_existing is not None:
            q = q.masked_fill(~torch.tensor(shard.all_existing, device=q.device), -math.inf)
        q = q if shard.penalties is None else torch.log_softmax(q, 1)
        return q.where(sound[:, None, None], torch.nan).mT.cpu().numpy()


def score(mdp: TabularMDP, table: Floats, gamma: float) -> list[float]:
    """Exact score of acting greedily by a table (S, A), then the table's claim about the start and the true value.

    The true value is NaN where it has none: undiscounted, of a policy that need never end. All are NaN of a table of
    NaN: a network that diverged has no policy.
    """
    if np.isnan(table).any():
        return [math.nan] * (len(SCORE_FIELDS) + 2)
    policy = np.eye(mdp.n_actions)[table.argmax(1)]
    try:
        true = float(mdp.start @ mdp.values(policy, gamma)[0])
    except ValueError:
        if gamma < 1:
            raise
        true = math.nan
    return [*mdp.evaluate(policy).as_dict().values(), float(mdp.start @ table.max(1)), true]


def train_and_score(shard: Shard, state: State, until: int, mdp: TabularMDP | None) -> tuple[State, Floats | None]:
    """One task of a worker: `advance`, then, with `mdp`, scores (M, 2, fields) of the averaged and the last weights."""
    state = advance(shard, state, until)
    if mdp is None:
        return state, None
    both = (tables(shard, p).astype(float) / shard.reward_scale for p in (state.average, state.parameters))
    return state, np.stack([[score(mdp, table, shard.gamma) for table in kind] for kind in both], 1)


def _per_critic(shard: Shard, outputs: Tensor) -> Tensor:
    return outputs.view(-1, shard.n_critics, *outputs.shape[1:])


def _load(shard: Shard, arrays: Sequence[Array]) -> list[Tensor]:
    return [torch.tensor(a, device=shard.device) for a in arrays]


def _unload(tensors: Sequence[Tensor]) -> list[Array]:
    return [t.cpu().numpy() for t in tensors]


def generator(state: dict[str, Any]) -> np.random.Generator:
    """One that goes on from a stream's state."""
    stream = np.random.default_rng()
    stream.bit_generator.state = state
    return stream
