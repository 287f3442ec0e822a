"""Errors of an estimator, measured where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.learning.augmentation import body_size
from neuropose_ros.learning.detector_noise import Recording, measure

UNIT_PX = 30.0
FRAMES = 400
CLIPS = 8


def truth() -> np.ndarray:
    """A body of 15 joints that stands still; its bones are `UNIT_PX` long in the mean."""
    rng = np.random.default_rng(0)
    pose = rng.uniform(-2, 2, (15, 2)).astype(np.float32)
    size = float(body_size(convert(pose)[None, None], COCO17)[0])
    return np.tile(pose / size * UNIT_PX + 100, (FRAMES, 1, 1)).astype(np.float32)


def convert(pose: np.ndarray) -> np.ndarray:
    out = np.full((17, 2), np.nan, np.float32)
    for k, name in enumerate(COCO17.names):
        source = 'face' if name == 'nose' else name
        if source in JHMDB15.names:
            out[k] = pose[JHMDB15.index(source)]
    return out


def recordings(change) -> list[Recording]:
    out = []
    for seed in range(CLIPS):
        true = truth()
        found = np.stack([convert(frame) for frame in true])
        scores = np.full((FRAMES, 17), 0.9, np.float32)
        out.append(Recording(*change(found, scores, np.random.default_rng(seed)), true))
    return out


def noise_of(change):
    return measure(recordings(change), COCO17, JHMDB15)


def test_jitter_and_drift_are_told_apart() -> None:
    def change(found, scores, rng):
        drift = rng.standard_normal(found.shape)
        keep = np.exp(-1 / 8)
        for t in range(1, len(drift)):
            drift[t] = keep * drift[t - 1] + np.sqrt(1 - keep ** 2) * drift[t]
        jitter = rng.standard_normal(found.shape)
        return found + UNIT_PX * (0.06 * jitter + 0.1 * drift).astype(np.float32), scores

    noise = noise_of(change)
    assert noise.jitter == pytest.approx(0.06, rel=0.1)
    assert noise.drift == pytest.approx(0.1, rel=0.1)
    assert noise.drift_ticks == pytest.approx(8, rel=0.25)
    assert noise.outlier_share < 1e-3
    assert noise.swap == 0


def test_which_joint_is_worse_and_which_is_missing() -> None:
    wrist = COCO17.index('left_wrist')

    def change(found, scores, rng):
        error = 0.05 * rng.standard_normal(found.shape).astype(np.float32)
        error[:, wrist] *= 3
        scores[100:120, wrist] = 0.1
        scores[:, COCO17.index('nose')] = 0.35
        return found + UNIT_PX * error, scores

    noise = noise_of(change)
    errors = noise.joint_errors(COCO17)
    hip = COCO17.index('left_hip')
    assert errors.sizes[wrist] / errors.sizes[hip] == pytest.approx(3, rel=0.1)
    assert errors.sizes[COCO17.index('left_eye')] == 1  # nobody annotated it
    assert noise.missing_ticks == 20
    assert noise.missing == pytest.approx(20 / FRAMES / 13, rel=1e-3)
    assert errors.missing[wrist] == pytest.approx(13, rel=1e-3)
    assert errors.missing[hip] == 0
    assert np.isfinite(noise.score_error[3])
    assert np.isnan(noise.score_error[5])


def test_exchanged_sides_places_elsewhere_and_other_people() -> None:
    left, right = COCO17.index('left_ankle'), COCO17.index('right_ankle')
    wrist = COCO17.index('right_wrist')

    def change(found, scores, rng):
        found[40:50, [left, right]] = found[40:50, [right, left]]
        found[200:210, wrist] += 3 * UNIT_PX
        found[300:340] += 10 * UNIT_PX
        return found, scores

    noise = noise_of(change)
    assert noise.swap_ticks == 10
    assert noise.swap == pytest.approx(10 / 360 / 6, rel=1e-3)
    assert noise.outlier_share == pytest.approx(10 / 360 / 13, rel=1e-3)
    assert noise.outlier_ticks == 10
    assert noise.outlier_size == pytest.approx(3, rel=1e-3)
    assert noise.other_person == pytest.approx(40 / 400)
    assert noise.jitter < 1e-3
    settings = noise.augmentation(mirror=0.5)
    assert (settings.mirror, settings.swap) == (0.5, noise.swap)


def test_without_anything_in_common_there_is_nothing_to_measure() -> None:
    with pytest.raises(DataError, match='0 clips'):
        measure([], COCO17, JHMDB15)
    lost = Recording(
        np.full((3, 17, 2), 1e4, np.float32), np.ones((3, 17), np.float32), truth()[:3])
    with pytest.raises(DataError, match='in no clip'):
        measure([lost], COCO17, JHMDB15)
