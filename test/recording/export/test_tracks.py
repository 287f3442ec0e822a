"""Who is who in exports that know people as columns."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import gather
from neuropose_ros.recording.privacy.subjects import Subject

from ..people import person, pose_frame

ONE, OTHER = 's-abcdefghijklmnop', 's-ponmlkjihgfedcba'


def names(*frames: PoseFrame) -> list[str]:
    return [track.name for track in gather(frames).people]


def test_names() -> None:
    assert names(pose_frame(0, person(-1), person(12), person(3))) == [
        'track_3', 'track_12', 'untracked_0']
    assert names(pose_frame(0, person(1)), pose_frame(1, person(1), epoch=1)) == [
        'epoch_0_track_1', 'epoch_1_track_1']


def test_a_track_id_that_occurs_twice_loses_nobody() -> None:
    tracks = gather([pose_frame(0, person(1, seed=1), person(1, seed=2))])
    assert [track.name for track in tracks.people] == ['track_1', 'untracked_1']
    assert tracks.people[1].keypoints[0, 0, 0] == person(1, seed=2).keypoints[0, 0]


def test_numbers_and_times_have_to_ascend() -> None:
    tracks = gather([pose_frame(0), pose_frame(5), pose_frame(6)])
    assert tracks.slots().tolist() == [0, 5, 6] and tracks.rate_hz() == pytest.approx(30)
    again = gather([pose_frame(0), pose_frame(1), pose_frame(1, stamp_ns=3 * 10**18)])
    with pytest.raises(SessionError, match=r'goes from 1 to 1 between frames 1 and 2: this form'):
        again.slots()
    with pytest.raises(SessionError, match='too many'):
        gather([pose_frame(0), pose_frame(1, frame_seq=10**9)]).slots()
    with pytest.raises(SessionError, match='no frame'):
        gather([])


@pytest.mark.parametrize(('subjects', 'expected'), [
    ((), ['', '']),
    ((Subject(ONE, 'k'),), [ONE, ONE]),
    ((Subject(ONE, 'k', tracks=((0, 3),)),), [ONE, '']),
    ((Subject(ONE, 'k', tracks=((0, 3),)), Subject(OTHER, 'k', tracks=((0, 4),))), [ONE, OTHER]),
    ((Subject(ONE, 'k'), Subject(OTHER, 'k')), ['', '']),
])
def test_whose_a_track_is(subjects: tuple[Subject, ...], expected: list[str]) -> None:
    material = Material('x', COCO17, tuple, subjects=subjects)
    assert [material.subject_of(0, 3), material.subject_of(0, 4)] == expected
