"""Figures in words: the way every number stands in a report."""

from __future__ import annotations

import math

NONE = '–'


def percent(value: float) -> str:
    """Return 0..1 as per cent with one decimal."""
    return f'{100 * value:.1f} %' if math.isfinite(value) else NONE


def number(value: float, decimals: int = 3, unit: str = '') -> str:
    """Return a number, as far as there is one."""
    if math.isinf(value):
        return 'not reached'
    return f'{value:.{decimals}f}{unit and " " + unit}' if math.isfinite(value) else NONE
