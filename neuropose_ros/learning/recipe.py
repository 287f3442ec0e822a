"""A recipe: everything that decides what a training comes to, in one YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.learning.augmentation import AugmentationConfig
from neuropose_ros.learning.config import at_least, override, parse, read_yaml, within
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.pretraining_settings import PretrainingSettings
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.training.settings import TrainingSettings


@dataclass(frozen=True)
class DataSettings:
    """Which clips.

    Attributes:
        dataset: name in the catalogue.
        split: '' = the data set's first.
        validation_share: of the training part, held back by source recording; 0 = none.
        validation_seed: which recordings are held back.
        refit: train anew on the whole training part once the held-back part has chosen the
            epochs and the calibration.
        skipped_share: of the clips that may be unusable before it is an error.
        extraction: of data sets of videos: what looks at them, `extraction.ExtractionSettings`.
        layout: of their poses; '' = the estimator's.
        least_score: joints the estimator is less sure of are not known, 0..1.
    """

    dataset: str
    split: str = ''
    validation_share: float = 0.2
    validation_seed: int = 0
    refit: bool = False
    skipped_share: float = 0.05
    extraction: dict[str, Any] = field(default_factory=dict)
    layout: str = ''
    least_score: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        within(0, 0.9, validation_share=self.validation_share)
        within(0, 1, skipped_share=self.skipped_share, least_score=self.least_score)
        if not isinstance(self.extraction.get('scene', ''), str):
            raise ParameterError('extraction: scene is no text')
        if self.refit and not self.validation_share:
            raise ParameterError('refit is true; it needs a validation_share')


    @property
    def scene_model(self) -> str:
        """Encoder of the scene vectors; '' = not known."""
        given: str = self.extraction.get('scene', '')
        return given


@dataclass(frozen=True)
class EvaluationSettings:
    """How the trained network is asked.

    Attributes:
        views: looks at a clip whose answers are averaged; 1 = the plain one.
        baselines: what is trained beside it under the same protocol: ``ddnet``, ``svm``.
        pose_only: also train it without scene context.
    """

    views: int = 1
    baselines: tuple[str, ...] = ()
    pose_only: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(1, views=self.views)
        for name in self.baselines:
            if name not in ('ddnet', 'svm'):
                raise ParameterError(f'baselines has {name!r}; ddnet and svm are known')


@dataclass(frozen=True)
class Recipe:
    """The sections of the file."""

    data: DataSettings
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    pretraining: PretrainingSettings = field(default_factory=PretrainingSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        """Check that the sections fit each other."""
        self.training.check_selection(self.data.validation_share)
        if self.network.causal != self.sampling.causal:
            raise ParameterError(f'network.causal is {self.network.causal} and sampling.causal '
                                 f'{self.sampling.causal}; they go together')
        if self.evaluation.pose_only and not self.network.scene_size:
            raise ParameterError('evaluation.pose_only is true; network.scene_size is 0 as it is')

    def without_scene(self) -> Recipe:
        """Return the same recipe for poses alone."""
        return replace(self, network=replace(self.network, scene_size=0),
                       evaluation=replace(self.evaluation, pose_only=False))


def recipe_names() -> tuple[str, ...]:
    """Return the recipes that come with the package."""
    return tuple(sorted(path.stem for path in (config_folder() / 'recipes').glob('*.yaml')))


def recipe_path(name: str | Path) -> Path:
    """Return the file of a recipe by its name, or the path itself.

    Raises:
        ParameterError: there is neither.
    """
    path = Path(name)
    if path.suffix in ('.yaml', '.yml'):
        return path
    if str(name) in ('train', 'pretrain'):  # what the commands start from
        return config_folder() / 'learning' / f'{name}.yaml'
    if str(name) not in recipe_names():
        raise ParameterError(f'there is no recipe {name}; there are {", ".join(recipe_names())}, '
                             'or the path of a .yaml file')
    return config_folder() / 'recipes' / f'{name}.yaml'


def read_recipe(name: str | Path, assignments: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name: of one that comes with the package, or a path.
        assignments: ``section.key=value`` that replace what the file says.

    Raises:
        ParameterError: a file, key or value is wrong; the sentence says which.
    """
    path = recipe_path(name)
    return recipe_of(override(read_yaml(path), assignments), str(path))


def recipe_of(values: Any, where: str) -> Recipe:
    """Read a recipe from plain tables, as a checkpoint holds them."""
    return parse(Recipe, values, where)
