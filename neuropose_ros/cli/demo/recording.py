"""What was received of a run: nothing else is reported."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.clocks import nanoseconds, seconds
from neuropose_ros.core.pose import FrameStatus, PoseFrame
from neuropose_ros.core.wire import FrameInfo

_ANSWERS = (FrameStatus.OK, FrameStatus.NO_PERSON)


@dataclass(frozen=True, slots=True)
class Received:
    """A pose frame and the ROS time when it arrived here."""

    frame: PoseFrame
    arrival_ns: int

    @property
    def end_to_end_ms(self) -> float:
        """Acquisition of the image to arrival here."""
        return (self.arrival_ns - self.frame.stamp_ns) / 1e6


@dataclass(frozen=True)
class Segment:
    """Consecutive frames of one epoch: one scene, or one pass of a file.

    Attributes:
        scene: name of the scene or source.
        declared: numbers of the frames that the camera declared.
        refined: what was received of them, by time.
        truth: the true people by stamp.
        actions: what the people of its frames do, by time.
    """

    scene: str
    epoch: int
    declared: range
    refined: tuple[Received, ...]
    truth: Mapping[int, PoseFrame]
    actions: tuple[ActionFrame, ...] = ()

    @property
    def dropped(self) -> int:
        """Declared frames that nobody answered."""
        return len(set(self.declared) - answered(self.refined))


def answered(refined: tuple[Received, ...]) -> set[int]:
    """Return the numbers of the frames that were looked at."""
    return {item.frame.frame_seq for item in refined if item.frame.status in _ANSWERS}


@dataclass
class Recording:
    """Everything received in the first ``seconds`` after the first frame, by stamp.

    Attributes:
        source: shown where a frame does not name its source.
        from_start: the graph was started for this run: frames before the first one that was
            heard of count as well.
    """

    seconds: float
    source: str
    from_start: bool = True
    infos: dict[int, FrameInfo] = field(default_factory=dict)
    truth: dict[int, PoseFrame] = field(default_factory=dict)
    poses: dict[int, Received] = field(default_factory=dict)
    refined: dict[int, Received] = field(default_factory=dict)
    actions: dict[int, ActionFrame] = field(default_factory=dict)
    start_ns: int | None = None
    newest_ns: int | None = None
    over: bool = False

    def covers(self, stamp_ns: int) -> bool:
        """Whether a frame belongs to the run; the first one seen begins it, later ones end it."""
        if self.start_ns is None:
            self.start_ns = stamp_ns
        # Half a millisecond of tolerance: stamps of a fixed rate are rounded.
        if stamp_ns - self.start_ns >= nanoseconds(self.seconds) - 500_000:
            self.over = True
            return False
        self.newest_ns = max(stamp_ns, self.newest_ns or stamp_ns)
        return True

    def end(self) -> None:
        """End the run with the newest frame heard of."""
        self.seconds = self.elapsed_s + 0.001
        self.over = True

    def add_info(self, info: FrameInfo) -> None:
        """Take what the camera declared."""
        if self.covers(info.stamp_ns):
            self.infos[info.stamp_ns] = info

    def add_truth(self, frame: PoseFrame) -> None:
        """Take the true people."""
        if self.covers(frame.stamp_ns):
            self.truth[frame.stamp_ns] = frame

    def add_poses(self, frame: PoseFrame, arrival_ns: int) -> None:
        """Take a result of the pose node."""
        if self.covers(frame.stamp_ns):
            self.poses[frame.stamp_ns] = Received(frame, arrival_ns)

    def add_refined(self, frame: PoseFrame, arrival_ns: int) -> None:
        """Take a result of the refinement node."""
        if self.covers(frame.stamp_ns):
            self.refined[frame.stamp_ns] = Received(frame, arrival_ns)

    def add_actions(self, frame: ActionFrame) -> None:
        """Take an answer of the action node."""
        if self.covers(frame.stamp_ns):
            self.actions[frame.stamp_ns] = frame

    @property
    def elapsed_s(self) -> float:
        """From the first to the newest frame heard of."""
        if self.newest_ns is None or self.start_ns is None:
            return 0.0
        return seconds(self.newest_ns - self.start_ns)

    @property
    def rate_hz(self) -> float:
        """Frames per second of the stamps, the median over neighbours; 30 if unknown."""
        stamps_ns = sorted(self.infos or self.refined)
        steps_ns = sorted(b - a for a, b in itertools.pairwise(stamps_ns))
        return 1e9 / steps_ns[len(steps_ns) // 2] if steps_ns else 30.0

    @property
    def complete(self) -> bool:
        """Whether the run is over and its last declared frame is answered."""
        last = max(self.infos, default=None) or max(self.poses, default=None)
        return self.over and (last is None or last in self.refined)

    @property
    def declared(self) -> range:
        """Numbers of all frames that the camera declared; gaps are frames, too.

        A camera that declares none has the numbers that the pose node counted.
        """
        numbers = [info.frame_seq for info in self.infos.values()] or [
            item.frame.frame_seq for item in (*self.poses.values(), *self.refined.values())]
        if not numbers:
            return range(0)
        first = 0 if self.infos and self.from_start else min(numbers)
        return range(first, max(numbers) + 1)

    @property
    def dropped(self) -> int:
        """Declared frames that nobody answered."""
        return len(set(self.declared) - answered(tuple(self.refined.values())))

    def scene(self, stamp_ns: int) -> str:
        """Return the name of the scene or source of a frame."""
        info = self.infos.get(stamp_ns)
        name = info.source if info is not None and info.source else self.source
        return name.removeprefix('synthetic:').rpartition('/')[2]

    def segments(self) -> list[Segment]:
        """Return the scenes in the order in which they were played."""
        groups: dict[tuple[int, str], list[int]] = {}
        for stamp_ns in sorted({*self.infos, *self.refined}):
            info, item = self.infos.get(stamp_ns), self.refined.get(stamp_ns)
            epoch = info.epoch if info is not None else item.frame.epoch if item else 0
            groups.setdefault((epoch, self.scene(stamp_ns)), []).append(stamp_ns)
        segments = []
        start = self.declared.start
        for (epoch, scene), stamps in groups.items():
            segments.append(self._segment(scene, epoch, stamps, start))
            start = max(start, segments[-1].declared.stop)
        return segments

    def _segment(self, scene: str, epoch: int, stamps_ns: list[int], start: int) -> Segment:
        """Make a segment; frames that were skipped before its first one are its own."""
        refined = tuple(self.refined[stamp] for stamp in stamps_ns if stamp in self.refined)
        numbers = [self.infos[stamp].frame_seq for stamp in stamps_ns if stamp in self.infos]
        numbers = numbers or [item.frame.frame_seq for item in refined]
        return Segment(
            scene, epoch, range(min(start, *numbers), max(numbers) + 1), refined,
            {stamp: self.truth[stamp] for stamp in stamps_ns if stamp in self.truth},
            tuple(self.actions[stamp] for stamp in stamps_ns if stamp in self.actions))
