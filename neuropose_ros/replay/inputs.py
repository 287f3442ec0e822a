"""What can be replayed: recordings that give pictures, or poses that are there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import Correction
from neuropose_ros.core.pose import Frame, PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.replay.lived import LivedRun

_FOREIGN_CLOCK_NS = 24 * 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame whose picture cannot be read; the flow knows all the same that it was there."""

    info: FrameInfo
    seq_is_local: bool
    problem: str


Item = Frame | Unreadable | PoseFrame | SceneEmbedding


class Input(Protocol):
    """A recording, open to be read once from its beginning."""

    @property
    def kind(self) -> str:
        """One of video, bag and session."""
        ...

    @property
    def has_pictures(self) -> bool:
        """Whether frames come, else poses and scenes."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is made of, in a fixed order."""
        ...

    @property
    def lived(self) -> LivedRun | None:
        """The live run that is in it; None = there is none."""
        ...

    @property
    def layouts(self) -> Mapping[str, SkeletonLayout]:
        """Those in it, by id."""
        ...

    @property
    def label_sets(self) -> Mapping[str, LabelSet]:
        """Those in it, by id."""
        ...

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Who is in it, so that who is deleted is deleted from the results too."""
        ...

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """What people said of it, also what does not hold any more."""
        ...

    @property
    def lens(self) -> Intrinsics | None:
        """Of the camera, where frames have depth."""
        ...

    def items(self) -> Iterator[Item]:
        """Yield everything in the order in which it happened.

        Raises:
            NeuroposeError: it cannot be read on.
        """
        ...

    def findings(self) -> dict[str, int | str]:
        """Return what was odd about it, by name, after all was read."""
        ...

    def close(self) -> None:
        """Give files back."""
        ...


@dataclass
class ClockGuard:
    """Refuses stamps of two clocks that are woven into one recording.

    One step of a clock by more than a day happens where a computer learns the time; a second
    one does not.
    """

    name: str
    _last_ns: int | None = None
    _steps: int = 0

    def check(self, stamp_ns: int) -> None:
        """Take the next stamp.

        Raises:
            DataError: it belongs to another clock than the ones before.
        """
        last_ns, self._last_ns = self._last_ns, stamp_ns
        if last_ns is None or abs(stamp_ns - last_ns) < _FOREIGN_CLOCK_NS:
            return
        self._steps += 1
        if self._steps > 1:
            raise DataError(
                f'{self.name}: stamps of two clocks are mixed ({last_ns / NS_PER_S:.3f} s beside '
                f'{stamp_ns / NS_PER_S:.3f} s): record simulated and real time, or two publishers '
                'of one topic, apart')
