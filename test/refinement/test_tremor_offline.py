"""Offline, tremor is found from its first turn and has no phase."""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement.tremor_offline import offline_tremor

RATE_HZ, BODY_PX = 30.0, 200.0


def trembling(hz: float = 5.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (T,) s, (T, 2, 2) px and the tremor of point 0 from 3 s to 8 s."""
    times_s = np.arange(300) / RATE_HZ
    within = (times_s >= 3.0) & (times_s < 8.0)
    tremor = np.zeros((300, 2, 2))
    tremor[:, 0, 0] = np.where(within, 0.02 * BODY_PX * np.sin(2 * np.pi * hz * times_s), 0.0)
    slow = 40.0 * np.sin(2 * np.pi * 0.4 * times_s)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 0.005 * BODY_PX, tremor.shape)
    return times_s, 300.0 + slow + tremor + noise, tremor


def found(
    measured: np.ndarray, times_s: np.ndarray, valid: np.ndarray | None = None,
) -> np.ndarray:
    valid = np.ones(measured.shape[:2], bool) if valid is None else valid
    return offline_tremor(measured, valid, times_s, np.full(2, BODY_PX))


def kept(answer: np.ndarray, tremor: np.ndarray, chosen: np.ndarray) -> float:
    return float((answer * tremor)[chosen].sum() / (tremor * tremor)[chosen].sum())


def test_tremor_is_whole_from_its_first_second_to_its_last() -> None:
    times_s, measured, tremor = trembling()
    answer = found(measured, times_s)
    for begin_s, end_s, least in ((3.0, 4.0, 0.75), (4.0, 7.0, 0.9), (7.0, 8.0, 0.75)):
        assert kept(answer, tremor, (times_s >= begin_s) & (times_s < end_s)) > least
    assert not answer[:, 1].any()
    assert np.abs(answer[:45]).max() < 0.2 * 0.02 * BODY_PX


def test_backwards_it_is_the_same() -> None:
    times_s, measured, _ = trembling()
    there = found(measured, times_s)
    back = found(measured[::-1], times_s)[::-1]
    np.testing.assert_allclose(there, back, atol=0.1 * 0.02 * BODY_PX)


def test_it_bridges_what_was_not_seen() -> None:
    times_s, measured, tremor = trembling()
    valid = np.ones(measured.shape[:2], bool)
    valid[150:158, 0] = False
    measured[150:158, 0] = np.nan
    answer = found(measured, times_s, valid)
    assert np.isfinite(answer).all()
    assert kept(answer, tremor, slice(150, 158)) > 0.75


def test_too_short_recordings_have_none() -> None:
    for count in (0, 1, 2):
        assert not found(np.ones((count, 2, 2)), np.arange(count) / RATE_HZ).any()
