"""The tremor bench says what a method does, of methods whose effect is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from neuropose_ros.cli.bench import refinement_tremor as bench
from neuropose_ros.cli.bench.refinement_tremor_tracks import (
    RATE_HZ,
    WHITE,
    Track,
    coloured_noise,
    standing,
)
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

Tracks = Sequence[np.ndarray]


def same(found: Tracks) -> list[np.ndarray]:
    return list(found)


def late(found: Tracks) -> list[np.ndarray]:
    return [np.concatenate((points[:1], points[:-1])) for points in found]


def smooth(found: Tracks) -> list[np.ndarray]:
    weights = np.ones(5) / 5
    return [np.apply_along_axis(np.convolve, 0, points, weights, 'same') for points in found]


@pytest.fixture(scope='module')
def track() -> Track:
    """A standing figure whose wrists tremble with 6 Hz and 9 Hz from 1 s on, for 10 s."""
    rng = np.random.default_rng(0)
    times_s = np.arange(300) / RATE_HZ
    clean = np.repeat(standing()[None], 300, axis=0)
    joints = np.array([JHMDB15.index('left_wrist'), JHMDB15.index('right_wrist')])
    hz, tremor = np.array((6.0, 9.0)), np.zeros_like(clean)
    tremor[:, joints, 0] = np.where(
        times_s[:, None] >= 1, 0.02 * np.sin(2 * np.pi * hz * times_s[:, None]), 0.0)
    return Track('made up', clean, tremor, rng.normal(0, WHITE, clean.shape), joints, hz,
                 np.full(2, 0.02), np.ones(2), np.tile((1.0, 0.0), (2, 1)))


def test_what_changes_nothing_keeps_tremor_and_noise(track: Track) -> None:
    figures = bench.judge(same, [track])
    assert figures['tremor_kept'] == pytest.approx(1.0, abs=0.1)
    assert figures['tremor_hz_error'] < 0.02
    assert figures['tremor_noise_reduction'] == pytest.approx(0.0, abs=1e-9)
    assert figures['tremor_error_reduction'] == pytest.approx(0.0, abs=1e-9)
    assert bench.delay_frames(same) == pytest.approx(0.0, abs=0.15)


def test_an_average_loses_tremor_and_noise(track: Track) -> None:
    figures = bench.judge(smooth, [track])
    assert figures['tremor_kept'] < 0.2
    assert figures['tremor_noise_reduction'] > 0.5


def test_a_frame_of_delay_is_one_frame(track: Track) -> None:
    assert bench.delay_frames(late) - bench.delay_frames(same) == pytest.approx(1.0, abs=0.1)
    gain = bench.response(late)
    np.testing.assert_allclose(np.abs(gain), 1.0, atol=0.1)
    delays = -np.angle(gain) / (2 * np.pi * bench.CURVE_HZ) * RATE_HZ
    np.testing.assert_allclose(delays[bench.CURVE_HZ >= 2.0], 1.0, atol=0.2)


def test_the_stage_keeps_tremor_that_it_would_smooth_away(track: Track) -> None:
    def stage(*, protect: bool) -> bench.Method:
        return bench.stage_method(lambda: RefinementStage(RefinementParameters(
            noise_confident=0.02, acceleration=1.0, calm_acceleration=1.0,
            protect_tremor=protect)))

    kept = bench.judge(stage(protect=True), [track])['tremor_kept_settled']
    lost = bench.judge(stage(protect=False), [track])['tremor_kept_settled']
    assert kept > 0.9
    assert lost < 0.5


def test_the_guard_finds_the_tremor(track: Track) -> None:
    figures = bench.guard_figures([track])
    assert figures['tremor_found'] == 1.0
    assert figures['tremor_hz_error_online'] < 0.1
    assert figures['tremor_open_falsely'] < 0.05


def test_coloured_noise_is_stronger_where_it_is_slow() -> None:
    noise = coloured_noise((6000, 4), np.random.default_rng(0))
    power = (np.abs(np.fft.rfft(noise, axis=0)) ** 2).mean(axis=1)
    hz = np.fft.rfftfreq(6000, 1 / RATE_HZ)
    assert power[(hz > 0.1) & (hz < 1)].mean() > 5 * power[hz > 10].mean()
    assert noise.std() == pytest.approx(0.0147, rel=0.05)


def test_curves_become_a_picture() -> None:
    curve = np.ones(len(bench.CURVE_HZ), complex)
    assert bench.plot({'causal': curve, 'one_euro': 0.5 * curve}).startswith(b'\x89PNG')
