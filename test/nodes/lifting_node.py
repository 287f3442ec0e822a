"""A stage that lifts what comes on ``truth``: `DepthInput` in a process without a network."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
from neuropose_ros.msg import PersonArray

from neuropose_ros.core import wire
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import Frame, PoseFrame
from neuropose_ros.nodes import depth, qos
from neuropose_ros.nodes.base import OK, WARN, StageNode
from neuropose_ros.nodes.mailbox import Mailbox
from neuropose_ros.nodes.ports import Input, Output
from neuropose_ros.nodes.spin import run
from neuropose_ros.nodes.types import ROS


class LiftingNode(StageNode):
    PARAMETERS = depth.PARAMETERS

    def __init__(self) -> None:
        super().__init__('lifting')
        self._worker: threading.Thread | None = None

    def setup(self) -> None:
        self._mailbox: Mailbox[PoseFrame] = Mailbox(queue_length=64)
        self._depth = depth.DepthInput(self, layout('blazepose33'))
        self._poses: Output[PoseFrame] = Output(
            self, 'poses', PersonArray, qos.reliable(50),
            lambda frame: wire.pose_frame_to_message(frame, ROS), key=lambda frame: frame.stamp_ns)
        self._truth: Input[Any] = Input(
            self, 'truth', PersonArray, qos.reliable(50),
            lambda message: self._mailbox.put_waiting(wire.pose_frame_from_message(message), 0.0))
        self._worker = self.thread('worker', self._work)

    def _work(self) -> None:
        mailbox = self._mailbox
        while not mailbox.closed:
            poses = mailbox.get(timeout_s=1.0)
            if poses is not None:
                image = np.zeros((poses.image_height, poses.image_width, 3), np.uint8)
                self._poses.send(self._depth.lift(poses, Frame(
                    image, poses.stamp_ns, poses.frame_seq, poses.frame_id)))

    def teardown(self) -> None:
        if self._worker is not None:
            self._depth.close()
            self._mailbox.close()
            self._worker.join(timeout=5.0)
            self._worker = None

    def demanded(self) -> bool:
        return self._poses.demanded

    def follow_demand(self, wanted: bool) -> None:
        self._truth.want(wanted)
        self._depth.want(wanted)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        problem = '; '.join(text for present, text in self._depth.problems() if present)
        details = {key: str(value) for key, value in self._depth.details().items()}
        return WARN if problem else OK, problem, details


if __name__ == '__main__':
    sys.exit(run(lambda: [LiftingNode()]))
