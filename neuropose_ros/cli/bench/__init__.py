"""Measure one claim of this package, beside what people use today."""
