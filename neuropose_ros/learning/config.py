"""Strict reading of YAML files into frozen dataclasses: each mistake is one sentence.

A dataclass says what may be there: its fields' names, types and defaults. Scalars, ``X | None``,
``Literal``, ``tuple[X, ...]``, ``dict[str, X]`` and further dataclasses are understood; ranges
are the dataclass' own business (a `ParameterError` from ``__post_init__``).
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from neuropose_ros.core.errors import ParameterError

Section = TypeVar('Section')


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the table of a YAML file.

    Raises:
        ParameterError: there is no such file, or it is no table.
    """
    try:
        values = yaml.safe_load(path.read_text('utf-8'))
    except OSError as error:
        raise ParameterError(f'{path}: cannot be read ({error.strerror})') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        words = ' '.join(str(error).split())
        raise ParameterError(f'{path}: not a YAML file ({words})') from error
    return _table(values, str(path))


def parse(section: type[Section], values: Any, where: str) -> Section:
    """Read a table into a dataclass.

    Args:
        values: what the file has there; None = nothing, all defaults.
        where: file and section, for people.

    Raises:
        ParameterError: a key is unknown, missing, of another type or out of range.
    """
    table = _table({} if values is None else values, where)
    hints = typing.get_type_hints(section)
    fields = {field.name: field for field in dataclasses.fields(section)  # type: ignore[arg-type]
              if field.init}
    for key in table:
        if key not in fields:
            raise ParameterError(f'{where}: {key} is not known{_hint(key, list(fields))}')
    taken = {}
    for name, field in fields.items():
        if name in table:
            taken[name] = _value(hints[name], table[name], f'{where}: {name}')
        elif (field.default is dataclasses.MISSING
              and field.default_factory is dataclasses.MISSING):
            raise ParameterError(f'{where}: {name} is missing')
    try:
        return section(**taken)
    except (ParameterError, ValueError) as error:
        raise ParameterError(f'{where}: {error}') from error


def override(values: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Return a table with ``section.key=value`` from a command line put in (values are YAML).

    Raises:
        ParameterError: an assignment has another form.
    """
    chosen = {}
    for assignment in assignments:
        path, equals, text = assignment.partition('=')
        if not equals or not all(path.split('.')):
            raise ParameterError(f'{assignment!r}: section.key=value is expected')
        try:
            chosen[path] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ParameterError(f'{assignment!r}: the value is no YAML') from error
    return replaced(values, chosen)


def replaced(values: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with other values for some ``section.key``.

    Raises:
        ParameterError: on the way there is no table.
    """
    changed: dict[str, Any] = json.loads(json.dumps(dict(values)))
    for path, value in chosen.items():
        *sections, key = path.split('.')
        place = changed
        for section in sections:
            if place.get(section) is None:
                place[section] = {}
            place = place[section]
            if not isinstance(place, dict):
                raise ParameterError(f'{path}: {section} is no table')
        place[key] = value
    return changed


def to_table(section: Any) -> dict[str, Any]:
    """Return a dataclass as plain tables, lists and scalars that YAML and JSON can hold."""
    table: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(section)))
    return table


def fingerprint(section: Any) -> str:
    """Return 12 hex digits that change whenever a value of the dataclass does."""
    text = json.dumps(to_table(section), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def at_least(least: float, **values: float) -> None:
    """Check values by their names.

    Raises:
        ParameterError: one is smaller.
    """
    for name, value in values.items():
        if value < least:
            raise ParameterError(f'{name} is {value:g}; at least {least:g} is allowed')


def within(least: float, most: float, **values: float) -> None:
    """Check values by their names.

    Raises:
        ParameterError: one is outside.
    """
    for name, value in values.items():
        if not least <= value <= most:
            raise ParameterError(f'{name} is {value:g}; {least:g} to {most:g} is allowed')


def _table(values: Any, where: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise ParameterError(
            f'{where}: a table of keys is expected, not {reprlib.repr(values)}')
    for key in values:
        if not isinstance(key, str):
            raise ParameterError(f'{where}: the key {key!r} is no text')
    return dict(values)


def _hint(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f'; {close[0]} is' if close else f'; allowed are {", ".join(sorted(known))}'


def _value(wanted: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return parse(wanted, value, where)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments or type(value) not in {type(known) for known in arguments}:
            known = ', '.join(map(str, arguments))
            raise ParameterError(f'{where} is {value!r}; allowed are {known}')
        return value
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin in (dict, Mapping):
        return {key: _value(arguments[1], item, f'{where}: {key}')
                for key, item in _table(value, where).items()}
    return _scalar(wanted, value, where)


def _union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    problem = ParameterError(where)
    for choice in choices:
        if choice is not type(None):
            try:
                return _value(choice, value, where)
            except ParameterError as error:
                problem = error
    raise problem


def _tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ParameterError(f'{where} is {reprlib.repr(value)}; a list is allowed')
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    elif len(arguments) != len(value):
        raise ParameterError(f'{where} has {len(value)} entries; {len(arguments)} are allowed')
    return tuple(_value(wanted, item, f'{where}[{i}]')
                 for i, (wanted, item) in enumerate(zip(arguments, value, strict=True)))


def _scalar(wanted: Any, value: Any, where: str) -> Any:
    if wanted is float:
        number = _number(value)
        if number is not None:
            return number
    elif wanted is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif wanted in (bool, str):
        if isinstance(value, wanted):
            return value
    elif wanted is Any:
        return value
    else:
        raise TypeError(f'{where}: a field of type {wanted} cannot be read from YAML')
    names = {float: 'a number', int: 'a whole number', bool: 'true or false', str: 'a text'}
    raise ParameterError(f'{where} is {reprlib.repr(value)}; {names[wanted]} is allowed')


def _number(value: Any) -> float | None:
    if isinstance(value, str):  # YAML 1.1 reads 1e-3 as a text
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
