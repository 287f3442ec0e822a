"""The guard keeps tremor, whole and in phase, and stays shut on everything else."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.refinement.tremor import TremorGuard

BODY_PX = 200.0
NOISE = 0.005  # body sizes


def moving(
    hz: float, *, amplitude: float = 0.02, rate_hz: float = 30.0, seconds: float = 6.0,
    points: int = 4, noise: float = NOISE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, N, 2) px measured and the tremor in it, of which only point 0 has one."""
    rng = np.random.default_rng(0)
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    slow = np.sin(2 * np.pi * 0.4 * times_s)[:, None, None] * np.array((40.0, 10.0))
    tremor = np.zeros((len(times_s), points, 2))
    tremor[:, 0] = BODY_PX * amplitude * np.sin(2 * np.pi * hz * times_s)[:, None] * (0.8, 0.6)
    errors = rng.normal(0, noise * BODY_PX, tremor.shape)
    return 300.0 + slow + tremor + errors, tremor


def follow(
    guard: TremorGuard, measured: np.ndarray, rate_hz: float = 30.0,
    valid: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, N, D) the tremor and (T, N) whether it was there."""
    sizes = np.full(measured.shape[1], BODY_PX)
    valid = np.ones(measured.shape[:2], bool) if valid is None else valid
    kept = np.zeros_like(measured)
    open_ = np.zeros(measured.shape[:2], bool)
    for i, points in enumerate(measured):
        kept[i] = guard.step(points, valid[i], 1 / rate_hz, sizes)
        open_[i] = guard.open
    return kept, open_


@pytest.mark.parametrize('hz', [3.3, 5.0, 7.75, 11.2])
@pytest.mark.parametrize('rate_hz', [30.0, 60.0, 120.0])
def test_tremor_is_kept_whole_and_in_phase(hz: float, rate_hz: float) -> None:
    measured, tremor = moving(hz, rate_hz=rate_hz)
    guard = TremorGuard(4, 2)
    kept, open_ = follow(guard, measured, rate_hz)
    settled = slice(round(2.5 * rate_hz), None)
    share = (kept * tremor)[settled].sum() / (tremor * tremor)[settled].sum()
    assert share == pytest.approx(1.0, abs=0.12)
    left = (kept - tremor)[settled, 0].std() / tremor[settled, 0].std()
    assert left < 0.35
    assert guard.frequency_hz[0] == pytest.approx(hz, abs=0.1)
    assert guard.amplitude[0] == pytest.approx(0.02, rel=0.25)
    assert np.isnan(guard.frequency_hz[1:]).all()
    assert not open_[:, 1:].any()


def test_the_phase_has_no_delay() -> None:
    measured, tremor = moving(6.0, noise=0.0)
    kept, _ = follow(TremorGuard(4, 2), measured)
    late = [(kept[100:, 0] * tremor[100 - lag:len(tremor) - lag, 0]).sum() for lag in (0, 1)]
    assert late[0] > 1.3 * late[1]
    np.testing.assert_allclose(kept[120:, 0], tremor[120:, 0], atol=0.1 * 0.02 * BODY_PX)


def test_noise_does_not_open_it() -> None:
    measured = np.random.default_rng(1).normal(0, 0.02 * BODY_PX, (600, 17, 2))
    _, open_ = follow(TremorGuard(17, 2), measured)
    assert open_.mean() < 0.03


def test_the_harmonics_of_a_stride_do_not_open_it() -> None:
    times_s = np.arange(300) / 30.0
    stride = sum(np.sin(2 * np.pi * 0.95 * k * times_s + k) / k ** 2.5 for k in range(1, 12))
    measured = np.zeros((300, 2, 2)) + 0.2 * BODY_PX * stride[:, None, None]
    measured += np.random.default_rng(0).normal(0, NOISE * BODY_PX, measured.shape)
    _, open_ = follow(TremorGuard(2, 2), measured)
    assert open_.mean() < 0.03


def test_a_reach_does_not_open_it() -> None:
    share = np.clip((np.arange(150) - 60) / 15.0, 0, 1)
    reach = 0.3 * BODY_PX * (10 * share ** 3 - 15 * share ** 4 + 6 * share ** 5)
    measured = np.repeat(reach[:, None, None], 2, axis=2)
    kept, _ = follow(TremorGuard(1, 2), measured)
    assert not kept.any()


def test_tremor_goes_on_where_it_is_not_seen() -> None:
    measured, tremor = moving(5.0)
    valid = np.ones(measured.shape[:2], bool)
    valid[120:130, 0] = False
    measured[120:130, 0] = np.nan
    kept, open_ = follow(TremorGuard(4, 2), measured, valid=valid)
    assert open_[119:, 0].all()
    gap = slice(120, 130)
    share = (kept * tremor)[gap].sum() / (tremor * tremor)[gap].sum()
    assert share > 0.7


def test_after_a_gap_nothing_is_upset() -> None:
    measured, tremor = moving(5.0)
    valid = np.ones(measured.shape[:2], bool)
    valid[120:130, 0] = False
    guard = TremorGuard(4, 2)
    follow(guard, measured[:130], valid=valid[:130])
    assert guard.frequency_hz[0] == pytest.approx(5.0, abs=0.1)
    kept, _ = follow(guard, measured[130:])
    wrong = (kept - tremor[130:])[:15, 0]
    assert np.abs(wrong).max() < 0.6 * 0.02 * BODY_PX


def test_what_is_expected_comes() -> None:
    measured, tremor = moving(5.0)
    guard = TremorGuard(4, 2)
    sizes, valid = np.full(4, BODY_PX), np.ones(4, bool)
    expected = np.zeros_like(measured)
    for i, points in enumerate(measured):
        expected[i] = guard.expected(1 / 30)
        guard.step(points, valid, 1 / 30, sizes)
    assert guard.any_open
    assert (expected - tremor)[75:, 0].std() < 0.35 * tremor[75:, 0].std()


@pytest.mark.parametrize('hz', [4.75, 7.75])
def test_it_begins_in_phase(hz: float) -> None:
    measured, tremor = moving(hz, noise=0.001)
    kept, open_ = follow(TremorGuard(4, 2), measured)
    first = int(open_[:, 0].argmax())
    begun = slice(first, first + 4)
    wrong = np.abs(kept - tremor)[begun, 0].max()
    assert wrong < 0.36 * 0.02 * BODY_PX


def test_weak_tremor_is_found_in_time() -> None:
    measured, _ = moving(6.2, amplitude=0.01)
    _, open_ = follow(TremorGuard(4, 2), measured)
    assert 0 < open_[:, 0].argmax() < 36


def test_what_nobody_sees_does_not_open_it() -> None:
    measured, _ = moving(6.0, amplitude=0.001, noise=0.0)
    _, open_ = follow(TremorGuard(4, 2), measured)
    assert not open_.any()


def test_it_closes_when_the_tremor_ends() -> None:
    measured, tremor = moving(5.0)
    measured[120:] -= tremor[120:]
    _, open_ = follow(TremorGuard(4, 2), measured)
    assert open_[119, 0]
    assert not open_[-1, 0]


def test_it_follows_to_another_frequency() -> None:
    measured, _ = moving(5.0, seconds=4.0)
    other, later = moving(8.5, seconds=4.0)
    guard = TremorGuard(4, 2)
    kept, _ = follow(guard, np.concatenate((measured, other)))
    assert guard.frequency_hz[0] == pytest.approx(8.5, abs=0.1)
    share = (kept[180:] * later[60:]).sum() / (later[60:] * later[60:]).sum()
    assert share == pytest.approx(1.0, abs=0.12)


def test_points_change_places() -> None:
    measured, _ = moving(5.0)
    straight, moved = TremorGuard(4, 2), TremorGuard(4, 2)
    follow(straight, measured[:120])
    follow(moved, measured[:120])
    order = np.array((3, -1, 0, 1, 2))
    moved.arrange(order)
    assert moved.open.tolist() == [False, False, True, False, False]
    late = np.where((order < 0)[None, :, None], 5.0, measured[120:, order])
    after, _ = follow(moved, late)
    np.testing.assert_allclose(
        after[:, [2, 3, 4, 0]], follow(straight, measured[120:])[0], atol=1e-6)
    moved.arrange(np.zeros(0, np.intp))
    assert not moved.any_open


def test_forgotten_points_are_new() -> None:
    measured, _ = moving(5.0)
    guard = TremorGuard(4, 2)
    follow(guard, measured[:120])
    guard.forget(np.array((True, False, False, False)))
    assert not guard.any_open
    assert not follow(guard, measured[120:130])[0].any()


def test_a_long_gap_is_a_new_beginning() -> None:
    measured, _ = moving(5.0)
    guard = TremorGuard(4, 2)
    follow(guard, measured[:120])
    assert guard.any_open
    guard.step(measured[120], np.ones(4, bool), 0.3, np.full(4, BODY_PX))
    assert not guard.any_open


def test_a_jump_is_not_heard() -> None:
    measured, tremor = moving(5.0)
    measured[90:] += 3 * BODY_PX
    kept, open_ = follow(TremorGuard(4, 2), measured)
    assert open_[85:, 0].all()
    assert not open_[:, 1:].any()
    assert np.abs(kept - tremor)[90:, 0].max() < 0.8 * 0.02 * BODY_PX


@pytest.mark.parametrize('bad', [np.nan, np.inf, 1e30])
def test_no_value_makes_it_lose_its_head(bad: float) -> None:
    measured, _ = moving(5.0)
    measured[::7, :2] = bad
    with np.errstate(all='ignore'):
        kept, _ = follow(TremorGuard(4, 2), measured)
    assert np.isfinite(kept).all()


def test_the_band_ends_where_the_rate_cannot_tell() -> None:
    measured, _ = moving(9.5, rate_hz=20.0, noise=0.001)
    guard = TremorGuard(4, 2)
    assert guard.highest_hz == 12.0
    _, open_ = follow(guard, measured, 20.0)
    assert guard.highest_hz == pytest.approx(8.0)
    assert not open_.any()


def test_three_dimensions() -> None:
    measured, tremor = moving(5.0)
    deep, true = (np.concatenate((x, x[..., :1]), axis=2) for x in (measured, tremor))
    kept, _ = follow(TremorGuard(4, 3), deep)
    assert (kept * true)[60:].sum() / (true * true)[60:].sum() == pytest.approx(1.0, abs=0.12)
