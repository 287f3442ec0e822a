"""Poses of other tools as sessions, one module per format."""
