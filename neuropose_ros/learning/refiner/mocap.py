"""Motion capture seen by made-up cameras: movement that the clips with pictures do not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import CMU28, convert_points
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.datasets.cmu_mocap import read_cmu_mocap
from neuropose_ros.learning.datasets.tables import locate
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, RATE_HZ, TRUTH_LAYOUT, Pair

_FRAMES = 48
_VIEWS = 3
_PITCH = 0.15  # rad, standard deviation
_HEIGHT_PX = (90.0, 220.0)
_METRES = 1.7
_PART = 'train/'  # the others are for judging
_FASTEST = 15.0  # m/s: beyond it recordings are broken


def has_mocap(root: Path) -> bool:
    """Say whether a data folder holds the recordings."""
    try:
        locate(root, 'cmu_mocap8_expmap.npz', 'cmu_mocap/cmu_mocap8_expmap.npz')
    except DataError:
        return False
    return True


def mocap_pairs(root: Path, seed: int = 0) -> tuple[Pair, ...]:
    """Return pieces of the recordings from random views; nothing is found in them (NaN).

    The first frame of each recording is another pose than the next ones, and left out.

    Raises:
        DataError: the recordings are not of their form.
    """
    rng = np.random.default_rng(seed)
    pairs = []
    for clip in read_cmu_mocap(root, rate_hz=RATE_HZ).clips:
        if not clip.name.startswith(_PART):
            continue
        for begin in range(1, len(clip.keypoints) - _FRAMES + 1, _FRAMES):
            piece = clip.keypoints[begin:begin + _FRAMES]
            speed = np.linalg.norm(np.diff(piece, axis=0), axis=-1) * RATE_HZ
            if not speed.max() < _FASTEST:
                continue
            for view in range(_VIEWS):
                truth = convert_points(_projected(piece, rng), CMU28, TRUTH_LAYOUT)
                pairs.append(Pair(
                    f'{clip.name}/{begin}/{view}', 'mocap', clip.name, False,
                    np.full((_FRAMES, len(FOUND_LAYOUT), 2), np.nan, np.float32),
                    np.zeros((_FRAMES, len(FOUND_LAYOUT)), np.float32), truth))
    return tuple(pairs)


def _projected(points: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (T, K, 2) px of (T, K, 3) m with y up, by a far camera at about a person's height."""
    yaw, pitch = rng.uniform(0, 2 * np.pi), rng.normal(0, _PITCH)
    x = points[..., 0] * np.cos(yaw) + points[..., 2] * np.sin(yaw)
    depth = points[..., 2] * np.cos(yaw) - points[..., 0] * np.sin(yaw)
    y = points[..., 1] * np.cos(pitch) - depth * np.sin(pitch)
    image = np.stack((x, -y), -1) * (rng.uniform(*_HEIGHT_PX) / _METRES)
    middle = np.array((160.0, 120.0)) - image[0].mean(0)
    return np.asarray(image + middle, np.float32)
