"""Images of the run, kept as JPEG in a file until they are drawn on."""

from __future__ import annotations

import contextlib
import queue
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.core.pose import Image
from neuropose_ros.imaging.compressed import decode, encode_jpeg

_QUALITY = 92
_WAITING = 32


class ImageSpool:
    """Encodes in one thread, so that receiving never waits; what it cannot take it counts.

    Attributes:
        refused: images not kept because encoding could not follow.
    """

    def __init__(self, folder: Path) -> None:
        """Open a nameless file in ``folder``: it is gone with the process, however that ends."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `close` ends it
        self._places: dict[int, tuple[int, int]] = {}
        self._waiting: queue.Queue[tuple[int, Image] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._work, name='image spool', daemon=True)
        self._failure: OSError | None = None
        self.refused = 0
        self._thread.start()

    def put(self, stamp_ns: int, image: Image) -> None:
        """Keep an image, (H, W, 3) uint8 BGR; it must not change any more."""
        try:
            self._waiting.put_nowait((stamp_ns, image))
        except queue.Full:
            self.refused += 1

    def finish(self) -> None:
        """Wait until everything is written.

        Raises:
            OSError: it could not be written (disk full).
        """
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def __len__(self) -> int:
        """Return how many images are kept."""
        return len(self._places)

    def images(self) -> Iterator[tuple[int, Image]]:
        """Yield stamp in ns and image, by time; after `finish`."""
        for stamp_ns, (offset, size) in sorted(self._places.items()):
            self._file.seek(offset)
            yield stamp_ns, decode(self._file.read(size))

    def close(self) -> None:
        """Forget the images."""
        with contextlib.suppress(OSError):
            self.finish()
        self._file.close()

    def _work(self) -> None:
        offset = 0
        while (item := self._waiting.get()) is not None:
            if self._failure is not None:
                continue
            stamp_ns, image = item
            data = encode_jpeg(image, _QUALITY)
            try:
                self._file.write(data)
            except OSError as error:
                self._failure = error
                continue
            self._places[stamp_ns] = (offset, len(data))
            offset += len(data)
