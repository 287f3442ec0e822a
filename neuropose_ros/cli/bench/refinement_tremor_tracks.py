"""Real movement in which joints begin to tremble, with a detector's noise; lengths in boxes.

The movement is motion capture, 10 s and more at 30 frames a second, seen from chosen sides by a
camera far away. Its box is the diagonal of the joints' box, averaged over the recording. The
first frame of these recordings is another pose and is left out, and so is a recording in which
the body spins faster than bodies can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import JHMDB15, convert_points
from neuropose_ros.learning.datasets.cmu_mocap import read_cmu_mocap

Values = NDArray[np.float64]

RATE_HZ = 30.0
LEAST_S, LONGEST_S = 10.0, 20.0
LOWEST_HZ, HIGHEST_HZ = 3.0, 12.0
AMPLITUDES = (0.01, 0.03)
ONSETS_S = (1.0, 5.0)
# Frame to frame error of MoveNet-Lightning on J-HMDB where its confidence is above .8, per axis:
# the spectrum of its error is flat at that level above 6 Hz (clips for training, split 1).
WHITE = 0.01
# The same spectrum as a whole: flat noise and a first-order process below.
COLOURED = (0.0085, 0.012, 0.125)  # flat, slow standard deviation, time constant in s
_LIMBS = ('elbow', 'wrist', 'knee', 'ankle')
_TREMBLING = 4
_FASTEST_M_S = 15.0


@dataclass(frozen=True)
class Track:
    """One recording from one side; T frames, K joints of `JHMDB15`.

    Attributes:
        name: of the recording.
        clean: (T, K, 2) the movement.
        tremor: (T, K, 2) added to it.
        noise: (T, K, 2) added to it.
        joints: (J,) that tremble.
        hz, amplitude, onset_s: (J,) of each of these.
        axis: (J, 2) unit vectors along which they do.
    """

    name: str
    clean: Values
    tremor: Values
    noise: Values
    joints: NDArray[np.intp]
    hz: Values
    amplitude: Values
    onset_s: Values
    axis: Values

    @property
    def times_s(self) -> Values:
        """(T,) from the beginning."""
        return np.arange(len(self.clean)) / RATE_HZ


def tracks(
    data: Path, part: str, sides: int, seed: int = 0, *, coloured: bool = False,
) -> list[Track]:
    """Return every recording of at least `LEAST_S` from ``sides`` random sides.

    Args:
        data: folder with ``cmu_mocap``.
        part: ``train``, ``test`` or '' for both.
        sides: how often each recording is seen.
        seed: of sides, tremor and noise.
        coloured: whether noise is that of the detector as a whole, else its flat part alone.

    Raises:
        DataError: the recordings cannot be read.
    """
    rng = np.random.default_rng(seed)
    return [_track(name, points, rng, coloured=coloured)
            for name, points in _seen(data, part, sides, rng)]


def walks(data: Path, sides: int = 2, seed: int = 0) -> list[Values]:
    """Return (T, K, 2) walking and running from random sides, with flat noise, without tremor."""
    rng = np.random.default_rng(seed)
    return [points + rng.normal(0.0, WHITE, points.shape)
            for name, points in _seen(data, '', sides, rng, least_s=2.0)
            if 'walking' in name or 'running' in name]


def _seen(
    data: Path, part: str, sides: int, rng: np.random.Generator, least_s: float = LEAST_S,
) -> Iterator[tuple[str, Values]]:
    clips = read_cmu_mocap(data, rate_hz=RATE_HZ)
    for clip in clips.clips:
        joints = clip.keypoints[1:1 + round(LONGEST_S * RATE_HZ)]
        if not clip.name.startswith(part) or len(joints) < least_s * RATE_HZ:
            continue
        if np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * RATE_HZ > _FASTEST_M_S:
            continue
        points = convert_points(joints, clips.layout, JHMDB15)
        for _ in range(sides):
            angle = rng.uniform(0, 2 * np.pi)
            # y points up in the recordings and down in a picture
            seen = np.asarray(points, float) @ np.array(
                ((np.cos(angle), 0.0), (0.0, -1.0), (np.sin(angle), 0.0)))
            yield clip.name, seen / np.hypot(*np.ptp(seen, axis=1).T).mean()


def _track(name: str, clean: Values, rng: np.random.Generator, *, coloured: bool) -> Track:
    limbs = [i for i, joint in enumerate(JHMDB15.names) if joint.endswith(_LIMBS)]
    joints = np.sort(rng.choice(limbs, _TREMBLING, replace=False))
    hz = rng.uniform(LOWEST_HZ, HIGHEST_HZ, _TREMBLING)
    amplitude = rng.uniform(*AMPLITUDES, _TREMBLING)
    onset_s = rng.uniform(*ONSETS_S, _TREMBLING)
    angle = rng.uniform(0, np.pi, _TREMBLING)
    axis = np.stack((np.cos(angle), np.sin(angle)), 1)
    times_s = np.arange(len(clean))[:, None] / RATE_HZ
    wave = amplitude * np.sin(2 * np.pi * (hz * (times_s - onset_s) + rng.uniform(size=4)))
    tremor = np.zeros_like(clean)
    tremor[:, joints] = np.where(times_s >= onset_s, wave, 0.0)[..., None] * axis
    noise = coloured_noise(clean.shape, rng) if coloured else rng.normal(0, WHITE, clean.shape)
    return Track(name, clean, tremor, noise, joints, hz, amplitude, onset_s, axis)


def coloured_noise(shape: Sequence[int], rng: np.random.Generator) -> Values:
    """Return (T, ...) noise of the detector's spectrum."""
    flat, slow, time_s = COLOURED
    kept = np.exp(-1 / RATE_HZ / time_s)
    noise = rng.normal(0.0, slow, shape)
    noise[1:] *= np.sqrt(1.0 - kept * kept)
    for i in range(1, len(noise)):
        noise[i] += kept * noise[i - 1]
    return np.asarray(noise + rng.normal(0.0, flat, shape))


def reach(seconds: float = 6.0, seed: int = 0, repeats: int = 24) -> tuple[Values, list[Values]]:
    """Return (T,) how far a hand is on its way and ``repeats`` noisy (T, 15, 2) of it.

    A standing figure; its right wrist goes .2 boxes in .5 s with the least jerk (Flash and Hogan
    1985).
    """
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    share = np.clip((times_s - seconds / 2) / 0.5, 0, 1)
    way = share ** 3 * (10 - 15 * share + 6 * share ** 2)
    moved = np.repeat(standing()[None], len(times_s), axis=0)
    moved[:, JHMDB15.index('right_wrist')] += way[:, None] * np.array(REACH)
    return way, [moved + rng.normal(0, WHITE, moved.shape) for _ in range(repeats)]


REACH = (0.16, -0.12)  # boxes: .2 to the side and upwards


def standing() -> Values:
    """Return (15, 2) a standing figure of `JHMDB15`; boxes."""
    heights = {'face': -0.42, 'neck': -0.3, 'shoulder': -0.28, 'elbow': -0.13, 'wrist': 0.0,
               'belly': -0.15, 'hip': 0.02, 'knee': 0.24, 'ankle': 0.46}
    out = {'shoulder': 0.1, 'elbow': 0.15, 'wrist': 0.17, 'hip': 0.06, 'knee': 0.07,
           'ankle': 0.08}
    places = []
    for name in JHMDB15.names:
        side, _, part = name.rpartition('_')
        sign = {'left': 1.0, 'right': -1.0}.get(side, 0.0)
        places.append((sign * out.get(part, 0.0), heights[part]))
    return np.array(places)
