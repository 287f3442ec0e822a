import numpy as np
import pytest

from neuropose_ros.core.pose import Image
from neuropose_ros.learning.pose_robustness import optics


def grey(level: int, side: int = 64) -> Image:
    return np.full((side, side, 3), level, np.uint8)


def dot(side: int = 41) -> Image:
    image = np.zeros((side, side, 3), np.uint8)
    image[side // 2, side // 2] = 255
    return image


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_light_there_and_back_is_the_same_picture() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)

    assert np.abs(optics.encoded(optics.linear_light(levels)).astype(int) - levels).max() <= 1


def test_a_stop_less_light_is_half_of_it() -> None:
    darker = optics.low_light(grey(200), 2.0, rng())

    light = optics.linear_light(darker).mean() / optics.linear_light(grey(200)).mean()
    assert light == pytest.approx(0.25, rel=0.02)


def test_in_less_light_noise_is_a_larger_part_of_the_picture() -> None:
    def share(stops: float) -> float:
        light = optics.linear_light(optics.low_light(grey(200), stops, rng()))
        return float(light.std() / light.mean())

    assert share(5.0) > 2 * share(2.0)


def test_a_blurred_dot_is_as_wide_as_was_said_and_keeps_its_light() -> None:
    for blur in (optics.motion_blur, optics.defocus):
        light = optics.linear_light(blur(dot(), 12.0, rng()))[..., 0]
        places = np.argwhere(light > 0)
        reach = np.linalg.norm(places[:, None] - places, axis=-1).max()

        assert 9 <= reach <= 16, blur.__name__
        assert light.sum() == pytest.approx(1.0, abs=0.15), blur.__name__


def test_a_path_is_thin_and_a_disc_is_not() -> None:
    path, disc = (int((blur(dot(), 15.0, rng())[..., 0] > 8).sum())
                  for blur in (optics.motion_blur, optics.defocus))

    assert path < 90 < disc


def test_noise_has_the_spread_that_was_said() -> None:
    noisy = optics.noise(grey(128, 128), 20.0, rng()).astype(float)

    assert noisy.std() == pytest.approx(20.0, rel=0.1)
    assert noisy.mean() == pytest.approx(128, abs=1)


def test_lower_quality_is_further_from_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

    errors = [np.abs(optics.jpeg(image, quality, rng()).astype(int) - image).mean()
              for quality in (40, 5)]
    assert errors[0] < errors[1]
