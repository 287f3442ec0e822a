"""From clips to batches: resampled in time, normalised, augmented and padded.

The batches of an epoch are a function of the seed and the epoch's number alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuropose_ros.action import normalisation
from neuropose_ros.action.grid import BRIDGE_S
from neuropose_ros.action.normalisation import Normalisation
from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning import augmentation as change
from neuropose_ros.learning.augmentation import AugmentationConfig, JointErrors
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.orientation import face_front


@dataclass(frozen=True)
class SamplingConfig:
    """How clips become batches.

    Attributes:
        ticks: stretch each clip to so many ticks; 0 = keep time, at `rate_hz`.
        rate_hz: ticks per second, as a stream is seen.
        most_ticks: of a clip that keeps its time; of a longer one training sees a part drawn at
            random, evaluation the middle.
        batch_size: clips.
        causal: normalise by the past alone, as a stream is.
        memory_ticks: of the causal normalisation.
        face_front: turn each 3D clip about the vertical so that the body mostly faces one way.
        vertical: 3D: the axis that points up or down.
        camera_pitch_deg: 3D, vertical y: by how much the camera looks down; levelled before
            anything turns.
        scene_tokens: at most so many scene vectors of a clip, evenly chosen.
        view_turn_deg: 3D: how far test-time views are turned.
        view_crop: share of a clip that the cropped test-time views see.
        view_mirror: every second test-time view is mirrored.
    """

    ticks: int = 0
    rate_hz: float = 30.0
    most_ticks: int = 64
    batch_size: int = 32
    causal: bool = False
    memory_ticks: float = 40.0
    face_front: bool = False
    vertical: int = 1
    camera_pitch_deg: float = 0.0
    scene_tokens: int = 8
    view_turn_deg: float = 15.0
    view_crop: float = 0.9
    view_mirror: bool = True

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ParameterError: one is impossible.
        """
        for name, least in (('ticks', 0), ('most_ticks', 1), ('batch_size', 1),
                            ('memory_ticks', 1), ('scene_tokens', 1), ('view_turn_deg', 0)):
            if getattr(self, name) < least:
                raise ParameterError(
                    f'{name} is {getattr(self, name)}; {least} or more is allowed')
        if not self.rate_hz > 0:
            raise ParameterError(f'rate_hz is {self.rate_hz:g}; more than 0 is allowed')
        if self.vertical not in (0, 1, 2):
            raise ParameterError(f'vertical is {self.vertical}; an axis is 0, 1 or 2')
        if self.causal and self.face_front:
            raise ParameterError('face_front needs the whole clip: with causal it must be false')
        if not 0 < self.view_crop <= 1:
            raise ParameterError(f'view_crop is {self.view_crop:g}; above 0 to 1 is allowed')

    @property
    def normalisation(self) -> Normalisation:
        """The form of normalisation, for training and for the stream alike."""
        return Normalisation(self.causal, self.memory_ticks)


@dataclass(frozen=True)
class Batch:
    """N clips of at most T ticks; float32 unless said.

    Attributes:
        keypoints: (N, T, K, D) normalised, 0 where missing or after the end.
        mask: (N, T, K), 1 = known.
        lengths: (N,) int64 ticks of each clip.
        labels: (N,) int64, -1 = none.
        truth: (N, T, K, D) the same view before errors were added: what completion should find.
        truth_mask: (N, T, K), 1 = known.
        scene: (N, S, E), None = no clip has any.
        scene_mask: (N, S), 1 = there.
        names: of the clips.
    """

    keypoints: Tensor
    mask: Tensor
    lengths: Tensor
    labels: Tensor
    truth: Tensor
    truth_mask: Tensor
    scene: Tensor | None
    scene_mask: Tensor | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """A deterministic look at a clip, for averages at test time; the default is the plain one.

    Attributes:
        start: of the part that is seen, 0..1.
        share: of the clip that is seen.
    """

    start: float = 0.0
    share: float = 1.0
    turn_deg: float = 0.0
    mirror: bool = False


def view_at(index: int, config: SamplingConfig) -> View:
    """Return the `index`-th test-time view: 0 is plain; there is no end to them."""
    mirror = config.view_mirror and bool(index % 2)
    step = index // 2 if config.view_mirror else index
    crop, turn = config.view_crop, config.view_turn_deg
    starts = ((0.0, 1.0), (0.0, crop), (1 - crop, crop), ((1 - crop) / 2, crop))
    start, share = starts[step % 4]
    turns = (0.0, turn, -turn)
    return View(start, share, turns[(step + step // 4) % 3], mirror)


class Sampler:
    """Gives the batches of a clip set."""

    def __init__(
        self, clips: ClipSet, config: SamplingConfig,
        augmentation: AugmentationConfig | None = None, *, seed: int = 0,
        errors: JointErrors | None = None,
    ) -> None:
        """Prepare the clips.

        Args:
            augmentation: of training epochs; None = none.
            errors: how an estimator's errors differ between joints.

        Raises:
            DataError: there is no clip.
        """
        if not clips.clips:
            raise DataError(f'{clips.name}: there is no clip to sample from')
        self.clips, self.config, self.seed = clips, config, seed
        self.augmentation = augmentation or AugmentationConfig()
        self._errors = errors
        self._points = [_oriented(clip.keypoints, clips, config) for clip in clips.clips]
        self._scene_size = next(
            (clip.scene.shape[1] for clip in clips.clips if clip.scene is not None), 0)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.clips) / self.config.batch_size)

    def epoch(
        self, epoch: int, rank: int = 0, world: int = 1, variant: int = 0,
    ) -> Iterator[Batch]:
        """Give shuffled, augmented batches: the same for the same seed and epoch.

        Args:
            rank: which of `world` parts of each batch, where processes learn together.
            variant: another one gives the same clips, augmented in another way.
        """
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.clips))
        # Batches of nearly one size: a rest of two clips would spoil batch normalisation.
        for number, chosen in enumerate(np.array_split(order, len(self))):
            part = chosen[rank::world]
            if len(part):
                rng = np.random.default_rng(
                    [self.seed, epoch, number, rank, 1, *([variant] if variant else [])])
                yield self._training_batch(part, rng)

    def ordered(self, view: int = 0) -> Iterator[Batch]:
        """Give all clips in their order, without augmentation, as test-time view `view`."""
        size, seen = self.config.batch_size, view_at(view, self.config)
        for first in range(0, len(self.clips), size):
            yield self._view_batch(range(first, min(first + size, len(self.clips))), seen)

    def _training_batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        config, changes = self.config, self.augmentation
        clips = [self._resampled(i, _frames_drawn(self.clips.clips[i], config, changes, rng))
                 for i in chosen]
        truth, lengths = _padded(clips)
        points = change.degrade(truth, self.clips.layout, changes, rng, self._errors)
        both, seen = self._normalised(points, truth)
        both = change.transform(both, self.clips.layout, changes, rng, config.vertical)
        return self._batch(chosen, both, seen, lengths)

    def _view_batch(self, chosen: Sequence[int], view: View) -> Batch:
        layout, vertical = self.clips.layout, self.config.vertical
        points, lengths = _padded([
            self._resampled(i, _frames_of_view(self.clips.clips[i], self.config, view))
            for i in chosen])
        both, seen = self._normalised(points, points)
        if view.mirror:
            both = change.mirrored(both, layout, vertical)
        if view.turn_deg and both.shape[-1] == 3:
            both = both @ change.rotation(
                np.deg2rad([view.turn_deg]), 3, vertical)[0].T
        return self._batch(chosen, both, seen, lengths)

    def _resampled(self, index: int, frames: NDArray[np.float64]) -> Floats:
        times = self.clips.clips[index].times_s
        bridge_s = np.inf if self.config.ticks else BRIDGE_S
        return resample(self._points[index], times, frames, bridge_s, 1 / self.config.rate_hz)

    def _normalised(self, points: Floats, truth: Floats) -> tuple[Floats, Floats]:
        """Normalise poses and their truth alike: (N, 2 T, K, D), (N, 2 T, K)."""
        layout, ticks = self.clips.layout, points.shape[1]
        if self.config.causal:
            out, seen = (np.zeros((len(points), 2 * ticks, *points.shape[2:][:n]), np.float32)
                         for n in (2, 1))
            state = normalisation.initial_state(len(points), layout, points.shape[-1])
            for t in range(ticks):
                state, out[:, t], seen[:, t] = normalisation.advance(
                    state, points[:, t], layout, self.config.normalisation)
                out[:, ticks + t], seen[:, ticks + t] = normalisation.apply(truth[:, t], state)
            return out, seen
        sums = normalisation.summary(points, layout)
        return normalisation.apply(np.concatenate((points, truth), 1), sums)

    def _batch(
        self, chosen: Sequence[int] | NDArray[np.int64], both: Floats, seen: Floats,
        lengths: NDArray[np.int64],
    ) -> Batch:
        clips = [self.clips.clips[i] for i in chosen]
        ticks = both.shape[1] // 2
        points, truth = torch.from_numpy(np.ascontiguousarray(both)).split(ticks, 1)
        mask, truth_mask = torch.from_numpy(np.ascontiguousarray(seen)).split(ticks, 1)
        scene, scene_mask = _scenes(clips, self._scene_size, self.config.scene_tokens)
        return Batch(
            points, mask, torch.from_numpy(lengths),
            torch.tensor([clip.label for clip in clips]), truth, truth_mask,
            scene, scene_mask, tuple(clip.name for clip in clips))


def _oriented(points: Floats, clips: ClipSet, config: SamplingConfig) -> Floats:
    if clips.dimensions == 3 and config.camera_pitch_deg:
        pitch = change.rotation(np.deg2rad([config.camera_pitch_deg]), 3, 0)[0]
        points = np.asarray(points @ pitch.T, np.float32)
    if clips.dimensions == 3 and config.face_front:
        points = face_front(points, clips.layout, config.vertical)
    return points


def resample(
    points: Floats, times_s: NDArray[np.float64], frames: NDArray[np.float64],
    bridge_s: float = math.inf, period_s: float = 0.0,
) -> Floats:
    """Return the (T', K, D) poses at fractional frame numbers (T',) of a (T, K, D) clip.

    Where one of two neighbours is missing the nearer speaks alone; between frames further apart
    than `bridge_s` only what is within half a period of one is known, as in `action.grid`.
    """
    before = np.clip(np.floor(frames).astype(np.int64), 0, len(points) - 1)
    after = np.minimum(before + 1, len(points) - 1)
    share = (frames - before)[:, None, None].astype(np.float32)
    near = np.where(share >= 0.5, points[after], points[before])
    mixed = points[before] * (1 - share) + points[after] * share
    out = np.where(np.isnan(mixed), near, mixed)
    gap_s = times_s[after] - times_s[before]
    far = gap_s > bridge_s
    if far.any():
        distance_s = np.minimum(frames - before, 1 - (frames - before)) * gap_s
        out = np.where(far[:, None, None], near, out)
        out[far & (distance_s > period_s / 2)] = np.nan
    return np.asarray(out, np.float32)


def _frames_drawn(
    clip: Clip, config: SamplingConfig, changes: AugmentationConfig, rng: np.random.Generator,
) -> NDArray[np.float64]:
    share = rng.uniform(changes.least_crop, 1)
    start = rng.uniform(0, 1 - share)
    speed = 1 + rng.uniform(-changes.speed, changes.speed)
    bend = rng.uniform(-changes.warp, changes.warp)
    return _frames(clip, config, View(start, share), speed, bend, rng)


def _frames_of_view(clip: Clip, config: SamplingConfig, view: View) -> NDArray[np.float64]:
    return _frames(clip, config, view, 1.0, 0.0, None)


def _frames(
    clip: Clip, config: SamplingConfig, view: View, speed: float, bend: float,
    rng: np.random.Generator | None,
) -> NDArray[np.float64]:
    """Return the fractional frame number of each tick."""
    last = len(clip.times_s) - 1
    if config.ticks:
        at = np.linspace(0.0, 1.0, config.ticks)
        return (view.start + view.share * _bent(at, bend)) * last
    length_s = clip.times_s[-1] - clip.times_s[0]
    period_s = speed / config.rate_hz
    count = int(length_s * view.share / period_s + 1e-6) + 1
    at = np.linspace(0.0, 1.0, count)
    at = _bent(at, bend) * (count - 1) * period_s
    if count > config.most_ticks:
        spare = count - config.most_ticks
        first = spare // 2 if rng is None else int(rng.integers(spare + 1))
        at = at[first:first + config.most_ticks]
    times = clip.times_s[0] + view.start * length_s + at
    return np.asarray(np.interp(times, clip.times_s, np.arange(last + 1)))


def _bent(at: NDArray[np.float64], bend: float) -> NDArray[np.float64]:
    """Make 0..1 faster first and slower later, or the reverse; the ends stay."""
    return np.asarray(at + bend * np.sin(np.pi * at) / np.pi)


def _padded(clips: list[Floats]) -> tuple[Floats, NDArray[np.int64]]:
    lengths = np.array([len(clip) for clip in clips], np.int64)
    out = np.full((len(clips), lengths.max(), *clips[0].shape[1:]), np.nan, np.float32)
    for row, clip in zip(out, clips, strict=True):
        row[:len(clip)] = clip
    return out, lengths


def _scenes(
    clips: list[Clip], size: int, most: int,
) -> tuple[Tensor | None, Tensor | None]:
    if not size:
        return None, None
    kept = [clip.scene[np.unique(np.linspace(
        0, len(clip.scene) - 1, most).round().astype(np.int64))]
        if clip.scene is not None and len(clip.scene) else np.zeros((0, size), np.float32)
        for clip in clips]
    longest = max(1, *(len(scene) for scene in kept))
    out, mask = torch.zeros(len(clips), longest, size), torch.zeros(len(clips), longest)
    for row, scene in enumerate(kept):
        out[row, :len(scene)] = torch.from_numpy(scene)
        mask[row, :len(scene)] = 1
    return out, mask


