"""A pose network's start from pictures without labels: every spot is told from all others.

Two views of a picture are warped, lit and covered in other ways; the features at the same spot
shall be alike, and unlike those of other spots of the same and of other pictures (contrast as in
SimCLR, Chen et al. 2020, at single places as in DenseCL, Wang et al. 2021). The warps are known:
nothing has to be matched. What is learnt is the network without its answers: backbone and neck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.config import (
    at_least,
    fingerprint,
    override,
    parse,
    read_yaml,
    to_table,
)
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_training.augmentation import PictureAugmentation
from neuropose_ros.learning.pose_training.fitting import Start
from neuropose_ros.learning.pose_training.network import PoseNetwork, PoseNetworkConfig, build
from neuropose_ros.learning.pose_training.task import ahead, pictures_of
from neuropose_ros.learning.pose_training.views import PictureStore, ViewMaker, Views, ViewSettings
from neuropose_ros.learning.pose_training.weights import load_pose
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from neuropose_ros.learning.training.loop import derived_seed, fit
from neuropose_ros.learning.training.processes import Team
from neuropose_ros.learning.training.settings import LoopSettings

FILE_NAME = 'backbone.pt'
_KIND = 'pre-trained pose backbone'
_ANSWERS = ('x.', 'y.', 'temperature')


@dataclass(frozen=True)
class ContrastSettings(LoopSettings):
    """Of telling spots from each other.

    Attributes:
        batch_size: pictures, of all processes together; each is seen twice.
        pictures_per_epoch: drawn anew for each epoch; 0 = all.
        code: numbers by which a spot is told.
        sharpness: the temperature of the contrast.
        apart_px: spots of one picture that are nearer are not held against each other, px of
            the input.
    """

    batch_size: int = 32
    pictures_per_epoch: int = 0
    code: int = 64
    sharpness: float = 0.1
    apart_px: float = 12.0

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        at_least(2, batch_size=self.batch_size)
        at_least(0, pictures_per_epoch=self.pictures_per_epoch, apart_px=self.apart_px)
        at_least(1, code=self.code)
        at_least(0.01, sharpness=self.sharpness)


@dataclass(frozen=True)
class PosePretraining:
    """The sections of the file."""

    data: ViewSettings = field(default_factory=ViewSettings)
    augmentation: PictureAugmentation = field(default_factory=PictureAugmentation)
    network: PoseNetworkConfig = field(default_factory=PoseNetworkConfig)
    training: ContrastSettings = field(default_factory=ContrastSettings)

    def __post_init__(self) -> None:
        """Check that the sections fit each other."""
        for name in ('half_body', 'background'):
            if getattr(self.augmentation, name):
                raise ParameterError(f'augmentation.{name} must be 0: in pictures without labels '
                                     'nobody knows where people are')


def read_pose_pretraining(
    name: str | Path = 'pretrain_pose', assignments: Sequence[str] = (),
) -> PosePretraining:
    """Read settings.

    Args:
        name: ``pretrain_pose`` (what the command starts from), or a path.
        assignments: ``section.key=value`` that replace what the file says.

    Raises:
        ParameterError: a file, key or value is wrong; the sentence says which.
    """
    path = (config_folder() / 'learning' / 'pretrain_pose.yaml'
            if str(name) == 'pretrain_pose' else Path(name))
    return parse(PosePretraining, override(read_yaml(path), assignments), str(path))


class ViewBatch(NamedTuple):
    """Two views of N pictures; see `Views`.

    Attributes:
        pictures: (2 N, 3, H, W) float32, normalised.
        points: (2 N, P, 2) px.
        inside: (N, P) bool.
    """

    pictures: Tensor
    points: Tensor
    inside: Tensor


class SpotCoder(nn.Module):
    """A pose network with codes of single spots in place of its answers."""

    def __init__(self, config: PoseNetworkConfig, code: int) -> None:
        """Make it with fresh weights."""
        super().__init__()
        self.network = build(config, SkeletonLayout('none', ('none',), (), ()))
        for answer in (self.network.x, self.network.y):
            answer.requires_grad_(False)  # nobody asks for them
        self.code = nn.Sequential(
            nn.Conv2d(config.neck, config.neck, 1), nn.ReLU(inplace=True),
            nn.Conv2d(config.neck, code, 1))

    def forward(self, pictures: Tensor, points: Tensor) -> Tensor:
        """Return (N, P, code) of unit length at (N, P, 2) px of (N, 3, H, W) pictures."""
        codes = self.code(self.network.features(pictures)).float()
        size = points.new_tensor(pictures.shape[:1:-1])
        # Pixel centres are whole numbers: -0.5 is the border, which is -1 to grid_sample.
        places = (2 * points + 1) / size - 1
        found = functional.grid_sample(
            codes, places.unsqueeze(1), padding_mode='border', align_corners=False)
        return functional.normalize(found.squeeze(2).transpose(1, 2), dim=-1)


class SpotLearning:
    """Learns to tell spots; the loop's task."""

    def __init__(self, store: PictureStore, recipe: PosePretraining, seed: int) -> None:
        """Take the pictures.

        Raises:
            TrainingError: they are too few.
        """
        settings = recipe.training
        self.network: nn.Module = SpotCoder(recipe.network, settings.code)
        used = min(settings.pictures_per_epoch or len(store), len(store))
        self._batch = min(settings.batch_size, used)
        if self._batch < 2:
            raise TrainingError('one picture is too little to tell spots from others')
        self.steps_per_epoch = used // self._batch
        self._store, self._settings, self._seed = store, settings, seed
        self._maker = ViewMaker(recipe.data, recipe.network, recipe.augmentation)

    def batches(self, epoch: int, team: Team) -> Iterator[ViewBatch]:
        """Give the batches of an epoch, the next one made while one is learnt from.

        Raises:
            TrainingError: the processes are more than half of the pictures of a batch.
        """
        share = self._batch // team.size
        if share < 2:
            raise TrainingError(f'{team.size} processes share batches of {self._batch} pictures: '
                                'raise training.batch_size')
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._store))

        def made() -> Iterator[Views]:
            for step in range(self.steps_per_epoch):
                chosen = order[step * self._batch:][:share * team.size]
                rng = np.random.default_rng([self._seed, epoch, step, team.rank])
                yield self._maker.make(self._store, chosen[team.rank::team.size], rng)

        for views in ahead(made):
            yield ViewBatch(
                pictures_of(views.images).to(team.device),
                torch.from_numpy(views.points).to(team.device),
                torch.from_numpy(views.inside).to(team.device))

    def losses(self, network: nn.Module, batch: ViewBatch) -> dict[str, Tensor]:
        """Return how badly spots are told apart."""
        return {'contrast': contrast(
            network(batch.pictures, batch.points), batch.points, batch.inside,
            self._settings.sharpness, self._settings.apart_px)}

    def score(self, network: nn.Module) -> dict[str, float]:
        """Judge nothing: the last weights are kept."""
        del network
        return {}


def contrast(
    codes: Tensor, points: Tensor, inside: Tensor, sharpness: float, apart_px: float,
) -> Tensor:
    """Return the cross entropy of finding each spot of one view among all of the other view.

    Args:
        codes: (2 N, P, C) of unit length; see `Views`.
        points: (2 N, P, 2) px.
        inside: (N, P) bool: these are asked for and held against each other.
    """
    count, spots = inside.shape
    first, second = (part.flatten(0, 1) for part in (codes[:count], codes[count:]))
    asked = inside.flatten()
    alike = first @ second.T / sharpness
    total = codes.new_zeros(())
    for table, places in ((alike, points[count:]), (alike.T, points[:count])):
        near = torch.cdist(places, places) < apart_px  # (N, P, P)
        near &= ~torch.eye(spots, dtype=torch.bool, device=codes.device)
        hidden = torch.block_diag(*near) | ~asked
        logits = table.masked_fill(hidden, -1e4)[asked]
        total = total + functional.cross_entropy(
            logits, torch.arange(len(table), device=codes.device)[asked], reduction='sum')
    return total / (2 * asked.sum().clamp_min(1))


def pretrain_pose(
    recipe: PosePretraining, store: PictureStore, seed: int, place: Place | None = None,
) -> dict[str, Tensor]:
    """Learn from pictures without labels.

    Returns:
        Weights of backbone and neck, by which `Start.backbone` starts.

    Raises:
        TrainingError: see `fit`.
    """
    place = place or Place()
    torch.manual_seed(derived_seed('weights', seed))
    task = SpotLearning(store, recipe, seed)
    digest = hashlib.sha256(store.pixels.data).hexdigest()[:12]
    trained = fit(
        task, recipe.training, seed, folder=place.folder, resume=place.resume,
        identity={'recipe': fingerprint(recipe), 'data': digest}, report=place.report,
        team=place.team)
    assert isinstance(trained.network, SpotCoder)
    network: PoseNetwork = trained.network.network
    return {name: value.cpu() for name, value in network.state_dict().items()
            if not name.startswith(_ANSWERS)}


def save_backbone(
    weights: Mapping[str, Tensor], recipe: PosePretraining, facts: Mapping[str, Any], path: Path,
) -> None:
    """Write a file that `start_from` reads, whole or not at all.

    Args:
        facts: plain values, for people.

    Raises:
        TrainingError: it cannot be written.
    """
    identity = {'kind': _KIND, 'recipe': to_table(recipe), 'learnt_from': dict(facts)}
    write_checkpoint(Checkpoint(identity, weights), path)


def start_from(path: Path) -> Start:
    """Return the start that a file or folder holds: a trained network, or a backbone.

    Raises:
        TrainingError: it is neither, or damaged.
    """
    file = path / FILE_NAME if path.is_dir() and (path / FILE_NAME).is_file() else path
    if file.name != FILE_NAME:
        return Start(load_pose(path))
    return Start(backbone=dict(read_checkpoint(file, {'kind': _KIND}).state))
