"""A model of the list as the nodes run it, for the bench of robustness.

A picture that stands for itself goes through the pose stage alone, without tracking. A clip goes
through the graph: pose stage with tracking, refiner, feedback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Frame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.learning.pose_robustness.shots import Shot, Take
from neuropose_ros.learning.pose_robustness.systems import NOT_REFINED, Found, People
from neuropose_ros.pipeline import Pipeline
from neuropose_ros.pose.create import create_estimator
from neuropose_ros.pose.estimator import PoseEstimator
from neuropose_ros.pose.exposure import create_exposure
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.refinement.loading import load_refiner
from neuropose_ros.refinement.parameters import RefinementParameters

_START_NS = NS_PER_S
_MOST_PEOPLE = 8
_DETECT_EVERY = 5


class Graph:
    """A model of the registry as the nodes run it; implements `System`.

    Its second row are the poses of clips before they are refined.
    """

    def __init__(
        self, model: str, *, name: str = '', exposure: str = 'auto', detector: str = '',
        registry: Mapping[str, ModelEntry] | None = None, threads: int = 1,
        announce: Announce = announce_on_stderr,
    ) -> None:
        """Load the networks.

        Args:
            model, detector, registry, threads: see `create_estimator`.
            name: under which its figures stand; '' = the model's.
            exposure: as the pose node has it.

        Raises:
            NeuroposeError: a network cannot be had or loaded.
        """
        self.name = name or model

        def create(tracking: bool) -> PoseEstimator:
            return create_estimator(
                model, detector=detector, threads=threads, registry=registry, tracking=tracking,
                smoothing=tracking, max_people=_MOST_PEOPLE, detect_every=_DETECT_EVERY,
                announce=announce)

        still, self._moving = create(False), create(True)
        self._refiner = load_refiner(announce=announce)
        self.exposure = create_exposure(exposure, model, registry, announce=announce)
        self._still = PoseStage(still, exposure=self.exposure)
        self._pipeline = Pipeline(
            PoseStage(self._moving, exposure=self.exposure),
            self._refiner.stage(RefinementParameters(), lambda _: self._moving.layout))

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._moving.layout

    def look(self, takes: Sequence[Take]) -> dict[str, Found]:
        """Return for both rows, each take and picture the people found.

        Raises:
            ModelError: a picture could not be looked at.
        """
        refined: Found = []
        plain: Found = []
        for take in takes:
            if take.rate_hz is None:
                people = [self._look_once(shot) for shot in take.shots]
                refined.append(people)
                plain.append(people)
                continue
            self._pipeline.reset()
            results = list(self._pipeline.run(_frames(take)))
            refined.append([result.refined.persons for result in results])
            plain.append([result.poses.persons for result in results])
        return {self.name: refined, f'{self.name}{NOT_REFINED}': plain}

    def _look_once(self, shot: Shot) -> People:
        self._still.reset()
        poses = self._still.process(Frame(shot.image, _START_NS, 0))
        if self._still.last_error:
            raise ModelError(f'{self.name}: {self._still.last_error}')
        return poses.persons

    def close(self) -> None:
        """Give the networks back."""
        self._pipeline.close()
        self._still.close()
        self._refiner.close()


def _frames(take: Take) -> Iterator[Frame]:
    assert take.rate_hz is not None
    for number, shot in enumerate(take.shots):
        yield Frame(shot.image, _START_NS + round(number * NS_PER_S / take.rate_hz), number)
