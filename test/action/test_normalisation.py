"""Normalised keypoints do not depend on place, size or on when they are computed."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.action import normalisation
from neuropose_ros.action.normalisation import Normalisation
from neuropose_ros.core import layouts
from neuropose_ros.core.errors import DataError

LAYOUT = layouts.JHMDB15


def _clip(ticks: int = 30, dimensions: int = 2, missing: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(4)
    body = random.normal(size=(len(LAYOUT), dimensions))
    moves = np.cumsum(random.normal(scale=0.05, size=(ticks, len(LAYOUT), dimensions)), 0)
    points = (body + moves).astype(np.float32)
    points[random.random(points.shape[:2]) < missing] = np.nan
    return points


@pytest.mark.parametrize('settings', [Normalisation(), Normalisation(causal=True)])
@pytest.mark.parametrize('dimensions', [2, 3])
def test_place_and_size_do_not_matter(settings, dimensions):
    clip = _clip(dimensions=dimensions, missing=0.2)
    here, mask = normalisation.normalise(clip, LAYOUT, settings)
    there, same = normalisation.normalise(clip * 37 + 500, LAYOUT, settings)
    np.testing.assert_allclose(here, there, atol=1e-3)
    np.testing.assert_array_equal(mask, same)
    np.testing.assert_array_equal(mask, np.isfinite(clip).all(-1))
    assert here.dtype == mask.dtype == np.float32


def test_whole_clip_has_unit_bones_around_the_origin():
    points, _ = normalisation.whole_clip(_clip(), LAYOUT)
    edges = np.array(LAYOUT.edges)
    squares = ((points[:, edges[:, 0]] - points[:, edges[:, 1]]) ** 2).sum(-1)
    assert np.mean(squares) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(points.mean((0, 1)), 0, atol=1e-5)


def test_missing_joints_are_zero_and_never_nan():
    clip = _clip(missing=0.5)
    clip[7] = np.nan
    clip[:, 3] = np.nan
    clip[2, 5, 0] = np.nan  # half a joint is no joint
    for settings in (Normalisation(), Normalisation(causal=True)):
        points, mask = normalisation.normalise(clip, LAYOUT, settings)
        assert np.isfinite(points).all()
        assert not points[mask == 0].any()
        assert mask[2, 5] == 0
    nothing, mask = normalisation.whole_clip(np.full_like(clip, np.nan), LAYOUT)
    assert not nothing.any() and not mask.any()


def test_streams_of_many_tracks_give_the_numbers_of_whole_clips():
    settings = Normalisation(causal=True, memory_ticks=12)
    clips = [_clip(missing=0.3), _clip() * 9 - 4, _clip() + 100]
    state = normalisation.initial_state(3, LAYOUT, 2)
    live = []
    for tick in np.stack(clips, 1):
        state, points, _ = normalisation.advance(state, tick, LAYOUT, settings)
        live.append(points)
    for i, clip in enumerate(clips):
        offline, _ = normalisation.causal(clip, LAYOUT, settings)
        np.testing.assert_array_equal(np.stack(live)[:, i], offline)


def test_the_causal_form_does_not_see_the_future():
    clip = _clip()
    short, _ = normalisation.causal(clip[:12], LAYOUT, Normalisation(causal=True))
    full, _ = normalisation.causal(clip, LAYOUT, Normalisation(causal=True))
    np.testing.assert_array_equal(short, full[:12])


def test_who_walks_far_stays_near_the_origin():
    clip = _clip(400) + np.arange(400, dtype=np.float32)[:, None, None] * 0.5
    points, _ = normalisation.causal(clip, LAYOUT, Normalisation(causal=True, memory_ticks=10))
    assert np.abs(points[100:]).max() < 20 < np.abs(clip[-1]).min()


def test_a_gap_does_not_move_somebody_who_walks():
    walk = _clip() + np.linspace(0, 9, 30, dtype=np.float32)[:, None, None]
    gap = walk.copy()
    gap[10:-2, 4:] = np.nan
    whole, _ = normalisation.whole_clip(walk, LAYOUT)
    left, mask = normalisation.whole_clip(gap, LAYOUT)
    assert np.abs(left - whole)[mask > 0].max() < 0.2


def test_a_joint_that_comes_and_goes_does_not_move_the_others():
    still = np.repeat(_clip(1), 30, 0)
    gappy = still.copy()
    gappy[10:25:2, 13] = np.nan
    for settings in (Normalisation(), Normalisation(causal=True)):
        a, _ = normalisation.normalise(still, LAYOUT, settings)
        b, mask = normalisation.normalise(gappy, LAYOUT, settings)
        np.testing.assert_allclose(a[mask > 0], b[mask > 0], atol=1e-5)


def test_settings_survive_a_description():
    settings = Normalisation(causal=True, memory_ticks=25.0)
    assert normalisation.from_dict(settings.as_dict()) == settings
    with pytest.raises(DataError, match='memory_ticks'):
        Normalisation(memory_ticks=0)
    with pytest.raises(DataError, match='export it again'):
        normalisation.from_dict({'speed': 1})
