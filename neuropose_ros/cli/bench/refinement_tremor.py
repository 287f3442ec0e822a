"""What refinement does to tremor, to the noise around it, and to a reach: gain, phase, delay."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.cli.bench.refinement_ours import Ours
from neuropose_ros.cli.bench.refinement_tremor_tracks import (
    RATE_HZ,
    REACH,
    WHITE,
    Track,
    Values,
    reach,
    standing,
    tracks,
    walks,
)
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.pose import Floats
from neuropose_ros.drawing.figures import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    VERMILION,
    new_figure,
    png,
    tidy,
)
from neuropose_ros.learning.baselines.filters import Gaussian, Kalman, OneEuro
from neuropose_ros.learning.baselines.tracks import side_by_side
from neuropose_ros.learning.refiner.pairs import MODEL, read_pairs, sure
from neuropose_ros.learning.refiner.protocol import causally, known_frames, refined
from neuropose_ros.refinement.stage import RefinementStage
from neuropose_ros.refinement.tremor import HIGHEST_HZ, LOWEST_HZ, TremorGuard

MakeStage = Callable[[], RefinementStage]
Method = Callable[[Sequence[Values]], list[Values]]
"""Takes (T, 15, 2) tracks in boxes and returns them smoothed."""

_BOX_PX = 250.0
_SCORE = 0.9
_SETTLED_S = 2.0
CURVE_HZ = np.concatenate((np.arange(0.5, 3.0, 0.5), np.arange(3.0, 14.1, 0.5)))
_CURVE_S = 12.0
_LEAST_GAIN = 0.1
_COLOURS = {'causal': BLUE, 'one_euro': VERMILION, 'kalman': GREEN, 'gaussian': PURPLE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, required=True, help='folder of the data sets')
    parser.add_argument('--out', type=Path, default=Path(), help='folder for the plot')
    parser.add_argument('--refiner', default='', help='name or folder; none = nothing learnt')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    args.out.mkdir(parents=True, exist_ok=True)
    with Ours(args.refiner) as ours:
        report = measure(args.data, args.out, ours.default_stage)
    if args.json:
        print(json.dumps(report))
    return 0


def measure(
    data: Path, out: Path, make_stage: MakeStage, sides: int = 4,
) -> dict[str, Any]:
    """Print a table, write ``refinement_tremor.png`` and return all figures.

    Args:
        data: folder of the data sets.
        out: folder that exists.
        make_stage: returns a new stage in the configuration to be measured.
        sides: how often each recording is seen.

    Raises:
        DataError: the data cannot be read.
    """
    methods = {'causal': stage_method(make_stage), **baselines()}
    sets = {noise: tracks(data, 'test', sides, coloured=noise == 'coloured')
            for noise in ('white', 'coloured')}
    figures = {name: judge(method, sets['white']) for name, method in methods.items()}
    coloured = judge(methods['causal'], sets['coloured'])
    guard = guard_figures(sets['white'])
    shut = {'tremor_open_walking': open_share(walks(data)),
            'tremor_open_movenet': open_share([
                np.asarray(pair.found / pair.box_px, float)
                for pair in sure(read_pairs(data).train)])}
    delays = {name: delay_frames(method) for name, method in methods.items()}
    curves = {name: response(method) for name, method in methods.items()}
    (out / 'refinement_tremor.png').write_bytes(plot(curves))
    _print(figures, coloured, guard, shut, delays)
    return {
        **figures['causal'], **guard, **shut, 'delay_frames': delays['causal'],
        'tremor_coloured_noise': coloured,
        'tremor_baselines': {name: figures[name] | {'delay_frames': delays[name]}
                             for name in methods if name != 'causal'},
        'tremor_curve': {'hz': CURVE_HZ.tolist(), **{name: {
            'gain': np.abs(curve).round(4).tolist(),
            'phase_deg': np.degrees(np.angle(curve)).round(2).tolist(),
        } for name, curve in curves.items()}},
    }


def stage_method(make_stage: MakeStage) -> Method:
    """Return the stage as a method; it takes the tracks for those of a detector it knows."""
    refine = causally(make_stage)

    def smooth(found: Sequence[Values]) -> list[Values]:
        smoothed = []
        for points in found:
            frames = known_frames(
                np.asarray(points * _BOX_PX + 1.5 * _BOX_PX, np.float32), JHMDB15,
                np.full(points.shape[:2], _SCORE, np.float32), MODEL, RATE_HZ)
            answer = refined(refine, frames).points
            smoothed.append(np.asarray((answer - 1.5 * _BOX_PX) / _BOX_PX, float))
        return smoothed

    return smooth


def baselines() -> dict[str, Method]:
    """Return smoothers in use, as they are tuned for the detector's noise; one looks ahead."""
    def method(smoother: Callable[..., Any]) -> Method:
        def smooth(found: Sequence[Values]) -> list[Values]:
            scores: list[Floats] = [np.full(x.shape[:2], _SCORE, np.float32) for x in found]
            taken = side_by_side([np.asarray(x, np.float32) for x in found], scores)
            return [np.asarray(x, float) for x in taken.cut(smoother(taken))]

        return smooth

    return {'one_euro': method(OneEuro(2.0, 5.0, 4.0, 0.2)),
            'kalman': method(Kalman(0.01, 0.1, 20.0, 0.05, 100.0, 0.2)),
            'gaussian': method(Gaussian(1.5, 1.5, 0.2))}


def judge(method: Method, told: Sequence[Track]) -> dict[str, float]:
    """Return what a method leaves of tremor and of noise.

    Kept: the part of the answer's difference from the true movement that is in phase with the
    tremor, as a share of it, averaged over joints; from the onset on, and once settled. Noise:
    what it changes in the answer, that is the difference of the answers with it and without it;
    its power outside a band as a share of that of the noise put in.
    """
    noisy = method([track.clean + track.tremor + track.noise for track in told])
    quiet = method([track.clean + track.tremor for track in told])
    kept: list[float] = []
    settled: list[float] = []
    late: list[float] = []
    powers: dict[str, list[tuple[float, float]]] = {'tremor': [], 'band': [], 'error': []}
    for track, with_noise, without in zip(told, noisy, quiet, strict=True):
        for place, joint in enumerate(track.joints):
            true = track.tremor[:, joint]
            added = with_noise[:, joint] - track.clean[:, joint]
            for after_s, shares in ((0.0, kept), (_SETTLED_S, settled)):
                chosen = track.times_s >= track.onset_s[place] + after_s
                shares.append(float((added * true)[chosen].sum() / (true * true)[chosen].sum()))
            late.append(_in_band_hz(added[track.times_s >= track.onset_s[place] + _SETTLED_S])
                        - track.hz[place])
            hz, put_in = _power(track.noise[:, joint])
            left = _power(with_noise[:, joint] - without[:, joint])[1]
            wrong = _power(added - true)[1]
            outside = np.abs(hz - track.hz[place]) > 1.0
            beyond = (hz < LOWEST_HZ) | (hz > HIGHEST_HZ)
            powers['tremor'].append((left[outside].sum(), put_in[outside].sum()))
            powers['band'].append((left[beyond].sum(), put_in[beyond].sum()))
            powers['error'].append((wrong[outside].sum(), put_in[outside].sum()))
    ratio = {name: float(np.sum([x for x, _ in pairs]) / np.sum([x for _, x in pairs]))
             for name, pairs in powers.items()}
    return {
        'tremor_kept': float(np.mean(kept)),
        'tremor_kept_settled': float(np.mean(settled)),
        'tremor_kept_settled_p10': float(np.percentile(settled, 10)),
        'tremor_hz_error': float(np.mean(np.abs(late))),
        'tremor_noise_reduction': 1.0 - ratio['tremor'],
        'tremor_noise_reduction_rms': 1.0 - ratio['tremor'] ** 0.5,
        'tremor_noise_reduction_beyond_3_12_hz': 1.0 - ratio['band'],
        'tremor_error_reduction': 1.0 - ratio['error'],
    }


def guard_figures(told: Sequence[Track]) -> dict[str, float]:
    """Return how well the guard itself knows the tremor, at the end of each track."""
    wrong, opened, falsely = [], [], []
    for track in told:
        guard, open_ = _listen(track.clean + track.tremor + track.noise)
        hz = guard.frequency_hz[track.joints]
        opened += np.isfinite(hz).tolist()
        wrong += (hz - track.hz)[np.isfinite(hz)].tolist()
        others = np.ones(open_.shape, bool)
        for joint, onset_s in zip(track.joints, track.onset_s, strict=True):
            others[track.times_s >= onset_s, joint] = False
        falsely.append(open_[others].mean())
    far = np.abs(wrong)
    return {'tremor_hz_error_online': float(far.mean()),
            'tremor_hz_error_online_median': float(np.median(far)),
            'tremor_hz_within_0.1': float((far <= 0.1).mean()),
            'tremor_found': float(np.mean(opened)),
            'tremor_open_falsely': float(np.mean(falsely))}


def open_share(found: Sequence[Values]) -> float:
    """Return the share of joint-frames in which tremor is seen where there is none."""
    return float(np.concatenate([_listen(points)[1].ravel() for points in found]).mean())


def _listen(points: Values) -> tuple[TremorGuard, NDArray[np.bool_]]:
    guard = TremorGuard(points.shape[1], 2)
    open_ = np.zeros(points.shape[:2], bool)
    for i, joints in enumerate(points):
        guard.step(joints, np.isfinite(joints).all(1), 1 / RATE_HZ, np.ones(points.shape[1]))
        open_[i] = guard.open
    return guard, open_


def _power(points: Values) -> tuple[Values, Values]:
    """Return (F,) Hz and the power of (T, 2) there."""
    window = np.hanning(len(points))[:, None]
    spectrum = np.abs(np.fft.rfft(points * window, axis=0)) ** 2
    hz: Values = np.fft.rfftfreq(len(points), 1 / RATE_HZ).astype(float)
    return hz, np.asarray(spectrum.sum(axis=1))


def _in_band_hz(points: Values) -> float:
    """Return the strongest frequency of (T, 2) within the band, to a hundredth."""
    size = round(100 * RATE_HZ)
    spectrum = np.abs(np.fft.rfft(points * np.hanning(len(points))[:, None], size, axis=0)) ** 2
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    within = (hz >= LOWEST_HZ - 0.2) & (hz <= HIGHEST_HZ + 0.2)
    return float(hz[within][spectrum.sum(axis=1)[within].argmax()])


def delay_frames(method: Method) -> float:
    """Return by how many frames the answer is late half-way through a reach, on average."""
    way, noisy = reach()
    wrist = JHMDB15.index('right_wrist')
    direction = np.array(REACH) / np.dot(REACH, REACH)
    answer = np.mean([(points[:, wrist] - standing()[wrist]) @ direction
                      for points in method(noisy)], axis=0)
    return _half_way(answer) - _half_way(way)


def _half_way(share: Values) -> float:
    after = int(np.argmax(share > 0.5))
    return float(after - (share[after] - 0.5) / (share[after] - share[after - 1]))


def response(method: Method, amplitude: float = 0.02) -> NDArray[np.complex128]:
    """Return the complex gain at `CURVE_HZ` of a joint of a standing figure, once settled."""
    rng = np.random.default_rng(0)
    times_s = np.arange(round(_CURVE_S * RATE_HZ)) / RATE_HZ
    limbs = [JHMDB15.index(name) for name in ('left_wrist', 'right_wrist')]
    found = []
    for hz in CURVE_HZ:
        points = np.repeat(standing()[None], len(times_s), axis=0)
        points[:, limbs, 0] += amplitude * np.sin(2 * np.pi * hz * times_s)[:, None]
        found.append(points + rng.normal(0, WHITE, points.shape))
    gains = []
    settled = times_s >= 4.0
    for hz, answer in zip(CURVE_HZ, method(found), strict=True):
        turned = np.exp(-2j * np.pi * hz * times_s)[settled]
        moved = answer[settled][:, limbs, 0] - standing()[limbs, 0]
        wave = amplitude * np.sin(2 * np.pi * hz * times_s)[settled]
        gains.append((moved.mean(axis=1) * turned).sum() / (wave * turned).sum())
    return np.array(gains)


def plot(curves: Mapping[str, NDArray[np.complex128]]) -> bytes:
    """Return gain and phase over frequency as a PNG file."""
    figure = new_figure(7.0, 5.0)
    gain, phase = figure.subplots(2, 1, sharex=True)
    for name, curve in curves.items():
        gain.plot(CURVE_HZ, np.abs(curve), color=_COLOURS[name], label=name.replace('_', '-'))
        # What is gone has no phase.
        degrees = np.where(np.abs(curve) > _LEAST_GAIN, np.degrees(np.angle(curve)), np.nan)
        phase.plot(CURVE_HZ, degrees, color=_COLOURS[name])
    gain.axhline(0.9, color=INK, linewidth=0.8, linestyle=':')
    for axes in (gain, phase):
        axes.axvspan(LOWEST_HZ, HIGHEST_HZ, color='#eeeeee', zorder=0)
        tidy(axes)
    gain.set_ylabel('gain')
    gain.set_ylim(0, 1.3)
    gain.legend(frameon=False, ncols=4, loc='lower left')
    phase.set_ylabel('phase [degrees]')
    phase.set_xlabel('frequency of a movement of 2 % of the box [Hz]; grey = tremor')
    return png(figure)


def _print(
    figures: Mapping[str, Mapping[str, float]], coloured: Mapping[str, float],
    guard: Mapping[str, float], shut: Mapping[str, float], delays: Mapping[str, float],
) -> None:
    print('tremor of 3-12 Hz and 1-3 % of the box, random onset, in motion capture of 10-20 s, '
          f'noise {WHITE:.0%} of the box')
    print(f'{"":10} {"kept":>6} {"settled":>8} {"Hz off":>7} {"noise cut: +-1 Hz":>18} '
          f'{"3-12 Hz":>8} {"reach late":>11}')
    for name, row in (*figures.items(), ('coloured', coloured)):
        print(f'{name:10} {row["tremor_kept"]:6.1%} {row["tremor_kept_settled"]:8.1%} '
              f'{row["tremor_hz_error"]:7.3f} {row["tremor_noise_reduction"]:18.1%} '
              f'{row["tremor_noise_reduction_beyond_3_12_hz"]:8.1%} '
              f'{delays.get(name, delays["causal"]):11.2f}')
    print(f'{"target":10} {">=90%":>6} {"":8} {"<=0.1":>7} {">=40%":>18} {"":8} {"<=1":>11}')
    print(f'the guard: {guard["tremor_found"]:.1%} open at the end, frequency off by '
          f'{guard["tremor_hz_error_online"]:.3f} Hz (median '
          f'{guard["tremor_hz_error_online_median"]:.3f}, {guard["tremor_hz_within_0.1"]:.1%} '
          'within 0.1)')
    print(f'open without tremor: {guard["tremor_open_falsely"]:.2%} of joint-frames before the '
          f'onset, {shut["tremor_open_walking"]:.2%} of walking and running, '
          f'{shut["tremor_open_movenet"]:.2%} of detections on J-HMDB (training)')
