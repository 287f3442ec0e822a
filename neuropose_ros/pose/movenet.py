"""MoveNet, single pose (Votel and Li 2021): one person in a square crop, 17 joints.

The way a crop follows from the last pose is that of TensorFlow's MoveNet tutorial and examples:
a square around the middle of the hips that holds 1.9 times the reach of the trunk and 1.2 times
the reach of the whole body. They fall back to the whole picture where the trunk is not seen or
the square would be larger than the picture; here a region means one person of several, so the
square around the person's box is taken instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuropose_ros.core.pose import Floats, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.decoders.poses import movenet_points
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.geometry import finite_points, points_to_picture, square_warps
from neuropose_ros.pose.network import PictureNetwork
from neuropose_ros.pose.people import LEAST_JOINT_SCORE, make_person

PADDING = 1.1
"""Side of the crop around a box, as a share of the box's larger side: the best of 1.0 to 1.5 on
pictures of MPII with two detectors, though from 1.0 to 1.25 they hardly differ."""
_LEAST_CROP_SCORE = 0.2
_TRUNK_ROOM = 1.9
_BODY_ROOM = 1.2
_LEAST_SIDE_PX = 2.0
_HIPS = ('left_hip', 'right_hip')
_SHOULDERS = ('left_shoulder', 'right_shoulder')

Square = tuple[Floats, float]
"""Centre (2,), px, and side, px."""


class MoveNet:
    """Finds the joints of the person in each region; implements `RegionEstimator`."""

    def __init__(self, runtime: Runtime, entry: ModelEntry) -> None:
        """Take a network.

        Args:
            runtime: the network.
            entry: what the registry says of it; of its options, ``padding`` is the share of the
                box that a crop shows and ``least_joint_score`` the score of a joint that is seen.

        Raises:
            ModelError: the network's input or outputs are not MoveNet's.
        """
        self._layout = entry.skeleton()
        self._network = PictureNetwork(runtime, entry)
        joints, size = len(self._layout), entry.input
        fits = [name for name, shape in self._network.shapes.items()
                if shape in ((1, 1, joints, 3), (1, joints, 3))]
        if len(fits) != 1 or size.width != size.height:
            raise self._network.misfit(
                f'joints of (1, 1, {joints}, 3) found in a square picture')
        self._output = fits[0]
        self._padding = entry.options.get('padding', PADDING)
        self._least_joint_score = entry.options.get('least_joint_score', LEAST_JOINT_SCORE)
        self._trunk = [self._layout.index(name) for name in (*_HIPS, *_SHOULDERS)]

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._layout

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order.

        The crop follows the region's predicted person where its trunk is seen, else the box.
        """
        if not regions:
            return []
        centres, sides = zip(*(self._square(region) for region in regions), strict=True)
        warps = square_warps(centres, sides, self._network.entry.input.width)
        points, scores = self._network.read_crops(picture, warps, self._read)
        placed = points_to_picture(points, warps)
        return [
            make_person(
                person, person_scores, picture.width, picture.height,
                least_joint_score=self._least_joint_score)
            for person, person_scores in zip(placed, scores, strict=True)]

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()

    def _read(self, outputs: Mapping[str, Tensor]) -> tuple[Floats, Floats]:
        size = self._network.entry.input
        values = self._network.download(outputs[self._output])
        return movenet_points(
            values.reshape(-1, len(self._layout), 3), size.width, size.height)

    def _square(self, region: Region) -> Square:
        square = None
        if region.person is not None:
            square = square_around_body(region.person, self._trunk)
        if square is None:
            low, high = region.box[:2], region.box[2:]
            middle: Floats = low + (high - low) * np.float32(0.5)
            square = middle, float((high - low).max()) * self._padding
        centre, side = square
        return centre, max(side, _LEAST_SIDE_PX)


def square_around_body(person: PersonPose, trunk: Sequence[int]) -> Square | None:
    """Return the published crop around a pose; None where its trunk is not seen.

    Args:
        person: where the body is.
        trunk: indices of both hips, then of both shoulders.
    """
    points, scores = person.keypoints, person.keypoint_scores
    body = points[trunk]
    sure = scores[trunk] > _LEAST_CROP_SCORE
    if not (sure[:2].any() and sure[2:].any() and finite_points(body).all()):
        return None
    centre: Floats = body[:2].mean(0)
    seen = finite_points(points) & (scores >= _LEAST_CROP_SCORE)
    half = max(
        _TRUNK_ROOM * float(np.abs(body - centre).max()),
        _BODY_ROOM * float(np.abs(points[seen] - centre).max()))
    return centre, 2 * half
