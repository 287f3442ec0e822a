"""What a live run did with each frame, to be done again: which it skipped, what it used."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TypeVar

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.pose import FrameStatus, PoseFrame
from neuropose_ros.pipeline import Lived
from neuropose_ros.replay.canonical import ResultHash

T = TypeVar('T')
_Key = tuple[int, int]


class LivedRun:
    """A live run as its results tell it, in the order of recording.

    Attributes:
        results: the hash of what it published, as far as it was recorded.
        unrecorded: frames that were looked at but whose result is not in the recording.
    """

    def __init__(self) -> None:
        """Begin without results."""
        self._used: dict[_Key, deque[Lived]] = {}
        self._scenes: dict[_Key, deque[int]] = {}
        self._last: PoseFrame | None = None
        self.results = ResultHash()
        self.unrecorded = 0

    def __len__(self) -> int:
        """Return how many frames were looked at."""
        return sum(map(len, self._used.values()))

    def add_poses(self, poses: PoseFrame) -> None:
        """Take the next message of the pose stage."""
        self.results.add('poses', poses)
        if poses.status is FrameStatus.SKIPPED:
            return
        last, self._last = self._last, poses
        if last is not None and last.epoch == poses.epoch:
            missing = poses.frame_seq - last.frame_seq - 1 - poses.skipped_before
            self.unrecorded += max(0, missing)
        self._used.setdefault(_key(poses), deque()).append(Lived(poses.feedback_stamp_ns))

    def add_refined(self, poses: PoseFrame) -> None:
        """Take the next message of the refinement stage."""
        self.results.add('poses_refined', poses)

    def add_actions(self, actions: ActionFrame) -> None:
        """Take the next message of the action stage."""
        self.results.add('actions', actions)
        self._scenes.setdefault(_key(actions), deque()).append(actions.scene_stamp_ns)

    def take(self, stamp_ns: int, frame_seq: int) -> Lived | None:
        """Return what was used for the next frame of this time and number; None = skipped."""
        key = stamp_ns, frame_seq
        lived = _next(self._used.get(key))
        if lived is None:
            return None
        return replace(lived, scene_stamp_ns=_next(self._scenes.get(key)))


def _key(answer: PoseFrame | ActionFrame) -> _Key:
    return answer.stamp_ns, answer.frame_seq


def _next(waiting: deque[T] | None) -> T | None:
    return waiting.popleft() if waiting else None
