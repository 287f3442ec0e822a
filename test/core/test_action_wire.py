"""Actions survive their messages: with rosbags, that needs no ROS, and with rclpy where it is."""

from __future__ import annotations

from array import array
from dataclasses import fields, replace

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase, LabelSet
from neuropose_ros.core.action_wire import (
    action_frame_from_message,
    action_frame_to_message,
    label_set_from_message,
    label_set_to_message,
)
from neuropose_ros.core.errors import LabelError
from neuropose_ros.core.wire import MessageTypes

LABELS = LabelSet('gait', ('walk', 'sit', 'stand'))


# Numbers that float32 holds exactly, so that nothing is lost on the wire.
WALKS = Action(
    track_id=7, window_start_ns=1_700_000_000_000_000_001, window_end_ns=1_700_000_001_999_999_999,
    frames_used=41, coverage=0.75, probabilities=np.array((0.5, 0.25, 0.25), np.float32),
    top_index=0, top_label='walk', unknown_score=0.125, phase=ActionPhase.ONGOING, entropy=1.0,
    decision_delay_s=0.5)
UNSURE = Action(
    track_id=-1, window_start_ns=0, window_end_ns=5, frames_used=1, coverage=0.0,
    probabilities=np.zeros(0, np.float32), reason='thin_coverage')
FRAME = ActionFrame(
    stamp_ns=1_700_000_001_999_999_999, frame_seq=2 ** 40, label_set=LABELS.id, model='tiny',
    frame_id='camera', epoch=3, scene_stamp_ns=1_700_000_001_000_000_000,
    actions=(WALKS, UNSURE))


def assert_same(got, expected):
    for item in fields(expected):
        first, second = getattr(got, item.name), getattr(expected, item.name)
        if item.name == 'actions':
            for one, other in zip(first, second, strict=True):
                assert_same(one, other)
        elif isinstance(second, np.ndarray):
            np.testing.assert_array_equal(first, second, err_msg=item.name)
            assert first.dtype == second.dtype
        else:
            assert (first, type(first)) == (second, type(second)), item.name


def test_actions_survive_their_message(wire):
    message = wire.over_the_wire(action_frame_to_message(FRAME, wire.types))
    assert_same(action_frame_from_message(message), FRAME)


def test_a_frame_without_people_survives(wire):
    empty = replace(FRAME, actions=(), scene_stamp_ns=0)
    message = wire.over_the_wire(action_frame_to_message(empty, wire.types))
    assert_same(action_frame_from_message(message), empty)


def test_probabilities_of_a_received_action_belong_to_it(wire):
    message = wire.over_the_wire(action_frame_to_message(FRAME, wire.types))
    action_frame_from_message(message).actions[0].probabilities[:] = -1.0
    assert_same(action_frame_from_message(message), FRAME)


@pytest.mark.parametrize('top_index', [3, -2])
def test_a_top_action_that_is_none_of_them_is_refused(wire, top_index):
    message = action_frame_to_message(FRAME, wire.types)
    message.actions[0].top_index = top_index
    with pytest.raises(ValueError, match=f'3 probabilities but names number {top_index}'):
        action_frame_from_message(message)


def test_a_phase_of_a_newer_version_is_unknown(wire):
    message = action_frame_to_message(FRAME, wire.types)
    message.actions[0].phase = 99
    assert action_frame_from_message(message).actions[0].phase is ActionPhase.UNKNOWN


def test_phases_are_those_of_the_message(wire):
    message = wire.types.find('neuropose_ros/msg/Action')
    assert {item.name: getattr(message, f'PHASE_{item.name}') for item in ActionPhase} == {
        item.name: item.value for item in ActionPhase}


def test_labels_survive_with_their_id(wire):
    received = label_set_from_message(wire.over_the_wire(label_set_to_message(LABELS, wire.types)))
    assert (received, received.id) == (LABELS, LABELS.id)


def test_labels_under_the_id_of_others_are_refused(wire):
    message = label_set_to_message(LABELS, wire.types)
    message.labels = ['walk', 'stand', 'sit']
    with pytest.raises(LabelError, match=r'label set gait@\w{4}: its labels have the id gait@'):
        label_set_from_message(message)


def test_rclpy_gets_arrays():
    types = MessageTypes(lambda name: dict)
    message = action_frame_to_message(FRAME, types)
    assert message['actions'][0]['probabilities'] == array('f', (0.5, 0.25, 0.25))
