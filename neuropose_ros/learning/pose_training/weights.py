"""Trained pose networks on the disk: weights, and all that is needed to use or train them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import NeuroposeError, TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.config import to_table
from neuropose_ros.learning.pose_training.network import PoseNetwork, build
from neuropose_ros.learning.pose_training.recipe import PoseRecipe, pose_recipe_of
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    check_identity,
    read_checkpoint,
    write_checkpoint,
)

FILE_NAME = 'pose.pt'
_KIND = 'pose network'


@dataclass(frozen=True)
class TrainedPose:
    """A network and what it was learnt with.

    Attributes:
        trained_on: pictures, people, seed, epochs, terms ... for the card and for people.
    """

    network: PoseNetwork
    recipe: PoseRecipe
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layout(self) -> SkeletonLayout:
        """Of the joints that it finds."""
        return self.network.layout


def pose_file(path: Path) -> Path:
    """Return the file that a path means: itself, or the one in the folder."""
    return path / FILE_NAME if path.is_dir() else path


def is_pose(path: Path) -> bool:
    """Whether a folder, or a file by its name, holds a trained pose network."""
    file = pose_file(path)
    return file.name == FILE_NAME and file.is_file()


def save_pose(trained: TrainedPose, path: Path) -> None:
    """Write a file that `load_pose` reads, whole or not at all.

    Raises:
        TrainingError: it cannot be written.
    """
    identity = {
        'kind': _KIND, 'layout': trained.layout.id, 'skeleton': to_table(trained.layout),
        'recipe': to_table(trained.recipe), 'trained_on': dict(trained.trained_on)}
    write_checkpoint(Checkpoint(identity, trained.network.state_dict()), path)


def load_pose(path: Path) -> TrainedPose:
    """Read a trained pose network; a folder stands for the file in it.

    Raises:
        TrainingError: it is not there, or damaged.
    """
    path = pose_file(path)
    checkpoint = read_checkpoint(path)
    facts = checkpoint.identity
    check_identity(facts, {'kind': _KIND}, str(path))
    try:
        recipe = pose_recipe_of(facts['recipe'], str(path))
        network = build(recipe.network, SkeletonLayout.from_table(facts['skeleton']))
        network.load_state_dict(checkpoint.state)
    except (KeyError, TypeError, ValueError, RuntimeError, NeuroposeError) as error:
        raise TrainingError(f'{path}: written by another version of this program '
                            f'({" ".join(str(error).split())[:200]}): train again') from error
    return TrainedPose(network.eval(), recipe, facts['trained_on'])
