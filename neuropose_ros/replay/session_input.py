"""Sessions as input of a replay: the pictures of their bag, else their poses."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.recording.session import open_session
from neuropose_ros.replay.inputs import ClockGuard, Item
from neuropose_ros.replay.lived import LivedRun

POSES = 'poses'


class SessionInput:
    """The poses of a session, refined and judged anew."""

    kind = 'session'
    has_pictures = False
    lens: Intrinsics | None = None

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            SessionError: it cannot be read, or is of a newer version.
            DataError: it has no poses as the pose stage gave them.
        """
        self._session = session = open_session(path)
        try:
            if session.being_recorded:
                raise DataError(f'{path}: a recorder is writing this session; stop it first')
            if POSES not in session.pose_topics:
                raise DataError(
                    f'{path}: it has neither pictures nor unrefined poses (topic {POSES}), so '
                    'there is nothing to do anew')
            self.files = tuple(sorted(
                file for file in path.rglob('*')
                if file.suffix in {'.parquet', '.arrows', '.sqlite'}))
            self.layouts: Mapping[str, SkeletonLayout] = session.layouts()
            self.label_sets: Mapping[str, LabelSet] = session.label_sets()
            self.subjects = session.about.subjects
            self.corrections = tuple(session.corrections())
            self.lived: LivedRun | None = read_lived(path)
        except BaseException:
            session.close()
            raise

    def items(self) -> Iterator[Item]:
        """Yield poses, and scenes before the poses of later frames."""
        guard = ClockGuard(f'{self._session.path}: {POSES}')
        # A scene is known after the poses of its own frame: they are judged without it.
        scenes = ((scene.epoch, scene.stamp_ns, 1, scene) for scene in self._session.scenes())
        poses = ((poses.epoch, poses.stamp_ns, 0, poses) for poses in self._session.poses(POSES))
        for *_, value in heapq.merge(scenes, poses, key=lambda item: item[:3]):
            assert isinstance(value, PoseFrame | SceneEmbedding)
            guard.check(value.stamp_ns)
            yield value

    def findings(self) -> dict[str, int | str]:
        """Return what is missing of it."""
        torn = [f'{part.path.name} lacks its end ({part.lost_bytes} bytes)'
                for part in self._session.torn if part.lost_bytes]
        return {'damage': '; '.join(torn)} if torn else {}

    def close(self) -> None:
        """Give the files back."""
        self._session.close()


def read_lived(path: Path) -> LivedRun:
    """Return what the run in a session did, live or replayed.

    Raises:
        SessionError: it cannot be read.
    """
    run = LivedRun()
    with open_session(path) as session:
        for found in session.recorded('people'):
            if found.topic == POSES:
                run.add_poses(found.value)
            elif found.topic == 'poses_refined':
                run.add_refined(found.value)
        for actions in session.actions():
            run.add_actions(actions)
    return run
