"""The exact odds of headlines, held against counted ones, and what the figure refuses."""

import gzip
import json

import numpy as np
import pytest
import traitlets
from scipy.stats import binom

import safegrid as sg
from safegrid.figures.headline_odds import N_BARS, SIDE, Law, crash_odds, return_law, return_odds, summed


def test_the_law_of_a_trip_has_the_exact_mean_and_spread(original, pair):
    for (policy,) in pair:
        law, score = return_law(original.mdp, policy), original.mdp.evaluate(policy)
        values = law.least + np.arange(len(law.odds))
        assert law.odds.sum() == pytest.approx(1)
        assert law.odds @ values == pytest.approx(score.return_mean)
        assert np.sqrt(law.odds @ values**2 - (law.odds @ values) ** 2) == pytest.approx(score.return_std)


def test_a_law_summed_is_the_law_added_one_by_one():
    law = Law(-2, np.array([0.2, 0.0, 0.5, 0.3]))
    by_hand = np.convolve(np.convolve(law.odds, law.odds), law.odds)
    total = summed(law, 3)
    assert total.least == -6
    assert total.odds == pytest.approx(by_hand)


def test_bars_of_returns_are_the_share_of_the_pairs_that_lie_that_far_apart():
    ours, others = Law(-3, np.array([0.1, 0.2, 0.3, 0.4])), Law(-20, np.append(np.zeros(15), np.full(26, 1 / 26)))
    bars = np.zeros(N_BARS)
    for a, p in enumerate(ours.odds, ours.least):
        for b, q in enumerate(others.odds, others.least):
            low, high = sorted([a, b])
            ahead = SIDE if low == 0 != high else 0 if high == low else min(SIDE, SIDE * (high - low) // abs(low))
            bars[SIDE + (ahead if b > a else -ahead)] += p * q
    assert return_odds(ours, others) == pytest.approx(bars, abs=1e-12)


def test_bars_of_crashes_are_binomial():
    bars = crash_odds(0.02, 0.01, 10)
    assert bars.sum() == pytest.approx(1)
    assert bars[SIDE] == pytest.approx(sum(binom.pmf(k, 10, 0.02) * binom.pmf(k, 10, 0.01) for k in range(11)))
    one = sum(binom.pmf(k + 1, 10, 0.02) * binom.pmf(k, 10, 0.01) for k in range(10))
    assert bars[SIDE + 10] == pytest.approx(one)  # ours crashed once more in ten drives: ten points


@pytest.mark.parametrize("about", ["return", "crashes"])
def test_the_odds_are_the_shares_of_many_tests(headlines, original, pair, about):
    rng, n, counts = np.random.default_rng(0), 30, np.zeros(3)
    (ours,), (others,) = pair
    trips = [original.mdp.rollouts(policy, 1_000 * n, rng) for policy in (ours, others)]
    totals = [trip.returns.reshape(-1, n).sum(1) for trip in trips]
    crashes = [np.add.reduceat(trip.costs, np.flatnonzero(np.diff(trip.episode, prepend=-1))) for trip in trips]
    if about == "return":
        low, high = np.sort(totals, 0)
        clear = (high - low) >= 0.25 * np.abs(low)
        won = np.where(clear, np.sign(totals[1] - totals[0]), 0)
    else:
        one, two = (c.reshape(-1, n).sum(1) for c in crashes)
        won = np.sign(one - two)
    for side in (-1, 0, 1):
        counts[side + 1] = (won == side).mean()
    assert headlines.odds(n, about) == pytest.approx(counts, abs=0.05)
    assert sum(headlines.odds(n, about)) == pytest.approx(1)


def test_it_carries_the_policies_and_their_scores_in_a_few_kilobytes(headlines, original, pair):
    data = headlines.data
    for kind, (policy,) in enumerate(pair):
        score = original.mdp.evaluate(policy)
        assert data["scores"][kind] == [[score.return_mean, score.hazard_rate]]
        assert data["policies"][kind] == ["".join(map(str, policy.argmax(1)))]
    assert len(gzip.compress(json.dumps(data, allow_nan=False).encode())) < 15_000


def test_what_it_cannot_show_is_refused(original, pair):
    ours, others = pair
    with pytest.raises(ValueError, match="ours are 1 policies and others 2, expected as many of each"):
        sg.Headlines(original.mdp, ours, others * 2)
    with pytest.raises(ValueError, match=r"ours row .*expected probabilities that sum to 1"):
        sg.Headlines(original.mdp, [2 * ours[0]], others)
    odd = sg.SafetyCriticalGridWorld(step_reward=-0.5)
    with pytest.raises(ValueError, match=r"reward -0\.5, expected whole numbers"):
        sg.Headlines(odd.mdp, ours, others)
    with pytest.raises(traitlets.TraitError, match="tests"):
        sg.Headlines(original.mdp, ours, others, tests=0)
