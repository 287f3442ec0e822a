"""One training of a recipe, from annotated pictures to a pose network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neuropose_ros.learning.config import fingerprint
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_sets import PictureSet, hold_out, read_picture_set
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_training.crops import (
    CropSet,
    CropSettings,
    cut_out,
    in_layout,
)
from neuropose_ros.learning.pose_training.network import PoseNetwork, adopt, build, parameters
from neuropose_ros.learning.pose_training.recipe import PoseDataSettings, PoseRecipe
from neuropose_ros.learning.pose_training.task import PoseLearning
from neuropose_ros.learning.pose_training.weights import TrainedPose
from neuropose_ros.learning.training.loop import derived_seed, fit

CONTEXT = 2.0
"""Share of a person's box that crops show: enough for every augmentation."""


@dataclass(frozen=True)
class Start:
    """Weights to start from.

    Attributes:
        trained: a whole network; its joints may be others.
        backbone: weights of a pre-trained backbone.
    """

    trained: TrainedPose | None = None
    backbone: Mapping[str, torch.Tensor] | None = None


@dataclass(frozen=True)
class Learnt:
    """The people to learn from, and those held back.

    Attributes:
        pictures: numbers of pictures of the two.
    """

    train: CropSet
    held: CropSet | None
    pictures: tuple[int, int]
    name: str
    source: str


def labelled_pictures(data: PoseDataSettings, root: Path, findings: Findings) -> PictureSet:
    """Read the annotated pictures that settings name.

    Raises:
        DataError: they cannot be read, or too many cannot be used.
    """
    pictures = read_picture_set(data.form, root, data.part, findings)
    findings.refuse_many(len(pictures), data.skipped_share, 'picture')
    return pictures


def prepare(
    recipe: PoseRecipe, pictures: PictureSet, seed: int, *, cache: Path | None = None,
    findings: Findings | None = None,
) -> Learnt:
    """Hold pictures back, draw those to learn from, and cut the people out.

    Args:
        seed: of the draw, where the recipe learns from a part of the pictures.
        cache: folder of crops; None = beside the user's other caches.
        findings: takes what cannot be used.

    Raises:
        DataError: see `hold_out` and `cut_out`.
    """
    side = max(recipe.network.width_px, recipe.network.height_px) / recipe.data.padding
    learnt = divided(recipe.data, pictures, seed, CropSettings(round(CONTEXT * side), CONTEXT),
                     cache=cache, findings=findings)
    if findings is not None:
        for joint in never_labelled(learnt.train):
            findings.skip(f'joint {joint}', 'nobody to learn from has it labelled: it is not '
                                            'learnt, and what is found of it means nothing')
    return learnt


def divided(
    data: PoseDataSettings, pictures: PictureSet, seed: int, crops: CropSettings, *,
    cache: Path | None = None, findings: Findings | None = None,
) -> Learnt:
    """Do what `prepare` does, with crops of any size."""
    learnt, held = hold_out(pictures.pictures, data.validation_share, data.validation_seed)
    if data.pictures and data.pictures < len(learnt):
        drawn = np.random.default_rng([seed, 11]).permutation(len(learnt))[:data.pictures]
        learnt = tuple(learnt[index] for index in sorted(drawn))
    parts = [in_layout(cut_out(
        pictures.only(part), crops, cache=cache, findings=findings,
        skipped_share=data.skipped_share), data.layout) if part else None
        for part in (learnt, held)]
    assert parts[0] is not None
    return Learnt(parts[0], parts[1], (len(learnt), len(held)), pictures.name, pictures.source)


def never_labelled(crops: CropSet) -> tuple[str, ...]:
    """Return the joints that no person has."""
    return tuple(name for name, total in zip(
        crops.layout.names, crops.weights.sum(0), strict=True) if not total)


def train_pose(
    recipe: PoseRecipe, learnt: Learnt, seed: int, *, start: Start | None = None,
    place: Place | None = None,
) -> TrainedPose:
    """Train what a recipe describes.

    Raises:
        TrainingError: see `fit`; or the weights to start from are of a network of another size.
    """
    place, start = place or Place(), start or Start()
    torch.manual_seed(derived_seed('weights', seed))
    network = build(recipe.network, learnt.train.layout)
    known: tuple[str, ...] = ()
    if start.trained is not None:
        known = adopt(network, start.trained.network.state_dict(), start.trained.layout)
    elif start.backbone is not None:
        adopt(network, start.backbone, None)
    task = PoseLearning(network, learnt.train, recipe, seed, learnt.held)
    found = fit(
        task, recipe.training, seed, folder=place.folder, resume=place.resume,
        identity={'recipe': fingerprint(recipe), 'layout': learnt.train.layout.id,
                  'data': content_hash(learnt.train)},
        report=place.report, team=place.team)
    assert isinstance(found.network, PoseNetwork)
    return TrainedPose(found.network.cpu(), recipe, {
        'pictures': learnt.name, 'count': learnt.pictures[0], 'people': len(learnt.train),
        'held_back': learnt.pictures[1], 'terms': learnt.source, 'seed': seed,
        'epochs': found.best_epoch, 'parameters': parameters(network),
        'started_from': _words(start, known),
        'never_labelled': ', '.join(never_labelled(learnt.train)),
        'validation': {name: float(value) for name, value in found.score.items()}})


def _words(start: Start, known: tuple[str, ...]) -> str:
    if start.trained is not None:
        return f'a trained network ({len(known)} joints known to it)'
    return 'a pre-trained backbone' if start.backbone is not None else 'nothing'


def content_hash(crops: CropSet) -> str:
    """Return 12 hex digits that change whenever a crop or a joint does."""
    digest = hashlib.sha256(crops.layout.id.encode())
    for array in (crops.offsets, crops.points, crops.weights, crops.boxes):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]
