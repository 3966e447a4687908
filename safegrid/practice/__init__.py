"""From page to practice: what stands between a log, a trained policy, and the world."""
