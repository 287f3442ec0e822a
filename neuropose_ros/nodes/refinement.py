"""The refinement node: people in, better people out, and predictions back to the pose node."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from visualization_msgs.msg import MarkerArray

from neuropose_ros.core import wire
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.msg import PersonArray
from neuropose_ros.nodes import markers, qos
from neuropose_ros.nodes.base import OK, WARN, StageNode, judge_rate
from neuropose_ros.nodes.context_input import ContextInput
from neuropose_ros.nodes.correction_input import CorrectionInput
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.layout_input import LayoutInput
from neuropose_ros.nodes.parameters import ParameterSpec, spec_of_field
from neuropose_ros.nodes.ports import Output
from neuropose_ros.nodes.pose_reader import PoseReader
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.spin import run
from neuropose_ros.nodes.types import ROS
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.corrections import CorrectionLog
from neuropose_ros.refinement.loading import Refiner, load_refiner
from neuropose_ros.refinement.parameters import RefinementParameters

# So long after the last frame, none is to come for which an earlier one should wait.
_PATIENCE_S = 1.0


def _parameters(settings: dict[str, Any]) -> RefinementParameters:
    return RefinementParameters(**{spec.name: settings[spec.name] for spec in REFINEMENT})


REFINEMENT = tuple(spec_of_field(item) for item in fields(RefinementParameters))

PARAMETERS = (
    *REFINEMENT,
    ParameterSpec(
        'refiner', '', 'What was learnt of detectors and people: a name, or a folder that '
        '`neuropose train refiner` wrote; none = the filters work alone; empty = the one that '
        'comes with the package.'),
    ParameterSpec(
        'expected_rate_hz', 0.0, 'Declared rate of poses; below 90 % of it /diagnostics warns. '
        '0 = not declared.', unit='Hz', minimum=0.0, maximum=1000.0, live=True),
)


class RefinementNode(StageNode):
    """Runs a `RefinementStage` on every PersonArray."""

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; nothing is opened before configure."""
        super().__init__('refinement', hub=hub, overrides=overrides, cli_args=cli_args)
        self._received = RateMeter()
        self._reader = PoseReader(self, self._on_poses)
        self._restarts = 0
        # What people said outlives a new configuration.
        self._corrector = Corrector(CorrectionLog(), as_said=True)
        self._refiner: Refiner | None = None
        self._problem = ''
        self._problems = 0
        self._arrived_s = math.inf
        # In one process poses come in the pose node's thread, parameters in the executor's.
        # Actions come while their poses are being sent, so sending has a lock of its own.
        self._working, self._sending = threading.Lock(), threading.RLock()

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse values that contradict each other.

        Raises:
            ParameterError: they do.
        """
        _parameters(settings)

    def setup(self) -> None:
        """Make the stage and advertise.

        Raises:
            NeuroposeError: parameters contradict each other, or the refiner cannot be had.
        """
        self._layouts = LayoutInput(self)
        self._refiner = refiner = load_refiner(
            self.settings['refiner'], announce=self.get_logger().info)
        self._stage = refiner.stage(
            _parameters(self.settings), self._layouts.finder('every joint is refined by itself'))

        def to_message(frame: PoseFrame) -> Any:
            return wire.pose_frame_to_message(frame, ROS)

        def key(frame: PoseFrame) -> tuple[int, int]:
            return frame.stamp_ns, frame.frame_seq

        self._refined: Output[PoseFrame] = Output(
            self, 'poses_refined', PersonArray, qos.reliable(10), to_message, key=key,
            hub=self.hub)
        self._feedback: Output[PoseFrame] = Output(
            self, 'pose_feedback', PersonArray, qos.best_effort(1), to_message, key=key,
            hub=self.hub)
        self._markers: Output[Any] = Output(
            self, '~/markers', MarkerArray, qos.best_effort(1), lambda array: array,
            key=id)
        self._poses = self._reader.input('poses')
        self._corrections = CorrectionInput(self, self._corrector, self._working)
        self._doings = ContextInput(self, self._on_actions)

    def teardown(self) -> None:
        """Give the networks back."""
        with self._working:
            refiner, self._refiner = self._refiner, None
        if refiner is not None:
            refiner.close()

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Say what still waits for later frames, then stop."""
        self._flush()
        return super().on_deactivate(state)

    def apply_live(self, changed: dict[str, Any]) -> None:
        """Refine on with the new parameters; the filters begin anew."""
        if not changed.keys() & {spec.name for spec in REFINEMENT}:
            return
        with self._sending:
            self._flush()
            with self._working:
                self._stage.parameters = _parameters(self.settings)

    def demanded(self) -> bool:
        """Somebody wants refined poses or markers; feedback alone is no reason to work."""
        return self._refined.demanded or self._markers.demanded

    def follow_demand(self, wanted: bool) -> None:
        """Read poses only while in demand; what people say is not said twice."""
        self._corrections.want(self.active)
        self._poses.want(wanted)
        self._layouts.want(wanted)
        self._doings.want(wanted and self.settings['use_action_context'])
        if time.monotonic() - self._arrived_s > _PATIENCE_S:
            self._arrived_s = math.inf
            self._flush()

    def _on_actions(self, actions: ActionFrame) -> None:
        with self._working:
            if self._refiner is not None:
                self._stage.put_actions(actions)

    def _on_poses(self, poses: PoseFrame) -> None:
        self._received.tick()
        arrived_ms = (self.get_clock().now().nanoseconds - poses.stamp_ns) / 1e6
        self._arrived_s = time.monotonic()
        with self._sending:
            watch = Stopwatch()
            feedback = None
            try:
                with self._working:
                    if self._refiner is None:
                        return
                    refined = self._stage.process(replace(
                        poses, receive_ms=arrived_ms, preprocess_ms=0.0, inference_ms=0.0))
                    if self._feedback.demanded:
                        feedback = self._stage.feedback()
            except NeuroposeError as error:
                self._note_problem(f'a frame is lost: {error}')
                return
            self._note_restart()
            if refined is not None:
                self._send(refined, watch.lap_ms())
            if feedback is not None:
                self._feedback.send(feedback)

    def _flush(self) -> None:
        """Send what waits for later frames."""
        with self._sending:
            with self._working:
                waiting = [] if self._refiner is None else self._stage.flush()
            for refined in waiting:
                self._send(refined, 0.0)

    def _send(self, refined: PoseFrame, took_ms: float) -> None:
        with self._working:
            refined = self._corrector.apply(replace(refined, postprocess_ms=took_ms))
        self._refined.send(refined)
        if self._markers.outside:
            known = self._layouts.find(refined.layout, 'no markers')
            if known is not None:
                self._markers.send(markers.markers(refined, known))

    def _note_restart(self) -> None:
        if self._stage.restarts != self._restarts:
            self._restarts = self._stage.restarts
            self.say_restarted('all tracks are forgotten')

    def _note_problem(self, problem: str) -> None:
        self._problem = problem
        self._problems += 1
        self.say_problem_once(problem, problem)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Judge rate, restarts and refused messages."""
        level, sentence = judge_rate(
            self._received, self.settings['expected_rate_hz'], wanted=self._poses.is_open)
        problem = self._present_problem()
        if level == OK and problem:
            level, sentence = WARN, problem
        refiner = self._refiner
        details: dict[str, object] = {
            'refiner': '' if refiner is None else refiner.name,
            'received': self._received.count,
            'published': self._refined.sent,
            'bad_messages': self._reader.malformed + self._doings.malformed,
            **asdict(self._stage.counters),
            **self._corrections.details(),
        }
        return level, sentence, {key: str(value) for key, value in details.items()}

    def _present_problem(self) -> str:
        malformed = self._reader.malformed + self._doings.malformed
        refused, publishers = self._corrections.refused, self._poses.publishers()
        problems = (
            (self.rising('problems', self._problems), self._problem),
            (self.rising('bad', malformed), f'{malformed} malformed messages were refused'),
            (self.rising('refused', refused), f'{refused} corrections were refused'),
            (publishers > 1,
             f'{publishers} publishers on {self._poses.topic}: give each its own namespace'),
        )
        return '; '.join(sentence for present, sentence in problems if present)


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [RefinementNode()], args)
