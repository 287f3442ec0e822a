"""The pinhole camera in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.sources.synthetic.camera import Camera

CAMERA = Camera(640, 480, 500.0, (3.0, 0.0, 1.0), (0.0, 0.0, 1.0))


def test_what_it_looks_at_is_in_the_middle_of_the_image():
    # Between the centres of pixels 319 and 320, and of 239 and 240.
    assert CAMERA.project(CAMERA.to_optical(np.array([0.0, 0.0, 1.0]))) == pytest.approx(
        (319.5, 239.5))
    assert CAMERA.matrix[:2, 2] == pytest.approx((319.5, 239.5))


def test_optical_axes_are_right_down_and_forward():
    assert CAMERA.to_optical(np.array([1.0, 0.4, 1.3])) == pytest.approx((0.4, -0.3, 2.0))
    assert CAMERA.project(np.array([0.4, -0.3, 2.0])) == pytest.approx((419.5, 164.5))
    assert np.linalg.det(CAMERA.rotation) == pytest.approx(1)


def test_rays_meet_what_is_projected():
    camera = Camera(64, 48, 50.0, (3.0, 0.5, 1.2), (0.0, 0.0, 0.9))
    point = np.asarray(camera.position) + camera.rays()[10, 20] * 2.7
    assert camera.project(camera.to_optical(point)) == pytest.approx((20, 10))
