"""The meshes of a clothed body below the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuropose_ros.sources.synthetic.anatomy import (
    ANKLE_Z,
    BALL_X,
    ELBOW_Z,
    HIP_Y,
    HIP_Z,
    KNEE_Z,
    SHOULDER_Y,
    SHOULDER_Z,
    WRIST_Z,
)
from neuropose_ros.sources.synthetic.meshes import Mesh, Region, Ring, blend, mirrored, tube


@dataclass(frozen=True, slots=True)
class Build:
    """How a body differs from the average, and what is covered.

    Attributes:
        girth: factor on the thickness of trunk and limbs.
        sleeve: share of the arm that the sleeve covers.
        trouser: share of the leg that the trousers cover.
        loose: how far clothes stand off, share of height.
    """

    girth: float = 1.0
    sleeve: float = 0.36
    trouser: float = 0.97
    loose: float = 0.004


# Where each garment lies in the texture of 1024 x 1024 texels.
SHIRT = Region(0, 0, 512, 320)
SLEEVE = Region(512, 0, 256, 320)
TROUSERS = Region(0, 320, 320, 448)
HIPS = Region(320, 320, 384, 128)
ARM = Region(768, 0, 192, 320)
LEG = Region(704, 320, 192, 320)
NECK = Region(320, 448, 192, 96)
HAND = Region(320, 544, 96, 96)
FINGER = Region(416, 544, 48, 96)
SHOE = Region(512, 448, 192, 192)


def _interpolated(profile: Sequence[tuple[float, ...]], levels: Sequence[float]) -> np.ndarray:
    """Return rows of a profile (level first) at the given levels, smooth in between."""
    table = np.asarray(sorted(profile))
    return np.stack([np.interp(levels, table[:, 0], column) for column in table[:, 1:].T], 1)


def _spine_weights(z: float) -> dict[str, float]:
    if z < 0.64:
        return blend('pelvis', 'spine', (z - 0.55) / 0.08)
    return blend('spine', 'chest', (z - 0.645) / 0.08)


# z, front, back, side, x of the middle.
_TRUNK = (
    (0.462, 0.020, 0.026, 0.040, -0.006), (0.474, 0.034, 0.046, 0.072, -0.006),
    (0.490, 0.048, 0.060, 0.094, -0.006),
    (0.510, 0.056, 0.068, 0.1005, -0.005),
    (0.540, 0.060, 0.069, 0.100, -0.005),
    (0.570, 0.061, 0.062, 0.094, -0.006), (0.600, 0.061, 0.055, 0.087, -0.007),
    (0.630, 0.060, 0.051, 0.083, -0.008), (0.670, 0.062, 0.054, 0.086, -0.009),
    (0.710, 0.066, 0.058, 0.092, -0.009), (0.745, 0.066, 0.061, 0.098, -0.010),
    (0.775, 0.061, 0.060, 0.105, -0.011), (0.795, 0.053, 0.055, 0.111, -0.012),
    (0.808, 0.046, 0.050, 0.115, -0.013), (0.816, 0.041, 0.045, 0.114, -0.013),
    (0.824, 0.036, 0.040, 0.105, -0.013), (0.832, 0.033, 0.037, 0.089, -0.013),
    (0.840, 0.031, 0.035, 0.071, -0.013), (0.849, 0.030, 0.034, 0.050, -0.012),
    (0.857, 0.031, 0.035, 0.039, -0.011),
)


def _trunk_rings(
    levels: Sequence[float], build: Build, loose: float, hang: float = 0.0,
) -> list[Ring]:
    rings = []
    for z, (front, back, side, x) in zip(levels, _interpolated(_TRUNK, levels), strict=True):
        wide = build.girth if z < 0.80 else 1.0
        # The hem hangs freely over the belt.
        z_loose = loose + 0.006 * float(np.clip((0.575 - z) / 0.04, 0, 1)) * hang
        rings.append(Ring(
            (x, 0.0, z), front * wide + z_loose, side * wide + z_loose, _spine_weights(z),
            back=back * wide + z_loose, power=2.35,
            openness=0.75 if z < 0.50 else 1.0))
    return rings


def _trunk(build: Build) -> list[Mesh]:
    shirt_levels = [0.857, 0.851, 0.845, 0.838, 0.831, 0.824, 0.817, 0.808, 0.798, 0.787, 0.775,
                    0.760, 0.745, 0.728, 0.710, 0.690, 0.670, 0.650, 0.630, 0.610, 0.590, 0.570,
                    0.553, 0.538, 0.525]
    shirt = _trunk_rings(shirt_levels, build, build.loose + 0.003, 1.0)
    hips = _trunk_rings([0.620, 0.600, 0.580, 0.560, 0.540, 0.525, 0.510, 0.495, 0.480, 0.470,
                         0.462], build, build.loose * 0.6)
    neck = [
        Ring((-0.010, 0, 0.815), 0.036, 0.040, {'chest': 1.0}, openness=0.7),
        Ring((-0.010, 0, 0.835), 0.034, 0.038, blend('chest', 'neck', 0.3), openness=0.8),
        Ring((-0.009, 0, 0.852), 0.0325, 0.0345, blend('chest', 'neck', 0.8), openness=0.75),
        Ring((-0.007, 0, 0.868), 0.0325, 0.0335, blend('neck', 'head', 0.3), openness=0.6),
        Ring((-0.006, 0, 0.884), 0.0330, 0.0335, blend('neck', 'head', 0.8), openness=0.55),
        Ring((-0.006, 0, 0.900), 0.0330, 0.0335, {'head': 1.0}, openness=0.55),
    ]
    return [tube(shirt, 32, SHIRT), tube(hips, 32, HIPS), tube(neck, 20, NECK)]


# z, front, back, side, x and outward shift of the middle.
_LEG = (
    (0.550, 0.046, 0.050, 0.040, -0.002, 0.004), (0.530, 0.054, 0.060, 0.048, -0.003, 0.002),
    (0.500, 0.054, 0.058, 0.0505, -0.003, 0.001), (0.460, 0.050, 0.051, 0.0490, -0.001, 0.0),
    (0.400, 0.045, 0.043, 0.0440, 0.001, 0.0), (0.340, 0.038, 0.035, 0.0365, 0.001, 0.0),
    (0.300, 0.034, 0.031, 0.0325, 0.001, 0.0), (0.285, 0.034, 0.030, 0.0320, 0.001, 0.0),
    (0.265, 0.031, 0.030, 0.0310, 0.0, 0.0), (0.235, 0.0275, 0.0345, 0.0320, -0.001, 0.0),
    (0.200, 0.0255, 0.0350, 0.0315, -0.002, 0.0), (0.150, 0.0220, 0.0280, 0.0260, -0.002, 0.0),
    (0.100, 0.0185, 0.0215, 0.0205, -0.001, 0.0), (0.060, 0.0180, 0.0190, 0.0190, 0.0, 0.0),
    (0.030, 0.0190, 0.0190, 0.0180, 0.0, 0.0),
)
_LEG_LEVELS = (0.550, 0.538, 0.524, 0.505, 0.480, 0.450, 0.420, 0.390, 0.360, 0.335, 0.315, 0.300,
               0.285, 0.270, 0.255, 0.235, 0.210, 0.185, 0.160, 0.135, 0.110, 0.090, 0.072, 0.058,
               0.045, 0.035)


def _leg_weights(z: float) -> dict[str, float]:
    if z > 0.49:
        return blend('left_hip', 'left_thigh', (0.560 - z) / 0.07)
    if z > 0.08:
        return blend('left_thigh', 'left_shank', (KNEE_Z + 0.035 - z) / 0.07, 'left_knee')
    return blend('left_shank', 'left_foot', (0.070 - z) / 0.06)


def _leg_rings(levels: Sequence[float], girth: float, loose: float, hang: float) -> list[Ring]:
    """Return leg cross-sections; ``hang`` is how far cloth stays off a thinning shank."""
    rings = []
    for z, row in zip(levels, _interpolated(_LEG, levels), strict=True):
        front, back, side, x, out = row
        fall = hang * np.clip((0.30 - z) / 0.25, 0, 1)
        extra = loose + 0.35 * fall
        shade = 0.72 + 0.28 * np.clip((0.52 - z) / 0.12, 0, 1)
        rings.append(Ring((x, HIP_Y + out, z), front * girth + extra, side * girth + extra,
                          _leg_weights(z), back=back * girth + extra + 0.25 * fall,
                          openness=float(shade), power=2.1))
    return rings


def _leg(build: Build) -> list[Mesh]:
    hem = HIP_Z - build.trouser * (HIP_Z - 0.035)
    levels = [z for z in _LEG_LEVELS if z > hem + 0.006]
    trousers = _leg_rings([*levels, hem + 0.002, hem], build.girth, build.loose, 0.022)
    parts = [tube(trousers, 22, TROUSERS)]
    if hem > 0.06:
        bare = [hem + 0.03, *(z for z in _LEG_LEVELS if z < hem + 0.02)]
        parts.append(tube(_leg_rings(bare, build.girth, 0.0, 0.0), 18, LEG))
    return parts


# z, front, back, side, x of the middle.
_ARM = (
    (0.831, 0.008, 0.008, 0.006, -0.007), (0.828, 0.015, 0.016, 0.0130, -0.007),
    (0.820, 0.0230, 0.025, 0.0205, -0.006), (0.808, 0.0285, 0.030, 0.0260, -0.004),
    (0.793, 0.0310, 0.0325, 0.0285, -0.002), (0.775, 0.0310, 0.032, 0.0285, 0.0),
    (0.740, 0.0285, 0.0285, 0.0255, 0.002),
    (0.700, 0.0265, 0.0265, 0.0240, 0.002), (0.660, 0.0240, 0.0240, 0.0225, 0.0),
    (0.632, 0.0235, 0.0230, 0.0220, 0.0), (0.610, 0.0250, 0.0235, 0.0230, 0.001),
    (0.580, 0.0250, 0.0220, 0.0220, 0.001), (0.540, 0.0210, 0.0190, 0.0180, 0.0),
    (0.510, 0.0175, 0.0165, 0.0145, 0.0), (0.490, 0.0163, 0.0158, 0.0122, 0.0),
    (0.476, 0.0150, 0.0145, 0.0095, 0.0),
)
_ARM_LEVELS = (0.831, 0.828, 0.822, 0.815, 0.806, 0.793, 0.775, 0.755, 0.735, 0.715, 0.695,
               0.675, 0.658, 0.645, 0.632, 0.619, 0.606, 0.590, 0.572, 0.553, 0.535, 0.518, 0.502,
               0.490, 0.478)


def _arm_weights(z: float) -> dict[str, float]:
    if z > 0.76:
        return blend('left_shoulder', 'left_upper_arm', (0.850 - z) / 0.08)
    if z > 0.58:
        return blend('left_upper_arm', 'left_forearm', (ELBOW_Z + 0.028 - z) / 0.056,
                     'left_elbow')
    return blend('left_forearm', 'left_hand', (0.575 - z) / (0.575 - WRIST_Z + 0.006),
                 'left_wrist')


def _arm_rings(levels: Sequence[float], girth: float, loose: float) -> list[Ring]:
    rings = []
    for z, (front, back, side, x) in zip(levels, _interpolated(_ARM, levels), strict=True):
        rings.append(Ring((x, SHOULDER_Y, z), front * girth + loose, side * girth + loose,
                          _arm_weights(z), back=back * girth + loose))
    return rings


def _arm(build: Build) -> list[Mesh]:
    cuff = SHOULDER_Z - build.sleeve * (SHOULDER_Z - WRIST_Z)
    long = build.sleeve > 0.9
    levels = [z for z in _ARM_LEVELS if z > cuff + 0.006]
    loose = build.loose + (0.002 if long else 0.004)
    sleeve = _arm_rings([*levels, cuff + 0.002, cuff], build.girth, loose)
    parts = [tube(sleeve, 20, SLEEVE)]
    bare = [cuff + 0.03, *(z for z in _ARM_LEVELS if z < cuff + 0.02)]
    if len(bare) > 2:
        parts.append(tube(_arm_rings(bare, build.girth, 0.0), 16, ARM))
    return parts


def _finger(base: tuple[float, float, float], length: float, radius: float, bone: str,
            bend: tuple[float, float], lean: tuple[float, float] = (0.0, 0.0)) -> Mesh:
    """Return a finger from its knuckle down, bent towards the palm (angles in rad).

    ``lean`` tilts it to the front, at the base and beyond the middle.
    """
    x, y, z = base
    rings = []
    for share in (0.0, 0.2, 0.42, 0.55, 0.75, 0.92, 1.0):
        thick = radius * (1.0 if share < 0.9 else 0.82 if share < 0.97 else 0.45)
        rings.append(Ring((x, y, z), thick, thick * 0.92, {bone: 1.0}, openness=0.9))
        joint = int(share >= 0.42)
        step = length * 0.19
        x += step * np.sin(lean[joint])
        y -= step * np.sin(bend[joint])
        z -= step * np.cos(bend[joint]) * np.cos(lean[joint])
    return tube(rings, 8, FINGER)


def _hand() -> list[Mesh]:
    y = SHOULDER_Y
    hand = {'left_hand': 1.0}
    palm = [
        Ring((0.0, y, WRIST_Z + 0.012), 0.0155, 0.0118, blend('left_wrist', 'left_hand', 0.3)),
        Ring((0.0, y, WRIST_Z - 0.004), 0.0168, 0.0118, hand),
        Ring((0.002, y, WRIST_Z - 0.020), 0.0205, 0.0105, hand),
        Ring((0.001, y, WRIST_Z - 0.036), 0.0225, 0.0095, hand),
        Ring((0.000, y, WRIST_Z - 0.050), 0.0225, 0.0085, hand),
        Ring((0.000, y, WRIST_Z - 0.059), 0.0205, 0.0065, hand),
    ]
    parts = [tube(palm, 16, HAND)]
    for x, drop, length in ((0.0165, 0.055, 0.044), (0.0055, 0.057, 0.048),
                            (-0.0055, 0.056, 0.045), (-0.0160, 0.051, 0.036)):
        parts.append(_finger((x, y, WRIST_Z - drop), length, 0.0054, 'left_fingers',
                             (0.10, 0.30)))
    parts.append(_finger((0.0165, y - 0.003, WRIST_Z - 0.014), 0.046, 0.0062, 'left_hand',
                         (0.12, 0.05), (0.55, 0.25)))
    return parts


# x, half width, top, sole (above the ankle joint); a shoe, so somewhat larger than the foot.
_SHOE = (
    (-0.0365, 0.006, -0.018, -0.030), (-0.0350, 0.014, -0.006, -0.036),
    (-0.0310, 0.0185, 0.004, -0.039), (-0.0240, 0.0215, 0.008, -0.039),
    (-0.0120, 0.0225, 0.008, -0.039), (0.0020, 0.0225, 0.009, -0.039),
    (0.0140, 0.0225, 0.006, -0.039), (0.0260, 0.0230, -0.001, -0.039),
    (0.0420, 0.0250, -0.010, -0.039), (0.0580, 0.0280, -0.0155, -0.039),
    (0.0730, 0.0295, -0.0195, -0.039), (0.0860, 0.0285, -0.0220, -0.039),
    (0.0980, 0.0255, -0.0240, -0.039), (0.1080, 0.0205, -0.0260, -0.038),
    (0.1150, 0.0130, -0.0290, -0.037), (0.1180, 0.0060, -0.0320, -0.036),
)


def _shoe() -> Mesh:
    rings = []
    for x, side, top, sole in _SHOE:
        bend = (x - BALL_X + 0.014) / 0.028
        middle = (top + sole) / 2
        # The widest part of a shoe is near the sole: the ring's "front" is up, "back" down.
        middle = sole + (top - sole) * 0.38
        rings.append(Ring((x, HIP_Y, ANKLE_Z + middle), top - middle, side,
                          blend('left_foot', 'left_toes', bend), back=middle - sole, power=2.6))
    return tube(rings, 18, SHOE, x_axis=(0, 0, 1), y_axis=(0, 1, 0))


def body_meshes(build: Build) -> list[Mesh]:
    """Return the meshes of trunk, limbs, hands and shoes."""
    left = [*_leg(build), *_arm(build), *_hand(), _shoe()]
    return [*_trunk(build), *left, *(mirrored(mesh) for mesh in left)]
