/* The code that makes the same laboratory with the package, for a reader to copy. */

import { GAMMA } from "./laboratory_settings.js";

export function asPython(s) {
  const desc = JSON.stringify(s.desc).replaceAll(",", ",\n          ");
  const driver = s.driver === "expert" ? "expert" : "behaviour";
  const n_steps = s.n_steps ?? "None";
  const own_dice = s.own_dice ? "True" : "False";
  return `import safegrid as sg

env = sg.SafetyCriticalGridWorld(
    desc=${desc},
    max_steps=${s.max_steps}, slip_prob=${s.slip_prob},
    step_reward=${s.step_reward}, hazard_reward=${s.hazard_reward}, goal_reward=${s.goal_reward},
)
driver = env.${driver}_policy(${s.epsilon})
log = sg.sample_episodes(env.mdp, driver, ${s.n_episodes}, sg.portable_rng(${s.seed}), own_dice=${own_dice})
clone = sg.argmax_clone(log, env.mdp)
q = sg.tabular_cql(
    log, env.mdp, ${s.conservative_weight},
    reward_scale=${s.reward_scale}, n_steps=${n_steps}, belief=${s.belief},
)

for name, policy in {"clone": clone, "CQL": sg.greedy(q)}.items():
    print(name, env.mdp.evaluate(policy))
print("claimed", env.mdp.start @ q.max(1), "true", env.mdp.start @ env.mdp.values(sg.greedy(q), ${GAMMA})[0])
`;
}
