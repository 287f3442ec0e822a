"""Sessions as files that other programs open, one module per format."""
