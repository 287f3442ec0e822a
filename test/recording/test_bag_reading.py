"""Bags are read without ROS, whole or torn, with or without metadata.yaml."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from neuropose_ros.core import wire
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.recording.bag_reading import Bag, is_bag, open_bag
from neuropose_ros.recording.bag_types import PACKAGE, message_types, own_types

PLUGINS = pytest.mark.parametrize('plugin', StoragePlugin, ids=lambda plugin: plugin.name)
TOPIC = '/poses'


def write_bag(folder: Path, plugin: StoragePlugin, numbers: range = range(300)) -> Path:
    store, types = own_types(), message_types()
    kind = f'{PACKAGE}PersonArray'
    with Writer(folder, version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection(TOPIC, kind, typestore=store)
        for number in numbers:
            frame = PoseFrame(number + 1, number, COCO17.id, 64, 48, frame_id='x' * 4000)
            message = wire.pose_frame_to_message(frame, types)
            writer.write(connection, number + 1, store.serialize_cdr(message, kind))
    return folder


def storage(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.suffix in {'.mcap', '.db3'})


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:int(len(data) * share)])


def numbers(bag: Bag) -> list[int]:
    return [wire.pose_frame_from_message(message).frame_seq
            for _, _, message in bag.messages([TOPIC])]


@PLUGINS
def test_every_message_comes_in_order(tmp_path: Path, plugin: StoragePlugin) -> None:
    folder = write_bag(tmp_path / 'bag', plugin)
    for path in (folder, storage(folder)):
        assert is_bag(path)
        bag = open_bag(path)
        assert bag.of_type(f'{PACKAGE}PersonArray') == [TOPIC]
        assert numbers(bag) == list(range(300))
        assert bag.damage == ''


@PLUGINS
@pytest.mark.parametrize('share', [0.5, 0.97])
def test_a_torn_bag_gives_what_is_whole_and_says_what_is_not(
    tmp_path: Path, plugin: StoragePlugin, share: float,
) -> None:
    folder = write_bag(tmp_path / 'bag', plugin, range(1500))
    cut(storage(folder), share)
    bag = open_bag(folder)
    found = numbers(bag)
    assert found == list(range(len(found)))
    assert share * 1500 * 0.6 < len(found) < 1500
    assert f'damaged after {len(found)} messages' in bag.damage


@PLUGINS
@pytest.mark.parametrize('name', ['walk', 'walk.of.2026'])
def test_a_bag_without_metadata_is_read_file_by_file(
    tmp_path: Path, plugin: StoragePlugin, name: str,
) -> None:
    whole = tmp_path / 'whole'
    whole.mkdir()
    for part in (10, 9, 0):
        file = storage(write_bag(tmp_path / f'{part}', plugin, range(part, part + 1)))
        shutil.copy(file, whole / f'{name}_{part}{file.suffix}')
    bag = open_bag(whole)
    assert numbers(bag) == [0, 9, 10]
    assert 'metadata.yaml is missing' in bag.damage


def test_a_file_without_any_message_is_refused(tmp_path: Path) -> None:
    for name, content in (('a.mcap', b''), ('b.mcap', b'no bag'), ('c.db3', b'nor this')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            open_bag(tmp_path / name)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match=r'no \.mcap or \.db3'):
        open_bag(tmp_path / 'empty')
    with pytest.raises(DataError, match='no such bag'):
        open_bag(tmp_path / 'nowhere')


@PLUGINS
def test_unknown_types_harm_only_who_reads_them(tmp_path: Path, plugin: StoragePlugin) -> None:
    store = get_typestore(Stores.EMPTY)
    kind = 'lab_msgs/msg/Odd'
    store.register(get_types_from_msg('int32 value', kind))
    with Writer(tmp_path / 'bag', version=9, storage_plugin=plugin) as writer:
        odd = writer.add_connection('/odd', kind, typestore=store)
        writer.write(odd, 1, store.serialize_cdr(store.types[kind](7), kind))
        poses = writer.add_connection(TOPIC, f'{PACKAGE}PersonArray', typestore=own_types())
        message = wire.pose_frame_to_message(
            PoseFrame(5, 3, COCO17.id, 64, 48), message_types())
        writer.write(poses, 2, own_types().serialize_cdr(message, f'{PACKAGE}PersonArray'))
    bag = open_bag(tmp_path / 'bag')
    assert numbers(bag) == [3]
    assert [message.value for _, _, message in bag.messages(['/odd'])] == [7]


def test_a_type_without_any_definition_is_named(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / 'bag', StoragePlugin.SQLITE3, range(1))
    with sqlite3.connect(storage(folder)) as database:
        database.execute("UPDATE topics SET type = 'lab_msgs/msg/Odd'")
        database.execute('DELETE FROM message_definitions')
    (folder / 'metadata.yaml').unlink()
    with pytest.raises(DataError, match='lab_msgs/msg/Odd'):
        numbers(open_bag(folder))


def test_a_bag_of_old_without_definitions_is_read_by_those_of_the_package(tmp_path: Path) -> None:
    file = storage(write_bag(tmp_path / 'bag', StoragePlugin.SQLITE3, range(4)))
    with sqlite3.connect(file) as database:
        database.execute('DELETE FROM message_definitions')
    assert numbers(open_bag(file)) == [0, 1, 2, 3]


def test_the_golden_bag_of_the_first_messages_is_read(source_root: Path) -> None:
    bag = open_bag(source_root / 'test' / 'msg' / 'golden')
    assert len(list(bag.messages(bag.topics))) == 6
