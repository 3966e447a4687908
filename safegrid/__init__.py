"""SafeGrid: learning safe behaviour from a fixed log, in worlds small enough that the truth is known exactly.

Everything a reader needs stands here; `import safegrid` itself loads neither torch nor d3rlpy.
"""

import lazy_loader

from . import env as env  # registers SafeGrid-v0

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mdp": ["PolicyScore", "Rollouts", "TabularMDP", "portable_rng"],
        "env": ["MAPS", "Action", "SafetyCriticalGridWorld"],
        "dataset": [
            "Coverage",
            "Episodes",
            "build_mdpdataset",
            "coverage",
            "generate_offline_episodes",
            "sample_episodes",
        ],
        "agents": [
            "create_discrete_bc",
            "create_discrete_cql",
            "create_double_dqn",
            "fit",
            "load_agent",
            "policy_table",
            "q_table",
            "save_agent",
        ],
        "evaluation": ["AgentScore", "Comparison", "Interval", "compare", "interquartile_mean", "mean", "score_agent"],
        "sweep": ["Sweep", "train_clone_sweep", "train_sweep"],
        "tabular": ["argmax_clone", "greedy", "tabular_cql"],
        "widgets": ["ConservatismExplorer", "SafetyLab", "Study", "train_button"],
        "plots": [
            "plot_board",
            "plot_comparison",
            "plot_curve",
            "plot_distribution",
            "plot_losses",
            "plot_runs",
            "plot_sweep",
            "plot_weights",
        ],
    },
)

__version__ = "0.1.0"
