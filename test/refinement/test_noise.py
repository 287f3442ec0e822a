"""What is learnt of a detector's errors, and what is taken of others."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.refinement.noise import (
    DetectorNoise,
    NoiseCurve,
    NoiseModel,
    generic_curve,
    joint_noise,
)

SURE = NoiseCurve((0.0, 1.0), (0.1, 0.01), (0.4, 0.02))
WRIST = NoiseCurve((0.0, 1.0), (0.2, 0.02), (0.4, 0.04))
MODEL = NoiseModel({'movenet': DetectorNoise(SURE, {'left_wrist': WRIST})})


def test_deviations_fall_geometrically_between_the_scores():
    noise = joint_noise(MODEL, 'movenet', ('nose', 'left_wrist'), 0.004, 0.16)
    assert noise.learnt
    white, slow = noise.deviations(np.array([[1.0, 0.5, 1.0, 0.0]]))
    assert white[0] == pytest.approx((0.01, np.sqrt(0.2 * 0.02), 0.004, 0.16))
    assert slow[0, :2] == pytest.approx((0.02, np.sqrt(0.4 * 0.04)))


@pytest.mark.parametrize(('detector', 'known'), [
    ('movenet', True), ('yolox>movenet/onnxruntime', True), ('movenet/tensorrt:mirrored', True),
    ('movenet2', False), ('movenet-thunder', False), ('movenet>rtmpose', False), ('', False)])
def test_a_detector_is_known_by_its_part_of_the_id(detector, known):
    assert (MODEL.of(detector) is not None) is known
    assert joint_noise(MODEL, detector, ('nose',), 0.004, 0.16).learnt is known


def test_an_unknown_detector_has_the_generic_curve():
    noise = joint_noise(None, 'any', ('', ''), 0.004, 0.16)
    white, slow = noise.deviations(np.array([[0.0, 0.5, 1.0, 1.0]]))
    assert white[0] == pytest.approx((0.16, np.sqrt(0.16 * 0.004), 0.004, 0.004))
    np.testing.assert_array_equal(white, slow)


def test_noise_survives_a_file():
    again = NoiseModel.from_json(json.loads(json.dumps(MODEL.to_json())))
    assert again.detectors == MODEL.detectors


@pytest.mark.parametrize('table', [
    {'movenet': {}}, {'movenet': {'curve': {'scores': [0.0], 'white': [0.1]}}}, {'movenet': 3},
    {'movenet': {'curve': {'scores': [0.0], 'white': ['a'], 'slow': [0.1]}}}, [1]])
def test_a_table_that_is_none_is_refused(table):
    with pytest.raises(DataError, match='noise'):
        NoiseModel.from_json(table)


@pytest.mark.parametrize('curve', [
    ((0.0, 0.0), (0.1, 0.1), (0.1, 0.1)), ((0.0,), (0.1, 0.1), (0.1,)), ((), (), ()),
    ((0.0,), (0.0,), (0.1,)), ((0.0,), (float('nan'),), (0.1,))])
def test_a_curve_that_is_none_is_refused(curve):
    with pytest.raises(DataError, match='curve'):
        NoiseCurve(*curve)


def test_the_generic_curve_is_that_of_the_parameters():
    assert generic_curve(0.01, 0.1).table()[0, [0, -1]] == pytest.approx((0.1, 0.01))
