"""Bags as input of a replay: pictures paired and numbered as the pose node does it, or poses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropose_ros.core import action_wire, event_wire, wire
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import ImageError, NeuroposeError
from neuropose_ros.core.events import Correction
from neuropose_ros.core.pose import Frame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.imaging import compressed, raw
from neuropose_ros.pose.arrivals import Arrival, Arrivals
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.recording.bag_reading import Bag, open_bag, storage_files
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.replay.bag_topics import RAW, find_topics
from neuropose_ros.replay.inputs import ClockGuard, Item, Unreadable
from neuropose_ros.replay.lived import LivedRun


class BagInput:
    """One camera's flow in a bag."""

    kind = 'bag'
    lens: Intrinsics | None = None
    subjects: tuple[Subject, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def __init__(
        self, path: Path, *, images: str = 'auto', namespace: str | None = None, topic: str = '',
    ) -> None:
        """Open it, and read what is told beside the pictures.

        Args:
            images, namespace, topic: see `find_topics`.

        Raises:
            DataError: it cannot be read, or it is not clear what to work on.
        """
        self._bag: Bag = open_bag(path)
        self._topics = find_topics(self._bag, images=images, namespace=namespace, topic=topic)
        self.has_pictures = bool(self._topics.images)
        self.files = tuple(storage_files(path))
        self.layouts: dict[str, SkeletonLayout] = {}
        self.label_sets: dict[str, LabelSet] = {}
        self._infos: dict[int, deque[FrameInfo]] = {}
        self._told_ns: tuple[int, int] | None = None
        self._arrivals: Arrivals[Any] = Arrivals(clock=lambda: 0.0)
        self._unreadable = self._bad_messages = 0
        run = LivedRun()
        self._read_told(run)
        self.lived = run if self._topics.poses else None

    def _read_told(self, run: LivedRun) -> None:
        topics = self._topics
        takers = {
            topics.frame_info: self._take_info,
            topics.poses: lambda m: run.add_poses(self._timed(wire.pose_frame_from_message(m))),
            topics.poses_refined: lambda m: run.add_refined(wire.pose_frame_from_message(m)),
            topics.actions: lambda m: run.add_actions(action_wire.action_frame_from_message(m)),
            topics.layouts: self._take_layout, topics.label_sets: self._take_labels,
            topics.corrections: self._take_correction,
        }
        for topic, _, message in self._bag.messages(topics.told):
            try:
                takers[topic](message)
            except (ValueError, NeuroposeError):
                self._bad_messages += 1

    def _take_info(self, message: Any) -> None:
        info = self._timed(wire.frame_info_from_message(message))
        self._infos.setdefault(info.stamp_ns, deque()).append(info)

    def _take_layout(self, message: Any) -> None:
        layout = wire.layout_from_message(message)
        self.layouts[layout.id] = layout

    def _take_labels(self, message: Any) -> None:
        labels = action_wire.label_set_from_message(message)
        self.label_sets[labels.id] = labels

    def _take_correction(self, message: Any) -> None:
        self.corrections += (event_wire.correction_from_message(message),)

    def _timed(self, told: Any) -> Any:
        stamp_ns = told.stamp_ns
        low, high = self._told_ns or (stamp_ns, stamp_ns)
        self._told_ns = min(low, stamp_ns), max(high, stamp_ns)
        return told

    def items(self) -> Iterator[Item]:
        """Yield pictures with their numbers, or poses and scenes, in the order of recording.

        Raises:
            DataError: a message is of an unknown type, or clocks are mixed.
        """
        return self._pictures() if self.has_pictures else self._poses()

    def _pictures(self) -> Iterator[Item]:
        guard = ClockGuard(f'{self._bag.path}: {self._topics.images}')
        for _, _, message in self._bag.messages({self._topics.images}):
            stamp_ns = wire.stamp_ns(message.header.stamp)
            if stamp_ns > 0:
                if self._told_ns is not None:
                    self._check_clock(stamp_ns)
                guard.check(stamp_ns)
            waiting = self._infos.get(stamp_ns)
            if waiting:
                self._arrivals.info(waiting.popleft())
            for arrival in self._arrivals.image(
                    message, stamp_ns, message.header.frame_id, informed=False):
                yield self._frame(arrival)

    def _check_clock(self, stamp_ns: int) -> None:
        """The first picture must be of the time of what is told of the pictures."""
        assert self._told_ns is not None
        guard = ClockGuard(f'{self._bag.path}: {self._topics.images} and what is told of it')
        for time_ns in (self._told_ns[0], stamp_ns, self._told_ns[1]):
            guard.check(time_ns)
        self._told_ns = None

    def _frame(self, arrival: Arrival[Any]) -> Frame | Unreadable:
        info, message = arrival.info, arrival.payload
        try:
            if self._topics.compressed:
                image = compressed.decode(message.data)
            else:
                image = raw.decode(message)
        except ImageError as error:
            self._unreadable += 1
            return Unreadable(info, arrival.seq_is_local, str(error))
        return Frame(
            image, info.stamp_ns, info.frame_seq, frame_id=info.frame_id, epoch=info.epoch,
            source=info.source, policy=info.policy, rectified=info.rectified,
            seq_is_local=arrival.seq_is_local)

    def _poses(self) -> Iterator[Item]:
        guard = ClockGuard(f'{self._bag.path}: {self._topics.poses}')
        for topic, _, message in self._bag.messages({self._topics.poses, self._topics.scene}):
            try:
                if topic == self._topics.scene:
                    yield wire.scene_from_message(message)
                    continue
                poses = wire.pose_frame_from_message(message)
            except ValueError:
                continue  # counted when it was read for the first time
            guard.check(poses.stamp_ns)
            yield poses

    def findings(self) -> dict[str, int | str]:
        """Return what was odd."""
        lived = self.lived
        found: dict[str, int | str] = {
            'damage': self._bag.damage,
            'unreadable_pictures': self._unreadable,
            'bad_messages': self._bad_messages,
            'zero_stamps': self._arrivals.zero_stamps,
            'repeated_stamps': self._arrivals.repeats,
            'unrecorded_results': lived.unrecorded if lived is not None else 0,
            'unused_depth': self._unused_depth(),
        }
        return {name: value for name, value in found.items() if value}

    def _unused_depth(self) -> str:
        return ', '.join(topic for topic in self._bag.of_type(RAW)
                         if self.has_pictures and topic.endswith('/depth/image_raw'))

    def close(self) -> None:
        """Nothing is held between messages."""
