"""What a recorder has to keep up with: people and signals at fixed rates, from one process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core import event_wire, wire
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    Floats,
    FramePolicy,
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.signals import SignalChunk, SignalInfo

_DISCOVERY_S = 60.0


@dataclass(frozen=True)
class Load:
    """How much comes.

    Attributes:
        rate_hz: of frames; each is published as frame_info, poses and poses_refined.
        chunk: samples in one message of the signal.
    """

    people: int = 4
    rate_hz: float = 60.0
    channels: int = 64
    sample_rate_hz: float = 500.0
    chunk: int = 10


@dataclass
class Sent:
    """How much was published."""

    frames: int = 0
    samples: int = 0


def _person(noise: Floats, track_id: int) -> PersonPose:
    """Return somebody; noise, (17, 12), is what no compression makes smaller."""
    return PersonPose(
        keypoints=noise[:, :2], keypoint_scores=noise[:, 2],
        keypoint_states=np.full(17, JointState.MEASURED, np.uint8), box=noise[:4, 3], score=0.9,
        track_id=track_id, track_state=TrackState.CONFIRMED, keypoint_covariances=noise[:, 4:7],
        keypoint_velocities=noise[:, 7:9], keypoint_innovations=noise[:, 9:11])


class Talker:
    """Publishes a `Load`; a context manager that leaves the graph."""

    def __init__(self, environment: dict[str, str], load: Load) -> None:
        """Join the graph of a domain."""
        import rclpy
        from rclpy.context import Context
        from rclpy.node import Node

        from neuropose_ros.msg import FrameInfo, PersonArray
        from neuropose_ros.msg import SignalChunk as ChunkMessage
        from neuropose_ros.msg import SignalInfo as InfoMessage
        from neuropose_ros.nodes.dds import apply_defaults
        from neuropose_ros.nodes.qos import latched, reliable
        from neuropose_ros.nodes.types import ROS

        apply_defaults()
        for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
            os.environ[name] = environment[name]
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node('recording_bench', context=self._context)
        self._load, self._ros = load, ROS
        self._info = self.node.create_publisher(FrameInfo, 'frame_info', reliable(100))
        self._people = {topic: self.node.create_publisher(PersonArray, topic, reliable(100))
                        for topic in ('poses', 'poses_refined')}
        self._signals = self.node.create_publisher(ChunkMessage, 'signals', reliable(100))
        self._describe = self.node.create_publisher(InfoMessage, 'signal_info', latched())
        channels = tuple(f'c{number}' for number in range(load.channels))
        self._describe.publish(event_wire.signal_info_to_message(
            SignalInfo('eeg', 'EEG', channels, ('uV',) * load.channels, load.sample_rate_hz),
            ROS))
        self._random = np.random.default_rng(0)

    def wait_for_reader(self, is_alive: Callable[[], bool]) -> None:
        """Return when somebody reads everything.

        Raises:
            NeuroposeError: nobody does within a minute, or whoever should has ended.
        """
        until = time.monotonic() + _DISCOVERY_S
        publishers = (self._info, *self._people.values(), self._signals)
        while not all(publisher.get_subscription_count() for publisher in publishers):
            if time.monotonic() > until or not is_alive():
                raise NeuroposeError('the recorder does not read what is published')
            time.sleep(0.02)

    def talk(self, goes_on: Callable[[Sent], bool]) -> Sent:
        """Publish in time until ``goes_on`` says no."""
        load, sent, start_s = self._load, Sent(), time.monotonic()
        while goes_on(sent):
            frame_s = start_s + sent.frames / load.rate_hz
            chunk_s = start_s + sent.samples / load.sample_rate_hz
            time.sleep(max(min(frame_s, chunk_s) - time.monotonic(), 0.0))
            if frame_s <= chunk_s:
                self._send_frame(sent.frames)
                sent.frames += 1
            else:
                self._send_samples(sent.samples)
                sent.samples += load.chunk
        return sent

    def _send_frame(self, number: int) -> None:
        stamp_ns = time.time_ns()
        self._info.publish(wire.frame_info_to_message(wire.FrameInfo(
            stamp_ns, number, 'camera', 0, 'bench', FramePolicy.EVERY_FRAME), self._ros))
        for topic, publisher in self._people.items():
            noise = self._random.random((self._load.people, 17, 12), np.float32)
            publisher.publish(wire.pose_frame_to_message(PoseFrame(
                stamp_ns, number, COCO17.id, 640, 480, 'camera', status=FrameStatus.OK,
                stage=topic, model='bench',
                persons=tuple(map(_person, noise, range(len(noise))))), self._ros))

    def _send_samples(self, sequence: int) -> None:
        noise = self._random.random((self._load.chunk, self._load.channels), np.float32)
        self._signals.publish(event_wire.signal_chunk_to_message(
            SignalChunk(time.time_ns(), 'eeg', sequence, noise), self._ros))

    def close(self) -> None:
        """Leave the graph."""
        import rclpy

        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def __enter__(self) -> Talker:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.close()
