"""Depth that belongs to the images of the pose node, and what the lens makes of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from neuropose_ros.core import wire
from neuropose_ros.core.errors import DepthError, NeuroposeError, ParameterError
from neuropose_ros.core.pose import Depth, Frame, FramePolicy, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging import depth
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.nodes.ports import Input
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.lifting import Lifter, LiftingParameters, without_3d
from neuropose_ros.pose.pairing import StampBuffer
from neuropose_ros.pose.patches import DepthNoise
from neuropose_ros.sources.calibration import Calibration

PARAMETERS = (
    ParameterSpec(
        'use_depth', True, 'Lift keypoints to metres where somebody publishes depth/image_raw. '
        'It costs about 1 ms for each person.', live=True),
    ParameterSpec(
        'depth_tolerance_ms', 20.0, 'Largest difference between the stamps of image and depth; '
        'more pairs moving people with where they were.', unit='ms', minimum=0.0,
        maximum=1000.0, live=True),
    ParameterSpec(
        'depth_patience_ms', 50.0, 'Longest wait for depth that is on its way; poses are then '
        'published without 3D. With every_frame it waits for up to 1 s.', unit='ms', minimum=0.0,
        maximum=1000.0, live=True),
    ParameterSpec(
        'depth_nearest_m', 0.15, 'Nearer depth is not believed.', unit='m', minimum=0.0,
        maximum=100.0),
    ParameterSpec(
        'depth_farthest_m', 10.0, 'Farther depth is not believed.', unit='m', minimum=0.0,
        maximum=100.0),
    ParameterSpec(
        'depth_noise_m', 0.0012, 'Standard deviation of depth at 0 m; goes into the covariances.',
        unit='m', minimum=0.0, maximum=1.0),
    ParameterSpec(
        'depth_noise_per_m2', 0.0019, 'How the standard deviation of depth grows with the square '
        'of the distance: near 0 for time of flight.', unit='1/m', minimum=0.0, maximum=1.0),
    ParameterSpec(
        'rectified', False, 'The images are rectified although no frame_info says so: metres '
        'then come from P of camera_info.'),
)

_EVERY_FRAME_PATIENCE_S = 1.0
# So long after depth was last there a frame without it is an exception.
_IN_USE_S = 2.0


class DepthInput:
    """Reads ``depth/image_raw`` and ``camera_info`` and lifts people to metres with them.

    Nothing is subscribed while nobody publishes depth.

    Attributes:
        lifted: frames whose people got their place from depth.
        missing: frames for which no depth came in time.
        refused: frames whose depth or calibration could not be used.
    """

    def __init__(self, node: StageNode, layout: SkeletonLayout) -> None:
        """Prepare to read; nothing is subscribed before `want`.

        Args:
            node: whose ports these are, with `PARAMETERS` among its own.
            layout: of the people to lift.

        Raises:
            ParameterError: parameters contradict each other.
        """
        self._node = node
        chosen = node.settings
        if chosen['depth_nearest_m'] >= chosen['depth_farthest_m']:
            raise ParameterError(
                f'depth_nearest_m {chosen["depth_nearest_m"]:g} must be less than '
                f'depth_farthest_m {chosen["depth_farthest_m"]:g}')
        self._lifter = Lifter(layout, LiftingParameters(
            DepthNoise(chosen['depth_noise_m'], chosen['depth_noise_per_m2']),
            chosen['depth_nearest_m'], chosen['depth_farthest_m']))
        self._held: StampBuffer[Image] = StampBuffer()
        self._info: CameraInfo | None = None
        self._lens: tuple[CameraInfo, bool, Intrinsics] | None = None
        self._carried = False
        self._opened_s = 0.0
        self._arrived_s = self._used_s = -_IN_USE_S
        self._problem = ''
        self.lifted = self.missing = self.refused = 0
        images = node.resolve_topic_name('image_raw')
        self._depth_in: Input[Any] = Input(
            node, node.beside('depth/image_raw', images), Image, qos.best_effort(5),
            self._on_depth, hub=node.hub)
        self._info_in: Input[Any] = Input(
            node, node.beside('camera_info', images), CameraInfo, qos.best_effort(5),
            self._on_info, on_value=self._on_info,
            message_key=lambda m: wire.stamp_ns(m.header.stamp), hub=node.hub)

    def want(self, wanted: bool) -> None:
        """Open or close as demand says; call it regularly."""
        use = wanted and bool(self._node.settings['use_depth'])
        # Frames of this process carry their depth themselves.
        self._depth_in.want(use and self._depth_in.outside_publishers() > 0)
        if not self._info_in.is_open:
            self._opened_s = time.monotonic()
        # Also where this process publishes depth: its first frame needs the lens already.
        self._info_in.want(use and (self._carried or self._depth_in.publishers() > 0))
        if not use:
            self._carried = False
            self._held.clear()

    def _on_depth(self, message: Image) -> None:
        self._arrived_s = time.monotonic()
        self._held.put(wire.stamp_ns(message.header.stamp), message)

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    # -- in the worker's thread ----------------------------------------------------------------

    def lift(self, poses: PoseFrame, frame: Frame) -> PoseFrame:
        """Return the people of ``frame`` in metres where its depth is there, else as they are.

        It waits for depth that is on its way, within the patience. While depth is in use, a
        frame without it has no 3D at all: one stream does not mix places and root-relative poses.
        """
        if not self._node.settings['use_depth']:
            return poses
        self._carried = self._carried or frame.depth is not None
        if not (self._carried or self._depth_in.is_open) or not poses.persons:
            return poses
        try:
            # What makes metres impossible is known before any waiting.
            lens = self._intrinsics(frame)
            found = None if lens is None else self._depth_of(frame)
            if lens is None or found is None:
                self.missing += 1
                return self._without(poses)
            lifted = self._lifter.lift(poses, found, lens)
        except NeuroposeError as error:
            self.refused += 1
            self._problem = str(error)
            self._node.say_problem_once(f'depth {error}', f'no metres from depth: {error}')
            return self._without(poses)
        self.lifted += 1
        self._used_s = time.monotonic()
        return lifted

    def _without(self, poses: PoseFrame) -> PoseFrame:
        if time.monotonic() - self._used_s > _IN_USE_S:
            return poses
        return replace(poses, persons=tuple(without_3d(person) for person in poses.persons))

    def _depth_of(self, frame: Frame) -> Depth | None:
        if frame.depth is not None:
            return frame.depth
        patience_s = self._node.settings['depth_patience_ms'] / 1e3
        if frame.policy is FramePolicy.EVERY_FRAME:
            patience_s = _EVERY_FRAME_PATIENCE_S
        if time.monotonic() - max(self._arrived_s, self._opened_s) > _IN_USE_S:
            patience_s = 0.0  # who advertises depth does not send any
        message = self._held.nearest(
            frame.stamp_ns, round(self._node.settings['depth_tolerance_ms'] * 1e6), patience_s)
        if message is None:
            return None
        if message.header.frame_id != frame.frame_id:
            raise DepthError(
                f'{self._depth_in.topic} is in frame {message.header.frame_id!r}, the images are '
                f'in {frame.frame_id!r}: have the driver align depth to colour')
        return depth.decode(message)

    def _intrinsics(self, frame: Frame) -> Intrinsics | None:
        info = self._info
        if info is None:
            if time.monotonic() - self._opened_s < _IN_USE_S:
                return None
            raise DepthError(f'nothing comes on {self._info_in.topic}')
        rectified = frame.rectified or bool(self._node.settings['rectified'])
        height, width = frame.image.shape[:2]
        if self._lens is not None:
            of, was_rectified, lens = self._lens
            same = rectified is was_rectified and (lens.width, lens.height) == (width, height)
            if same and (of is info or _equal(of, info)):
                return lens
        lens = intrinsics(info, width, height, rectified=rectified)
        self._lens = (info, rectified, lens)
        return lens

    # -- health ----------------------------------------------------------------------------------

    def details(self) -> dict[str, int]:
        """Return the counts for /diagnostics."""
        return {'lifted': self.lifted, 'depth_missing': self.missing,
                'depth_refused': self.refused}

    def problems(self) -> tuple[tuple[bool, str], ...]:
        """Return whether, and which, problems of the last seconds there are."""
        rising = self._node.rising
        return (
            (rising('depth_refused', self.refused), f'no metres from depth: {self._problem}'),
            (rising('depth_missing', self.missing),
             f'depth was missing or late for {self.missing} frames, which have no 3D'),
        )

    def close(self) -> None:
        """Wake the worker if it waits; the node closes the ports."""
        self._held.close()


def _equal(first: CameraInfo, second: CameraInfo) -> bool:
    return bool(
        np.array_equal(first.k, second.k) and np.array_equal(first.p, second.p)
        and first.d == second.d and first.distortion_model == second.distortion_model
        and (first.width, first.height) == (second.width, second.height)
        and first.roi == second.roi)


def intrinsics(
    info: CameraInfo, width: int, height: int, *, rectified: bool = False,
) -> Intrinsics:
    """Return what a CameraInfo says of pictures of ``width`` x ``height``.

    Raises:
        DepthError: it is not calibrated, of no size, or its distortion model is not known.
        SourceError: it is of another view.
    """
    k = np.array(info.k, np.float64).reshape(3, 3)
    p = np.array(info.p, np.float64).reshape(3, 4)
    d = np.array(info.d, np.float64)
    if rectified:
        k, d = p[:, :3].copy(), np.zeros(0)
    if not (np.isfinite(k).all() and k[0, 0] > 0 and k[1, 1] > 0):
        raise DepthError(
            'the camera is not calibrated (K = 0 in camera_info): there are no metres')
    size = int(info.width), int(info.height)
    if info.roi.width and info.roi.height and not rectified:
        # K is that of the whole sensor (REP-104).
        k[0, 2] -= info.roi.x_offset
        k[1, 2] -= info.roi.y_offset
        size = int(info.roi.width), int(info.roi.height)
    if not all(size):
        raise DepthError(f'camera_info is of a picture of {size[0]}x{size[1]} px')
    view = Calibration(*size, k, d, np.eye(3), p).scaled(width, height)
    return Intrinsics(width, height, view.k, d, info.distortion_model if d.any() else '')
