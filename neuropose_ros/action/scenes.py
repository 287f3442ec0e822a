"""The scene embeddings of a stream: which of them may be used for a frame."""

from __future__ import annotations

from collections import deque

import numpy as np

from neuropose_ros.action.description import RecogniserDescription
from neuropose_ros.core.clocks import nanoseconds
from neuropose_ros.core.pose import SceneEmbedding

_KEPT = 4  # embeddings may come before the people of their frame


class SceneMemory:
    """Keeps the newest embeddings that fit a recogniser.

    Attributes:
        refused: how many did not fit.
    """

    def __init__(self, description: RecogniserDescription) -> None:
        """Begin without any."""
        self._description = description
        self._scenes: deque[SceneEmbedding] = deque(maxlen=_KEPT)
        self._refused_ns = -1
        self.refused = 0

    def clear(self) -> None:
        """Forget all."""
        self._scenes.clear()

    def take(self, scene: SceneEmbedding, epoch: int) -> str:
        """Keep an embedding; return why not in one sentence, '' = it is kept.

        Args:
            scene: may be given again with every frame.
            epoch: of the people.
        """
        objection = self._objection(scene, epoch)
        if objection:
            self.refused += scene.stamp_ns != self._refused_ns
            self._refused_ns = scene.stamp_ns
        elif all(scene.stamp_ns != known.stamp_ns for known in self._scenes):
            self._scenes.append(scene)
        return objection

    def at(self, stamp_ns: int, age_s: float) -> SceneEmbedding | None:
        """Return the newest of a time or before it, if it is young enough."""
        fit = (scene for scene in self._scenes
               if 0 <= stamp_ns - scene.stamp_ns <= nanoseconds(age_s))
        return max(fit, key=lambda scene: scene.stamp_ns, default=None)

    def _objection(self, scene: SceneEmbedding, epoch: int) -> str:
        wanted = self._description
        if scene.model != wanted.scene_model:
            return (f'the scene embedding is of {scene.model}, {wanted.name} was trained with '
                    f'{wanted.scene_model}: run the pose stage with scene {wanted.scene_model}; '
                    'actions go on without the scene')
        if scene.epoch != epoch:
            return (f'the scene embedding is of epoch {scene.epoch}, the people are of {epoch}: '
                    'actions go on without the scene')
        if scene.embedding.shape != (wanted.scene_size,):
            return (f'the scene embedding has shape {scene.embedding.shape}, not '
                    f'({wanted.scene_size},): actions go on without the scene')
        if not np.isfinite(scene.embedding).all():
            return ('the scene embedding has values that are not numbers: actions go on without '
                    'the scene')
        return ''
