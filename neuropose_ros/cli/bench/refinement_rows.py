"""How right refined poses are: our configurations, beside what they have to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.baselines.filters import Kalman
from neuropose_ros.learning.baselines.refinement import Tasks, Tuned, tune
from neuropose_ros.learning.baselines.tracks import Values
from neuropose_ros.learning.baselines.tuning import tuned
from neuropose_ros.learning.refiner.calibration import (
    Calibration,
    calibration,
    factor_for_coverage,
)
from neuropose_ros.learning.refiner.measures import (
    accuracy,
    hidden,
    in_truth_definition,
    joint_offsets,
    masked_error,
)
from neuropose_ros.learning.refiner.pairs import (
    FOUND_LAYOUT,
    TRUTH_LAYOUT,
    Pair,
    read_pairs,
    sure,
)
from neuropose_ros.learning.refiner.protocol import (
    Refine,
    Refined,
    detected_frames,
    known_frames,
    refined,
)

_SINGLE = [(FOUND_LAYOUT.index('nose' if name == 'face' else name), TRUTH_LAYOUT.index(name))
           for name in TRUTH_LAYOUT.names if name == 'face' or name in FOUND_LAYOUT.names]
"""Joints of the truth that are one joint of the detector: of means no covariance is known."""
_FOUND, _TRUE = (list(indices) for indices in zip(*_SINGLE, strict=True))

_KALMAN_CHOICES = {
    'noise_sure': (0.01, 0.02, 0.04), 'noise_unsure': (0.1, 0.2, 0.4), 'acceleration': (
        1.0, 2.0, 5.0, 10.0), 'gate': (3.0, 100.0), 'least_score': (0.0, 0.1)}


class Bed:
    """The clips of the bench, and the baselines tuned on those for training."""

    def __init__(self, data: Path, part: str) -> None:
        """Read the clips.

        Args:
            data: folder with the data set.
            part: `test`; `train` looks at the clips for training instead.
        """
        pairs = read_pairs(data)
        self.train, self.everything = sure(pairs.train), pairs.train
        self.offsets = joint_offsets(self.train)
        asked = pairs.test if part == 'test' else pairs.train[::3]
        self.tasks = Tasks(sure(asked), asked, self.offsets)

    def baselines(self, show: Callable[[str, Mapping[str, float]], None]) -> list[Tuned]:
        """Tune all baselines and return them; `show` gets the figures of each."""
        return tune(self.train, self.everything, self.offsets,
                    lambda method: show(method.name, self.tasks.figures(method)))

    def raw(self) -> dict[str, float]:
        """Return the figures of what was detected; a hidden joint has no answer."""
        return self.tasks.of_real(self.tasks.found.points) | self.tasks.of_masked(
            lambda tracks: tracks.points)

    def real(self, refine: Refine) -> list[Refined]:
        """Return what becomes of the detections of each clip."""
        return [refined(refine, detected_frames(pair)) for pair in self.tasks.real]

    def figures(self, refine: Refine) -> dict[str, float]:
        """Return the figures of a refiner on both tasks."""
        return self.of_real(self.real(refine)) | self.of_masked(refine)

    def of_real(self, found: Sequence[Refined]) -> dict[str, float]:
        """Return the figures of refined detections."""
        pairs = self.tasks.real
        return accuracy(self.placed(found), pairs)

    def of_masked(self, refine: Refine) -> dict[str, float]:
        """Return the errors of hidden joints."""
        return {f'masked{share * 100:.0f}': self.masked(refine, masks)
                for share, masks in self.tasks.masks.items()}

    def masked(self, refine: Refine, masks: Sequence[Any]) -> float:
        """Return the error of joints that these masks hide."""
        pairs = self.tasks.hidden_pairs
        answers = [refined(refine, known_frames(hidden(pair, mask), TRUTH_LAYOUT)).points
                   for pair, mask in zip(pairs, masks, strict=True)]
        return masked_error(answers, pairs, masks)

    def placed(self, found: Sequence[Refined]) -> list[Floats]:
        """Return (T, 15, 2) of each clip in the truth's definition."""
        return [in_truth_definition(one.points, pair, self.offsets)
                for one, pair in zip(found, self.tasks.real, strict=True)]

    def calibration(self, found: Sequence[Refined]) -> Calibration:
        """Return how good the covariances of refined detections are."""
        errors, covariances = [], []
        for one, points, pair in zip(found, self.placed(found), self.tasks.real, strict=True):
            errors.append(((points - pair.truth)[:, _TRUE] / pair.box_px).reshape(-1, 2))
            covariances.append((one.covariances[:, _FOUND] / pair.box_px ** 2).reshape(-1, 3))
        return calibration(np.concatenate(errors), np.concatenate(covariances))

    def calibration_of_kalman(self, kalman: Kalman) -> Calibration:
        """Return that of a Kalman filter, with one factor on all its covariances.

        The factor is fitted on the clips for training, so that there its ellipses hold 90 %.
        """
        return _scaled(*_kalman_errors(self.tasks, kalman), self._factor(kalman)[0])

    def most_likely_kalman(self, start: Kalman) -> Kalman:
        """Return the filter whose covariances, so scaled, fit the clips for training best."""
        return tuned(start, _KALMAN_CHOICES, lambda kalman: -self._factor(kalman)[1])

    def _factor(self, kalman: Kalman) -> tuple[float, float]:
        """Return the factor, and the negative log-likelihood with it."""
        errors, variances = _kalman_errors(
            Tasks(self.train, self.train[:1], self.offsets), kalman)
        factor = factor_for_coverage(errors, variances)
        return factor, _scaled(errors, variances, factor).nll

    def shapes(self, points: Sequence[Floats]) -> dict[str, float]:
        """Return jitter and how bone lengths vary, of (T, 15, 2) of each clip, in boxes.

        `jitter` is the mean length of the second difference of the points themselves;
        `bone_length_variance` is the mean over bones of the variance within a clip, and
        `bone_length_jitter` the mean of their absolute second difference.
        """
        begins, ends = np.array(TRUTH_LAYOUT.edges).T
        second, variances, bent = [], [], []
        for clip, pair in zip(points, self.tasks.real, strict=True):
            sized = clip / pair.box_px
            second.append(np.linalg.norm(np.diff(sized, 2, axis=0), axis=-1).ravel())
            lengths = np.linalg.norm(sized[:, begins] - sized[:, ends], axis=-1)
            variances.append(np.nanvar(lengths, axis=0))
            bent.append(np.abs(np.diff(lengths, 2, axis=0)).ravel())
        return {'jitter': float(np.nanmean(np.concatenate(second))),
                'bone_length_variance': float(np.nanmean(np.concatenate(variances))),
                'bone_length_jitter': float(np.nanmean(np.concatenate(bent)))}

    def all_shapes(self, found: Mapping[str, Sequence[Refined]]) -> dict[str, dict[str, float]]:
        """Return `shapes` of refined detections by name, and of raw ones and of the truth."""
        pairs: Sequence[Pair] = self.tasks.real
        points = {'truth': [pair.truth for pair in pairs],
                  'raw': [in_truth_definition(pair.found, pair, self.offsets) for pair in pairs]}
        points |= {name: self.placed(refined_) for name, refined_ in found.items()}
        return {name: self.shapes(clips) for name, clips in points.items()}


def _scaled(errors: Values, variances: Values, factor: float) -> Calibration:
    zero = np.zeros_like(variances)
    return calibration(errors, factor * np.stack((variances, zero, variances), -1))


def _kalman_errors(tasks: Tasks, kalman: Kalman) -> tuple[Values, Values]:
    """Return errors (N, 2) and variances (N,) in boxes."""
    points, variances = kalman.estimate(tasks.found)
    errors, found = [], []
    for clip, clip_variances, pair in zip(points, variances, tasks.real, strict=True):
        placed = in_truth_definition(
            np.asarray(clip[:len(pair)], np.float32), pair, tasks.offsets)
        errors.append(((placed - pair.truth)[:, _TRUE] / pair.box_px).reshape(-1, 2))
        found.append((clip_variances[:len(pair), _FOUND] / pair.box_px ** 2).ravel())
    return np.concatenate(errors), np.concatenate(found)
