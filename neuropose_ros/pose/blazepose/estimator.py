"""Detector once, then the landmark network on a region that follows the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import (
    Frame,
    FrameStatus,
    Image,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    States,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.runtime import Runtime, output_arrays
from neuropose_ros.pose.blazepose import detections, landmarks
from neuropose_ros.pose.blazepose.landmarks import Landmarks, decode_landmarks
from neuropose_ros.pose.blazepose.regions import (
    Region,
    alignment_size,
    letterbox,
    region_from_alignment,
)
from neuropose_ros.pose.blazepose.smoothing import LowPassFilter, OneEuroFilter

_MEASURED, _OCCLUDED = np.uint8(JointState.MEASURED), np.uint8(JointState.OCCLUDED)
# The values of a person that are smoothed: auxiliary points and joints in px, joints in m.
_COUNTS = (2 * 2, landmarks.JOINTS * 2, landmarks.JOINTS * 3)
_MIN_CUTOFFS_HZ = (0.01, 0.05, 0.1)
_BETAS = (10.0, 80.0, 40.0)
_SMALLEST_SIZE_PX = 1e-3
_LEAST_PRESENCE = 0.5
_LEAST_VISIBILITY = 0.5
# OpenCV's warps count pixels in 16 bits.
_LARGEST_SIDE_PX = 32766


class BlazePose:
    """Finds one person; implements `PoseEstimator`.

    The region follows the two auxiliary points, which are always smoothed; the joints are
    smoothed on request. When the person is lost the next frame is searched anew.
    """

    def __init__(
        self, detector: Runtime, landmark: Runtime, *, smoothing: bool = True,
        tracking: bool = True, name: str = 'blazepose-full',
    ) -> None:
        """Take the two networks.

        Args:
            detector: outputs ``boxes`` and ``scores``.
            landmark: outputs ``landmarks``, ``presence``, ``heatmaps``, ``world``.
            smoothing: the published filters on joints and visibility.
            tracking: off = every frame is a picture of its own.
            name: of the landmark network's variant, for `model`.
        """
        self._name = name
        self._detector = detector
        self._landmark = landmark
        self._smoothing = smoothing and tracking
        self._tracking = tracking
        self._crop = np.empty((1, landmarks.INPUT_SIZE, landmarks.INPUT_SIZE, 3), np.uint8)
        self._landmark_outputs = output_arrays(landmark)
        self._whole = np.empty((1, detections.INPUT_SIZE, detections.INPUT_SIZE, 3), np.uint8)
        self._detector_outputs = output_arrays(detector)
        counts = _COUNTS if self._smoothing else _COUNTS[:1]
        self._filter = OneEuroFilter(
            np.repeat(_MIN_CUTOFFS_HZ[: len(counts)], counts),
            np.repeat(_BETAS[: len(counts)], counts))
        self._visibility_filter = LowPassFilter(0.1)
        self._region: Region | None = None

    @property
    def layout(self) -> SkeletonLayout:
        """The 33 joints."""
        return BLAZEPOSE33

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return f'{self._name}/{self._landmark.name}'

    @property
    def uses_expected(self) -> bool:
        """No: the region already follows the person."""
        return False

    def reset(self) -> None:
        """Forget the person."""
        self._region = None
        self._filter.reset()
        self._visibility_filter.reset()

    def close(self) -> None:
        """Give back the networks' memory."""
        self._detector.close()
        self._landmark.close()

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        """Return the person in ``frame``, or nobody.

        Expected people are not used: the region already follows the person.

        Raises:
            ImageError: the image is larger than OpenCV can warp.
        """
        del expected
        image = frame.image
        height, width = image.shape[:2]
        if max(height, width) > _LARGEST_SIDE_PX:
            raise ImageError(
                f'an image of {width}x{height} is larger than {_LARGEST_SIDE_PX} px: scale it')
        clock = Stopwatch()
        result = PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=BLAZEPOSE33.id,
            image_width=width, image_height=height, frame_id=frame.frame_id, epoch=frame.epoch,
            seq_is_local=frame.seq_is_local, status=FrameStatus.NO_PERSON, stage='pose',
            model=self.model, receive_ms=frame.receive_ms,
        )
        search_ms = 0.0
        if self._region is None:
            self._region = self._search(image)
            search_ms = clock.lap_ms()
        if self._region is None:
            self.reset()
            return replace(result, inference_ms=search_ms)
        region = self._region
        _warp(image, region, self._crop[0], cv2.BORDER_REPLICATE)
        preprocess_ms = clock.lap_ms()
        outputs = self._landmark.run({'image': self._crop}, self._landmark_outputs)
        inference_ms = clock.lap_ms() + search_ms
        score = float(outputs['presence'].item())
        if score > _LEAST_PRESENCE:
            found = decode_landmarks(
                outputs['landmarks'], outputs['heatmaps'], outputs['world'], region)
            person = _person(self._follow(found, frame.stamp_ns), score, width, height)
            result = replace(result, status=FrameStatus.OK, persons=(person,))
        if not self._tracking or not result.persons:
            self.reset()
        return replace(
            result, preprocess_ms=preprocess_ms, inference_ms=inference_ms,
            postprocess_ms=clock.lap_ms())

    def _search(self, image: Image) -> Region | None:
        whole = letterbox(image.shape[1], image.shape[0])
        _warp(image, whole, self._whole[0], cv2.BORDER_CONSTANT)
        outputs = self._detector.run({'image': self._whole}, self._detector_outputs)
        found = detections.decode_detections(outputs['boxes'], outputs['scores'])
        if not found:
            return None
        centre, top = whole.to_picture(found[0].points[:2])
        return region_from_alignment(centre, top)

    def _follow(self, found: Landmarks, stamp_ns: int) -> Landmarks:
        """Smooth, and move the region for the next frame."""
        size = max(alignment_size(*found.auxiliary), _SMALLEST_SIZE_PX)
        if not self._smoothing:
            smooth = self._filter.apply(found.auxiliary.ravel(), stamp_ns, size)
            self._region = region_from_alignment(smooth[:2], smooth[2:])
            return found
        values = np.concatenate((found.auxiliary, found.points, found.world), axis=None)
        smooth = self._filter.apply(values, stamp_ns, np.repeat((size, size, 1.0), _COUNTS))
        self._region = region_from_alignment(smooth[:2], smooth[2:4])
        return Landmarks(
            points=smooth[4:70].reshape(-1, 2),
            auxiliary=found.auxiliary,
            world=smooth[70:].reshape(-1, 3),
            visibility=self._visibility_filter.apply(found.visibility),
            presence=found.presence,
        )


def _warp(image: Image, region: Region, crop: Image, border: int) -> None:
    cv2.warpAffine(
        image, region.warp(crop.shape[0]), (crop.shape[1], crop.shape[0]), dst=crop,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border)


def _person(found: Landmarks, score: float, width: int, height: int) -> PersonPose:
    points = found.points
    inside = ((points >= -0.5) & (points <= (width - 0.5, height - 0.5))).all(1)
    hidden = found.visibility < _LEAST_VISIBILITY
    states: States = np.where(hidden, _OCCLUDED, _MEASURED)
    shown = points
    if not inside.all():
        states[~inside] = JointState.OUT_OF_FRAME
        shown = points[inside] if inside.any() else points
    return PersonPose(
        keypoints=points,
        keypoint_scores=found.visibility,
        keypoint_states=states,
        # Around the joints that are in the picture, or around all if none is.
        box=np.concatenate((shown.min(0), shown.max(0))),
        score=score,
        keypoints_3d=found.world,
        keypoint_states_3d=states.copy(),
        origin_3d=Origin3D.ROOT_RELATIVE,
    )
