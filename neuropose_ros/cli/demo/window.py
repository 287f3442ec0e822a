"""A live view, where there is a screen and an OpenCV that can draw on it."""

from __future__ import annotations

import os
from collections.abc import Iterable

import cv2

from neuropose_ros.cli.demo.recording import Recording
from neuropose_ros.cli.demo.video import annotate
from neuropose_ros.core.pose import Image

_TITLE = 'neuropose demo (q ends it)'


def obstacle() -> str:
    """Return why no window can be shown, or an empty string."""
    if not os.environ.get('DISPLAY') and not os.environ.get('WAYLAND_DISPLAY'):
        return 'there is no screen'
    for line in cv2.getBuildInformation().splitlines():
        if line.strip().startswith('GUI:') and line.split(':', 1)[1].strip() in ('', 'NONE'):
            return 'this OpenCV was built without windows (opencv-python has them)'
    return ''


class Window:
    """Shows each image once its answer is there."""

    def __init__(self, recording: Recording) -> None:
        """Show nothing yet."""
        self._recording = recording
        self._shown_ns = 0

    def show(self, recent: Iterable[tuple[int, Image]]) -> bool:
        """Show the newest answered image; False when the user wants to end."""
        for stamp_ns, image in sorted(recent, key=lambda item: item[0], reverse=True):
            if stamp_ns <= self._shown_ns:
                break
            item = self._recording.refined.get(stamp_ns)
            if item is not None:
                cv2.imshow(_TITLE, annotate(
                    image, item, self._recording.scene(stamp_ns),
                    self._recording.actions.get(stamp_ns)))
                self._shown_ns = stamp_ns
                break
        return (cv2.waitKey(1) & 0xFF) != ord('q')

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()
