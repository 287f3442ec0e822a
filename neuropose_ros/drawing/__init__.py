"""Pictures of results: overlays on frames and plots."""
