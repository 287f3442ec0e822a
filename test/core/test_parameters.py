"""Fields that say what they may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.parameters import check_fields, number


@dataclass(frozen=True)
class Settings:
    speed: float = number(1.0, 0.5, 2.0, 'm/s', 'how fast')
    loud: bool = field(default=False, metadata={'text': 'whether it is heard'})
    mode: str = field(default='a', metadata={'choices': ('a', 'b'), 'text': 'how'})


@pytest.mark.parametrize('values', [{}, {'speed': 2}, {'loud': True}, {'mode': 'b'}])
def test_what_is_allowed_passes(values: dict[str, Any]) -> None:
    check_fields(Settings(**values))


@pytest.mark.parametrize(('values', 'sentence'), [
    ({'speed': 2.1}, 'speed is 2.1 m/s; it must be within 0.5 to 2.0'),
    ({'speed': float('nan')}, 'speed is nan m/s; it must be within 0.5 to 2.0'),
    ({'speed': True}, 'speed is True; it must be a number'),
    ({'speed': '1'}, "speed is '1'; it must be a number"),
    ({'loud': 1}, 'loud is 1; it must be true or false'),
    ({'mode': 'c'}, "mode is 'c'; it must be one of a, b"),
])
def test_what_is_not_allowed_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        check_fields(Settings(**values))
    assert str(refusal.value) == sentence
