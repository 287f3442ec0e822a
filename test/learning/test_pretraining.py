"""Movement is learnt without labels, and what was learnt is taken over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.augmentation import AugmentationConfig
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining import contrast, gather, hide, joined, pretrain
from neuropose_ros.learning.pretraining_settings import PretrainingSettings
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.sampling import Sampler, SamplingConfig
from neuropose_ros.learning.training.progress import Epoch
from neuropose_ros.learning.weights import adopt, shared_weights

from .little_people import little_people
from .test_adaptation import recording

SMALL = NetworkConfig(width=16, blocks=1, completion_width=8, token_width=8)
RECIPE = Recipe(
    DataSettings('little'), SamplingConfig(ticks=16, batch_size=12), network=SMALL,
    pretraining=PretrainingSettings(epochs=12, learning_rate=0.005, checkpoint_every_s=0))


@pytest.mark.parametrize('completion', [True, False])
def test_losses_fall_and_the_weights_are_taken_over(completion: bool) -> None:
    seen: list[Epoch] = []
    recipe = replace(RECIPE, network=replace(SMALL, completion=completion))
    weights = pretrain(recipe, (little_people(24),), 0, Place(report=seen.append))
    first, last = (np.mean([epoch.values['pose'] for epoch in part])
                   for part in (seen[:2], seen[-2:]))
    assert last < 0.8 * first
    assert {'pose', 'motion'} <= set(seen[0].values)
    assert ('completion' in seen[0].values) == completion
    network = build(recipe.network, JHMDB15, 2, 5)
    head = {name: value.clone() for name, value in network.head.state_dict().items()}
    adopt(network, weights)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in weights.items())
    assert all(torch.equal(value, head[name])
               for name, value in network.head.state_dict().items())


def test_clips_are_told_apart_in_two_variants_of_a_batch() -> None:
    seen: list[Epoch] = []
    recipe = replace(RECIPE, augmentation=AugmentationConfig(jitter=0.02, speed=0.1),
                     pretraining=replace(RECIPE.pretraining, contrast_weight=1.0))
    pretrain(recipe, (little_people(24),), 0, Place(report=seen.append))
    assert seen[-1].values['contrast'] < 0.9 * seen[0].values['contrast']
    sampler = Sampler(little_people(24), recipe.sampling, recipe.augmentation, seed=0)
    first, second = (next(sampler.epoch(0, variant=variant)) for variant in (0, 1))
    assert first.names == second.names and not torch.equal(first.keypoints, second.keypoints)
    both = joined(first, second)
    assert both.keypoints.shape[0] == 24 and torch.equal(both.truth[12:], second.truth)


def test_contrast_is_small_where_partners_are_alike() -> None:
    codes = torch.eye(4)
    assert contrast(torch.cat((codes, codes))) < 0.1
    assert contrast(torch.cat((codes, codes.roll(1, 0)))) > 4


def test_weights_of_another_size_are_refused() -> None:
    weights = shared_weights(build(SMALL, JHMDB15, 2, 3))
    for other in (replace(SMALL, width=32), replace(SMALL, completion=False)):
        with pytest.raises(TrainingError, match='another size or other parts'):
            adopt(build(other, JHMDB15, 2, 3), weights)


def test_cut_off_pretraining_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = replace(RECIPE, pretraining=replace(RECIPE.pretraining, epochs=3))
    clips = (little_people(24),)
    whole = pretrain(recipe, clips, 1)

    def cut(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, clips, 1, Place(tmp_path, report=cut))
    resumed = pretrain(recipe, clips, 1, Place(tmp_path, resume=True))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_other_skeletons_are_gathered_into_the_first_form() -> None:
    clips = gather(RECIPE, (little_people(6), recording(100, 30.0)))
    assert clips.layout == JHMDB15 and clips.dimensions == 2 and clips.labels is None
    names = [clip.name for clip in clips.clips]
    assert names[0].startswith('little/') and sum(name.startswith('cmu/') for name in names) == 8
    assert max(clip.times_s[-1] for clip in clips.clips[6:]) < 1.6


def test_hidden_share_is_about_what_is_asked_for() -> None:
    settings = PretrainingSettings(hidden_joints=0.3, hidden_ticks=0.0)
    hidden = hide((50, 40, 15), settings, np.random.default_rng(0))
    assert hidden.shape == (50, 40, 15) and 0.25 < hidden.mean() < 0.35
    whole = hide((50, 40, 15), replace(settings, hidden_joints=0.0, hidden_ticks=0.2),
                 np.random.default_rng(0))
    assert (whole.all(-1) == whole.any(-1)).all() and 0.15 < whole.mean() < 0.25


def test_no_epochs_is_nothing_to_do() -> None:
    with pytest.raises(TrainingError, match='epochs is 0'):
        pretrain(replace(RECIPE, pretraining=PretrainingSettings()), (little_people(6),), 0)
