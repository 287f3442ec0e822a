"""A recogniser's description survives its file, and damage is one sentence."""

from __future__ import annotations

import json

import pytest

from neuropose_ros.action.description import (
    FILE_NAME,
    RecogniserDescription,
    read_description,
    write_description,
)
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import JHMDB15


@pytest.fixture
def description() -> RecogniserDescription:
    return RecogniserDescription(
        'little', JHMDB15, 2, LabelSet('little', ('sit', 'wave')), 15.0, 4.0,
        {'cache': (8, 3), 'age': (1,)}, {'scale': 'torso'}, 0.6, 'mobilenet', 1024, 0.2,
        {'step.onnx': 'ab' * 32}, {'seeds': [0, 1]})


def test_it_is_read_as_it_was_written(description, tmp_path):
    write_description(description, tmp_path)
    assert read_description(tmp_path) == description


def test_a_folder_without_it_is_no_recogniser(tmp_path):
    with pytest.raises(ModelError, match='neuropose export'):
        read_description(tmp_path)


@pytest.mark.parametrize('damage', [
    lambda fields: fields.pop('layout'),
    lambda fields: fields.pop('states'),
    lambda fields: fields['labels'].update(labels=[]),
    lambda fields: fields['layout'].update(edges=[[0, 99]]),
    lambda fields: fields.update(colour='red'),
    lambda fields: fields.update(format=99),
    lambda fields: fields.update(rate_hz=0),
    lambda fields: fields.update(rate_hz='15'),
    lambda fields: fields.update(rate_hz=float('nan')),
    lambda fields: fields.update(window_s=-1),
    lambda fields: fields.update(window_s=1e9),
    lambda fields: fields.update(dimensions=4),
    lambda fields: fields.update(unknown_threshold=float('nan')),
    lambda fields: fields.update(unknown_threshold=None),
    lambda fields: fields.update(decision_delay_s=None),
    lambda fields: fields.update(scene_model=''),
    lambda fields: fields.update(name=None),
    lambda fields: fields.update(name=''),
    lambda fields: fields.update(name='../elsewhere'),
    lambda fields: fields.update(name='..'),
    lambda fields: fields.update(networks=[]),
    lambda fields: fields['labels'].update(labels=[1, 2]),
])
def test_a_damaged_or_foreign_one_is_refused_by_name(description, tmp_path, damage):
    write_description(description, tmp_path)
    path = tmp_path / FILE_NAME
    fields = json.loads(path.read_text())
    damage(fields)
    path.write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=FILE_NAME):
        read_description(tmp_path)


@pytest.mark.parametrize('text', ['', 'no json', '[]'])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ModelError, match='export it again'):
        read_description(tmp_path)
