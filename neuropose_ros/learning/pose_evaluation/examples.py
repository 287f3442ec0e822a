"""Keeps the pictures to look at: where a model is farthest from the truth, and where nearest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from neuropose_ros.core.pose import FrameStatus, Image, PoseFrame
from neuropose_ros.drawing.overlay import draw
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import Answer, person_boxes, true_people

_HEIGHT_PX = 260
_MARGIN = 0.25
_NOT_FOUND = 1.0


@dataclass(frozen=True)
class Example:
    """A picture beside its truth.

    Attributes:
        error: mean distance of the labelled joints as a share of the person's size; a joint that
            was not found counts 1.
        truth, found: (H, W, 3) uint8 BGR, drawn, cut to the people.
    """

    name: str
    group: str
    error: float
    truth: Image
    found: Image


class Gallery:
    """The worst and the best pictures so far; of one recording the worst and the best alone."""

    def __init__(self, most: int) -> None:
        """Keep up to `most` of each."""
        self._most = most
        self._worst: dict[str, Example] = {}
        self._best: dict[str, Example] = {}

    @property
    def worst(self) -> tuple[Example, ...]:
        """The worst first."""
        return tuple(sorted(self._worst.values(), key=lambda item: -item.error))

    @property
    def best(self) -> tuple[Example, ...]:
        """The best first, none that is among the worst."""
        kept = {item.name for item in self._worst.values()}
        return tuple(sorted((item for item in self._best.values() if item.name not in kept),
                            key=lambda item: item.error))

    def offer(
        self, truth: AnnotatedPicture, image: Image, answer: Answer, error: float,
    ) -> None:
        """Take a picture if it is among the worst or the best."""
        if not self._most or not np.isfinite(error):
            return
        group = truth.group or f'{truth.path}'
        example = None
        for kept, sign in ((self._worst, 1), (self._best, -1)):
            rival = kept.get(group)
            if rival is None and len(kept) >= self._most:
                rival = min(kept.values(), key=lambda item: sign * item.error)
            if rival is not None and sign * error <= sign * rival.error:
                continue
            if rival is not None:
                del kept[rival.group]
            example = example or _example(truth, image, answer, error, group)
            kept[group] = example


def picture_error(truth: AnnotatedPicture, answer: Answer) -> float:
    """Return the mean distance of labelled joints as a share of the size; NaN of nobody."""
    errors = []
    boxes = person_boxes(truth)
    for points, box, match in zip(truth.keypoints, boxes, answer.matches, strict=True):
        known = np.isfinite(points).all(1)
        size = float((box[2:] - box[:2]).max())
        found = None if match is None else answer.people[match].keypoints
        if found is None:
            errors += [_NOT_FOUND] * int(known.sum())
            continue
        known &= np.isfinite(found).all(1)  # joints that the model does not have say nothing
        errors += np.minimum(
            np.linalg.norm(found[known] - points[known], axis=1) / size, _NOT_FOUND).tolist()
    return float(np.mean(errors)) if errors else float('nan')


def _example(
    truth: AnnotatedPicture, image: Image, answer: Answer, error: float, group: str,
) -> Example:
    left, top, right, bottom = _around(truth, image)
    scale = _HEIGHT_PX / (bottom - top)
    canvas = np.asarray(cv2.resize(
        image[top:bottom, left:right], (max(1, round((right - left) * scale)), _HEIGHT_PX),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)
    shift = np.array([left, top], np.float32)
    matched = tuple(answer.people[match] for match in answer.matches if match is not None)
    drawn = []
    for people in (true_people(truth), matched):
        shown = tuple(
            replace(person, keypoints=(person.keypoints - shift) * np.float32(scale),
                    box=(person.box - np.tile(shift, 2)) * np.float32(scale))
            for person in people)
        frame = PoseFrame(0, 0, truth.layout.id, canvas.shape[1], canvas.shape[0],
                          status=FrameStatus.OK, persons=shown)
        drawn.append(draw(canvas, frame, truth.layout, status=False))
    return Example(truth.name, group, error, drawn[0], drawn[1])


def _around(truth: AnnotatedPicture, image: Image) -> tuple[int, int, int, int]:
    boxes = person_boxes(truth)
    height, width = image.shape[:2]
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    margin = _MARGIN * float((high - low).max())
    left, top = np.clip(low - margin, 0, (width - 2, height - 2)).astype(int)
    right, bottom = np.clip(high + margin, (left + 2, top + 2), (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)
