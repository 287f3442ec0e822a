"""The refiner as the node and the replay run it, for the bench."""

from __future__ import annotations

from collections.abc import Sequence

from neuropose_ros.cli.bench.refinement_cost import ms_per_person_frame
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.learning.refiner.protocol import causally
from neuropose_ros.refinement.loading import NONE, load_refiner
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.smoothing import smooth
from neuropose_ros.refinement.stage import RefinementStage


class Ours:
    """One frozen configuration: the default parameters and what was learnt."""

    def __init__(self, name: str) -> None:
        """Load a refiner by name or folder; '' = the default."""
        self.parameters = RefinementParameters()
        self._refiner = load_refiner(name)
        self.title = self._refiner.name or 'the filter alone, nothing was learnt'
        self.causal = causally(self.default_stage)

    def __enter__(self) -> Ours:
        return self

    def __exit__(self, *_: object) -> None:
        self._refiner.close()

    def stage(self, parameters: RefinementParameters) -> RefinementStage:
        """Return a fresh stage."""
        return self._refiner.stage(parameters, layout)

    def default_stage(self) -> RefinementStage:
        """Return a fresh stage of the configuration."""
        return self.stage(self.parameters)

    def offline(self, frames: Sequence[PoseFrame]) -> list[PoseFrame]:
        """Return a clip refined as a whole."""
        loaded = self._refiner.loaded
        return smooth(frames, self.parameters, noise=self._refiner.noise,
                      network=None if loaded is None else loaded.network())

    def cost(self) -> dict[str, float]:
        """Return times for each person in a frame."""
        alone = load_refiner(NONE)

        def without() -> RefinementStage:
            return alone.stage(self.parameters, layout)

        return {'ms_per_person_frame': ms_per_person_frame(self.default_stage, 1),
                'ms_per_person_frame_of_10': ms_per_person_frame(self.default_stage, 10),
                'ms_per_person_frame_without_network': ms_per_person_frame(without, 1),
                'ms_per_person_frame_of_10_without_network': ms_per_person_frame(without, 10)}
