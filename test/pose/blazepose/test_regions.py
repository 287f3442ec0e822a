import math

import numpy as np
import pytest

from neuropose_ros.pose.blazepose.regions import Region, letterbox, region_from_alignment


def _points(*rows: tuple[float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_upright_person_gives_an_upright_square_with_room() -> None:
    region = region_from_alignment(*_points((100, 200), (100, 120)))
    assert (region.x, region.y) == (100, 200)
    assert region.size == pytest.approx(2 * 80 * 1.25)
    assert region.rotation == pytest.approx(0)


@pytest.mark.parametrize(('top', 'degrees'), [
    ((180, 200), 90), ((20, 200), -90), ((100, 280), -180), ((156.5685, 143.4315), 45),
])
def test_rotation_is_that_of_the_person(top: tuple[float, float], degrees: float) -> None:
    region = region_from_alignment(*_points((100, 200), top))
    assert math.degrees(region.rotation) == pytest.approx(degrees, abs=1e-3)
    # The top of the body lies above the middle of the crop, 0.5/1.25 of its side away.
    np.testing.assert_allclose(
        region.to_picture(_points((0.5, 0.5 - 0.5 / 1.25))), [top], atol=1e-3)


def test_corners_of_the_region_in_the_picture() -> None:
    region = Region(50, 60, 20, math.pi / 2)
    corners = region.to_picture(_points((0, 0), (1, 0), (1, 1), (0.5, 0.5)))
    np.testing.assert_allclose(corners, [(60, 50), (60, 70), (40, 70), (50, 60)], atol=1e-5)


def test_warp_and_points_agree() -> None:
    region = Region(31.5, 47.25, 80.0, 0.7)
    generator = np.random.default_rng(0)
    unit = generator.random((20, 2)).astype(np.float32)
    matrix = region.warp(256)
    np.testing.assert_allclose(
        unit.astype(np.float64) * 256 @ matrix[:, :2].T + matrix[:, 2],
        region.to_picture(unit), atol=1e-3)


def test_letterbox_holds_the_whole_picture_in_its_middle() -> None:
    whole = letterbox(640, 480)
    corners = whole.to_picture(_points((0, 0), (1, 1)))
    np.testing.assert_allclose(corners, [(0, -80), (640, 560)])
