import numpy as np
import pytest

from neuropose_ros.learning.pose_robustness.conditions import HARMS, STRENGTHS, harmed

from .people import picture, take

OTHERS = [picture(seed) for seed in (7, 8)]


@pytest.mark.parametrize('name', HARMS)
def test_every_harm_has_five_strengths_that_grow_and_repeat(name: str) -> None:
    harm, takes = HARMS[name], [take()]
    assert len(harm.levels) == len(STRENGTHS)

    away = []
    for strength in (1, 5):
        first, again = (harmed(takes, harm, strength, OTHERS) for _ in range(2))
        np.testing.assert_array_equal(first[0].shots[0].image, again[0].shots[0].image)
        shown = first[0].shots[0]
        assert shown.image.dtype == np.uint8
        whole = shown.image.shape == takes[0].shots[0].image.shape
        away.append(np.abs(shown.image.astype(int) - takes[0].shots[0].image).mean()
                    if whole and name != 'small' else 100 - shown.size_px + strength)
    assert away[0] < away[1]


def test_blur_is_as_long_as_the_person_is_large() -> None:
    rates = [HARMS[name].levels for name in ('motion_blur', 'defocus')]

    assert all(0 < level < 0.2 for levels in rates for level in levels)


def test_another_seed_draws_otherwise() -> None:
    first, other = (harmed([take()], HARMS['noise'], 3, OTHERS, seed) for seed in (0, 1))

    assert (first[0].shots[0].image != other[0].shots[0].image).any()
