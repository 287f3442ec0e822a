"""Pictures and videos that nobody labelled: which files there are, and what they show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Image
from neuropose_ros.learning.datasets.videos import video_files
from neuropose_ros.sources.folder import SUFFIXES, read_picture
from neuropose_ros.sources.video import VideoSource


def files_below(root: Path) -> list[Path]:
    """Return the pictures and the videos in a folder and below it.

    Raises:
        DataError: there is no such folder, or nothing in it.
    """
    if not root.is_dir():
        raise DataError(f'{root}: there is no such folder')
    found = [path for path in sorted(root.rglob('*'))
             if path.suffix.lower() in SUFFIXES and path.is_file()]
    for folder in (root, *(path for path in sorted(root.rglob('*')) if path.is_dir())):
        found += video_files(folder)
    if not found:
        raise DataError(f'{root}: there is no video and no picture')
    return found


def frames_of(path: Path, every: int) -> Iterator[tuple[int, Image]]:
    """Give (-1, picture) of a picture, (number, frame) of every so many frames of a video.

    Raises:
        SourceError, ImageError: it cannot be read.
    """
    if path.suffix.lower() in SUFFIXES:
        yield -1, read_picture(path)
        return
    with closing(VideoSource(path, threads=1)) as source:
        number = 0
        while (read := source.read()) is not None:
            if number % every == 0:
                yield number, read.image
            number += 1
