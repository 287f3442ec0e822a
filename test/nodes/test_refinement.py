"""The refinement node and messages from elsewhere."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core import event_wire, events, wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from neuropose_ros.msg import ActionArray, Correction, PersonArray  # noqa: E402
from rcl_interfaces.srv import SetParameters  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from neuropose_ros.nodes import qos  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402

REFINEMENT = 'refinement'
# Somebody of 300 px who faces the camera, in COCO's order.
STANDING = np.array((
    (150, 120), (156, 114), (144, 114), (163, 118), (137, 118), (180, 160), (120, 160),
    (188, 210), (112, 210), (190, 255), (110, 255), (168, 255), (132, 255), (168, 320),
    (132, 320), (168, 385), (132, 385)), np.float32)


def frame(index: int, *, seen: bool = True) -> PoseFrame:
    """A person who moves to the right at 300 px/s, 30 times a second."""
    points = STANDING.copy()
    points[:, 0] += 10 * index
    person = PersonPose(
        keypoints=points, keypoint_scores=np.full(17, 0.9, np.float32),
        keypoint_states=np.full(17, JointState.MEASURED, np.uint8),
        box=np.array((100 + 10 * index, 100, 200 + 10 * index, 400), np.float32),
        score=0.9, track_id=1)
    return PoseFrame(
        stamp_ns=10**9 + round(index * 1e9 / 30), frame_seq=index, layout=COCO17.id,
        image_width=640, image_height=480, frame_id='camera', stage='pose',
        status=FrameStatus.OK if seen else FrameStatus.NO_PERSON,
        persons=(person,) if seen else ())


class Talker:
    """Publishes poses and waits for each answer."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.answers = graph.collect(PersonArray, 'poses_refined')
        self._publisher = graph.node.create_publisher(PersonArray, 'poses', qos.reliable(10))
        graph.until(lambda: self._publisher.get_subscription_count() == 1
                    and graph.hears('poses_refined'))

    def send(self, message: Any) -> None:
        self._publisher.publish(message)

    def ask(self, pose: PoseFrame) -> PoseFrame:
        before = len(self.answers)
        self.send(wire.pose_frame_to_message(pose, ROS))
        self.graph.until(lambda: len(self.answers) > before)
        return wire.pose_frame_from_message(self.answers[-1])


def test_poses_are_bridged_with_honest_states_and_feedback_and_markers_follow(
    graph: Any,
) -> None:
    graph.start(REFINEMENT)
    talker = Talker(graph)
    feedback = graph.collect(PersonArray, 'pose_feedback', qos.best_effort(1))
    markers = graph.collect(MarkerArray, 'refinement/markers', qos.best_effort(1))
    for index in range(20):
        answer = talker.ask(frame(index))
    assert answer.stage == 'refinement'
    assert (answer.persons[0].keypoint_states == JointState.MEASURED).all()
    bridged = talker.ask(frame(20, seen=False))
    assert bridged.status is FrameStatus.NO_PERSON
    person = bridged.persons[0]
    assert (person.keypoint_states == JointState.PREDICTED).all()
    assert person.keypoints[:, 0] == pytest.approx(frame(20).persons[0].keypoints[:, 0], abs=3)
    graph.until(lambda: feedback and markers)
    assert len(feedback[-1].persons[0].keypoint_velocities) == 34
    over = talker.ask(replace(frame(20, seen=False), stamp_ns=3 * 10**9, frame_seq=60))
    assert over.persons == ()


def test_a_malformed_message_is_refused_and_the_node_lives(graph: Any) -> None:
    process = graph.start(REFINEMENT)
    talker = Talker(graph)
    talker.ask(frame(0))
    broken = wire.pose_frame_to_message(frame(1), ROS)
    broken.persons[0].keypoint_scores = array('f', [0.5] * 3)
    talker.send(broken)
    answer = talker.ask(frame(2))
    assert answer.frame_seq == 2
    assert len(talker.answers) == 2
    assert 'refused' in process.output()
    assert process.end() == 0, process.output()


def test_parameters_change_live_and_contradictions_are_refused(graph: Any) -> None:
    graph.start(REFINEMENT)
    talker = Talker(graph)
    client = graph.node.create_client(SetParameters, '/refinement/set_parameters')
    graph.until(client.service_is_ready, 30)

    def change(name: str, value: Any) -> Any:
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        return graph.ask(client, request).results[0]

    for index in range(3):
        talker.ask(frame(index))
    result = change('noise_unsure', 0.00001)
    assert not result.successful
    assert 'noise_confident' in result.reason
    assert change('mode', 'none').successful
    assert talker.ask(frame(3, seen=False)).persons == ()


def test_a_correction_holds_from_when_it_was_said_and_time_never_goes_back(graph: Any) -> None:
    process = graph.start(REFINEMENT)
    talker = Talker(graph)
    corrections = graph.node.create_publisher(Correction, 'corrections', qos.reliable(50))
    graph.until(lambda: corrections.get_subscription_count() == 1)
    health = graph.collect(DiagnosticArray, '/diagnostics')

    def told() -> dict[str, str]:
        found = [status for array in health for status in array.status
                 if status.name.startswith('/refinement')]
        return {pair.key: pair.value for pair in found[-1].values} if found else {}

    def say(correction: events.Correction, counter: str) -> None:
        before = told().get(counter, '0')
        corrections.publish(event_wire.correction_to_message(correction, ROS))
        graph.until(lambda: told().get(counter, '0') != before)

    for index in range(5):
        talker.ask(frame(index))
    reject = events.Correction(
        frame(5).stamp_ns, 'c1', events.CorrectionKind.REJECT, track_id=1,
        window_start_ns=frame(2).stamp_ns)
    say(reject, 'corrections')
    assert np.isnan(talker.ask(frame(5)).persons[0].keypoints).all()
    assert (talker.ask(frame(6)).persons[0].keypoint_states == JointState.UNKNOWN).all()
    say(events.Correction(frame(7).stamp_ns, 'u1', events.CorrectionKind.UNKNOWN, undoes='c1'),
        'corrections')
    assert (talker.ask(frame(7)).persons[0].keypoint_states == JointState.MEASURED).all()
    say(replace(reject, id='c2', stamp_ns=0), 'corrections_refused')
    say(replace(reject, id='c3', window_end_ns=frame(3).stamp_ns), 'corrections_past')
    talker.ask(frame(8))
    stamps = [wire.stamp_ns(answer.header.stamp) for answer in talker.answers]
    assert stamps == [frame(index).stamp_ns for index in range(9)]
    assert told()['corrected_frames'] == '2'
    assert 'tell when it was said' in process.output()
    assert 'a replay of the recording applies it' in process.output()


def test_a_lag_delays_answers_and_what_waits_is_said_when_nothing_more_comes(graph: Any) -> None:
    graph.start(REFINEMENT, '--ros-args', '-p', 'lag_frames:=3')
    talker = Talker(graph)
    feedback = graph.collect(PersonArray, 'pose_feedback', qos.best_effort(1))
    graph.until(lambda: graph.hears('pose_feedback'))
    for index in range(6):
        talker.send(wire.pose_frame_to_message(frame(index), ROS))
        graph.until(lambda count=index + 1: len(feedback) == count)
        assert len(talker.answers) == max(0, index - 2)
    graph.until(lambda: len(talker.answers) == 6)
    stamps = [wire.stamp_ns(answer.header.stamp) for answer in talker.answers]
    assert stamps == [frame(index).stamp_ns for index in range(6)]
    assert [wire.stamp_ns(message.header.stamp) for message in feedback] == stamps
    assert talker.answers[0].persons[0].delay_ms == pytest.approx(100, abs=1)


def test_actions_are_read_only_while_somebody_else_reads_them(graph: Any) -> None:
    graph.start(REFINEMENT, '--ros-args', '-p', 'use_action_context:=true')
    talker = Talker(graph)
    actions = graph.node.create_publisher(ActionArray, 'actions', qos.reliable(10))
    talker.ask(frame(0))
    graph.spin_for(0.5)
    assert actions.get_subscription_count() == 0
    graph.collect(ActionArray, 'actions')
    graph.until(lambda: actions.get_subscription_count() == 2)
    other = graph._subscriptions.pop()[1]
    graph.node.destroy_subscription(other)
    graph.until(lambda: actions.get_subscription_count() == 0)


def test_a_refiner_that_is_not_there_ends_the_node_with_a_sentence(graph: Any) -> None:
    process = graph.start(REFINEMENT, '--ros-args', '-p', 'refiner:=nobody')
    assert process.wait(30) == 2, process.output()
    assert "there is no refiner 'nobody'" in process.output()
