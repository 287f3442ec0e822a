"""From settings to the stages of a replay: loaded once, fresh for every recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from neuropose_ros.action.description import STEP_FILE, read_description
from neuropose_ros.action.recogniser import Recogniser, load_recogniser, variant
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.action.store import find_recogniser
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pipeline import Pipeline
from neuropose_ros.pose.create import network_names
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.loading import PoseNetworks, load_pose
from neuropose_ros.pose.scene import SceneEncoder, create_scene_encoder
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.loading import Refiner, load_refiner
from neuropose_ros.replay.settings import NO_RECOGNISER, Settings

Layouts = Callable[[str], SkeletonLayout]


@dataclass(frozen=True)
class Stages:
    """The networks of a replay.

    Attributes:
        settings: as they were asked for.
        pose: None = no pictures are looked at.
        models: sha256 of every file that is run, by name.
    """

    settings: Settings
    pose: PoseNetworks | None
    recogniser: Recogniser | None
    scene: SceneEncoder | None
    models: dict[str, str]
    refiner: Refiner = field(default_factory=Refiner)

    def pipeline(
        self, *, lens: Intrinsics | None = None, layouts: Layouts = layout,
        corrector: Corrector | None = None,
    ) -> Pipeline:
        """Return stages in a row that have seen nothing yet; only the newest one may be used.

        Args:
            lens: of the camera, where pictures come with depth.
            layouts: finds the joints of recorded poses.
            corrector: lays what people said over the refined poses.
        """
        action = None if self.recogniser is None else ActionStage(
            self.recogniser, parameters=self.settings.judging, layouts=layouts)
        if self.scene is not None:
            self.scene.reset()
        return Pipeline(
            None if self.pose is None else self.pose.stage(),
            self.refiner.stage(self.settings.refinement, layouts), lens=lens, action=action,
            scene=self.scene, use_feedback=self.settings.flow.use_feedback,
            corrector=corrector, smoother=self.refiner.smoother(
                self.settings.refinement, layouts) if self.settings.refiner.refine == 'offline'
            else None)

    def close(self) -> None:
        """Give the networks back."""
        for networks in (self.pose, self.recogniser, self.scene, self.refiner):
            if networks is not None:
                networks.close()


def load_stages(
    settings: Settings, *, pictures: bool = True, announce: Announce = announce_on_stderr,
) -> Stages:
    """Load the networks that a replay runs, fetched on first use.

    Args:
        pictures: False = poses are there already.

    Raises:
        NeuroposeError: a model cannot be had or loaded, or settings contradict each other.
    """
    folder = _recogniser_folder(settings, announce)
    recogniser = None
    pose = load_pose(settings.pose, announce=announce) if pictures else None
    chosen = settings.recogniser
    if folder is not None:
        recogniser = load_recogniser(
            folder, runtime=chosen.runtime, precision=chosen.precision, threads=chosen.threads,
            label_set=chosen.label_set, announce=announce)
    scene_model = scene_model_of(settings, folder) if pictures and recogniser is not None else ''
    scene = create_scene_encoder(
        scene_model, runtime=settings.pose.runtime, precision=settings.pose.precision,
        threads=settings.pose.threads, rate_hz=settings.flow.scene_rate_hz,
        announce=announce) if scene_model else None
    models = _registry_models(settings, scene_model) if pictures else {}
    refiner = load_refiner(settings.refiner.refiner, announce=announce)
    models |= refiner.files
    if folder is not None:
        path = folder / variant(STEP_FILE, chosen.precision)
        models[f'{folder.name}/{path.name}'] = file_sha256(path)
    return Stages(settings, pose, recogniser, scene, models, refiner)


def _recogniser_folder(settings: Settings, announce: Announce) -> Path | None:
    name = settings.recogniser.recogniser
    if name == NO_RECOGNISER:
        return None
    try:
        return find_recogniser(name)
    except ModelError as error:
        if name:
            raise
        announce(f'no actions: {error}')
        return None


def scene_model_of(settings: Settings, recogniser: Path | None) -> str:
    """Return which network encodes scenes: the chosen one, else what the recogniser reads."""
    if settings.flow.scene_model or recogniser is None or not settings.judging.use_scene:
        return settings.flow.scene_model
    return read_description(recogniser).scene_model


def _registry_models(settings: Settings, scene_model: str) -> dict[str, str]:
    """Return the sha256 of the files of all networks that pictures go through."""
    registry, pose = load_registry(), settings.pose
    names = (*network_names(pose.model, detector=pose.detector, registry=registry),
             *filter(None, (pose.reid_model, scene_model)))
    return {f'{name}/{path.name}': file_sha256(path) for name in dict.fromkeys(names)
            for path in ensure_models(name, registry=registry)}
