"""Results on their way into a session, and into their hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.replay.canonical import ResultHash


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one frame, without its picture.

    Attributes:
        info: None where there was no picture.
    """

    info: FrameInfo | None
    poses: PoseFrame
    refined: PoseFrame
    actions: ActionFrame | None
    scene: SceneEmbedding | None


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

    def keep(self, item: Kept | SceneEmbedding) -> None:
        """Take the next one."""
        if isinstance(item, SceneEmbedding):
            self._writer.put_scene(item)
            return
        if item.info is not None:
            self._writer.put_frame(item.info)
        for topic, poses in (('poses', item.poses), ('poses_refined', item.refined)):
            self.results.add(topic, poses)
            self._writer.put_poses(poses, topic)
            self._note_layout(poses.layout)
        if item.actions is not None:
            self.results.add('actions', item.actions)
            self._writer.put_actions(item.actions)
        if item.scene is not None:
            self._writer.put_scene(item.scene)

    def _note_layout(self, name: str) -> None:
        if name in self._names:
            return
        self._names.add(name)
        try:
            self._writer.put_note(self._layouts(name))
        except LayoutError as error:
            self._writer.log(str(error))
