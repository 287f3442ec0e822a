"""The refinement node: people in, better people out, and predictions back to the pose node."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from rclpy.parameter import Parameter
from visualization_msgs.msg import MarkerArray

from neuropose_ros.core import wire
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.msg import PersonArray
from neuropose_ros.nodes import markers, qos
from neuropose_ros.nodes.base import OK, WARN, StageNode, judge_rate
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
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage


def _parameters(settings: dict[str, Any]) -> RefinementParameters:
    return RefinementParameters(**{spec.name: settings[spec.name] for spec in REFINEMENT})


REFINEMENT = tuple(spec_of_field(item) for item in fields(RefinementParameters))

PARAMETERS = (
    *REFINEMENT,
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
        # In one process poses come in the pose node's thread, parameters in the executor's.
        self._working = threading.Lock()

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse values that contradict each other.

        Raises:
            ParameterError: they do.
        """
        _parameters(settings)

    def setup(self) -> None:
        """Make the stage and advertise.

        Raises:
            ParameterError: parameters contradict each other.
        """
        self._layouts = LayoutInput(self)
        self._stage = RefinementStage(
            _parameters(self.settings),
            layouts=self._layouts.finder('every joint is refined by itself'))

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

    def teardown(self) -> None:
        """There is nothing but ports."""

    def apply_live(self, changed: dict[str, Any]) -> None:
        """Refine on with the new parameters; the filters begin anew."""
        if not changed.keys() & {spec.name for spec in REFINEMENT}:
            return
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

    def _on_poses(self, poses: PoseFrame) -> None:
        self._received.tick()
        arrived_ms = (self.get_clock().now().nanoseconds - poses.stamp_ns) / 1e6
        watch = Stopwatch()
        with self._working:
            refined = self._corrector.apply(self._stage.process(poses))
            feedback = self._stage.feedback() if self._feedback.demanded else None
        if self._stage.restarts != self._restarts:
            self._restarts = self._stage.restarts
            self.say_restarted('all tracks are forgotten')
        self._refined.send(replace(
            refined, receive_ms=arrived_ms, preprocess_ms=0.0, inference_ms=0.0,
            postprocess_ms=watch.lap_ms()))
        if feedback is not None:
            self._feedback.send(feedback)
        if self._markers.outside:
            known = self._layouts.find(refined.layout, 'no markers')
            if known is not None:
                self._markers.send(markers.markers(refined, known))

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Judge rate, restarts and refused messages."""
        level, sentence = judge_rate(
            self._received, self.settings['expected_rate_hz'], wanted=self._poses.is_open)
        malformed = self.rising('bad', self._reader.malformed)
        refused = self.rising('refused', self._corrections.refused)
        publishers = self._poses.publishers()
        if level == OK and malformed:
            level, sentence = WARN, f'{self._reader.malformed} malformed messages were refused'
        elif level == OK and refused:
            level, sentence = WARN, f'{self._corrections.refused} corrections were refused'
        elif level == OK and publishers > 1:
            level, sentence = WARN, (
                f'{publishers} publishers on {self._poses.topic}: give each its own namespace')
        details = {
            'received': self._received.count,
            'published': self._refined.sent,
            'bad_messages': self._reader.malformed,
            **asdict(self._stage.counters),
            **self._corrections.details(),
        }
        return level, sentence, {key: str(value) for key, value in details.items()}


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [RefinementNode()], args)
