"""Pixels to viewing directions, through every distortion model of camera_info."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import DepthError
from neuropose_ros.pose.intrinsics import Intrinsics

K = np.array([[500.0, 0, 320], [0, 510.0, 240], [0, 0, 1]])
COEFFICIENTS = {
    '': [],
    'plumb_bob': [-0.28, 0.07, 0.001, -0.0005, 0.0],
    'rational_polynomial': [0.5, -0.3, 0.001, 0.0005, 0.02, 0.6, -0.2, 0.01],
    'equidistant': [0.02, -0.01, 0.003, -0.001],
}


def project(points: np.ndarray, model: str, d: np.ndarray) -> np.ndarray:
    zero = np.zeros(3)
    if model == 'equidistant':
        return cv2.fisheye.projectPoints(points[:, None], zero, zero, K, d)[0][:, 0]
    return cv2.projectPoints(points, zero, zero, K, d if len(d) else None)[0][:, 0]


@pytest.mark.parametrize('model', COEFFICIENTS)
def test_directions_lead_back_to_the_points_that_were_projected(model: str) -> None:
    d = np.array(COEFFICIENTS[model])
    points = np.array([(x, y, 2.0) for x in (-1.0, 0.0, 0.9) for y in (-0.7, 0.1, 0.8)])
    rays = Intrinsics(640, 480, K, d, model).rays(project(points, model, d))
    np.testing.assert_allclose(rays, points[:, :2] / 2.0, atol=1e-5)


def test_an_unknown_point_has_no_direction_and_disturbs_no_other() -> None:
    d = np.array(COEFFICIENTS['plumb_bob'])
    rays = Intrinsics(640, 480, K, d, 'plumb_bob').rays(np.array([(320.0, 240), (np.nan, 3)]))
    np.testing.assert_allclose(rays[0], 0, atol=1e-6)
    assert np.isnan(rays[1]).all()


def test_a_pixel_beyond_the_field_of_the_model_has_no_direction() -> None:
    d = np.array((-0.5, 0.0, 0.0, 0.0, 0.0))  # r (1 - 0.5 r^2) never comes beyond 0.55
    rays = Intrinsics(640, 480, K, d, 'plumb_bob').rays(np.array([(320.0 + 500, 240)]))
    assert np.isnan(rays).all()


def test_a_model_that_is_not_known_is_named() -> None:
    with pytest.raises(DepthError, match='omnidirectional'):
        Intrinsics(640, 480, K, np.zeros(4), 'omnidirectional')


def test_zero_is_uncalibrated() -> None:
    assert not Intrinsics(640, 480, np.zeros((3, 3)), np.zeros(0)).calibrated
    assert Intrinsics(640, 480, K, np.zeros(0)).calibrated
