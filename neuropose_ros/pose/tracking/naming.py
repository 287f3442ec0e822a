"""When somebody new gets an identity, and whether it is that of somebody who was lost.

Out of a crowd come boxes around two people and poses of whoever stands in front: a track that
begins there, or where somebody was lost, has no name until it has been seen clearly. Waiting
costs nothing that a wrong identity would not cost. Then all who have no name yet are compared
with all who are lost, at once: by the way that a person can have gone, and by the levels that
their boxes keep (`levels`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.assignment import assign
from neuropose_ros.core.pose import TrackState
from neuropose_ros.pose.tracking.kalman import MotionModel
from neuropose_ros.pose.tracking.levels import LevelModel
from neuropose_ros.pose.tracking.track import Track


@dataclass(frozen=True, slots=True)
class NamingModel:
    """How long to wait, and who can be whom.

    Attributes:
        clear_frames: after so many, who is seen clearly gets a name.
        latest_frames: after so many, anybody does.
        reach: standard deviation of the place of somebody lost, body heights.
        reach_speed: and how it grows, heights/s.
        level_noise: of the levels of two tracks, body heights.
        height_noise: of the logarithm of the height, where levels are not known.
        worst_fit: beyond this half squared distance it is somebody else.
    """

    clear_frames: int = 4
    latest_frames: int = 15
    reach: float = 0.3
    reach_speed: float = 0.5
    level_noise: float = 0.02
    height_noise: float = 0.1
    worst_fit: float = 5.0


class Naming:
    """Gives the tracks that have no name yet theirs, or that of somebody lost."""

    def __init__(self, motion: MotionModel, levels: LevelModel, model: NamingModel) -> None:
        """Take how bodies move, how their levels change, and when to decide."""
        self._motion, self._levels, self._model = motion, levels, model

    def must_wait(self, new: Track, others: Sequence[Track], stamp_ns: int) -> bool:
        """Whether somebody who is lost may be the one who begins here."""
        return any(
            one.named and one.state is TrackState.LOST
            and self._distance(new, one, stamp_ns) < self._model.worst_fit for one in others)

    def name(self, tracks: Sequence[Track], stamp_ns: int) -> list[Track]:
        """Name whose time has come; return the tracks that remain."""
        new = [one for one in tracks if self._is_due(one)]
        lost = [one for one in tracks if one.named and one.state is TrackState.LOST]
        costs = np.array([[self._cost(one, other, stamp_ns) for other in lost] for one in new])
        gone = set()
        for i, j in assign(costs.reshape(len(new), len(lost)), limit=self._model.worst_fit):
            new[i].track_id = lost[j].track_id
            if new[i].look is None:
                new[i].look = lost[j].look
            gone.add(id(lost[j]))
        for one in new:
            one.named = True
        return [one for one in tracks if id(one) not in gone]

    def _is_due(self, track: Track) -> bool:
        if track.named or track.state is TrackState.LOST:
            return False
        least = self._model.clear_frames if track.is_clear else self._model.latest_frames
        return track.frames >= least

    def _distance(self, new: Track, lost: Track, stamp_ns: int) -> float:
        """Return half the squared distance along the picture, in standard deviations."""
        gap_s = lost.gap_s(stamp_ns)
        motion = lost.motion.predicted(gap_s, self._motion)
        reach = (self._model.reach + self._model.reach_speed * gap_s) * motion.height_px
        return float(0.5 * ((new.motion.position[0] - motion.position[0]) / reach) ** 2)

    def _cost(self, new: Track, lost: Track, stamp_ns: int) -> float:
        far = self._distance(new, lost, stamp_ns)
        if new.levels is None or lost.levels is None:
            taller = new.motion.position[2] - lost.motion.position[2]
            return far + float(0.5 * (taller / self._model.height_noise) ** 2)
        expected = lost.levels.predicted(lost.gap_s(stamp_ns), self._levels)
        noise = (self._model.level_noise * expected.height_px) ** 2
        spread = expected.variance + new.levels.variance + noise
        return far + float(
            (0.5 * (new.levels.position - expected.position) ** 2 / spread).sum())
