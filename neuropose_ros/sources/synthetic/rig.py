"""From a posture to where every bone is: forward kinematics, two-bone inverse kinematics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.anatomy import (
    BONE,
    BONES,
    ELBOW_Z,
    PIVOTS,
    SHANK,
    SHOULDER_Z,
    SIDES,
    SITES,
    THIGH,
    WRIST_Z,
)

Array = NDArray[np.float64]
IDENTITY = np.eye(3)
_REACH = 0.9995
_SITE_BONES = np.asarray([BONE[site.bone] for site in SITES])
_SITE_ARMS = np.asarray([site.position for site in SITES]) - PIVOTS[_SITE_BONES]


def turn_x(angle: float) -> Array:
    """Return the rotation about x (forward): positive moves a hanging limb to the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle: float) -> Array:
    """Return the rotation about y (left): positive moves a hanging limb backwards."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(angle: float) -> Array:
    """Return the rotation about z (up): positive turns to the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@dataclass(frozen=True, slots=True)
class Arm:
    """How one arm is held, angles in rad; positive abduction is away from the body.

    ``wrist`` (3,) m, when given, is where the wrist joint shall be: shoulder and elbow follow,
    the elbow towards ``elbow_towards``, and ``hand`` is then relative to the floor axes.
    """

    flexion: float = 0.0
    abduction: float = 0.0
    rotation: float = 0.0
    elbow: float = 0.0
    pronation: float = 0.0
    hand: Array = field(default_factory=lambda: IDENTITY)
    finger_curl: float = 0.0
    wrist: Array | None = None
    elbow_towards: tuple[float, float, float] = (-0.6, 0.5, -1.0)


@dataclass(frozen=True, slots=True)
class Foot:
    """Where one foot is: ankle joint (3,) m, rotation, and bend of the toes (rad, upwards)."""

    ankle: Array
    rotation: Array = field(default_factory=lambda: IDENTITY)
    toes: float = 0.0


@dataclass(frozen=True, slots=True)
class Posture:
    """One instant of a movement, in the person's own frame (x forward, y left, z up, m).

    Attributes:
        pelvis: (3,) midpoint of the hip joint centres.
        pelvis_turn: rotation of the pelvis.
        spine, chest, neck, head: rotations relative to the bone below.
        arms: by ``left`` and ``right``.
        feet: by ``left`` and ``right``.
    """

    pelvis: Array
    feet: Mapping[str, Foot]
    arms: Mapping[str, Arm]
    pelvis_turn: Array = field(default_factory=lambda: IDENTITY)
    spine: Array = field(default_factory=lambda: IDENTITY)
    chest: Array = field(default_factory=lambda: IDENTITY)
    neck: Array = field(default_factory=lambda: IDENTITY)
    head: Array = field(default_factory=lambda: IDENTITY)


@dataclass(frozen=True, slots=True)
class RigPose:
    """Where the bones are.

    Attributes:
        rotations: (B, 3, 3).
        positions: (B, 3) m: where the pivots are.
        height_m: by which rest positions are multiplied.
    """

    rotations: Array
    positions: Array
    height_m: float

    def joints(self) -> Array:
        """Return the 33 keypoints (33, 3) m."""
        arms = np.einsum('kij,kj->ki', self.rotations[_SITE_BONES], _SITE_ARMS)
        return np.asarray(self.positions[_SITE_BONES] + arms * self.height_m)

    def placed(self, position: Array, heading: float) -> RigPose:
        """Return the same pose with its frame moved to a place and turned to a heading (rad)."""
        turn = turn_z(heading)
        return RigPose(turn @ self.rotations, self.positions @ turn.T + position, self.height_m)

    def affine(self) -> Array:
        """Return (B, 3, 4): rest position (share of height) to position in m."""
        turn = self.rotations * self.height_m
        shift = self.positions - np.einsum('bij,bj->bi', turn, PIVOTS)
        return np.concatenate((turn, shift[:, :, np.newaxis]), 2)


def half_way(first: Array, second: Array) -> Array:
    """Return the rotation half way between two."""
    vector = cv2.Rodrigues(first.T @ second)[0]
    return first @ np.asarray(cv2.Rodrigues(vector * 0.5)[0], np.float64)


def _cross(a: Array, b: Array) -> Array:
    """Return the cross product of (3,) vectors; np.cross takes 20 times as long for one."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _unit(vector: Array) -> Array:
    return vector / np.sqrt(vector @ vector)


def two_bones(
    start: Array, end: Array, first_m: float, second_m: float, towards: Array,
) -> tuple[Array, Array, Array]:
    """Return where the middle joint of two bones lies, and the bones' rotations.

    The middle joint bends towards a direction. Each rotation has its z from the bone's far to
    its near end. Too far an end is approached as far as the bones reach.

    Returns:
        middle (3,), rotation of the first bone, rotation of the second; their x axes point to
        the side of ``towards``.
    """
    span = end - start
    distance = float(np.sqrt(span @ span))
    down = span / distance
    distance = min(distance, (first_m + second_m) * _REACH)
    out = _unit(towards - (towards @ down) * down)
    cos = (first_m**2 + distance**2 - second_m**2) / (2 * first_m * distance)
    middle = start + first_m * (cos * down + np.sqrt(max(0.0, 1 - cos * cos)) * out)
    end = start + down * distance
    axis = _cross(-down, out)
    turns = []
    for near, far in ((start, middle), (middle, end)):
        z = _unit(near - far)
        turns.append(np.array((_cross(axis, z), axis, z)).T)
    return middle, turns[0], turns[1]


class _Chain:
    """Collects rotations and pivot positions while walking down the skeleton."""

    def __init__(self, height_m: float) -> None:
        self.rotations = np.empty((len(BONES), 3, 3))
        self.positions = np.empty((len(BONES), 3))
        self._height_m = height_m

    def put(self, bone: str, rotation: Array, position: Array) -> None:
        index = BONE[bone]
        self.rotations[index], self.positions[index] = rotation, position

    def pivot(self, parent: str, bone: str) -> Array:
        """Return where the pivot of a bone is when its parent carries it."""
        index = BONE[parent]
        arm = (PIVOTS[BONE[bone]] - PIVOTS[index]) * self._height_m
        return np.asarray(self.positions[index] + self.rotations[index] @ arm)

    def hang(self, parent: str, bone: str, local: Array) -> None:
        self.put(bone, self.rotations[BONE[parent]] @ local, self.pivot(parent, bone))


def _pose_leg(chain: _Chain, side: str, foot: Foot, height_m: float) -> None:
    pelvis = chain.rotations[BONE['pelvis']]
    hip = chain.pivot('pelvis', f'{side}_hip')
    forward = pelvis[:, 0] + foot.rotation[:, 0]
    knee, thigh, shank = two_bones(
        hip, foot.ankle, THIGH * height_m, SHANK * height_m, forward)
    chain.put(f'{side}_thigh', thigh, hip)
    chain.put(f'{side}_hip', half_way(pelvis, thigh), hip)
    chain.put(f'{side}_shank', shank, knee)
    chain.put(f'{side}_knee', half_way(thigh, shank), knee)
    chain.put(f'{side}_foot', foot.rotation, foot.ankle)
    chain.hang(f'{side}_foot', f'{side}_toes', turn_y(-foot.toes))


def _pose_arm(chain: _Chain, side: str, sign: float, arm: Arm, height_m: float) -> None:
    chest = chain.rotations[BONE['chest']]
    shoulder = chain.pivot('chest', f'{side}_shoulder')
    if arm.wrist is None:
        upper = chest @ turn_x(sign * arm.abduction) @ turn_y(-arm.flexion) \
            @ turn_z(sign * arm.rotation)
        fore = upper @ turn_y(-arm.elbow)
        hand = fore @ turn_z(sign * -arm.pronation) @ arm.hand
    else:
        back = np.asarray(arm.elbow_towards) * (1, sign, 1)
        # The elbow bends backwards: the x axes of its bones point the other way.
        _, upper, fore = two_bones(shoulder, arm.wrist, (SHOULDER_Z - ELBOW_Z) * height_m,
                                   (ELBOW_Z - WRIST_Z) * height_m, back)
        upper, fore = upper * (-1, -1, 1), fore * (-1, -1, 1)
        hand = arm.hand
    chain.put(f'{side}_upper_arm', upper, shoulder)
    chain.put(f'{side}_shoulder', half_way(chest, upper), shoulder)
    chain.put(f'{side}_forearm', fore, chain.pivot(f'{side}_upper_arm', f'{side}_forearm'))
    chain.put(f'{side}_elbow', half_way(upper, fore), chain.positions[BONE[f'{side}_forearm']])
    wrist = chain.pivot(f'{side}_forearm', f'{side}_hand')
    chain.put(f'{side}_hand', hand, wrist)
    chain.put(f'{side}_wrist', half_way(fore, hand), wrist)
    chain.hang(f'{side}_hand', f'{side}_fingers', turn_x(-sign * arm.finger_curl))


def solve(posture: Posture, height_m: float) -> RigPose:
    """Return the bones of a posture, in the person's own frame."""
    chain = _Chain(height_m)
    chain.put('pelvis', posture.pelvis_turn, posture.pelvis)
    chain.hang('pelvis', 'spine', posture.spine)
    chain.hang('spine', 'chest', posture.chest)
    chain.hang('chest', 'neck', posture.neck)
    chain.hang('neck', 'head', posture.head)
    for side, sign in SIDES:
        _pose_leg(chain, side, posture.feet[side], height_m)
        _pose_arm(chain, side, sign, posture.arms[side], height_m)
    return RigPose(chain.rotations, chain.positions, height_m)
