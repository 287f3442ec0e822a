"""What happened beside the pictures, as value types: event markers, corrections and measures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats

Indices = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class EventMarker:
    """Something that happened at a known time, as a stimulus or a button press."""

    stamp_ns: int
    name: str
    value: str = ''
    frame_id: str = ''


class CorrectionKind(IntEnum):
    """What a correction is about (``Correction.KIND_*``)."""

    UNKNOWN = 0
    LABEL = 1
    KEYPOINTS = 2
    IDENTITY = 3
    REJECT = 4


@dataclass(frozen=True, slots=True)
class Correction:
    """What a therapist or annotator says is wrong, and what is right.

    Attributes:
        stamp_ns: when it was said.
        id: unique; the same in all its revisions.
        session: which recording, for people; '' = the one at hand.
        track_id: whose, as the pose stage numbers them; -1 = everybody.
        window_start_ns: first frame meant.
        window_end_ns: last frame meant; 0 = open.
        label: the right label; the right track id of an IDENTITY; the layout's id of KEYPOINTS,
            '' = that of the poses.
        keypoint_indices: (J,) uint16, of the layout.
        keypoints: (J, 2) float32, px; NaN NaN = not to be seen.
        author: pseudonym.
        revision: of this id; the highest holds.
        undoes: id of the correction that this one takes back; empty = none.
    """

    stamp_ns: int
    id: str
    kind: CorrectionKind
    session: str = ''
    epoch: int = 0
    track_id: int = -1
    window_start_ns: int = 0
    window_end_ns: int = 0
    label: str = ''
    keypoint_indices: Indices | None = None
    keypoints: Floats | None = None
    author: str = ''
    revision: int = 0
    undoes: str = ''
    frame_id: str = ''


@dataclass(frozen=True, slots=True)
class MovementMetric:
    """One movement measure over one window, as cadence or tremor frequency.

    Attributes:
        stamp_ns: when the window closed.
        value: in ``unit``; NaN when not valid.
        unit: SI, in UCUM spelling.
        lower, upper: 95 % interval; NaN = unknown.
        valid: there was enough evidence.
    """

    stamp_ns: int
    track_id: int
    name: str
    value: float
    unit: str
    window_start_ns: int = 0
    window_end_ns: int = 0
    lower: float = float('nan')
    upper: float = float('nan')
    valid: bool = False
    frame_id: str = ''
