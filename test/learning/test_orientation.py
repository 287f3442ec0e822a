"""Bodies turned to face one way."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import KINECT20
from neuropose_ros.learning.augmentation import rotation
from neuropose_ros.learning.orientation import face_front


def clip():
    rng = np.random.default_rng(3)
    body = rng.normal(size=(1, 20, 3))
    for name in ('shoulder', 'hip'):
        body[0, KINECT20.index(f'left_{name}')] = (-0.2, 0.4, 0.0)
        body[0, KINECT20.index(f'right_{name}')] = (0.2, 0.4, 0.0)
    return (body + 0.01 * rng.normal(size=(9, 20, 3))).astype(np.float32)


@pytest.mark.parametrize('turn_deg', [0, 35, 120, 180, -75])
def test_any_heading_gives_the_same_clip(turn_deg):
    points = clip()
    turned = points @ rotation(np.deg2rad([turn_deg]), 3, 1)[0].T
    out = face_front(turned, KINECT20)
    np.testing.assert_allclose(out, face_front(points, KINECT20), atol=1e-4)
    across = (out[:, KINECT20.index('right_hip')] - out[:, KINECT20.index('left_hip')])
    assert np.median(across[:, 0]) == pytest.approx(0.4, abs=0.05)
    np.testing.assert_allclose(out[..., 1], points[..., 1], atol=1e-6)


def test_unknown_trunk_is_left_alone_and_gaps_stay():
    points = clip()
    points[2:4, 5] = np.nan
    out = face_front(points, KINECT20)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(points))
    for name in ('shoulder', 'hip'):
        points[:, KINECT20.index(f'left_{name}')] = np.nan
    np.testing.assert_array_equal(face_front(points, KINECT20), points)
