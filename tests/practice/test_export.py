"""A policy in another program, which has neither what made it nor what trained it, answers as it does here."""

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import torch
from example_policies import ENCODERS, NAMES, SCALERS, card_of, of_d3rlpy

from safegrid.agents import create_discrete_bc, create_discrete_cql, fit, save_agent, trained_network
from safegrid.answers import policy_table, q_table
from safegrid.dataset import Episodes
from safegrid.intervals import Interval
from safegrid.practice.export import export_policy, exported_files

FRESH = """
import sys
from pathlib import Path
for name in FORBIDDEN:
    sys.modules[name] = None  # an import of it fails
import numpy as np
folder, refused = Path(sys.argv[1]), []
asked = dict(np.load(folder / "asked.npz"))
for file in sorted(folder.glob("*SUFFIX")):
    LOAD
    answers = {}
    for batch, observations in asked.items():
        answers |= {f"{batch} {name}": answer for name, answer in run(observations).items()}
    for wrong in (np.zeros((2, 3), np.float32), np.zeros(2, np.float32)):
        try:
            run(wrong)
        except Exception:
            refused.append(wrong.shape)
    np.savez(folder / f"{file.stem}.answers.npz", **answers)
print(len(refused), sorted(name for name in FORBIDDEN if sys.modules[name] is not None))
"""
"""Runs every file of a folder on every batch, in a process that cannot import what made them."""

FORBIDDEN = ["d3rlpy", "safegrid", "gymnasium", "gym", "scipy"]
RUN_ONNX = """
    session = onnxruntime.InferenceSession(str(file))
    names = [output.name for output in session.get_outputs()]
    run = lambda x: dict(zip(names, session.run(None, {"observations": x})))
"""
RUN_TORCHSCRIPT = """
    loaded = torch.jit.load(str(file))
    run = lambda x: {name: answer.numpy() for name, answer in loaded(torch.from_numpy(x)).items()}
"""
FRESH_ONNX = FRESH.replace("SUFFIX", ".onnx").replace("LOAD", RUN_ONNX.strip())
FRESH_ONNX = FRESH_ONNX.replace("import numpy as np", "import numpy as np, onnxruntime")
FRESH_TORCH = FRESH.replace("SUFFIX", ".pt").replace("LOAD", RUN_TORCHSCRIPT.strip())
FRESH_TORCH = FRESH_TORCH.replace("import numpy as np", "import numpy as np, torch")
PROCESSES = {".onnx": (FRESH_ONNX, [*FORBIDDEN, "torch", "onnx"]), ".pt": (FRESH_TORCH, FORBIDDEN)}

NAN, INF = np.nan, np.inf
ODD = np.array([[NAN, 3], [3, NAN], [INF, 3], [3, -INF], [15, 3], [3, 15], [-1, 3], [3, -1e-6], [0.5, 3], [1e30, 3]])
BATCHES = {"one": 1, "seven": 7, "a thousand": 1_000, "none": 0}


def answered(names, suffix, policies, worlds, short_logs, asked, folder):
    """What the files of policies answer in another process, by policy, batch and output; and what that process said."""
    np.savez(folder / "asked.npz", **asked)
    for i, name in enumerate(names):
        policy, place = policies[name]
        export_policy(policy, folder / f"{i}{suffix}", observations=worlds[place].mdp, log=short_logs[place])
    code, forbidden = PROCESSES[suffix]
    code = code.replace("FORBIDDEN", repr(forbidden))
    done = subprocess.run([sys.executable, "-I", "-c", code, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: dict(np.load(folder / f"{i}.answers.npz")) for i, name in enumerate(names)}, done.stdout.split()


@pytest.fixture(scope="module")
def asked(worlds):
    states = worlds["original"].mdp.observations  # and those of all other maps
    assert all(np.array_equal(env.mdp.observations, states) for env in worlds.values())
    rng = np.random.default_rng(0)
    batches = {name: states[rng.integers(len(states), size=n)] for name, n in BATCHES.items()}
    return {"every state": states, "odd": ODD.astype(np.float32), **batches}


def truth(policy, observations):
    """What a policy answers here, by output, and how far from it a file may be."""
    if isinstance(policy, np.ndarray):  # of the states of its map, which are asked about
        return {"actions": policy.argmax(1), "probabilities": policy}, {"probabilities": 1e-7}
    found, tolerances = {"actions": policy_table(policy, observations).argmax(1)}, {"probabilities": 1e-5}
    with suppress(ValueError):  # it claims no values, or none in raw reward
        found["values"] = q_table(policy, observations)
        scale = policy.reward_scaler.transform_numpy(np.ones(1))[0] if policy.reward_scaler else 1.0
        tolerances["values"] = 1e-5 * max(np.abs(found["values"]).max(), 1 / scale)
    with suppress(ValueError):  # it has no probabilities
        found["probabilities"] = policy_table(policy, observations, stochastic=True)
    return found, tolerances


def check_answers(policy, answers, asked):
    """In every state of its map the same action, and the same claims; in batches as alone; and nothing in no state."""
    (expected, tolerances), states = truth(policy, asked["every state"]), asked["every state"]
    found = {name: answers[f"every state {name}"] for name in expected}
    assert {key.split()[-1] for key in answers} == set(expected)
    np.testing.assert_array_equal(found["actions"], expected["actions"])
    for name in set(expected) - {"actions"}:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerances[name])

    place = {tuple(row): i for i, row in enumerate(states)}
    for batch in BATCHES:
        rows = np.array([place[tuple(row)] for row in asked[batch]], int)
        for name, alone in found.items():
            together = answers[f"{batch} {name}"]
            assert together.dtype == (np.int64 if name == "actions" else np.float32)
            assert together.shape == alone[rows].shape
            np.testing.assert_allclose(together, alone[rows], rtol=0, atol=tolerances.get(name, 0))

    for row, observation in enumerate(asked["odd"]):
        wanted = -1
        if not isinstance(policy, np.ndarray):
            with suppress(ValueError):
                wanted = policy_table(policy, observation[None]).argmax()
        assert answers["odd actions"][row] == wanted
        numbers = [answers[f"odd {name}"][row] for name in set(expected) - {"actions"}]
        assert all(np.isnan(number).all() == (wanted == -1) for number in numbers)
    assert (answers["odd actions"][:4] == -1).all()  # what is not finite


OUTPUTS = {
    "BC": "probabilities",
    "SAC": "probabilities values",
    "DQN of shifted rewards": "",
    "tabular CQL": "probabilities",
}


@pytest.mark.parametrize("name", NAMES)
def test_in_onnxruntime_alone_a_policy_answers_as_it_does_here(name, policies, worlds, short_logs, asked, tmp_path):
    answers, said = answered([name], ".onnx", policies, worlds, short_logs, asked, tmp_path)
    check_answers(policies[name][0], answers[name], asked)
    assert said == ["2", "[]"]  # observations of other shapes were refused, and nothing of ours was imported
    if name in OUTPUTS:
        assert {key.split()[-1] for key in answers[name]} == {"actions", *OUTPUTS[name].split()}


@pytest.fixture(scope="module")
def torchscripts(policies, worlds, short_logs, asked, tmp_path_factory):
    return answered(NAMES, ".pt", policies, worlds, short_logs, asked, tmp_path_factory.mktemp("torchscripts"))


@pytest.mark.parametrize("name", NAMES)
def test_in_torch_alone_a_policy_answers_as_it_does_here(name, policies, torchscripts, asked):
    answers, said = torchscripts
    check_answers(policies[name][0], answers[name], asked)
    assert said == [str(2 * len(NAMES)), "[]"]


AGAIN = """
import sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="gym|d3rlpy|dataclasses_json|marshmallow")
import safegrid as sg
sg.export_policy
assert not {"onnx", "onnxruntime", "onnxscript"} & set(sys.modules)
log = sg.Episodes.load(sys.argv[2])
for suffix in (".onnx", ".pt"):
    sg.export_policy(sg.load_agent(sys.argv[1]), sys.argv[3] + suffix, log=log, licence="MIT")
"""


def test_the_same_policy_and_log_make_the_same_bytes_in_any_process_and_no_warning(agent, short_log, tmp_path):
    saved = save_agent(agent, tmp_path / "agent.npz"), short_log.save(tmp_path / "log.npz")
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, *saved, tmp_path / "there" / "policy"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for suffix in PROCESSES:
        here = export_policy(agent, tmp_path / "here" / f"policy{suffix}", log=short_log, licence="MIT")
        for file in exported_files(here):
            assert file.read_bytes() == (tmp_path / "there" / file.name).read_bytes()


def test_pictures_go_in_as_they_are(tmp_path):
    encoder = ENCODERS.PixelEncoderFactory([[2, 3, 1]], feature_size=4)
    agent = of_d3rlpy("DQN", encoder_factory=encoder, observation_scaler=SCALERS.PixelObservationScaler())
    agent.create_impl((1, 6, 6), 3)
    path = export_policy(agent, tmp_path / "policy.pt")
    pictures = np.random.default_rng(0).integers(0, 256, (5, 1, 6, 6)).astype(np.float32)
    answers = torch.jit.load(str(path))(torch.from_numpy(pictures))
    np.testing.assert_array_equal(answers["actions"].numpy(), policy_table(agent, pictures).argmax(1))
    assert card_of(path)["inputs"][0]["shape"] == ["batch", 1, 6, 6]


TABLE, ROWS = np.full((3, 4), 0.25), np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "policy.h5"}, "path is policy.h5, expected a name that ends in .onnx or .pt"),
        ({"path": "policy"}, "path is policy, expected a name that ends in .onnx or .pt"),
        ({"agent": "policy.npz"}, "agent is a str, expected one that learns to choose among discrete actions"),
        ({"agent": create_discrete_cql()}, "agent is a DiscreteCQL that was never trained"),
        ({"observations": None}, "observations is None, expected those of the table's rows"),
        ({"observations": ROWS[:2]}, "observations has 2 rows, expected 3 as policy"),
        ({"observations": ROWS[[0, 1, 0]]}, r"observations in row 2 are \[0.0, 1.0\], as in row 0"),
        ({"observations": np.where(ROWS == 3, np.nan, ROWS)}, "observations in row 1 is .*expected finite numbers"),
        ({"observations": ROWS * 2**24 + 1}, "observations in row 0 is .* float32 holds"),
        ({"agent": TABLE * 2}, r"policy row \(0,\) is .*expected probabilities that sum to 1"),
        ({"agent": np.full((2, 3, 4), 0.25)}, r"policy has shape \(2, 3, 4\), expected \(S, A\)"),
        ({"log": "log.npz"}, "log is a str, expected Episodes"),
        ({"licence": ""}, "licence is '', expected a text of one line"),
        ({"licence": "MIT\n"*2}, "licence is 'MIT.nMIT.n', expected a text of one line"),
        ({"date": "31 January"}, "date is '31 January', expected a day such as"),
        ({"limits": "Not for roads."}, "limits is 'Not for roads.', expected a list of sentences"),
        ({"limits": [3]}, r"limits\[0\] is 3, expected a text of one line"),
        ({"scores": Interval(1.0)}, "scores is a Interval, expected scores by name"),
        ({"scores": {"exact": "good"}}, r"scores\['exact'\] is 'good', expected a PolicyScore, an Interval"),
        ({"scores": {"": 1.0}}, "a name in scores is '', expected a text of one line"),
    ],
)  # fmt: skip
def test_an_argument_that_does_not_fit_is_named_and_nothing_is_written(arguments, message, tmp_path):
    given = {"agent": TABLE, "path": "policy.pt", "observations": ROWS} | arguments
    agent, path = given.pop("agent"), given.pop("path")
    with pytest.raises(ValueError, match=message):
        export_policy(agent, tmp_path / path, **given)
    assert not list(tmp_path.iterdir())


def test_a_log_of_another_policy_is_named(agent, short_log, tmp_path):
    wide = Episodes.from_arrays(np.zeros((2, 3)), [0, 1], [0.0, 0.0], [False, True], n_actions=4)
    with pytest.raises(
        ValueError, match=r"log has observations of shape \(3,\) and 4 actions, the policy takes \(2,\)"
    ):
        export_policy(agent, tmp_path / "policy.pt", log=wide)
    far = Episodes.from_arrays(np.full((2, 2), 99.0), [0, 1], [0.0, 0.0], [False, True], n_actions=4)
    with pytest.raises(ValueError, match="takes whole coordinates in 0…14"):
        export_policy(agent, tmp_path / "policy.pt", log=far)


def test_a_network_that_diverged_is_not_exported(short_log, tmp_path):
    agent = create_discrete_bc()
    fit(agent, short_log, 1, progress=False)
    with torch.no_grad():
        next(trained_network(agent).parameters()).fill_(np.nan)
    with pytest.raises(ValueError, match="has diverged"):
        export_policy(agent, tmp_path / "policy.pt")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(agent, tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*policy\.pt"):
        export_policy(agent, tmp_path / "missing" / "policy.pt")


def test_the_agent_is_left_as_it_was(short_log, tmp_path):
    agent = create_discrete_cql()
    fit(agent, short_log, 3, progress=False)
    before = {name: (p.clone(), p.requires_grad) for name, p in trained_network(agent).named_parameters()}
    export_policy(agent, tmp_path / "policy.pt", log=short_log)
    for name, weights in trained_network(agent).named_parameters():
        assert torch.equal(weights, before[name][0])
        assert weights.requires_grad == before[name][1]
    fit(agent, short_log, 1, progress=False)
