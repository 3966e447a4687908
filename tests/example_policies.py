"""One of each kind of policy that can leave: every agent that `fit` promises, and tables."""

import json

from safegrid.agents import create_discrete_bc, create_discrete_cql, create_double_dqn
from safegrid.encoders import OneHotEncoderFactory, ScaledEncoderFactory
from safegrid.env import MAPS
from safegrid.mdpdataset import d3rlpy

SCALERS, ENCODERS, Q = d3rlpy.preprocessing, d3rlpy.models.encoders, d3rlpy.models.q_functions
RANGES = [(0, 14), (0, 14)]


def of_d3rlpy(name, **settings):
    return getattr(d3rlpy.algos, f"{name}Config")(batch_size=32, **settings).create()


MAKERS = {
    "CQL": create_discrete_cql,
    "double DQN": create_double_dqn,
    "BC": create_discrete_bc,
    "CQL on cells": lambda: create_discrete_cql(cells=True),
    "double DQN on scaled numbers": lambda: create_double_dqn(size=None, ranges=RANGES),
    "BC on bare numbers": lambda: create_discrete_bc(size=None),
    "CQL of three critics": lambda: create_discrete_cql(n_critics=3),
    "DQN": lambda: of_d3rlpy("DQN", observation_scaler=SCALERS.MinMaxObservationScaler()),
    "NFQ": lambda: of_d3rlpy("NFQ", observation_scaler=SCALERS.StandardObservationScaler()),
    "BCQ": lambda: of_d3rlpy("DiscreteBCQ", reward_scaler=SCALERS.ReturnBasedRewardScaler()),
    "SAC": lambda: of_d3rlpy("DiscreteSAC", observation_scaler=SCALERS.MinMaxObservationScaler()),
    "SAC of two encoders": lambda: of_d3rlpy(
        "DiscreteSAC",
        actor_encoder_factory=OneHotEncoderFactory(15),
        critic_encoder_factory=ScaledEncoderFactory(RANGES),
    ),
    "CQL of quantiles": lambda: of_d3rlpy("DiscreteCQL", q_func_factory=Q.QRQFunctionFactory(8)),
    "CQL of implicit quantiles": lambda: of_d3rlpy("DiscreteCQL", q_func_factory=Q.IQNQFunctionFactory(8, 8, 8)),
    "DQN of odd layers": lambda: of_d3rlpy(
        "DQN", encoder_factory=ENCODERS.VectorEncoderFactory([16, 16], "gelu", use_batch_norm=True, dropout_rate=0.2)
    ),
    "DQN of shifted rewards": lambda: of_d3rlpy("DoubleDQN", reward_scaler=SCALERS.StandardRewardScaler()),
}  # fmt: skip
"""Every kind that `fit` promises, with our encoders and d3rlpy's, its scalers and its Q functions."""
KINDS = tuple(MAKERS)
NAMES = [*KINDS, *(f"{kind} on {name}" for name in list(MAPS)[1:] for kind in ("CQL", "BC"))]
NAMES += ["a budget's table", "tabular CQL"]
"""The kinds on the default map, two of them on the others, and two tables."""


def card_of(path):
    """What stands in the card of an exported policy."""
    return json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
