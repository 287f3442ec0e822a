"""The table of parameters refuses what cannot be."""

from __future__ import annotations

from dataclasses import fields

import pytest

from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.core.errors import ParameterError


def test_every_parameter_is_described():
    for item in fields(ActionParameters):
        assert item.metadata['text']


@pytest.mark.parametrize(('changes', 'words'), [
    ({'least_coverage': 1.5}, 'within 0.0 to 1.0'),
    ({'memory_s': 'long'}, 'must be a number'),
    ({'use_scene': 1}, 'true or false'),
    ({'max_age_s': float('nan')}, 'max_age_s is nan'),
    ({'memory_s': 0.2, 'max_age_s': 0.5}, 'must not be below max_age_s')])
def test_impossible_parameters_are_refused(changes, words):
    with pytest.raises(ParameterError, match=words):
        ActionParameters(**changes)
