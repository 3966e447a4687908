"""What the story of the weight carries into the page, and what it refuses."""

import gzip
import json

import numpy as np
import pytest
import traitlets

import safegrid as sg


def test_what_it_carries_is_the_first_network_of_the_first_log(story, sweep, logs, crossroads):
    data, mdp = story.data, crossroads.mdp
    live = ~mdp.terminal
    q = data["q_unit"] * np.reshape(data["q_values"], (3, -1, 4))
    assert np.abs(q - sweep.q_values[:, 0, 0])[:, live].max() <= data["q_unit"] / 2 + 1e-6
    policies = np.array([list(map(int, digits)) for digits in data["policies"]])
    assert (policies == sweep.q_values[:, 0, 0].argmax(-1))[:, live].all()
    assert np.reshape(data["driver"], (-1, 4)) == pytest.approx(crossroads.behaviour_policy(0.22), abs=1e-9)
    clone = sg.argmax_clone(logs[0], mdp)
    assert (np.array(list(map(int, data["clone"]))) == clone.argmax(-1))[live].all()
    assert (np.reshape(data["counts"], (-1, 4)) == sg.coverage(logs[0], mdp).counts).all()


def test_it_begins_at_weight_0_and_marks_the_weights_of_the_story(story):
    assert (story.weight, story.beside, story.layer) == (0.0, "driver", "visits")
    assert [story.data["weights"][at] for at in story.data["marks"]] == [0.0, 6.0]
    story.index = 1
    assert story.weight == 6.0


def test_it_is_plain_json_of_a_few_kilobytes(story):
    assert len(gzip.compress(json.dumps(story.data, allow_nan=False).encode())) < 30_000


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("index", 3, r"index is 3, expected a whole number in 0…2"),
        ("beside", "nobody", "expected any of .'driver', 'clone'.|one of"),
        ("layer", "height", "expected any of|one of"),
    ],
)
def test_a_value_that_cannot_be_shown_is_named(story, name, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(story, name, value)
    assert story.index == 0


def test_another_world_or_driver_is_refused(sweep, logs, original, crossroads):
    with pytest.raises(ValueError, match="mdp is another world"):
        sg.WeightStory(sweep, original.mdp, logs[0], original.behaviour_policy(0.22))
    with pytest.raises(ValueError, match="driver"):
        sg.WeightStory(sweep, crossroads.mdp, logs[0], np.ones((225, 4)))
