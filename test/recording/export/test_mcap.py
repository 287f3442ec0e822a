"""A bag in MCAP, read by mcap's own reader and by rosbags with the definitions in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')
pytest.importorskip('rosbags', reason='needs rosbags')

from neuropose_ros.core import action_wire, event_wire, wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.recording.export.writing import export_session

from ..people import START_NS, assert_same, person, pose_frame
from .sessions import LABELS, write_session


def read(folder: Path) -> dict[str, list[Any]]:
    from rosbags.highlevel import AnyReader

    found: dict[str, list[Any]] = {}
    with AnyReader([folder]) as reader:
        for connection, _, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            found.setdefault(connection.topic, []).append(message)
    return found


def test_every_value_comes_back(tmp_path: Path) -> None:
    poses = write_session(tmp_path / 'walk')
    metadata, bag = export_session(tmp_path / 'walk', 'mcap', tmp_path / 'out').files
    assert metadata.name == 'metadata.yaml' and bag.name == 'walk.mcap'
    messages = read(bag.parent)
    back = [wire.pose_frame_from_message(message) for message in messages['/poses']]
    for one, other in zip(back, poses, strict=True):
        # Messages hold confidence as float32, sessions as float64.
        for found, person_ in zip(one.persons, other.persons, strict=True):
            assert_same(found.keypoints, person_.keypoints)
            assert_same(found.keypoint_covariances, person_.keypoint_covariances)
            assert found.score == np.float32(person_.score)
        assert (one.stamp_ns, one.frame_seq, one.status) == (
            other.stamp_ns, other.frame_seq, other.status)
    assert wire.layout_from_message(messages['/layouts'][0]) == COCO17
    assert action_wire.label_set_from_message(messages['/label_sets'][0]) == LABELS
    assert action_wire.action_frame_from_message(messages['/actions'][0]).actions[0].track_id == 3
    chunk = event_wire.signal_chunk_from_message(messages['/signals'][1])
    assert chunk.stream == 'eeg' and chunk.sequence == 16 and chunk.data.shape == (16, 2)
    assert event_wire.event_from_message(messages['/events'][0]).name == 'stimulus'
    assert event_wire.correction_from_message(messages['/corrections'][0]).id == 'c1'
    (first, *_), *_ = (event_wire.metrics_from_message(m) for m in messages['/metrics'])
    assert (first.name, first.value) == ('cadence', 1.9)
    infos = [wire.frame_info_from_message(message) for message in messages['/frame_info']]
    assert {info.source for info in infos} == {''} and len(infos) == len(poses)


def test_the_index_has_the_times_of_acquisition(tmp_path: Path) -> None:
    mcap = pytest.importorskip('mcap.reader', reason='needs mcap')
    poses = write_session(tmp_path / 'walk')
    _, bag = export_session(tmp_path / 'walk', 'mcap', tmp_path / 'out').files
    with bag.open('rb') as file:
        reader = mcap.make_reader(file)
        times = [message.log_time for _, channel, message in reader.iter_messages(['/poses'])]
        channels = {channel.topic: channel for channel in reader.get_summary().channels.values()}
        schemas = reader.get_summary().schemas
    assert times == [frame.stamp_ns for frame in poses]
    assert schemas[channels['/poses'].schema_id].name == 'neuropose_ros/msg/PersonArray'
    assert 'transient_local' in channels['/layouts'].metadata['offered_qos_profiles']


def test_time_that_goes_back_is_kept_in_headers_and_not_in_the_log(tmp_path: Path) -> None:
    mcap = pytest.importorskip('mcap.reader', reason='needs mcap')
    looped = [pose_frame(i, person(1, seed=i), epoch=epoch) for epoch in (0, 1) for i in range(3)]
    write_session(tmp_path / 'walk', looped)
    _, bag = export_session(tmp_path / 'walk', 'mcap', tmp_path / 'out').files
    stamps = [wire.stamp_ns(message.header.stamp) for message in read(bag.parent)['/poses']]
    assert stamps == [frame.stamp_ns for frame in looped]
    with bag.open('rb') as file:
        times = [message.log_time for _, _, message in
                 mcap.make_reader(file).iter_messages(['/poses'], log_time_order=False)]
    assert times[:2] == [START_NS, looped[1].stamp_ns] and times == sorted(times)
