"""Tremor is signal: follows coherent narrow-band movement of 3 to 12 Hz in noisy positions.

A constant-velocity filter of fixed, short memory takes slow movement off every point. A bank of
resonators (complex demodulation, each behind two low-pass stages in a row, as the bins of the
band-limited multiple Fourier linear combiner of Veluvolu and Ang 2011) listens to what is left.
Where one of them stands out from its neighbours and from slower movement, the point trembles: the
rate at which its phase turns is the frequency, and an oscillator that rotates at that frequency
(the adaptive Fourier linear combiner of Riviere, Rader and Thakor 1998) follows the tremor without
a delay. The response of the first filter is known and divided out. Taken off the measurements
before another filter and added to its result, tremor passes whatever that filter does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.refinement.filters import Mask, Values, rearranged, some

Waves = NDArray[np.complex128]
Power = NDArray[np.float32]
Rows = NDArray[np.intp]

LOWEST_HZ, HIGHEST_HZ = 3.0, 12.0
# Beyond this share of the frame rate a resonator hears its own mirror image.
RATE_SHARE = 0.4

# The bank begins below the band: voluntary movement has harmonics that reach into it.
_BANK_HZ = np.arange(1.5, 12.6, 0.5)
_FIRST = int(np.searchsorted(_BANK_HZ, LOWEST_HZ))
_SPACING_HZ = 0.5
_MEMORY_S = 0.04  # of the filter that takes slow movement off
_STAGE_S = 0.45  # time constant of each of the two low-pass stages
_FLOOR_BINS = 8  # the noise floor of a resonator: so many neighbours, but for the nearest one
# Opens at this many times the floor: with steady noise about 2 % of a joint's frames are open,
# which adds a fifth of the noise to them. It stays open well below, as amplitudes vary.
_OPENS, _CLOSES = 8.0, 2.5
_LEAST_AMPLITUDE = 0.003  # body sizes: nobody sees less
_FREQUENCY_S = 1.0  # averaging of the frequency
# The oscillator follows fast at first; its time constant grows by a share of its age.
_FIRST_S, _SETTLED_S, _SETTLING = 0.1, 0.3, 0.2
_LONGEST_STEP_S = 0.25  # the phase of a tremor is not known any more after such a gap
_FARTHEST = 0.25  # body sizes: a larger residual is a jump
_RATE_S = 1.0  # averaging of the frame rate


class TremorGuard:
    """Follows the tremor of N points in D dimensions, frame by frame."""

    def __init__(self, rows: int, dims: int) -> None:
        """Start with ``rows`` unknown points of ``dims`` dimensions."""
        self._dims = dims
        self._carrier = np.ones(len(_BANK_HZ), np.complex128)
        self._dt_s = self._mean_dt_s = 0.0
        self._turns: Waves = self._carrier
        self._least: Values  # (bank,) power below which nothing opens
        self._position: Values
        self._velocity: Values
        self._scale: Values
        self._slow: NDArray[np.complex64]  # (bank, N, D) behind the first low-pass stage
        self._slower: NDArray[np.complex64]  # behind the second one
        # Of the open points alone, in rising order of their rows:
        self._at: Rows
        self._bin: Rows
        self._hz: Values
        self._weight: Values  # of the frequency
        self._age_s: Values
        self._wave: Waves  # (open, D) half the amplitude, in the residual
        self._tremor: Waves  # (open, D) the same without the high-pass
        self._forget_all(rows)

    @property
    def any_open(self) -> bool:
        """Whether some point trembles."""
        return bool(len(self._at))

    @property
    def open(self) -> Mask:
        """(N,) points that tremble."""
        mask = np.zeros(len(self._position), bool)
        mask[self._at] = True
        return mask

    @property
    def frequency_hz(self) -> Values:
        """(N,) of the tremor, NaN where there is none."""
        return self._spread(self._hz)

    @property
    def amplitude(self) -> Values:
        """(N,) of the tremor, from the middle to its end, in body sizes; NaN where is none."""
        return self._spread(2.0 * np.linalg.norm(self._tremor, axis=1))

    @property
    def highest_hz(self) -> float:
        """The upper end of the band: below 12 Hz where there are less than 30 frames a second."""
        if not self._mean_dt_s:
            return HIGHEST_HZ
        return min(HIGHEST_HZ, RATE_SHARE / self._mean_dt_s)

    def arrange(self, source: Rows) -> None:
        """Put the points into another order: row i was row ``source[i]``, -1 = a new point."""
        place = np.full(len(self._position) + 1, -1)
        place[source] = np.arange(len(source))
        place[-1] = -1
        self._position = rearranged(self._position, source, np.nan)
        self._velocity = rearranged(self._velocity, source, 0.0)
        self._scale = rearranged(self._scale, source, 1.0)
        none = np.zeros((len(_BANK_HZ), 1, self._dims), np.complex64)
        # `take` keeps the order in memory, an index would put the points first.
        self._slow = np.concatenate((self._slow, none), axis=1).take(source, axis=1)
        self._slower = np.concatenate((self._slower, none), axis=1).take(source, axis=1)
        self._at = place[self._at]
        self._keep(np.argsort(self._at)[int((self._at < 0).sum()):])

    def forget(self, mask: Mask) -> None:
        """Know nothing more of the points (N,) in ``mask``."""
        if some(mask):
            self._position[mask] = np.nan
            self._slow[:, mask] = self._slower[:, mask] = 0.0
            self._keep(np.flatnonzero(~mask[self._at]))

    def expected(self, dt_s: float) -> Values:
        """Return (N, D) the tremor in ``dt_s``, in the unit of the measurements; 0 = none."""
        return self._displacement(
            self._tremor * np.exp(2j * np.pi * dt_s * self._hz)[:, np.newaxis])

    def step(self, measured: Values, valid: Mask, dt_s: float, scale: Values) -> Values:
        """Go on by ``dt_s`` and return (N, D) the tremor at that time; 0 = none.

        The tremor of a point goes on while the point is not measured.

        Args:
            measured: (N, D).
            valid: (N,) points that have been measured; others may be NaN.
            dt_s: since the last step, > 0; after a long gap all points are new.
            scale: (N,) body size in the unit of the measurements, > 0.
        """
        if dt_s > _LONGEST_STEP_S:
            self._forget_all(len(self._position))
            self._mean_dt_s = 0.0
        self._scale = scale
        self._follow_rate(dt_s)
        residual, heard = self._take_off_movement(measured, valid, dt_s)
        share = -np.expm1(-dt_s / _STAGE_S)
        self._listen(residual, heard, share)
        flat = self._slower.view(np.float32)
        power: Power = np.einsum('bnf,bnf->bn', flat, flat)
        floor: Power = _FLOOR @ power
        if len(self._at) or some(power > _OPENS * floor):
            self._choose(power, floor)
            self._oscillate(residual, heard, share)
        return self._displacement(self._tremor)

    def _forget_all(self, rows: int) -> None:
        shape = (len(_BANK_HZ), rows, self._dims)
        self._position = np.full(shape[1:], np.nan)
        self._velocity = np.zeros(shape[1:])
        self._scale = np.ones(rows)
        self._slow, self._slower = np.zeros(shape, np.complex64), np.zeros(shape, np.complex64)
        self._at, self._bin = np.zeros(0, np.intp), np.zeros(0, np.intp)
        self._hz, self._weight, self._age_s = np.zeros(0), np.zeros(0), np.zeros(0)
        self._wave = self._tremor = np.zeros((0, self._dims), np.complex128)

    def _keep(self, which: Rows) -> None:
        self._at, self._bin, self._hz = self._at[which], self._bin[which], self._hz[which]
        self._weight, self._age_s = self._weight[which], self._age_s[which]
        self._wave, self._tremor = self._wave[which], self._tremor[which]

    def _spread(self, values: Values) -> Values:
        spread = np.full(len(self._position), np.nan)
        spread[self._at] = values
        return spread

    def _displacement(self, wave: Waves) -> Values:
        tremor = np.zeros(self._position.shape)
        if len(self._at):
            tremor[self._at] = 2.0 * wave.real * self._scale[self._at][:, np.newaxis]
        return tremor

    def _follow_rate(self, dt_s: float) -> None:
        share = -np.expm1(-dt_s / _RATE_S) if self._mean_dt_s else 1.0
        self._mean_dt_s += share * (dt_s - self._mean_dt_s)
        if dt_s != self._dt_s:
            self._dt_s, self._turns = dt_s, np.exp(-2j * np.pi * dt_s * _BANK_HZ)
            self._least = (0.5 * _LEAST_AMPLITUDE * np.abs(_high_pass(_BANK_HZ, dt_s))) ** 2
        self._carrier *= self._turns

    def _take_off_movement(
        self, measured: Values, valid: Mask, dt_s: float,
    ) -> tuple[Values, Mask]:
        """Return (N, D) the residual in body sizes, 0 where none is heard, and (N,) where."""
        kept = np.exp(-dt_s / _MEMORY_S)
        self._position += self._velocity * dt_s
        innovation = measured - self._position
        residual = innovation * ((kept * kept) / self._scale)[:, np.newaxis]
        heard: Mask = (np.abs(residual) < _FARTHEST).all(axis=1) & valid  # not so for NaN
        if some(~heard):
            residual = np.where(heard[:, np.newaxis], residual, 0.0)
            innovation = np.where(heard[:, np.newaxis], innovation, 0.0)
            # It begins anew where it was last seen to jump, or is seen next.
            self._position = np.where(heard[:, np.newaxis], self._position, measured)
            self._position[~valid] = np.nan
            self._velocity[~heard] = 0.0
        self._position += (1.0 - kept * kept) * innovation
        self._velocity += ((1.0 - kept) ** 2 / dt_s) * innovation
        return residual, heard

    def _listen(self, residual: Values, heard: Mask, share: float) -> None:
        """Mix the residual down to 0 Hz for each resonator and let it through both stages."""
        weight: Power | np.float32 = np.float32(share)
        if some(~heard):
            weight = (share * heard).astype(np.float32)[:, np.newaxis]
        mixed = np.multiply.outer(self._carrier.astype(np.complex64), residual.astype(np.float32))
        mixed -= self._slow
        mixed *= weight
        self._slow += mixed
        np.subtract(self._slow, self._slower, out=mixed)
        mixed *= weight
        self._slower += mixed

    def _choose(self, power: Power, floor: Power) -> None:
        """Decide which points are open, and at which resonator."""
        last = int(np.searchsorted(_BANK_HZ, self.highest_hz + 0.5 * _SPACING_HZ))
        every = np.arange(power.shape[1])
        least = self._least
        top = power.argmax(axis=0)  # of all: where slower movement is stronger, nothing opens
        peak = power[top, every]
        rising = ((top >= _FIRST) & (top < last) & (peak > _OPENS * floor[top, every])
                  & (peak > least[top]))
        if len(self._at):
            rows = self._at
            near = self._bin + _NEAR  # never beyond the bank, as the band is within
            now = near[power[near, rows].argmax(axis=0), np.arange(len(rows))]
            own = power[now, rows]
            stays = ((now >= _FIRST) & (now < last) & (own > _CLOSES * floor[now, rows])
                     & (own > 0.25 * least[now]))
            self._bin = now
            if some(~stays):
                self._keep(np.flatnonzero(stays))
            rising[self._at] = False
        new = np.flatnonzero(rising)
        if len(new):
            self._add(new, top[new])

    def _add(self, rows: Rows, bins: Rows) -> None:
        none = np.zeros(len(rows))
        self._at = np.concatenate((self._at, rows))
        self._bin = np.concatenate((self._bin, bins))
        self._hz = np.concatenate((self._hz, none))
        self._weight = np.concatenate((self._weight, none))
        self._age_s = np.concatenate((self._age_s, none))
        silent = np.zeros((len(rows), self._dims))
        self._wave = np.concatenate((self._wave, silent))
        self._tremor = np.concatenate((self._tremor, silent))
        self._keep(np.argsort(self._at))

    def _oscillate(self, residual: Values, heard: Mask, share: float) -> None:
        """Follow frequency and phase of the open points."""
        dt_s, rows = self._dt_s, self._at
        if not len(rows):
            return
        hears, bank_hz = heard[rows], _BANK_HZ[self._bin]
        wave = self._slower[self._bin, rows].astype(np.complex128)
        # What the second stage held before this step, from what both hold now.
        before = (wave - share * self._slow[self._bin, rows]) / (1.0 - share)
        turn = (wave * before.conj()).sum(axis=1)
        hz = bank_hz + np.angle(turn) / (2.0 * np.pi * dt_s)
        weight = np.abs(turn) * hears
        fresh = self._age_s == 0.0
        old = self._weight * np.where(hears, np.exp(-dt_s / _FREQUENCY_S), 1.0)
        self._weight = old + weight
        self._hz = np.where(fresh, hz, (old * self._hz + weight * hz) / self._weight)
        self._wave = self._wave * np.exp(2j * np.pi * dt_s * self._hz)[:, np.newaxis]
        if some(fresh):
            offset = np.exp(-2j * np.pi * dt_s * (self._hz - bank_hz))
            stages = ((1.0 - (1.0 - share) * offset) / share) ** 2
            begun = wave * (stages * self._carrier[self._bin].conj())[:, np.newaxis]
            self._wave = np.where(fresh[:, np.newaxis], begun, self._wave)
        time_s = np.minimum(_FIRST_S + _SETTLING * self._age_s, _SETTLED_S)
        gain = -np.expm1(-dt_s / time_s) * hears
        self._wave += gain[:, np.newaxis] * (residual[rows] - 2.0 * self._wave.real)
        self._tremor = self._wave / _high_pass(self._hz, dt_s)[:, np.newaxis]
        self._age_s = self._age_s + dt_s


def _high_pass(frequency_hz: Values, dt_s: float) -> Waves:
    """Return the response of the residual of the constant-velocity filter of fixed memory."""
    kept = np.exp(-dt_s / _MEMORY_S)
    delay = np.exp(-2j * np.pi * dt_s * frequency_hz)
    response: Waves = (kept * (1.0 - delay) / (1.0 - kept * delay)) ** 2
    return response


def _floor_weights(count: int) -> Power:
    """Return (count, count): row i averages the neighbours of resonator i, each side alike."""
    weights = np.zeros((count, count), np.float32)
    for i in range(count):
        below = range(max(i - _FLOOR_BINS, 0), max(i - 1, 0))
        above = range(min(i + 2, count), min(i + 1 + _FLOOR_BINS, count))
        sides = [side for side in (below, above) if len(side) >= _FLOOR_BINS // 2 - 1]
        for side in sides:
            weights[i, side] = 1.0 / len(side) / len(sides)
    return weights


_FLOOR = _floor_weights(len(_BANK_HZ))
_NEAR = np.array(((-1,), (0,), (1,)))
