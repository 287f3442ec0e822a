"""Body-worn and neural signals as value types: what a stream is, and consecutive samples of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats


@dataclass(frozen=True, slots=True)
class SignalInfo:
    """What a stream of samples is.

    Attributes:
        stream: its name, the key of its chunks.
        kind: EEG, EMG, IMU, audio, ... (BIDS channel types where there is one).
        channels: C names, in order.
        unit: C SI units.
        rate_hz: nominal; 0 = irregular.
    """

    stream: str
    kind: str
    channels: tuple[str, ...]
    unit: tuple[str, ...]
    rate_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class SignalChunk:
    """Consecutive samples of one stream.

    Attributes:
        stamp_ns: ROS time of the first sample.
        sequence: of the first sample, counted in samples: a gap = lost.
        data: (N, C) float32, in the stream's units.
        offsets_ns: (N,) int64, each sample's time after ``stamp_ns``; irregular streams only.
        clock_id: the clock that stamped the samples at their source.
        clock_offset_s: ROS time minus that clock, as used for ``stamp_ns``.
        clock_uncertainty_s: one standard deviation of the offset; NaN = unknown.
        lost_samples: lost before this chunk since the last.
    """

    stamp_ns: int
    stream: str
    sequence: int
    data: Floats
    frame_id: str = ''
    offsets_ns: NDArray[np.int64] | None = None
    clock_id: str = ''
    clock_offset_s: float = 0.0
    clock_uncertainty_s: float = float('nan')
    lost_samples: int = 0
