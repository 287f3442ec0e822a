"""A folder of pictures, or a single one, played in the order of the names."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import ImageError, SourceError
from neuropose_ros.core.pose import Image
from neuropose_ros.imaging import compressed
from neuropose_ros.sources.base import Picture

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({
    '.bmp', '.jpeg', '.jpg', '.pbm', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp',
})
DEFAULT_RATE_HZ = 10.0


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key under which ``frame2`` comes before ``frame10``."""
    parts = re.findall(r'\d+|\D+', name.lower())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


class FolderSource:
    """The pictures of a folder; time runs on at the given rate, over unreadable ones too."""

    live = False

    def __init__(self, path: str | Path, *, rate_hz: float = DEFAULT_RATE_HZ) -> None:
        """List the pictures.

        Raises:
            SourceError: no such folder, or no picture in it.
        """
        self._path = Path(path)
        if not rate_hz > 0:
            raise SourceError(f'Pictures are played at a rate above 0 Hz, not {rate_hz}.')
        self._rate_hz = rate_hz
        self._files = _pictures(self._path)
        self._next = 0
        self._closed = False
        self._unreadable: set[Path] = set()

    @property
    def name(self) -> str:
        """The path as given."""
        return str(self._path)

    @property
    def rate_hz(self) -> float | None:
        """Pictures per second."""
        return self._rate_hz

    @property
    def unreadable(self) -> int:
        """Pictures that were skipped because they could not be read."""
        return len(self._unreadable)

    def read(self) -> Picture | None:
        """Return the next readable picture; None after the last.

        Raises:
            SourceError: none of all the pictures can be read.
        """
        while not self._closed and self._next < len(self._files):
            index, self._next = self._next, self._next + 1
            try:
                image = read_picture(self._files[index])
            except ImageError as error:
                self._skip(self._files[index], error)
                continue
            return Picture(image, round(index * NS_PER_S / self._rate_hz))
        return None

    def _skip(self, file: Path, error: ImageError) -> None:
        if file not in self._unreadable:
            self._unreadable.add(file)
            logger.warning('%s is skipped. %s', file, error)
        if len(self._unreadable) == len(self._files):
            raise SourceError(
                f'None of the {len(self._files)} pictures in {self.name} can be read.')

    def rewind(self) -> None:
        """Start again with the first picture."""
        self._next, self._closed = 0, False

    def close(self) -> None:
        """End the medium; no file is kept open."""
        self._closed = True


def _pictures(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f'There is no folder {path}.')
    try:
        files = [
            file for file in path.iterdir()
            if file.suffix.lower() in SUFFIXES and not file.name.startswith('.') and file.is_file()
        ]
    except OSError as error:
        raise SourceError(f'The folder {path} cannot be read: {error.strerror}.') from None
    if not files:
        kinds = ', '.join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise SourceError(f'The folder {path} has no pictures ({kinds}).')
    return sorted(files, key=lambda file: natural_key(file.name))


def read_picture(path: Path) -> Image:
    """Return a picture file as (H, W, 3) uint8 BGR.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f'It cannot be opened: {error.strerror}.') from None
    return compressed.decode(data, name='picture')
