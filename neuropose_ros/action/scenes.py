"""The newest scene embedding that fits a recogniser."""

from __future__ import annotations

import numpy as np

from neuropose_ros.action.description import RecogniserDescription
from neuropose_ros.core.clocks import nanoseconds
from neuropose_ros.core.pose import SceneEmbedding


class SceneMemory:
    """Keeps the last embedding that fits.

    Attributes:
        refused: how many did not fit.
    """

    def __init__(self, description: RecogniserDescription) -> None:
        """Begin without any."""
        self._description = description
        self._scene: SceneEmbedding | None = None
        self._refused_ns = -1
        self.refused = 0

    def clear(self) -> None:
        """Forget it."""
        self._scene = None

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
        else:
            self._scene = scene
        return objection

    def at(self, stamp_ns: int, age_s: float) -> SceneEmbedding | None:
        """Return it if it is not of a later frame, and young enough."""
        if self._scene is None:
            return None
        age_ns = stamp_ns - self._scene.stamp_ns
        return self._scene if 0 <= age_ns <= nanoseconds(age_s) else None

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
