import math

import numpy as np
import pytest

from neuropose_ros.pose.blazepose.landmarks import decode_landmarks, refine, sigmoid
from neuropose_ros.pose.blazepose.regions import Region

CERTAIN, IMPOSSIBLE = 50.0, -50.0


def _heatmaps(count: int = 1) -> np.ndarray:
    return np.full((count, 64, 64), IMPOSSIBLE, np.float32)


def _point(x: float, y: float) -> np.ndarray:
    return np.array([[x, y]], np.float32)


def test_a_point_moves_to_the_centre_of_mass_nearby() -> None:
    heatmaps = _heatmaps()
    heatmaps[0, 10, 20] = heatmaps[0, 10, 23] = heatmaps[0, 12, 20] = CERTAIN
    np.testing.assert_allclose(
        refine(_point(21.5 / 64, 11 / 64), heatmaps), [[21 / 64, (32 / 3) / 64]], rtol=1e-6)


def test_only_nine_cells_around_count() -> None:
    heatmaps = _heatmaps()
    heatmaps[0, 10, 20] = heatmaps[0, 10, 29] = CERTAIN
    np.testing.assert_allclose(
        refine(_point(24.2 / 64, 10 / 64), heatmaps), [[20 / 64, 10 / 64]], rtol=1e-6)
    np.testing.assert_allclose(
        refine(_point(25.2 / 64, 10 / 64), heatmaps), [[29 / 64, 10 / 64]], rtol=1e-6)


@pytest.mark.parametrize(('logit', 'moves'), [(-1e-3, False), (1e-3, True)])
def test_a_doubtful_heat_map_is_not_followed(logit: float, moves: bool) -> None:
    heatmaps = _heatmaps()
    heatmaps[0, 10, 20] = logit
    point = _point(21.5 / 64, 11 / 64)
    assert np.array_equal(refine(point, heatmaps), point) != moves


def test_at_the_edge_the_kernel_is_cut_off() -> None:
    heatmaps = _heatmaps()
    heatmaps[0, 0, 0] = heatmaps[0, 0, 2] = CERTAIN
    np.testing.assert_allclose(refine(_point(0, 0), heatmaps), [[1 / 64, 0]], atol=1e-7)
    # Less than a cell outside still counts as the first cell; further out is kept.
    np.testing.assert_allclose(refine(_point(-0.9 / 64, 0), heatmaps), [[1 / 64, 0]], atol=1e-7)
    outside = np.array([[-1.1 / 64, 0], [1.0, 0.5], [0.5, 1.2]], np.float32)
    np.testing.assert_array_equal(refine(outside, np.full((3, 64, 64), CERTAIN)), outside)


def test_sigmoid_does_not_overflow() -> None:
    with np.errstate(all='raise', under='ignore'):
        np.testing.assert_allclose(
            sigmoid(np.array([-1000, 0, 1000], np.float32)), [0, 0.5, 1])


def test_landmarks_are_turned_back_into_the_picture() -> None:
    region = Region(100, 50, 64, math.pi / 2)
    values = np.zeros((39, 5), np.float32)
    values[:, :2] = 128
    values[0] = (256, 128, 0, math.log(3), math.log(9))
    values[34, :2] = (128, 0)
    world = np.zeros((39, 3), np.float32)
    world[5] = (1, 2, 3)
    found = decode_landmarks(
        values.reshape(1, -1), _heatmaps(39)[np.newaxis], world.reshape(1, -1), region)
    assert found.points.shape == (33, 2) and found.world.shape == (33, 3)
    np.testing.assert_allclose(found.points[0], (100, 82), atol=1e-4)
    np.testing.assert_allclose(found.auxiliary, [(100, 50), (132, 50)], atol=1e-4)
    np.testing.assert_allclose(found.world[5], (-2, 1, 3), atol=1e-6)
    assert found.visibility[0] == pytest.approx(0.75)
    assert found.presence[0] == pytest.approx(0.9)
