"""A monitor sounds where the world has changed, and where it has not, no more often than was agreed."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, ks_1samp

from safegrid.dataset import Episodes, generate_offline_episodes, sample_episodes
from safegrid.env import SafetyCriticalGridWorld
from safegrid.practice.monitor import POWERS, RateMonitor, ShiftMonitor
from safegrid.tabular import greedy, tabular_cql

SMALL = {"size": 4, "hazard_coords": [(1, 2), (2, 0)], "max_steps": 12}


@pytest.fixture(scope="module")
def small():
    return SafetyCriticalGridWorld(**SMALL)


@pytest.fixture(scope="module")
def log(small):
    return generate_offline_episodes(small, 150, seed=0)


def tosses(outcomes):
    """Episodes of one step from one state, whose outcome is an end without harm or with it."""
    n = len(outcomes)
    return Episodes.from_arrays(
        np.zeros((n, 1)),
        np.zeros(n, int),
        np.zeros(n),
        np.ones(n, bool),
        n_actions=1,
        costs=np.asarray(outcomes, float),
    )


def test_where_steps_are_exchangeable_ranks_are_uniform_and_alarms_as_rare_as_agreed():
    rng, n, alpha = np.random.default_rng(0), 600, 0.2

    def after(steps):
        log, drives = (tosses(rng.random(size) < 0.15) for size in (20, steps))
        return ShiftMonitor(log, alpha=alpha, seed=rng).update(drives)

    once = 2 * np.exp([after(1).log_evidence for _ in range(n)])  # the larger of two capitals
    small, tails = once > 1.1, 1.0 - _share_that_pays(1.1)
    assert small.sum() == pytest.approx(n * (1.0 - tails), abs=4 * np.sqrt(n) / 2)
    assert ks_1samp(once[small], lambda worth: 1.0 - _share_that_pays(worth) / (1.0 - tails)).pvalue > 0.001
    assert sum(after(40).alarm for _ in range(n)) <= binom.ppf(0.999, n, alpha)


def _share_that_pays(worth):
    """Of shares p in (0, 1], all alike, how many pay more than `worth` after one bet on everywhere."""
    shares = np.geomspace(1e-12, 1.0, 20_001)
    pays = (POWERS * shares[:, None] ** (POWERS - 1.0)).mean(1)  # falls
    return np.interp(worth, pays[::-1], shares[::-1])


def test_in_a_world_that_stays_the_same_alarms_are_as_rare_as_agreed(small):
    n, alpha, driver = 300, 0.2, small.behaviour_policy(0.4)
    alarms = [
        ShiftMonitor(generate_offline_episodes(small, 60, seed=seed), small.mdp, alpha=alpha, seed=seed)
        .update(sample_episodes(small.mdp, driver, 40, 1_000 + seed))
        .alarm
        for seed in range(n)
    ]
    assert 0 < sum(alarms) <= binom.ppf(0.999, n, alpha)


def test_a_gross_shift_is_noticed_within_ten_episodes(rooms):
    log = generate_offline_episodes(rooms, seed=100)
    policy = greedy(tabular_cql(log, rooms.mdp))
    slippery = SafetyCriticalGridWorld(map_name="rooms", slip_prob=0.5)
    moved = SafetyCriticalGridWorld(size=15, hazard_coords=[(7, y) for y in range(15) if y != 10])
    for world, seed in itertools.product((slippery, moved), range(5)):
        state = ShiftMonitor(log, rooms.mdp, seed=seed).update(sample_episodes(world.mdp, policy, 10, seed))
        assert state.alarm
        assert 1 <= state.alarm_episode <= 10 == state.episodes


def test_the_pair_that_changed_has_added_most(small, log):
    policy = greedy(tabular_cql(log, small.mdp))
    passed = np.where(small.mdp.terminal | (small.mdp.start > 0), 0.0, small.mdp.occupancy(policy))
    trap = tuple(small.mdp.observations[passed.argmax()].astype(int).tolist())
    trapped = SafetyCriticalGridWorld(**SMALL | {"hazard_coords": [*SMALL["hazard_coords"], trap]})
    drives = sample_episodes(trapped.mdp, policy, 10, 0)
    state = ShiftMonitor(log, small.mdp).update(drives)
    fell = drives.states[drives.next_states == small.state_of(trap)]
    assert small.state_of(state.observations[0]) == np.bincount(fell).argmax()
    assert (np.diff(state.contributions) <= 0).all()
    assert state.contributions.sum() == pytest.approx(state.log_evidence + np.log(2))  # the larger of two capitals
    assert len(state.contributions) == len(np.unique(np.stack([drives.states, drives.actions]), axis=1).T)


def test_in_however_many_parts_episodes_come_the_evidence_is_the_same(small, log):
    drives = [sample_episodes(small.mdp, small.behaviour_policy(0.3), 5, seed) for seed in range(4)]
    parts, whole = (ShiftMonitor(log, small.mdp, harm_rate=0.1, seed=3) for _ in range(2))
    states = [parts.update(part) for part in drives]
    assert states[-1] == whole.update(Episodes.concatenate(drives))
    assert states[0].episodes == 5
    assert "20 episodes, evidence" in str(states[-1])


def test_an_alarm_is_kept(small, log):
    policy = greedy(tabular_cql(log, small.mdp))
    slippery = SafetyCriticalGridWorld(**SMALL, slip_prob=0.8)
    monitor = ShiftMonitor(log, small.mdp)
    first = monitor.update(sample_episodes(slippery.mdp, policy, 10, 0))
    later = monitor.update(sample_episodes(small.mdp, policy, 300, 0))
    assert later.log_evidence < first.log_evidence
    assert (later.alarm, later.alarm_episode) == (True, first.alarm_episode)


def test_pairs_that_the_log_never_took_say_nothing_when_they_are_met_once():
    """Two logs that differ in what they saw elsewhere: the same dice, the same evidence."""

    def path(n, first):
        places = np.arange(first, first + n, dtype=float)[:, None]
        return Episodes.from_arrays(places, np.zeros(n, int), np.zeros(n), np.arange(n) == n - 1, n_actions=1)

    new = path(30, 100)
    one, other = (ShiftMonitor(path(n, 0), seed=5).update(new) for n in (3, 50))
    assert one == other
    alarms = [ShiftMonitor(path(3, 0), alpha=0.2, seed=seed).update(new).alarm for seed in range(300)]
    assert sum(alarms) <= binom.ppf(0.999, 300, 0.2)


def test_with_and_without_its_world_and_the_looks_of_ends_the_evidence_is_the_same(small, log):
    drives = generate_offline_episodes(small, 20, seed=9)
    known = ShiftMonitor(log, small.mdp).update(drives)
    assert ShiftMonitor(log).update(drives) == known
    unknown = replace(drives, next_observations=np.where(drives.terminals[:, None], 0, drives.next_observations))
    assert ShiftMonitor(log).update(unknown) == known


def test_a_promised_rate_of_harm_is_bet_against_as_well(small, log):
    drives = generate_offline_episodes(small, 30, seed=9)
    steps = ShiftMonitor(log, small.mdp).update(drives).log_evidence + np.log(2)  # the larger of two capitals
    harm = RateMonitor(0.02).update(drives.harmful).log_evidence
    both = ShiftMonitor(log, small.mdp, harm_rate=0.02).update(drives)
    assert harm > steps
    assert both.log_evidence == pytest.approx(harm - np.log(3))
    assert both.alarm


def mean_evidence(promised, true, n=9):
    """Over all sequences of n episodes."""
    total = 0.0
    for events in itertools.product((0, 1), repeat=n):
        chance = np.prod(np.where(events, true, 1 - true))
        total += chance * np.exp(RateMonitor(promised).update(np.array(events)).log_evidence)
    return total


def test_a_promise_that_is_kept_earns_nothing_on_average_and_one_that_is_broken_does():
    assert mean_evidence(0.1, 0.1) == pytest.approx(1.0)
    assert mean_evidence(0.1, 0.05) < 1.0 < 2.0 < mean_evidence(0.1, 0.3)


def test_a_rate_that_is_ten_times_the_promised_one_is_noticed():
    rng = np.random.default_rng(0)
    found = [RateMonitor(0.01).update(rng.random(300) < 0.1).alarm_episode for _ in range(50)]
    assert all(found)
    assert np.median(found) < 60
    kept = [RateMonitor(0.01).update(rng.random(300) < 0.01).alarm for _ in range(200)]
    assert sum(kept) <= binom.ppf(0.999, 200, 0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha is 0.0, expected a number between 0 and 1, neither of them"),
        ({"alpha": 2.0}, "alpha is 2.0, expected a number of at least 0, at most 1"),
        ({"harm_rate": 0.0}, "harm_rate is 0.0, expected a number between 0 and 1, neither of them"),
        ({"seed": -1}, "seed is -1, expected a whole number of at least 0"),
    ],
)
def test_a_bad_argument_is_named(log, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ShiftMonitor(log, **change)


def test_episodes_of_another_kind_are_refused_and_leave_no_trace(small, log):
    monitor, untouched = ShiftMonitor(log, small.mdp), ShiftMonitor(log, small.mdp)
    drives = generate_offline_episodes(small, 5, seed=9)
    with pytest.raises(ValueError, match="observations of length 1 and 1 actions, expected 2 and 4 as the log"):
        monitor.update(tosses([0]))
    strange = drives.states.copy()
    strange[3] = 99
    with pytest.raises(ValueError, match="states in row 3 is 99, expected a state of the mdp"):
        monitor.update(replace(drives, states=strange))
    assert monitor.update(drives) == untouched.update(drives)
    with pytest.raises(ValueError, match="events in row 1 is 2, expected a truth value"):
        RateMonitor(0.1).update([0, 2])
