"""What a source of pictures is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from neuropose_ros.core.pose import Depth, Image, PoseFrame
from neuropose_ros.sources.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as the source gives it, before it gets a stamp and a number.

    Attributes:
        image: (H, W, 3) uint8 BGR, not written to after it was handed out.
        time_ns: files and synthetic: time since the start of the medium (container timestamp);
            live sources: ROS time of acquisition.
        source: set when one source changes its content, as the scene of a synthetic sequence.
        truth: the true people (stamp, seq and epoch are filled in by the player).
        restart: the content starts anew here (loop, next scene, reconnect): a new epoch.
        depth: of the same instant and view, where the source has it.
        lost_before: pictures the source had since the previous one that nobody can get any more.
    """

    image: Image
    time_ns: int
    source: str = ''
    truth: PoseFrame | None = field(default=None, repr=False)
    restart: bool = False
    lost_before: int = 0
    depth: Depth | None = field(default=None, repr=False)


class Source(Protocol):
    """A camera, file, stream, folder or synthetic subject, open and ready to read."""

    @property
    def name(self) -> str:
        """Device, path or url, without credentials."""
        ...

    @property
    def live(self) -> bool:
        """Whether pictures come when the world makes them (else the player paces them)."""
        ...

    @property
    def rate_hz(self) -> float | None:
        """Nominal rate; None = unknown or variable."""
        ...

    def read(self) -> Picture | None:
        """Return the next picture; None at the end of the medium.

        Raises:
            SourceError: the device or stream is lost for now; ``read`` may be called again.
        """
        ...

    def rewind(self) -> None:
        """Go back to the start of the medium.

        Raises:
            SourceError: a live source has no start.
        """
        ...

    def close(self) -> None:
        """Give the device or file back; safe to call twice and from another thread."""
        ...


@runtime_checkable
class Pausable(Protocol):
    """A live source that can let go of its device and wake whoever waits in ``read``."""

    def pause(self) -> None:
        """Free the device; ``read`` returns None at once until ``resume``. From any thread."""
        ...

    def resume(self) -> None:
        """Let ``read`` open the device again."""
        ...


@runtime_checkable
class WithDepth(Protocol):
    """A source that may have the depth of its pictures."""

    @property
    def has_depth(self) -> bool:
        """Whether pictures come with depth."""
        ...


@runtime_checkable
class Calibrated(Protocol):
    """A source that knows the calibration of its camera."""

    @property
    def calibration(self) -> Calibration:
        """Of the pictures as they are read."""
        ...
