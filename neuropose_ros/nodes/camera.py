"""The camera node: any source in, images with honest stamps and numbers out."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from typing import Any

from rclpy.parameter import Parameter
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from neuropose_ros.core import wire
from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Frame, FramePolicy, PoseFrame
from neuropose_ros.msg import FrameInfo, PersonArray
from neuropose_ros.nodes import images, qos
from neuropose_ros.nodes.base import ERROR, OK, WARN, LogBridge, StageNode
from neuropose_ros.nodes.credits import Credits
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.nodes.ports import Input, Output
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.nodes.spin import run
from neuropose_ros.nodes.types import ROS
from neuropose_ros.sources.calibration import Calibration, read_calibration
from neuropose_ros.sources.open import open_source
from neuropose_ros.sources.player import Player

_POLICIES = {'newest': FramePolicy.NEWEST, 'every_frame': FramePolicy.EVERY_FRAME}
_RELEASE_AFTER_POLLS = 10

PARAMETERS = (
    ParameterSpec(
        'source', 'synthetic', 'Camera (0, /dev/video0), video file, folder of pictures, '
        'http/rtsp url or synthetic[:scene].'),
    ParameterSpec(
        'policy', 'newest', 'newest: frames are skipped to stay current. every_frame: the '
        'source waits for the pose node (offline).', choices=tuple(_POLICIES)),
    ParameterSpec(
        'rate_hz', 0.0, "Rate to play a file, folder or synthetic subject at, or to ask a "
        "camera for at configure; 0 = the source's own.", unit='Hz',
        minimum=0.0, maximum=1000.0, live=True),
    ParameterSpec(
        'paced', True, 'false plays a file as fast as frames are taken; use it with '
        'every_frame.'),
    ParameterSpec('loop', False, 'Start a file again at its end; the epoch increases.'),
    ParameterSpec(
        'width', 0, "Width to capture at or to scale to; 0 = the source's.", unit='px',
        minimum=0, maximum=16384),
    ParameterSpec(
        'height', 0, "Height to capture at or to scale to; 0 = the source's.", unit='px',
        minimum=0, maximum=16384),
    ParameterSpec(
        'fourcc', '', 'Pixel format to ask a camera for, as MJPG; empty = its own choice.'),
    ParameterSpec('frame_id', 'camera', 'Optical frame of the images (REP-103, REP-104).'),
    ParameterSpec(
        'calibration_file', '', 'camera_info YAML as camera_calibration writes it; empty = '
        'uncalibrated (K = 0): metric output refuses.'),
    ParameterSpec('rectified', False, 'The images are free of lens distortion already.'),
    ParameterSpec(
        'jpeg_quality', 90, 'Of image_raw/compressed; higher costs bytes on the wire.',
        minimum=1, maximum=100, live=True),
    ParameterSpec(
        'settle_s', 0.5, 'A file starts this long after the first listener came, so that the '
        'others miss nothing.', unit='s', minimum=0.0, maximum=60.0),
)


class CameraNode(StageNode):
    """Plays a source while somebody listens."""

    PARAMETERS = PARAMETERS

    def __init__(
        self, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare; the source is opened at configure."""
        super().__init__('camera', hub=hub, overrides=overrides, cli_args=cli_args)
        self._rate = RateMeter()
        self._player: Player | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._held: Frame | None = None
        self._leaving: list[threading.Thread] = []
        self._first_seq = 0
        self._first_epoch = 0
        self._problem = ''
        self._ended = False
        self._idle_polls = 0

    def setup(self) -> None:
        """Open the source and advertise.

        Raises:
            NeuroposeError: the source or the calibration cannot be read.
        """
        chosen = self.settings
        calibration = (
            read_calibration(chosen['calibration_file']) if chosen['calibration_file'] else None)
        self._player = self._open(first_seq=self._first_seq, epoch=self._first_epoch)
        self._log = LogBridge(self, 'neuropose_ros.sources')
        self._problem, self._ended = '', False
        self._calibration: Calibration | None = calibration or self._player.calibration
        self._credits = Credits()
        self._raw: Output[Frame] = Output(
            self, 'image_raw', Image, qos.best_effort(5), images.image_from_frame,
            key=lambda frame: frame.stamp_ns, hub=self.hub)
        self._compressed: Output[Frame] = Output(
            # Beside the image wherever that is remapped to, as image_transport has it.
            self, f'{self._raw.topic}/compressed', CompressedImage, qos.best_effort(5),
            lambda frame: images.compressed_from_frame(frame, self.settings['jpeg_quality']),
            key=lambda frame: frame.stamp_ns)
        self._depth: Output[Frame] | None = Output(
            self, self.beside('depth/image_raw', self._raw.topic), Image, qos.best_effort(5),
            images.depth_from_frame, key=lambda frame: frame.stamp_ns, hub=self.hub,
        ) if self._player.has_depth else None
        self._camera_info: Output[CameraInfo] = Output(
            self, self.beside('camera_info', self._raw.topic), CameraInfo, qos.reliable(5),
            lambda message: message, key=lambda message: wire.stamp_ns(message.header.stamp),
            hub=self.hub)
        self._info: Output[wire.FrameInfo] = Output(
            self, self.beside('frame_info', self._raw.topic), FrameInfo, qos.reliable(50),
            lambda info: wire.frame_info_to_message(info, ROS), key=lambda info: info.stamp_ns)
        self._truth: Output[PoseFrame] = Output(
            self, 'truth', PersonArray, qos.reliable(10),
            lambda truth: wire.pose_frame_to_message(truth, ROS),
            key=lambda truth: truth.stamp_ns)
        self._done: Input[Any] = Input(
            self, self.beside('frame_done', self._raw.topic), FrameInfo, qos.reliable(10),
            lambda message: self._credits.done(int(message.frame_seq)), hub=self.hub)

    def _open(self, *, first_seq: int = 0, epoch: int = 0) -> Player:
        chosen = self.settings
        size = (chosen['width'], chosen['height'])
        source = open_source(
            chosen['source'], rate_hz=chosen['rate_hz'] or None,
            size=size if all(size) else None, fourcc=chosen['fourcc'], now=self._now_ns)
        return Player(
            source, policy=_POLICIES[chosen['policy']], loop=chosen['loop'],
            rate_hz=chosen['rate_hz'] or None, paced=chosen['paced'],
            frame_id=chosen['frame_id'], rectified=chosen['rectified'],
            size=size if all(size) else None, now=self._now_ns, first_seq=first_seq, epoch=epoch)

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def teardown(self) -> None:
        """Stop capturing, close the source."""
        self._stop_capture()
        player, self._player = self._player, None
        self._held = None
        if player is not None:
            # Configured again, the numbers go on and the epoch is a new one.
            self._first_seq, self._first_epoch = player.next_seq, player.epoch + 1
            player.close()
            self._log.close()

    def demanded(self) -> bool:
        """Somebody wants images, or their depth."""
        return self._raw.demanded or self._compressed.demanded or (
            self._depth is not None and self._depth.demanded)

    def follow_demand(self, wanted: bool) -> None:
        """Capture while in demand; a listener that is back within a second interrupts nothing."""
        if wanted:
            self._idle_polls = 0
            if self._thread is None:
                self._start_capture()
        elif self._thread is not None:
            self._idle_polls += 1
            if self._idle_polls >= _RELEASE_AFTER_POLLS or not self.active:
                self._stop_capture()
        capturing = self._thread is not None
        self._done.want(capturing and self.settings['policy'] == 'every_frame')

    def apply_live(self, changed: dict[str, Any]) -> None:
        """Take over rate (and JPEG quality, which is read for each image)."""
        if 'rate_hz' in changed and self._player is not None:
            self._player.rate_hz = changed['rate_hz'] or None

    # -- capturing: in a thread of its own -----------------------------------------------------

    def _start_capture(self) -> None:
        if any(thread.is_alive() for thread in self._leaving):
            return  # an earlier capture still waits for its consumer; the next poll tries again
        self._leaving.clear()
        self._stop = threading.Event()
        self._credits = Credits()
        self._thread = self.thread('capture', self._capture)

    def _stop_capture(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        self._credits.stop()
        if self._player is not None:
            self._player.stop()
        thread.join(timeout=5.0)
        self._leaving.append(thread)

    def _restarted(self) -> Player | None:
        """The player; one that has come to its end begins anew for a new listener."""
        player = self._player
        if player is None or not self._ended:
            return player
        try:
            fresh = self._open(first_seq=player.next_seq, epoch=player.epoch + 1)
        except SourceError as error:
            self._note(str(error))
            return None
        player.close()
        self._player, self._ended = fresh, False
        return fresh

    def _capture(self) -> None:
        player = self._restarted()
        if player is None:
            return
        stop = self._stop
        while self._now_ns() <= 0:  # use_sim_time before /clock: there is no honest stamp yet
            if stop.wait(0.1):
                return
        if not player.live and stop.wait(self.settings['settle_s']):
            return
        while not stop.is_set():
            try:
                if self._held is not None:
                    self._send(self._held, stop)
                for frame in player.play():
                    self._send(frame, stop)
                    if stop.is_set():
                        return
            except SourceError as error:
                self._note(str(error))
                if stop.wait(player.retry_s):
                    return
                continue
            if stop.is_set():
                return
            self._ended = True
            self.get_logger().info(f'{player.name}: end of the source')
            return

    def _send(self, frame: Frame, stop: threading.Event) -> None:
        self._problem = ''
        if frame.policy is FramePolicy.EVERY_FRAME:
            # Nobody takes it now: it waits, and goes out first when somebody is back.
            self._held = frame
            while not self.demanded():
                if stop.wait(0.02):
                    return
            self._held = None
        # A pose node in this process holds the capture thread back itself, in `_raw.send`.
        if frame.policy is FramePolicy.EVERY_FRAME and self._done.outside_publishers():
            self._credits.wait()
            self._credits.sent(frame.frame_seq, frame.image.nbytes)
        self._info.send(wire.FrameInfo(
            frame.stamp_ns, frame.frame_seq, frame.frame_id, frame.epoch, frame.source,
            frame.policy, frame.rectified))
        if frame.truth is not None:
            self._truth.send(frame.truth)
        if self._camera_info.demanded:
            self._camera_info.send(self._camera_info_message(frame))
        if self._depth is not None and frame.depth is not None:
            self._depth.send(frame)
        if self._compressed.outside:
            self._compressed.send(frame)
        self._raw.send(frame)
        self._rate.tick()

    def _camera_info_message(self, frame: Frame) -> CameraInfo:
        try:
            return images.camera_info(frame, self._calibration)
        except SourceError as error:
            self._calibration = None
            self.say_once('calibration', f'{error} Published as uncalibrated.')
            return images.camera_info(frame, None)

    def _note(self, problem: str) -> None:
        self._problem = problem
        self.say_once(problem, problem)

    # -- health ----------------------------------------------------------------------------------

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say what the source does."""
        player = self._player
        if player is None:
            return ERROR, 'no source', {}
        details = {
            'source': player.name,
            'frames': str(self._rate.count),
            'images_published': str(self._raw.published + self._compressed.published),
            'rate_hz': f'{self._rate.rate_hz():.2f}',
            'skipped': str(player.skipped),
            'given_up': str(self._credits.given_up),
            'calibrated': str(self._calibration is not None).lower(),
        }
        skipping = self.rising('skipped', player.skipped)
        giving_up = self.rising('given_up', self._credits.given_up)
        if self._problem:
            return ERROR, self._problem, details
        if self._thread is not None and self._now_ns() <= 0:
            return WARN, 'use_sim_time is set, but /clock is silent', details
        if self._ended:
            return OK, 'end of the source', details
        if self._thread is None:
            return OK, 'idle: nobody listens', details
        if giving_up:
            return WARN, 'the pose node does not acknowledge frames', details
        if skipping:
            return WARN, f'{player.skipped} frames skipped to stay current', details
        return OK, f'{self._rate.rate_hz():.1f} Hz', details


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    given = sys.argv[1:] if args is None else args
    parser = argparse.ArgumentParser(prog='camera', description=__doc__)
    parser.add_argument('--source', default='', help='overrides the source parameter')
    own = parser.parse_args(remove_ros_args(args=['camera', *given])[1:])
    overrides = [Parameter('source', value=own.source)] if own.source else []
    return run(lambda: [CameraNode(overrides=overrides)], given)
