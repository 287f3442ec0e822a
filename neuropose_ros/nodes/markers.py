"""People as RViz and Foxglove markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.pose import Floats, JointState, Origin3D, PersonPose, PoseFrame, States
from neuropose_ros.core.skeleton import SkeletonLayout

# People without a known place in the room stand on the image plane: a picture this wide, this
# far before the camera. What is drawn there is an illustration, not a metric place.
PLANE_DISTANCE_M = 2.0
PLANE_WIDTH_M = 2.0

_JOINT_M = 0.03
_BONE_M = 0.015
_TEXT_M = 0.12
# Optical axes (x right, y down, z forward) to body axes (x forward, y left, z up), REP-103.
_UPRIGHT = np.array(((0, 0, 1), (-1, 0, 0), (0, -1, 0)), np.float32)

# Okabe and Ito's palette (2008): left sky blue, right orange, middle bluish green.
_LEFT, _RIGHT, _MIDDLE = (0.34, 0.71, 0.91), (0.90, 0.62, 0.0), (0.0, 0.62, 0.45)
_OPACITY: dict[int, float] = {
    JointState.MEASURED: 1.0, JointState.CORRECTED: 1.0,
    JointState.PREDICTED: 0.45, JointState.INTERPOLATED: 0.45,
}
_FAINT = 0.15


@dataclass(frozen=True, slots=True)
class _Place:
    """Where joints are drawn: (K, 3) m in the frame ``frame_id``, NaN where unknown.

    ``optical``: its axes are x right, y down, z forward; else x forward, y left, z up.
    """

    points: Floats
    states: States
    frame_id: str
    optical: bool


def markers(frame: PoseFrame, layout: SkeletonLayout) -> MarkerArray:
    """Return the markers of all people; the first one deletes those of earlier frames.

    3D people with a place (ORIGIN_CAMERA) are drawn at it, in their ``frame_3d``. Root-relative 3D
    people are drawn in metres around where their hips are on the image plane; people without 3D
    are drawn flat on that plane (`PLANE_WIDTH_M` wide, `PLANE_DISTANCE_M` before the camera).
    Both stand upright in ``frame_id``, be it an optical frame (its name ends in ``_optical`` or
    ``_optical_frame``, as REP-103 has it) or one with z up.

    Opacity says how sure a joint is: full when measured, half when predicted, faint when guessed.
    """
    found = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    stamp = Time(sec=frame.stamp_ns // NS_PER_S, nanosec=frame.stamp_ns % NS_PER_S)
    found.markers[0].header = Header(stamp=stamp, frame_id=frame.frame_id)
    sides = _sides(layout)
    for index, person in enumerate(frame.persons):
        place = _place(person, frame, layout)
        header = Header(stamp=stamp, frame_id=place.frame_id)
        shown = np.flatnonzero(np.isfinite(place.points).all(axis=1)).tolist()
        if shown:
            found.markers.extend(_person(place, header, index, person, shown, layout, sides))
    return found


def _person(
    place: _Place, header: Header, index: int, person: PersonPose, shown: Sequence[int],
    layout: SkeletonLayout, sides: Sequence[tuple[float, float, float]],
) -> Iterable[Marker]:
    points = {joint: _point(place.points[joint]) for joint in shown}
    opacity = [_OPACITY.get(state, _FAINT) for state in place.states.tolist()]

    def marker(kind: int, name: str, size_m: float, **extra: Any) -> Marker:
        scale = Vector3(x=size_m, y=size_m, z=size_m)
        return Marker(
            header=header, ns=name, id=index, type=kind, action=Marker.ADD, scale=scale, **extra)

    def colour(joint: int, least: float = 1.0) -> ColorRGBA:
        red, green, blue = sides[joint]
        return ColorRGBA(r=red, g=green, b=blue, a=min(opacity[joint], least))

    yield marker(
        Marker.SPHERE_LIST, 'joints', _JOINT_M,
        points=[points[joint] for joint in shown], colors=[colour(joint) for joint in shown])
    bones = [bone for bone in layout.edges if bone[0] in points and bone[1] in points]
    if bones:
        yield marker(
            Marker.LINE_LIST, 'bones', _BONE_M,
            points=[points[joint] for bone in bones for joint in bone],
            colors=[colour(joint, min(opacity[end] for end in bone))
                    for bone in bones for joint in bone])
    text = marker(
        Marker.TEXT_VIEW_FACING, 'names', _TEXT_M, color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
        text=f'{person.track_id} {person.track_state.name.lower()}')
    top = points[min(shown, key=lambda joint: _height(place, joint))]
    text.pose.position = Point(x=top.x, y=top.y, z=top.z)
    yield text


def _point(xyz: Floats) -> Point:
    x, y, z = xyz.tolist()
    return Point(x=x, y=y, z=z)


def _height(place: _Place, joint: int) -> float:
    """Return a value that is least for the highest joint."""
    _, y, z = place.points[joint].tolist()
    return float(y if place.optical else -z)


def _place(person: PersonPose, frame: PoseFrame, layout: SkeletonLayout) -> _Place:
    if person.keypoints_3d is not None and person.origin_3d == Origin3D.CAMERA:
        return _Place(
            person.keypoints_3d, _states_3d(person), person.frame_3d or frame.frame_id, True)
    plane = _on_plane(person.keypoints, frame)
    states = person.keypoint_states
    if person.keypoints_3d is not None and np.isfinite(person.keypoints_3d).any():
        plane = person.keypoints_3d + _root(plane, layout)
        states = _states_3d(person)
    optical = frame.frame_id.endswith(('_optical', '_optical_frame'))
    return _Place(plane if optical else plane @ _UPRIGHT.T, states, frame.frame_id, optical)


def _states_3d(person: PersonPose) -> States:
    return person.keypoint_states if person.keypoint_states_3d is None else (
        person.keypoint_states_3d)


def _on_plane(keypoints: Floats, frame: PoseFrame) -> Floats:
    """Return (K, 2) px as (K, 3) m on the image plane, in optical axes."""
    width, height = max(frame.image_width, 1), max(frame.image_height, 1)
    centre = np.array(((width - 1) / 2, (height - 1) / 2), np.float32)
    flat = (keypoints - centre) * np.float32(PLANE_WIDTH_M / width)
    return np.concatenate(
        (flat, np.full((len(flat), 1), PLANE_DISTANCE_M, np.float32)), axis=1)


def _root(plane: Floats, layout: SkeletonLayout) -> NDArray[np.float32]:
    """Return (3,) where the mid-hip is on the plane, or what is nearest to knowing it."""
    hips = [index for index, name in enumerate(layout.names) if name.endswith('hip')]
    for points in (plane[hips], plane):
        known = points[np.isfinite(points).all(axis=1)]
        if len(known):
            root: NDArray[np.float32] = known.mean(axis=0)
            return root
    return np.array((0.0, 0.0, PLANE_DISTANCE_M), np.float32)


def _sides(layout: SkeletonLayout) -> list[tuple[float, float, float]]:
    sides = [_MIDDLE] * len(layout)
    for left, right in layout.mirror_pairs:
        sides[left], sides[right] = _LEFT, _RIGHT
    return sides
