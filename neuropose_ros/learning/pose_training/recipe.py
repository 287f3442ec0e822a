"""A recipe of a pose network: everything that decides what its training comes to, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.learning.config import at_least, override, parse, read_yaml, within
from neuropose_ros.learning.datasets.picture_sets import FORMS
from neuropose_ros.learning.pose_training.augmentation import PictureAugmentation
from neuropose_ros.learning.pose_training.distillation import DistillationSettings
from neuropose_ros.learning.pose_training.network import PoseNetworkConfig
from neuropose_ros.learning.training.settings import LoopSettings


@dataclass(frozen=True)
class PoseDataSettings:
    """Which pictures.

    Attributes:
        form: how the set lies on the disk; '' = what its files tell.
        part: of a set that is divided: ``train``, ``test``; '' = all.
        layout: a built-in one whose joints are learnt; '' = that of the annotations.
        validation_share: of the pictures, held back by recording.
        validation_seed: which recordings are held back.
        pictures: learn from so many, drawn by the seed; 0 = all.
        skipped_share: of the pictures and people that may be unusable before it is an error.
        padding: share of a person's box that the network sees; the model's entry says so, too.
    """

    form: str = ''
    part: str = 'train'
    layout: str = ''
    validation_share: float = 0.1
    validation_seed: int = 0
    pictures: int = 0
    skipped_share: float = 0.05
    padding: float = 1.25

    def __post_init__(self) -> None:
        """Check ranges."""
        within(0, 0.9, validation_share=self.validation_share)
        within(0, 1, skipped_share=self.skipped_share)
        within(0.5, 3, padding=self.padding)
        at_least(0, pictures=self.pictures)
        if self.form not in ('', *FORMS):
            raise ParameterError(f'form is {self.form!r}; {", ".join(FORMS)} and nothing are '
                                 'allowed')


@dataclass(frozen=True)
class PoseTrainingSettings(LoopSettings):
    """Of learning where joints are.

    Attributes:
        batch_size: of all processes together.
        people_per_epoch: drawn anew for each epoch; 0 = all.
        spread_px: standard deviation of the answer that is taught, px of the input.
    """

    batch_size: int = 32
    people_per_epoch: int = 0
    spread_px: float = 1.5

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        at_least(1, batch_size=self.batch_size)
        at_least(0, people_per_epoch=self.people_per_epoch)
        at_least(0.1, spread_px=self.spread_px)


@dataclass(frozen=True)
class PoseRecipe:
    """The sections of the file."""

    data: PoseDataSettings = field(default_factory=PoseDataSettings)
    augmentation: PictureAugmentation = field(default_factory=PictureAugmentation)
    network: PoseNetworkConfig = field(default_factory=PoseNetworkConfig)
    distillation: DistillationSettings = field(default_factory=DistillationSettings)
    training: PoseTrainingSettings = field(default_factory=PoseTrainingSettings)

    def __post_init__(self) -> None:
        """Check that the sections fit each other."""
        self.training.check_selection(self.data.validation_share)


def pose_recipe_names() -> tuple[str, ...]:
    """Return the recipes of pose networks that come with the package."""
    return tuple(sorted(path.stem for path in _folder().glob('*.yaml')))


def read_pose_recipe(name: str | Path, assignments: Sequence[str] = ()) -> PoseRecipe:
    """Read a recipe.

    Args:
        name: of one that comes with the package, ``train_pose`` (what the command starts from),
            or a path.
        assignments: ``section.key=value`` that replace what the file says.

    Raises:
        ParameterError: a file, key or value is wrong; the sentence says which.
    """
    path = Path(name)
    if str(name) == 'train_pose':
        path = config_folder() / 'learning' / 'train_pose.yaml'
    elif path.suffix not in ('.yaml', '.yml'):
        if str(name) not in pose_recipe_names():
            raise ParameterError(
                f'there is no recipe {name} of a pose network; there are '
                f'{", ".join(pose_recipe_names())}, or the path of a .yaml file')
        path = _folder() / f'{name}.yaml'
    return pose_recipe_of(override(read_yaml(path), assignments), str(path))


def pose_recipe_of(values: Any, where: str) -> PoseRecipe:
    """Read a recipe from plain tables, as a checkpoint holds them."""
    return parse(PoseRecipe, values, where)


def _folder() -> Path:
    return config_folder() / 'recipes' / 'pose'
