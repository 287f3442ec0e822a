"""A recogniser is put where nodes find it, whole and only if it runs."""

from __future__ import annotations

import hashlib
import json

import pytest

from neuropose_ros.action.store import VARIABLE, find_recogniser
from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.learning.deploy import DeploySettings, deploy, name_for_node

from ..recognisers import write_arm_recogniser


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / 'place'))
    return tmp_path / 'place'


@pytest.fixture
def source(tmp_path):
    return write_arm_recogniser(tmp_path / 'exported')


def test_it_is_found_by_its_name(place, source):
    (source / 'MODEL_CARD.md').write_text('card')
    assert deploy(source) == place / 'arm' == find_recogniser('arm')
    assert (place / 'arm' / 'MODEL_CARD.md').read_text() == 'card'
    assert name_for_node(place / 'arm') == 'arm'
    assert [path.name for path in place.iterdir()] == ['arm']


def test_another_of_that_name_stays_unless_it_is_to_be_replaced(place, source, tmp_path):
    deploy(source)
    other = write_arm_recogniser(tmp_path / 'other', unknown=0.3)
    with pytest.raises(ModelError, match='one of that name already'):
        deploy(other)
    deploy(other, DeploySettings(replace=True))
    assert (place / 'arm' / 'step.onnx').read_bytes() == (other / 'step.onnx').read_bytes()
    assert deploy(other, DeploySettings(name='arm_2')) == place / 'arm_2'


def test_elsewhere_it_is_named_by_its_path(place, source, tmp_path):
    target = deploy(source, DeploySettings(to=str(tmp_path / 'elsewhere')))
    assert name_for_node(target) == str(tmp_path / 'elsewhere' / 'arm')


def test_what_is_damaged_is_not_deployed(place, source):
    (source / 'step.onnx').write_bytes(b'')
    with pytest.raises(ModelError, match='damaged'):
        deploy(source)
    assert not place.exists()


def test_what_does_not_run_is_not_deployed(place, source):
    (source / 'step.onnx').write_bytes(b'not a network')
    description = json.loads((source / 'recogniser.json').read_text())
    description['networks']['step.onnx'] = hashlib.sha256(b'not a network').hexdigest()
    (source / 'recogniser.json').write_text(json.dumps(description))
    with pytest.raises(ModelError, match=r'cannot load step\.onnx'):
        deploy(source)
    description['networks'] = {}
    (source / 'recogniser.json').write_text(json.dumps(description))
    with pytest.raises(ModelError, match='whole clips only'):
        deploy(source)


def test_a_place_that_cannot_be_written_is_said(source, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ModelError, match='cannot be written'):
        deploy(source, DeploySettings(to=str(tmp_path / 'file')))


@pytest.mark.parametrize('name', ['a/b', '..', '.hidden'])
def test_a_name_must_be_one_of_a_folder(name):
    with pytest.raises(ParameterError, match='plain name'):
        DeploySettings(name=name)
