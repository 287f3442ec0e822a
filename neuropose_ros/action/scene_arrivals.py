"""Which scene belongs to which poses, when both come on their own ways."""

from __future__ import annotations

from collections import deque

from neuropose_ros.core.pose import SceneEmbedding

_KEPT = 16


class SceneArrivals:
    """Keeps the last scenes of one camera.

    Poses are judged with the newest scene of an earlier frame, never of their own: that one is
    encoded beside the poses and may come before or after them. So live answers do not depend on
    who was faster, and replay gives the same ones.

    Attributes:
        late: scenes that came after poses of a later frame, which were judged without them.
    """

    def __init__(self) -> None:
        """Start without scenes."""
        self._scenes: deque[SceneEmbedding] = deque(maxlen=_KEPT)
        self._judged: tuple[int, int] | None = None
        self.late = 0

    def put(self, scene: SceneEmbedding) -> None:
        """Take a new scene."""
        if self._judged is not None:
            stamp_ns, epoch = self._judged
            self.late += scene.epoch == epoch and scene.stamp_ns < stamp_ns
        self._scenes.append(scene)

    def before(self, stamp_ns: int, epoch: int) -> SceneEmbedding | None:
        """Return the newest scene of an earlier frame of the same epoch; None without one.

        Args:
            stamp_ns: of the poses that are judged now.
        """
        self._judged = stamp_ns, epoch
        earlier = (scene for scene in self._scenes
                   if scene.epoch == epoch and scene.stamp_ns < stamp_ns)
        return max(earlier, key=lambda scene: scene.stamp_ns, default=None)

    def of(self, stamp_ns: int) -> SceneEmbedding | None:
        """Return the newest scene of a stamp: a live run may have had no other in time."""
        same = (scene for scene in reversed(self._scenes) if scene.stamp_ns == stamp_ns)
        return next(same, None)

    def reset(self) -> None:
        """Forget all scenes."""
        self._scenes.clear()
        self._judged = None
