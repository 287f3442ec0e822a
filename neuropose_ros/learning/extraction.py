"""From a video to the poses of its actor and vectors of its scene."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Frame
from neuropose_ros.inference.carried import with_data
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.actor import ActorPath, choose_actor
from neuropose_ros.learning.datasets.videos import Video
from neuropose_ros.learning.extracted import Extracted
from neuropose_ros.pose.create import create_detector, create_region_estimator
from neuropose_ros.pose.estimator import Detections, PersonDetector, Region, RegionEstimator
from neuropose_ros.pose.scene import SceneEncoder, create_scene_encoder
from neuropose_ros.sources.video import VideoSource


@dataclass(frozen=True)
class ExtractionSettings:
    """What looks at the videos.

    Attributes:
        detector: who finds people.
        estimator: who finds joints in their boxes; see `pose.create.create_region_estimator`.
        scene: encoder of the whole picture; '' = none.
        scene_rate_hz: vectors per second of video.
        detect_every: frames from one look of the detector to the next.
        least_score: of a person, 0..1; low, because a path through a clip tells who is one.
    """

    detector: str = 'rtmdet-nano'
    estimator: str = 'movenet-lightning-int8:mirrored+blazepose'
    scene: str = 'mobilenet-v1-int8'
    scene_rate_hz: float = 5.0
    detect_every: int = 1
    least_score: float = 0.1

    @property
    def key(self) -> str:
        """Id of these settings."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class Extractor(Protocol):
    """Reads one video after the other."""

    @property
    def key(self) -> str:
        """Id of what it does: files with the same one need not be made again."""
        ...

    def extract(self, video: Video) -> Extracted:
        """Read a video.

        Raises:
            NeuroposeError: it cannot be read, or nothing can be made of it.
        """
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...


class PoseExtractor:
    """Follows one actor through a video, and says what the scene looks like.

    Every frame is read twice: whom the clip is about is known only at its end.
    """

    def __init__(
        self, settings: ExtractionSettings, detector: PersonDetector,
        estimator: RegionEstimator, scene: SceneEncoder | None = None,
    ) -> None:
        """Take the networks; they are closed with this."""
        self._settings = settings
        self._detector, self._estimator, self._scene = detector, estimator, scene

    @property
    def key(self) -> str:
        """Id of the settings."""
        return self._settings.key

    def extract(self, video: Video) -> Extracted:
        """Read a video.

        Raises:
            SourceError: it cannot be read.
            DataError: the stretch asked for has no frame.
        """
        with closing(VideoSource(video.path, threads=1)) as source:
            path, size = self._follow(source, video)
            source.rewind()
            return self._read(source, video, path, size)

    def close(self) -> None:
        """Give back memory and devices."""
        self._detector.close()
        self._estimator.close()
        if self._scene is not None:
            self._scene.close()

    def _follow(self, source: VideoSource, video: Video) -> tuple[ActorPath, tuple[int, int]]:
        nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        found, size = [], (0, 0)
        for index, (picture, _) in enumerate(_frames(source, video)):
            is_due = index % self._settings.detect_every == 0
            found.append(self._detector.detect(picture) if is_due else nobody)
            size = picture.width, picture.height
        if not found:
            raise DataError(f'{video.path}: there is no frame in the stretch that {video.name} is')
        return choose_actor(found, *size), size

    def _read(
        self, source: VideoSource, video: Video, path: ActorPath, size: tuple[int, int],
    ) -> Extracted:
        # Nobody was found anywhere: the whole picture is where somebody may be.
        whole = np.array([0, 0, size[0] - 1, size[1] - 1], np.float32)
        boxes = np.where(np.isfinite(path.boxes), path.boxes, whole).astype(np.float32)
        points, scores, times, scenes, scene_times = [], [], [], [], []
        if self._scene is not None:
            self._scene.reset()
        for index, (picture, time_ns) in enumerate(_frames(source, video)):
            person, = self._estimator.estimate(picture, [Region(boxes[index])])
            points.append(person.keypoints)
            scores.append(person.keypoint_scores)
            times.append(time_ns / NS_PER_S)
            view = None if self._scene is None else self._scene.encode(
                Frame(picture.image, time_ns, index))
            if view is not None:
                scenes.append(view.embedding)
                scene_times.append(time_ns / NS_PER_S)
        clock = np.array(times)
        return Extracted(
            self.key, self._estimator.layout, np.stack(points), np.stack(scores),
            clock - clock[0], boxes, path.found,
            np.stack(scenes) if scenes else np.zeros((0, 0), np.float32),
            np.array(scene_times) - clock[0], size, source.damage)


def create_extractor(
    settings: ExtractionSettings, data: Path | None = None, threads: int = 1,
) -> PoseExtractor:
    """Return an extractor, its networks fetched on first use.

    Args:
        settings: which networks, and how often.
        data: a folder whose ``models/`` networks are taken from there.
        threads: of each network.

    Raises:
        ParameterError: a name is unknown.
        ModelError: a network cannot be had or loaded.
    """
    registry = load_registry()
    if data is not None:
        registry = with_data(registry, data)
    options = {'threads': threads, 'registry': registry, 'announce': _quietly}
    scene = create_scene_encoder(
        settings.scene, rate_hz=settings.scene_rate_hz, **options,  # type: ignore[arg-type]
    ) if settings.scene else None
    return PoseExtractor(
        settings,
        create_detector(
            settings.detector, least_score=settings.least_score,
            **options),  # type: ignore[arg-type]
        create_region_estimator(
            settings.estimator, batch=1, **options),  # type: ignore[arg-type]
        scene)


def _quietly(_: str) -> None:
    """Every process would say the same."""


def _frames(source: VideoSource, video: Video) -> Iterator[tuple[Picture, int]]:
    end_ns = None if video.end_s is None else round(video.end_s * NS_PER_S)
    while (picture := source.read()) is not None:
        if end_ns is not None and picture.time_ns >= end_ns:
            return
        if picture.time_ns >= round(video.start_s * NS_PER_S):
            yield Picture(picture.image), picture.time_ns
