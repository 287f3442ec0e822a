"""The recorder node: started and stopped in three ways, and what it keeps."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.core import event_wire, wire
from neuropose_ros.core.events import EventMarker
from neuropose_ros.core.layouts import COCO17

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('pyarrow', reason='needs pyarrow')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from neuropose_ros.msg import EventMarker as EventMarkerMessage  # noqa: E402
from neuropose_ros.msg import FrameInfo, PersonArray, SignalChunk  # noqa: E402
from rcl_interfaces.srv import SetParameters  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from neuropose_ros.imaging import raw  # noqa: E402
from neuropose_ros.nodes import qos  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402
from neuropose_ros.recording import open_session  # noqa: E402
from neuropose_ros.recording.bag_reading import open_bag  # noqa: E402
from neuropose_ros.recording.folder import is_session  # noqa: E402

from ..recording.people import START_NS, assert_same, floats, person, pose_frame  # noqa: E402

RECORDER = 'recorder'


class Recorder:
    """The node, and somebody who talks to it."""

    def __init__(self, graph: Any, *arguments: str) -> None:
        self.graph = graph
        self.folder: Path = graph.folder / 'sessions'
        self.process = graph.start(RECORDER, '--ros-args', '-p', f'folder:={self.folder}', *[
            word for argument in arguments for word in ('-p', argument)])
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        self._publishers: dict[str, Any] = {}

    def publish(self, topic: str, message: Any, profile: Any = None) -> None:
        if topic not in self._publishers:
            self._publishers[topic] = self.graph.node.create_publisher(
                type(message), topic, profile or qos.reliable(1000))
        self._publishers[topic].publish(message)

    def is_read(self, topic: str, message_type: Any) -> None:
        """Wait until the recorder reads a topic."""
        self._publishers.setdefault(topic, self.graph.node.create_publisher(
            message_type, topic, qos.reliable(1000)))
        self.graph.until(lambda: self._publishers[topic].get_subscription_count() > 0)

    def call(self, name: str) -> Any:
        client = self.graph.node.create_client(Trigger, f'/recorder/{name}')
        return self.graph.ask(client, Trigger.Request())

    def set(self, name: str, value: Any) -> Any:
        client = self.graph.node.create_client(SetParameters, '/recorder/set_parameters')
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        return self.graph.ask(client, request).results[0]

    def says(self, text: str) -> None:
        """Wait for a sentence in /diagnostics."""
        self.graph.until(lambda: any(
            text in status.message for array in self.diagnostics for status in array.status))

    def sessions(self) -> list[Path]:
        found = self.folder.iterdir() if self.folder.exists() else ()
        return sorted(path for path in found if is_session(path))

    def closed(self, path: Path) -> None:
        def is_closed() -> bool:
            with open_session(path) as session:
                return session.closed and not session.being_recorded

        self.graph.until(is_closed)


def test_the_services_begin_and_end_a_session_that_holds_what_came(graph: Any) -> None:
    recorder = Recorder(graph, 'session:=walk', 'task:=walking')
    # Once and for all, before the recorder is there.
    recorder.publish('layouts', wire.layout_to_message(COCO17, ROS), qos.latched())
    answer = recorder.call('start')
    assert answer.success and answer.message == str(recorder.folder / 'walk')
    assert 'already recording' in recorder.call('start').message
    frames = [pose_frame(i, person(1, seed=i)) for i in range(20)]
    recorder.is_read('poses', PersonArray)
    for frame in frames:
        recorder.publish('poses', wire.pose_frame_to_message(frame, ROS))
    graph.until(lambda: rows(recorder.folder / 'walk', 'people') == 20)
    answer = recorder.call('stop')
    assert answer.success and answer.message.endswith('walk')
    assert 'nothing is being recorded' in recorder.call('stop').message
    recorder.closed(recorder.folder / 'walk')
    with open_session(recorder.folder / 'walk') as session:
        found = list(session.poses())
        arrived = next(session.recorded('people')).arrival_ns
        assert session.about.task == 'walking' and 'numpy' in session.about.software
        assert session.layouts() == {COCO17.id: COCO17}
    assert_same(tuple(found), tuple(frames))
    assert arrived > START_NS
    assert recorder.call('start').message.endswith('walk-2')
    assert recorder.process.end(signal.SIGINT) == 0, recorder.process.output()
    with open_session(recorder.folder / 'walk-2') as session:
        assert session.closed


def rows(path: Path, table: str) -> int:
    with open_session(path) as session:
        return sum(batch.num_rows for batch in session.batches(table))


def test_a_parameter_begins_and_ends_and_asks_the_nodes_for_theirs(graph: Any) -> None:
    recorder = Recorder(graph)
    graph.node.declare_parameter('camera_url', 'rtsp://nurse:secret@10.0.0.1/stream')
    recorder.is_read('events', EventMarkerMessage)
    assert recorder.set('recording', True).successful
    graph.until(recorder.sessions)
    path, = recorder.sessions()

    def parameters() -> dict[str, Any]:
        with open_session(path) as session:
            return session.about.parameters

    graph.until(lambda: '/observer' in parameters())
    assert parameters()['/observer']['camera_url'] == 'rtsp://10.0.0.1/stream'
    assert recorder.set('recording', False).successful
    recorder.closed(path)


def test_an_event_marker_begins_and_ends_and_is_kept(graph: Any) -> None:
    recorder = Recorder(graph)

    def mark(name: str, value: str, after_ns: int) -> EventMarker:
        marker = EventMarker(START_NS + after_ns, name, value)
        recorder.publish('events', event_wire.event_to_message(marker, ROS))
        return marker

    recorder.is_read('events', EventMarkerMessage)
    mark('stimulus', 'too early', 0)
    started = mark('recording', 'start', 1)
    graph.until(recorder.sessions)
    stimulus = mark('stimulus', 'on', 2)
    stopped = mark('recording', 'stop', 3)
    path, = recorder.sessions()
    recorder.closed(path)
    with open_session(path) as session:
        assert session.events() == [started, stimulus, stopped]


def test_what_is_missing_or_refused_is_said_and_kept(graph: Any) -> None:
    recorder = Recorder(graph, 'recording:=true', 'session:=walk')
    recorder.is_read('poses', PersonArray)
    recorder.is_read('signals', SignalChunk)
    for index in (0, 1, 5):
        recorder.publish('poses', wire.pose_frame_to_message(pose_frame(index), ROS))
    broken = SignalChunk(stream='eeg', channels=3)
    broken.data.extend(floats(0, 4).tolist())
    recorder.publish('signals', broken)
    graph.until(lambda: rows(recorder.folder / 'walk', 'people') == 3)
    recorder.says('3 frames or samples did not come here')
    recorder.says('1 malformed messages were refused')
    assert recorder.process.end() == 0, recorder.process.output()
    with open_session(recorder.folder / 'walk') as session:
        assert session.facts['missing']['poses'] == 3


@pytest.mark.parametrize(('arguments', 'says'), [
    (['session:=../walk'], 'cannot be the name of a session'),
    (['recording:=true', 'folder:=/proc/sessions', 'least_free_mb:=0.0'],
     'no session can be made here'),
])
def test_what_cannot_be_recorded_ends_the_node_with_one_sentence(
    graph: Any, arguments: list[str], says: str,
) -> None:
    recorder = Recorder(graph, *arguments)
    assert recorder.process.wait() == 2
    assert says in recorder.process.output()
    assert recorder.sessions() == []


@pytest.mark.parametrize('record', ['', '/'])
def test_a_record_that_names_no_folder_ends_the_graph_with_one_sentence(
    graph: Any, record: str,
) -> None:
    process = graph.start('composed', '--source', 'synthetic', '--record', record)
    assert process.wait() == 2, process.output()
    assert f'--record {record!r} names no folder for the session' in process.output()


def test_a_full_disk_and_a_read_only_one_are_said_and_nothing_is_touched(graph: Any) -> None:
    recorder = Recorder(graph, 'least_free_mb:=10000000.0')
    answer = recorder.call('start')
    assert not answer.success and 'nothing more is recorded: the disk has' in answer.message
    recorder.set('recording', True)
    recorder.says('are to stay free')
    assert recorder.sessions() == []
    recorder.set('folder', '/proc/sessions')
    recorder.set('least_free_mb', 0.0)
    answer = recorder.call('start')
    assert not answer.success and 'no session can be made here' in answer.message


def test_a_subject_is_kept_under_a_pseudonym_only(graph: Any, tmp_path: Path) -> None:
    graph.environment['NEUROPOSE_SUBJECT_KEY'] = str(tmp_path / 'key' / 'subject.key')
    recorder = Recorder(graph, 'recording:=true', 'session:=walk', 'subject:=Jane Doe',
                        'consent:=measurements', 'retain_until:=2099-12-31')
    graph.until(recorder.sessions)
    recorder.is_read('frame_info', FrameInfo)
    assert recorder.process.end() == 0
    with open_session(recorder.folder / 'walk') as session:
        subject, = session.about.subjects
        assert subject.pseudonym.startswith('s-') and subject.may('measurements')
    for file in filter(Path.is_file, (recorder.folder / 'walk').rglob('*')):
        assert b'Jane' not in file.read_bytes()
    content = sqlite3.connect(recorder.folder / 'walk' / 'session.sqlite').iterdump()
    assert 'Jane' not in '\n'.join(content)




def test_one_process_records_itself_with_every_image(graph: Any) -> None:
    path = graph.folder / 'walk'
    graph.start(
        'composed', '--source', 'synthetic:walk?seconds=2&rate=15&width=320&height=240',
        '--record', str(path), '--ros-args', '-p', 'camera:policy:=every_frame',
        '-p', 'recorder:bag:=raw', '-p', 'recorder:video:=blurred')
    graph.until(lambda: is_session(path) and rows(path, 'people') >= 60, 60)
    assert graph.processes[0].end() == 0, graph.processes[0].output()
    with open_session(path) as session:
        assert session.pose_topics == ('poses_refined', 'poses')
        for topic in session.pose_topics:
            assert [frame.frame_seq for frame in session.poses(topic)] == list(range(30))
        assert [info.frame_seq for info in session.frames()] == list(range(30))
        assert sum(session.facts['missing'].values()) == 0 and session.facts['lost'] == {}
        assert session.facts['bag']['topics']['/image_raw'] == 30
        # The default model follows one person: it does not know who else is there.
        assert session.facts['video']['hidden'] == {'pictures': 30}
        layouts = session.layouts()
        assert set(layouts) == {frame.layout for frame in session.poses()}
        source, = session.about.devices
        assert source.startswith('synthetic') and '/pose' in session.about.parameters
        stamps = [frame.stamp_ns for frame in session.poses()]
    bag = open_bag(path / 'bag')
    images = [image for _, _, image in bag.messages(['/image_raw'])]
    assert [wire.stamp_ns(image.header.stamp) for image in images] == stamps
    assert raw.decode(images[0]).shape == (240, 320, 3)
    assert {'/poses', '/poses_refined', '/frame_info', '/layouts'} <= set(bag.topics)
