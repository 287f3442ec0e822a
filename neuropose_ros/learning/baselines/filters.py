"""Filters that are in use for poses: One-Euro, constant-velocity Kalman, median, Gaussian."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.ndimage import correlate1d, median_filter

from neuropose_ros.learning.baselines.gaps import Between, Hold, drift
from neuropose_ros.learning.baselines.tracks import Tracks, Values, frame_s


@dataclass(frozen=True)
class OneEuro:
    """The One-Euro filter (Casiez et al. 2012), of each joint, in body sizes; gaps are held.

    Attributes:
        min_cutoff_hz: at rest.
        slope: Hz gained for a speed of one body size a second.
        speed_cutoff_hz: of the speed.
        least_score: of a joint that counts as seen.
        with_body: whether a held joint moves as those that are seen do.
    """

    min_cutoff_hz: float = 1.0
    slope: float = 20.0
    speed_cutoff_hz: float = 1.0
    least_score: float = 0.0
    with_body: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the filtered points."""
        filled = Hold(self.least_score, self.with_body)(tracks)
        out: Values = filled.copy()
        speed = np.zeros_like(filled[:, 0])
        for frame in range(1, filled.shape[1]):
            size = tracks.sizes[:, frame, None, None]
            step = (filled[:, frame] - filled[:, frame - 1]) / (frame_s() * size)
            speed += _share(self.speed_cutoff_hz) * (step - speed)
            fast = np.linalg.norm(speed, axis=-1, keepdims=True)
            share = _share(self.min_cutoff_hz + self.slope * fast)
            out[:, frame] = out[:, frame - 1] + share * (filled[:, frame] - out[:, frame - 1])
        return out


@dataclass(frozen=True)
class Median:
    """Centred median over `frames`; gaps are filled by lines first."""

    frames: int = 5
    least_score: float = 0.0
    with_body: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the filtered points."""
        filled = Between('linear', self.least_score, self.with_body)(tracks)
        return np.asarray(median_filter(filled, size=(1, self.frames, 1, 1), mode='nearest'))


@dataclass(frozen=True)
class Gaussian:
    """Centred Gaussian whose weights also grow with the score; gaps are filled by lines first.

    Attributes:
        sigma_frames: width.
        power: of the score in a weight.
        least_score: of a joint that counts as seen.
    """

    sigma_frames: float = 1.5
    power: float = 0.0
    least_score: float = 0.0
    with_body: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the filtered points."""
        filled = Between('linear', self.least_score, self.with_body)(tracks)
        inside = np.arange(filled.shape[1]) < np.array(tracks.lengths)[:, None]
        weights = np.where(np.isfinite(filled[..., 0]) & inside[..., None],
                           np.maximum(tracks.scores, 0.05) ** self.power, 0.0)[..., None]
        reach = int(np.ceil(3 * self.sigma_frames))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.sigma_frames) ** 2)
        sums = correlate1d(np.nan_to_num(filled) * weights, kernel, axis=1, mode='constant')
        total = correlate1d(weights, kernel, axis=1, mode='constant')
        return np.where(total > 0, sums / np.maximum(total, 1e-12), np.nan)


class Estimates(NamedTuple):
    """Points (N, T, K, 2), px, and their variance (N, T, K) for each axis, px^2."""

    points: Values
    variances: Values


@dataclass(frozen=True)
class Kalman:
    """A Kalman filter of constant velocity for each joint; noise falls with the score.

    Attributes:
        noise_sure: deviation of a measurement of score 1, in body sizes.
        noise_unsure: of score 0; between the two, the logarithm is linear in the score.
        acceleration: deviation of the acceleration, body sizes/s^2.
        decay_s: time constant with which a velocity ends while nothing is measured.
        gate: innovations beyond so many deviations count as if at it (Huber's weights).
        least_score: of a joint that counts as measured.
        with_body: whether joints are filtered relative to how the body has moved.
        smooth: whether to smooth backwards over the clip (Rauch, Tung and Striebel 1965).
    """

    noise_sure: float = 0.01
    noise_unsure: float = 0.1
    acceleration: float = 10.0
    decay_s: float = 0.3
    gate: float = 3.0
    least_score: float = 0.0
    with_body: bool = False
    smooth: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the filtered points."""
        return self.estimate(tracks).points

    def estimate(self, tracks: Tracks) -> Estimates:
        """Return the filtered points with their variance."""
        moved = drift(tracks.seen(self.least_score)) if self.with_body else 0.0
        run = _KalmanRun(self, replace(tracks, points=tracks.points - moved))
        run.forward()
        if self.smooth:
            run.backward()
        ever = np.asarray(run.known.any(1))[:, None]
        return Estimates(np.where(ever[..., None], run.state[..., 0, :] + moved, np.nan),
                         np.where(ever, run.covariance[..., 0, 0], np.nan))


class _KalmanRun:
    """States (N, T, K, 2, 2: position and velocity, axis) and what led to them."""

    def __init__(self, filter_: Kalman, tracks: Tracks) -> None:
        self.filter, self.tracks = filter_, tracks
        shape = tracks.points.shape[:3]
        self.state = np.zeros((*shape, 2, 2))
        self.covariance = np.zeros((*shape, 2, 2))
        self.predicted = np.zeros((*shape, 2, 2))
        self.predicted_covariance = np.zeros((*shape, 2, 2))
        self.transition = np.zeros((*shape, 2, 2))
        self.points = tracks.seen(filter_.least_score)
        self.known = np.asarray(np.isfinite(self.points[..., 0]))
        self.noise = tracks.sizes[..., None] * np.exp(
            np.log(filter_.noise_unsure) + tracks.scores * np.log(
                filter_.noise_sure / filter_.noise_unsure))

    def forward(self) -> None:
        first = Hold(self.filter.least_score)(self.tracks)[:, 0]
        size = self.tracks.sizes[:, 0, None]
        self.state[:, 0, :, 0] = np.nan_to_num(first)
        self.covariance[:, 0, :, 0, 0] = np.where(
            self.known[:, 0], self.noise[:, 0] ** 2, size ** 2)
        self.covariance[:, 0, :, 1, 1] = (2.0 * size) ** 2
        for frame in range(1, self.state.shape[1]):
            self._predict(frame)
            self._correct(frame)

    def backward(self) -> None:
        """Smooth; frames beyond a clip's end are predictions alone, which change nothing."""
        for frame in range(self.state.shape[1] - 2, -1, -1):
            turned = np.swapaxes(self.transition[:, frame + 1], -1, -2)
            gain = self.covariance[:, frame] @ turned @ np.linalg.inv(
                self.predicted_covariance[:, frame + 1])
            self.state[:, frame] += gain @ (
                self.state[:, frame + 1] - self.predicted[:, frame + 1])
            change = self.covariance[:, frame + 1] - self.predicted_covariance[:, frame + 1]
            self.covariance[:, frame] += gain @ change @ np.swapaxes(gain, -1, -2)

    def _predict(self, frame: int) -> None:
        dt_s = frame_s()
        kept = np.where(self.known[:, frame], 1.0, np.exp(-dt_s / self.filter.decay_s))
        move = np.zeros((*kept.shape, 2, 2))
        move[..., 0, 0], move[..., 0, 1], move[..., 1, 1] = 1.0, dt_s * kept, kept
        density = (self.filter.acceleration * self.tracks.sizes[:, frame, None]) ** 2 * dt_s
        noise = density[..., None, None] * np.array(
            ((dt_s ** 3 / 3, dt_s ** 2 / 2), (dt_s ** 2 / 2, dt_s)))
        self.transition[:, frame] = move
        self.predicted[:, frame] = move @ self.state[:, frame - 1]
        self.predicted_covariance[:, frame] = (
            move @ self.covariance[:, frame - 1] @ np.swapaxes(move, -1, -2) + noise)

    def _correct(self, frame: int) -> None:
        state, covariance = self.predicted[:, frame], self.predicted_covariance[:, frame]
        known = self.known[:, frame]
        innovation = np.where(
            known[..., None], self.points[:, frame] - state[..., 0, :], 0.0)
        variance = self.noise[:, frame] ** 2
        expected = covariance[..., 0, 0] + variance
        far = np.sqrt((innovation ** 2).sum(-1) / expected) / self.filter.gate
        variance = np.where(far > 1.0, variance + expected * (far - 1.0), variance)
        gain = np.where(known[..., None], covariance[..., :, 0] / (
            covariance[..., 0, 0] + variance)[..., None], 0.0)
        self.state[:, frame] = state + gain[..., None] * innovation[..., None, :]
        self.covariance[:, frame] = covariance - gain[..., None] * covariance[..., None, 0, :]


def _share(cutoff_hz: Values | float) -> Values:
    """Return the share of the new value in an exponential filter of a cut-off."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff_hz) * frame_s())))
