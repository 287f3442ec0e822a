"""torch, on the processor and on a GPU where there is one, against host and definitions."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.ops.device import DeviceOps, Picture, PictureInput
from neuropose_ros.inference.ops.host import HostOps

pytest.importorskip('torch', reason='torch is not installed', exc_type=ImportError)

import torch

from neuropose_ros.inference.ops.torch import TorchOps

IMAGENET = PictureInput(192, 256, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
GREY = PictureInput(192, 256, channels='bgr', axes='nhwc')


@pytest.fixture(params=['cpu', 'cuda:0'] if torch.cuda.is_available() else ['cpu'])
def ops(request: pytest.FixtureRequest) -> TorchOps:
    return TorchOps(request.param)


def random_warps(
    generator: np.random.Generator, count: int, width: int, height: int,
) -> NDArray[np.float64]:
    """Return rotated squares somewhere in the picture, partly outside, 0.3 to 2 px a step."""
    angle, scale = generator.uniform(-np.pi, np.pi, count), generator.uniform(0.3, 2.0, count)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = generator.uniform((0, 0), (width, height), (count, 2))
    turn = turn.transpose(2, 0, 1)
    return np.concatenate(
        (turn, (centre - turn @ (96, 128))[..., np.newaxis]), -1)


def smooth_picture() -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)


def exact(
    picture: NDArray[np.uint8], warp: NDArray[np.float64], fill: float | None,
) -> NDArray[np.float64]:
    """Bilinear interpolation in double precision by its definition, (256, 192, 3) BGR."""
    height, width = picture.shape[:2]
    v, u = np.mgrid[:256, :192]
    x, y = warp @ np.stack((u.ravel(), v.ravel(), np.ones(u.size)))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    result = np.zeros((x.size, 3))
    for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
        for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
            values = picture[row.clip(0, height - 1), column.clip(0, width - 1)].astype(float)
            if fill is not None:
                outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
                values[outside] = fill
            result += (share_x * share_y)[:, np.newaxis] * values
    return result.reshape(256, 192, 3)


@pytest.mark.parametrize('fill', [0.0, 114.0, None])
def test_crops_are_bilinear_by_definition(ops: TorchOps, fill: float | None) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    warps = random_warps(np.random.default_rng(2), 6, 640, 480)
    got = ops.download(ops.crops(ops.upload(picture), warps, GREY, fill))
    for crop, warp in zip(got, warps, strict=True):
        # Single precision places a sample within 1e-4 px, here between pixels 255 levels apart.
        np.testing.assert_allclose(crop, exact(picture, warp, fill), atol=0.1)


@pytest.mark.parametrize('fill', [0.0, 114.0, None])
@pytest.mark.parametrize('target', [IMAGENET, GREY])
def test_crops_agree_with_the_host(
    ops: TorchOps, target: PictureInput, fill: float | None,
) -> None:
    picture = smooth_picture()
    warps = random_warps(np.random.default_rng(4), 6, 640, 480)
    there = ops.crops(Picture(picture).on(ops), warps, target, fill)
    difference = np.abs(ops.download(there) - HostOps().crops(picture, warps, target, fill))
    grey_levels = difference * (np.array(target.std).min())
    assert grey_levels.mean() < 0.4
    assert np.quantile(grey_levels, 0.999) < 2.0


@pytest.mark.parametrize('folder', ['coco', 'mpii'])
def test_crops_of_real_pictures_agree_with_the_host(ops: TorchOps, folder: str) -> None:
    data = os.environ.get('NEUROPOSE_DATA')
    if not data:
        pytest.skip('NEUROPOSE_DATA names no folder with real pictures')
    for path in sorted((Path(data) / 'images' / folder).glob('*.jpg')):
        picture = cv2.imread(str(path))
        warps = random_warps(
            np.random.default_rng(5), 4, picture.shape[1], picture.shape[0])
        there = ops.download(ops.crops(ops.upload(picture), warps, GREY))
        difference = np.abs(there - HostOps().crops(picture, warps, GREY))
        assert difference.mean() < 0.5, path.name
        # 1/32 px along both axes between black and white, and the rounding.
        assert difference.max() <= 2 * 255 / 32 + 0.5, path.name


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'uint8', 'int8'])
@pytest.mark.parametrize('axes', ['nchw', 'nhwc'])
def test_every_form_of_input_is_the_hosts(ops: TorchOps, axes: Any, dtype: str) -> None:
    picture = np.random.default_rng(6).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    mean = (128.0,) * 3 if dtype == 'int8' else (0.0,) * 3
    target = PictureInput(12, 9, mean, axes=axes, dtype=dtype)
    shifts = np.array([[[1.0, 0, 3], [0, 1, 2]], [[1, 0, -4], [0, 1, 33]]])
    there = ops.crops(ops.upload(picture), shifts, target)
    expected = HostOps().crops(picture, shifts, target)
    got = ops.download(there)
    assert got.dtype == dtype
    assert there.is_contiguous()
    np.testing.assert_allclose(got.astype(float), expected.astype(float), atol=1e-2)


def test_an_empty_batch_has_its_shape(ops: TorchOps) -> None:
    picture = ops.upload(np.zeros((8, 8, 3), np.uint8))
    there = ops.crops(picture, np.empty((0, 2, 3)), PictureInput(4, 6, dtype='uint8'))
    assert ops.download(there).shape == (0, 3, 6, 4)


def test_out_of_memory_is_an_error_of_its_own(ops: TorchOps) -> None:
    picture = ops.upload(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(OutOfMemoryError, match='no room for 2 crops of 10000000x10000000'):
        ops.crops(picture, np.zeros((2, 2, 3)), PictureInput(10_000_000, 10_000_000))
    with pytest.raises(RuntimeError, match='size of tensor'):  # a mistake of the caller
        ops.crops(picture[:, :2], np.zeros((2, 2, 3)), PictureInput(4, 4))


class Failing:
    """Stands in for a tensor whose device does not answer as it should."""

    shape = (1, 17, 4, 4)

    def __init__(self, said: str) -> None:
        self._said = said

    def max(self, *_: object) -> None:
        raise RuntimeError(self._said)

    flatten = detach = max


@pytest.mark.parametrize(('said', 'error'), [
    ('CUDA out of memory. Tried to allocate 2.00 GiB', OutOfMemoryError),
    ('CUDA error: an illegal memory access was encountered\nmore lines', ModelError),
    ('The size of tensor a must match', RuntimeError),
])
def test_a_device_that_fails_at_a_reading_is_one_sentence(
    ops: TorchOps, said: str, error: type[Exception],
) -> None:
    for read in (lambda: ops.simcc(Failing(said), Failing(said)),
                 lambda: ops.heatmaps(Failing(said)), lambda: ops.download(Failing(said))):
        with pytest.raises(error) as raised:
            read()
        assert raised.type is error and '\n' not in str(raised.value)


def test_readings_are_the_hosts(ops: TorchOps) -> None:
    device = 'cpu' if ops.device == 'torch-cpu' else ops.device
    generator = np.random.default_rng(7)
    x, y = generator.random((2, 5, 17, 384), np.float32)
    maps = generator.random((5, 17, 64, 48), np.float32)
    # Peaks on edges and in corners too.
    for joint, place in enumerate(((0, 0), (63, 47), (0, 20), (63, 20), (30, 0), (30, 47))):
        maps[:, joint, place[0], place[1]] = 2
    for got, expected in (
        (ops.simcc(torch.tensor(x, device=device), torch.tensor(y, device=device)),
         HostOps().simcc(x, y)),
        (ops.heatmaps(torch.tensor(maps, device=device)), HostOps().heatmaps(maps)),
    ):
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])
        assert got[0].dtype == got[1].dtype == np.float32


def test_a_picture_lies_in_two_places(ops: TorchOps) -> None:
    picture = Picture(np.zeros((4, 6, 3), np.uint8))
    typed: DeviceOps = ops
    assert picture.on(typed).shape == (1, 3, 4, 6)
    assert picture.on(typed) is picture.on(ops)
    assert picture.on(HostOps()) is picture.image
