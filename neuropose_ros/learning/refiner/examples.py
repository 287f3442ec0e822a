"""Clips to learn refinement from: real detections, and true joints that are hidden or blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.measures import BURST_FRAMES, in_detector_definition
from neuropose_ros.learning.refiner.noise import body_sizes_px
from neuropose_ros.learning.refiner.pairs import (
    FOUND_LAYOUT,
    MODEL,
    RATE_HZ,
    TRUTH_LAYOUT,
    Pair,
    sure,
)
from neuropose_ros.learning.refiner.skeletal import true_columns
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns, mirrored_core
from neuropose_ros.refinement.noise import NoiseModel, joint_noise

JOINTS = len(CORE_JOINTS)
LONGEST = 48  # frames
_NOSE = CORE_JOINTS.index('nose')
_UNSURE_SCORE = 0.3  # below it an estimator calls a joint occluded
_AS_DETECTED = 0.4  # of true joints, what has the joints that a detector has
_DETECTED = 0.5  # of motion capture, what gets the errors of a detector
_REACHING, _OVERSTATED = 0.7, 0.6  # of true joints
_REACHES = tuple(
    tuple(CORE_JOINTS.index(f'{side}_{part}') for part in parts)
    for side in ('left', 'right') for parts in (('elbow', 'wrist'),) * 3 + (('knee', 'ankle'),))
_LIMBS = tuple(
    tuple(CORE_JOINTS.index(f'{side}_{part}') for part in parts)
    for side in ('left', 'right')
    for parts in (('shoulder', 'elbow', 'wrist'), ('hip', 'knee', 'ankle'),
                  ('elbow', 'wrist'), ('knee', 'ankle')))


class Example(NamedTuple):
    """One clip of T frames; `weight` 0 = there is no truth to learn from."""

    points: Floats  # (T, C, 2) px, NaN = not seen
    sd_px: Floats  # (T, C)
    target: Floats  # (T, C, 2) px
    weight: Floats  # (T, C)
    dt_s: Floats  # (T,)
    box_px: float
    found: bool  # by a detector


@dataclass(frozen=True)
class Mixture:
    """Of what a batch is made, as shares.

    Attributes:
        found: detections; the rest are true joints.
        transplanted: of the detections, those with the errors of another clip.
        unsure: of the detections, those whose truth does not fit the picture so well.
        hidden: of the detections, those with hidden joints.
        moved: of true joints, those of motion capture, where there is any.
    """

    found: float = 0.58
    transplanted: float = 0.25
    unsure: float = 0.12
    hidden: float = 0.3
    moved: float = 0.3


class Examples:
    """Draws clips at random, and changes them so that none is met twice."""

    def __init__(
        self, pairs: Sequence[Pair], offsets: Floats, noise: NoiseModel, mixture: Mixture,
        seed: int, mocap: Sequence[Pair] = (),
    ) -> None:
        """Take the clips for training; those of `mocap` have no detections."""
        self._all, self._sure, self._mocap = tuple(pairs), sure(pairs), tuple(mocap)
        self._offsets, self._mixture = offsets, mixture
        self._noise = noise
        self._rng = np.random.default_rng(seed)
        self._columns = true_columns()
        self._mirror = mirrored_core()

    def draw(self) -> Example:
        """Return one clip."""
        rng, mixture = self._rng, self._mixture
        if rng.random() < mixture.found:
            few = rng.random() < mixture.unsure
            example = self.found(self._any(self._all if few else self._sure))
            if rng.random() < mixture.transplanted:
                example = self._transplanted(example, self._any(self._sure))
            if rng.random() < mixture.hidden:
                example = self._hidden(example, float(rng.choice((0.1, 0.2, 0.4))))
        else:
            moved = self._mocap and rng.random() < mixture.moved
            pair = self._any(self._mocap if moved else self._all)
            example = self._reaching(self.true(pair))
            if rng.random() < _AS_DETECTED:
                example = self._with_face(example, pair)
            if moved and rng.random() < _DETECTED:
                example = self._transplanted(example, self._any(self._sure))
            else:
                example = self._blurred(example)
            example = self._hidden(example, float(rng.choice((0.1, 0.2, 0.4, 0.5))))
        return self._placed(self._timed(example))

    def found(self, pair: Pair) -> Example:
        """Return what a detector found, beside the truth in its own definition of joints."""
        known = self._columns >= 0
        frames = len(pair)
        points = np.full((frames, JOINTS, 2), np.nan, np.float32)
        columns = core_columns(FOUND_LAYOUT.names)
        points[:, columns >= 0] = pair.found[:, columns[columns >= 0]]
        target = np.zeros((frames, JOINTS, 2), np.float32)
        target[:, known] = in_detector_definition(pair, self._offsets)[:, self._columns[known]]
        weight = np.tile(known.astype(np.float32), (frames, 1))
        weight[:, columns < 0] *= 0.3
        if not pair.sure:
            weight *= 0.3
        return Example(points, found_sd_px(pair, self._noise), target, weight, _steps(frames),
                       pair.box_px, True)

    def true(self, pair: Pair) -> Example:
        """Return the true joints as if found without error."""
        known = self._columns >= 0
        points = np.full((len(pair), JOINTS, 2), np.nan, np.float32)
        points[:, known] = pair.truth[:, self._columns[known]]
        size = np.ptp(pair.truth, axis=1).max(1)
        sd_px = np.repeat(size[:, None] * np.float32(0.004 * 2 ** 0.5), JOINTS, 1)
        weight = np.tile(known.astype(np.float32), (len(pair), 1))
        return Example(points, sd_px, np.nan_to_num(points), weight, _steps(len(pair)),
                       pair.box_px, False)

    def _any(self, pairs: Sequence[Pair]) -> Pair:
        return pairs[int(self._rng.integers(len(pairs)))]

    def _transplanted(self, example: Example, donor: Pair) -> Example:
        """Return the same movement with the errors that were made in another clip."""
        other = self.found(donor)
        frames = min(len(example.target), len(other.target))
        scale = np.float32(example.box_px / donor.box_px)
        error = (other.points - other.target)[:frames] * scale
        points = example.target[:frames] + error
        points[:, self._columns < 0] = np.nan
        return example._replace(
            points=points, sd_px=other.sd_px[:frames] * scale, target=example.target[:frames],
            weight=example.weight[:frames], dt_s=example.dt_s[:frames])

    def _hidden(self, example: Example, share: float) -> Example:
        """Hide joints and whole limbs for some frames."""
        rng, points = self._rng, example.points.copy()
        candidates = np.flatnonzero(np.isfinite(points[..., 0]).any(0))
        masked = np.zeros(points.shape[:2], bool)
        while masked[:, candidates].mean() < share:
            length = rng.integers(BURST_FRAMES[0], BURST_FRAMES[1] + 1)
            begin = rng.integers(len(points))
            joints = [int(rng.choice(candidates))]
            if rng.random() < 0.15:
                joints = list(_LIMBS[rng.integers(len(_LIMBS))])
            masked[begin:begin + length, joints] = True
        points[masked] = np.nan
        return example._replace(points=points)

    def _with_face(self, example: Example, pair: Pair) -> Example:
        """Return true joints as a detector names them: with eyes and ears, without a trunk.

        The face is that of the detector, moved to where the true one is: how precise joints are
        must be told by their noise, not by which of them there are.
        """
        points = example.points.copy()
        face = np.flatnonzero(self._columns < 0)
        columns = core_columns(FOUND_LAYOUT.names)
        nose = pair.found[:, columns[_NOSE]]
        points[:, face] = pair.found[:, columns[face]] + (points[:, _NOSE] - nose)[:, None]
        points[:, columns < 0] = np.nan
        return example._replace(points=points)

    def _reaching(self, example: Example) -> Example:
        """Let a hand or foot reach out in some clips, as in Flash and Hogan 1985: least jerk."""
        rng = self._rng
        if rng.random() >= _REACHING:
            return example
        frames = len(example.points)
        begin = rng.integers(frames)
        share = np.clip((np.arange(frames) - begin) / rng.integers(5, 20), 0, 1)
        course = (share ** 3 * (10 - 15 * share + 6 * share ** 2)).astype(np.float32)
        angle, length = rng.uniform(0, 2 * np.pi), example.box_px * rng.uniform(0.1, 0.35)
        way = course[:, None] * np.array((np.cos(angle), np.sin(angle)), np.float32) * length
        points, target = example.points.copy(), example.target.copy()
        middle, end = _REACHES[int(rng.integers(len(_REACHES)))]
        along = np.float32(rng.uniform(0.0, 0.7))
        for moved in (points, target):
            moved[:, middle] += way * along
            moved[:, end] += way
        return example._replace(points=points, target=target)

    def _blurred(self, example: Example) -> Example:
        """Add white noise to some clips, of a size that is known or overstated.

        A detector whose joints are off, but steadily so, states much noise and has little that
        a filter should take out. Some clips lack joints altogether.
        """
        rng, points = self._rng, example.points
        sd_px = example.sd_px
        if rng.random() < 0.6:
            noise = example.box_px * float(np.exp(rng.uniform(np.log(0.003), np.log(0.05))))
            points = points + rng.normal(0, noise, points.shape).astype(np.float32)
            sd_px = np.maximum(sd_px, np.float32(noise))
        if rng.random() < _OVERSTATED:
            sd_px = np.maximum(sd_px, np.float32(example.box_px * rng.uniform(0.015, 0.07)))
        example = example._replace(sd_px=sd_px)
        if rng.random() < 0.3:
            points = points.copy()
            points[:, rng.random(JOINTS) < 0.15] = np.nan
        return example._replace(points=points)

    def _timed(self, example: Example) -> Example:
        """Turn time round, thin it out, stretch it, begin later."""
        rng = self._rng
        order = np.arange(len(example.points))
        if rng.random() < 0.5:
            order = order[::-1]
        dt_s, chance = 1 / RATE_HZ, rng.random()
        if chance < 0.12:
            stride = int(rng.integers(2, 4))
            order, dt_s = order[rng.integers(stride)::stride], dt_s * stride
        elif chance < 0.24:
            dt_s *= float(np.exp(rng.uniform(-0.5, 0.5)))
        if rng.random() < 0.5 and len(order) > 12:
            order = order[rng.integers(len(order) // 3):]
        order = order[:LONGEST]
        steps = np.full(len(order), dt_s, np.float32)
        steps[0] = 0
        return example._replace(
            points=example.points[order], sd_px=example.sd_px[order],
            target=example.target[order], weight=example.weight[order], dt_s=steps)

    def _placed(self, example: Example) -> Example:
        """Mirror, turn and stretch the image."""
        rng = self._rng
        points, target = example.points, example.target
        sd_px, weight = example.sd_px, example.weight
        if rng.random() < 0.5:
            points, target = (part[:, self._mirror] * np.array((-1, 1), np.float32)
                              for part in (points, target))
            sd_px, weight = sd_px[:, self._mirror], weight[:, self._mirror]
        angle = rng.normal(0, 0.2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        change = (turn @ np.diag(np.exp(rng.normal(0, 0.08, 2)))).astype(np.float32)
        return example._replace(
            points=points @ change.T, target=target @ change.T, sd_px=sd_px, weight=weight)


def found_sd_px(pair: Pair, noise: NoiseModel) -> Floats:
    """Return (T, C) whole standard deviations, px, that the noise model expects of a clip."""
    columns = core_columns(FOUND_LAYOUT.names)
    curves = joint_noise(noise, MODEL, FOUND_LAYOUT.names, 0.004, 0.16)
    scores = np.concatenate((pair.scores, pair.scores), 1).astype(np.float64)
    white, slow = curves.deviations(np.clip(scores, 0, 1))
    whole = np.hypot(white, slow)[:, :len(FOUND_LAYOUT)] * body_sizes_px(pair)[:, None]
    sd_px = np.full((len(pair), JOINTS), 1.0, np.float32)
    sd_px[:, columns >= 0] = whole[:, columns[columns >= 0]]
    return sd_px


def _steps(frames: int) -> Floats:
    steps = np.full(frames, 1 / RATE_HZ, np.float32)
    steps[0] = 0
    return steps


def true_positions() -> NDArray[np.intp]:
    """Return (15,): which core joint each true joint is."""
    columns = true_columns()
    return np.array([int(np.flatnonzero(columns == k)[0]) for k in range(len(TRUTH_LAYOUT))])
