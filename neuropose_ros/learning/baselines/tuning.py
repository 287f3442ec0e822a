"""The best settings of a baseline on clips for training, one setting at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

Settings = TypeVar('Settings', bound=Any)

_MOST_ROUNDS = 6


def tuned(
    start: Settings, choices: Mapping[str, Sequence[Any]],
    figure: Callable[[Settings], float],
) -> Settings:
    """Return the settings of the highest figure, by coordinate ascent from `start`.

    Args:
        start: a frozen dataclass.
        choices: values to try of each field, in turn, until a round changes nothing.
        figure: how good settings are.
    """
    best, high = start, figure(start)
    for _ in range(_MOST_ROUNDS):
        before = best
        for name, values in choices.items():
            for value in values:
                tried = replace(best, **{name: value})
                if tried != best and (found := figure(tried)) > high:
                    best, high = tried, found
        if best == before:
            break
    return best
