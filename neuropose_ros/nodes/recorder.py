"""The recorder node: what the other nodes say, into sessions on the disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from std_srvs.srv import Trigger

from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.core.events import EventMarker
from neuropose_ros.core.pose import Image
from neuropose_ros.core.software import software_versions
from neuropose_ros.nodes.base import ERROR, OK, WARN, StageNode
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.parameter_snapshot import ParameterSnapshot
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.recorder_inputs import KINDS, RecorderInputs
from neuropose_ros.nodes.recorder_parameters import (
    PARAMETERS,
    about_of,
    check_recorder,
    new_session,
    shows_people,
)
from neuropose_ros.nodes.spin import run
from neuropose_ros.recording.live import LiveSession
from neuropose_ros.recording.rows import warm_up


class RecorderNode(StageNode):
    """Writes a `LiveSession` between start and stop."""

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; nothing is opened before configure."""
        super().__init__('recorder', hub=hub, overrides=overrides, cli_args=cli_args)
        self._session: LiveSession | None = None
        self._ending: list[threading.Thread] = []
        self._latched: dict[tuple[str, str], Any] = {}
        self._triggers: list[Any] = []
        self._received = RateMeter()
        self._leaving = False
        self._problem = ''

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse values that contradict each other.

        Raises:
            ParameterError: they do.
        """
        try:
            check_recorder(settings)
        except ParameterError:
            raise
        except NeuroposeError as error:
            raise ParameterError(str(error)) from error

    def setup(self) -> None:
        """Advertise the services, prepare to read.

        Raises:
            NeuroposeError: parameters contradict each other, or pyarrow is not installed.
        """
        check_recorder(self.settings)
        warm_up()
        self._problem = ''
        self._inputs = RecorderInputs(
            self, self.settings['topics'].split(), self, self.settings['bag'],
            self.settings['video'] != 'none')
        self._snapshot = ParameterSnapshot(self)
        self._triggers = [
            self.create_service(Trigger, '~/start', self._on_start),
            self.create_service(Trigger, '~/stop', self._on_stop)]

    def start(self) -> None:
        """Configure and activate, and begin where that was asked for at the start.

        Raises:
            NeuroposeError: it cannot be configured, or a session cannot be begun: who started it
                to record must not find out later.
        """
        super().start()
        if self.active and self.demanded() and self._session is None:
            self._begin()

    def teardown(self) -> None:
        """End the session."""
        self._end()
        while self._ending:
            self._ending.pop().join()
        while self._triggers:
            self.destroy_service(self._triggers.pop())

    def destroy_node(self) -> None:
        """Leave the graph; a long session is left as it lies, to be compacted later."""
        self._leaving = True
        super().destroy_node()

    def demanded(self) -> bool:
        """It is to be recorded."""
        return bool(self.settings['recording'])

    def follow_demand(self, wanted: bool) -> None:
        """Begin or end as the parameter says, and read what a recording needs."""
        session = self._session
        if session is not None and session.failure:
            self._note(session.failure)
            self._end()
            self._say_recording(False)
        elif session is not None and not wanted:
            self._end()
        elif session is None and wanted:
            try:
                self._begin()
            except NeuroposeError as error:
                self._note(str(error))
                self._say_recording(False)
        self._inputs.want(self._session is not None, self.active)
        if self._session is not None:
            self._snapshot.follow(self._inputs.publishers, self._session)

    # -- begin and end, in the executor's thread -----------------------------------------------

    def _begin(self) -> Path:
        path = new_session(self.settings)
        session = LiveSession(
            path, about_of(self.settings, software_versions()),
            least_free_mb=self.settings['least_free_mb'], flush_s=self.settings['flush_s'],
            clock=self._now_ns, bag=(
                None if self.settings['bag'] == 'none' else self._inputs.latched()),
            video=self.settings['video'].replace('none', ''))
        self._problem = ''
        self._snapshot.begin()
        self._session = session
        for (topic, _), value in self._latched.items():
            session.put(value, 0)
            self._inputs.keep_value(topic, value)
        self.get_logger().info(f'recording {path}')
        if shows_people(self.settings):
            self.get_logger().warning('pictures are kept in which people can be recognised')
        return path

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return

        def end() -> None:
            session.close(leaving=self._leaving)
            kept = ', '.join(f'{count} {table}' for table, count in sorted(session.rows.items()))
            self.get_logger().info(f'{session.path}: ended with {kept or "nothing"}')

        self._ending = [thread for thread in self._ending if thread.is_alive()]
        self._ending.append(self.thread('end of session', end))

    def _say_recording(self, recording: bool) -> None:
        if self.settings['recording'] != recording:
            self.set_parameters([Parameter('recording', value=recording)])

    def _note(self, problem: str) -> None:
        self._problem = problem
        self.get_logger().error(problem)

    def _on_start(self, _request: Any, response: Any) -> Any:
        if self._session is not None:
            response.success, response.message = False, f'already recording {self._session.path}'
        elif not self.active:
            response.success, response.message = False, 'the node is not active'
        else:
            try:
                response.success, response.message = True, str(self._begin())
                self._say_recording(True)
            except NeuroposeError as error:
                response.success, response.message = False, str(error)
        return response

    def _on_stop(self, _request: Any, response: Any) -> Any:
        session = self._session
        if session is None:
            response.success, response.message = False, 'nothing is being recorded'
            return response
        self._end()
        self._say_recording(False)
        response.success, response.message = True, str(session.path)
        return response

    # -- what comes in, in any thread -----------------------------------------------------------

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def take(self, topic: str, value: Any) -> None:
        """Record a value, or note what describes others for when a recording begins."""
        self._received.tick()
        if KINDS[topic].latched:
            self._latched[topic, getattr(value, 'id', '') or value.stream] = value
        begins = ends = False
        if isinstance(value, EventMarker) and value.name == self.settings['event'] != '':
            begins, ends = value.value == 'start', value.value == 'stop'
        if begins:
            self._say_recording(True)
            self.follow_demand(self.active and self.demanded())
        session = self._session
        if session is not None:
            session.put(value, self._now_ns(), topic)
        if ends:
            self._say_recording(False)
            self.follow_demand(False)

    def sees(self) -> bool:
        """Whether there is a video at present."""
        session = self._session
        return session is not None and session.video is not None

    def see(self, stamp_ns: int, image: Image, *, wait: bool = False) -> None:
        """Put a picture into the video."""
        session = self._session
        if session is not None and session.video is not None:
            session.video.put_picture(stamp_ns, image, wait=wait)

    def keeps_messages(self) -> bool:
        """Whether there is a bag at present."""
        session = self._session
        return session is not None and session.bag is not None

    def keep(self, topic: str, kind: str, message: Any, *, wait: bool = False) -> None:
        """Put a message into the bag."""
        session = self._session
        if session is not None and session.bag is not None:
            session.bag.put(
                topic, kind, serialize_message(message), self._now_ns(), wait=wait)

    # -- health ----------------------------------------------------------------------------------

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say what is recorded, what was lost, and how much room there is."""
        session = self._session
        malformed = self._inputs.malformed
        details: dict[str, object] = {'received': self._received.count, 'bad_messages': malformed}
        if session is None:
            level, sentence = (ERROR, self._problem) if self._problem else (OK, 'not recording')
            return level, sentence, {key: str(value) for key, value in details.items()}
        lost = sum(session.lost.values())
        missing = session.losses.missing
        details |= {
            'session': session.path, 'waiting': session.pending, 'lost': lost,
            'flush_ms': f'{session.flush_ms:.1f}', 'free_mb': f'{session.free_mb:.0f}',
            **{f'{table} rows': count for table, count in sorted(session.rows.items())},
            **{f'{topic} missing': count for topic, count in sorted(missing.items())},
            **{f'{topic} skipped': count
               for topic, count in sorted(session.losses.skipped.items())},
        }
        problems = (
            (lost > 0, f'{lost} values could not be kept: the disk is too slow'),
            (self.rising('missing', sum(missing.values())),
             f'{sum(missing.values())} frames or samples did not come here'),
            (self.rising('bad', malformed), f'{malformed} malformed messages were refused'),
            (self._received.rate_hz() == 0.0, 'recording, but nothing arrives'),
        )
        problem = '; '.join(sentence for present, sentence in problems if present)
        return (WARN if problem else OK, problem or f'recording {session.path}',
                {key: str(value) for key, value in details.items()})


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [RecorderNode()], args)
