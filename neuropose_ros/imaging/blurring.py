"""Faces out of pictures that are kept: heads, and more wherever it is not sure where a head is.

What cannot be known is hidden. The whole picture: no poses came for it, nobody looked, nobody was
found, the estimator follows one person only, or somebody who was found before is not found now.
The whole person: the head's joints are not reliable. Somebody who comes into view was there before
the detector found them: the pictures just before are hidden as well, so pictures come out late.
Who stands beside people that are found and is never found themselves cannot be hidden so.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from neuropose_ros.core.assignment import assign
from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.pose import (
    FrameStatus,
    Image,
    JointState,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging.heads import Box, Circle, Region, regions_of, whole_person

# Faces of known people are recognised from 16 x 16 cells and hardly from 8 x 8 (Harmon 1973, The
# recognition of faces): no face gets more than about 4 a side here, in close-ups too.
_CELLS = {Circle: 3, Box: 6}
_PICTURE_CELLS = 6
# Of a person's size: whoever is found farther from where somebody was is somebody else, and how
# much farther people get in a second.
_SAME_PERSON = 0.5
_REACH_PER_S = 1.0


@dataclass(frozen=True)
class BlurSettings:
    """How careful the blurring is.

    Attributes:
        look_back_s: before somebody new is found, pictures are hidden for this long; this is also
            by how much pictures come out late.
        forget_s: how long somebody who is not found any more is waited for. Without end, pictures
            stay hidden until somebody is found who can be them; else one who is still there
            unseen is shown after that time.
        forget_tentative_s: the same for somebody whom the tracker never confirmed.
    """

    look_back_s: float = 0.5
    forget_s: float = math.inf
    forget_tentative_s: float = 10.0


@dataclass
class _Pending:
    stamp_ns: int
    image: Image
    regions: list[Region] | None


@dataclass
class _Sighting:
    person: PersonPose
    box: Box
    stamp_ns: int


class VideoBlurring:
    """Blurs the pictures of one camera, in order.

    Attributes:
        counts: pictures that came out, by what was hidden: ``heads``, ``persons`` (somebody
            wholly), ``pictures`` (all of it).
    """

    def __init__(
        self, layout: SkeletonLayout, settings: BlurSettings = BlurSettings(),
    ) -> None:
        """Start with nobody in view.

        Args:
            layout: of the poses.
        """
        self._layout = layout
        self._settings = settings
        self._pending: deque[_Pending] = deque()
        self._seen: list[_Sighting] = []
        self._epoch = 0
        self.counts: Counter[str] = Counter()

    def push(
        self, image: Image, stamp_ns: int, poses: PoseFrame | None,
    ) -> Iterator[tuple[int, Image]]:
        """Take a picture and yield those that are ready: stamp and blurred copy.

        Args:
            image: (H, W, 3) uint8 BGR.
            stamp_ns: of the picture, later than that of the one before.
            poses: of this very picture; of another, or None, they count as unknown.
        """
        if self._pending and stamp_ns <= self._pending[-1].stamp_ns:
            yield from self.flush()
        self._pending.append(_Pending(stamp_ns, image, self._judge(image, stamp_ns, poses)))
        horizon_ns = stamp_ns - round(1e9 * self._settings.look_back_s)
        while self._pending[0].stamp_ns < horizon_ns:
            yield self._finish(self._pending.popleft())

    def flush(self) -> Iterator[tuple[int, Image]]:
        """Yield what is left, and forget who was there: the end, or time began anew."""
        while self._pending:
            yield self._finish(self._pending.popleft())
        self._seen.clear()

    def _finish(self, pending: _Pending) -> tuple[int, Image]:
        regions = pending.regions
        if regions is None:
            self.counts['pictures'] += 1
        elif any(isinstance(region, Box) for region in regions):
            self.counts['persons'] += 1
        else:
            self.counts['heads'] += 1
        return pending.stamp_ns, hide(pending.image, regions)

    def _judge(
        self, image: Image, stamp_ns: int, poses: PoseFrame | None,
    ) -> list[Region] | None:
        if poses is None or not self._usable(image, stamp_ns, poses):
            return None
        if poses.epoch != self._epoch:
            self._epoch = poses.epoch
            self._seen.clear()
        found = [person for person in poses.persons if _is_detected(person)]
        if self._anybody_lost(found, stamp_ns) or not found:
            return None
        return regions_of(found, self._layout)

    def _usable(self, image: Image, stamp_ns: int, poses: PoseFrame) -> bool:
        return (
            finds_everyone(poses.model)
            and poses.status in (FrameStatus.OK, FrameStatus.NO_PERSON)
            and poses.stamp_ns == stamp_ns and poses.layout == self._layout.id
            and (poses.image_height, poses.image_width) == image.shape[:2])

    def _anybody_lost(self, found: list[PersonPose], stamp_ns: int) -> bool:
        """Match those found with those seen before; whoever is new hides what is pending."""
        boxes = [whole_person(person) for person in found]
        now = [_Sighting(person, box, stamp_ns)
               for person, box in zip(found, boxes, strict=True) if box is not None]
        costs = [[_distance(old, new) for new in now] for old in self._seen]
        pairs = assign(costs, 1.0) if now and self._seen else []
        if len(pairs) < len(now):
            for pending in self._pending:
                pending.regions = None
        known = {old for old, _ in pairs}
        lost = [sighting for i, sighting in enumerate(self._seen)
                if i not in known and self._waits_for(sighting, stamp_ns)]
        self._seen = now + lost
        return bool(lost) or len(now) < len(found)

    def _waits_for(self, lost: _Sighting, stamp_ns: int) -> bool:
        tentative = lost.person.track_state == TrackState.TENTATIVE
        patience_s = (
            self._settings.forget_tentative_s if tentative else self._settings.forget_s)
        return stamp_ns - lost.stamp_ns <= 1e9 * patience_s


def finds_everyone(model: str) -> bool:
    """Whether a pose model finds all people: it has a detector before it, or is RTMO.

    Args:
        model: id as poses carry it, ``rtmdet-nano/...>movenet-lightning/...``.
    """
    return '>' in model or model.startswith('rtmo')


def hide(image: Image, regions: list[Region] | None) -> Image:
    """Return a copy in which regions are nothing but a few mean colours; None = all of it.

    Args:
        image: (H, W, 3) uint8 BGR.
        regions: px of the picture; what lies beyond its border is left out.

    Raises:
        ImageError: the picture is not (H, W, 3) uint8, or is empty.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(
            f'cannot blur an array of {image.dtype} {image.shape}; it must be uint8 (H, W, 3)')
    if regions is None:
        return _coarse(image, _PICTURE_CELLS)
    hidden: Image = image.copy()
    for region in regions:
        left, top, right, bottom = _corners(region, image)
        if left >= right or top >= bottom:
            continue
        # Of the picture as it was: regions that overlap do not average each other.
        coarse = _coarse(image[top:bottom, left:right], _CELLS[type(region)])
        place = hidden[top:bottom, left:right]
        if isinstance(region, Box):
            place[:] = coarse
        else:
            rows, columns = np.ogrid[top:bottom, left:right]
            inside = np.hypot(columns - region.x, rows - region.y) <= region.radius
            place[inside] = coarse[inside]
    return hidden


def _corners(region: Region, image: Image) -> tuple[int, int, int, int]:
    if isinstance(region, Circle):
        low = (region.x - region.radius, region.y - region.radius)
        edges = (*low, region.x + region.radius, region.y + region.radius)
    else:
        edges = region.edges
    height, width = image.shape[:2]
    left, top = (max(0, math.floor(min(edge, 1e6))) for edge in edges[:2])
    right, bottom = (math.ceil(min(edge, end - 1)) + 1
                     for edge, end in zip(edges[2:], (width, height), strict=True))
    return left, top, right, bottom


def _coarse(image: Image, cells: int) -> Image:
    height, width = image.shape[:2]
    cell = max(1.0, max(height, width) / cells)
    size = (max(1, round(width / cell)), max(1, round(height / cell)))
    few = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    smooth: Image = cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def _is_detected(person: PersonPose) -> bool:
    """Whether this frame showed the person; who is only predicted may be anywhere."""
    return person.track_state != TrackState.LOST and bool(
        np.isin(person.keypoint_states, (JointState.MEASURED, JointState.CORRECTED)).any())


def _distance(old: _Sighting, new: _Sighting) -> float:
    """Return how far two sightings lie apart; below 1 they may be of one person."""
    if old.person.track_id >= 0 and old.person.track_id == new.person.track_id:
        return 0.0
    a, b = np.array(old.box.edges), np.array(new.box.edges)
    size = max(float((a[2:] - a[:2]).max()), float((b[2:] - b[:2]).max()))
    apart = float(np.hypot(*((a[:2] + a[2:]) - (b[:2] + b[2:])))) / 2 / size
    reach = _SAME_PERSON + _REACH_PER_S * (new.stamp_ns - old.stamp_ns) / 1e9
    return apart / reach + 1e-3
