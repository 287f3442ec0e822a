"""The adapter node: refined people in, the messages of other packages out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rclpy.parameter import Parameter

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import FrameStatus, PoseFrame, TrackState
from neuropose_ros.nodes.adapters.targets import TARGETS, Target, create
from neuropose_ros.nodes.base import OK, WARN, StageNode, judge_rate
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.layout_input import LayoutInput
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.nodes.pose_reader import PoseReader
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.spin import run

PARAMETERS = (
    ParameterSpec(
        'to', 'humans', 'Whose messages to publish: humans (REP-155: /humans/bodies, hri_msgs), '
        'vision_msgs or yolo_msgs (~/detections). They must be installed.',
        choices=tuple(TARGETS)),
    ParameterSpec(
        'id_prefix', 'p', 'humans only: bodies are called PREFIX, epoch, _ and track; give each '
        'camera its own, since /humans is one for all.'),
    ParameterSpec(
        'cropped', False, 'humans only: publish the picture of each body, too, for whoever '
        'listens. It shows people: leave it off where it is not needed.'),
    ParameterSpec(
        'expected_rate_hz', 0.0, 'Declared rate of poses_refined; below 90 % of it /diagnostics '
        'warns. 0 = not declared.', unit='Hz', minimum=0.0, maximum=1000.0, live=True),
)

# What says something about people: the others say that nobody looked.
_EVIDENCE = (FrameStatus.OK, FrameStatus.NO_PERSON)


class AdapterNode(StageNode):
    """Publishes confirmed people as somebody else's messages."""

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; nothing is opened before configure."""
        super().__init__('adapter', hub=hub, overrides=overrides, cli_args=cli_args)
        self._received = RateMeter()
        self._reader = PoseReader(self, self._on_poses)
        self._not_evidence = 0
        self._target: Target | None = None

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse an id that no topic can have, or that hides it.

        Raises:
            ParameterError: it is one.
        """
        prefix = str(settings['id_prefix'])
        if not (prefix.isascii() and prefix.isidentifier() and prefix[0].isalpha()):
            raise ParameterError(
                f'parameter id_prefix must begin with a letter and have letters, digits and _ '
                f'only, not {prefix!r}')

    def setup(self) -> None:
        """Advertise.

        Raises:
            ParameterError: the target's messages are not installed.
        """
        self.check(self.settings)
        self._target = create(self.settings['to'], self)
        self._layouts = LayoutInput(self)
        self._poses = self._reader.input('poses_refined')

    def teardown(self) -> None:
        """Withdraw what the ports do not."""
        target, self._target = self._target, None
        if target is not None:
            target.close()

    def demanded(self) -> bool:
        """Somebody listens to what it publishes."""
        return self._target is not None and self._target.demanded

    def follow_demand(self, wanted: bool) -> None:
        """Read poses only while in demand."""
        self._poses.want(wanted)
        self._layouts.want(wanted)
        if self._target is not None:
            self._target.follow_demand(wanted)

    def _on_poses(self, poses: PoseFrame) -> None:
        self._received.tick()
        target = self._target
        if target is None:
            return
        if poses.status not in _EVIDENCE:
            self._not_evidence += 1
            return
        layout = self._layouts.find(poses.layout, 'nothing is published')
        if layout is None:
            return
        # Others' messages cannot say that somebody is tentative, or lost and only predicted.
        confirmed = tuple(
            person for person in poses.persons if person.track_state is TrackState.CONFIRMED)
        target.send(replace(poses, persons=confirmed), layout)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Judge rate and refused messages."""
        level, sentence = judge_rate(
            self._received, self.settings['expected_rate_hz'], wanted=self._poses.is_open)
        if level == OK and self.rising('bad', self._reader.malformed):
            level, sentence = WARN, f'{self._reader.malformed} malformed messages were refused'
        details = {
            'to': self.settings['to'],
            'received': self._received.count,
            'published': 0 if self._target is None else self._target.sent,
            'no_evidence': self._not_evidence,
            'bad_messages': self._reader.malformed,
        }
        return level, sentence, {key: str(value) for key, value in details.items()}


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [AdapterNode()], args)
