"""The curves of a sweep."""

from safegrid.figures.sweeps import plot_sweep


def test_a_sweep_shows_the_same_four_quantities_over_the_weight(original, small_sweep):
    optimum = original.mdp.evaluate(original.mdp.optimal(0.99))
    axes = plot_sweep(small_sweep, {"optimum": optimum}).axes
    assert [ax.get_ylabel().split(" ")[0] for ax in axes] == ["return", "hazard", "claimed", "idle:"]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["0", "6"]
    levels = optimum.as_dict() | {"overestimate": 0.0}
    for ax, field in zip(axes, ("return_mean", "hazard_rate", "overestimate", "timeout_rate"), strict=True):
        assert ax.lines[0].get_ydata().tolist() == [at.estimate for at in small_sweep.curve(field)]
        assert set(ax.lines[1].get_ydata()) == {levels[field]}
    assert axes[1].get_yscale() == "symlog"
