"""What was read out of a video, kept in one .npz file, and the clip that it makes."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import convert_points
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import Clip

_FORMAT = 1
_PART = '.part'


@dataclass(frozen=True)
class Extracted:
    """The actor of a video and its scene; T frames, K joints.

    Attributes:
        key: of the settings that made it: others do not mix.
        layout: of the keypoints.
        keypoints: (T, K, 2) float32, px; NaN = not known.
        scores: (T, K) float32, the estimator's confidence, 0..1.
        times_s: (T,) float64, from the first frame.
        boxes: (T, 4) float32, px, where the estimator looked.
        found: (T,) whether the detector saw the actor there.
        scene: (S, E) float32; S = 0 where no encoder was asked.
        scene_times_s: (S,) float64.
        size_px: width and height of the pictures.
        damage: what was missing of the file, in one sentence; '' = nothing.
    """

    key: str
    layout: SkeletonLayout
    keypoints: Floats
    scores: Floats
    times_s: NDArray[np.float64]
    boxes: Floats
    found: NDArray[np.bool_]
    scene: Floats
    scene_times_s: NDArray[np.float64]
    size_px: tuple[int, int]
    damage: str = ''

    def clip(
        self, name: str, *, label: int = -1, group: str = '', least_score: float = 0.0,
        layout: SkeletonLayout | None = None,
    ) -> Clip:
        """Return the clip.

        Args:
            name: the clip's.
            label: the clip's.
            group: the clip's.
            least_score: joints the estimator is less sure of are not known.
            layout: to convert to; None = the estimator's.

        Raises:
            DataError: the file's content does not make a clip.
        """
        points = np.where(
            (self.scores >= least_score)[..., np.newaxis], self.keypoints, np.nan)
        scores = self.scores
        if layout is not None and layout.id != self.layout.id:
            points = convert_points(points, self.layout, layout)
            scores = convert_points(scores[..., np.newaxis], self.layout, layout)[..., 0]
            scores = np.nan_to_num(scores)
        has_scene = len(self.scene) > 0
        return Clip(
            name, points.astype(np.float32), self.times_s, label, group,
            scores.astype(np.float32), self.scene if has_scene else None,
            self.scene_times_s if has_scene else None)


def write_extracted(extracted: Extracted, path: Path) -> None:
    """Write it whole or not at all.

    Raises:
        OSError: it cannot be written; nothing is left of it then.
    """
    layout = extracted.layout
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}{_PART}')
    try:
        with part.open('wb') as file:
            np.savez_compressed(
                file, format=_FORMAT, key=extracted.key, layout=[layout.name, *layout.names],
                edges=np.array(layout.edges, np.int64).reshape(-1, 2),
                mirror_pairs=np.array(layout.mirror_pairs, np.int64).reshape(-1, 2),
                keypoints=extracted.keypoints, scores=extracted.scores.astype(np.float16),
                times_s=extracted.times_s, boxes=extracted.boxes, found=extracted.found,
                scene=extracted.scene, scene_times_s=extracted.scene_times_s,
                size_px=extracted.size_px, damage=extracted.damage)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_extracted(path: Path) -> Extracted:
    """Read what `write_extracted` wrote.

    Raises:
        DataError: it is not there, damaged or of another version.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays['format']) != _FORMAT:
            raise DataError(f'{path}: written by another version')
        name, *joints = (str(word) for word in arrays['layout'])
        edges, pairs = (tuple((int(a), int(b)) for a, b in arrays[key])
                        for key in ('edges', 'mirror_pairs'))
        width, height = (int(side) for side in arrays['size_px'])
        return Extracted(
            str(arrays['key']), SkeletonLayout(name, tuple(joints), edges, pairs),
            arrays['keypoints'], arrays['scores'].astype(np.float32), arrays['times_s'],
            arrays['boxes'], arrays['found'], arrays['scene'], arrays['scene_times_s'],
            (width, height), str(arrays['damage']))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f'{path}: not what was read out of a video, or damaged ({error})'
                        ) from error


def extracted_key(path: Path) -> str:
    """Return the key of the settings that made a file; '' of one that is not there or damaged."""
    try:
        with np.load(path) as file:
            return str(file['key']) if int(file['format']) == _FORMAT else ''
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return ''
