"""The refinement network: its data, its measures and its training."""
