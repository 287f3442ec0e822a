"""The pose node: images in, people out."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from functools import partial
from typing import Any

from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from neuropose_ros.core import wire
from neuropose_ros.core.behind import Later, beside, in_line
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import ImageError, NeuroposeError
from neuropose_ros.core.pose import Frame, FramePolicy, PoseFrame
from neuropose_ros.drawing import overlay
from neuropose_ros.inference.threads import available_processors
from neuropose_ros.msg import FrameInfo, PersonArray, SkeletonLayout
from neuropose_ros.nodes import images, qos
from neuropose_ros.nodes.base import (
    OK,
    WARN,
    InvalidHandle,
    RCLError,
    Repeater,
    StageNode,
    judge_rate,
)
from neuropose_ros.nodes.cloud import open_cloud
from neuropose_ros.nodes.depth import DepthInput
from neuropose_ros.nodes.frame_input import FrameInput, Item
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.ports import Input, Output
from neuropose_ros.nodes.pose_parameters import PARAMETERS
from neuropose_ros.nodes.pose_reader import message_key
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.scene import SceneOutput
from neuropose_ros.nodes.spin import run
from neuropose_ros.nodes.types import ROS
from neuropose_ros.pose.arrivals import Arrival
from neuropose_ros.pose.loading import PoseSettings, load_pose
from neuropose_ros.pose.stage import Look, PoseStage

_FUTURE_MS = 50.0
_PROCESSORS_FOR_A_THREAD = 3


class PoseNode(StageNode):
    """Runs a `PoseStage` on the newest frame, or on every frame where the camera waits.

    While the network looks at a frame, the people of the one before are told who they are and
    sent in a second thread, in which stages of the same process work on them; in a process of its
    own only where there are three processors or more.
    """

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; the model is loaded at configure."""
        super().__init__('pose', hub=hub, overrides=overrides, cli_args=cli_args)
        self._stage: PoseStage | None = None
        self._worker: threading.Thread | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._processed = RateMeter()
        self._bad_feedback = 0
        self._restarts = 0
        self._ahead_ms = 0.0
        self._last_problem = ''
        self._problems = 0
        self._feedback: PoseFrame | None = None

    def setup(self) -> None:
        """Load the model, advertise, start the worker.

        Raises:
            NeuroposeError: the model cannot be had or loaded.
        """
        self._begin_anew()
        self._stage = stage = self._load()
        self._layout = stage.layout
        self._images = FrameInput(self, self.settings['image_transport'])
        self._depth = DepthInput(self, self._layout)
        self._cloud = open_cloud(self)
        self._scene = SceneOutput(self)
        self._poses: Output[PoseFrame] = Output(
            self, 'poses', PersonArray, qos.reliable(10),
            lambda frame: wire.pose_frame_to_message(frame, ROS),
            key=lambda frame: (frame.stamp_ns, frame.frame_seq), hub=self.hub)
        self._debug: Output[Frame] = Output(
            self, '~/debug_image', Image, qos.best_effort(1), images.image_from_frame,
            key=lambda frame: frame.stamp_ns)
        self._done: Output[wire.FrameInfo] = Output(
            self, self.beside('frame_done', self.resolve_topic_name('image_raw')), FrameInfo,
            qos.reliable(10),
            lambda info: wire.frame_info_to_message(info, ROS),
            key=lambda info: info.stamp_ns, hub=self.hub)
        self._feedback_in: Input[PoseFrame] = Input(
            self, 'pose_feedback', PersonArray, qos.best_effort(1),
            self._on_feedback_message, on_value=self._on_feedback,
            message_key=message_key, hub=self.hub)
        self._layouts = Repeater(
            self, 'layouts', SkeletonLayout, lambda: [wire.layout_to_message(self._layout, ROS)])
        self._worker = self.thread('pose worker', self._work)

    def _load(self) -> PoseStage:
        chosen = {item.name: self.settings[item.name] for item in fields(PoseSettings)}
        return load_pose(PoseSettings(**chosen), announce=self.get_logger().info).stage()

    def teardown(self) -> None:
        """Stop the worker, drop the model."""
        if self._worker is not None:
            self._images.close()
            self._depth.close()
            self._worker.join(timeout=5.0)
            self._worker = None
            self._layouts.close()
            self._scene.close()
        if self._stage is not None:
            self._stage.close()
            self._stage = None

    def demanded(self) -> bool:
        """Somebody wants poses or the debug image."""
        return self._people_demanded() or self._scene.demanded

    def _people_demanded(self) -> bool:
        return self._poses.demanded or self._debug.demanded or (
            self._cloud is not None and self._cloud.demanded)

    def follow_demand(self, wanted: bool) -> None:
        """Read images only while in demand."""
        self._images.want(wanted)
        self._depth.want(wanted)
        looks = self._stage is not None and self._stage.uses_feedback
        self._feedback_in.want(wanted and looks and self.settings['use_feedback'])

    def _on_feedback(self, feedback: PoseFrame) -> None:
        self._feedback = feedback

    def _on_feedback_message(self, message: PersonArray) -> None:
        try:
            self._on_feedback(wire.pose_frame_from_message(message))
        except ValueError as error:
            self._bad_feedback += 1
            self.say_once('feedback', f'{self._feedback_in.topic}: a message is refused: {error}')

    # -- looking: in the worker's thread -------------------------------------------------------

    def _work(self) -> None:
        source = self._images
        with self._later(source) as later:
            source.work(lambda item: self._take(item, later))

    def _later(self, source: FrameInput) -> AbstractContextManager[Later]:
        """Return what finishes frames while the next is looked at, where that gains time.

        Two processors are full with a camera and a refiner in processes of their own: a thread
        more would only take turns with this one.
        """
        if self.hub is None and available_processors() < _PROCESSORS_FOR_A_THREAD:
            return in_line()
        # What goes wrong beside it ends the worker at once, not with a frame that may never come.
        return beside(source.close)

    def _take(self, item: Item, later: Later) -> None:
        """Look at an item now, and have the rest done as soon as the one before is finished."""
        try:
            finish = self._look(item, later.settle)
        except Exception as error:  # noqa: BLE001 - all that is wrong is told in one thread
            finish = [partial(_fail, error)]
        later.settle()  # else frames would wait in a row, and people be told late
        later.put(partial(self._finish, item, finish))

    def _look(self, item: Item, settle: Callable[[], object]) -> list[Callable[[], None]]:
        """Return what is left to do; ``settle`` returns when it is done for earlier items."""
        stage = self._stage
        if stage is None:
            return []
        try:
            frame = self._images.decode(item)
        except ImageError as error:
            if not isinstance(item, Arrival):
                raise
            failed = stage.failed(item.info, item.seq_is_local, settle)
            return [partial(self._note_problem, str(error)), partial(self._poses.send, failed)]
        rest: list[Callable[[], None]] = [
            partial(self._note_frame, frame), partial(self._scene.process, frame)]
        if self._people_demanded():
            look = stage.look(frame, self._newest_feedback, settle)
            rest.insert(0, partial(self._follow, look, stage))
        return rest

    def _newest_feedback(self) -> PoseFrame | None:
        return self._feedback if self.settings['use_feedback'] else None

    # -- telling: beside it ----------------------------------------------------------------------

    def _finish(self, item: Item, work: list[Callable[[], None]]) -> None:
        try:
            for one in work:
                self._try(one)
        finally:
            self._processed.tick()
            # The camera waits for it, whatever became of the frame.
            if isinstance(item, Arrival) and item.info.policy is FramePolicy.EVERY_FRAME:
                self._try(partial(self._done.send, item.info))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (RCLError, InvalidHandle):
            raise
        except NeuroposeError as error:
            self._note_problem(str(error))
        except Exception as error:  # noqa: BLE001 - one frame must not end all others
            self._note_problem(f'a frame is lost: {type(error).__name__}: {error}')
            self.get_logger().error(traceback.format_exc(), once=True)

    def _note_frame(self, frame: Frame) -> None:
        ahead_ms = -frame.receive_ms
        self._ahead_ms = 0.0 if frame.policy is FramePolicy.EVERY_FRAME else ahead_ms

    def _follow(self, look: Look, stage: PoseStage) -> None:
        frame, poses = look.frame, stage.follow(look)
        clock = Stopwatch()
        poses = self._depth.lift(poses, frame)
        poses = replace(poses, postprocess_ms=poses.postprocess_ms + clock.lap_ms())
        self._note_problem(stage.last_error)
        self._note_restart(stage)
        self._poses.send(poses)
        if self._cloud is not None:
            self._cloud.send(poses)
        if self._debug.outside:
            drawn = overlay.draw(frame.image, poses, self._layout)
            self._debug.send(replace(frame, image=drawn))

    def _note_restart(self, stage: PoseStage) -> None:
        if stage.restarts != self._restarts:
            self._restarts = stage.restarts
            self.say_restarted('earlier frames are forgotten')

    def _note_problem(self, problem: str) -> None:
        if problem:
            self._last_problem = problem
            self._problems += 1
            self.say_problem_once(problem, f'{self._images.topic}: {problem}')

    # -- health ----------------------------------------------------------------------------------

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Judge rate, load, stamps and errors of the last seconds."""
        level, sentence = judge_rate(
            self._images.received, self.settings['expected_rate_hz'],
            wanted=self._images.is_open)
        problem = self._present_problem()
        if level == OK and problem:
            level, sentence = WARN, problem
        stage = self._stage
        details: dict[str, object] = {
            'model': '' if stage is None else stage.model,
            'layout': self._layout.id,
            **self._images.details(),
            **self._depth.details(),
            'processed': self._processed.count,
            'published': self._poses.sent,
            'skipped': 0 if stage is None else stage.skipped,
            'bad_feedback': self._bad_feedback,
            'exposure_stops': 0 if stage is None else round(stage.exposure_stops, 1),
            'restarts': self._restarts,
            **self._scene.details(),
        }
        return level, sentence, {key: str(value) for key, value in details.items()}

    def _present_problem(self) -> str:
        source = self._images
        received_hz, processed_hz = source.received.rate_hz(), self._processed.rate_hz()
        publishers = source.publishers()
        problems = (
            (self.rising('problems', self._problems), self._last_problem),
            (self.rising('zero', source.zero_stamps),
             'images with a zero stamp are refused (use_sim_time needs /clock)'),
            (self.rising('feedback', self._bad_feedback),
             'malformed pose_feedback messages are refused'),
            (publishers > 1,
             f'{publishers} publishers on {source.topic}: give each its own namespace'),
            # Few images, or refused ones, make rates differ; only replaced ones were missed.
            (self.rising('replaced', source.replaced) and processed_hz < 0.9 * received_hz,
             f'{processed_hz:.1f} of {received_hz:.1f} Hz are worked on: the machine is too slow '
             'or too busy'),
            (self._ahead_ms > _FUTURE_MS,
             f'stamps lie {self._ahead_ms:.0f} ms in the future: the clocks of camera and this '
             'machine differ'),
            *self._depth.problems(),
        )
        return '; '.join(sentence for present, sentence in problems if present)


def _fail(error: Exception) -> None:
    raise error


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [PoseNode()], args)
