"""Clips of moving people, and occluders painted over one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.pose import Floats, Frame, Image, PersonPose
from neuropose_ros.sources.open import open_source

_START_NS = 1_000_000_000
_TALLEST_PX = 540
_VIDEOS = ('clips/skeleton_demo.mp4',)
# Walkers who cross the view in both directions, and a lone one who passes behind a screen.
_SYNTHETIC = {
    'people': 'synthetic:people?people=3&seconds=6&seed={seed}',
    'sit_to_stand': 'synthetic:sit_to_stand?people=2&seconds=4&cycle=2.5&seed={seed}',
    'screen': 'synthetic:walk?travel=1&view=side&occluder=1&seconds=8&seed={seed}',
}
_CARD = (118, 122, 120)
_ROOM = 0.12


@dataclass(frozen=True)
class Clip:
    """Pictures in memory.

    Attributes:
        kind: video or the synthetic scene.
        truth: people of each frame in BlazePose's joints; empty = not known.
    """

    name: str
    kind: str
    rate_hz: float
    images: tuple[Image, ...]
    truth: tuple[tuple[PersonPose, ...], ...] = ()

    def frame(self, index: int, image: Image | None = None) -> Frame:
        """Return a frame, with another picture if one is given."""
        stamp_ns = _START_NS + round(index * NS_PER_S / self.rate_hz)
        return Frame(self.images[index] if image is None else image, stamp_ns, index)


def load_clips(data: Path, seeds: Sequence[int]) -> Iterator[Clip]:
    """Load the real videos and draw the synthetic scenes, one after the other.

    Raises:
        NeuroposeError: a video of the data folder is missing.
    """
    for name in _VIDEOS:
        path = data / name
        if not path.is_file():
            raise NeuroposeError(f'{path} is missing: --data names the folder with clips/')
        yield _read(str(path), path.stem, 'video')
    for kind, spec in _SYNTHETIC.items():
        for seed in seeds:
            yield _read(spec.format(seed=seed), f'{kind} {seed}', kind)


def _read(spec: str, name: str, kind: str) -> Clip:
    source = open_source(spec)
    images: list[Image] = []
    truth: list[tuple[PersonPose, ...]] = []
    while (picture := source.read()) is not None:
        share = min(1.0, _TALLEST_PX / picture.image.shape[0])
        images.append(picture.image.copy() if share == 1.0 else cv2.resize(
            picture.image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
        if picture.truth is not None:
            truth.append(picture.truth.persons)
    rate_hz = source.rate_hz
    source.close()
    return Clip(name, kind, rate_hz or 30.0, tuple(images), tuple(truth))


def covered(image: Image, box: Floats) -> Image:
    """Return a copy of a picture with a plain card over a (4,) box and some room around it."""
    hidden: Image = image.copy()
    room = _ROOM * float((box[2:] - box[:2]).max())
    left, top = np.floor(box[:2] - room).clip(0).astype(int)
    right, bottom = np.ceil(box[2:] + room).clip(0).astype(int)
    hidden[top:bottom, left:right] = _CARD
    return hidden
