"""One fine-tuning, from annotated pictures to a network that the registry takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from neuropose_ros.core.errors import DataError, TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.learning.config import fingerprint
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_sets import PictureSet
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_finetuning.blazepose import BlazePoseLook
from neuropose_ros.learning.pose_finetuning.graph import GraphNetwork
from neuropose_ros.learning.pose_finetuning.looks import Look, joints_of
from neuropose_ros.learning.pose_finetuning.recipe import FineTuningRecipe
from neuropose_ros.learning.pose_finetuning.task import FineTuning
from neuropose_ros.learning.pose_finetuning.topdown import HeatmapLook, SimccLook
from neuropose_ros.learning.pose_finetuning.tuned import TunedPose, Vendor
from neuropose_ros.learning.pose_training.augmentation import PictureAugmentation
from neuropose_ros.learning.pose_training.crops import CropSettings
from neuropose_ros.learning.pose_training.fitting import CONTEXT, Learnt, content_hash, divided
from neuropose_ros.learning.pose_training.network import parameters
from neuropose_ros.learning.training.loop import derived_seed, fit

_LOOKS: Mapping[str, Callable[[ModelEntry, SkeletonLayout, PictureAugmentation], Look]] = {
    'blazepose-landmarks': BlazePoseLook, 'simcc': SimccLook, 'heatmap': HeatmapLook,
}


def look_of(vendor: Vendor, layout: SkeletonLayout, augmentation: PictureAugmentation) -> Look:
    """Return how a network looks at people whose joints are annotated in a layout.

    Raises:
        TrainingError: nothing is known of learning on such networks.
        DataError: it has none of the joints.
    """
    make = _LOOKS.get(vendor.network.decoder)
    if make is None:
        raise TrainingError(
            f'{vendor.entry.name} is read by the decoder {vendor.network.decoder}, whose networks '
            f'are not learnt on; {", ".join(_LOOKS)} are')
    if not joints_of(layout, vendor.skeleton).taught:
        raise DataError(f'{vendor.entry.name} has none of the annotated joints '
                        f'({", ".join(layout.names[:6])} ...)')
    return make(vendor.network, layout, augmentation)


def prepare_tuning(
    recipe: FineTuningRecipe, vendor: Vendor, pictures: PictureSet, seed: int, *,
    cache: Path | None = None, findings: Findings | None = None,
) -> Learnt:
    """Hold pictures back, draw those to learn from, and cut the people out.

    Raises:
        DataError, TrainingError: see `divided` and `look_of`.
    """
    look = look_of(vendor, pictures.layout, recipe.augmentation)
    side = round(CONTEXT * max(look.size) / look.room)
    return divided(
        recipe.data, pictures, seed,
        CropSettings(side, CONTEXT, replicated=vendor.network.decoder == 'blazepose-landmarks'),
        cache=cache, findings=findings)


def fine_tune(
    recipe: FineTuningRecipe, vendor: Vendor, learnt: Learnt, seed: int, *,
    place: Place | None = None,
) -> TunedPose:
    """Let a network learn on.

    Raises:
        TrainingError: see `fit`; or the network cannot learn.
        DataError: see `look_of`.
    """
    place = place or Place()
    layout = learnt.train.layout
    look = look_of(vendor, layout, recipe.augmentation)
    torch.manual_seed(derived_seed('tuning', seed))
    task = FineTuning(vendor, look, learnt.train, recipe, seed, learnt.held)
    found = fit(
        task, recipe.training, seed, folder=place.folder, resume=place.resume,
        identity={'recipe': fingerprint(recipe), 'layout': layout.id,
                  'data': content_hash(learnt.train),
                  'network': hashlib.sha256(vendor.content).hexdigest()[:12]},
        report=place.report, team=place.team)
    assert isinstance(found.network, GraphNetwork)
    return TunedPose(replace(vendor, content=found.network.to_onnx()), {
        'started_from': vendor.entry.name, 'pictures': learnt.name, 'count': learnt.pictures[0],
        'people': len(learnt.train), 'held_back': learnt.pictures[1], 'terms': learnt.source,
        'seed': seed, 'epochs': found.best_epoch, 'parameters': parameters(found.network),
        'joints_not_learnt': list(joints_of(layout, vendor.skeleton).unused),
        'validation': {name: float(value) for name, value in found.score.items()}})
