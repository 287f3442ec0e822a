"""Learning how lively joints are in actions."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError, LabelError
from neuropose_ros.learning.refiner.context import learn_prior
from neuropose_ros.learning.refiner.pairs import TRUTH_LAYOUT, Pair
from neuropose_ros.refinement.canonical import CORE_JOINTS

LABELS = LabelSet('two', ('sit', 'wave', 'never seen'))
WRIST = CORE_JOINTS.index('left_wrist')


def pair(action: str, seed: int, wrist_px: float) -> Pair:
    rng = np.random.default_rng(seed)
    body = rng.uniform(0, 100, (1, len(TRUTH_LAYOUT), 2))
    points = body + rng.normal(0, 1.0, (20, len(TRUTH_LAYOUT), 2))
    points[:, TRUTH_LAYOUT.index('left_wrist')] += rng.normal(0, wrist_px, (20, 2))
    truth = points.astype(np.float32)
    empty = np.zeros((20, 17, 2), np.float32)
    return Pair(f'{action}/{seed}', action, str(seed), True, empty, empty[..., 0], truth)


def test_a_joint_that_moves_more_in_an_action_is_expected_to() -> None:
    pairs = [pair('wave', seed, 6.0) for seed in range(8)] + [
        pair('sit', seed, 0.0) for seed in range(8, 16)]
    prior = learn_prior(pairs, LABELS)
    sit, wave, never = prior.factors
    assert prior.label_set == LABELS.id
    assert wave[WRIST] > 1.5 > 0.7 > sit[WRIST]
    np.testing.assert_allclose(np.delete(wave, WRIST), 1, atol=0.7)
    np.testing.assert_array_equal(never, 1)


def test_few_clips_say_little() -> None:
    many = [pair('sit', seed, 0.0) for seed in range(8, 24)]
    one = learn_prior([pair('wave', 0, 6.0), *many], LABELS).factors[1, WRIST]
    waves = [pair('wave', seed, 6.0) for seed in range(5)]
    assert 1 < one < learn_prior([*waves, *many], LABELS).factors[1, WRIST]


def test_eyes_and_ears_move_with_the_face() -> None:
    factors = learn_prior([pair('sit', 1, 0.0), pair('wave', 2, 3.0)], LABELS).factors
    nose, eye = CORE_JOINTS.index('nose'), CORE_JOINTS.index('left_eye')
    np.testing.assert_array_equal(factors[:, eye], factors[:, nose])


def test_an_unknown_action_and_no_clips_are_refused() -> None:
    with pytest.raises(LabelError, match='fly'):
        learn_prior([pair('fly', 0, 0.0)], LABELS)
    with pytest.raises(DataError, match='none'):
        learn_prior([], LABELS)
