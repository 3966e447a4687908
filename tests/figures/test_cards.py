"""What covered cards tell, what the rules take, and what lies under them."""

import gzip
import json

import numpy as np
import pytest
import traitlets

import safegrid as sg


def test_the_cards_tell_what_the_log_says(cards, sweep, clones, logs, crossroads):
    for c, policies in enumerate([*sweep.policies[:, :, 0], *clones.policies[:, :, 0]]):
        for at, log in enumerate(logs):
            model = sg.log_model(log, crossroads.mdp.n_states, unseen=-100.0)
            score, told = model.evaluate(policies[at], horizon=80), {n: t[c, at] for n, t in cards.estimates.items()}
            assert told["model"] == pytest.approx(model.value(policies[at]))
            assert told["risk"] == pytest.approx(score.hazard_rate + model.unknown_rate(policies[at], 80), abs=1e-6)
            assert told["agreement"] == pytest.approx(policies[at][log.states, log.actions].mean())
            assert told["trips"] == pytest.approx(sg.importance_sampling(log, policies[at], weighted=False))
    assert np.array_equal(cards.estimates["claim"][:-1], sweep.scores("claimed_value")[:, :, 0])
    assert np.isnan(cards.estimates["claim"][-1]).all()


def test_what_lies_under_them_is_exact(cards, crossroads):
    mdp = crossroads.mdp
    for at in range(2):
        value = np.array([mdp.start @ mdp.values(p, 0.99)[0] for p in cards.policies[:, at]])
        assert cards.truth["regret"][:, at] == pytest.approx(value.max() - value)
        score = mdp.evaluate(cards.policies[1, at])
        found = [cards.truth[name][1, at] for name in ("return_mean", "hazard_rate", "timeout_rate")]
        assert found == [score.return_mean, score.hazard_rate, score.timeout_rate]


def test_each_rule_takes_what_it_says(cards):
    told, chosen = cards.estimates, cards.chosen
    for at in range(2):
        assert chosen["its own claim"][at] == told["claim"][:-1, at].argmax()
        assert told["model"][chosen["model of the log"][at], at] == told["model"][:, at].max()
        calm = np.flatnonzero(told["risk"][:, at] < 0.05)
        assert chosen["smallest calm weight"][at] == (calm[0] if calm.size else 0)
    assert {cards.names[c] for c in chosen["always weight 6"]} == {"weight 6"}


def test_every_log_is_dealt_in_an_order_of_its_own(cards):
    for order in cards.order:
        assert sorted(order) == list(range(4))
    assert list(cards.order[0]) == list(np.argsort(sg.portable_rng(0).random(4)))
    assert list(cards.order[0]) != list(cards.order[1])


def test_the_tally_is_the_mean_over_the_logs_with_a_pick(cards):
    assert cards.tally() == {}
    cards.picks = "-c"
    mine = cards.order[1][2]
    regret, hazard = (cards.truth[name] for name in ("regret", "hazard_rate"))
    assert cards.tally()["you"] == (regret[mine, 1], hazard[mine, 1])
    assert cards.tally()["a blind draw"] == pytest.approx((regret[:, 1].mean(), hazard[:, 1].mean()))
    cards.picks = "ac"
    mine = [cards.order[0][0], mine]
    assert cards.tally()["you"] == pytest.approx((regret[mine, [0, 1]].mean(), hazard[mine, [0, 1]].mean()))
    assert set(cards.tally()) == {"you", "a blind draw", *cards.chosen}


def test_it_is_plain_json_of_a_few_kilobytes(cards):
    assert len(gzip.compress(json.dumps(cards.data, allow_nan=False).encode())) < 15_000


def test_what_it_cannot_show_is_refused(cards, sweep, clones, logs, crossroads, original):
    for wrong in ("abc", "ae", "A-"):
        with pytest.raises(traitlets.TraitError, match=f"picks is '{wrong}', expected 2 letters a…d or -"):
            cards.picks = wrong
    with pytest.raises(traitlets.TraitError, match="log is 2, expected a whole number in 0…1"):
        cards.log = 2
    driver = crossroads.behaviour_policy(0.22)
    with pytest.raises(ValueError, match="sweep was trained on 2 logs, expected 1 as logs"):
        sg.CoveredCards(crossroads.mdp, logs[:1], sweep, clones, driver)
    with pytest.raises(ValueError, match="mdp is another world"):
        sg.CoveredCards(original.mdp, logs, sweep, clones, driver)
