"""Learning on a network of the registry: the loop's task, and judging what was learnt."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.layouts import convert_points
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.learning.pose_finetuning.graph import GraphNetwork
from neuropose_ros.learning.pose_finetuning.looks import Look, LookBatch, network_input
from neuropose_ros.learning.pose_finetuning.recipe import FineTuningRecipe
from neuropose_ros.learning.pose_finetuning.tuned import TunedPose, Vendor, in_registry
from neuropose_ros.learning.pose_training.crops import CropSet
from neuropose_ros.learning.pose_training.task import LIMITS, ahead
from neuropose_ros.learning.training.processes import Team
from neuropose_ros.pose.create import create_region_estimator
from neuropose_ros.pose.estimator import Region

_MOST_JUDGED = 256
# What stays is looked at in a part of each batch: it costs as much as looking for the joints.
_KEPT_ONE_IN = 2


class FineTuning:
    """Learns the joints of people in crops, by the network's own outputs; the loop's task."""

    def __init__(
        self, vendor: Vendor, look: Look, crops: CropSet, recipe: FineTuningRecipe, seed: int,
        validation: CropSet | None = None,
    ) -> None:
        """Take a network, how it looks at people, and what it learns from.

        Args:
            validation: people that judge it.

        Raises:
            TrainingError: there is nobody to learn from, or the network cannot learn.
        """
        if not len(crops) or not crops.weights.any():
            raise TrainingError('there is nobody to learn from: no person has a known joint')
        network = GraphNetwork(vendor.content)
        self._before = copy.deepcopy(network).requires_grad_(False)
        network.freeze(recipe.training.frozen)
        self.network: nn.Module = network
        self._vendor, self._look, self._crops = vendor, look, crops
        self._recipe, self._seed, self._validation = recipe, seed, validation
        settings = recipe.training
        self._people = min(settings.people_per_epoch or len(crops), len(crops))
        self._batch = min(settings.batch_size, self._people)
        self.steps_per_epoch = self._people // self._batch

    def batches(self, epoch: int, team: Team) -> Iterator[LookBatch]:
        """Give the augmented batches of an epoch, the next one made while one is learnt from.

        Raises:
            TrainingError: the processes are more than the people of a batch.
        """
        if self._batch < team.size:
            raise TrainingError(f'{team.size} processes share batches of {self._batch}: raise '
                                'training.batch_size')
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._crops))
        used = self._batch // team.size * team.size

        def made() -> Iterator[LookBatch]:
            for step in range(self.steps_per_epoch):
                chosen = order[step * self._batch:][:used][team.rank::team.size]
                rng = np.random.default_rng([self._seed, epoch, step, team.rank])
                clean = [self._look.cut(self._crops.person(index), rng) for index in chosen]
                lit = [self._look.lit(crop, rng) for crop in clean]
                target = self._vendor.network.input
                yield LookBatch(
                    network_input(np.stack([crop.image for crop in lit]), target),
                    network_input(np.stack([crop.image for crop in clean]), target),
                    torch.from_numpy(np.nan_to_num(np.stack([crop.points for crop in clean]))),
                    torch.from_numpy(np.stack([crop.weights for crop in clean])))

        for batch in ahead(made):
            yield LookBatch(*(part.to(team.device) for part in batch))

    def losses(self, network: nn.Module, batch: LookBatch) -> dict[str, Tensor]:
        """Return how far the outputs are from what is taught, and from what is to stay."""
        found: Mapping[str, Tensor] = network(batch.pictures)
        losses = self._look.losses(found, batch)
        weight = self._recipe.training.kept
        if weight:
            part = slice(0, -(-len(batch.clean) // _KEPT_ONE_IN))
            with torch.no_grad():
                before = self._before.to(batch.points.device)(batch.clean[part])
            now = {name: value[part] for name, value in found.items()}
            losses['kept'] = weight * self._look.changed(now, before)
        return losses

    def score(self, network: nn.Module) -> dict[str, float]:
        """Return PCK on the validation part, shares of the box around a person's joints."""
        if self._validation is None or not len(self._validation):
            return {}
        assert isinstance(network, GraphNetwork)
        content = network.to_onnx()
        return judge(TunedPose(replace(self._vendor, content=content)), self._validation)


def judge(tuned: TunedPose, crops: CropSet) -> dict[str, float]:
    """Return PCK of a network that is run as in use, on up to 256 people evenly spread.

    Raises:
        TrainingError: none of their joints is known and one of the network's.
    """
    chosen = np.unique(np.linspace(0, len(crops) - 1, _MOST_JUDGED).astype(int))
    truth = crops.points[chosen]
    found = look_at(tuned, crops, chosen)
    away = np.linalg.norm(found - truth, axis=-1) / np.maximum(
        crops.sizes[chosen], 1e-6)[:, np.newaxis]
    known = np.isfinite(away)
    if not known.any():
        raise TrainingError('no joint of the people that are held back is known')
    return {f'pck@{limit:g}': float((away[known] < limit).mean()) for limit in LIMITS}


def look_at(tuned: TunedPose, crops: CropSet, chosen: NDArray[np.intp]) -> Floats:
    """Return (N, K, 2) px of the crops: the joints that the network finds in the people's boxes.

    NaN = it has no such joint.
    """
    points = []
    with in_registry(tuned) as (name, registry):
        estimator = create_region_estimator(
            name, runtime='cpu', threads=1, registry=registry, announce=lambda _: None)
        try:
            for index in chosen:
                person = crops.person(index)
                [found] = estimator.estimate(Picture(person.image), [Region(person.box)])
                points.append(convert_points(found.keypoints, estimator.layout, crops.layout))
        finally:
            estimator.close()
    return np.stack(points)
