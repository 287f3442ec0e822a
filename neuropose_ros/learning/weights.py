"""Trained recognisers as files: the weights, and everything needed to use them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import NeuroposeError, TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.config import to_table
from neuropose_ros.learning.networks.recogniser import Recogniser, build
from neuropose_ros.learning.recipe import Recipe, recipe_of
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    check_identity,
    read_checkpoint,
    write_checkpoint,
)

FILE_NAME = 'recogniser.pt'
_KIND = 'recogniser'
# What recognises anything at all; the head and the context are learnt with the labels.
_SHARED = ('completion.', 'features.', 'encoder.')


@dataclass(frozen=True)
class TrainedRecogniser:
    """A network and what it was learnt with.

    Attributes:
        trained_on: name, protocol, clips, seed, epochs ... for the card and for people.
    """

    network: Recogniser
    recipe: Recipe
    labels: LabelSet
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layout(self) -> SkeletonLayout:
        """Of the keypoints."""
        return self.network.layout

    @property
    def dimensions(self) -> int:
        """D, 2 or 3."""
        return self.network.dimensions


def save_recogniser(trained: TrainedRecogniser, path: Path) -> None:
    """Write a file that `load_recogniser` reads, whole or not at all.

    Raises:
        TrainingError: it cannot be written.
    """
    layout = trained.layout
    identity = {
        'kind': _KIND, 'layout': layout.id, 'dimensions': trained.dimensions,
        'labels': list(trained.labels.labels), 'label_set': trained.labels.name,
        'skeleton': {'name': layout.name, 'names': list(layout.names),
                     'edges': [list(edge) for edge in layout.edges],
                     'mirror_pairs': [list(pair) for pair in layout.mirror_pairs]},
        'recipe': to_table(trained.recipe), 'trained_on': dict(trained.trained_on)}
    write_checkpoint(Checkpoint(identity, trained.network.state_dict()), path)


def load_recogniser(path: Path) -> TrainedRecogniser:
    """Read a trained recogniser; a folder stands for the file in it.

    Raises:
        TrainingError: it is not there, or damaged.
    """
    path = path / FILE_NAME if path.is_dir() else path
    checkpoint = read_checkpoint(path)
    facts = checkpoint.identity
    check_identity(facts, {'kind': _KIND}, str(path))
    try:
        layout = SkeletonLayout.from_table(facts['skeleton'])
        recipe = recipe_of(facts['recipe'], str(path))
        labels = LabelSet(facts['label_set'], tuple(facts['labels']))
        network = build(recipe.network, layout, facts['dimensions'], len(labels))
        network.load_state_dict(checkpoint.state)
    except (KeyError, TypeError, ValueError, RuntimeError, NeuroposeError) as error:
        raise TrainingError(f'{path}: written by another version of this program '
                            f'({" ".join(str(error).split())[:200]}): train again') from error
    return TrainedRecogniser(network.eval(), recipe, labels, facts['trained_on'])


def check_fits(trained: TrainedRecogniser, clips: ClipSet, path: Path) -> None:
    """Check that a trained recogniser is of use for clips.

    Args:
        path: where it was read, for the sentence.

    Raises:
        TrainingError: their joints or labels are others.
    """
    check_identity({
        'layout': trained.layout.id, 'dimensions': trained.dimensions,
        'labels': list(trained.labels.labels)}, identity_of(clips), str(path))


def identity_of(clips: ClipSet) -> dict[str, Any]:
    """Return what weights must share with clips to be of use for them."""
    return {'layout': clips.layout.id, 'dimensions': clips.dimensions,
            **({'labels': list(clips.labels.labels)} if clips.labels is not None else {})}


def content_hash(clips: ClipSet) -> str:
    """Return 12 hex digits that change whenever a clip does."""
    digest = hashlib.sha256()
    for clip in clips.clips:
        digest.update(f'{clip.name}/{clip.label}/{clip.group}'.encode())
        digest.update(clip.keypoints.tobytes())
        if clip.scene is not None:
            digest.update(clip.scene.tobytes())
    return digest.hexdigest()[:12]


def shared_weights(network: Recogniser) -> dict[str, Tensor]:
    """Return the weights that do not depend on labels or context."""
    return {name: value for name, value in network.state_dict().items()
            if name.startswith(_SHARED)}


def adopt(network: Recogniser, weights: Mapping[str, Tensor]) -> None:
    """Take over what `shared_weights` gave.

    Raises:
        TrainingError: they are of a network of another size.
    """
    own = network.state_dict()
    wanted = {name for name in own if name.startswith(_SHARED)}
    if wanted != set(weights) or any(own[name].shape != weights[name].shape for name in wanted):
        raise TrainingError('the pre-trained weights are of a network of another size or other '
                            'parts: pre-train with the same network section')
    network.load_state_dict(weights, strict=False)
