"""Parameters that cannot be are refused with one sentence."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.refinement.parameters import RefinementParameters


def test_the_defaults_are_valid_and_described():
    parameters = RefinementParameters()
    assert RefinementParameters(**asdict(parameters)) == parameters
    for item in fields(parameters):
        assert item.metadata['text']
        assert isinstance(item.default, bool) or {'range', 'choices'} & item.metadata.keys()


@pytest.mark.parametrize(('name', 'value', 'message'), [
    ('mode', 'median', 'one of kalman, one_euro, none'),
    ('mode', 3, 'one of'),
    ('max_bridge_s', -0.1, 'within 0.0 to 5.0'),
    ('max_bridge_s', float('nan'), 'within'),
    ('max_bridge_s', '1', 'must be a number'),
    ('max_bridge_s', True, 'must be a number'),
    ('noise_confident', 0.0, 'within'),
    ('acceleration', float('inf'), 'within'),
    ('gate', None, 'must be a number'),
    ('keep_guesses', 1, 'true or false'),
    ('noise_unsure', 0.001, 'must not be below noise_confident'),
    ('gate', 1.0, 'must not be below soft_gate'),
    ('calm_acceleration', 50.0, 'must not be above acceleration'),
    ('lag_frames', 1.5, 'whole number'),
    ('lag_frames', 31, 'within 0 to 30'),
    ('iterations', 0, 'within 1 to 20'),
    ('use_network', 'yes', 'true or false'),
])
def test_impossible_values_are_refused(name, value, message):
    with pytest.raises(ParameterError, match=message) as error:
        RefinementParameters(**{name: value})
    assert name in str(error.value)


def test_whole_numbers_are_numbers():
    assert RefinementParameters(max_bridge_s=1).max_bridge_s == 1
