"""SafeGrid: learning safe behaviour from a fixed log, in worlds small enough that the truth is known exactly.

Everything a reader needs stands here; `import safegrid` itself loads neither torch nor d3rlpy.
"""

import gym_notices.notices
import lazy_loader

from . import env as env  # registers SafeGrid-v0

gym_notices.notices.notices.clear()  # d3rlpy brings the unmaintained gym, which would print a farewell on import

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
            "save_agent",
        ],
        "answers": ["policy_table", "q_table"],
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
        "recipe": ["Recipe", "largest_value", "propose_recipe"],
        "practice.budget": ["BudgetedPolicy", "budgeted_policy"],
        "practice.export": ["export_policy"],
        "practice.evidence": ["Evidence"],
        "practice.faults.finding": ["Finding"],
        "practice.truth": ["Truth"],
        "practice.verdict": ["Verdict"],
        "practice.guard": ["GuardedPolicy", "GuardedScore", "guarded_policy"],
        "practice.monitor": ["MonitorState", "RateMonitor", "ShiftMonitor"],
        "practice.choice": ["Choice", "Judgement", "choose_policy"],
        "sweep.results": ["Sweep"],
        "sweep.training": ["train_clone_sweep", "train_sweep"],
        "formats.minari": ["read_minari", "write_minari"],
        "formats.table": ["read_table", "write_table"],
        "tabular": [
            "argmax_clone",
            "conservative_values",
            "greedy",
            "tabular_cql",
            "tabular_iql",
            "tabular_spibb",
        ],
        "figures.board": ["plot_board", "plot_weights"],
        "figures.cards": ["CoveredCards"],
        "figures.comparisons": ["plot_comparison", "plot_profiles"],
        "figures.coverage_map": ["CoverageMap"],
        "figures.episodes": ["plot_distribution", "plot_lower_tail"],
        "figures.estimates": ["plot_estimates", "plot_regrets"],
        "figures.explorer": ["ConservatismExplorer"],
        "figures.hand_over": ["HandOver"],
        "figures.harm_budget": ["HarmBudget"],
        "figures.headlines": ["Headlines"],
        "figures.laboratory": ["SafetyLab", "Study"],
        "figures.lines": ["plot_lines"],
        "figures.log_report": ["Report", "report"],
        "figures.log_writer": ["LogWriter"],
        "figures.runs": ["plot_runs"],
        "figures.sensitivity": ["plot_sensitivity", "Sensitivity"],
        "figures.sweeps": ["plot_sweep"],
        "figures.balance": ["Balance"],
        "figures.best_driver": ["BestDriver"],
        "figures.side_by_side": ["SideBySide"],
        "figures.story": ["WeightStory"],
        "figures.tables": ["plot_cells"],
        "figures.training_player": ["TrainingPlayer"],
        "figures.votes": ["VoteBoard"],
        "figures.training": ["plot_losses", "plot_training"],
        "figures.training_panel": ["train_button"],
    },
)

__version__ = "0.1.0"
