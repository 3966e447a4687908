"""The page's arithmetic is the package's."""

import numpy as np
import pytest
from example_worlds import MAZE
from reading import LAB, random_laboratory

import safegrid as sg
from safegrid.env import MAPS, SafetyCriticalGridWorld
from safegrid.figures.laboratory import LIMITS

STUDY = """async (settings) => {
  const page = await import(new URL("../_static/figures/study.js", location.href));
  const { world, log, model, clone, q, cql } = page.study(settings);
  const plain = (xs) => Array.from(xs, (x) => (x === -Infinity ? "-inf" : Number(x)));
  const score = ({ score: { visits, ...rest } }) => ({ ...rest, visits: plain(visits) });
  return { next: plain(world.next), chance: plain(world.chance), gain: plain(world.gain), ...Object.fromEntries(
      Object.entries(log).map(([name, column]) => [name, plain(column)])), counts: plain(model.counts),
    clone: plain(clone.policy), q: plain(q), cql: plain(cql.policy), v: plain(cql.v), true_q: plain(cql.q),
    clone_score: score(clone), cql_score: score(cql) };
}"""


WAYS = {
    "goal in the middle": SafetyCriticalGridWorld(goal=(7, 7)).desc,
    "start and goal swapped": SafetyCriticalGridWorld(start=(14, 14), goal=(0, 0)).desc,
    "crossroads mirrored": [row[::-1] for row in MAPS["crossroads"]],
    "no square, with walls": MAZE,
}
DRIVE = """async (settings) => {
  const load = (name) => import(new URL(`../_static/figures/${name}.js`, location.href));
  const [{ gridWorld }, { careless }] = await Promise.all(["world", "drivers"].map(load));
  return Array.from(careless(gridWorld(settings), settings.epsilon));
}"""


@pytest.mark.parametrize("desc", WAYS.values(), ids=WAYS)
def test_the_page_s_driver_heads_for_the_goal_as_the_package_s_does(visit, desc):
    env = SafetyCriticalGridWorld(desc=desc)
    rewards = dict.fromkeys(("step_reward", "hazard_reward", "goal_reward"), 0.0)
    settings = rewards | {"desc": env.desc, "slip_prob": 0.05, "max_steps": 80, "epsilon": 0.22}
    found = visit(LAB).evaluate(DRIVE, settings)
    np.testing.assert_allclose(np.reshape(found, (-1, 4)), env.behaviour_policy(0.22), rtol=0, atol=1e-15)


def test_forty_random_worlds_come_out_as_in_python(visit):
    page, rng = visit(LAB), np.random.default_rng(4)
    for _ in range(40):
        settings = random_laboratory(rng)
        found = page.evaluate(STUDY, settings)
        study = sg.SafetyLab(**settings).study()
        mdp, log = study.env.mdp, study.log
        order = np.argsort(found["episode"], kind="stable")
        v, true_q = mdp.values(study.policy, 0.99)
        wanted = {
            "next": mdp.successors, "chance": mdp.probabilities, "gain": mdp.rewards, "episode": log.episode,
            "state": log.states, "action": log.actions, "reward": log.rewards, "next_state": log.next_states,
            "terminal": log.terminals, "timeout": log.timeouts, "counts": sg.coverage(log, mdp).counts,
            "clone": study.clone, "q": study.q_values, "cql": study.policy, "v": v, "true_q": true_q,
        }  # fmt: skip
        for name, values in wanted.items():
            column = np.array([float(x) for x in found[name]])
            if name in ("episode", "state", "action", "reward", "next_state", "terminal", "timeout"):
                column = column[order]
            assert np.allclose(column, np.ravel(values), rtol=0, atol=1e-6), (name, settings)
        for name, policy in (("clone_score", study.clone), ("cql_score", study.policy)):
            exact, visits = mdp.evaluate(policy).as_dict(), found[name].pop("visits")
            assert found[name] == pytest.approx({key: exact[key] for key in found[name]}, abs=1e-6), settings
            assert np.allclose(visits, mdp.expected_visits(policy), rtol=0, atol=1e-6), settings


def test_page_and_package_have_the_same_limits(visit):
    page = visit(LAB)
    module = "new URL('../_static/figures/laboratory_settings.js', location.href)"
    limits = page.evaluate(f"async () => (await import({module})).LIMITS")
    assert {name: tuple(bounds) for name, bounds in limits.items()} == LIMITS
