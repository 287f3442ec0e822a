"""A flow whose results are known to the bit, its live runs, and what a recorder keeps of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from neuropose_ros.core import wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    Frame,
    FramePolicy,
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging.compressed import encode_jpeg
from neuropose_ros.pipeline import Pipeline, Result
from neuropose_ros.pose.loading import PoseNetworks, PoseSettings
from neuropose_ros.recording.bag_types import message_types, own_types
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.refinement.stage import RefinementStage
from neuropose_ros.replay.settings import Settings
from neuropose_ros.replay.stages import Stages

START_NS = 1_700_000_000 * 10**9
STEP_NS = 33_333_333


class DotEstimator:
    """Finds the brightest pixel; the joints are half way to where the dot was expected."""

    layout: SkeletonLayout = COCO17
    model = 'dot'

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        y, x = np.unravel_index(int(frame.image[..., 0].argmax()), frame.image.shape[:2])
        points = np.tile(np.array((x, y), np.float32), (17, 1))
        points += np.linspace(0, 20, 17, dtype=np.float32)[:, None]
        for person in expected:
            points = np.where(np.isfinite(person.keypoints), (points + person.keypoints) / 2,
                              points)
        found = PersonPose(
            points.astype(np.float32), np.ones(17, np.float32),
            np.full(17, JointState.MEASURED, np.uint8),
            np.array((x, y, x + 20, y + 20), np.float32), score=1.0)
        return PoseFrame(
            frame.stamp_ns, frame.frame_seq, self.layout.id, frame.image.shape[1],
            frame.image.shape[0], epoch=frame.epoch, status=FrameStatus.OK, persons=(found,),
            frame_id=frame.frame_id, seq_is_local=frame.seq_is_local, stage='pose', model='dot')

    def reset(self) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Holds nothing."""


def networks() -> PoseNetworks:
    return PoseNetworks(PoseSettings(), DotEstimator(), None)


def stages(settings: Settings | None = None) -> Stages:
    """Return stages that look for the dot, without actions."""
    return Stages(settings or Settings(), networks(), None, None, {'dot': 'no file'})


def dot_frames(count: int, *, first: int = 0, epoch: int = 0, start_ns: int = START_NS,
               ) -> list[Frame]:
    """Return frames of a camera whose dot moves unsteadily."""
    made = []
    for index in range(first, first + count):
        image = np.zeros((100, 200, 3), np.uint8)
        image[30 + index % 3, 20 + 3 * index % 150] = 255
        made.append(Frame(
            image, start_ns + index * STEP_NS, index, epoch=epoch, source='camera',
            policy=FramePolicy.EVERY_FRAME))
    return made


def run_live(frames: Iterable[Frame], *, every: int = 1, feedback_lag: int = 0) -> list[Result]:
    """Return what a live run gives that skips frames and gets its feedback late."""
    pose, refinement = networks().stage(), RefinementStage()
    late: deque[PoseFrame | None] = deque([None] * (feedback_lag + 1), feedback_lag + 1)
    results = []
    for index, frame in enumerate(frames):
        if index % every:
            continue
        poses = pose.process(frame, late[0])
        refined = refinement.process(poses)
        late.append(refinement.feedback())
        results.append(Result(frame, poses, replace(refined, receive_ms=7.5)))
    return results


def pipeline() -> Pipeline:
    return stages().pipeline()


class Recorder:
    """Messages in the order in which a recorder gets them."""

    def __init__(self) -> None:
        self.store, self.types = own_types(), message_types()
        self.messages: list[tuple[str, Any]] = []

    def frames(self, frames: Iterable[Frame], *, info: bool = True, compressed: bool = False,
               ) -> Recorder:
        for frame in frames:
            header = self.types.header(frame.stamp_ns, frame.frame_id)
            if info:
                self.messages.append(('/frame_info', wire.frame_info_to_message(wire.FrameInfo(
                    frame.stamp_ns, frame.frame_seq, frame.frame_id, frame.epoch, frame.source,
                    frame.policy), self.types)))
            height, width = frame.image.shape[:2]
            if compressed:
                self.messages.append(('/image_raw/compressed', self.types.find(
                    'sensor_msgs/msg/CompressedImage')(
                        header=header, format='jpeg',
                        data=np.frombuffer(encode_jpeg(frame.image, 95), np.uint8))))
            else:
                self.messages.append(('/image_raw', self.types.find('sensor_msgs/msg/Image')(
                    header=header, height=height, width=width, encoding='bgr8', is_bigendian=0,
                    step=3 * width, data=frame.image.ravel())))
        return self

    def results(self, results: Iterable[Result]) -> Recorder:
        for result in results:
            for topic, poses in (('/poses', result.poses), ('/poses_refined', result.refined)):
                self.messages.append((topic, wire.pose_frame_to_message(poses, self.types)))
        return self

    def write(self, folder: Path, plugin: StoragePlugin = StoragePlugin.MCAP) -> Path:
        connections: dict[str, Any] = {}
        with Writer(folder, version=9, storage_plugin=plugin) as writer:
            for number, (topic, message) in enumerate(self.messages):
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=self.store)
                writer.write(connections[topic], START_NS + number,
                             self.store.serialize_cdr(message, kind))
        return folder


def write_session(folder: Path, results: Iterable[Result]) -> Path:
    """Record a live run without its pictures."""
    with SessionWriter(folder) as writer:
        for number, result in enumerate(results):
            writer.put_poses(result.poses, 'poses', START_NS + 2 * number)
            writer.put_poses(result.refined, 'poses_refined', START_NS + 2 * number + 1)
    return folder


