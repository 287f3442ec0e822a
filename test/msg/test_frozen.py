"""A changed message makes recorded bags unreadable: these are as they were when they shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

FROZEN = json.loads(Path(__file__).with_name('frozen.json').read_text('utf-8'))


@pytest.fixture(scope='module')
def typestore(source_root: Path) -> Typestore:
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted((source_root / 'msg').glob('*.msg')):
        name = f'neuropose_ros/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text('utf-8'), name))
    return store


@pytest.mark.parametrize('name', FROZEN)
def test_definition_has_its_type_hash(name: str, typestore: Typestore) -> None:
    assert typestore.hash_rihs01(f'neuropose_ros/msg/{name}') == FROZEN[name]['rihs01']


@pytest.mark.parametrize('name', FROZEN)
def test_built_type_has_its_type_hash(name: str) -> None:
    """What the generators made of it, and what goes over the wire."""
    packages = pytest.importorskip('ament_index_python.packages', reason='needs ROS 2')
    share = Path(packages.get_package_share_directory('neuropose_ros'))
    built = json.loads((share / 'msg' / f'{name}.json').read_text('utf-8'))
    hashes = {entry['type_name']: entry['hash_string'] for entry in built['type_hashes']}
    assert hashes[f'neuropose_ros/msg/{name}'] == FROZEN[name]['rihs01']


@pytest.mark.parametrize('name', FROZEN)
def test_constants_mean_what_they_meant(name: str, typestore: Typestore) -> None:
    """The hash does not cover them."""
    constants = typestore.fielddefs[f'neuropose_ros/msg/{name}'][0]
    assert {constant: value for constant, _, value in constants} == FROZEN[name]['constants']


def test_every_message_says_whether_it_may_change(source_root: Path) -> None:
    for path in sorted((source_root / 'msg').glob('*.msg')):
        text = path.read_text('utf-8')
        promised = 'FROZEN' if path.stem in FROZEN else 'PROVISIONAL'
        assert f'# {promised}:' in text, f'{path.name} does not say {promised}'
