"""SafeGrid: learning safe behaviour from a fixed log, in worlds small enough that the truth is known exactly.

Everything a reader needs stands here; `import safegrid` itself loads neither torch nor d3rlpy.
"""

import lazy_loader

from . import env as env  # registers SafeGrid-v0

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mdp": ["TabularMDP", "portable_rng"],
        "scores": ["PolicyScore", "Rollouts"],
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
        "evaluation": [
            "AgentScore",
            "Comparison",
            "compare",
            "score_agent",
        ],
        "intervals": [
            "Interval",
            "interquartile_mean",
            "mean",
            "performance_profile",
            "probability_of_improvement",
        ],
        "ope": [
            "LogModel",
            "bootstrap_interval",
            "create_discrete_fqe",
            "doubly_robust",
            "effective_sample_size",
            "estimate_errors",
            "importance_ratios",
            "importance_sampling",
            "log_model",
            "log_shares",
            "regret",
            "select_episodes",
            "split_episodes",
        ],
        "sweep.results": ["Sweep"],
        "sweep.training": ["train_clone_sweep", "train_sweep"],
        "formats.minari": ["read_minari", "write_minari"],
        "tabular": ["argmax_clone", "conservative_values", "greedy", "tabular_cql"],
        "widgets": ["ConservatismExplorer", "SafetyLab", "Study", "train_button"],
        "plots": [
            "plot_board",
            "plot_cells",
            "plot_comparison",
            "plot_distribution",
            "plot_estimates",
            "plot_lines",
            "plot_losses",
            "plot_lower_tail",
            "plot_profiles",
            "plot_regrets",
            "plot_runs",
            "plot_sensitivity",
            "plot_sweep",
            "plot_training",
            "plot_weights",
        ],
    },
)

__version__ = "0.1.0"
