"""One training of a recipe, from clips to a calibrated recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.config import fingerprint
from neuropose_ros.learning.datasets.validation import grouped_validation
from neuropose_ros.learning.networks.recogniser import Recogniser, build
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining import pretrain
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.sampling import Sampler
from neuropose_ros.learning.training.loop import Trained, derived_seed, fit
from neuropose_ros.learning.training.recognition import Recognition, ask, labels_of
from neuropose_ros.learning.weights import (
    TrainedRecogniser,
    adopt,
    content_hash,
    identity_of,
)

PRETRAINING, SELECTION, REFIT = STAGES = 'pretraining', 'selection', 'refit'
"""What a training goes through, each with a folder of its own below the place."""


def train_recogniser(
    recipe: Recipe, clips: ClipSet, seed: int, *, unlabelled: Sequence[ClipSet] = (),
    weights: dict[str, torch.Tensor] | None = None, place: Place | None = None,
    protocol: str = '',
) -> TrainedRecogniser:
    """Train what a recipe describes.

    Args:
        clips: the training part; what the recipe holds back for validation is of it.
        unlabelled: further poses for the recipe's pre-training.
        weights: pre-trained ones, instead of the recipe's pre-training.
        protocol: how the clips were divided from those for the test, for the record.

    Raises:
        TrainingError: see `fit`; or the clips have no labels.
        DataError: they cannot be divided for validation.
    """
    place = place or Place()
    if clips.labels is None:
        raise TrainingError(f'{clips.name} has no labels to learn')
    _check_scene(recipe, clips)
    learnt, held = clips, None
    if recipe.data.validation_share:
        learnt, held = grouped_validation(
            clips, recipe.data.validation_share, recipe.data.validation_seed)
    if weights is None and recipe.pretraining.epochs:
        # Poses of the held-back part are not looked at either: validation stays honest.
        weights = pretrain(recipe, (learnt, *unlabelled), seed, place.below(PRETRAINING))
    first = _fit(recipe, learnt, held, seed, weights, place.below(SELECTION))
    network, epochs = first.network, first.best_epoch
    assert isinstance(network, Recogniser)
    if held is not None:
        _calibrate(network, recipe, held)
    if recipe.data.refit and held is not None:
        again = replace(recipe, training=replace(
            recipe.training, epochs=epochs, select='last', patience_epochs=0))
        second = _fit(again, clips, None, seed, weights, place.below(REFIT)).network
        assert isinstance(second, Recogniser)
        calibration = dict(network.head.named_buffers())
        for name, value in second.head.named_buffers():
            value.copy_(calibration[name])
        network = second
    return TrainedRecogniser(network, recipe, clips.labels, {
        'clips': clips.name, 'protocol': protocol,
        'count': len(clips if recipe.data.refit else learnt), 'content': content_hash(clips),
        'terms': clips.source, 'seed': seed, 'epochs': epochs,
        'pretrained': weights is not None,
        **({'scene_model': recipe.data.scene_model} if recipe.network.scene_size else {}),
        'validation': {name: float(value) for name, value in first.score.items()}})


def _check_scene(recipe: Recipe, clips: ClipSet) -> None:
    wanted = recipe.network.scene_size
    found = {clip.scene.shape[1] for clip in clips.clips
             if clip.scene is not None and len(clip.scene)}
    if wanted and found != {wanted}:
        have = f'of {", ".join(map(str, sorted(found)))} values' if found else 'missing'
        raise TrainingError(f'{clips.name}: its scene vectors are {have}, network.scene_size is '
                            f'{wanted}; 0 trains on poses alone')


def _fit(
    recipe: Recipe, clips: ClipSet, held: ClipSet | None, seed: int,
    weights: dict[str, torch.Tensor] | None, place: Place,
) -> Trained:
    torch.manual_seed(derived_seed('weights', seed))
    assert clips.labels is not None
    network = build(recipe.network, clips.layout, clips.dimensions, len(clips.labels))
    if weights is not None:
        adopt(network, weights)
    sampler = Sampler(clips, recipe.sampling, recipe.augmentation, seed=seed)
    identity: dict[str, Any] = {
        **identity_of(clips), 'recipe': fingerprint(recipe), 'data': content_hash(clips)}
    return fit(
        Recognition(network, sampler, recipe.training, held), recipe.training, seed,
        folder=place.folder, resume=place.resume, identity=identity, report=place.report,
        team=place.team)


def _calibrate(network: Recogniser, recipe: Recipe, held: ClipSet) -> None:
    asked = ask(network, held, recipe.sampling, recipe.evaluation.views)
    assert asked.strangeness is not None
    device = next(network.parameters()).device
    network.calibrate(
        asked.logits.to(device), torch.from_numpy(labels_of(held)).to(device),
        asked.strangeness.to(device))
