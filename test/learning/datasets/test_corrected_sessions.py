"""Corrected recordings as annotated pictures: what was said, in the pictures it was said of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')
pytest.importorskip('rosbags', reason='needs rosbags')

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.datasets.bag_pictures import bag_pictures, picture_stamps
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import read_picture_set
from neuropose_ros.recording.bag_types import own_types
from neuropose_ros.recording.bag_writing import FOLDER, BagWriter
from neuropose_ros.recording.writer import SessionWriter

from ...recording.people import person, pose_frame

IMAGE = 'sensor_msgs/msg/Image'
FRAMES = 8
Correct = Callable[..., None]


def image_message(stamp_ns: int, shade: int) -> bytes:
    types = own_types().types
    stamp = types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9)
    header = types['std_msgs/msg/Header'](stamp, 'camera')
    pixels = np.full(480 * 640 * 3, shade, np.uint8)
    message = types[IMAGE](header, 480, 640, 'bgr8', 0, 640 * 3, pixels)
    return bytes(own_types().serialize_cdr(message, IMAGE))


def record(path: Path, *, pictures: bool = True, missing: int = -1) -> Path:
    """Two people in some frames, each picture of another grey."""
    with SessionWriter(path) as writer:
        for index in range(FRAMES):
            writer.put_poses(pose_frame(index, person(1, seed=1), person(2, seed=2)))
    if pictures:
        bag = BagWriter(path / FOLDER, frozenset())
        for index in range(FRAMES):
            stamp_ns = pose_frame(index).stamp_ns
            if index != missing:
                bag.put('/image_raw', IMAGE, image_message(stamp_ns, 20 * index), stamp_ns)
        bag.close()
    return path


def correct(session: Path, *words: str) -> None:
    assert main(['correct', 'add', str(session), *words]) == 0


def test_what_was_said_is_found_in_its_picture(tmp_path: Path) -> None:
    session = record(tmp_path / 'walk')
    correct(session, 'keypoints', '--track', '1', '--frames', '3-4', '--joint',
            'left_wrist=50,60', '--joint', 'nose=none')
    correct(session, 'keypoints', '--track', '2', '--frames', '6', '--joint', 'left_hip=70,80')
    for root in (session, tmp_path):
        found = read_picture_set('', root)
        assert (found.name, found.layout, len(found)) == ('corrected', COCO17, 3)
    first = found.pictures[0]
    assert [picture.frame for picture in found.pictures] == [3, 4, 6]
    assert first.name == 'walk, frame 3' and first.group == str(session)
    known = np.isfinite(first.keypoints).all(-1)
    assert known.sum() == 1 and first.keypoints[0, COCO17.index('left_wrist')].tolist() == [50, 60]
    assert len(first.ignored) == 1  # of the other one nothing was said
    low, high = first.boxes[0, :2], first.boxes[0, 2:]
    assert (low <= 50).all() and (high >= 60).all()
    shown = [(index, int(image.mean())) for index, _, image in load_pictures(
        found.pictures, Findings())]
    assert shown == [(0, 60), (1, 80), (2, 120)]


def test_what_was_taken_back_or_rejected_does_not_count(tmp_path: Path) -> None:
    session = record(tmp_path / 'walk')
    correct(session, 'keypoints', '--track', '1', '--frames', '3-4', '--joint', 'nose=5,6')
    correct(session, 'reject', '--frames', '4')
    assert [picture.frame for picture in read_picture_set('', session).pictures] == [3]


def test_joints_that_were_let_be_are_learnt_from_on_demand(tmp_path: Path) -> None:
    session = record(tmp_path / 'walk')
    correct(session, 'keypoints', '--track', '1', '--frames', '3', '--joint', 'nose=5,6')
    people = person(1, seed=1)
    sure = int(((people.keypoint_scores >= 0.7) & np.isfinite(people.keypoints).all(1))[1:].sum())
    [picture] = read_picture_set('corrected_and_found', session).pictures
    assert np.isfinite(picture.keypoints).all(-1).sum() == 1 + sure > 1


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    findings = Findings()
    blind, silent = record(tmp_path / 'blind', pictures=False), record(tmp_path / 'silent')
    correct(blind, 'keypoints', '--track', '1', '--frames', '3', '--joint', 'nose=5,6')
    gap = record(tmp_path / 'gap', missing=3)
    correct(gap, 'keypoints', '--track', '1', '--frames', '3-4', '--joint', 'nose=5,6')
    found = read_picture_set('', tmp_path, findings=findings)
    assert [picture.frame for picture in found.pictures] == [3]  # the fourth picture of the bag
    said = findings.report()
    assert 'recorded without pictures' in said and 'nobody corrected anything' in said
    assert 'gap, frame 3' in said and len(findings) == 3
    with pytest.raises(DataError, match='nobody corrected anything'):
        read_picture_set('', silent)
    with pytest.raises(DataError, match='no session in it'):
        read_picture_set('corrected', tmp_path / 'gap' / FOLDER)


def test_a_bag_gives_its_pictures_by_number(tmp_path: Path) -> None:
    bag = record(tmp_path / 'walk') / FOLDER
    assert picture_stamps(bag) == [pose_frame(index).stamp_ns for index in range(FRAMES)]
    assert [(number, int(image.mean())) for number, image in bag_pictures(bag, {5, 2})] == [
        (2, 40), (5, 100)]
    [picture] = read_one(bag.parent)
    findings = Findings()
    assert not list(load_pictures([replace(picture, frame=99)], findings))
    assert 'it is not in the bag' in findings.report()


def read_one(session: Path) -> tuple[object, ...]:
    correct(session, 'keypoints', '--track', '1', '--frames', '3', '--joint', 'nose=5,6')
    return read_picture_set('', session).pictures


def test_pictures_of_several_cameras_are_refused(tmp_path: Path) -> None:
    for topics, words in ((('/a/image_raw', '/b/image_raw'), 'several cameras'),
                          (('/a/depth/image_raw',), 'no pictures')):
        bag = BagWriter(tmp_path / str(len(topics)), frozenset())
        for topic in topics:
            bag.put(topic, IMAGE, image_message(10**9, 0), 10**9)
        bag.close()
        with pytest.raises(DataError, match=words):
            picture_stamps(tmp_path / str(len(topics)))
