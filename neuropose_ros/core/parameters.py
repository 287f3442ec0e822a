"""Parameters as fields of a dataclass, with text, unit and range in their metadata.

What a stage is made with, what its node declares and what the docs list is then one table.
"""

from __future__ import annotations

import math
from dataclasses import field, fields
from typing import Any

from neuropose_ros.core.errors import ParameterError


def number(default: float, low: float, high: float, unit: str, text: str) -> Any:
    """Return a field that holds a number within ``low`` and ``high``."""
    return field(default=default, metadata={'range': (low, high), 'unit': unit, 'text': text})


def whole_number(default: int, low: int, high: int, unit: str, text: str) -> Any:
    """Return a field that holds a whole number within ``low`` and ``high``."""
    return field(default=default, metadata={
        'range': (low, high), 'unit': unit, 'text': text, 'whole': True})


def check_fields(parameters: Any) -> None:
    """Check every field by its metadata: ``choices``, ``range``, or else true or false.

    Raises:
        ParameterError: a value has the wrong type or is out of range.
    """
    for item in fields(parameters):
        _check(item.name, getattr(parameters, item.name), item.metadata)


def _check(name: str, value: object, metadata: Any) -> None:
    if 'choices' in metadata:
        if value not in metadata['choices']:
            raise ParameterError(
                f'{name} is {value!r}; it must be one of {", ".join(metadata["choices"])}')
    elif 'range' in metadata:
        low, high = metadata['range']
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f'{name} is {value!r}; it must be a number')
        if metadata.get('whole') and not isinstance(value, int):
            raise ParameterError(f'{name} is {value!r}; it must be a whole number')
        if not (math.isfinite(value) and low <= value <= high):
            raise ParameterError(
                f'{name} is {value} {metadata["unit"]}; it must be within {low} to {high}')
    elif not isinstance(value, bool):
        raise ParameterError(f'{name} is {value!r}; it must be true or false')
