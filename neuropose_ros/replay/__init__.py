"""Recordings through the stages again, offline: the same input gives the same output."""
