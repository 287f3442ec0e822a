import numpy as np

from neuropose_ros.imaging.exposure import Exposure, Image, bright_level, brightened


def ramp(brightest: int, shape: tuple[int, int] = (60, 80)) -> Image:
    row = np.linspace(0, brightest, shape[1]).astype(np.uint8)
    return np.broadcast_to(row[np.newaxis, :, np.newaxis], (*shape, 3)).copy()


def test_a_bright_picture_is_left_as_it_is() -> None:
    picture = ramp(220)
    exposure = Exposure()

    assert exposure.correct(picture) is picture
    assert exposure.stops == 0


def test_a_dark_picture_becomes_as_bright_as_others() -> None:
    dark = ramp(30)
    exposure = Exposure()

    bright = exposure.correct(dark)

    assert 180 < bright_level(bright) < 225
    assert bright.dtype == np.uint8 and bright.shape == dark.shape
    assert bright_level(dark) < 31, 'the picture that was given stays dark'


def test_a_stop_is_twice_the_light() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)

    # sRGB: 100 is 0.1274 of white's light, 0.2548 is 138.
    assert abs(int(brightened(grey, 1.0)[0, 0, 0]) - 138) <= 1


def test_much_brightening_takes_noise_off() -> None:
    noisy = np.random.default_rng(0).integers(0, 20, (80, 80, 3), np.uint8)

    little = brightened(noisy, 1.0).astype(float)
    much = brightened(noisy, 4.0).astype(float)

    assert much.std() / much.mean() < 0.6 * little.std() / little.mean()


def test_light_that_drifts_is_followed_without_flicker_and_a_switch_at_once() -> None:
    exposure = Exposure()
    exposure.correct(ramp(80))
    first = exposure.stops
    exposure.correct(ramp(84))
    drifted = exposure.stops
    exposure.correct(ramp(20))

    assert abs(drifted - first) < 0.05, 'a fifth of the change alone'
    assert exposure.stops > first + 2
    exposure.reset()
    assert exposure.stops == 0


def test_black_is_brightened_no_further_than_is_of_use() -> None:
    black = np.zeros((40, 40, 3), np.uint8)

    assert not Exposure().correct(black).any()
