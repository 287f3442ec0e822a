"""The action node as a process: poses in, actions out, and a reason where there is none."""

from __future__ import annotations

import os
import signal
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.action import store
from neuropose_ros.core import wire
from neuropose_ros.core.action import UNKNOWN_LABEL, ActionFrame, ActionPhase
from neuropose_ros.core.action import LabelSet as LabelSetValue
from neuropose_ros.core.action_wire import action_frame_from_message, label_set_from_message
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
    TrackState,
)

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from neuropose_ros.msg import ActionArray, LabelSet, PersonArray  # noqa: E402
from neuropose_ros.msg import SceneEmbedding as SceneEmbeddingMessage  # noqa: E402
from rcl_interfaces.srv import SetParameters  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from neuropose_ros.nodes import qos  # noqa: E402
from neuropose_ros.nodes.action_parameters import wants_actions  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402

from ..recognisers import ARM, SCENE_MODEL, write_arm_recogniser  # noqa: E402

RATE_HZ = 20
START_NS = 10 * 10**9


def person(track_id: int, *, arm_up: bool) -> PersonPose:
    """Somebody who stands, the left arm raised or not."""
    points = np.linspace((100, 100), (140, 400), 17).astype(np.float32)
    points[5], points[9] = (160, 160), (200, 60 if arm_up else 260)
    return PersonPose(
        keypoints=points, keypoint_scores=np.full(17, 0.9, np.float32),
        keypoint_states=np.full(17, JointState.MEASURED, np.uint8),
        box=np.array((100, 60, 200, 400), np.float32), score=0.9, track_id=track_id,
        track_state=TrackState.CONFIRMED)


def frame(index: int, *people: PersonPose, **changes: Any) -> PoseFrame:
    return replace(PoseFrame(
        stamp_ns=START_NS + index * 10**9 // RATE_HZ, frame_seq=index, layout=COCO17.id,
        image_width=640, image_height=480, frame_id='camera', stage='refinement',
        status=FrameStatus.OK if people else FrameStatus.NO_PERSON, persons=people), **changes)


class Talker:
    """Publishes refined poses and waits for each answer."""

    def __init__(self, graph: Any, recogniser: Path, *arguments: str) -> None:
        self.graph = graph
        self.process = graph.start(
            'action', '--ros-args', '-p', f'recogniser:={recogniser}', *arguments)
        self.answers = graph.collect(ActionArray, 'actions')
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        self._publisher = graph.node.create_publisher(
            PersonArray, 'poses_refined', qos.reliable(10))
        graph.until(self.heard, 30)

    def heard(self) -> bool:
        """Whether both ways are open; that one is says nothing about the other."""
        return bool(self._publisher.get_subscription_count() == 1) and self.graph.hears('actions')

    def send(self, message: Any) -> None:
        self._publisher.publish(message)

    def ask(self, pose: PoseFrame) -> ActionFrame:
        """Return the answer about this very frame."""
        before = len(self.answers)
        self.send(wire.pose_frame_to_message(pose, ROS))

        def found() -> list[ActionFrame]:
            answers = map(action_frame_from_message, self.answers[before:])
            return [answer for answer in answers
                    if (answer.epoch, answer.stamp_ns) == (pose.epoch, pose.stamp_ns)]

        self.graph.until(found)
        return found()[-1]

    def details(self) -> dict[str, str]:
        """What the next diagnostics say."""
        return {item.key: item.value for item in self.status().values}

    def status(self) -> DiagnosticStatus:
        self.diagnostics.clear()

        def found() -> list[DiagnosticStatus]:
            return [status for message in self.diagnostics for status in message.status
                    if status.name == '/action']

        self.graph.until(found)
        return found()[0]


@pytest.fixture
def arm(tmp_path: Path) -> Path:
    return write_arm_recogniser(tmp_path / 'arm')


def test_each_person_gets_an_own_answer_with_stamps_evidence_and_phase(
    graph: Any, arm: Path,
) -> None:
    talker = Talker(graph, arm)
    for index in range(40):
        answer = talker.ask(frame(index, person(1, arm_up=False), person(2, arm_up=True)))
        assert (answer.frame_seq, answer.frame_id) == (index, 'camera')
        assert answer.stamp_ns == frame(index).stamp_ns
    one, two = answer.actions
    assert (answer.label_set, answer.model, answer.scene_stamp_ns) == (ARM.id, 'arm', 0)
    assert (one.track_id, one.top_label, one.top_index) == (1, 'arm_down', 0)
    assert (two.track_id, two.top_label, two.top_index) == (2, 'arm_up', 1)
    for action in answer.actions:
        assert action.window_end_ns == answer.stamp_ns
        assert 0.9e9 < action.window_end_ns - action.window_start_ns <= 1.0e9
        assert action.coverage == pytest.approx(1.0)
        assert action.probabilities.sum() == pytest.approx(1.0)
        assert action.unknown_score == pytest.approx(0.1)
        assert action.phase is ActionPhase.ONGOING
        assert action.reason == ''
    assert talker.process.end(signal.SIGTERM) == 0, talker.process.output()


def test_label_sets_reach_who_comes_late_and_are_repeated(graph: Any, arm: Path) -> None:
    graph.start('action', '--ros-args', '-p', f'recogniser:={arm}')
    early = graph.collect(LabelSet, 'label_sets', qos.reliable(10))
    graph.until(lambda: graph.node.count_publishers('label_sets') == 1, 30)
    graph.spin_for(0.5)
    late = graph.collect(LabelSet, 'label_sets', qos.latched())
    graph.until(lambda: late)
    assert label_set_from_message(late[0]) == ARM
    before = len(early)
    graph.until(lambda: len(early) > before)


def test_an_unknown_answer_says_why_and_diagnostics_count_the_reasons(
    graph: Any, arm: Path,
) -> None:
    talker = Talker(graph, arm, '-p', 'least_coverage:=0.7')
    first = talker.ask(frame(0, person(1, arm_up=True)))
    assert (first.actions[0].top_label, first.actions[0].reason) == (UNKNOWN_LABEL, 'too_short')
    hidden = replace(person(1, arm_up=True), keypoint_states=np.where(
        np.arange(17) % 2, JointState.PREDICTED, JointState.MEASURED).astype(np.uint8))
    for index in range(1, 40):
        answer = talker.ask(frame(index, hidden))
    action = answer.actions[0]
    assert (action.top_label, action.top_index) == (UNKNOWN_LABEL, -1)
    assert action.reason == 'thin_coverage'
    assert action.coverage == pytest.approx(9 / 17, abs=0.01)
    stranger = talker.ask(frame(40, person(-1, arm_up=True)))
    assert stranger.actions[0].reason == 'no_track'
    assert talker.ask(frame(41)).actions == ()
    details = talker.details()
    assert details['received'] == details['published'] == '42'
    assert int(details['unknown: too_short']) >= 1
    assert int(details['unknown: thin_coverage']) > 20
    assert details['unknown: no_track'] == '1'
    assert details['label_set'] == ARM.id
    assert 0 < float(details['work_ms']) < 1000


def test_a_malformed_message_is_refused_time_may_run_back_and_the_node_lives(
    graph: Any, arm: Path,
) -> None:
    talker = Talker(graph, arm)
    for index in range(20):
        answer = talker.ask(frame(index, person(1, arm_up=True)))
    assert answer.actions[0].top_label == 'arm_up'
    broken = wire.pose_frame_to_message(frame(20, person(1, arm_up=True)), ROS)
    broken.persons[0].keypoint_scores = array('f', [0.5] * 3)
    talker.send(broken)
    again = talker.ask(frame(0, person(1, arm_up=True), epoch=1))
    assert (again.epoch, again.actions[0].reason) == (1, 'too_short')
    assert len(talker.answers) == 21
    details = talker.details()
    assert (details['bad_messages'], details['restarts']) == ('1', '1')
    output = talker.process.output()
    assert 'a message is refused' in output
    assert output.count('time or epoch began anew') == 1
    assert talker.process.end() == 0, output


def test_time_that_jumps_at_every_frame_is_counted_and_fills_no_log(
    graph: Any, arm: Path,
) -> None:
    talker = Talker(graph, arm)
    for epoch in range(30):
        talker.ask(frame(0, person(1, arm_up=True), epoch=epoch))
    assert talker.details()['restarts'] == '29'
    assert 1 <= talker.process.output().count('time or epoch began anew') <= 3


def test_ids_that_never_come_again_are_a_warning(graph: Any, arm: Path) -> None:
    talker = Talker(graph, arm, '-p', 'most_people:=4', '-p', 'memory_s:=30.0')
    for index in range(10):
        talker.ask(frame(index, person(index, arm_up=True)))
    status = talker.status()
    assert status.level == DiagnosticStatus.WARN
    assert 'more than 4 people (most_people)' in status.message
    assert {item.key: item.value for item in status.values}['crowded_out'] == '6'


def test_the_scene_is_read_where_the_recogniser_was_trained_with_it(
    graph: Any, tmp_path: Path,
) -> None:
    talker = Talker(graph, write_arm_recogniser(tmp_path / 'arm', scene=True))
    for index in range(20):
        answer = talker.ask(frame(index, person(1, arm_up=False)))
    assert answer.actions[0].top_label == 'arm_down'
    status = talker.status()
    assert status.level == DiagnosticStatus.WARN
    assert f'scene_model:={SCENE_MODEL}' in status.message
    scenes = graph.node.create_publisher(SceneEmbeddingMessage, 'scene', qos.reliable(5))
    graph.until(lambda: scenes.get_subscription_count() == 1)

    def look(index: int, model: str) -> ActionFrame:
        """Publish a bright scene, and the next poses once it has surely arrived."""
        scenes.publish(wire.scene_to_message(SceneEmbedding(
            frame(index).stamp_ns, index, model, np.full(3, 250, np.float32)), ROS))
        graph.spin_for(0.3)
        return talker.ask(frame(index + 1, person(1, arm_up=False)))

    foreign = look(20, 'another')
    assert (foreign.actions[0].top_label, foreign.scene_stamp_ns) == ('arm_down', 0)
    assert 'another' in talker.status().message
    bright = look(22, SCENE_MODEL)
    assert (bright.actions[0].top_label, bright.scene_stamp_ns) == ('arm_up', frame(22).stamp_ns)


@pytest.mark.parametrize('arguments', [
    (), ('-p', 'use_scene:=false'),
])
def test_a_scene_that_is_not_used_is_not_asked_for(
    graph: Any, tmp_path: Path, arguments: tuple[str, ...],
) -> None:
    scenes = graph.node.create_publisher(SceneEmbeddingMessage, 'scene', qos.reliable(5))
    talker = Talker(
        graph, write_arm_recogniser(tmp_path / 'arm', scene=bool(arguments)), *arguments)
    talker.ask(frame(0, person(1, arm_up=False)))
    graph.spin_for(0.5)
    assert scenes.get_subscription_count() == 0


def test_nothing_is_read_while_nobody_listens(graph: Any, arm: Path) -> None:
    poses = graph.node.create_publisher(PersonArray, 'poses_refined', qos.reliable(10))
    process = graph.start('action', '--ros-args', '-p', f'recogniser:={arm}')
    graph.until(lambda: graph.node.count_publishers('actions') == 1, 30)
    graph.spin_for(0.5)
    assert poses.get_subscription_count() == 0
    listener = graph.node.create_subscription(ActionArray, 'actions', lambda message: None, 10)
    graph.until(lambda: poses.get_subscription_count() == 1)
    graph.node.destroy_subscription(listener)
    graph.until(lambda: poses.get_subscription_count() == 0)
    assert process.end() == 0, process.output()


@pytest.mark.parametrize(('parameters', 'sentence'), [
    (('recogniser:=no_such',), "there is no recogniser 'no_such'"),
    (('label_set:=gait',), 'but gait is asked for'),
    (('memory_s:=0.1',), 'memory_s (0.1) must not be below max_age_s'),
])
def test_what_cannot_be_loaded_is_refused_with_the_reason(
    graph: Any, arm: Path, parameters: tuple[str, ...], sentence: str,
) -> None:
    graph.environment['NEUROPOSE_RECOGNISERS'] = str(arm.parent)
    given = ('recogniser:=arm', *parameters)
    process = graph.start(
        'action', '--ros-args', *(word for text in given for word in ('-p', text)))
    assert process.wait() == 2
    assert sentence in process.output()
    assert 'Traceback' not in process.output()


def test_a_damaged_network_is_refused(graph: Any, arm: Path) -> None:
    (arm / 'step.onnx').write_bytes(b'no network')
    process = graph.start('action', '--ros-args', '-p', f'recogniser:={arm}')
    assert process.wait() == 2
    assert 'step.onnx: damaged' in process.output()


def test_in_one_process_actions_are_told_with_the_scene_that_the_recogniser_needs(
    graph: Any, tmp_path: Path, own_network: None,
) -> None:
    recogniser = write_arm_recogniser(tmp_path / 'arm', scene=True)
    graph.environment['NEUROPOSE_MODELS'] = os.environ['NEUROPOSE_MODELS']
    process = graph.start(
        'composed', '--source', 'synthetic:walk?rate=15', '--recogniser', str(recogniser))
    answers = graph.collect(ActionArray, 'actions')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.until(lambda: answers and answers[-1].actions and (
        answers[-1].actions[0].top_label == 'arm_up'), 60)
    answer = action_frame_from_message(answers[-1])
    # The picture is bright: that is what the label comes from.
    assert 0 < answer.scene_stamp_ns < answer.stamp_ns
    diagnostics.clear()
    graph.until(lambda: {'/action', '/pose', '/refinement'} <= {
        status.name for array in diagnostics for status in array.status}, 10)
    details = {status.name: {item.key: item.value for item in status.values}
               for array in diagnostics for status in array.status}
    assert details['/pose']['scene_model'] == SCENE_MODEL
    assert details['/action']['late_scenes'] == details['/action']['refused_scenes'] == '0'
    assert process.end(signal.SIGTERM) == 0, process.output()


def test_a_graph_without_actions(graph: Any) -> None:
    graph.start('composed', '--source', 'synthetic:walk', '--recogniser', 'none')
    graph.until(lambda: graph.node.count_publishers('poses_refined') == 1, 30)
    graph.spin_for(0.5)
    assert graph.node.count_publishers('actions') == 0


def test_without_a_recogniser_of_its_own_the_package_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(store, 'DEFAULT', 'not_shipped')
    assert not wants_actions('', said.append)
    assert '`neuropose deploy`' in said[0]
    assert wants_actions('mine', said.append)
    assert not wants_actions('none', said.append)
    assert len(said) == 1


def test_parameters_change_live_and_contradictions_are_refused(graph: Any, arm: Path) -> None:
    talker = Talker(graph, arm)
    client = graph.node.create_client(SetParameters, '/action/set_parameters')
    graph.until(client.service_is_ready, 30)

    def change(name: str, value: float) -> Any:
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        return graph.ask(client, request).results[0]

    for index in range(20):
        answer = talker.ask(frame(index, person(1, arm_up=True)))
    assert answer.actions[0].top_label == 'arm_up'
    assert change('unknown_threshold', 0.05).successful
    unlike = talker.ask(frame(20, person(1, arm_up=True))).actions[0]
    assert (unlike.top_label, unlike.reason) == (UNKNOWN_LABEL, 'unlike_known')
    assert unlike.probabilities[1] > 0.9
    result = change('memory_s', 0.1)
    assert not result.successful
    assert 'must not be below max_age_s' in result.reason


def test_another_recogniser_is_loaded_without_a_new_process(
    graph: Any, arm: Path, tmp_path: Path,
) -> None:
    talker = Talker(graph, arm)
    other = write_arm_recogniser(
        tmp_path / 'other', name='other', labels=LabelSetValue('mine', ('low', 'high')))
    change = graph.node.create_client(SetParameters, '/action/set_parameters')
    state = graph.node.create_client(ChangeState, '/action/change_state')
    graph.until(lambda: change.service_is_ready() and state.service_is_ready(), 30)

    def call(client: Any, request: Any) -> Any:
        return graph.ask(client, request)

    def choose() -> Any:
        return call(change, SetParameters.Request(parameters=[
            Parameter('recogniser', value=str(other)).to_parameter_msg()])).results[0]

    def go(*transitions: int) -> None:
        for transition in transitions:
            assert call(state, ChangeState.Request(transition=Transition(id=transition))).success

    assert talker.ask(frame(0, person(1, arm_up=True))).model == 'arm'
    assert 'deactivate and clean it up first' in choose().reason
    go(Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
    assert choose().successful
    go(Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
    graph.until(talker.heard)
    for index in range(20):
        answer = talker.ask(frame(index, person(1, arm_up=True)))
    assert (answer.model, answer.actions[0].top_label) == ('other', 'high')
    assert talker.process.end() == 0, talker.process.output()
