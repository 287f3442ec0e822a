"""BlazePose's landmark network on many people at once, wherever somebody found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Floats, Origin3D, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Batcher
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.blazepose import landmarks
from neuropose_ros.pose.blazepose.landmarks import Landmarks, decode_landmarks
from neuropose_ros.pose.blazepose.regions import Region as Square
from neuropose_ros.pose.blazepose.regions import region_from_alignment
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.geometry import finite_points
from neuropose_ros.pose.network import PictureNetwork
from neuropose_ros.pose.people import make_person

BOX_ROOM = 1.5
"""Side of the first look at a box, as a share of the box's larger side.

Chosen among 1, 1.25, 1.5, 1.75 and 2 on the MPII pictures and mosaics of them (OKS of the full
network's second pass .828 .892 .899 .896 .856, of the heavy one's .886 .906 .906 .900 .884).
"""
POSE_ROOM = 1.1
"""Radius of the body's circle, as a share of the way from the hips to the farthest joint: the
crown, the soles and the finger tips lie beyond the joints."""
_LEAST_VISIBILITY = 0.5
_LEAST_SIDE_PX = 2.0
_TRUNK = [BLAZEPOSE33.index(name) for name in (
    'left_hip', 'right_hip', 'left_shoulder', 'right_shoulder')]


class BlazePosePeople:
    """Finds the joints of the person in each region; implements `RegionEstimator`.

    The network wants its person upright around the hips. A box says neither where the hips are
    nor what is up, so the first look at a box only places the second one; a predicted pose says
    both, and one look is enough.
    """

    def __init__(self, runtime: Runtime, entry: ModelEntry) -> None:
        """Take the landmark network (lite, full or heavy).

        Args:
            runtime: outputs ``landmarks``, ``presence``, ``heatmaps``, ``world``.
            entry: what the registry says of it.

        Raises:
            ModelError: the network's input or outputs are not BlazePose's.
        """
        self._network = PictureNetwork(runtime, entry)
        self._batcher = Batcher(runtime)
        size = entry.input
        expected = {
            'landmarks': (1, 195), 'presence': (1, 1), 'world': (1, 117),
            'heatmaps': (1, 39, size.height // 4, size.width // 4)}
        if (size.width, size.height) != (landmarks.INPUT_SIZE, landmarks.INPUT_SIZE) or any(
                self._network.shapes.get(name) != shape for name, shape in expected.items()):
            raise self._network.misfit(', '.join(
                f'{name} {shape}' for name, shape in expected.items()))

    @property
    def layout(self) -> SkeletonLayout:
        """The 33 joints."""
        return BLAZEPOSE33

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order."""
        squares = [_known_square(region) for region in regions]
        unknown = [i for i, square in enumerate(squares) if square is None]
        found = self._look(picture, [square_around_box(regions[i].box) for i in unknown])
        for i, (first, _) in zip(unknown, found, strict=True):
            squares[i] = region_from_alignment(*first.auxiliary)
        people = self._look(picture, [square for square in squares if square is not None])
        return [_person(one, score, picture) for one, score in people]

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()

    def _look(
        self, picture: Picture, squares: Sequence[Square],
    ) -> list[tuple[Landmarks, float]]:
        """Run the network once on each square; landmarks, and how sure it is of somebody."""
        if not squares:
            return []
        warps = np.stack([square.warp(landmarks.INPUT_SIZE) for square in squares])
        parts = self._batcher.run(len(squares), lambda part: self._read(
            self._network.run(picture, warps[part], None), squares[part]))
        return [one for part in parts for one in part]

    def _read(
        self, outputs: Mapping[str, Tensor], squares: Sequence[Square],
    ) -> list[tuple[Landmarks, float]]:
        values = {name: self._network.download(tensor) for name, tensor in outputs.items()}
        return [
            (decode_landmarks(
                values['landmarks'][i:i + 1], values['heatmaps'][i:i + 1],
                values['world'][i:i + 1], square), float(values['presence'][i].item()))
            for i, square in enumerate(squares)]


def square_around_box(box: Floats) -> Square:
    """Return the upright square for the first look at a (4,) box, px."""
    width, height = float(box[2] - box[0]), float(box[3] - box[1])
    side = max(width, height, _LEAST_SIDE_PX) * BOX_ROOM
    return Square(float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, side, 0.0)


def square_around_pose(points: Floats) -> Square | None:
    """Return the square around (33, 2) joints, upright along the trunk; NaN is not known.

    None where a hip or a shoulder is not known, or the trunk has no direction.
    """
    trunk = points[_TRUNK]
    if not finite_points(trunk).all():
        return None
    hips, shoulders = trunk[:2].mean(0), trunk[2:].mean(0)
    up = shoulders - hips
    length = float(np.hypot(up[0], up[1]))
    radius = float(np.nanmax(np.hypot(*(points - hips).T))) * POSE_ROOM
    if length <= 0 or radius < _LEAST_SIDE_PX:
        return None
    top: Floats = hips + up * np.float32(radius / length)
    return region_from_alignment(hips, top)


def _known_square(region: Region) -> Square | None:
    return None if region.person is None else square_around_pose(region.person.keypoints)


def _person(found: Landmarks, score: float, picture: Picture) -> PersonPose:
    person = make_person(
        found.points, found.visibility, picture.width, picture.height,
        least_joint_score=_LEAST_VISIBILITY, score=score)
    return replace(
        person, keypoints_3d=found.world, keypoint_states_3d=person.keypoint_states.copy(),
        origin_3d=Origin3D.ROOT_RELATIVE)
