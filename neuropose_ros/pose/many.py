"""Many people: a detector now and then, and a network that reads where somebody is expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import (
    Floats,
    Frame,
    FrameStatus,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.attention import CROWDED, Attention
from neuropose_ros.pose.estimator import Detections, PersonDetector, Region, RegionEstimator
from neuropose_ros.pose.gating import (
    duplicates,
    fit,
    innovation,
    is_plausible,
    outline,
)
from neuropose_ros.pose.geometry import box_iou
from neuropose_ros.pose.hiding import share_on, without_person

MOST_PEOPLE = 20
_LEAST_MATCH = 0.3
_AGREEMENT = 0.6
_UNSURE_SCORE = 0.5
_LARGE_INNOVATION = 0.15
# Looks of the detector in a row in which somebody may go unseen by it: people do get hidden.
_MOST_MISSES = 3
# Of the joints of somebody behind another: with more of them on the other's body it is a second
# box around the same person, whose outline a network still sees.
_MOST_HIDDEN = 0.5
# Who was lost is found again without the detector only by a pose that is sure, and near where
# they are expected: a network finds a pose in any region.
_FOUND_SCORE, _FOUND_INNOVATION = 0.4, 0.25


@dataclass(frozen=True, slots=True)
class _Seed:
    """Where to look for somebody, and why.

    Attributes:
        region: what the network gets.
        evidence: (4,) box that the pose must fit.
        box_score: the detector's in this frame; 0 = it did not look, or did not see anybody.
        expected: who is expected there.
        box: (4,) the detector's, where it saw somebody.
        is_probe: whether it is somebody lost, where they are expected to come out again.
    """

    region: Region
    evidence: Floats
    box_score: float = 0.0
    expected: PersonPose | None = None
    box: Floats | None = None
    is_probe: bool = False


class ManyPeople:
    """Finds everybody in one frame after the other; implements `PoseEstimator`.

    The detector looks every n-th frame, and sooner or later by reason (`Attention`). In between,
    regions follow from the people expected; who is lost is looked for where they are expected,
    too, while they are remembered.

    Attributes:
        detector_runs: how often the detector looked.
    """

    def __init__(
        self, detector: PersonDetector, estimator: RegionEstimator, *, detect_every: int = 1,
        max_people: int = MOST_PEOPLE, announce: Announce = announce_on_stderr,
    ) -> None:
        """Take both networks; they are closed with this.

        Args:
            detector: finds people as boxes.
            estimator: finds the joints in a box.
            detect_every: frames from one look of the detector to the next.
            max_people: the best ones are looked at.
            announce: takes one sentence for people.

        Raises:
            ParameterError: a number is below 1.
        """
        if detect_every < 1 or max_people < 1:
            raise ParameterError(
                f'detect_every and max_people must be at least 1, not {detect_every} and '
                f'{max_people}')
        self._detector, self._estimator = detector, estimator
        self._attention, self._max_people = Attention(detect_every), max_people
        self._announce = announce
        self._has_announced = False
        self._misses: dict[int, int] = {}
        self.detector_runs = 0

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._estimator.layout

    @property
    def model(self) -> str:
        """Ids of both networks."""
        return f'{self._detector.model}>{self._estimator.model}'

    @property
    def uses_expected(self) -> bool:
        """Yes: it looks there."""
        return True

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._attention.reset()
        self._misses.clear()

    def close(self) -> None:
        """Give back memory and devices."""
        self._detector.close()
        self._estimator.close()

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        """Return everybody in ``frame``, the best ones first; untracked.

        Whom the detector has not seen for a few of its looks is not looked for any more.
        """
        picture = Picture(frame.image)
        clock = Stopwatch()
        self._attention.begin()
        # The people of the frame before may still be waited for, which is no work of this one.
        boxes = self._detect(picture) if self._attention.is_due_anyway else None
        inference_ms = clock.lap_ms()
        expected = [one for one in expected if np.isfinite(outline(one)).all()]
        clock.lap_ms()
        if boxes is None and self._attention.is_due(expected, picture.width, picture.height):
            boxes = self._detect(picture)
        kept, again = self._find(picture, expected, boxes)
        if again or (not kept and not self._attention.has_looked):
            # That nobody is there is an answer only where somebody looked everywhere.
            kept, _ = self._find(picture, expected, self._detect(picture))
        inference_ms += clock.lap_ms()
        # The detector's box is evidence beside the joints: the tracker sees by it when a network
        # took the joints of whoever stands in front.
        persons = tuple(sorted(
            (person if seed.box is None else replace(person, box=seed.box)
             for seed, person in kept), key=lambda one: -one.score))
        return PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=self.layout.id,
            image_width=picture.width, image_height=picture.height, frame_id=frame.frame_id,
            epoch=frame.epoch, seq_is_local=frame.seq_is_local, stage='pose', model=self.model,
            status=FrameStatus.OK if persons else FrameStatus.NO_PERSON,
            receive_ms=frame.receive_ms, inference_ms=inference_ms,
            postprocess_ms=clock.lap_ms(), persons=persons)

    def _find(
        self, picture: Picture, expected: Sequence[PersonPose], boxes: Detections | None,
    ) -> tuple[list[tuple[_Seed, PersonPose]], bool]:
        """Look where the detector saw somebody and somebody is expected, or there alone.

        Returns:
            who was found, and whether the detector must look all the same.
        """
        if boxes is None:
            seeds = [_seed(one) for one in expected if self._is_supported(one)]
        else:
            seeds = self._seeds_from_boxes(boxes, expected)
        seeds = seeds[:self._max_people]
        people = self._estimator.estimate(picture, [seed.region for seed in seeds])
        kept = self._sort_out(picture, seeds, people)
        count = sum(not seed.is_probe for seed in seeds)
        known = [pair for pair in kept if not pair[0].is_probe]
        again = self._attention.judge(expected, is_uncertain=len(known) < count or any(
            _is_unsure(seed, person) for seed, person in known))
        return kept, again

    def _detect(self, picture: Picture) -> Detections:
        found = self._detector.detect(picture)
        self._attention.looked()
        self.detector_runs += 1
        if len(found.boxes) <= self._max_people:
            return found
        if not self._has_announced:
            self._has_announced = True
            self._announce(
                f'{self._detector.model} found {len(found.boxes)} people; the '
                f'{self._max_people} surest ones are looked at (max_people)')
        best = np.argsort(-found.scores, kind='stable')[:self._max_people]
        return Detections(found.boxes[best], found.scores[best])

    def _seeds_from_boxes(
        self, found: Detections, expected: Sequence[PersonPose],
    ) -> list[_Seed]:
        """Return where to look: what the detector saw, then who is expected all the same."""
        outlines = np.array([outline(one) for one in expected], np.float32).reshape(-1, 4)
        matches = _matched(found.boxes, outlines)
        owners = {box: person for person, box in matches.items()}
        seeds = []
        for i, (box, score) in enumerate(zip(found.boxes, found.scores, strict=True)):
            one = expected[owners[i]] if i in owners else None
            agrees = one is not None and _agree(i, owners[i], found.boxes, outlines)
            seeds.append(_Seed(Region(box, one if agrees else None), box, float(score), one, box))
        misses = {}
        for j, one in enumerate(expected):
            # Of somebody who is lost, nobody claims that the detector could see them.
            claimed = one.track_state is not TrackState.LOST
            misses[one.track_id] = (
                0 if j in matches else self._misses.get(one.track_id, 0) + claimed)
        self._misses = misses
        return seeds + [
            _seed(one) for j, one in enumerate(expected)
            if j not in matches and self._is_supported(one)]

    def _is_supported(self, expected: PersonPose) -> bool:
        return self._misses.get(expected.track_id, 0) < _MOST_MISSES

    def _sort_out(
        self, picture: Picture, seeds: Sequence[_Seed], people: Sequence[PersonPose],
    ) -> list[tuple[_Seed, PersonPose]]:
        """Leave out what is no person, and find a person for each of two regions with one pose.

        Of two regions with one pose, the one whose box the pose fits keeps it. The other looks
        again, at a picture without that person: whom a network finds in a crop with two people
        is a matter of who is in front.
        """
        kept, intruders = self._without_doubles(
            [pair for pair in zip(seeds, people, strict=True) if self._can_be(*pair)])
        intruders = [pair for pair in intruders if not pair[0].is_probe]
        second = []
        for winner in {id(winner): winner for _, winner in intruders}.values():
            seeds = [seed for seed, other in intruders if other is winner]
            rest = Picture(without_person(picture.image, winner, self.layout))
            found = self._estimator.estimate(rest, [Region(seed.evidence) for seed in seeds])
            second += [
                (seed, person) for seed, person in zip(seeds, found, strict=True)
                if is_plausible(person, seed.evidence, self.layout)
                and share_on(person, picture.image, rest.image) <= _MOST_HIDDEN]
        return self._without_doubles(kept + second)[0] if second else kept

    def _can_be(self, seed: _Seed, person: PersonPose) -> bool:
        if seed.is_probe and not _is_back(seed, person):
            return False
        return is_plausible(person, seed.evidence, self.layout, box_score=seed.box_score)

    def _without_doubles(
        self, pairs: list[tuple[_Seed, PersonPose]],
    ) -> tuple[list[tuple[_Seed, PersonPose]], list[tuple[_Seed, PersonPose]]]:
        """Return those who keep their pose, and the others with whose pose theirs is."""
        gone: dict[int, int] = {}
        for i, j in duplicates([person for _, person in pairs], self.layout):
            if i in gone or j in gone:
                continue
            first, second = (
                (not pairs[k][0].is_probe, fit(pairs[k][1], pairs[k][0].evidence))
                for k in (i, j))
            loser, winner = (j, i) if first >= second else (i, j)
            gone[loser] = winner
        return (
            [pair for k, pair in enumerate(pairs) if k not in gone],
            [(pairs[loser][0], pairs[winner][1]) for loser, winner in gone.items()])


def _seed(expected: PersonPose) -> _Seed:
    box = outline(expected)
    return _Seed(
        Region(box, expected), box, expected=expected,
        is_probe=expected.track_state is TrackState.LOST)


def _is_back(seed: _Seed, person: PersonPose) -> bool:
    """Whether a pose is that of somebody lost who is expected there."""
    return person.score >= _FOUND_SCORE and seed.expected is not None and (
        innovation(person, seed.expected) <= _FOUND_INNOVATION)


def _matched(boxes: Floats, outlines: Floats) -> dict[int, int]:
    """Return the box of each expected person that has one, the best overlap first."""
    overlaps = box_iou(outlines, boxes)
    matches: dict[int, int] = {}
    for place in np.argsort(-overlaps, axis=None, kind='stable'):
        person, box = map(int, np.unravel_index(place, overlaps.shape))
        if overlaps[person, box] < _LEAST_MATCH:
            break
        if person not in matches and box not in matches.values():
            matches[person] = box
    return matches


def _agree(box: int, person: int, boxes: Floats, outlines: Floats) -> bool:
    """Whether a prediction can stand in for a box: they agree, and nobody else is near."""
    if box_iou(boxes[[box]], outlines[[person]])[0, 0] < _AGREEMENT:
        return False
    others = np.delete(boxes, box, axis=0)
    return not others.size or bool(box_iou(boxes[[box]], others).max() < CROWDED)


def _is_unsure(seed: _Seed, person: PersonPose) -> bool:
    return person.score < _UNSURE_SCORE or (
        seed.expected is not None and innovation(person, seed.expected) > _LARGE_INNOVATION)
