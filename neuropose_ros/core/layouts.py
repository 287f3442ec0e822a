"""The built-in skeleton layouts and the conversion between any two of them.

Joint orders are those of the data sets: COCO keypoints (Lin et al. 2014), BlazePose (Bazarevsky
et al. 2020), Halpe-26 (Fang et al. 2022), MPII (Andriluka et al. 2014), Human3.6M in its common
17-joint form (Ionescu et al. 2014), J-HMDB (Jhuang et al. 2013), COCO-WholeBody (Jin et al. 2020;
its face is the 68 points of Sagonas et al. 2013), Kinect's 20 joints as Northwestern-UCLA (Wang
et al. 2014) and UTD-MHAD (Chen et al. 2015) order them, and its 25 as NTU RGB+D (Shahroudy et
al. 2016) does, and the skeleton of the CMU motion capture database (mocap.cs.cmu.edu).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.pose import Floats, JointState, PersonPose, PoseFrame, States
from neuropose_ros.core.skeleton import SkeletonLayout


def _layout(name: str, names: str, bones: str, mirror: str = '') -> SkeletonLayout:
    """Build a layout; ``bones`` are name-name pairs, mirror pairs come from left/right names.

    ``mirror`` are further pairs left-right.
    """
    joints = tuple(names.split())
    index = {joint: i for i, joint in enumerate(joints)}
    edges = tuple((index[a], index[b]) for a, b in (bone.split('-') for bone in bones.split()))
    mirrored = {joint: joint.replace('left', 'right') for joint in joints if 'left' in joint}
    mirrored.update((left, right) for left, _, right in (
        pair.partition('-') for pair in mirror.split()))
    pairs = tuple((index[left], index[right]) for left, right in mirrored.items())
    return SkeletonLayout(name, joints, edges, pairs)


_COCO_NAMES = (
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow '
    'right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle '
    'right_ankle'
)
_LIMBS = (
    'left_shoulder-left_elbow left_elbow-left_wrist right_shoulder-right_elbow '
    'right_elbow-right_wrist left_hip-left_knee left_knee-left_ankle right_hip-right_knee '
    'right_knee-right_ankle '
)
_TORSO = (
    'left_shoulder-right_shoulder left_shoulder-left_hip right_shoulder-right_hip '
    'left_hip-right_hip '
)
_FACE = 'nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear '

COCO17 = _layout('coco17', _COCO_NAMES, _FACE + _TORSO + _LIMBS)

BLAZEPOSE33 = _layout(
    'blazepose33',
    'nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer '
    'left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow '
    'right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index '
    'left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle '
    'left_heel right_heel left_foot_index right_foot_index',
    'nose-left_eye_inner left_eye_inner-left_eye left_eye-left_eye_outer '
    'left_eye_outer-left_ear nose-right_eye_inner right_eye_inner-right_eye '
    'right_eye-right_eye_outer right_eye_outer-right_ear mouth_left-mouth_right '
    + _TORSO + _LIMBS +
    'left_wrist-left_pinky left_wrist-left_index left_wrist-left_thumb left_pinky-left_index '
    'right_wrist-right_pinky right_wrist-right_index right_wrist-right_thumb '
    'right_pinky-right_index left_ankle-left_heel left_heel-left_foot_index '
    'left_ankle-left_foot_index right_ankle-right_heel right_heel-right_foot_index '
    'right_ankle-right_foot_index',
)

HALPE26 = _layout(
    'halpe26',
    _COCO_NAMES + ' head neck hip left_big_toe right_big_toe left_small_toe right_small_toe '
    'left_heel right_heel',
    _FACE + _LIMBS +
    'head-neck neck-left_shoulder neck-right_shoulder neck-hip hip-left_hip hip-right_hip '
    'left_ankle-left_heel left_ankle-left_big_toe left_ankle-left_small_toe '
    'right_ankle-right_heel right_ankle-right_big_toe right_ankle-right_small_toe',
)

MPII16 = _layout(
    'mpii16',
    'right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck '
    'head_top right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist',
    _LIMBS +
    'pelvis-left_hip pelvis-right_hip pelvis-thorax thorax-left_shoulder thorax-right_shoulder '
    'thorax-upper_neck upper_neck-head_top',
)

H36M17 = _layout(
    'h36m17',
    'pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax '
    'neck_base head_top left_shoulder left_elbow left_wrist right_shoulder right_elbow '
    'right_wrist',
    _LIMBS +
    'pelvis-left_hip pelvis-right_hip pelvis-spine spine-thorax thorax-left_shoulder '
    'thorax-right_shoulder thorax-neck_base neck_base-head_top',
)

JHMDB15 = _layout(
    'jhmdb15',
    'neck belly face right_shoulder left_shoulder right_hip left_hip right_elbow left_elbow '
    'right_knee left_knee right_wrist left_wrist right_ankle left_ankle',
    _LIMBS +
    'face-neck neck-belly neck-left_shoulder neck-right_shoulder belly-left_hip belly-right_hip',
)

_FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')


def _hand(side: str) -> tuple[str, str]:
    """Return names and bones of a hand: its root, then four joints a finger from the root out."""
    root = f'{side}_hand_root'
    chains = [[root, *(f'{side}_{finger}{i}' for i in range(1, 5))] for finger in _FINGERS]
    names = ' '.join([root, *(joint for chain in chains for joint in chain[1:])])
    bones = (f'{a}-{b}' for chain in chains for a, b in pairwise(chain))
    return names, ' '.join(bones)


# The 68 points go from the subject's right to the left; a point and its mirror image, by parts:
# jaw, brows, nostrils, eyes, outer lips, inner lips. Points on the middle line have none.
_FACE_MIRROR = (
    *((i, 16 - i) for i in range(8)), *((i, 43 - i) for i in range(17, 22)), (31, 35), (32, 34),
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
    (48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65),
)
_LEFT_HAND, _RIGHT_HAND = _hand('left'), _hand('right')

COCO_WHOLEBODY133 = _layout(
    'coco_wholebody133',
    ' '.join((
        _COCO_NAMES, 'left_big_toe left_small_toe left_heel right_big_toe right_small_toe '
        'right_heel', *(f'face_{i}' for i in range(68)), _LEFT_HAND[0], _RIGHT_HAND[0])),
    _FACE + _TORSO + _LIMBS +
    'left_ankle-left_big_toe left_ankle-left_small_toe left_ankle-left_heel '
    'right_ankle-right_big_toe right_ankle-right_small_toe right_ankle-right_heel '
    f'left_wrist-left_hand_root right_wrist-right_hand_root {_LEFT_HAND[1]} {_RIGHT_HAND[1]}',
    ' '.join(f'face_{left}-face_{right}' for right, left in _FACE_MIRROR),
)

_KINECT_LIMBS = (
    'neck-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist left_wrist-left_hand '
    'neck-right_shoulder right_shoulder-right_elbow right_elbow-right_wrist '
    'right_wrist-right_hand pelvis-left_hip left_hip-left_knee left_knee-left_ankle '
    'left_ankle-left_foot pelvis-right_hip right_hip-right_knee right_knee-right_ankle '
    'right_ankle-right_foot '
)
_KINECT_SIDES = (
    'left_shoulder left_elbow left_wrist left_hand right_shoulder right_elbow right_wrist '
    'right_hand left_hip left_knee left_ankle left_foot right_hip right_knee right_ankle '
    'right_foot'
)

KINECT20 = _layout(
    'kinect20', 'pelvis spine neck head_center ' + _KINECT_SIDES,
    _KINECT_LIMBS + 'pelvis-spine spine-neck neck-head_center',
)

UTD_MHAD20 = _layout(
    'utd_mhad20', 'head_center neck spine pelvis ' + _KINECT_SIDES,
    _KINECT_LIMBS + 'pelvis-spine spine-neck neck-head_center',
)

NTU25 = _layout(
    'ntu25',
    'pelvis spine upper_neck head_center ' + _KINECT_SIDES +
    ' neck left_hand_tip left_thumb right_hand_tip right_thumb',
    _KINECT_LIMBS + 'pelvis-spine spine-neck neck-upper_neck upper_neck-head_center '
    'left_hand-left_hand_tip left_wrist-left_thumb right_hand-right_hand_tip '
    'right_wrist-right_thumb',
)

CMU28 = _layout(
    'cmu28',
    'pelvis left_hip left_knee left_ankle left_toe_base left_toe_end right_hip right_knee '
    'right_ankle right_toe_base right_toe_end spine chest neck upper_neck head_center '
    'left_shoulder left_elbow left_wrist left_hand left_hand_tip left_thumb right_shoulder '
    'right_elbow right_wrist right_hand right_hand_tip right_thumb',
    _LIMBS +
    'pelvis-left_hip pelvis-right_hip pelvis-spine spine-chest chest-neck neck-upper_neck '
    'upper_neck-head_center chest-left_shoulder chest-right_shoulder '
    'left_ankle-left_toe_base left_toe_base-left_toe_end right_ankle-right_toe_base '
    'right_toe_base-right_toe_end left_wrist-left_hand left_hand-left_hand_tip '
    'left_wrist-left_thumb right_wrist-right_hand right_hand-right_hand_tip '
    'right_wrist-right_thumb',
)

BUILT_IN = {
    layout.name: layout for layout in (
        COCO17, BLAZEPOSE33, HALPE26, MPII16, H36M17, JHMDB15, COCO_WHOLEBODY133,
        KINECT20, UTD_MHAD20, NTU25, CMU28)
}

# A joint that a source layout lacks, as the mean of joints that it may have; first fit wins.
# Points with no such neighbours (a crown from eyes) stay unknown: a guess is not a measurement.
_DERIVED: dict[str, tuple[tuple[str, ...], ...]] = {
    'pelvis': (('hip',), ('left_hip', 'right_hip')),
    'hip': (('pelvis',), ('left_hip', 'right_hip')),
    'thorax': (('left_shoulder', 'right_shoulder'),),
    'neck': (('upper_neck',), ('neck_base',), ('left_shoulder', 'right_shoulder')),
    'upper_neck': (('neck',), ('neck_base',)),
    'neck_base': (('neck',), ('thorax',), ('left_shoulder', 'right_shoulder')),
    'spine': (('belly',), ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')),
    'belly': (('spine',), ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')),
    'face': (('nose',), ('head_center',)),
    'head_center': (('face',), ('left_ear', 'right_ear')),
    'nose': (('face',),),
    'head_top': (('head',),),
    'head': (('head_top',),),
    'left_big_toe': (('left_foot_index',),),
    'right_big_toe': (('right_foot_index',),),
    'left_foot_index': (('left_big_toe',),),
    'right_foot_index': (('right_big_toe',),),
    'left_hand_root': (('left_wrist',),),
    'right_hand_root': (('right_wrist',),),
    'mouth_left': (('face_54',),),
    'mouth_right': (('face_48',),),
}


def layout(name_or_id: str) -> SkeletonLayout:
    """Return a built-in layout by name (``coco17``) or by id with hash (``coco17@1a2b``).

    Raises:
        LayoutError: unknown, or the hash is of another version of that layout.
    """
    name = name_or_id.partition('@')[0]
    found = BUILT_IN.get(name)
    if found is None:
        raise LayoutError(f'unknown layout {name_or_id!r}; known are {", ".join(BUILT_IN)}')
    if '@' in name_or_id and found.id != name_or_id:
        raise LayoutError(
            f'layout {name_or_id} is not the {found.id} of this version; '
            'take its joints from the layouts topic of the recording'
        )
    return found


@cache
def conversion_matrix(source: SkeletonLayout, target: SkeletonLayout) -> Floats:
    """Return (K_target, K_source) float32 weights, rows summing to 1, or to 0 where unknown."""
    matrix = np.zeros((len(target), len(source)), np.float32)
    for row, joint in enumerate(target.names):
        for parts in ((joint,), *_DERIVED.get(joint, ())):
            if all(part in source.names for part in parts):
                matrix[row, [source.index(part) for part in parts]] = 1 / len(parts)
                break
    return matrix


@lru_cache(maxsize=64)
def _parts(source: SkeletonLayout, target: SkeletonLayout) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(np.flatnonzero(row)) for row in conversion_matrix(source, target))


def convert_points(points: Floats, source: SkeletonLayout, target: SkeletonLayout) -> Floats:
    """Convert (..., K_source, D) coordinates to (..., K_target, D); unknown joints are NaN."""
    parts = _parts(source, target)
    out = np.full((*points.shape[:-2], len(target), points.shape[-1]), np.nan, np.float32)
    for row, indices in enumerate(parts):
        if indices:
            out[..., row, :] = points[..., list(indices), :].mean(axis=-2)
    return out


def _least(
    values: Floats | States, source: SkeletonLayout, target: SkeletonLayout, missing: float,
) -> list[float]:
    """A derived joint is only as sure as the least sure of its parts."""
    return [float(values[list(indices)].min()) if indices else missing
            for indices in _parts(source, target)]


def convert_person(
    person: PersonPose, source: SkeletonLayout, target: SkeletonLayout,
) -> PersonPose:
    """Convert a person; scores and states of derived joints are the least of their parts.

    Covariances of means are not known without correlations: they are dropped for all joints
    unless every target joint is a source joint; so are innovations.
    """
    if source.id == target.id:
        return person
    parts = _parts(source, target)
    plain = all(len(indices) == 1 for indices in parts)
    order = [indices[0] for indices in parts] if plain else []

    def points(values: Floats | None) -> Floats | None:
        return None if values is None else convert_points(values, source, target)

    def states(values: States | None) -> States | None:
        return None if values is None else np.asarray(
            _least(values, source, target, JointState.MISSING), np.uint8)

    def picked(values: Floats | None) -> Floats | None:
        return values[order] if plain and values is not None else None

    return replace(
        person,
        keypoints=convert_points(person.keypoints, source, target),
        keypoint_scores=np.asarray(
            _least(person.keypoint_scores, source, target, 0.0), np.float32),
        keypoint_states=np.asarray(
            _least(person.keypoint_states, source, target, JointState.MISSING), np.uint8),
        keypoint_covariances=picked(person.keypoint_covariances),
        keypoint_velocities=points(person.keypoint_velocities),
        keypoint_innovations=picked(person.keypoint_innovations),
        keypoints_3d=points(person.keypoints_3d),
        keypoint_states_3d=states(person.keypoint_states_3d),
        keypoint_covariances_3d=picked(person.keypoint_covariances_3d),
    )


def convert_frame(frame: PoseFrame, source: SkeletonLayout, target: SkeletonLayout) -> PoseFrame:
    """Convert all people of a frame to another layout."""
    if source.id == target.id:
        return frame
    people = tuple(convert_person(person, source, target) for person in frame.persons)
    return replace(frame, layout=target.id, persons=people)
