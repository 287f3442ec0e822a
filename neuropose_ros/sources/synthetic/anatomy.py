"""Sizes of the body, where its joints lie, and which points the 33 keypoints are.

Lengths are shares of standing height H: Drillis and Contini, Body segment parameters (1966), as
drawn in Winter, Biomechanics and motor control of human movement (4th ed. 2009, figure 4.1);
half distance of the hip joint centres after Seidel et al. (J. Biomech. 28, 1995); head and hand
details after the 50th percentiles of Gordon et al., Anthropometric survey of US Army personnel
(1989). Body axes: x forward, y left, z up, origin on the floor between the feet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import BLAZEPOSE33

Array = NDArray[np.float64]

ANKLE_Z, KNEE_Z, HIP_Z = 0.039, 0.285, 0.530
SHOULDER_Z, ELBOW_Z, WRIST_Z = 0.818, 0.632, 0.486
THIGH, SHANK = HIP_Z - KNEE_Z, KNEE_Z - ANKLE_Z
HIP_Y, SHOULDER_Y = 0.052, 0.104
MOUTH_Z, NOSE_Z, EYE_Z = 0.8935, 0.912, 0.936
# Foot, from the ankle joint: back of the heel, ball (where the toes bend), tip.
HEEL_X, BALL_X, TOE_X = -0.034, 0.073, 0.116
BALL_Z = -0.032

BONES = (
    'pelvis', 'spine', 'chest', 'neck', 'head',
    *(f'{side}_{part}' for side in ('left', 'right') for part in (
        'shoulder', 'upper_arm', 'elbow', 'forearm', 'wrist', 'hand', 'fingers',
        'hip', 'thigh', 'knee', 'shank', 'foot', 'toes',
    )),
)
BONE = {name: index for index, name in enumerate(BONES)}
SIDES = (('left', 1.0), ('right', -1.0))


def _pivots() -> Array:
    """Return (B, 3): the point about which each bone turns, in the rest pose.

    Shoulder, elbow, wrist, hip and knee are helpers that carry half the turn of their joint:
    skin hung on them keeps its volume where two bones meet.
    """
    middle = {
        'pelvis': (0, 0, HIP_Z), 'spine': (-0.006, 0, 0.590), 'chest': (-0.008, 0, 0.690),
        'neck': (-0.010, 0, 0.845), 'head': (-0.004, 0, 0.885),
    }
    lateral = {
        'shoulder': (0, SHOULDER_Y, SHOULDER_Z), 'upper_arm': (0, SHOULDER_Y, SHOULDER_Z),
        'elbow': (0, SHOULDER_Y, ELBOW_Z), 'forearm': (0, SHOULDER_Y, ELBOW_Z),
        'wrist': (0, SHOULDER_Y, WRIST_Z), 'hand': (0, SHOULDER_Y, WRIST_Z),
        'fingers': (0, SHOULDER_Y, WRIST_Z - 0.054),
        'hip': (0, HIP_Y, HIP_Z), 'thigh': (0, HIP_Y, HIP_Z),
        'knee': (0, HIP_Y, KNEE_Z), 'shank': (0, HIP_Y, KNEE_Z),
        'foot': (0, HIP_Y, ANKLE_Z), 'toes': (BALL_X, HIP_Y, ANKLE_Z + BALL_Z),
    }
    points = []
    for bone in BONES:
        side, _, part = bone.partition('_')
        if part in lateral:
            x, y, z = lateral[part]
            points.append((x, y if side == 'left' else -y, z))
        else:
            points.append(middle[bone])
    return np.asarray(points, np.float64)


PIVOTS = _pivots()


@dataclass(frozen=True, slots=True)
class Site:
    """A keypoint on a bone.

    Attributes:
        bone: name of the bone that carries it.
        position: rest position, share of height.
        depth: how far flesh lies in front of the point at most while it still counts as seen,
            share of height: the half thickness of the limb for joint centres, little for
            points on the surface.
    """

    bone: str
    position: tuple[float, float, float]
    depth: float


def _sites() -> tuple[Site, ...]:
    """Return the keypoints in the order of the layout, where annotators put them.

    Knuckles as documented for the layout: first of pinky and index, second of the thumb.
    """
    sites = {'nose': Site('head', (0.066, 0, NOSE_Z), 0.015)}
    for side, sign in SIDES:
        for name, y, x in (('eye_inner', 0.0105, 0.0495), ('eye', 0.018, 0.0475),
                           ('eye_outer', 0.0255, 0.0430)):
            joint = f'{side}_{name}'
            sites[joint] = Site('head', (x, sign * y, EYE_Z), 0.015)
        sites[f'{side}_ear'] = Site('head', (0.004, sign * 0.0455, 0.924), 0.018)
        sites[f'mouth_{side}'] = Site('head', (0.049, sign * 0.0145, MOUTH_Z), 0.015)
        at = sign * SHOULDER_Y
        hip = sign * HIP_Y
        for joint, site in {
            'shoulder': Site('shoulder', (0, at, SHOULDER_Z), 0.055),
            'elbow': Site('elbow', (0, at, ELBOW_Z), 0.045),
            'wrist': Site('wrist', (0, at, WRIST_Z), 0.030),
            'pinky': Site('hand', (-0.016, at, WRIST_Z - 0.050), 0.022),
            'index': Site('hand', (0.016, at, WRIST_Z - 0.056), 0.022),
            'thumb': Site('hand', (0.0315, at - sign * 0.004, WRIST_Z - 0.046), 0.022),
            'hip': Site('hip', (0, hip, HIP_Z), 0.090),
            'knee': Site('knee', (0, hip, KNEE_Z), 0.055),
            'ankle': Site('foot', (0, hip, ANKLE_Z), 0.040),
            'heel': Site('foot', (HEEL_X + 0.006, hip, 0.012), 0.030),
            'foot_index': Site('toes', (TOE_X - 0.010, hip - sign * 0.006, 0.010), 0.030),
        }.items():
            bone = site.bone if site.bone == 'head' else f'{side}_{site.bone}'
            sites[f'{side}_{joint}'] = Site(bone, site.position, site.depth)
    return tuple(sites[name] for name in BLAZEPOSE33.names)


SITES = _sites()
