"""How a network of the registry is learnt on: everything that decides it, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropose_ros.core.resources import config_folder
from neuropose_ros.learning.config import at_least, override, parse, read_yaml, within
from neuropose_ros.learning.pose_training.augmentation import PictureAugmentation
from neuropose_ros.learning.pose_training.recipe import PoseDataSettings
from neuropose_ros.learning.training.settings import LoopSettings

NAME = 'fine_tune_pose'


@dataclass(frozen=True)
class FineTuningSettings(LoopSettings):
    """Of the learning.

    Attributes:
        batch_size: of all processes together.
        people_per_epoch: drawn anew for each epoch; 0 = all.
        kept: weight of staying as it was where nobody annotated anything; 0 = it may drift.
        frozen: share of the layers, from the picture on, that stay as they are.
    """

    batch_size: int = 16
    people_per_epoch: int = 0
    kept: float = 0.25
    frozen: float = 0.3

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        at_least(1, batch_size=self.batch_size)
        at_least(0, people_per_epoch=self.people_per_epoch, kept=self.kept)
        within(0, 0.95, frozen=self.frozen)


@dataclass(frozen=True)
class FineTuningRecipe:
    """The sections of the file.

    Attributes:
        data: its ``padding`` is not used: the network's entry says what it is shown.
    """

    data: PoseDataSettings = field(default_factory=PoseDataSettings)
    augmentation: PictureAugmentation = field(default_factory=PictureAugmentation)
    training: FineTuningSettings = field(default_factory=FineTuningSettings)

    def __post_init__(self) -> None:
        """Check that the sections fit each other."""
        self.training.check_selection(self.data.validation_share)


def read_fine_tuning(
    path: str | Path = NAME, assignments: Sequence[str] = (),
) -> FineTuningRecipe:
    """Read a recipe.

    Args:
        path: of a YAML file; `NAME` = the one that comes with the package.
        assignments: ``section.key=value`` that replace what the file says.

    Raises:
        ParameterError: a file, key or value is wrong; the sentence says which.
    """
    file = config_folder() / 'learning' / f'{NAME}.yaml' if str(path) == NAME else Path(path)
    return fine_tuning_of(override(read_yaml(file), assignments), str(file))


def fine_tuning_of(values: Any, where: str) -> FineTuningRecipe:
    """Read a recipe from plain tables, as a checkpoint holds them."""
    return parse(FineTuningRecipe, values, where)
