"""Equal results have equal hashes, and whatever differs in value shows."""

from dataclasses import fields, replace

import numpy as np
import pytest

from neuropose_ros.core import wire
from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.recording.bag_types import message_types
from neuropose_ros.replay.canonical import TIMING, ResultHash, canonical_bytes, columns, hash_of


def person(**given):
    count = len(COCO17)
    return PersonPose(**{
        'keypoints': np.arange(2 * count, dtype=np.float32).reshape(count, 2),
        'keypoint_scores': np.full(count, 0.5, np.float32),
        'keypoint_states': np.full(count, JointState.MEASURED, np.uint8),
        'box': np.array([0, 0, 9, 9], np.float32), 'score': 0.1, 'track_id': 3, **given})


def frame(*people, **given):
    return PoseFrame(**{
        'stamp_ns': 5, 'frame_seq': 7, 'layout': COCO17.id, 'image_width': 64,
        'image_height': 48, 'stage': 'pose', 'persons': people, **given})


def action(**given):
    return Action(**{
        'track_id': 3, 'window_start_ns': 1, 'window_end_ns': 5, 'frames_used': 4,
        'coverage': 0.3, 'probabilities': np.array([0.25, 0.75], np.float32), **given})


def test_a_result_is_the_same_after_its_message():
    types = message_types()
    lived = frame(person(delay_ms=1 / 3), person(score=1 / 3))
    message = wire.pose_frame_to_message(lived, types)
    assert canonical_bytes(wire.pose_frame_from_message(message)) == canonical_bytes(lived)


def test_timing_does_not_count():
    timed = dict.fromkeys(TIMING, 1.5)
    assert canonical_bytes(frame(person(), **timed)) == canonical_bytes(frame(person()))


def test_numbers_of_numpy_are_numbers():
    numpy = frame(person(track_id=np.int64(3), score=np.float32(0.1)), seq_is_local=np.True_)
    assert canonical_bytes(numpy) == canonical_bytes(frame(person(), seq_is_local=True))


def test_all_nan_are_one_and_zeros_have_no_sign():
    odd = np.array([0x7FC00001, 0x80000000, 0, 0], np.uint32).view(np.float32)
    plain = np.array([np.nan, 0, 0, 0], np.float32)
    assert canonical_bytes(frame(person(box=odd))) == canonical_bytes(frame(person(box=plain)))


def test_no_values_are_the_same_as_none():
    empty = person(keypoint_velocities=np.zeros((0, 2), np.float32))
    assert canonical_bytes(frame(empty)) == canonical_bytes(frame(person()))


def _changed(value):
    if isinstance(value, str):
        return value + 'x'
    if isinstance(value, np.ndarray) or value is None:
        array = np.ones(3, np.float32) if value is None else value.copy()
        array.flat[0] += 1
        return array
    return type(value)(1 - value) if isinstance(value, bool) else value + 1


@pytest.mark.parametrize('value', [frame(), person(), action(), ActionFrame(5, 7, 'a@1', 'm')],
                         ids=lambda value: type(value).__name__)
def test_every_other_field_counts(value):
    def bytes_with(changed):
        if isinstance(changed, PersonPose):
            return canonical_bytes(frame(changed))
        if isinstance(changed, Action):
            return canonical_bytes(ActionFrame(5, 7, 'a@1', 'm', actions=(changed,)))
        return canonical_bytes(changed)

    before = bytes_with(value)
    for item in fields(value):
        if item.name in columns(type(value)):
            changed = replace(value, **{item.name: _changed(getattr(value, item.name))})
            assert bytes_with(changed) != before, item.name


def test_the_order_of_results_and_of_people_counts():
    first, second = frame(person(), stamp_ns=1), frame(stamp_ns=2)
    one = hash_of({'poses': [first, second]})
    assert one.hexdigest != hash_of({'poses': [second, first]}).hexdigest
    assert one.hexdigest == hash_of({'poses': [first, second], 'actions': []}).hexdigest
    a, b = person(track_id=1), person(track_id=2)
    assert canonical_bytes(frame(a, b)) != canonical_bytes(frame(b, a))


def test_streams_are_told_apart_whatever_the_order_in_which_they_come():
    answer, actions = frame(), ActionFrame(5, 7, 'a@1', 'm')
    woven, apart = ResultHash(), ResultHash()
    for stream, value in (('actions', actions), ('poses', answer)):
        woven.add(stream, value)
    for stream, value in (('poses', answer), ('actions', actions)):
        apart.add(stream, value)
    assert woven.hexdigest == apart.hexdigest
    assert woven.counts == {'poses': 1, 'actions': 1}
    assert hash_of({'poses': [answer]}).hexdigest != hash_of({'poses_refined': [answer]}).hexdigest
