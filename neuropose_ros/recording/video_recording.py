"""The pictures of one camera into a video, faces hidden: each waits for its own poses."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import COCO17, layout
from neuropose_ros.core.pose import Image, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging.blurring import VideoBlurring, hide
from neuropose_ros.imaging.video_file import VideoFile

BLURRED, RAW = 'blurred', 'raw'
_RATE_HZ = 30.0
_WAIT_FOR_POSES_S = 1.0
_POLL_S = 0.05
_MOST_WAITING = 60
_MOST_POSES = 200
_HOLD_BACK_S = 5.0


class _Picture(NamedTuple):
    stamp_ns: int
    image: Image
    arrived_s: float


class _Filter(Protocol):
    counts: Counter[str]

    def push(
        self, image: Image, stamp_ns: int, poses: PoseFrame | None,
    ) -> Iterator[tuple[int, Image]]:
        """Take a picture, give those that are ready."""

    def flush(self) -> Iterator[tuple[int, Image]]:
        """Give those that are left."""


class _Unchanged:
    """Hides nothing: for those who agreed to be seen."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def push(
        self, image: Image, stamp_ns: int, poses: PoseFrame | None,  # noqa: ARG002
    ) -> Iterator[tuple[int, Image]]:
        self.counts['unchanged'] += 1
        yield stamp_ns, image

    def flush(self) -> Iterator[tuple[int, Image]]:
        return iter(())


class VideoRecording:
    """Writes one video; pictures and poses are put from any thread.

    Attributes:
        lost: pictures that came faster than they could be written.
        failure: why nothing is written any more; empty = all is well.
    """

    def __init__(self, path: Path, mode: str) -> None:
        """Begin.

        Args:
            path: of the file, which is made with the first picture.
            mode: `BLURRED`, or `RAW` for pictures as they are.
        """
        self.lost = 0
        self.failure = ''
        self._file = VideoFile(path, _RATE_HZ, fragmented=True)
        self._mode = mode
        # What hides faces must know the layout of the first people.
        self._filter: _Filter | None = _Unchanged() if mode == RAW else None
        self._hidden_at_first = 0
        self._pictures: deque[_Picture] = deque()
        self._poses: OrderedDict[int, PoseFrame] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name='video writer', daemon=True)
        self._thread.start()

    def put_picture(self, stamp_ns: int, image: Image, *, wait: bool = False) -> None:
        """Take a picture.

        Args:
            image: (H, W, 3) uint8 BGR, which nobody writes to.
            wait: hold the caller back rather than lose one.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(
                    lambda: self._closed or len(self._pictures) < _MOST_WAITING, _HOLD_BACK_S)
            if self._closed or self.failure or len(self._pictures) >= _MOST_WAITING:
                self.lost += 1
                return
            self._pictures.append(_Picture(stamp_ns, image, time.monotonic()))
            self._changed.notify_all()

    def put_poses(self, poses: PoseFrame) -> None:
        """Take the people of a picture, before or after it."""
        with self._changed:
            self._poses[poses.stamp_ns] = poses
            while len(self._poses) > _MOST_POSES:
                self._poses.popitem(last=False)
            self._changed.notify_all()

    @property
    def facts(self) -> dict[str, Any]:
        """What a session says of its video."""
        counts = Counter(pictures=self._hidden_at_first) if self._hidden_at_first else Counter()
        if self._filter is not None:
            counts += self._filter.counts
        return {'mode': self._mode, 'count': self._file.count, 'lost': self.lost,
                'start_ns': self._file.start_ns, 'failure': self.failure,
                'hidden': dict(counts)}

    # -- in the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not (self._closed and not self._pictures):
                for picture, poses in self._ready():
                    for stamp_ns, image in self._filtered(picture, poses):
                        self._file.write(stamp_ns, image)
            if self._filter is not None:
                for stamp_ns, image in self._filter.flush():
                    self._file.write(stamp_ns, image)
            self._file.close()
        except Exception as error:  # noqa: BLE001 - of codecs and disks, without a common base
            self.failure = f'the video is not written any more: {type(error).__name__}: {error}'
            with contextlib.suppress(Exception):
                self._file.close()

    def _ready(self) -> list[tuple[_Picture, PoseFrame | None]]:
        """Return the pictures, in order, whose poses are there or will not come any more."""
        with self._changed:
            self._changed.wait(_POLL_S)
            found: list[tuple[_Picture, PoseFrame | None]] = []
            while self._pictures and self._is_due(self._pictures[0]):
                picture = self._pictures.popleft()
                found.append((picture, self._poses.pop(picture.stamp_ns, None)))
            if found:
                self._changed.notify_all()
            return found

    def _is_due(self, picture: _Picture) -> bool:
        return (self._mode == RAW or self._closed or picture.stamp_ns in self._poses
                or time.monotonic() - picture.arrived_s > _WAIT_FOR_POSES_S)

    def _filtered(
        self, picture: _Picture, poses: PoseFrame | None,
    ) -> Iterator[tuple[int, Image]]:
        if self._filter is None and poses is None:
            self._hidden_at_first += 1
            yield picture.stamp_ns, hide(picture.image, None)
            return
        if self._filter is None:
            self._filter = VideoBlurring(_layout_of(poses))
        yield from self._filter.push(picture.image, picture.stamp_ns, poses)

    def close(self) -> None:
        """Write what waits, and end the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()


def _layout_of(poses: PoseFrame | None) -> SkeletonLayout:
    """Return the layout of people; of one that is not known, nothing fits and all is hidden."""
    try:
        return COCO17 if poses is None else layout(poses.layout)
    except LayoutError:
        return COCO17
