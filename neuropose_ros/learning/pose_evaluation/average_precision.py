"""COCO's keypoint AP and AR, computed by pycocotools itself (Lin et al. 2014).

What goes in are dictionaries of the form that it reads, so joints may be any: those that the model
does not have are left out on both sides, and the sigmas are those of `core.metrics.oks_sigmas`,
which are COCO's own for COCO's joints.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.metrics import oks_sigmas
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import person_boxes
from neuropose_ros.learning.pose_evaluation.people import Asked, Flags

_PERSON = 1
# A joint that was not found is this far away: its similarity is 0.
_FAR_PX = 1e7


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's ten figures, 0..1; NaN where no person is of that size.

    Attributes:
        people: annotated ones that are counted.
        finds: that are held against them, the best 20 of a picture.
        ap, ar: means over the OKS thresholds 0.5, 0.55 ... 0.95.
    """

    people: int
    finds: int
    ap: float
    ap50: float
    ap75: float
    ap_medium: float
    ap_large: float
    ar: float
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float


def average_precision(
    layout: SkeletonLayout, comparable: Flags, asked: Sequence[Asked],
) -> AveragePrecision:
    """Return AP and AR of all answers.

    Args:
        layout: of the truth.
        comparable: (K,) joints that the model has.
        asked: annotated pictures and what was said of each.

    Raises:
        DataError: pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise DataError('COCO AP needs the package pycocotools: pip install pycocotools, or '
                        'leave AP out with --set ap=false') from error
    truth, found = COCO(), COCO()
    truth.dataset = _dataset(len(asked), [
        entry for index, (picture, _) in enumerate(asked)
        for entry in _true_entries(picture, comparable, index)])
    found.dataset = _dataset(len(asked), [
        _find(person.keypoints[comparable], person.score, index)
        for index, (_, answer) in enumerate(asked) for person in answer.people])
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of its progress there
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, 'keypoints')
        evaluation.params.kpt_oks_sigmas = oks_sigmas(layout)[comparable]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = [float(value) if value >= 0 else float('nan') for value in evaluation.stats]
    counted = sum(bool(entry['num_keypoints']) for entry in truth.dataset['annotations'])
    return AveragePrecision(counted, len(found.dataset['annotations']), *stats)


def _dataset(pictures: int, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    for number, entry in enumerate(annotations, 1):
        entry['id'] = number
    return {'images': [{'id': index} for index in range(pictures)], 'annotations': annotations,
            'categories': [{'id': _PERSON, 'name': 'person'}]}


def _true_entries(
    truth: AnnotatedPicture, comparable: Flags, index: int,
) -> list[dict[str, Any]]:
    entries = []
    boxes = person_boxes(truth).astype(np.float64)
    for points, visible, box, area in zip(
            truth.keypoints[:, comparable], truth.visible[:, comparable], boxes, truth.areas,
            strict=True):
        known = np.isfinite(points).all(1)
        table = np.column_stack((
            np.where(known[:, np.newaxis], points, 0), np.where(known, 1 + visible, 0)))
        sides = box[2:] - box[:2]
        entries.append({
            'image_id': index, 'category_id': _PERSON, 'iscrowd': 0,
            'keypoints': table.ravel().tolist(), 'num_keypoints': int(known.sum()),
            'bbox': [*box[:2], *sides],
            'area': float(area) if np.isfinite(area) else float(sides.prod())})
    nothing = [0.0] * (3 * int(comparable.sum()))
    entries += [{
        'image_id': index, 'category_id': _PERSON, 'iscrowd': int(crowd), 'keypoints': nothing,
        'num_keypoints': 0, 'bbox': [left, top, right - left, bottom - top], 'area': float(area),
    } for left, top, right, bottom, area, crowd in truth.ignored.tolist()]
    return entries


def _find(points: Floats, score: float, index: int) -> dict[str, Any]:
    known = np.asarray(np.isfinite(points).all(1))
    low, high = (points[known].min(0), points[known].max(0)) if known.any() else (
        np.zeros(2), np.zeros(2))
    sides = (high - low).astype(float)
    table = np.column_stack((np.where(known[:, np.newaxis], points, _FAR_PX), np.ones(len(known))))
    return {'image_id': index, 'category_id': _PERSON, 'iscrowd': 0, 'score': score,
            'keypoints': table.astype(float).ravel().tolist(),
            'bbox': [*low.astype(float), *sides], 'area': float(sides.prod())}
