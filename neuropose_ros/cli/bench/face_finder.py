"""Faces by a network that shares nothing with the pose models whose blurring it judges.

BlazeFace (Bazarevsky et al. 2019, Sub-millisecond neural face detection on mobile GPUs), full
range: a picture of 192 px, one anchor in each cell of 4 px; offsets and sizes in px of that
picture, scores before the logistic function.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Image
from neuropose_ros.inference.entry_reading import read_entry
from neuropose_ros.inference.litert import LiteRtRuntime
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.pose.geometry import box_iou

Boxes = NDArray[np.float32]

LEAST_SCORE = 0.7
"""Where faces begin, by looking at finds in the clips: real faces score 0.72 to 0.94. Below lie
hands, a computer on a table, and discs of plain grey where a head is expected (up to 0.60)."""
_SIDE_PX, _CELL_PX = 192, 4
_SAME_FACE = 0.3
_ENTRY = {
    'title': 'BlazeFace, full range', 'licence': 'Apache-2.0', 'kind': 'scene',
    'decoder': 'embedding', 'format': 'tflite',
    'sha256': '2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1',
    'input': {'width': _SIDE_PX, 'height': _SIDE_PX, 'channels': 'rgb', 'axes': 'nhwc'},
    'source': {
        'wheel': 'mediapipe==0.10.21', 'python': '3.12', 'implementation': 'cp', 'abi': 'cp312',
        'platform': 'manylinux_2_28_x86_64', 'megabytes': 36,
        'file': 'mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl',
        'member': 'mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite'},
}


class FaceFinder:
    """Finds faces in pictures, also small ones: it looks at the whole and at parts."""

    def __init__(self, threads: int = 1) -> None:
        """Load the network; it is fetched the first time.

        Raises:
            ModelError: it cannot be had or loaded.
        """
        entry = read_entry('blazeface', _ENTRY, Path(__file__))
        [path] = ensure_models('blazeface', registry={'blazeface': entry})
        self._network = LiteRtRuntime(path, threads=threads)
        cells = np.arange(_SIDE_PX // _CELL_PX) + 0.5
        self._anchors = np.stack(np.meshgrid(cells, cells), -1).reshape(-1, 2) * _CELL_PX

    def find(self, image: Image) -> Boxes:
        """Return (N, 4) boxes of faces, px.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        found = []
        for left, top, right, bottom in _parts(*image.shape[1::-1]):
            faces = self._find_in(image[top:bottom, left:right])
            faces[:, :4] += (left, top, left, top)
            found.append(faces)
        faces = np.concatenate(found)
        kept: list[NDArray[np.float32]] = []
        for face in faces[np.argsort(-faces[:, 4], kind='stable')]:
            if not kept or box_iou(face[None, :4], np.stack(kept)).max() < _SAME_FACE:
                kept.append(face[:4])
        return np.array(kept, np.float32).reshape(-1, 4)

    def _find_in(self, part: Image) -> Boxes:
        """Return (N, 5): box and score of what is surely a face."""
        side = max(part.shape[:2])
        square = np.zeros((side, side, 3), np.uint8)
        square[:part.shape[0], :part.shape[1]] = part
        small = cv2.resize(square, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        values = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 127.5 - 1.0
        outputs = self._network.run({self._network.inputs[0].name: values[np.newaxis]})
        boxes, logits = sorted(outputs.values(), key=lambda array: -array.shape[-1])
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        sure = scores >= LEAST_SCORE
        middles = self._anchors[sure] + boxes[0, sure, :2]
        half = boxes[0, sure, 2:4] / 2
        corners = np.concatenate([middles - half, middles + half], 1) * side / _SIDE_PX
        return np.concatenate([corners, scores[sure, np.newaxis]], 1).astype(np.float32)


def _parts(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the whole picture and squares of two thirds of its lesser side that overlap."""
    yield 0, 0, width, height
    side = max(1, 2 * min(width, height) // 3)
    for left, top in itertools.product(_starts(width, side), _starts(height, side)):
        yield left, top, left + side, top + side


def _starts(length: int, side: int) -> list[int]:
    count = max(2, round(2 * length / side))
    return sorted(set(np.linspace(0, length - side, count).astype(int).tolist()))
