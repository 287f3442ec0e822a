"""Results on their way into a session, and into their hash."""

from __future__ import annotations

from collections.abc import Callable

from neuropose_ros.core.errors import LayoutError, NeuroposeError
from neuropose_ros.core.pose import SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.pipeline import Result
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.replay.canonical import ResultHash


class Keeper:
    """Writes and hashes one frame after the other.

    Attributes:
        results: the hash.
    """

    def __init__(
        self, writer: SessionWriter, layouts: Callable[[str], SkeletonLayout],
    ) -> None:
        """Take where to write.

        Args:
            layouts: finds the joints of an id, or raises `LayoutError`.
        """
        self._writer, self._layouts = writer, layouts
        self._names: set[str] = set()
        self.results = ResultHash()

    def check(self) -> None:
        """Look whether results can still be written.

        Raises:
            NeuroposeError: they cannot.
        """
        if self._writer.failure:
            raise NeuroposeError(self._writer.failure)

    def keep_scene(self, scene: SceneEmbedding) -> None:
        """Take a scene by itself."""
        self._writer.put_scene(scene)

    def keep(self, result: Result, info: FrameInfo | None) -> None:
        """Take the next result.

        Args:
            info: None where there was no picture.
        """
        if info is not None:
            self._writer.put_frame(info)
        for topic, poses in (('poses', result.poses), ('poses_refined', result.refined)):
            self.results.add(topic, poses)
            self._writer.put_poses(poses, topic)
            self._note_layout(poses.layout)
        if result.actions is not None:
            self.results.add('actions', result.actions)
            self._writer.put_actions(result.actions)
        if result.scene is not None:
            self._writer.put_scene(result.scene)

    def _note_layout(self, name: str) -> None:
        if name in self._names:
            return
        self._names.add(name)
        try:
            self._writer.put_note(self._layouts(name))
        except LayoutError as error:
            self._writer.log(str(error))
