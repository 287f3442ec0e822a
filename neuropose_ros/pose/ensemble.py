"""Two looks at one person are better than one: mirrored pictures, and two networks in a row.

Averaging over a picture and its mirror image is how the field's top-down networks are evaluated
(Newell et al. 2016; ``flip_test`` of mmpose).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import convert_person
from neuropose_ros.core.pose import Floats, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.estimator import Region, RegionEstimator
from neuropose_ros.pose.people import make_person

# A joint of no confidence at all still counts for something where there is no other.
_LEAST_WEIGHT = 1e-3


class Mirrored:
    """Looks at each region and at its mirror image; implements `RegionEstimator`.

    Twice the cost of the estimator it wraps.
    """

    def __init__(self, estimator: RegionEstimator) -> None:
        """Take the estimator."""
        self._estimator = estimator
        self._swap = np.arange(len(estimator.layout))
        for left, right in estimator.layout.mirror_pairs:
            self._swap[[left, right]] = right, left

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._estimator.layout

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return f'{self._estimator.model}:mirrored'

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order."""
        if not regions:
            return []
        mirror = Picture(cv2.flip(picture.image, 1))
        seen = self._estimator.estimate(picture, regions)
        reflected = self._estimator.estimate(mirror, [
            Region(
                _mirrored_box(region.box, picture.width),
                None if region.person is None else self._mirrored(region.person, picture.width))
            for region in regions])
        return [
            averaged(one, self._mirrored(other, picture.width), picture)
            for one, other in zip(seen, reflected, strict=True)]

    def close(self) -> None:
        """Give back memory and devices."""
        self._estimator.close()

    def _mirrored(self, person: PersonPose, width: int) -> PersonPose:
        points = person.keypoints[self._swap].copy()
        points[:, 0] = width - 1 - points[:, 0]
        return replace(
            person, keypoints=points, keypoint_scores=person.keypoint_scores[self._swap],
            keypoint_states=person.keypoint_states[self._swap],
            box=_mirrored_box(person.box, width))


class Cascade:
    """One network finds the body, another looks again where it is; implements `RegionEstimator`.

    Joints that both know are averaged by confidence; the others, and metres, are the second
    network's. Its pictures are aligned to the pose that the first one found, which is worth more
    to a network trained on aligned bodies than anything that a box can say.
    """

    def __init__(self, first: RegionEstimator, second: RegionEstimator) -> None:
        """Take both.

        Raises:
            ModelError: they have no joint in common.
        """
        self._first, self._second = first, second
        if not set(first.layout.names) & set(second.layout.names):
            raise ModelError(f'{first.model} and {second.model} have no joint in common')

    @property
    def layout(self) -> SkeletonLayout:
        """The second network's joints."""
        return self._second.layout

    @property
    def model(self) -> str:
        """Ids of both."""
        return f'{self._first.model}+{self._second.model}'

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order.

        The first network looks at the boxes alone: where it looks must not hang on the second
        one's last opinion.
        """
        if not regions:
            return []
        first = [
            convert_person(person, self._first.layout, self.layout)
            for person in self._first.estimate(
                picture, [Region(region.box) for region in regions])]
        second = self._second.estimate(picture, [
            Region(region.box, person) for region, person in zip(regions, first, strict=True)])
        return [
            averaged(one, other, picture) for one, other in zip(second, first, strict=True)]

    def close(self) -> None:
        """Give back memory and devices."""
        self._first.close()
        self._second.close()


def averaged(person: PersonPose, other: PersonPose, picture: Picture) -> PersonPose:
    """Return ``person`` with its joints moved towards another look at the same body.

    Each joint is the mean of both, weighted by their scores; what only one knows is taken from
    it. Joint scores and the person's score are the means.
    """
    weights = np.stack([_weights(person), _weights(other)])
    total = weights.sum(0)
    shares = weights / np.where(total > 0, total, np.float32(1))
    points = np.stack([person.keypoints, other.keypoints])
    mean: Floats = (np.where(np.isfinite(points), points, 0) * shares[..., np.newaxis]).sum(0)
    mean = np.where((total > 0)[:, np.newaxis], mean, np.nan)
    known = weights > 0
    scores = np.stack([person.keypoint_scores, other.keypoint_scores])
    joint_scores: Floats = (scores * known).sum(0) / np.maximum(known.sum(0), 1)
    mixed = make_person(
        mean, joint_scores, picture.width, picture.height,
        score=(person.score + other.score) / 2)
    return replace(
        person, keypoints=mixed.keypoints, keypoint_scores=mixed.keypoint_scores,
        keypoint_states=mixed.keypoint_states, box=mixed.box, score=mixed.score)


def _weights(person: PersonPose) -> Floats:
    finite = np.asarray(np.isfinite(person.keypoints).all(-1))
    weights: Floats = np.where(
        finite, np.maximum(person.keypoint_scores, _LEAST_WEIGHT), 0).astype(np.float32)
    return weights


def _mirrored_box(box: Floats, width: int) -> Floats:
    return np.array(
        [width - 1 - box[2], box[1], width - 1 - box[0], box[3]], np.float32)
