"""Estimates in words: rows of tables with their intervals."""

from __future__ import annotations

import math

from neuropose_ros.drawing.words import NONE, number, percent
from neuropose_ros.learning.metrics import Estimate


def share(value: float) -> str:
    """Return a share that is a setting, 0.4, as ``40 %``."""
    return f'{100 * value:g} %'


def percent_row(name: str, estimate: Estimate, how: str) -> tuple[str, ...]:
    """Return a row of the table of figures: name, how, value, interval, clips."""
    return (name, how, percent(estimate.value), interval(estimate), str(estimate.count))


def number_row(
    name: str, estimate: Estimate, how: str, decimals: int = 3, unit: str = '',
) -> tuple[str, ...]:
    """Return a row as `percent_row`, of a figure that is no share."""
    return (name, how, number(estimate.value, decimals, unit),
            number_interval(estimate, decimals, unit), str(estimate.count))


def points_row(name: str, estimate: Estimate, how: str) -> tuple[str, ...]:
    """Return a row as `percent_row`, of a difference of two shares."""
    scaled = Estimate(100 * estimate.value, 100 * estimate.low, 100 * estimate.high,
                      estimate.count)
    return number_row(name, scaled, how, 1, 'points')


def interval(estimate: Estimate) -> str:
    """Return the interval."""
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return NONE
    return f'{100 * estimate.low:.1f} to {100 * estimate.high:.1f} %'


def number_interval(estimate: Estimate, decimals: int = 3, unit: str = '') -> str:
    """Return the interval of a figure that is no share."""
    ends = (number(estimate.low, decimals), number(estimate.high, decimals, unit))
    return NONE if NONE in ends else ' to '.join(ends)
