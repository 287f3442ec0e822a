"""When the person detector is to look, and whom predictions can stand in for it.

Without predictions of the refinement it looks every n-th frame, and sooner in doubt. Where the
refinement says where everybody is, and how sure that is, and has been right for a while, it looks
less often, and at once, in the same frame, when somebody is not where they were expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropose_ros.core.pose import Floats, PersonPose, TrackState
from neuropose_ros.pose.gating import outline
from neuropose_ros.pose.geometry import box_iou, in_picture

CROWDED = 0.3
"""Overlap (intersection over union) of two people from which one can be taken for the other."""
# When something is uncertain the detector looks this many times as often, and while predictions
# have held for as long as it usually rests, this many times as seldom.
_HASTE, _REST = 3, 3
# Standard deviation of a prediction, share of the body's larger side, up to which it is sure: the
# least that crops show around a body.
_SURE = 0.1


class Attention:
    """Decides, frame by frame, whether the detector looks."""

    def __init__(self, detect_every: int) -> None:
        """Take the frames from one look to the next where nothing is known of predictions."""
        self._detect_every = detect_every
        self.reset()

    def reset(self) -> None:
        """Forget all earlier frames: the next one is looked at."""
        self._since = self._detect_every
        self._held = 0
        self._is_uncertain = False

    def begin(self) -> None:
        """Go on to the next frame."""
        self._since += 1

    def looked(self) -> None:
        """Take that the detector looks at this frame."""
        self._since = 0

    @property
    def has_looked(self) -> bool:
        """Whether it looked at this frame."""
        return not self._since

    @property
    def _is_rested(self) -> bool:
        """Whether the last look is so long ago that doubt is a reason for another."""
        return not self.has_looked and self._since * _HASTE >= self._detect_every

    @property
    def is_due_anyway(self) -> bool:
        """Whether the detector is to look at this frame, whoever is expected in it."""
        longest = _REST if self._held >= self._detect_every else 1
        return self._since >= self._detect_every * longest

    def is_due(self, expected: Sequence[PersonPose], width: int, height: int) -> bool:
        """Whether the detector is to look at this frame, of a size in px, for these people."""
        present = [one for one in expected if one.track_state is not TrackState.LOST]
        missing = len(present) < len(expected)
        if not present or self._since >= self._detect_every * self._rest(present, missing):
            return True
        if not self._is_rested:
            return False
        if missing or self._is_uncertain:
            return True
        if self._rest(present, missing) > 1:
            return False
        outlines = [outline(one) for one in present]
        return _are_close(outlines) or any(
            not in_picture(box.reshape(2, 2), width, height).all() for box in outlines)

    def judge(self, expected: Sequence[PersonPose], *, is_uncertain: bool) -> bool:
        """Take whether anybody in this frame was unsure, or not where they were expected.

        Returns:
            whether to look at once, in this very frame: sure predictions that held do not.
        """
        fails = is_uncertain and bool(self._held) and self._is_rested and any(
            is_sure(one) for one in expected if one.track_state is not TrackState.LOST)
        self._held = 0 if is_uncertain else self._held + 1
        self._is_uncertain = is_uncertain
        return fails

    def _rest(self, present: Sequence[PersonPose], missing: bool) -> int:
        """Return how many times as seldom as usual the detector may look."""
        calm = not missing and self._held >= self._detect_every and all(map(is_sure, present))
        return _REST if calm else 1


def is_sure(expected: PersonPose) -> bool:
    """Whether the refinement is sure where somebody is: at least half of the joints."""
    if expected.keypoint_covariances is None:
        return False
    box = outline(expected)
    variances = expected.keypoint_covariances[:, [0, 2]].mean(1)
    limit = (_SURE * float((box[2:] - box[:2]).max())) ** 2
    return float((variances <= limit).mean()) >= 0.5


def _are_close(boxes: Sequence[Floats]) -> bool:
    overlaps = box_iou(np.stack(boxes), np.stack(boxes))
    return bool((np.triu(overlaps, 1) >= CROWDED).any())
