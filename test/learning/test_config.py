"""YAML becomes a dataclass, or one sentence says why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.config import (
    at_least,
    fingerprint,
    override,
    parse,
    read_yaml,
    to_table,
    within,
)


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0
    sizes: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        at_least(0, rate=self.rate)


@dataclass(frozen=True)
class Outer:
    name: str
    deep: bool = False
    mode: Literal['last', 'best'] = 'last'
    limit: int | None = None
    inner: Inner = field(default_factory=Inner)
    sources: dict[str, int] = field(default_factory=dict)
    pair: tuple[float, float] = (0.0, 1.0)


def test_all_kinds_of_values_are_read() -> None:
    outer = parse(Outer, {
        'name': 'a', 'deep': True, 'mode': 'best', 'limit': 3, 'inner': {'rate': 2, 'sizes': [5]},
        'sources': {'x': 1}, 'pair': [1, 2.5],
    }, 'file')
    assert outer == Outer('a', True, 'best', 3, Inner(2.0, (5,)), {'x': 1}, (1.0, 2.5))
    assert parse(Outer, to_table(outer), 'again') == outer
    assert parse(Outer, {'name': 'a', 'limit': None}, 'file') == Outer('a')


def test_exponents_that_yaml_takes_for_text_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / 'a.yaml'
    path.write_text('rate: 1e-3\n')
    assert parse(Inner, read_yaml(path), 'file').rate == 0.001


@pytest.mark.parametrize(('values', 'said'), [
    ({}, 'file: name is missing'),
    ([1], r'file: a table of keys is expected, not \[1\]'),
    ({'name': 'a', 'mod': 'best'}, 'file: mod is not known; mode is'),
    ({'name': 'a', 'zzz': 1}, 'zzz is not known; allowed are deep, inner'),
    ({'name': 3}, 'file: name is 3; a text is allowed'),
    ({'name': 'a', 'deep': 1}, 'deep is 1; true or false is allowed'),
    ({'name': 'a', 'mode': 'first'}, "mode is 'first'; allowed are last, best"),
    ({'name': 'a', 'limit': 1.5}, 'limit is 1.5; a whole number is allowed'),
    ({'name': 'a', 'inner': {'rate': True}}, 'file: inner: rate is True; a number is allowed'),
    ({'name': 'a', 'inner': {'rate': float('nan')}}, 'rate is nan; a number is allowed'),
    ({'name': 'a', 'inner': {'rate': -1}}, 'file: inner: rate is -1; at least 0 is allowed'),
    ({'name': 'a', 'inner': {'sizes': [1, 'x']}}, r"sizes\[1\] is 'x'; a whole number"),
    ({'name': 'a', 'pair': [1]}, 'pair has 1 entries; 2 are allowed'),
    ({1: 2}, 'the key 1 is no text'),
])
def test_each_mistake_is_one_sentence(values: object, said: str) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        parse(Outer, values, 'file')
    assert '\n' not in str(caught.value)


def test_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r'missing\.yaml: cannot be read'):
        read_yaml(tmp_path / 'missing.yaml')
    path = tmp_path / 'bad.yaml'
    path.write_text('a: [1,\nb: 2')
    with pytest.raises(ParameterError, match=r'bad\.yaml: not a YAML file') as caught:
        read_yaml(path)
    assert '\n' not in str(caught.value)


def test_command_line_overrides() -> None:
    values = {'inner': {'rate': 1.0}, 'name': 'a'}
    changed = override(values, ['inner.rate=2', 'deep=true', 'sources.x=4'])
    assert changed == {'inner': {'rate': 2}, 'name': 'a', 'deep': True, 'sources': {'x': 4}}
    assert values == {'inner': {'rate': 1.0}, 'name': 'a'}
    for bad in ('inner.rate', '=3', 'name.x=1', '.a=1'):
        with pytest.raises(ParameterError, match=r'section\.key=value|no table'):
            override(values, [bad])


def test_fingerprint_follows_values() -> None:
    assert fingerprint(Inner()) == fingerprint(Inner(1.0, (1, 2)))
    assert fingerprint(Inner()) != fingerprint(Inner(1.5))


def test_ranges() -> None:
    within(0, 1, share=0.5)
    with pytest.raises(ParameterError, match='share is 2; 0 to 1 is allowed'):
        within(0, 1, share=2)
