"""How long and how thick people are: what bounds where a joint can be.

Lengths are shares of standing height after Drillis and Contini, Body segment parameters (1966),
as drawn in Winter, Biomechanics and motor control of human movement (4th ed. 2009, figure 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.skeleton import SkeletonLayout

Array = NDArray[np.float64]

NOMINAL_HEIGHT_M = 1.70
_TALLEST_M = 2.05
# Keypoints lie beside the joint centres, and depth is read from the skin.
_SLACK = 1.2
# Of the nominal width, that of a small child seen straight on.
_NARROWEST = 0.35

_TORSO_PARTS = ('shoulder', 'hip', 'pelvis', 'thorax', 'neck', 'upper_neck', 'neck_base', 'spine',
                'belly')
_FOOT_WORDS = ('foot', 'heel', 'toe')
_HAND_WORDS = ('hand', 'thumb', 'index', 'pinky', 'finger')
# Part: the part that it hangs on, and how far it is from there, as a share of height.
_HANGS_ON = {
    'elbow': ('shoulder', 0.186), 'wrist': ('elbow', 0.146), 'hand': ('wrist', 0.108),
    'knee': ('hip', 0.245), 'ankle': ('knee', 0.246), 'foot': ('ankle', 0.152),
}
_TORSO_SIDE = 0.288
_WIDTHS = {'shoulder': 0.208, 'hip': 0.104}
# From the middle of the trunk to its corners, and to the top of the head.
_FROM_MIDDLE = {'torso': 0.20, 'head': 0.36}
# Half the thickness, m, of an adult at the joint: how far its centre lies behind the skin that a
# depth camera sees. Rounded from girths (divided by 2 pi) and depths of the 50th percentiles of
# Gordon et al., Anthropometric survey of US Army personnel (1989). Points of the face are skin.
_BEHIND_SKIN_M = {
    'shoulder': 0.06, 'elbow': 0.04, 'wrist': 0.027, 'hand': 0.015, 'hip': 0.10, 'knee': 0.058,
    'ankle': 0.04, 'foot': 0.03, 'neck': 0.06, 'torso': 0.10, 'head': 0.0,
}


@dataclass(frozen=True, slots=True)
class Body:
    """A layout's K joints as parts of a body.

    Attributes:
        torso: indices of the joints of the trunk.
        order: indices of all other joints, each after those that it hangs on.
        chains: for each joint the joints that it hangs on, nearest first, and how far (m) it can
            be from each.
        from_middle_m: (K,) how far each joint can be from the middle of the trunk.
        behind_skin_m: (K,) how far its centre lies behind the skin.
        widths: left and right joint and the least distance (m) that they can have.
        bones: (B, 2) joint indices, rigid segments.
        bone_m: (B,) their length in a person of `NOMINAL_HEIGHT_M`.
        longest_m: (B,) their length in very tall people, with slack.
    """

    torso: tuple[int, ...]
    order: tuple[int, ...]
    chains: tuple[tuple[tuple[int, float], ...], ...]
    from_middle_m: Array
    behind_skin_m: Array
    widths: tuple[tuple[int, int, float], ...]
    bones: NDArray[np.intp]
    bone_m: Array
    longest_m: Array


def _part(joint: str) -> tuple[str, str]:
    """Return the side (``left_``, ``right_`` or nothing) and the kind of a joint."""
    side = next((side for side in ('left_', 'right_') if joint.startswith(side)), '')
    name = joint.removeprefix(side)
    if name in _HANGS_ON or name in _TORSO_PARTS:
        return side, name
    if any(word in name for word in _FOOT_WORDS):
        return side, 'foot'
    if any(word in name for word in _HAND_WORDS):
        return side, 'hand'
    return side, 'head'


def _reach_m(share: float) -> float:
    return share * _TALLEST_M * _SLACK


@lru_cache(maxsize=16)
def body(layout: SkeletonLayout) -> Body:
    """Return the body that a layout's joints are parts of, by their names."""
    parts = [_part(joint) for joint in layout.names]
    where = {part: index for index, part in reversed(list(enumerate(parts)))}
    chains: list[tuple[tuple[int, float], ...]] = []
    depths: list[int] = []
    bones: list[tuple[int, int, float]] = []
    from_middle = []
    for index, (side, part) in enumerate(parts):
        chain: list[tuple[int, float]] = []
        share, at = 0.0, part
        while at in _HANGS_ON:
            at, step = _HANGS_ON[at]
            share += step
            if (side, at) in where:
                chain.append((where[side, at], _reach_m(share)))
        if part in _HANGS_ON and chain and part not in ('hand', 'foot'):
            bones.append((index, chain[0][0], _HANGS_ON[part][1]))
        chains.append(tuple(chain))
        depths.append(len(chain))
        middle = 'head' if part == 'head' else 'torso'
        from_middle.append(_reach_m(share + _FROM_MIDDLE[middle]))
    for side in ('left_', 'right_'):
        if (side, 'shoulder') in where and (side, 'hip') in where:
            bones.append((where[side, 'shoulder'], where[side, 'hip'], _TORSO_SIDE))
    torso = tuple(i for i, (_, part) in enumerate(parts) if part in _TORSO_PARTS)
    shares = np.array([share for *_, share in bones], np.float64)
    return Body(
        torso=torso,
        order=tuple(sorted(set(range(len(parts))) - set(torso), key=depths.__getitem__)),
        chains=tuple(chains),
        from_middle_m=np.array(from_middle),
        behind_skin_m=np.array([_behind_skin_m(part) for _, part in parts]),
        widths=tuple(
            (where['left_', part], where['right_', part], share * NOMINAL_HEIGHT_M * _NARROWEST)
            for part, share in _WIDTHS.items()
            if ('left_', part) in where and ('right_', part) in where),
        bones=np.array([bone[:2] for bone in bones], np.intp).reshape(-1, 2),
        bone_m=shares * NOMINAL_HEIGHT_M,
        longest_m=shares * _TALLEST_M * _SLACK,
    )


def _behind_skin_m(part: str) -> float:
    if part in _BEHIND_SKIN_M:
        return _BEHIND_SKIN_M[part]
    return _BEHIND_SKIN_M['neck' if 'neck' in part else 'torso']
