"""The action node: refined people in, what they do out."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from rclpy.parameter import Parameter

from neuropose_ros.action.recogniser import load_recogniser
from neuropose_ros.action.scene_arrivals import SceneArrivals
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.action.store import find_recogniser
from neuropose_ros.core import wire
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.action_wire import action_frame_to_message, label_set_to_message
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.msg import ActionArray, LabelSet
from neuropose_ros.msg import SceneEmbedding as SceneEmbeddingMessage
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.action_parameters import ACTION, PARAMETERS, action_parameters
from neuropose_ros.nodes.base import (
    OK,
    WARN,
    InvalidHandle,
    RCLError,
    Repeater,
    StageNode,
    judge_rate,
)
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.layout_input import LayoutInput
from neuropose_ros.nodes.ports import Input, Output
from neuropose_ros.nodes.pose_reader import PoseReader, message_key
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.spin import run
from neuropose_ros.nodes.types import ROS


class ActionNode(StageNode):
    """Runs an `ActionStage` on every PersonArray."""

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; the recogniser is loaded at configure."""
        super().__init__('action', hub=hub, overrides=overrides, cli_args=cli_args)
        self._stage: ActionStage | None = None
        self._labels: Repeater | None = None
        # In one process poses come in the pose node's thread, parameters in the executor's.
        self._working = threading.Lock()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._received = RateMeter()
        self._scenes = SceneArrivals()
        self._reader = PoseReader(self, self._on_poses)
        self._unanswered = 0
        self._restarts = 0
        self._problem = ''
        self._work_ms = self._age_ms = 0.0
        self._problems = 0

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse values that contradict each other.

        Raises:
            ParameterError: they do.
        """
        action_parameters(settings)

    def setup(self) -> None:
        """Load the recogniser and advertise.

        Raises:
            NeuroposeError: there is no such recogniser, it cannot be loaded, or parameters
                contradict each other.
        """
        self._begin_anew()
        chosen = self.settings
        self._layouts = LayoutInput(self)
        recogniser = load_recogniser(
            find_recogniser(chosen['recogniser']), runtime=chosen['runtime'],
            precision=chosen['precision'], threads=chosen['threads'],
            label_set=chosen['label_set'], announce=self.get_logger().info)
        self._stage = stage = ActionStage(
            recogniser, parameters=action_parameters(chosen),
            layouts=self._layouts.finder('no actions'))
        self._actions: Output[ActionFrame] = Output(
            self, 'actions', ActionArray, qos.reliable(10),
            lambda frame: action_frame_to_message(frame, ROS),
            key=lambda frame: (frame.stamp_ns, frame.frame_seq), hub=self.hub)
        self._poses = self._reader.input(chosen['input'])
        self._scene: Input[SceneEmbedding] = Input(
            self, 'scene', SceneEmbeddingMessage, qos.reliable(5), self._on_scene_message,
            on_value=self._on_scene, message_key=message_key, hub=self.hub)
        self._labels = Repeater(
            self, 'label_sets', LabelSet, lambda: [label_set_to_message(stage.label_set, ROS)])

    def teardown(self) -> None:
        """Drop the recogniser."""
        with self._working:
            stage, self._stage = self._stage, None
            labels, self._labels = self._labels, None
        for given in (stage, labels):
            if given is not None:
                given.close()

    def apply_live(self, changed: dict[str, Any]) -> None:
        """Judge on with the new parameters."""
        if not changed.keys() & {spec.name for spec in ACTION}:
            return
        with self._working:
            if self._stage is not None:
                self._stage.parameters = action_parameters(self.settings)

    def demanded(self) -> bool:
        """Somebody wants actions."""
        return self._actions.demanded

    def follow_demand(self, wanted: bool) -> None:
        """Read poses while in demand, and the scene where the recogniser looks at it."""
        self._poses.want(wanted)
        self._layouts.want(wanted)
        self._scene.want(wanted and self._stage is not None and self._stage.uses_scene)

    # -- what comes in -------------------------------------------------------------------------

    def _on_scene_message(self, message: Any) -> None:
        self._on_scene(wire.scene_from_message(message))

    def _on_scene(self, scene: SceneEmbedding) -> None:
        with self._working:
            self._scenes.put(scene)

    def _on_poses(self, poses: PoseFrame) -> None:
        self._received.tick()
        watch = Stopwatch()
        try:
            actions = self._judge_frame(poses)
        except (RCLError, InvalidHandle):
            raise
        except Exception as error:  # noqa: BLE001 - one frame must not end all others
            self._unanswered += 1
            self._note_problem(f'a frame is lost: {type(error).__name__}: {error}')
            self.get_logger().error(traceback.format_exc(), once=True)
            return
        if actions is not None:
            self._work_ms = watch.lap_ms()
            self._age_ms = (self.get_clock().now().nanoseconds - poses.stamp_ns) / 1e6
            self._actions.send(actions)

    def _judge_frame(self, poses: PoseFrame) -> ActionFrame | None:
        with self._working:
            stage = self._stage
            if stage is None:
                return None
            actions = stage.process(poses, self._scenes.before(poses.stamp_ns, poses.epoch))
            problem, restarts = stage.last_error, stage.restarts
        self._note_problem(problem)
        if restarts != self._restarts:
            self._restarts = restarts
            self.say_restarted('everybody is forgotten')
        return actions

    def _note_problem(self, problem: str) -> None:
        self._problem = problem
        if problem:
            self._problems += 1
            self.say_problem_once(problem, problem)

    # -- health ----------------------------------------------------------------------------------

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Judge rate, problems of the last seconds, and what the scene needs."""
        level, sentence = judge_rate(
            self._received, self.settings['expected_rate_hz'], wanted=self._poses.is_open)
        problem = self._present_problem()
        if level == OK and problem:
            level, sentence = WARN, problem
        return level, sentence, {key: str(value) for key, value in self._details().items()}

    def _present_problem(self) -> str:
        publishers = self._poses.publishers()
        problems = (
            (self.rising('problems', self._problems) and bool(self._problem), self._problem),
            (self.rising('bad', self._reader.malformed),
             f'{self._reader.malformed} malformed messages were refused'),
            (self.rising('crowded', self._crowded_out()),
             f'more than {self.settings["most_people"]} people (most_people) within memory_s: '
             'some are forgotten early; does the tracker give new ids all the time?'),
            (publishers > 1,
             f'{publishers} publishers on {self._poses.topic}: give each its own namespace'),
            (self._scene.is_open and self._scene.publishers() == 0,
             f'nobody publishes {self._scene.topic}: the recogniser was trained with it; start '
             f'the pose node with scene_model:={self._scene_model()}, or set use_scene:=false'),
        )
        return '; '.join(sentence for present, sentence in problems if present)

    def _crowded_out(self) -> int:
        return 0 if self._stage is None else self._stage.counters.crowded_out

    def _scene_model(self) -> str:
        return '' if self._stage is None else self._stage.scene_model

    def _details(self) -> dict[str, object]:
        stage = self._stage
        details: dict[str, object] = {
            'received': self._received.count, 'published': self._actions.sent,
            'unanswered': self._unanswered, 'bad_messages': self._reader.malformed,
            'late_scenes': self._scenes.late, 'work_ms': f'{self._work_ms:.2f}',
            'age_ms': f'{self._age_ms:.1f}',
        }
        if stage is None:
            return details
        counters = stage.counters
        with self._working:
            reasons = {f'unknown: {name}': count for name, count in counters.reasons.items()}
        counts = {item.name: getattr(counters, item.name) for item in fields(counters)
                  if item.name != 'reasons'}
        return {'model': stage.model, 'label_set': stage.label_set.id, **details, **counts,
                **reasons}


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [ActionNode()], args)
