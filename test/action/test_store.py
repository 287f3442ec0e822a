"""Where recognisers are found."""

from __future__ import annotations

import pytest

from neuropose_ros.action import store
from neuropose_ros.core.errors import ModelError

from .step_graphs import write_recogniser


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Three places of the user's own; the package's is left out."""
    monkeypatch.setenv('NEUROPOSE_RECOGNISERS', f'{tmp_path / "one"}:{tmp_path / "two"}')
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path / 'data'))
    monkeypatch.setattr('neuropose_ros.core.places.config_folder', lambda: tmp_path / 'config')
    return [tmp_path / 'one', tmp_path / 'two', tmp_path / 'data' / 'neuropose' / 'recognisers',
            tmp_path / 'config' / 'recognisers']


def test_the_first_place_wins(places):
    for place in reversed(places):
        write_recogniser(place / 'gym')
        assert store.find_recogniser('gym') == place / 'gym'
    assert store.list_recognisers() == {'gym': places[0] / 'gym'}
    assert store.deploy_folder() == places[0]


def test_no_name_is_the_default(places):
    folder = write_recogniser(places[3] / store.DEFAULT)
    assert store.find_recogniser() == folder


def test_a_path_is_taken_as_it_is(places, tmp_path):
    folder = write_recogniser(tmp_path / 'mine' / 'gym')
    assert store.find_recogniser(str(folder)) == folder


def test_an_unknown_name_is_told_what_there_is(places):
    write_recogniser(places[1] / 'gym')
    with pytest.raises(ModelError, match=r"no recogniser 'yoga' \(there is: gym\)"):
        store.find_recogniser('yoga')


def test_a_folder_without_a_recogniser_is_refused(places, tmp_path):
    with pytest.raises(ModelError, match='not a recogniser'):
        store.find_recogniser(str(tmp_path))


def test_the_data_folder_is_the_place_when_none_is_set(places, monkeypatch):
    monkeypatch.delenv('NEUROPOSE_RECOGNISERS')
    assert store.deploy_folder() == places[2]
    monkeypatch.setenv('XDG_DATA_HOME', 'relative')
    monkeypatch.setenv('HOME', '/somebody')
    assert str(store.deploy_folder()) == '/somebody/.local/share/neuropose/recognisers'
