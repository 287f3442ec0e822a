"""Conversion between value types and messages, for rclpy and rosbags objects alike.

Nothing here knows a middleware: messages are built by keyword from types that the caller looks
up by their ROS name, and read by attribute. rclpy wants ``array.array`` for sequences of
numbers (numpy there costs 100 times more), rosbags wants numpy: `MessageTypes` says which.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.pose import (
    Floats,
    FramePolicy,
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
    States,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout

_KINDS = {
    name: (code, np.dtype(name)) for name, code in (
        ('float32', 'f'), ('float64', 'd'), ('uint8', 'B'), ('uint16', 'H'), ('int64', 'q'))
}


@dataclass(frozen=True)
class MessageTypes:
    """Where message classes come from, and how sequences of numbers are passed to them.

    Attributes:
        find: returns the class of a ROS type name, as ``neuropose_ros/msg/Person``.
        numpy_sequences: True for rosbags, False for rclpy.
    """

    find: Callable[[str], Any]
    numpy_sequences: bool = False

    def sequence(self, values: ArrayLike | None, dtype: str) -> Any:
        """Return ``values`` flat, as the message class takes them; None gives an empty one."""
        code, kind = _KINDS[dtype]
        if self.numpy_sequences:
            return np.ravel(np.asarray([] if values is None else values, kind))
        return array(code) if values is None else array(code, np.asarray(values, kind).tobytes())

    def time(self, stamp_ns: int) -> Any:
        """Return builtin_interfaces/Time."""
        return self.find('builtin_interfaces/msg/Time')(
            sec=stamp_ns // NS_PER_S, nanosec=stamp_ns % NS_PER_S)

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        """Return std_msgs/Header."""
        return self.find('std_msgs/msg/Header')(stamp=self.time(stamp_ns), frame_id=frame_id)


def stamp_ns(time: Any) -> int:
    """Return a builtin_interfaces/Time in ns."""
    return int(time.sec) * NS_PER_S + int(time.nanosec)


def _person_to_message(person: PersonPose, types: MessageTypes) -> Any:
    sequence = types.sequence
    return types.find('neuropose_ros/msg/Person')(
        track_id=int(person.track_id),
        track_state=int(person.track_state),
        score=float(person.score),
        box=np.asarray(person.box, np.float32),
        keypoints=sequence(person.keypoints, 'float32'),
        keypoint_scores=sequence(person.keypoint_scores, 'float32'),
        keypoint_states=sequence(person.keypoint_states, 'uint8'),
        keypoint_covariances=sequence(person.keypoint_covariances, 'float32'),
        keypoint_velocities=sequence(person.keypoint_velocities, 'float32'),
        keypoint_innovations=sequence(person.keypoint_innovations, 'float32'),
        keypoints_3d=sequence(person.keypoints_3d, 'float32'),
        keypoint_states_3d=sequence(person.keypoint_states_3d, 'uint8'),
        keypoint_covariances_3d=sequence(person.keypoint_covariances_3d, 'float32'),
        origin_3d=int(person.origin_3d),
        frame_3d=person.frame_3d,
        delay_ms=float(person.delay_ms),
    )


def pose_frame_to_message(frame: PoseFrame, types: MessageTypes) -> Any:
    """Return a PersonArray of ``frame``."""
    return types.find('neuropose_ros/msg/PersonArray')(
        header=types.header(frame.stamp_ns, frame.frame_id),
        frame_seq=frame.frame_seq,
        epoch=frame.epoch,
        seq_is_local=frame.seq_is_local,
        status=int(frame.status),
        skipped_before=frame.skipped_before,
        feedback_stamp=types.time(frame.feedback_stamp_ns),
        image_width=frame.image_width,
        image_height=frame.image_height,
        layout=frame.layout,
        stage=frame.stage,
        model=frame.model,
        receive_ms=float(frame.receive_ms),
        preprocess_ms=float(frame.preprocess_ms),
        inference_ms=float(frame.inference_ms),
        postprocess_ms=float(frame.postprocess_ms),
        persons=[_person_to_message(person, types) for person in frame.persons],
    )


def own_array(sequence: Any, dtype: type[np.generic], shape: tuple[int, ...]) -> Any:
    """Return a sequence of numbers as an array of its own."""
    if isinstance(sequence, array):  # rclpy; np.array would take the long way
        return np.ndarray(shape, dtype, bytearray(sequence))
    return np.array(sequence, dtype).reshape(shape)


def _array(
    message: Any, name: str, dtype: type[np.generic], keypoints: int, width: int,
) -> Any:
    """Return a field as (K,) or, for ``width`` > 1, (K, width)."""
    sequence = getattr(message, name)
    if len(sequence) != keypoints * width:
        raise ValueError(f'a person has {keypoints} keypoints but {len(sequence)} values of '
                         f'{name}, which has {width} for each')
    return own_array(sequence, dtype, (keypoints,) if width == 1 else (keypoints, width))


def _floats(message: Any, name: str, keypoints: int, width: int) -> Floats | None:
    """Return (K, width) float32 of a field, or None if it is empty."""
    if len(getattr(message, name)) == 0:
        return None
    floats: Floats = _array(message, name, np.float32, keypoints, width)
    return floats


def _honest(states: States, points: Floats) -> States:
    """Say UNKNOWN where a NaN claims to be measured: it would pass every later check."""
    flat = points.ravel()
    # One dot product finds what is not finite; at worst it overflows, and all are looked at.
    if math.isfinite(flat.dot(flat)):
        return states
    lying = ~np.isfinite(points).all(1) & (states == JointState.MEASURED)
    return np.where(lying, np.uint8(JointState.UNKNOWN), states)


def _person_from_message(message: Any) -> PersonPose:
    count = len(message.keypoints) // 2
    keypoints = _array(message, 'keypoints', np.float32, count, 2)
    states = _array(message, 'keypoint_states', np.uint8, count, 1)
    keypoints_3d = _floats(message, 'keypoints_3d', count, 3)
    states_3d = None
    if len(message.keypoint_states_3d):
        states_3d = _array(message, 'keypoint_states_3d', np.uint8, count, 1)
        if keypoints_3d is not None:
            states_3d = _honest(states_3d, keypoints_3d)
    return PersonPose(
        keypoints=keypoints,
        keypoint_scores=_array(message, 'keypoint_scores', np.float32, count, 1),
        keypoint_states=_honest(states, keypoints),
        box=np.array(message.box, np.float32),
        score=float(message.score),
        track_id=int(message.track_id),
        track_state=known_enum(TrackState, message.track_state),
        keypoint_covariances=_floats(message, 'keypoint_covariances', count, 3),
        keypoint_velocities=_floats(message, 'keypoint_velocities', count, 2),
        keypoint_innovations=_floats(message, 'keypoint_innovations', count, 2),
        keypoints_3d=keypoints_3d,
        keypoint_states_3d=states_3d,
        keypoint_covariances_3d=_floats(message, 'keypoint_covariances_3d', count, 6),
        origin_3d=known_enum(Origin3D, message.origin_3d),
        frame_3d=message.frame_3d,
        delay_ms=float(message.delay_ms),
    )


@cache
def known_enum(kind: Any, value: int) -> Any:
    """A value from a newer version reads as UNKNOWN, the least trusted."""
    try:
        return kind(int(value))
    except ValueError:
        return kind.UNKNOWN


def pose_frame_from_message(message: Any) -> PoseFrame:
    """Return the value of a PersonArray.

    Raises:
        ValueError: array lengths contradict each other.
    """
    return PoseFrame(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        frame_seq=int(message.frame_seq),
        epoch=int(message.epoch),
        seq_is_local=bool(message.seq_is_local),
        status=known_enum(FrameStatus, message.status),
        skipped_before=int(message.skipped_before),
        feedback_stamp_ns=stamp_ns(message.feedback_stamp),
        image_width=int(message.image_width),
        image_height=int(message.image_height),
        layout=message.layout,
        stage=message.stage,
        model=message.model,
        receive_ms=float(message.receive_ms),
        preprocess_ms=float(message.preprocess_ms),
        inference_ms=float(message.inference_ms),
        postprocess_ms=float(message.postprocess_ms),
        persons=tuple(_person_from_message(person) for person in message.persons),
    )


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What FrameInfo says beside an image."""

    stamp_ns: int
    frame_seq: int
    frame_id: str = ''
    epoch: int = 0
    source: str = ''
    policy: FramePolicy = FramePolicy.UNKNOWN
    rectified: bool = False


def frame_info_to_message(info: FrameInfo, types: MessageTypes) -> Any:
    """Return a FrameInfo message."""
    return types.find('neuropose_ros/msg/FrameInfo')(
        header=types.header(info.stamp_ns, info.frame_id),
        frame_seq=info.frame_seq,
        epoch=info.epoch,
        source=info.source,
        policy=int(info.policy),
        rectified=info.rectified,
    )


def frame_info_from_message(message: Any) -> FrameInfo:
    """Return the value of a FrameInfo message."""
    return FrameInfo(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        frame_seq=int(message.frame_seq),
        epoch=int(message.epoch),
        source=message.source,
        policy=known_enum(FramePolicy, message.policy),
        rectified=bool(message.rectified),
    )


def scene_to_message(scene: SceneEmbedding, types: MessageTypes) -> Any:
    """Return a SceneEmbedding message."""
    return types.find('neuropose_ros/msg/SceneEmbedding')(
        header=types.header(scene.stamp_ns, scene.frame_id),
        frame_seq=scene.frame_seq,
        epoch=scene.epoch,
        model=scene.model,
        embedding=types.sequence(scene.embedding, 'float32'),
    )


def scene_from_message(message: Any) -> SceneEmbedding:
    """Return the value of a SceneEmbedding message."""
    return SceneEmbedding(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        frame_seq=int(message.frame_seq),
        epoch=int(message.epoch),
        model=message.model,
        embedding=own_array(message.embedding, np.float32, (len(message.embedding),)),
    )


def layout_to_message(layout: SkeletonLayout, types: MessageTypes) -> Any:
    """Return a SkeletonLayout message."""
    return types.find('neuropose_ros/msg/SkeletonLayout')(
        id=layout.id,
        names=list(layout.names),
        edges=types.sequence(layout.edges, 'uint16'),
        mirror_pairs=types.sequence(layout.mirror_pairs, 'uint16'),
    )


def layout_from_message(message: Any) -> SkeletonLayout:
    """Return the layout of a SkeletonLayout message.

    Raises:
        LayoutError: indices do not name joints or do not come in pairs, or the hash in the id is
            that of other joints.
    """
    def pairs(flat: Any) -> tuple[tuple[int, int], ...]:
        values = [int(value) for value in flat]
        if len(values) % 2:
            raise LayoutError(f'layout {message.id}: {len(values)} indices do not make pairs')
        return tuple(zip(values[::2], values[1::2], strict=True))

    name, hashed, _ = message.id.partition('@')
    layout = SkeletonLayout(
        name, tuple(message.names), pairs(message.edges), pairs(message.mirror_pairs))
    if hashed and layout.id != message.id:
        raise LayoutError(f'layout {message.id}: its joints have the id {layout.id}; whoever '
                          'publishes it changed one and not the other')
    return layout
