"""Readers of data sets: each gives clips and the split that its authors published."""
