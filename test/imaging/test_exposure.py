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
    exposure.correct(ramp(60))
    first = exposure.stops
    exposure.correct(ramp(63))
    drifted = exposure.stops
    exposure.correct(ramp(20))

    assert abs(drifted - first) < 0.05, 'a fifth of the change alone'
    assert exposure.stops > first + 2
    exposure.reset()
    assert exposure.stops == 0


def test_black_is_brightened_no_further_than_is_of_use() -> None:
    black = np.zeros((40, 40, 3), np.uint8)

    assert not Exposure().correct(black).any()


def test_light_about_the_limit_does_not_switch_it_on_and_off() -> None:
    exposure = Exposure(70)
    stops = []
    for brightest in (71, 73, 71, 72, 74, 71):  # the bright parts: 69 to 72
        exposure.correct(ramp(brightest))
        stops.append(exposure.stops)
    assert max(stops) < 0.3


def test_somebody_in_light_before_a_dark_room_does_not_turn_white() -> None:
    picture = np.full((480, 640, 3), 10, np.uint8)
    body = picture[140:290, 300:360]  # 2.9 % of the picture
    body[:] = np.linspace(60, 200, 150).astype(np.uint8)[:, np.newaxis, np.newaxis]
    seen = Exposure().correct(picture)[140:290, 300:360]
    assert (seen == 255).mean() < 0.2
    assert seen[0].mean() < 150  # and its shades are still apart


def test_a_lamp_does_not_keep_a_dark_room_dark() -> None:
    dark = ramp(25, (120, 160))
    dark[:8, :8] = 255
    exposure = Exposure()
    exposure.correct(dark)
    assert exposure.stops > 3
