"""A session that is being recorded: written by a thread of its own, with an eye on the disk."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropose_ros.core.action import ActionFrame, LabelSet
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import Correction, EventMarker, MovementMetric
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording import folder
from neuropose_ros.recording.about import About
from neuropose_ros.recording.bag_writing import FOLDER, BagWriter
from neuropose_ros.recording.losses import Losses
from neuropose_ros.recording.video_recording import VideoRecording
from neuropose_ros.recording.writer import FLUSH_S, SessionWriter

VIDEO_FILE = 'video-camera.mp4'
_LOOK_AT_DISK_S = 2.0
# Compacting goes at about 50 MB/s; whoever ends a process does not wait for long.
_COMPACT_AT_EXIT_BYTES = 64 << 20
_NOTES = (EventMarker, Correction, SkeletonLayout, LabelSet, SignalInfo)


@dataclass
class _Seen:
    """What came by and is worth telling in a sentence of its own."""

    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)

    def frame(self, info: FrameInfo) -> None:
        if info.source not in self.devices:
            self.devices[info.source] = {
                'kind': 'camera', 'frame_id': info.frame_id, 'policy': info.policy.name,
                'rectified': info.rectified}


class LiveSession:
    """Takes values as they come, from any thread, without making anybody wait.

    Attributes:
        path: of the session.
        bag: what takes messages, where there is one beside the session.
        video: what takes pictures, where there is one.
        flush_ms: how long the last write took.
        free_mb: room on the disk when last looked at.
    """

    def __init__(
        self, path: Path, about: About | None = None, *, least_free_mb: float = 500.0,
        flush_s: float = FLUSH_S, clock: Callable[[], int] = time.time_ns,
        bag: Collection[str] | None = None, video: str = '',
    ) -> None:
        """Begin.

        Args:
            bag: None = no bag beside it; else its topics whose messages are latched.
            video: blurred or raw: pictures are kept as a video; '' = they are not.
            least_free_mb: recording ends, in order, when the disk has less room.
            clock: ROS time in ns.

        Raises:
            SessionError: a session cannot be begun there, or the disk has too little room.
        """
        self.path = path
        self.flush_ms = self.free_mb = 0.0
        self.losses = Losses()
        self._seen = _Seen()
        self._least_free_mb, self._flush_s = least_free_mb, flush_s
        self.video: VideoRecording | None = None
        self._stopping = threading.Event()
        self._ending = threading.Lock()
        self._low = ''
        self._look_at_disk()
        if self._low:
            raise SessionError(self._low)
        self._writer = SessionWriter(path, about, flush_s=float('inf'), clock=clock)
        self.bag: BagWriter | None = None
        if bag is not None:
            try:
                self.bag = BagWriter(path / FOLDER, frozenset(bag))
            except SessionError:
                self._writer.close()
                raise
        if video:
            self.video = VideoRecording(path / VIDEO_FILE, video)
        self._thread = threading.Thread(target=self._work, name='session writer', daemon=True)
        self._thread.start()

    # -- taking -------------------------------------------------------------------------------

    def put(self, value: Any, arrival_ns: int, topic: str = '') -> None:
        """Keep a value of the flow.

        Args:
            topic: of people only: poses, poses_refined, ...
        """
        if isinstance(value, PoseFrame):
            self.losses.note_poses(topic, value)
            self._seen.models.add(value.model)
            self._writer.put_poses(value, topic, arrival_ns)
            if self.video is not None and topic == 'poses':
                self.video.put_poses(value)
        elif isinstance(value, FrameInfo):
            self.losses.note_frame(value)
            self._seen.frame(value)
            self._writer.put_frame(value, arrival_ns)
        elif isinstance(value, SignalChunk):
            self.losses.note_signal(value)
            self._writer.put_signal(value, arrival_ns)
        elif isinstance(value, ActionFrame):
            self._seen.models.add(value.model)
            self._writer.put_actions(value, arrival_ns)
        elif isinstance(value, SceneEmbedding):
            self._seen.models.add(value.model)
            self._writer.put_scene(value, arrival_ns)
        elif isinstance(value, MovementMetric):
            self._writer.put_metric(value, arrival_ns)
        elif isinstance(value, _NOTES):
            self._writer.put_note(value, arrival_ns)
        else:
            raise TypeError(f'{type(value).__name__} has no place in a session')

    def describe(self, **facts: Any) -> None:
        """Say more of the session.

        Raises:
            SessionError: it cannot be written.
        """
        self._writer.describe(**facts)

    # -- how it goes ----------------------------------------------------------------------------

    @property
    def failure(self) -> str:
        """Why recording ended by itself; empty = it goes on."""
        beside = (part.failure for part in (self.bag, self.video) if part is not None)
        return self._writer.failure or self._low or next(filter(None, beside), '')

    @property
    def rows(self) -> Counter[str]:
        """Values kept, by table."""
        return self._writer.rows

    @property
    def lost(self) -> Counter[str]:
        """Values that came and could not be kept, by table; messages, by topic of the bag."""
        lost = self._writer.lost + (Counter() if self.bag is None else self.bag.lost)
        return lost + Counter({'video': 0 if self.video is None else self.video.lost})

    @property
    def pending(self) -> int:
        """Values and messages that wait for the disk."""
        return self._writer.pending + (0 if self.bag is None else self.bag.pending)

    @property
    def models(self) -> frozenset[str]:
        """Ids of the models whose results came by."""
        return frozenset(self._seen.models - {''})

    def _work(self) -> None:
        looked_s = time.monotonic()
        while not self._stopping.wait(max(self._flush_s - self.flush_ms / 1e3, 0.0)):
            watch = Stopwatch()
            self._writer.flush()
            self.flush_ms = watch.lap_ms()
            if time.monotonic() - looked_s >= _LOOK_AT_DISK_S:
                looked_s = time.monotonic()
                self._look_at_disk()

    def _look_at_disk(self) -> None:
        there = next(place for place in (self.path, *self.path.absolute().parents)
                     if place.exists())
        self.free_mb = shutil.disk_usage(there).free / 1e6
        if self.free_mb < self._least_free_mb:
            self._low = (f'{self.path}: nothing more is recorded: the disk has {self.free_mb:.0f} '
                         f'MB left, at least {self._least_free_mb:g} are to stay free')

    def close(self, *, leaving: bool = False) -> None:
        """End the session; what came so far is safe. Calling it again has no effect.

        Args:
            leaving: the process is about to end: a long recording is not compacted.
        """
        with self._ending:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._thread.join()
            self._writer.flush()
            for part in (self.bag, self.video):
                if part is not None:
                    part.close()
            if self.failure:
                self._writer.log(self.failure)
            if not self._writer.failure:
                self._writer.describe(
                    devices=self._seen.devices, missing=dict(self.losses.missing),
                    skipped=dict(self.losses.skipped), **self._facts_beside())
            self._writer.close(compacted=not (
                self._low or (leaving and self._size_bytes() > _COMPACT_AT_EXIT_BYTES)))

    def _facts_beside(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if self.bag is not None:
            facts['bag'] = self.bag.facts
        if self.video is not None:
            facts['video'] = {'file': VIDEO_FILE, **self.video.facts}
        return facts

    def _size_bytes(self) -> int:
        with os.scandir(self.path / folder.SEGMENTS) as entries:
            return sum(entry.stat().st_size for entry in entries)
