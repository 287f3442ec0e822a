"""Against the definitions, computed here in double precision."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuropose_ros.core.errors import ImageError
from neuropose_ros.inference.ops.device import DeviceOps, Picture, PictureInput
from neuropose_ros.inference.ops.host import HostOps

SHIFT = np.array([[[1.0, 0, 3], [0, 1, 2]]])


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def test_a_picture_is_not_copied(picture: NDArray[np.uint8]) -> None:
    ops: DeviceOps = HostOps()
    assert Picture(picture).on(ops) is picture
    assert ops.download(picture) is picture


def test_a_huge_picture_is_refused() -> None:
    huge = np.broadcast_to(np.uint8(0), (1, 40_000, 3))
    with pytest.raises(ImageError, match='40000x1 is larger than 32766 px'):
        HostOps().upload(huge)


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'uint8', 'int8'])
@pytest.mark.parametrize('channels', ['rgb', 'bgr'])
@pytest.mark.parametrize('axes', ['nchw', 'nhwc'])
def test_a_shifted_crop_is_the_normalised_part(
    picture: NDArray[np.uint8], axes: Any, channels: Any, dtype: str,
) -> None:
    mean, std = {
        'uint8': ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        'int8': ((128.0, 128.0, 128.0), (1.0, 1.0, 1.0)),
    }.get(dtype, ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    target = PictureInput(12, 9, mean, std, channels, axes, dtype)
    expected = picture[2:11, 3:15].astype(np.float64)
    expected = (expected[..., ::-1] if channels == 'rgb' else expected) - mean
    expected = expected / std
    expected = expected.transpose(2, 0, 1) if axes == 'nchw' else expected
    got = HostOps().crops(picture, SHIFT.repeat(2, 0), target)
    assert got.dtype == dtype
    assert got.flags.c_contiguous
    np.testing.assert_allclose(got[0], expected, rtol=1e-3 if dtype == 'float16' else 1e-6)
    np.testing.assert_array_equal(got[1], got[0])


def test_pixels_are_interpolated_between_their_centres(picture: NDArray[np.uint8]) -> None:
    picture = picture // 2 * 2
    half = np.array([[[1.0, 0, 3.5], [0, 1, 2]]])
    got = HostOps().crops(picture, half, PictureInput(4, 4, channels='bgr', axes='nhwc'))
    expected = (picture[2:6, 3:7].astype(int) + picture[2:6, 4:8]) / 2
    np.testing.assert_array_equal(got[0], expected)


@pytest.mark.parametrize(('fill', 'expected'), [(0.0, 0), (114.0, 114), (None, 200)])
def test_outside_is_filled(fill: float | None, expected: int) -> None:
    picture = np.full((8, 8, 3), 200, np.uint8)
    far = np.array([[[1.0, 0, -50], [0, 1, 0]]])
    got = HostOps().crops(picture, far, PictureInput(4, 4), fill)
    np.testing.assert_array_equal(got, expected)


def test_nobody_makes_an_empty_batch(picture: NDArray[np.uint8]) -> None:
    got = HostOps().crops(picture, np.empty((0, 2, 3)), PictureInput(4, 6))
    assert got.shape == (0, 3, 6, 4)


def test_simcc_gives_best_bins_and_the_lesser_score() -> None:
    x, y = np.zeros((1, 2, 8), np.float32), np.zeros((1, 2, 10), np.float32)
    x[0, 0, 5], y[0, 0, 9], x[0, 1, 0], y[0, 1, 3] = 0.9, 0.4, 0.2, 0.7
    bins, scores = HostOps().simcc(x, y)
    np.testing.assert_array_equal(bins, [[[5, 9], [0, 3]]])
    np.testing.assert_array_equal(scores, np.float32([[0.4, 0.2]]))
    assert bins.dtype == scores.dtype == np.float32


def test_heat_maps_give_peaks_moved_to_the_higher_neighbour() -> None:
    maps = np.zeros((1, 3, 6, 5), np.float32)
    maps[0, 0, 2, 3], maps[0, 0, 2, 2], maps[0, 0, 3, 3] = 1.0, 0.5, 0.25
    maps[0, 1, 0, 4] = 0.5  # in a corner: no move
    maps[0, 2, 5, 2], maps[0, 2, 5, 3] = 2.0, 1.0  # on an edge: one move
    cells, heights = HostOps().heatmaps(maps)
    np.testing.assert_array_equal(cells, [[[2.75, 2.25], [4, 0], [2.25, 5]]])
    np.testing.assert_array_equal(heights, [[1, 0.5, 2]])
    assert cells.dtype == heights.dtype == np.float32
