"""The curves of a sweep."""

from safegrid.figures.sweeps import plot_sweep


def test_a_sweep_shows_the_same_three_quantities_over_the_weight(original, small_sweep):
    optimum = original.mdp.evaluate(original.mdp.optimal(0.99))
    axes = plot_sweep(small_sweep, {"optimum": optimum}).axes
    assert [ax.get_ylabel().split(" ")[0] for ax in axes] == ["return", "hazard", "claimed"]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["0", "6"]
    for ax, field, level in zip(axes, ("return_mean", "hazard_rate", "overestimate"),
                                (optimum.return_mean, optimum.hazard_rate, 0.0), strict=True):  # fmt: skip
        assert ax.lines[0].get_ydata().tolist() == [at.estimate for at in small_sweep.curve(field)]
        assert set(ax.lines[1].get_ydata()) == {level}
