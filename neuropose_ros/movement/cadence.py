"""Cadence: steps per minute of a walking person, from the image positions of joints.

One stride (two steps) is one period of the difference between left and right foot and knee, in
any view: across the image when seen from the side, up and down from the front. The trunk rises
and falls once per step. The stride frequency is the maximum of the likelihood of sinusoids with
a quadratic trend in white noise of unknown strength, over all these signals at once (harmonic
nonlinear least squares, as in Christensen and Jakobsson 2009, Multi-Pitch Estimation; one
signal with a trend is the generalised Lomb-Scargle periodogram). Gaps and uneven times need no
interpolation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame

Array = NDArray[np.float64]

SLOWEST_STEPS_PER_MIN = 30.0
FASTEST_STEPS_PER_MIN = 200.0

_STEPS_PER_STRIDE = 2
# Shorter windows hold too little of a stride to tell it from a trend.
_MIN_STRIDES = 1.2
_MIN_DURATION_S = 2.0
# Over minutes nobody keeps one cadence; take windows.
_MAX_DURATION_S = 120.0
_MIN_RATE_HZ = 8.0
_MIN_COVERAGE = 0.5
# A foot that moves less than this share of the trunk's length (peak) is standing.
_MIN_AMPLITUDE = 0.03
_MIN_EXPLAINED = 0.5
_MAX_UNCERTAINTY = 0.05
_EVIDENCE = (JointState.MEASURED, JointState.CORRECTED, JointState.INTERPOLATED)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A cadence, or why there is none.

    Attributes:
        steps_per_min: NaN where nothing could be computed.
        uncertainty_steps_per_min: one standard deviation, from the curvature of the likelihood
            of the sharpest signal, widened for correlated residuals.
        valid: whether the value may be used.
        reason: why not; empty if valid.
        explained: share of the variance of the best foot or knee signal that the stride
            explains, 0..1.
        frames_used: frames in which the person was seen.
        window_s: from the first to the last of them.
    """

    steps_per_min: float
    uncertainty_steps_per_min: float
    valid: bool
    reason: str
    explained: float = 0.0
    frames_used: int = 0
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Signal:
    """One signal where it is known, freed of its trend, and the harmonics it must show.

    Attributes:
        times_s: (N,).
        values: (N,), in lengths of the trunk.
        trend: (N, 3) orthonormal basis of the quadratic trend.
        search: multiples of the stride frequency that identify it.
        refine: multiples fitted once the frequency is nearly known.
        of_stride: whether it is evidence of stepping by itself (feet and knees).
    """

    times_s: Array
    values: Array
    trend: Array
    search: tuple[int, ...]
    refine: tuple[int, ...]
    of_stride: bool


def cadence(frames: Sequence[PoseFrame], track_id: int) -> Cadence:
    """Return the cadence of one track over the frames.

    Args:
        frames: of one epoch and one layout, in order of time; four seconds suffice.
        track_id: whose cadence; the person may be missing in some frames.

    Raises:
        ValueError: frames of several epochs or layouts, or times that do not increase.
        LayoutError: the layout is unknown or has no feet, knees, hips or shoulders.
    """
    people = [(frame, person) for frame in frames for person in frame.persons
              if person.track_id == track_id]
    if len({(frame.epoch, frame.layout) for frame, _ in people}) > 1:
        raise ValueError('cadence needs frames of one epoch and one layout')
    stamps_ns = np.array([frame.stamp_ns for frame, _ in people], np.int64)
    if (np.diff(stamps_ns) <= 0).any():
        raise ValueError('cadence needs frames in order of time, each person once per frame')
    times_s = (stamps_ns - stamps_ns[:1]) / NS_PER_S
    window_s = float(times_s[-1]) if len(times_s) else 0.0
    if window_s < _MIN_DURATION_S:
        return _invalid(f'only {window_s:.1f} s of this person; {_MIN_DURATION_S:g} s are needed',
                        len(people), window_s)
    if window_s > _MAX_DURATION_S:
        return _invalid(f'{window_s:.0f} s are too long for one cadence; take windows of up to '
                        f'{_MAX_DURATION_S:g} s', len(people), window_s)
    if len(people) < _MIN_RATE_HZ * window_s:
        return _invalid(f'only {len(people)} frames in {window_s:.1f} s', len(people), window_s)
    signals = _signals(times_s, people[0][0].layout, [person for _, person in people])
    if not any(signal.of_stride for signal in signals):
        return _invalid('neither feet nor knees were measured often enough',
                        len(people), window_s)
    return _judge(signals, len(people), window_s)


def main_track(frames: Sequence[PoseFrame]) -> int | None:
    """Return the track id seen in most frames, or None if nobody is tracked."""
    ids = [person.track_id for frame in frames for person in frame.persons
           if person.track_id >= 0]
    return max(sorted(set(ids)), key=ids.count) if ids else None


def _invalid(reason: str, frames_used: int, window_s: float) -> Cadence:
    return Cadence(float('nan'), float('nan'), False, reason,
                   frames_used=frames_used, window_s=window_s)


def _signals(times_s: Array, layout_id: str, people: Sequence[PersonPose]) -> list[_Signal]:
    joints = layout(layout_id)
    points = np.stack([person.keypoints for person in people]).astype(np.float64)
    states = np.stack([person.keypoint_states for person in people])
    points[~np.isin(states, _EVIDENCE)] = np.nan
    at = {f'{side}_{part}': points[:, joints.index(f'{side}_{part}')]
          for side in ('left', 'right') for part in ('shoulder', 'hip', 'knee', 'ankle')}
    scale = _trunk_length(times_s, at)
    signals = [_signal(times_s, values / scale, *harmonics, of_stride=of_stride)
               for values, harmonics, of_stride in _channels(at)]
    return [signal for signal in signals if signal is not None]


def _channels(
    at: Mapping[str, Array],
) -> Iterator[tuple[Array, tuple[tuple[int, ...], tuple[int, ...]], bool]]:
    """Yield values in px, their harmonics (to find, to refine), and whether feet or knees."""
    for part in ('ankle', 'knee'):
        left, right = at[f'left_{part}'], at[f'right_{part}']
        for axis in (0, 1):
            # Alternating: shifted by half a stride the difference is its own negative, which
            # leaves odd harmonics only. Half of the true frequency therefore fits nothing.
            yield (left - right)[:, axis], ((1,), (1, 3)), True
            yield (left - at['left_hip'])[:, axis], ((1,), (1, 2)), True
            yield (right - at['right_hip'])[:, axis], ((1,), (1, 2)), True
    # Feet confused with each other spoil their difference but not its size.
    yield np.abs(at['left_ankle'] - at['right_ankle'])[:, 0], ((2,), (2, 4)), False
    for name in ('left_hip', 'right_hip', 'left_shoulder', 'right_shoulder'):
        yield at[name][:, 1], ((2,), (2,)), False


def _trunk_length(times_s: Array, at: Mapping[str, Array]) -> Array:
    """Return the trunk's length in px as a straight line over time; NaN if it is not known."""
    sides = np.stack([np.linalg.norm(at[f'{side}_shoulder'] - at[f'{side}_hip'], axis=-1)
                      for side in ('left', 'right')])
    known = np.isfinite(sides)
    seen = known.any(0)
    if seen.mean() < _MIN_COVERAGE:
        return np.full(len(times_s), np.nan)
    length = np.where(known, sides, 0).sum(0) / np.maximum(known.sum(0), 1)
    line = np.polyval(np.polyfit(times_s[seen], length[seen], 1), times_s)
    return np.where(line > 0.1 * np.median(length[seen]), line, np.nan)


def _signal(times_s: Array, values: Array, search: tuple[int, ...], refine: tuple[int, ...],
            *, of_stride: bool) -> _Signal | None:
    known = np.isfinite(values)
    if known.mean() < _MIN_COVERAGE:
        return None
    trend = np.linalg.qr(np.vander(times_s[known] / times_s[-1], 3))[0]
    free = values[known] - trend @ (trend.T @ values[known])
    return _Signal(times_s[known], free, trend, search, refine, of_stride)


def _residuals(signal: _Signal, strides_hz: Array, harmonics: tuple[int, ...]) -> Array:
    """Return (F, N): what trend and harmonics of each frequency leave unexplained."""
    phases = (2 * np.pi * strides_hz[:, np.newaxis, np.newaxis]
              * signal.times_s[:, np.newaxis] * np.asarray(harmonics))
    waves = np.concatenate([np.cos(phases), np.sin(phases)], -1)
    basis = np.linalg.qr(waves - signal.trend @ (signal.trend.T @ waves))[0]
    weights = (basis.transpose(0, 2, 1) @ signal.values)[..., np.newaxis]
    residuals: Array = signal.values - (basis @ weights)[..., 0]
    return residuals


def _explained(signal: _Signal, strides_hz: Array, harmonics: tuple[int, ...]) -> Array:
    """Return (F,): share of the variance that each frequency explains, short of 1."""
    total = float((signal.values ** 2).sum())
    if total < 1e-12 * len(signal.values):
        return np.zeros(len(strides_hz))
    left = (_residuals(signal, strides_hz, harmonics) ** 2).sum(-1)
    # No real signal is explained to the last digit; an exact one must not silence the others.
    explained: Array = np.clip(1 - left / total, 0, 1 - 1e-6)
    return explained


def _log_likelihood(signal: _Signal, strides_hz: Array, harmonics: tuple[int, ...]) -> Array:
    return -len(signal.times_s) / 2 * np.log1p(-_explained(signal, strides_hz, harmonics))


def _stride_hz(signals: Sequence[_Signal], window_s: float) -> float:
    """Return the most likely stride frequency: a coarse search, then two finer ones."""
    lowest_hz = max(SLOWEST_STEPS_PER_MIN / 60 / _STEPS_PER_STRIDE, _MIN_STRIDES / window_s)
    highest_hz = FASTEST_STEPS_PER_MIN / 60 / _STEPS_PER_STRIDE
    step_hz = min(0.02, 0.1 / window_s)
    grid = np.arange(lowest_hz, highest_hz + step_hz / 2, step_hz)
    likelihood = sum(_log_likelihood(signal, grid, signal.search) for signal in signals)
    best = float(grid[np.argmax(likelihood)])
    for _ in range(2):
        grid = np.clip(best + step_hz * np.linspace(-1, 1, 21), lowest_hz, highest_hz)
        likelihood = sum(_log_likelihood(signal, grid, signal.refine) for signal in signals)
        best, step_hz = float(grid[np.argmax(likelihood)]), step_hz / 10
    return best


def _standard_deviation_hz(signals: Sequence[_Signal], stride_hz: float, window_s: float) -> float:
    """Return one standard deviation of the stride frequency, from the sharpest signal alone.

    The signals are views of one movement, so their information does not add up.
    """
    delta_hz = 0.02 / window_s
    around = stride_hz + delta_hz * np.array([-1, 0, 1])
    best = float('inf')
    for signal in signals:
        below, here, above = _log_likelihood(signal, around, signal.refine)
        curvature = (2 * here - below - above) / delta_hz ** 2
        residual = _residuals(signal, around[1:2], signal.refine)[0]
        power = float(residual @ residual)
        correlation = float(residual[1:] @ residual[:-1]) / power if power > 0 else 0.0
        correlation = min(max(correlation, 0.0), 0.99)
        if curvature > 0:
            best = min(best, float(np.sqrt((1 + correlation) / (1 - correlation) / curvature)))
    return best


def _judge(signals: Sequence[_Signal], frames_used: int, window_s: float) -> Cadence:
    stride_hz = _stride_hz(signals, window_s)
    at = np.array([stride_hz])
    feet = [signal for signal in signals if signal.of_stride]
    explained = [float(_explained(signal, at, signal.search)[0]) for signal in feet]
    moving = [share for signal, share in zip(feet, explained, strict=True)
              if np.sqrt(2 * share * (signal.values ** 2).mean()) >= _MIN_AMPLITUDE]
    per_min = 60 * _STEPS_PER_STRIDE
    deviation_hz = _standard_deviation_hz(signals, stride_hz, window_s)
    reason = ''
    if not moving:
        reason = 'the feet do not move'
    elif max(moving) < _MIN_EXPLAINED:
        reason = f'no rhythm: strides explain {100 * max(moving):.0f} % of the movement'
    elif deviation_hz > _MAX_UNCERTAINTY * stride_hz:
        reason = f'uncertain by {100 * deviation_hz / stride_hz:.0f} %'
    elif stride_hz * window_s < _MIN_STRIDES:
        reason = f'only {stride_hz * window_s:.1f} strides in {window_s:.1f} s'
    return Cadence(per_min * stride_hz, per_min * deviation_hz, not reason, reason,
                   max(moving, default=0.0), frames_used, window_s)
