"""Keypoints to metres: where a depth picture shows the joints, and where it only seems to.

Each joint's patch of depth is parted into surfaces. The person's depth is the one that most joints
can share; from the trunk outwards a joint then takes the nearest surface that a body can have
there. What lies in front of that hides the joint, what lies behind is not the body: such a joint
gets a state and no value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DepthError
from neuropose_ros.core.pose import (
    Depth,
    Floats,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    States,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.anatomy import NOMINAL_HEIGHT_M, Body, body
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.patches import DepthNoise, Surfaces, check_depth, samples, surfaces

Array = NDArray[np.float64]

_USABLE = (JointState.MEASURED, JointState.CORRECTED, JointState.PREDICTED,
           JointState.INTERPOLATED)
# A patch is as wide as this share of the limb's thickness, and at least so wide.
_PATCH_SHARE, _LEAST_PATCH_M = 0.6, 0.015
# Joints of one person are this near to each other in depth, mostly.
_DEEP_M = 0.5
# The smallest person is this share of a nominal adult.
_SMALLEST = 0.35
_LEAST_JOINTS = 3
# Of a patch: what shows less beside a larger surface is the rim of something else.
_CLEAR_SHARE = 0.3
_TORSO_VOTES = 2.0
# In place of the index of a surface.
_HIDDEN, _ABSENT = -1, -2
# Uncertainty of a keypoint of which the model says none, and of the thickness of a limb.
_KEYPOINT_M, _THICKNESS_SHARE = 0.015, 0.3


@dataclass(frozen=True, slots=True)
class LiftingParameters:
    """What is known of the depth camera.

    Attributes:
        noise: of its readings; goes into the covariances.
        nearest_m, farthest_m: the range in which they are believed.
        inside: keypoints are joint centres: half a limb's thickness behind the skin that is seen.
    """

    noise: DepthNoise = field(default_factory=DepthNoise)
    nearest_m: float = 0.15
    farthest_m: float = 10.0
    inside: bool = True


@dataclass(frozen=True, slots=True)
class _Seen:
    """One person's joints as the depth picture shows them."""

    rays: Array
    directions: Array
    surfaces: Surfaces
    behind_m: Array
    px_per_m: float


class Lifter:
    """Gives the people of a layout their place in the camera's optical frame."""

    def __init__(
        self, layout: SkeletonLayout, parameters: LiftingParameters | None = None,
    ) -> None:
        """Learn from the joints' names what hangs on what."""
        self._layout = layout
        self._body = body(layout)
        self._parameters = parameters or LiftingParameters()

    def lift(self, frame: PoseFrame, depth: Depth, intrinsics: Intrinsics) -> PoseFrame:
        """Return the people with places in metres; who cannot be placed has no 3D.

        Args:
            frame: people in the lifter's layout.
            depth: of the same instant and view, of any resolution.
            intrinsics: of the frame's picture.

        Raises:
            DepthError: the camera is not calibrated, or depth or layout are of something else.
        """
        if not intrinsics.calibrated:
            raise DepthError(
                'the camera is not calibrated (K = 0 in camera_info): there are no metres')
        if frame.layout != self._layout.id:
            raise DepthError(f'the people are in {frame.layout}, not in {self._layout.id}')
        if (intrinsics.width, intrinsics.height) != (frame.image_width, frame.image_height):
            raise DepthError(
                f'camera_info is of {intrinsics.width}x{intrinsics.height}, the picture is '
                f'{frame.image_width}x{frame.image_height}')
        check_depth(depth, frame.image_width, frame.image_height)
        persons = tuple(self._person(person, frame, depth, intrinsics)
                        for person in frame.persons)
        return replace(frame, persons=persons)

    def _person(
        self, person: PersonPose, frame: PoseFrame, depth: Depth, intrinsics: Intrinsics,
    ) -> PersonPose:
        usable = np.isin(person.keypoint_states, _USABLE) & np.isfinite(person.keypoints).all(1)
        if person.track_state is TrackState.LOST or usable.sum() < _LEAST_JOINTS:
            return without_3d(person)
        seen = self._look(person, usable, frame, depth, intrinsics)
        picked = self._pick(seen, usable, person.keypoint_scores)
        lifted = picked >= 0
        if lifted.sum() < _LEAST_JOINTS:
            return without_3d(person)
        rows, columns = np.arange(len(picked)), np.maximum(picked, 0)
        points = np.where(lifted[:, None], _places(seen)[rows, columns], np.nan)
        return replace(
            person,
            keypoints_3d=points.astype(np.float32),
            keypoint_states_3d=_states(person.keypoint_states, picked, usable),
            keypoint_covariances_3d=self._covariances(
                person, seen, seen.surfaces.depth_m[rows, columns],
                seen.surfaces.spread_m[rows, columns], lifted, intrinsics).astype(np.float32),
            origin_3d=Origin3D.CAMERA, frame_3d=frame.frame_id)

    # -- looking ---------------------------------------------------------------------------------

    def _look(
        self, person: PersonPose, usable: NDArray[np.bool_], frame: PoseFrame, depth: Depth,
        intrinsics: Intrinsics,
    ) -> _Seen:
        keypoints = np.where(usable[:, None], person.keypoints, np.nan).astype(np.float64)
        px_per_m = _px_per_m(keypoints, person, self._body)
        half_m = np.maximum(self._body.behind_skin_m * _PATCH_SHARE, _LEAST_PATCH_M)
        sampled = samples(
            depth, keypoints, half_m * px_per_m, frame.image_width, frame.image_height,
            (self._parameters.nearest_m, self._parameters.farthest_m))
        rays = intrinsics.rays(keypoints)
        directions = np.concatenate((rays, np.ones((len(rays), 1))), 1)
        behind = self._body.behind_skin_m if self._parameters.inside else np.zeros(len(rays))
        return _Seen(rays, directions, surfaces(sampled, self._parameters.noise), behind, px_per_m)

    # -- deciding --------------------------------------------------------------------------------

    def _pick(self, seen: _Seen, usable: NDArray[np.bool_], scores: Floats) -> NDArray[np.int64]:
        """Return for each joint the index of its surface; `_HIDDEN` or `_ABSENT` if none."""
        picked = np.full(len(usable), _ABSENT, np.int64)
        depth = seen.surfaces.depth_m
        there = usable & np.isfinite(seen.rays[:, 0]) & np.isfinite(depth).any(1)
        middle = self._middle(seen, there)
        if middle is None:
            return picked
        places = _places(seen)
        sigmas = 2 * self._parameters.noise.sigma_m(np.where(np.isfinite(depth), depth, 0.0))

        def pick(joint: int) -> int:
            base, reach_m = middle, float(self._body.from_middle_m[joint])
            for parent, length_m in self._body.chains[joint]:
                if picked[parent] >= 0:
                    base, reach_m = places[parent, picked[parent]], length_m
                    break
            away = np.linalg.norm(places[joint] - base, axis=1)
            possible = away <= reach_m + sigmas[joint]
            if possible.any():
                return _nearest_clear(possible, seen.surfaces.share[joint])
            return _HIDDEN if (depth[joint] < base[2]).any() else _ABSENT

        for joint in self._body.torso:
            if there[joint]:
                picked[joint] = pick(joint)
        self._part_sides(picked, places, scores)
        for joint in self._body.order:
            if there[joint]:
                picked[joint] = pick(joint)
        return picked

    def _part_sides(self, picked: NDArray[np.int64], places: Array, scores: Floats) -> None:
        """From the side both shoulders, or hips, show one surface: only one of them is there."""
        for left, right, least_m in self._body.widths:
            if picked[left] < 0 or picked[right] < 0:
                continue
            apart = places[left, picked[left]] - places[right, picked[right]]
            if np.linalg.norm(apart) < least_m:
                if scores[left] <= scores[right]:
                    picked[left] = _HIDDEN
                if scores[right] <= scores[left]:
                    picked[right] = _HIDDEN

    def _middle(self, seen: _Seen, there: NDArray[np.bool_]) -> Array | None:
        """Return (3,): the middle of the trunk, at the depth that most joints can share."""
        candidates = seen.surfaces.depth_m[there]
        if len(candidates) < _LEAST_JOINTS:
            return None
        near_m, far_m = self._possible_depths(seen, there)
        weights = np.ones(len(there))
        weights[list(self._body.torso)] = _TORSO_VOTES
        weights = weights[there]
        values = candidates[np.isfinite(candidates)]
        values = np.unique(values[(values >= near_m) & (values <= far_m)])
        if not len(values):
            return None
        with np.errstate(invalid='ignore'):
            near = np.abs(candidates[:, :, None] - values) < _DEEP_M
        votes = near.any(1).T @ weights
        best = votes >= votes.max() - 1e-9
        depth = float(np.median(values[best]))
        torso = [i for i in self._body.torso if there[i]]
        rays = seen.rays[torso if torso else there]
        ray = rays.mean(0)
        middle: Array = np.array((ray[0], ray[1], 1.0)) * depth
        return middle

    def _possible_depths(self, seen: _Seen, there: NDArray[np.bool_]) -> tuple[float, float]:
        """Return between which depths a person can be whose bones look so long."""
        first, second = self._body.bones.T
        both = there[first] & there[second]
        if not both.any():
            return 0.0, np.inf
        lengths = np.linalg.norm(seen.rays[first[both]] - seen.rays[second[both]], axis=1)
        lengths = np.maximum(lengths, 1e-6)
        nearest = _SMALLEST * float((self._body.bone_m[both] / lengths).min())
        bounds = np.sort(self._body.longest_m[both] / lengths)
        # One bone may look long because one of its ends was found at a wrong place.
        return nearest, float(bounds[min(1, len(bounds) - 1)])

    # -- saying how sure -------------------------------------------------------------------------

    def _covariances(
        self, person: PersonPose, seen: _Seen, depth: Array, spread: Array,
        lifted: NDArray[np.bool_], intrinsics: Intrinsics,
    ) -> Array:
        """Return (K, 6) m^2: xx xy xz yy yz zz."""
        depth = np.where(lifted, depth, np.nan)
        # Depth varies along the viewing ray, keypoints across it.
        along = (self._parameters.noise.sigma_m(depth)**2 + spread**2
                 + (_THICKNESS_SHARE * seen.behind_m)**2)
        if person.keypoint_covariances is None:
            across = np.broadcast_to(
                np.array((1.0, 0.0, 1.0)) * (_KEYPOINT_M * seen.px_per_m)**2, (len(depth), 3))
        else:
            across = person.keypoint_covariances.astype(np.float64)
        fx, fy = intrinsics.k[0, 0], intrinsics.k[1, 1]
        across = across / np.array((fx * fx, fx * fy, fy * fy)) * (depth**2)[:, None]
        x, y = seen.rays.T
        return np.stack((
            across[:, 0] + x * x * along, across[:, 1] + x * y * along, x * along,
            across[:, 2] + y * y * along, y * along, along), 1)


def without_3d(person: PersonPose) -> PersonPose:
    """Return the person without any 3D."""
    return replace(
        person, keypoints_3d=None, keypoint_states_3d=None, keypoint_covariances_3d=None,
        origin_3d=Origin3D.UNKNOWN, frame_3d='')


def _places(seen: _Seen) -> Array:
    """Return (K, C, 3) m: the joint's place if it lies behind each of its surfaces."""
    on_skin = seen.directions[:, None, :] * seen.surfaces.depth_m[:, :, None]
    # From the skin on along the ray into the limb.
    norms = np.linalg.norm(seen.directions, axis=1, keepdims=True)
    inwards = seen.directions / norms * seen.behind_m[:, None]
    return np.asarray(on_skin + inwards[:, None, :])


def _nearest_clear(possible: NDArray[np.bool_], share: Array) -> int:
    """Return the nearest surface that is more than the rim of something; else the largest."""
    clear = possible & (share >= _CLEAR_SHARE)
    return int(np.argmax(clear) if clear.any() else np.argmax(np.where(possible, share, 0.0)))


def _states(states: States, picked: NDArray[np.int64], usable: NDArray[np.bool_]) -> States:
    """Return the states in 3D: never better than those in the picture."""
    missed = np.where(picked == _HIDDEN, JointState.OCCLUDED, JointState.MISSING)
    return np.where(usable & (picked < 0), missed, states).astype(np.uint8)


def _px_per_m(keypoints: Array, person: PersonPose, body: Body) -> float:
    """Return how large the person is; what is foreshortened only looks smaller."""
    first, second = body.bones.T
    lengths = np.linalg.norm(keypoints[first] - keypoints[second], axis=1) / body.bone_m
    known = np.isfinite(lengths)
    if known.any():
        return float(np.quantile(lengths[known], 0.75))
    low, high = np.nanmin(keypoints, 0), np.nanmax(keypoints, 0)
    tall = max(float((high - low).max()), float(person.box[3] - person.box[1]), 1.0)
    return tall / NOMINAL_HEIGHT_M
