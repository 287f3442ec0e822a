"""What the refiner learns from."""

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.refiner.batches import collate
from neuropose_ros.learning.refiner.examples import LONGEST, Examples, Mixture
from neuropose_ros.learning.refiner.measures import joint_offsets
from neuropose_ros.learning.refiner.noise import fit_noise
from neuropose_ros.learning.refiner.skeletal import fit_skeletal
from neuropose_ros.refinement.canonical import CORE_JOINTS

from .clips import make_pair

KNEE, EAR, NECK = (CORE_JOINTS.index(name) for name in ('left_knee', 'left_ear', 'neck'))


@pytest.fixture(scope='module')
def pairs():
    return [make_pair(f'walk/{seed}', seed=seed, sure=seed != 3) for seed in range(5)]


def examples(pairs, **mixture):
    offsets = joint_offsets(pairs)
    return Examples(pairs, offsets, fit_noise(pairs, offsets), Mixture(**mixture), 0)


def test_detections_aim_at_the_truth_in_the_detectors_definition(pairs):
    shifted = [make_pair(f'walk/{seed}', seed=seed, shift_px=(12.0, 0.0)) for seed in range(5)]
    example = examples(shifted).found(shifted[0])
    error = (example.points - example.target)[:, KNEE]
    assert np.abs(error.mean(0)).max() < 2.0  # not 12: that a knee means another spot is no error
    assert np.array_equal(example.points[:, KNEE], shifted[0].found[:, COCO17.index('left_knee')])


def test_what_the_truth_does_not_know_teaches_nothing(pairs):
    of_detections, of_truth = examples(pairs).found(pairs[0]), examples(pairs).true(pairs[0])
    assert not of_detections.weight[:, EAR].any()
    assert np.isnan(of_detections.points[:, NECK]).all()
    assert np.isnan(of_truth.points[:, EAR]).all()
    assert (of_truth.weight[:, NECK] == 1).all()


def test_unsure_clips_count_less(pairs):
    drawn = examples(pairs)
    assert drawn.found(pairs[3]).weight.max() < drawn.found(pairs[0]).weight.max()


def test_drawn_clips_keep_truth_beside_what_is_found(pairs):
    drawn = examples(pairs, found=1.0, transplanted=0.0, hidden=0.0)
    for _ in range(20):
        example = drawn.draw()
        assert len(example.points) <= LONGEST
        assert example.dt_s[0] == 0 < example.dt_s[1:].min()
        error = np.linalg.norm(example.points - example.target, axis=-1)[:, KNEE]
        assert np.median(error) < 6.0  # the noise is 2 px: both were mirrored and turned alike


def test_hidden_joints_stay_known_as_truth(pairs):
    drawn = examples(pairs, found=0.0)
    lost = [np.isnan(drawn.draw().points[:, 5:17]).all(-1).mean() for _ in range(20)]
    assert 0.1 < np.mean(lost) < 0.6


def test_batches_are_padded_without_weight(pairs):
    drawn = examples(pairs)
    short = drawn.true(make_pair(frames=10))
    batch = collate(fit_skeletal(pairs), [short, drawn.true(pairs[0])])
    assert batch.weight[0, 10:].sum() == 0 < batch.weight[1, 10:].sum()
    assert all(bool(part.isfinite().all()) for part in batch.frames)
