"""The parameter table."""

import pytest

from neuropose_ros.nodes.parameters import ParameterSpec, markdown

RATE = ParameterSpec('rate_hz', 30.0, 'Rate.', unit='Hz', minimum=0.0, maximum=100.0)
MODE = ParameterSpec('mode', 'a', 'Mode.', choices=('a', 'b'))
COUNT = ParameterSpec('count', 3, 'Count.', minimum=1)
FLAG = ParameterSpec('flag', True, 'Flag.')


@pytest.mark.parametrize(('spec', 'value'), [
    (RATE, 0.0), (RATE, 100.0), (MODE, 'b'), (COUNT, 1), (COUNT, 10**6), (FLAG, False),
])
def test_good_values_pass(spec: ParameterSpec, value: object) -> None:
    assert spec.problem(value) is None


@pytest.mark.parametrize(('spec', 'value', 'says'), [
    (RATE, 100.1, '0 .. 100 Hz'),
    (RATE, float('nan'), 'finite'),
    (RATE, 30, 'write 30.0'),
    (RATE, '30', 'type float'),
    (MODE, 'c', "one of 'a', 'b'"),
    (COUNT, 0, '1 .. inf'),
    (COUNT, True, 'type int'),
    (FLAG, 1, 'type bool'),
])
def test_bad_values_get_one_sentence(spec: ParameterSpec, value: object, says: str) -> None:
    problem = spec.problem(value)
    assert problem is not None
    assert spec.name in problem
    assert says in problem
    assert '\n' not in problem


def test_markdown_has_a_row_for_each() -> None:
    table = markdown([RATE, MODE])
    assert '| `rate_hz` | float | `30.0` | 0 .. 100 Hz | no | Rate. |' in table
    assert "| `mode` | string | `'a'` | `a`, `b` | no | Mode. |" in table
