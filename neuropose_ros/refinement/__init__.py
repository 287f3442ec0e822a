"""From measured poses to better ones: causal filtering, joint states, feedback."""
