"""The bag beside a session: read by rosbags, whole up to the last flush after a kill."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='needs rosbags')

from neuropose_ros.core import wire
from neuropose_ros.core.errors import DataError, SessionError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.recording import bag_writing
from neuropose_ros.recording.bag_reading import open_bag
from neuropose_ros.recording.bag_types import message_types, own_types
from neuropose_ros.recording.bag_writing import BagWriter

from .people import assert_same, person, pose_frame

PERSONS, LAYOUT = 'neuropose_ros/msg/PersonArray', 'neuropose_ros/msg/SkeletonLayout'


def cdr(message: object, kind: str) -> bytes:
    return bytes(own_types().serialize_cdr(message, kind))


def put(writer: BagWriter, index: int) -> None:
    message = wire.pose_frame_to_message(pose_frame(index, person(1, seed=index)), message_types())
    writer.put('/poses', PERSONS, cdr(message, PERSONS), 1000 + index)


def numbers(path: Path) -> list[int]:
    bag = open_bag(path)
    return [message.frame_seq for _, _, message in bag.messages(['/poses'])]


def test_messages_come_back_with_their_times_types_and_latching(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / 'bag', frozenset({'/layouts'}))
    layout = wire.layout_to_message(COCO17, message_types())
    writer.put('/layouts', LAYOUT, cdr(layout, LAYOUT), 999)
    for index in range(5):
        put(writer, index)
    writer.close()
    assert writer.failure == '' and writer.counts == {'/layouts': 1, '/poses': 5}
    bag = open_bag(tmp_path / 'bag')
    assert bag.damage == '' and bag.topics['/poses'].type == PERSONS
    found = list(bag.messages(['/poses']))
    assert [at for _, at, _ in found] == [1000, 1001, 1002, 1003, 1004]
    assert_same(wire.pose_frame_from_message(found[3][2]), pose_frame(3, person(1, seed=3)))
    assert 'transient_local' in (tmp_path / 'bag' / 'metadata.yaml').read_text()


def test_what_was_written_before_a_kill_is_read_without_index_or_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip('mcap', reason='needs mcap')
    monkeypatch.setattr(bag_writing, '_FLUSH_S', 0.02)
    writer = BagWriter(tmp_path / 'bag')
    for index in range(5):
        put(writer, index)
    killed = tmp_path / 'killed'
    until = time.monotonic() + 5
    while not (killed.exists() and readable(killed)):
        assert time.monotonic() < until
        time.sleep(0.05)
        shutil.rmtree(killed, ignore_errors=True)
        shutil.copytree(tmp_path / 'bag', killed)
    assert not (killed / 'metadata.yaml').exists()
    assert numbers(killed) == [0, 1, 2, 3, 4]
    writer.close()


def readable(path: Path) -> bool:
    try:
        return bool(numbers(path))
    except DataError:  # nothing is flushed yet
        return False


def test_more_than_the_disk_takes_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bag_writing, '_MOST_WAITING_BYTES', 0)
    monkeypatch.setattr(bag_writing, '_WAIT_S', 0.05)
    writer = BagWriter(tmp_path / 'bag')
    put(writer, 0)
    writer.put('/poses', PERSONS, b'', 1, wait=True)
    writer.close()
    assert writer.lost == {'/poses': 2} and writer.counts == {}


def test_a_folder_that_is_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'bag').mkdir()
    with pytest.raises(SessionError, match='cannot be begun here'):
        BagWriter(tmp_path / 'bag')
