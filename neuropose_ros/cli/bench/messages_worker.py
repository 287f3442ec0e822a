"""Measures round trips of messages, in a process that finds the nested package."""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from neuropose_ros.cli.bench.nested_messages import PACKAGE
from neuropose_ros.core import wire
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)

STEPS = ('build', 'serialise', 'deserialise', 'read')
# Round trips in a turn, and those before that are not counted (the others' turns cool caches).
_TURN, _WARM_UP = 50, 5
_LAYOUT = layout('blazepose33')


class Codec(Protocol):
    """One way to put a frame of people into a message and to get arrays out of it."""

    message_type: Any

    def build(self, frame: PoseFrame) -> Any:
        """Return the message."""

    def read(self, message: Any) -> Any:
        """Return the arrays in it."""


class Flat:
    """Ours, with the conversion that the nodes use."""

    def __init__(self) -> None:
        """Look the types up."""
        from neuropose_ros.msg import PersonArray
        from neuropose_ros.nodes.types import ROS

        self.message_type = PersonArray
        self._types = ROS

    def build(self, frame: PoseFrame) -> Any:
        """Return the PersonArray."""
        return wire.pose_frame_to_message(frame, self._types)

    def read(self, message: Any) -> PoseFrame:
        """Return the frame."""
        return wire.pose_frame_from_message(message)


class _Frames:
    """The frame's own fields of a nested message."""

    def __init__(self, name: str) -> None:
        self.package: Any = importlib.import_module(f'{PACKAGE}.msg')
        self.message_type = getattr(self.package, name)

    def fill(self, frame: PoseFrame, persons: list[Any]) -> Any:
        message = self.message_type(
            frame_seq=frame.frame_seq, epoch=frame.epoch, status=int(frame.status),
            image_width=frame.image_width, image_height=frame.image_height, layout=frame.layout,
            stage=frame.stage, model=frame.model, persons=persons)
        stamp = message.header.stamp
        stamp.sec, stamp.nanosec = divmod(frame.stamp_ns, 1_000_000_000)
        message.header.frame_id = frame.frame_id
        return message


class Nested:
    """A message per keypoint and one for the point in it, in the image and in metres."""

    def __init__(self) -> None:
        """Look the types up."""
        self._frames = _Frames('PersonArray')
        self.message_type = self._frames.message_type

    def build(self, frame: PoseFrame) -> Any:
        """Return the message."""
        return self._frames.fill(frame, [self._build_person(p) for p in frame.persons])

    def _build_person(self, person: PersonPose) -> Any:
        assert person.keypoints_3d is not None and person.keypoint_states_3d is not None
        types = self._frames.package
        joints = zip(
            person.keypoints.tolist(), person.keypoint_scores.tolist(),
            person.keypoint_states.tolist(), strict=True)
        joints_3d = zip(
            person.keypoints_3d.tolist(), person.keypoint_states_3d.tolist(), strict=True)
        return types.Person(
            track_id=person.track_id, track_state=int(person.track_state), score=person.score,
            box=person.box, origin_3d=int(person.origin_3d),
            keypoints=[
                types.Keypoint2D(point=types.Point2D(x=x, y=y), score=score, state=state)
                for (x, y), score, state in joints],
            keypoints_3d=[
                types.Keypoint3D(point=types.Point3D(x=x, y=y, z=z), state=state)
                for (x, y, z), state in joints_3d])

    def read(self, message: Any) -> list[Any]:
        """Return (track_id, box, keypoints, scores, states, keypoints_3d, states_3d) of each."""
        return [self._read_person(person) for person in message.persons]

    @staticmethod
    def _read_person(person: Any) -> tuple[Any, ...]:
        # One array of all numbers, then views: faster than an array for each field.
        table = np.array([
            (k.point.x, k.point.y, k.score, k.state) for k in person.keypoints], np.float32)
        table_3d = np.array([
            (k.point.x, k.point.y, k.point.z, k.state) for k in person.keypoints_3d], np.float32)
        return (person.track_id, np.array(person.box), table[:, :2], table[:, 2],
                table[:, 3].astype(np.uint8), table_3d[:, :3], table_3d[:, 3].astype(np.uint8))


class Lean:
    """As little nesting as there can be: one message per joint."""

    def __init__(self) -> None:
        """Look the types up."""
        self._frames = _Frames('LeanPersonArray')
        self.message_type = self._frames.message_type

    def build(self, frame: PoseFrame) -> Any:
        """Return the message."""
        return self._frames.fill(frame, [self._build_person(p) for p in frame.persons])

    def _build_person(self, person: PersonPose) -> Any:
        assert person.keypoints_3d is not None and person.keypoint_states_3d is not None
        types = self._frames.package
        joints = zip(
            person.keypoints.tolist(), person.keypoint_scores.tolist(),
            person.keypoint_states.tolist(), person.keypoints_3d.tolist(),
            person.keypoint_states_3d.tolist(), strict=True)
        return types.LeanPerson(
            track_id=person.track_id, track_state=int(person.track_state), score=person.score,
            box=person.box, origin_3d=int(person.origin_3d),
            joints=[
                types.Joint(
                    x=x, y=y, score=score, state=state, x_3d=x_3d, y_3d=y_3d, z_3d=z_3d,
                    state_3d=state_3d)
                for (x, y), score, state, (x_3d, y_3d, z_3d), state_3d in joints])

    def read(self, message: Any) -> list[Any]:
        """Return what `Nested.read` returns."""
        return [self._read_person(person) for person in message.persons]

    @staticmethod
    def _read_person(person: Any) -> tuple[Any, ...]:
        table = np.array([
            (j.x, j.y, j.score, j.state, j.x_3d, j.y_3d, j.z_3d, j.state_3d)
            for j in person.joints], np.float32)
        return (person.track_id, np.array(person.box), table[:, :2], table[:, 2],
                table[:, 3].astype(np.uint8), table[:, 4:7], table[:, 7].astype(np.uint8))


def people(count: int) -> PoseFrame:
    """Return a frame of ``count`` people as the default estimator gives it."""
    random = np.random.default_rng(33)
    joints = len(_LAYOUT.names)

    def person(track_id: int) -> PersonPose:
        return PersonPose(
            keypoints=random.uniform(0, 1000, (joints, 2)).astype(np.float32),
            keypoint_scores=random.random(joints, np.float32),
            keypoint_states=np.full(joints, JointState.MEASURED, np.uint8),
            box=random.uniform(0, 1000, 4).astype(np.float32),
            score=0.9, track_id=track_id, track_state=TrackState.CONFIRMED,
            keypoints_3d=random.normal(0, 0.5, (joints, 3)).astype(np.float32),
            keypoint_states_3d=np.full(joints, JointState.MEASURED, np.uint8),
            origin_3d=Origin3D.ROOT_RELATIVE)

    return PoseFrame(
        stamp_ns=1_700_000_000_000_000_000, frame_seq=1, layout=_LAYOUT.id, image_width=1920,
        image_height=1080, frame_id='camera', status=FrameStatus.OK, stage='pose',
        model='blazepose', persons=tuple(person(i) for i in range(count)))


def round_trip(codec: Codec, frame: PoseFrame) -> tuple[Any, tuple[float, ...]]:
    """Return what comes out, and the ms of each of `STEPS`."""
    from rclpy.serialization import deserialize_message, serialize_message

    clock = time.perf_counter
    begin = clock()
    message = codec.build(frame)
    built = clock()
    data = serialize_message(message)
    serialised = clock()
    received = deserialize_message(data, codec.message_type)
    deserialised = clock()
    out = codec.read(received)
    end = clock()
    times = (begin, built, serialised, deserialised, end)
    return out, tuple(1e3 * (after - before) for before, after in itertools.pairwise(times))


def check(frame: PoseFrame, flat: PoseFrame, *nested: Sequence[Any]) -> None:
    """Raise AssertionError unless all give what went in."""
    for index, person in enumerate(frame.persons):
        ours = flat.persons[index]
        assert ours.keypoints_3d is not None and person.keypoints_3d is not None
        np.testing.assert_array_equal(ours.keypoints, person.keypoints)
        np.testing.assert_array_equal(ours.keypoints_3d, person.keypoints_3d)
        for persons in nested:
            theirs = persons[index]
            np.testing.assert_array_equal(theirs[2], person.keypoints)
            np.testing.assert_array_equal(theirs[3], person.keypoint_scores)
            np.testing.assert_array_equal(theirs[4], person.keypoint_states)
            np.testing.assert_array_equal(theirs[5], person.keypoints_3d)
            np.testing.assert_array_equal(theirs[6], person.keypoint_states_3d)


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Return the medians of ``rounds`` round trips of ``count`` people."""
    frame = people(count)
    codecs: dict[str, Codec] = {'person_array': Flat(), 'nested': Nested(), 'lean': Lean()}
    check(frame, *(round_trip(codec, frame)[0] for codec in codecs.values()))
    gc.collect()
    gc.freeze()  # as the nodes do
    times: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in codecs}
    for _ in range(math.ceil(rounds / _TURN)):
        for kind, codec in codecs.items():
            trips = [round_trip(codec, frame)[1] for _ in range(_WARM_UP + _TURN)]
            times[kind] += trips[_WARM_UP:]
    total_ms = {kind: statistics.median(map(sum, times[kind])) for kind in codecs}
    return {
        **{f'{kind}_ms': round(total_ms[kind], 4) for kind in codecs},
        **{f'{kind}_ratio': round(total_ms[kind] / total_ms['person_array'], 2)
           for kind in ('nested', 'lean')},
        'steps': {
            kind: {step: round(statistics.median(column), 4)
                   for step, column in zip(STEPS, zip(*times[kind], strict=True), strict=True)}
            for kind in codecs},
    }


if __name__ == '__main__':
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
