"""Turns the pictures of a source into frames: numbered, stamped and in time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Frame, FramePolicy, Origin3D, PoseFrame
from neuropose_ros.sources.base import Calibrated, Pausable, Picture, Source, WithDepth
from neuropose_ros.sources.calibration import Calibration
from neuropose_ros.sources.resizing import resize_depth, resize_image, resize_poses

_FALLBACK_RATE_HZ = 30.0
_LONGEST_SKIP_NS = 200_000_000
_SMALLEST_STEP_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Taken:
    """A picture with its number and its time since the player's start, loops included."""

    picture: Picture
    frame_seq: int
    epoch: int
    medium_ns: int


@dataclass(frozen=True, slots=True)
class _Schedule:
    """When frames are due, absolutely: an error of one wait is not handed on to the next."""

    anchor: _Taken
    anchor_due_ns: int
    rate_hz: float | None

    def due_ns(self, taken: _Taken) -> int:
        """Return the steady-clock time of a frame."""
        if not self.rate_hz:
            return self.anchor_due_ns + taken.medium_ns - self.anchor.medium_ns
        frames = taken.frame_seq - self.anchor.frame_seq
        return self.anchor_due_ns + round(frames * NS_PER_S / self.rate_hz)


class Player:
    """Plays a source.

    Every picture taken from the source gets a number, also one that is not delivered: the gap
    shows. The epoch rises whenever the content starts anew. Stamps are the source's own where
    it is live; else the start plus the time in the medium, rising over loops.
    """

    retry_s = 0.1
    """Wait after a SourceError before ``play`` is called again."""

    def __init__(
        self,
        source: Source,
        *,
        policy: FramePolicy = FramePolicy.EVERY_FRAME,
        loop: bool = False,
        rate_hz: float | None = None,
        paced: bool = True,
        start_ns: int | None = None,
        now: Callable[[], int] = time.time_ns,
        size: tuple[int, int] | None = None,
        frame_id: str = 'camera',
        rectified: bool = False,
        first_seq: int = 0,
        epoch: int = 0,
    ) -> None:
        """Take over the source; it is read when ``play`` is iterated.

        Args:
            policy: NEWEST skips frames to stay in time, EVERY_FRAME delivers them late.
            rate_hz: frames per second; None = as recorded, 0 = as fast as they are taken. Only
                of what is not live: a camera is asked for its rate when it is opened.
            paced: False = as fast as they are taken, whatever the rate.
            start_ns: stamp of the medium's start; None = ``now()`` whenever ``play`` begins.
            now: ROS time in ns.
            size: (width, height) to scale pictures and truth to; None = as they are.
            first_seq: number of the first frame.
            epoch: epoch of the first frame.
        """
        self._source = source
        self._policy = policy
        self._loop = loop
        self._rate_hz = rate_hz
        self._paced = paced and not source.live
        self._start_ns = start_ns
        self._now = now
        self._size = size
        self._frame_id, self._rectified = frame_id, rectified
        self._next_seq, self._epoch = first_seq, epoch
        self._wakeup = threading.Condition()
        self._stopped = False
        self._schedule: _Schedule | None = None
        self._pending: deque[_Taken] = deque()
        self._newest: _Taken | None = None
        self._shift_ns = 0
        self._interval_ns = round(NS_PER_S / (source.rate_hz or _FALLBACK_RATE_HZ))
        self._origin_ns = start_ns
        self._last_stamp_ns: int | None = None
        self.skipped = 0

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def calibration(self) -> Calibration | None:
        """The source's own calibration, where it knows it."""
        return self._source.calibration if isinstance(self._source, Calibrated) else None

    @property
    def has_depth(self) -> bool:
        """Whether frames come with depth."""
        return isinstance(self._source, WithDepth) and self._source.has_depth

    @property
    def live(self) -> bool:
        """Whether the source's pictures come when the world makes them."""
        return self._source.live

    @property
    def next_seq(self) -> int:
        """Number of the next picture taken from the source."""
        return self._next_seq

    @property
    def epoch(self) -> int:
        """Epoch of the newest picture taken from the source."""
        return self._epoch

    @property
    def rate_hz(self) -> float | None:
        """Frames per second; None = as recorded, 0 = as fast as they are taken."""
        return self._rate_hz

    @rate_hz.setter
    def rate_hz(self, rate_hz: float | None) -> None:
        with self._wakeup:
            self._rate_hz = rate_hz
            if self._schedule is not None:
                self._schedule = replace(self._schedule, rate_hz=rate_hz)
            self._wakeup.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        """Play."""
        return self.play()

    def play(self) -> Iterator[Frame]:
        """Yield frames until the medium ends or ``stop`` is called; go on where it was left.

        Raises:
            SourceError: the source is lost for now; call again after ``retry_s``.
        """
        with self._wakeup:
            self._stopped = False
            self._schedule = None
        if isinstance(self._source, Pausable):
            self._source.resume()
        self._origin_ns = self._start_ns
        while not self._stopped:
            taken = self._choose()
            if taken is None or not self._wait_for(taken):
                return
            self._pending.popleft()
            yield self._frame(taken)

    def stop(self) -> None:
        """End ``play`` at once, from any thread; a frame that was waiting comes next time."""
        with self._wakeup:
            self._stopped = True
            self._wakeup.notify_all()
        if isinstance(self._source, Pausable):
            self._source.pause()

    def close(self) -> None:
        """Stop and close the source."""
        self.stop()
        self._source.close()

    def _choose(self) -> _Taken | None:
        """Return the frame to deliver next; it stays in the queue until it is delivered."""
        if not self._queue(1):
            return None
        if self._throttled and self._policy is FramePolicy.NEWEST:
            # Both bounds are of the start, so that a decoder slower than the clock still delivers.
            called_ns = time.monotonic_ns()
            until_ns = called_ns + _LONGEST_SKIP_NS
            while (
                self._due_ns(self._pending[0]) < called_ns
                and self._queue(2)
                and self._due_ns(self._pending[1]) <= called_ns
                and time.monotonic_ns() < until_ns
            ):
                self._pending.popleft()
                self.skipped += 1
        return self._pending[0]

    def _queue(self, count: int) -> bool:
        while len(self._pending) < count:
            taken = self._take()
            if taken is None:
                return False
            self._pending.append(taken)
        return True

    def _take(self) -> _Taken | None:
        picture, rewound = self._source.read(), False
        if picture is None and self._loop and not self.live and not self._stopped:
            self._source.rewind()
            picture, rewound = self._source.read(), True
            if picture is None:
                raise SourceError(f'{self.name} has no pictures to play in a loop.')
        if picture is None:
            return None
        self.skipped += picture.lost_before
        self._next_seq += picture.lost_before
        if self._newest is not None and (rewound or picture.restart):
            self._epoch += 1
        taken = _Taken(picture, self._next_seq, self._epoch, self._medium_ns(picture))
        self._next_seq += 1
        self._newest = taken
        return taken

    def _medium_ns(self, picture: Picture) -> int:
        time_ns = picture.time_ns + self._shift_ns
        if self._newest is None or self.live:
            return time_ns
        step_ns = time_ns - self._newest.medium_ns
        if step_ns <= 0:
            self._shift_ns += self._interval_ns - step_ns
            return self._newest.medium_ns + self._interval_ns
        self._interval_ns = step_ns
        return time_ns

    @property
    def _throttled(self) -> bool:
        return self._paced and self._rate_hz != 0

    def _due_ns(self, taken: _Taken) -> int:
        with self._wakeup:
            if self._schedule is None:
                self._schedule = _Schedule(taken, time.monotonic_ns(), self._rate_hz)
            return self._schedule.due_ns(taken)

    def _wait_for(self, taken: _Taken) -> bool:
        """Wait until a frame is due; False when stopped meanwhile."""
        while self._throttled:
            # Read again after each wake-up: the rate may have been changed.
            left_ns = self._due_ns(taken) - time.monotonic_ns()
            with self._wakeup:
                if left_ns <= 0 or self._stopped:
                    break
                self._wakeup.wait(left_ns / NS_PER_S)
        with self._wakeup:
            if not self._throttled:
                self._schedule = None
            elif self._schedule is not None and not self._stopped:
                # A change of the rate counts from the last frame that was delivered.
                due_ns = self._schedule.due_ns(taken)
                self._schedule = _Schedule(taken, due_ns, self._rate_hz)
        return not self._stopped

    def _frame(self, taken: _Taken) -> Frame:
        picture, stamp_ns = taken.picture, self._stamp_ns(taken)
        image = picture.image if self._size is None else resize_image(picture.image, self._size)
        return Frame(
            image=image,
            stamp_ns=stamp_ns,
            frame_seq=taken.frame_seq,
            frame_id=self._frame_id,
            epoch=taken.epoch,
            source=picture.source or self.name,
            policy=self._policy,
            rectified=self._rectified,
            receive_ms=max(0.0, (self._now() - stamp_ns) / 1e6) if self.live else 0.0,
            truth=None if picture.truth is None else self._truth(taken, picture.truth, stamp_ns),
            depth=picture.depth if picture.depth is None or self._size is None else (
                resize_depth(picture.depth, self._size)),
        )

    def _stamp_ns(self, taken: _Taken) -> int:
        if self.live:
            return taken.picture.time_ns
        if self._origin_ns is None:
            earliest_ns = (self._last_stamp_ns or 0) + _SMALLEST_STEP_NS
            self._origin_ns = max(self._now(), earliest_ns) - taken.medium_ns
        self._last_stamp_ns = self._origin_ns + taken.medium_ns
        return self._last_stamp_ns

    def _truth(self, taken: _Taken, truth: PoseFrame, stamp_ns: int) -> PoseFrame:
        if self._size is not None:
            truth = resize_poses(truth, self._size)
        people = tuple(
            replace(person, frame_3d=self._frame_id)
            if person.origin_3d is Origin3D.CAMERA else person for person in truth.persons)
        return replace(
            truth,
            persons=people,
            stamp_ns=stamp_ns,
            frame_seq=taken.frame_seq,
            epoch=taken.epoch,
            frame_id=self._frame_id,
        )
