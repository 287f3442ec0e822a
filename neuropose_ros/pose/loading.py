"""From settings to a pose stage: what the pose node and offline replay have in common."""

from __future__ import annotations

from dataclasses import dataclass

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.layouts import layout
from neuropose_ros.imaging.exposure import Exposure
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import create_estimator
from neuropose_ros.pose.estimator import PoseEstimator
from neuropose_ros.pose.exposure import create_exposure
from neuropose_ros.pose.reid import PersonEncoder, create_reid
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.pose.tracking import Tracker


@dataclass(frozen=True)
class PoseSettings:
    """What a pose stage is made with; the pose node's parameters of the same names say more."""

    model: str = 'blazepose'
    detector: str = ''
    max_people: int = 8
    detect_every: int = 5
    track_memory_s: float = 2.0
    reid_model: str = ''
    runtime: str = 'auto'
    precision: str = 'fp16'
    layout: str = ''
    threads: int = 0
    smoothing: bool = True
    exposure: str = 'auto'


@dataclass(frozen=True)
class PoseNetworks:
    """What is loaded once and serves one stage after the other."""

    settings: PoseSettings
    estimator: PoseEstimator
    reid: PersonEncoder | None
    exposure: Exposure | None = None

    def stage(self) -> PoseStage:
        """Return a stage that has seen nothing yet, and whose first track id is the first one.

        It closes the networks with itself; only the newest one may be used.
        """
        self.estimator.reset()
        if self.exposure is not None:
            self.exposure.reset()
        wanted = self.settings.layout
        return PoseStage(
            self.estimator, layout=layout(wanted) if wanted else None, reid=self.reid,
            tracker=Tracker(self.estimator.layout, memory_s=self.settings.track_memory_s),
            exposure=self.exposure)

    def close(self) -> None:
        """Give back what the networks hold."""
        self.estimator.close()
        if self.reid is not None:
            self.reid.close()


def load_pose(
    settings: PoseSettings, *, announce: Announce = announce_on_stderr,
) -> PoseNetworks:
    """Load the networks of a pose stage, fetched on first use.

    Raises:
        NeuroposeError: a model cannot be had or loaded, or settings contradict each other.
    """
    registry = load_registry()
    runtime, precision, threads = settings.runtime, settings.precision, settings.threads
    estimator = create_estimator(
        settings.model, detector=settings.detector, smoothing=settings.smoothing,
        max_people=settings.max_people, detect_every=settings.detect_every,
        runtime=runtime, precision=precision, threads=threads, registry=registry,
        announce=announce)
    try:
        exposure = create_exposure(
            settings.exposure, settings.model, registry, announce=announce)
        reid = None if not settings.reid_model else create_reid(
            settings.reid_model, runtime=runtime, precision=precision, threads=threads,
            announce=announce)
    except NeuroposeError:
        estimator.close()
        raise
    return PoseNetworks(settings, estimator, reid, exposure)
