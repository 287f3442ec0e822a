"""Cameras of this machine (Video for Linux)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import cv2

from neuropose_ros.core.clocks import SteadyToRos
from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Image
from neuropose_ros.sources.cameras import CameraProbe, CameraState, probe_camera
from neuropose_ros.sources.live import Backoff, LiveSource

logger = logging.getLogger(__name__)

_OLDEST_PICTURE_NS = 10_000_000_000
_MOST_BAD_PICTURES = 30
_HIGHEST_RATE_HZ = 10_000


class VideoDevice(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def isOpened(self) -> bool:  # noqa: N802
        """Whether there is a camera behind it."""
        ...

    def grab(self) -> bool:
        """Wait for a picture."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the picture that was grabbed."""
        ...

    def get(self, prop: int, /) -> float:
        """Return a property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Set a property, or something near it."""
        ...

    def release(self) -> None:
        """Give the camera back."""
        ...


def open_v4l2(path: str) -> VideoDevice:
    """Open a camera through OpenCV."""
    return cast(VideoDevice, cv2.VideoCapture(path, cv2.CAP_V4L2))


class WebcamSource(LiveSource):
    """A camera; it may be unplugged and come back."""

    def __init__(
        self,
        path: str,
        *,
        size: tuple[int, int] | None = None,
        rate_hz: float | None = None,
        fourcc: str = '',
        now: Callable[[], int] = time.time_ns,
        stall_s: float = 5.0,
        backoff: Backoff | None = None,
        keep: int = 1,
        open_device: Callable[[str], VideoDevice] = open_v4l2,
        probe: Callable[[str], CameraProbe] = probe_camera,
    ) -> None:
        """Look whether the camera can be used; it is opened by the first ``read``.

        Args:
            size: (width, height) to ask for; the camera may give another.
            rate_hz: rate to ask for.
            fourcc: pixel format to ask for: MJPG for high rates over USB 2, YUYV for no artefacts.
            now: ROS time in ns.

        Raises:
            SourceError: absent, not permitted, busy, or no camera.
        """
        if fourcc and len(fourcc) != 4:
            raise SourceError(f"A pixel format has four letters, as MJPG, not '{fourcc}'.")
        self._wanted = _wanted(size, rate_hz, fourcc)
        self._now = now
        self._open_device = open_device
        self._probe = probe
        self._reported: set[str] = set()
        super().__init__(
            path, self._connect_camera, rate_hz=rate_hz, stall_s=stall_s, backoff=backoff,
            keep=keep)
        self._check()

    def _check(self) -> None:
        found = self._probe(self.name)
        if found.state is not CameraState.READY:
            raise SourceError(found.sentence)

    def _connect_camera(self) -> _Camera:
        self._check()
        device = self._open_device(self.name)
        if not device.isOpened():
            device.release()
            self._check()
            raise SourceError(f'The camera {self.name} cannot be opened by OpenCV.')
        for prop, value in self._wanted.items():
            device.set(prop, value)
        self._report_difference(device)
        return _Camera(device, self.name, self._now, self._why_lost, self._report)

    def _why_lost(self) -> str:
        found = self._probe(self.name)
        if found.state is CameraState.ABSENT:
            return f'The camera {self.name} has vanished.'
        return f'The camera {self.name} gives no pictures any more.'

    def _report_difference(self, device: VideoDevice) -> None:
        for prop, what in _COMPARED.items():
            wanted, given = self._wanted.get(prop), device.get(prop)
            if wanted and abs(given - wanted) > 0.01 * wanted:
                self._report(f'{self.name} gives {what} {given:g} instead of {wanted:g}.')
        code = cv2.CAP_PROP_FOURCC
        if code in self._wanted and int(device.get(code)) != int(self._wanted[code]):
            self._report(f'{self.name} does not give the pixel format that was asked for.')

    def _report(self, sentence: str) -> None:
        if sentence not in self._reported:
            self._reported.add(sentence)
            logger.warning('%s', sentence)


_COMPARED = {
    cv2.CAP_PROP_FRAME_WIDTH: 'width',
    cv2.CAP_PROP_FRAME_HEIGHT: 'height',
    cv2.CAP_PROP_FPS: 'rate',
}


def _wanted(
    size: tuple[int, int] | None, rate_hz: float | None, fourcc: str
) -> dict[int, float]:
    """Return the properties to set, in the order in which drivers take them."""
    wanted: dict[int, float] = {}
    if fourcc:
        wanted[cv2.CAP_PROP_FOURCC] = cv2.VideoWriter.fourcc(*fourcc)
    if size is not None:
        wanted[cv2.CAP_PROP_FRAME_WIDTH], wanted[cv2.CAP_PROP_FRAME_HEIGHT] = size
    if rate_hz:
        wanted[cv2.CAP_PROP_FPS] = rate_hz
    return wanted


class _Camera:
    """An open camera."""

    def __init__(
        self,
        device: VideoDevice,
        name: str,
        now: Callable[[], int],
        why_lost: Callable[[], str],
        report: Callable[[str], None],
    ) -> None:
        self._device = device
        self._name = name
        self._now = now
        self._why_lost = why_lost
        self._report = report
        self._to_ros = SteadyToRos()
        rate_hz = device.get(cv2.CAP_PROP_FPS)
        self.rate_hz = rate_hz if 0 < rate_hz < _HIGHEST_RATE_HZ else None  # some divide by 0

    def read(self) -> tuple[Image, int]:
        """Return the next sound picture and when it was taken."""
        for _ in range(_MOST_BAD_PICTURES):
            if not self._device.grab():
                raise SourceError(self._why_lost())
            time_ns = self._acquired_ns()
            ok, image = self._device.retrieve()
            if ok and image is not None:
                return cast(Image, image), time_ns
            self._report(f'{self._name} sends damaged pictures; they are left out.')
        raise SourceError(f'The camera {self._name} sends only damaged pictures.')

    def _acquired_ns(self) -> int:
        steady_ns, ros_ns = time.monotonic_ns(), self._now()
        # The driver's own time of the first line, on the monotonic clock (V4L2 buffer timestamp).
        taken_ns = round(self._device.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if 0 <= steady_ns - taken_ns < _OLDEST_PICTURE_NS:
            return self._to_ros.to_ros(taken_ns, steady_now_ns=steady_ns, ros_now_ns=ros_ns)
        self._report(f'{self._name} has no usable clock; pictures are stamped when they arrive.')
        return ros_ns

    def close(self) -> None:
        """Give the camera back."""
        self._device.release()
