"""Reading a table of a YAML file strictly: each mistake is one sentence that says where."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Collection, Mapping
from typing import Any

from neuropose_ros.core.errors import ModelError

_REQUIRED: Any = object()


class Fields:
    """A table whose keys are taken one by one; a key that nobody took is a mistake."""

    def __init__(self, values: Any, where: str) -> None:
        """Take a table.

        Args:
            values: what the YAML file has there.
            where: file, entry and key, for people.

        Raises:
            ModelError: it is no table, or a key is no text.
        """
        if not isinstance(values, Mapping):
            raise ModelError(f'{where}: a table of keys is expected, not {reprlib.repr(values)}')
        self._where = where
        self._values = dict(values)
        self._known: list[str] = []

    def mistake(self, key: str, what: str) -> ModelError:
        """Return the error for a key."""
        return ModelError(f'{self._where}: {key} {what}')

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def _take(self, key: str, default: Any) -> Any:
        self._known.append(key)
        if key in self._values:
            return self._values.pop(key)
        if default is _REQUIRED:
            raise self.mistake(key, 'is missing')
        return default

    def text(
        self, key: str, default: str = _REQUIRED, allowed: Collection[str] = (),
    ) -> str:
        """Take a text; one of ``allowed`` unless that is empty."""
        if allowed and default is _REQUIRED and key not in self._values:
            raise self.mistake(key, f'is missing; allowed are {", ".join(allowed)}')
        value = self._take(key, default)
        if allowed and value not in allowed:
            raise self.mistake(key, f'is {value!r}; allowed are {", ".join(allowed)}')
        if not isinstance(value, str) or (not value and default is _REQUIRED):
            raise self.mistake(key, f'is {value!r}; a text is allowed')
        return value

    def whole(self, key: str, default: int = _REQUIRED, most: int = 1 << 31) -> int:
        """Take a whole number from 1 to ``most``."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise self.mistake(
                key, f'is {reprlib.repr(value)}; a whole number from 1 up to {most} is allowed')
        return value

    def number(
        self, key: str, default: float = _REQUIRED,
        limits: tuple[float, float] = (-math.inf, math.inf),
    ) -> float:
        """Take a finite number, not beyond ``limits``."""
        value = self._take(key, default)
        least, most = limits
        if not _is_number(value) or not least <= value <= most:
            bounds = (f' from {least:g}' if least > -math.inf else '') + (
                f' to {most:g}' if most < math.inf else '')
            raise self.mistake(key, f'is {value!r}; a number{bounds} is allowed')
        return float(value)

    def three(self, key: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
        """Take three numbers, or one that stands for all three."""
        value = self._take(key, default)
        if _is_number(value):
            value = [value] * 3
        if not isinstance(value, (list, tuple)) or len(value) != 3 or not all(
                map(_is_number, value)):
            raise self.mistake(key, f'is {value!r}; a number, or a list of three, is allowed')
        first, second, third = map(float, value)
        return first, second, third

    def texts(self, key: str, default: tuple[str, ...] = _REQUIRED) -> tuple[str, ...]:
        """Take a list of texts, or one text whose words are the list."""
        value = self._take(key, default)
        if isinstance(value, str):
            value = value.split()
        if not isinstance(value, (list, tuple)) or not all(
                isinstance(item, str) and item for item in value):
            raise self.mistake(key, f'is {value!r}; a list of texts is allowed')
        return tuple(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Take a list of numbers."""
        value = self._take(key, _REQUIRED)
        if not isinstance(value, list) or not all(map(_is_number, value)):
            raise self.mistake(key, f'is {value!r}; a list of numbers is allowed')
        return tuple(map(float, value))

    def anything(self, key: str, default: Any = None) -> Any:
        """Take whatever is there."""
        return self._take(key, default)

    def table(self, key: str) -> Fields:
        """Take a table; an empty one where the key is absent."""
        return self.inside(key, self._take(key, {}))

    def inside(self, key: str, values: Any) -> Fields:
        """Return a table that stands under a key."""
        return Fields(values, f'{self._where}: {key}')

    def remaining(self) -> tuple[Any, ...]:
        """Return the keys that nobody took yet."""
        return tuple(self._values)

    def done(self) -> None:
        """Refuse the keys that nobody took.

        Raises:
            ModelError: there is one.
        """
        for key in self._values:
            raise self.mistake(
                str(key), f'is not known; allowed are {", ".join(sorted(set(self._known)))}')


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and abs(value) <= sys.float_info.max)  # nor an int that no float holds
