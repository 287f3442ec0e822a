"""An outside subscriber of the graph: writes down what arrives, computes nothing."""

from __future__ import annotations

import signal
import time
from collections import deque
from types import TracebackType
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage, Image

from neuropose_ros.cli.demo.interruption import held_signals
from neuropose_ros.cli.demo.recording import Recording
from neuropose_ros.cli.demo.spool import ImageSpool
from neuropose_ros.core import pose, wire
from neuropose_ros.core.action_wire import action_frame_from_message
from neuropose_ros.core.errors import ImageError
from neuropose_ros.msg import ActionArray, FrameInfo, PersonArray
from neuropose_ros.nodes import dds, qos
from neuropose_ros.nodes.images import image_to_bgr
from neuropose_ros.nodes.spin import create_executor

_TOPIC = 'topic:'


class Listener:
    """Subscribes to images, frame infos, truth, poses, refined poses and actions.

    Attributes:
        first_s, last_s: steady-clock time of the first and the newest message of a frame.
        images: how many arrived in time for the run.
        bad_images: how many could not be read.
        recent: (stamp ns, image) of the newest images, for a window.
        ready_s: steady-clock time of the first diagnostics: the graph has loaded everything.
        complaint: what its diagnostics complain about.
    """

    def __init__(self, recording: Recording, spool: ImageSpool, source: str) -> None:
        """Subscribe.

        Args:
            source: ``topic:/name`` listens to that image topic instead of the camera node's.
        """
        dds.apply_defaults()
        self._recording = recording
        self._spool = spool
        self.first_s: float | None = None
        self.last_s = 0.0
        self.ready_s: float | None = None
        self.images = 0
        self.bad_images = 0
        self.recent: deque[tuple[int, pose.Image]] = deque(maxlen=8)
        self.complaint = ''
        self._complaints: dict[str, str] = {}
        # Ctrl-C is the command's business: it ends the run and keeps what was recorded.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node('demo')
        self._subscribe(source)
        self._executor = create_executor()
        self._executor.add_node(self._node)

    def _subscribe(self, source: str) -> None:
        topic = source.removeprefix(_TOPIC) if source.startswith(_TOPIC) else 'image_raw'
        image_type = CompressedImage if topic.endswith('/compressed') else Image
        for kind, name, callback, profile in (
            (image_type, topic, self._on_image, qos.best_effort(10)),
            (FrameInfo, 'frame_info', self._on_info, qos.reliable(50)),
            (PersonArray, 'truth', self._on_truth, qos.reliable(50)),
            (PersonArray, 'poses', self._on_poses, qos.reliable(50)),
            (PersonArray, 'poses_refined', self._on_refined, qos.reliable(50)),
            (ActionArray, 'actions', self._on_actions, qos.reliable(50)),
            (DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.reliable(10)),
        ):
            self._node.create_subscription(kind, name, callback, profile)

    def spin_once(self, timeout_s: float) -> None:
        """Take what arrives within the time; a Ctrl-C in between counts at its end."""
        with held_signals(signal.SIGINT, signal.SIGTERM):
            self._executor.spin_once(timeout_sec=timeout_s)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def __enter__(self) -> Listener:
        """Listen until the block ends."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        """Leave the graph."""
        self.close()

    def _arrived(self) -> int:
        """Note that the graph lives; return ROS time, read before anything costs time."""
        now_ns = int(self._node.get_clock().now().nanoseconds)
        self.last_s = time.monotonic()
        if self.first_s is None:
            self.first_s = self.last_s
        return now_ns

    def _on_image(self, message: Any) -> None:
        self._arrived()
        stamp_ns = wire.stamp_ns(message.header.stamp)
        if not self._recording.covers(stamp_ns):
            return
        self.images += 1
        try:
            image = image_to_bgr(message)
        except ImageError:
            self.bad_images += 1
            return
        self.recent.append((stamp_ns, image))
        self._spool.put(stamp_ns, image)

    def _on_info(self, message: FrameInfo) -> None:
        self._arrived()
        self._recording.add_info(wire.frame_info_from_message(message))

    def _on_truth(self, message: PersonArray) -> None:
        self._recording.add_truth(wire.pose_frame_from_message(message))

    def _on_poses(self, message: PersonArray) -> None:
        self._recording.add_poses(wire.pose_frame_from_message(message), self._arrived())

    def _on_refined(self, message: PersonArray) -> None:
        arrival_ns = self._arrived()
        self._recording.add_refined(wire.pose_frame_from_message(message), arrival_ns)

    def _on_actions(self, message: ActionArray) -> None:
        self._recording.add_actions(action_frame_from_message(message))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        if self.ready_s is None:
            self.ready_s = time.monotonic()
        for status in message.status:
            self._complaints[status.name] = (
                f'{status.name}: {status.message}' if status.level > DiagnosticStatus.OK else '')
        self.complaint = '; '.join(filter(None, self._complaints.values()))
