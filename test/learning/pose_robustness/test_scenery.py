import numpy as np
import pytest

from neuropose_ros.learning.pose_robustness import scenery
from neuropose_ros.learning.pose_robustness.scenery import Chance

from .people import HEIGHT, WIDTH, picture, shot

OTHERS = [picture(seed) for seed in (7, 8)]


def chance(seed: int = 1, frame: int = 0) -> Chance:
    return Chance((seed,), np.random.default_rng(frame), OTHERS)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(-1)


def test_an_occluder_hides_about_the_share_of_the_box_in_all_frames_alike() -> None:
    one = shot()
    shares = []
    for seed in range(12):
        hidden = changed(one.image, scenery.occluded(one, 0.3, chance(seed)).image)
        left, top, right, bottom = one.truth.boxes[0].astype(int)
        assert hidden[top:bottom, left:right].sum() > 0.3 * hidden.sum(), 'it is on the person'
        shares.append(hidden.sum() / ((right - left) * (bottom - top)))

    assert 0.15 < np.mean(shares) < 0.4
    first, second = (changed(one.image, scenery.occluded(one, 0.3, chance(1, frame)).image)
                     for frame in (0, 1))
    np.testing.assert_array_equal(first, second)


def test_clutter_covers_what_is_not_the_person() -> None:
    one = shot()
    cluttered = scenery.cluttered(one, 0.95, chance())
    body = scenery.body_mask(one)

    different = changed(one.image, cluttered.image)
    assert different[body < 0.01].mean() > 0.8
    assert not different[body > 0.999].any()
    assert body[60, 80] > 0.9 and body[5, 5] == 0


def test_more_clutter_covers_more() -> None:
    shares = [changed(shot().image, scenery.cluttered(shot(), share, chance()).image).mean()
              for share in (0.2, 0.6)]

    assert shares[0] < shares[1]


def test_somebody_far_away_is_smaller_and_the_truth_goes_along() -> None:
    far = scenery.distant(shot(), 0.5, chance())

    assert far.image.shape == (HEIGHT, WIDTH, 3)
    assert far.size_px == pytest.approx(shot().size_px / 2)
    middle = np.array([WIDTH - 1, HEIGHT - 1]) / 2
    np.testing.assert_allclose(
        far.truth.keypoints - middle, (shot().truth.keypoints - middle) / 2, atol=1e-3)


@pytest.mark.parametrize('degrees', [15.0, 90.0])
def test_a_turned_picture_is_whole_and_joints_stay_on_their_spots(degrees: float) -> None:
    one = shot()
    x, y = one.truth.keypoints[0, 8].round().astype(int)
    marked = one.image.copy()
    marked[y - 3:y + 4, x - 3:x + 4] = (0, 0, 255)
    one = type(one)(marked, one.truth)

    turned = scenery.tilted(one, degrees, chance())

    height, width = turned.image.shape[:2]
    assert ((turned.truth.keypoints > 0) & (turned.truth.keypoints < (width, height))).all()
    x, y = turned.truth.keypoints[0, 8].round().astype(int)
    assert turned.image[y, x, 2] > 200 and turned.image[y, x, :2].max() < 50
    assert turned.size_px == pytest.approx(one.size_px)
