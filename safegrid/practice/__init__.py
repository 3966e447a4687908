"""From page to practice: what stands between a trained policy and the world."""
