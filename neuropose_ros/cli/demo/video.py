"""The annotated video: images with the refined poses, at the times of acquisition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

from neuropose_ros.cli.demo.recording import Received, Recording
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import Image
from neuropose_ros.drawing import overlay
from neuropose_ros.imaging.video_file import VideoFile


def annotate(
    image: Image, item: Received | None, scene: str, actions: ActionFrame | None = None,
) -> Image:
    """Return a copy of the image with people, actions, scene, and how old the answer was."""
    if item is None:
        canvas: Image = image.copy()
        text = f'{scene}   no answer'
    else:
        canvas = overlay.draw(image, item.frame, layout(item.frame.layout), actions)
        text = f'{scene}   {item.end_to_end_ms:.0f} ms after acquisition'
    scale = max(0.4, max(image.shape[:2]) / 1300)
    for colour, thickness in ((overlay.INK, 3), (overlay.PAPER, 1)):
        cv2.putText(canvas, text, (8, round(36 * scale)), cv2.FONT_HERSHEY_SIMPLEX, scale, colour,
                    thickness, cv2.LINE_AA)
    return canvas


def annotated(
    images: Iterable[tuple[int, Image]], recording: Recording,
) -> Iterator[tuple[int, Image]]:
    """Yield stamp and annotated image."""
    for stamp_ns, image in images:
        yield stamp_ns, annotate(
            image, recording.refined.get(stamp_ns), recording.scene(stamp_ns),
            recording.actions.get(stamp_ns))


def write_video(path: Path, images: Iterable[tuple[int, Image]], rate_hz: float) -> int:
    """Write an MP4 and return the number of images in it.

    Args:
        images: (stamp in ns, (H, W, 3) uint8 BGR), by time.
        rate_hz: nominal; the true times are those of the stamps.
    """
    with contextlib.closing(VideoFile(path, rate_hz)) as video:
        for stamp_ns, image in images:
            video.write(stamp_ns, image)
    return video.count
