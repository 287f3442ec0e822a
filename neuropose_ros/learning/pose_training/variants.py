"""The files of an exported pose network, measured: what each loses and what it costs here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.learning.metrics import confidence_curve
from neuropose_ros.learning.pose_training.calibration import RIGHT_WITHIN, ece_by_halves
from neuropose_ros.learning.pose_training.samples import Samples
from neuropose_ros.learning.pose_training.task import LIMITS

MODEL_FILE, HALF_FILE, INT8_FILE = 'model.onnx', 'model_fp16.onnx', 'model_int8.onnx'
OUTPUTS = 'simcc_x', 'simcc_y'
MOST_INT8_LOSS, LEAST_INT8_SPEEDUP = 0.02, 1.3
"""int8 is worth taking where it loses at most so much PCK@0.1 and is at least so much faster."""
_AT_ONCE = 32
_TIMED_RUNS = 40

Answers = tuple[Floats, Floats]


@dataclass(frozen=True)
class Variant:
    """One of the files.

    Attributes:
        parity: largest difference of a score from the trained network.
        pck: limit -> share of the samples' joints, {} = there are no samples.
        ece: expected calibration error of the scores on the samples; NaN = there are none.
            Where a curve was fitted on them, each half is judged by the curve of the other.
        ms: of processor time for one person on one thread, median: waiting while others
            compute is not counted.
    """

    file: str
    megabytes: float
    parity: float
    pck: Mapping[float, float] = field(default_factory=dict)
    ece: float = float('nan')
    ms: float = float('nan')


@dataclass(frozen=True)
class Int8Worth:
    """Whether the int8 variant is worth taking on this processor.

    Attributes:
        loss: of PCK@0.1 against float32; negative = int8 finds more.
        speedup: times as fast as float32.
    """

    loss: float
    speedup: float

    @property
    def worth(self) -> bool:
        """Whether both limits hold."""
        return self.loss <= MOST_INT8_LOSS and self.speedup >= LEAST_INT8_SPEEDUP

    def __str__(self) -> str:
        """Return it in a sentence."""
        found = (f'int8 loses {self.loss:.3f} of PCK@0.1 and is {self.speedup:.2f} times as fast '
                 'as float32 on one thread of this processor')
        limits = f'at most {MOST_INT8_LOSS:g} and at least {LEAST_INT8_SPEEDUP:g}'
        return f'{found}: ' + (f'worth taking here ({limits})' if self.worth else
                               f'not worth it here ({limits}), stay with float32')


def int8_worth(variants: Sequence[Variant]) -> Int8Worth | None:
    """Hold int8 against float32; None = one of them was not measured."""
    by_file = {variant.file: variant for variant in variants}
    whole, small = by_file.get(MODEL_FILE), by_file.get(INT8_FILE)
    if whole is None or small is None or not (whole.pck and small.pck):
        return None
    limit = LIMITS[0]
    return Int8Worth(whole.pck[limit] - small.pck[limit], whole.ms / small.ms)


def measure(
    paths: Sequence[Path], pictures: NDArray[np.float32], truth: Answers, bins_per_px: int,
    samples: Samples | None, *, calibrated: bool = False,
) -> list[Variant]:
    """Measure files beside each other.

    Args:
        pictures: (N, 3, H, W), those of the samples where there are some.
        truth: what the trained network says of the first of them.
        calibrated: the scores are chances, by a curve fitted on the samples.
    """
    runtimes = [OnnxRuntime(path, threads=1) for path in paths]
    try:
        found = [_measured(path, runtime, pictures, truth, bins_per_px, samples, calibrated)
                 for path, runtime in zip(paths, runtimes, strict=True)]
        times = _times_ms(runtimes, pictures[:1])
    finally:
        for runtime in runtimes:
            runtime.close()
    return [Variant(one.file, one.megabytes, one.parity, one.pck, one.ece, ms)
            for one, ms in zip(found, times, strict=True)]


def _measured(
    path: Path, runtime: OnnxRuntime, pictures: NDArray[np.float32], truth: Answers,
    bins_per_px: int, samples: Samples | None, calibrated: bool,
) -> Variant:
    answers = _ask(runtime, pictures)
    parity = max(float(np.abs(mine[:len(wanted)] - wanted).max())
                 for mine, wanted in zip(answers, truth, strict=True))
    megabytes = path.stat().st_size / 1e6
    if samples is None:
        return Variant(path.name, megabytes, parity)
    points = np.stack([axis.argmax(-1) for axis in answers], -1) / np.float32(bins_per_px)
    scores = np.minimum(*(axis.max(-1) for axis in answers))
    known = np.asarray(np.isfinite(samples.points).all(-1))
    right = samples.distances(points) < RIGHT_WITHIN
    if calibrated:
        safe = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
        ece = ece_by_halves(np.log(safe / (1 - safe)), right, known)
    else:
        ece = confidence_curve(scores[known], right[known]).ece
    return Variant(
        path.name, megabytes, parity, {limit: samples.pck(points, limit) for limit in LIMITS},
        ece)


def _ask(runtime: OnnxRuntime, pictures: NDArray[np.float32]) -> Answers:
    """Return the (N, K, B) answers along x and y."""
    parts = [runtime.run({'pictures': pictures[begin:begin + _AT_ONCE]})
             for begin in range(0, len(pictures), _AT_ONCE)]
    x, y = (np.concatenate([part[name] for part in parts]) for name in OUTPUTS)
    return x, y


def _times_ms(runtimes: Sequence[OnnxRuntime], picture: NDArray[np.float32]) -> list[float]:
    """Take turns: what else the machine does then slows all of them alike."""
    times = np.zeros((_TIMED_RUNS, len(runtimes)))
    for row in times:
        for number, runtime in enumerate(runtimes):
            begin = time.thread_time()
            runtime.run({'pictures': picture})
            row[number] = time.thread_time() - begin
    return [float(value) * 1e3 for value in np.median(times, 0)]
