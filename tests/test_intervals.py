"""Intervals over logs: their estimates are scipy's, and they cover what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import trim_mean

from safegrid.intervals import Interval, interquartile_mean, mean, performance_profile, probability_of_improvement


@settings(deadline=None, max_examples=10)
@given(
    values=st.lists(st.floats(-100, 100), min_size=4, max_size=12),
    shift=st.floats(-50, 50),
)
def test_the_interval_holds_the_trimmed_mean_and_moves_with_the_scores(values, shift):
    here, there = interquartile_mean(np.array(values)), interquartile_mean(np.array(values) + shift)
    assert here.estimate == pytest.approx(trim_mean(values, 0.25))
    assert here.low - 1e-9 <= here.estimate <= here.high + 1e-9
    assert np.array([there.estimate, there.low, there.high]) - shift == pytest.approx(
        np.array([here.estimate, here.low, here.high]), abs=1e-6
    )


def test_the_interval_covers_about_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    hits = [i.low <= 0 <= i.high for i in (mean(rng.normal(size=30), seed=k) for k in range(100))]
    assert 85 <= sum(hits) <= 100


def test_each_world_is_resampled_among_its_own_logs():
    spread = interquartile_mean([np.zeros(10), np.full(10, 100.0)])
    assert (spread.low, spread.estimate, spread.high) == (50.0, 50.0, 50.0)
    assert interquartile_mean(np.r_[np.zeros(10), np.full(10, 100.0)]).high > 60


def test_network_seeds_of_one_log_stay_together():
    scores = np.repeat(np.array([[0.0], [1.0], [5.0], [9.0]]), 50, axis=1)
    once = interquartile_mean(scores[:, :1])
    assert interquartile_mean(scores).high == pytest.approx(once.high, abs=1.0)


def test_one_log_leaves_nothing_to_resample():
    alone = interquartile_mean(np.array([[3.0, 5.0]]))
    assert alone.estimate == 4.0
    assert np.isnan([alone.low, alone.high]).all()


@pytest.mark.parametrize(
    ("interval", "returns", "rate"),
    [
        (Interval(21.34, 21.02, 21.41), "21.3 [21.0, 21.4]", None),  # as on the book's maps
        (Interval(-6.53, -31.2, 14.94), "-6.5 [-31.2, 14.9]", None),
        (Interval(21.34, 21.31, 21.41), "21.34 [21.31, 21.41]", None),
        (Interval(0.4212, 0.2731, 0.5726), "0.42 [0.27, 0.57]", None),
        (Interval(0.81234, 0.81012, 0.81456), "0.812 [0.810, 0.815]", "81.2% [81.0%, 81.5%]"),
        (Interval(0.0032, 0.0019, 0.0043), None, "0.3% [0.2%, 0.4%]"),
        (Interval(0.00051, 0.00022, 0.00093), None, "0.05% [0.02%, 0.09%]"),
        (Interval(0.1234), "0.12", "12.3%"),
        (Interval(0.1234, np.nan, np.nan), "0.12", "12.3%"),
        (Interval(21.34, -np.inf, np.inf), "21.3", None),
        (Interval(-np.inf, -np.inf, -np.inf), "-inf [-inf, -inf]", None),  # every run diverged
        (Interval(12.34, -np.inf, 15.6), "12.3 [-inf, 15.6]", None),
        (Interval(0.5, 0.5, 0.5), "0.50 [0.50, 0.50]", "50.0% [50.0%, 50.0%]"),
        (Interval(0.0, 0.0, 0.0), "0.0 [0.0, 0.0]", "0.0% [0.0%, 0.0%]"),
        (Interval(20.3, 20.3, 20.3 + 1e-14), "20.3 [20.3, 20.3]", None),
        (Interval(-1e-17), "0.0", "0.0%"),
    ],
)
def test_one_decimal_hides_no_return_between_0_and_1_and_one_log_has_no_interval(interval, returns, rate):
    assert returns in (None, str(interval))
    assert rate in (None, f"{interval:%}")


def test_at_least_as_many_decimals_as_asked_for():
    assert f"{Interval(21.3, 20, 22):.4}" == "21.3000 [20.0000, 22.0000]"
    assert f"{Interval(0.0032, 0.0019, 0.0043):.2%}" == "0.32% [0.19%, 0.43%]"


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 2)), np.zeros((0, 1))])
def test_scores_have_two_axes(bad):
    with pytest.raises(ValueError, match=r"strata\[0\] has shape"):
        interquartile_mean([bad])


def test_a_profile_is_the_share_of_runs_above_and_falls_from_all_to_none():
    scores = np.random.default_rng(1).normal(size=(8, 3))
    levels = np.array([-9.0, -1.0, 0.0, scores[2, 1], 9.0])
    profile = performance_profile(scores, levels)
    assert [i.estimate for i in profile] == pytest.approx([(scores > level).mean() for level in levels])
    assert [profile[k].low for k in (0, -1)] == pytest.approx([1.0, 0.0])
    assert all(i.low < i.estimate < i.high for i in profile[1:4])


def test_a_profile_has_the_interval_of_the_share_s_mean():
    scores = np.random.default_rng(2).normal(size=(12, 2))
    (band,), plain = performance_profile(scores, [0.3]), mean((scores > 0.3).astype(float))
    assert (band.estimate, band.low, band.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=0.05)


def test_a_profile_of_two_worlds_counts_them_alike_and_draws_each_among_its_own():
    (band,) = performance_profile([np.zeros(4), np.ones(40)], [0.5])
    assert [band.low, band.estimate, band.high] == pytest.approx([0.5] * 3)


def test_one_log_leaves_a_profile_without_a_band():
    (band,) = performance_profile(np.array([[1.0, 3.0]]), [2.0])
    assert band.estimate == 0.5
    assert np.isnan([band.low, band.high]).all()


def test_thresholds_are_a_list_of_numbers():
    with pytest.raises(ValueError, match=r"thresholds has shape \(1, 2\)"):
        performance_profile(np.zeros(3), [[0.0, 1.0]])


def test_a_quarter_of_lost_runs_leaves_the_middle_half_and_an_endless_interval():
    runs = np.arange(20.0)[:, None]
    runs[0] = -np.inf
    summary = interquartile_mean(runs)
    assert summary.estimate == pytest.approx(runs.ravel()[5:15].mean())
    assert np.isfinite([summary.low, summary.high]).all()
    runs[:6] = -np.inf
    summary = interquartile_mean(runs)
    assert (summary.estimate, summary.low) == (-np.inf, -np.inf)
    assert np.isfinite(summary.high)


def test_improvement_compares_runs_of_the_same_log():
    x, y = np.array([[1.0, 4.0], [10.0, 10.0], [0.0, 0.0]]), np.array([[2.0, 2.0], [9.0, 11.0], [0.0, 0.0]])
    found = probability_of_improvement(x, y)
    assert found.estimate == pytest.approx((0.5 + 0.5 + 0.5) / 3)
    assert probability_of_improvement(y, x).estimate == pytest.approx(1 - found.estimate)
    shifted = x + np.array([[0.0], [100.0], [-100.0]])
    better = probability_of_improvement(shifted, shifted - 5)  # more than two networks of one log differ by
    assert [better.low, better.estimate, better.high] == pytest.approx([1.0] * 3)


def test_improvement_needs_the_same_logs():
    with pytest.raises(ValueError, match="y has 2 logs, expected 3"):
        probability_of_improvement(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("name", ["x", "y"])
def test_improvement_over_no_number_is_refused(name):
    scores = {"x": np.zeros((3, 2)), "y": np.ones((3, 2))}
    scores[name][1, 0] = np.nan
    with pytest.raises(ValueError, match=rf"{name} in row 1 is \[nan .*\], expected numbers"):
        probability_of_improvement(**scores)
