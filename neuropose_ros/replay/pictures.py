"""Videos, folders of pictures, arrays and synthetic subjects as input of a replay."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.clocks import FILE_EPOCH_NS
from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.events import Correction
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.replay.inputs import Item
from neuropose_ros.replay.lived import LivedRun
from neuropose_ros.sources.base import Source
from neuropose_ros.sources.calibration import Calibration
from neuropose_ros.sources.open import open_source
from neuropose_ros.sources.player import Player


class PicturesInput:
    """A source that is not live: stamps are `FILE_EPOCH_NS` plus the time in the medium."""

    kind = 'video'
    has_pictures = True
    lived: LivedRun | None = None
    subjects: tuple[Subject, ...] = ()
    corrections: tuple[Correction, ...] = ()
    layouts: Mapping[str, SkeletonLayout] = {}
    label_sets: Mapping[str, LabelSet] = {}

    def __init__(self, spec: str) -> None:
        """Open it.

        Raises:
            SourceError: it cannot be read, or is live.
        """
        path = Path(spec.removeprefix('file://')).expanduser()
        if not path.exists() and not spec.startswith('synthetic'):
            raise SourceError(
                f'{spec}: there is no such recording. What can be replayed is a bag, a session, '
                'a video file, a folder of pictures or synthetic[:SCENE]; a camera or stream has '
                'to be recorded first')
        self._source: Source = open_source(spec, threads=1)
        if self._source.live:
            self._source.close()
            raise SourceError(f'{spec} is live: record it first, then replay the recording')
        self._player = Player(self._source, paced=False, start_ns=FILE_EPOCH_NS)
        self._name = path.name if path.exists() else spec
        self.files = _files(path) if path.exists() else ()
        found = self._player.calibration
        self.lens = _lens(found) if found is not None and self._player.has_depth else None

    def items(self) -> Iterator[Item]:
        """Yield every frame; a recording's name stands for its path, which is nobody's business.

        Raises:
            SourceError: the file cannot be read on.
        """
        for frame in self._player.play():
            own = frame.source if frame.source != self._source.name else self._name
            yield replace(frame, source=own)

    def findings(self) -> dict[str, int | str]:
        """Return what was missing of the file."""
        damage = getattr(self._source, 'damage', '')
        return {'damage': damage.replace(self._source.name, self._name)} if damage else {}

    def close(self) -> None:
        """Close the source."""
        self._player.close()


def _files(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return (path,)
    return tuple(sorted(file for file in path.rglob('*') if file.is_file()))


def _lens(found: Calibration) -> Intrinsics:
    return Intrinsics(found.width, found.height, found.k, found.d, found.distortion_model)


def sha256_of(files: tuple[Path, ...], spec: str) -> str:
    """Return the sha256 of a recording: of its file, of its files by name, or of its words.

    Raises:
        SourceError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for file in files:
        try:
            digest = file_sha256(file)
        except OSError as error:
            raise SourceError(f'{file}: cannot be read ({error.strerror})') from error
        if len(files) == 1:
            return digest
        whole.update(f'{file.name} {digest}\n'.encode())
    if not files:
        whole.update(spec.encode())
    return whole.hexdigest()
