"""Asks a pose model what it sees in one picture: in boxes that are known, or all by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np

from neuropose_ros.core.layouts import convert_person
from neuropose_ros.core.metrics import match_people
from neuropose_ros.core.pose import Floats, Frame, Image, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.pose.create import create_estimator, create_region_estimator
from neuropose_ros.pose.estimator import PoseEstimator, Region, RegionEstimator
from neuropose_ros.pose.geometry import box_around
from neuropose_ros.pose.onestage import ONE_STAGE_DECODERS

Regions = Literal['auto', 'truth', 'found']
# Joints lie inside of a body: its box is larger than theirs by about this share of it.
_BODY_MARGIN = 0.1
_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True)
class Answer:
    """What a model said of a picture.

    Attributes:
        people: in the layout of the truth.
        matches: for each true person the index into `people`; None = not found.
        ms: from the picture to the people.
        unknown_joints: that the model gave no number for.
        joints: that it was to give.
    """

    people: tuple[PersonPose, ...]
    matches: tuple[int | None, ...]
    ms: float
    unknown_joints: int = 0
    joints: int = 0


class Named(Protocol):
    """A model that is ready: an estimator of either kind, or an asker."""

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        ...

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...


class Asker(Named, Protocol):
    """A pose model, made ready to be asked."""

    @property
    def knows_boxes(self) -> bool:
        """Whether it is told where people are."""
        ...

    def ask(self, truth: AnnotatedPicture, image: Image) -> Answer:
        """Return the people that it finds; what it is told of the truth are boxes at most."""
        ...


_Estimator = TypeVar('_Estimator', bound=Named)


class _Asking(Generic[_Estimator]):
    """Has an estimator."""

    def __init__(self, estimator: _Estimator) -> None:
        """Take it; it is closed with this."""
        self._estimator = estimator

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._estimator.model

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._estimator.layout

    def close(self) -> None:
        """Give back memory and devices."""
        self._estimator.close()


class InBoxes(_Asking[RegionEstimator]):
    """Asks for the joints in the boxes of the true people."""

    knows_boxes = True

    def ask(self, truth: AnnotatedPicture, image: Image) -> Answer:
        """Return one person for each true one, in their order."""
        regions = [Region(box) for box in person_boxes(truth)]
        begin = time.perf_counter()
        people = self._estimator.estimate(Picture(image), regions)
        ms = 1e3 * (time.perf_counter() - begin)
        return _answer(people, self.layout, truth, tuple(range(len(people))), ms)


class ByItself(_Asking[PoseEstimator]):
    """Lets the model find the people, each picture for itself, and says who is who."""

    knows_boxes = False

    def ask(self, truth: AnnotatedPicture, image: Image) -> Answer:
        """Return everybody that is found, matched to the true people by `match_people`."""
        self._estimator.reset()
        begin = time.perf_counter()
        found = self._estimator.estimate(Frame(image, 1, 0)).persons
        ms = 1e3 * (time.perf_counter() - begin)
        return _answer(found, self.layout, truth, None, ms)


def create_asker(
    model: str, regions: Regions = 'auto', *, detector: str = '', runtime: str = 'auto',
    precision: str = 'fp16', threads: int = 0, registry: Mapping[str, ModelEntry] | None = None,
    announce: Announce = announce_on_stderr,
) -> Asker:
    """Load a model of the registry, fetched on first use.

    Args:
        model: as `create_estimator` or `create_region_estimator` take it.
        regions: ``truth`` = in the boxes of the annotated people; ``found`` = wherever it, or
            `detector`, finds somebody; ``auto`` = truth for models that read boxes and no
            detector was named, found for the others.
        registry: None = the package's list and the user's.

    Raises:
        ParameterError: a name is unknown, or the model finds people by itself alone.
        ModelError: a network cannot be had or loaded.
    """
    known = load_registry() if registry is None else registry
    entry = known.get(model)
    alone = entry is not None and entry.decoder in ONE_STAGE_DECODERS
    if regions == 'truth' or (regions == 'auto' and not alone and not detector):
        return InBoxes(create_region_estimator(
            model, runtime=runtime, precision=precision, threads=threads, registry=known,
            announce=announce))
    return ByItself(create_estimator(
        model, detector=detector, runtime=runtime, precision=precision, threads=threads,
        smoothing=False, tracking=False, registry=known, announce=announce))


def person_boxes(truth: AnnotatedPicture) -> Floats:
    """Return (P, 4) px: the annotated boxes; a tenth larger than the joints' where there is none.

    None is empty: a side has 1 px at least.
    """
    boxes = np.array(truth.boxes, np.float32).reshape(-1, 4)
    for person, box in enumerate(boxes):
        if not np.isfinite(box).all():
            around = box_around(truth.keypoints[person])
            margin = _BODY_MARGIN * (around[2:] - around[:2]).max()
            boxes[person] = around + np.array([-margin, -margin, margin, margin])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + _LEAST_SIDE_PX)
    return boxes


def true_people(truth: AnnotatedPicture) -> tuple[PersonPose, ...]:
    """Return the annotated people as poses: visible joints MEASURED, hidden ones OCCLUDED."""
    known = np.asarray(np.isfinite(truth.keypoints).all(-1))
    states = np.where(known, np.where(truth.visible, JointState.MEASURED, JointState.OCCLUDED),
                      JointState.MISSING).astype(np.uint8)
    return tuple(
        PersonPose(points, has.astype(np.float32), state, box, 1.0)
        for points, has, state, box in zip(
            truth.keypoints, known, states, person_boxes(truth), strict=True))


def _answer(
    found: Sequence[PersonPose], layout: SkeletonLayout, truth: AnnotatedPicture,
    matches: tuple[int | None, ...] | None, ms: float,
) -> Answer:
    unknown = sum(int((~np.isfinite(person.keypoints).all(1)).sum()) for person in found)
    people = tuple(convert_person(person, layout, truth.layout) for person in found)
    if matches is None:
        matches = tuple(match_people(people, true_people(truth)))
    return Answer(people, matches, ms, unknown, len(found) * len(layout))
