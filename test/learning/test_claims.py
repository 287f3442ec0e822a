"""What is claimed of a recipe is trained and measured by the protocol."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.claims import PLAIN, WHOLE, measure, train, variants
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.training.recognition import predictor
from neuropose_ros.learning.training.settings import TrainingSettings
from neuropose_ros.learning.weights import FILE_NAME, TrainedRecogniser, save_recogniser

from .little_people import little_people

RECIPE = Recipe(
    data=DataSettings('little', validation_share=0),
    network=NetworkConfig(width=8, blocks=1, completion_width=8, token_width=8),
    training=TrainingSettings(epochs=1))


def four_classes(count: int, seed: int) -> ClipSet:
    """Return clips with every other one upside down, which is a fourth action."""
    clips = little_people(count, seed)
    labels = LabelSet('four', ('bend', 'walk', 'wave', 'float'))
    turned = tuple(
        replace(clip, keypoints=clip.keypoints * np.float32(-1), label=3) if i % 4 == 0 else clip
        for i, clip in enumerate(clips.clips))
    return replace(clips, name='four', labels=labels, clips=turned)


@pytest.fixture(scope='module')
def split():
    return Split(four_classes(24, 1), four_classes(24, 2), 'split 1')


def test_every_training_of_the_protocol_is_planned(split):
    todo = variants(RECIPE, split, 2)
    assert [(each.name, each.seeds) for each in todo] == [
        (WHOLE, 2), (PLAIN, 2), ('without-bend-float', 1), ('without-walk-wave', 1)]
    whole, plain, first, _ = todo
    assert whole.recipe == RECIPE
    assert not plain.recipe.network.completion
    assert replace(plain.recipe.network, completion=True) == RECIPE.network
    assert plain.split is split
    assert first.split.train.labels.labels == ('walk', 'wave')
    assert all(clip.label in (0, 1) for clip in first.split.test.clips)
    assert len({each.title(job) for each in todo for job in each.jobs}) == 6


def test_clips_without_labels_allow_no_claim(split):
    bare = replace(split.train, labels=None, clips=tuple(
        replace(clip, label=-1) for clip in split.train.clips))
    with pytest.raises(DataError, match='without labels'):
        variants(RECIPE, Split(bare, bare.only(()), ''), 1)


def test_the_figures_are_those_of_the_weights(split, tmp_path):
    todo = variants(RECIPE, split, 2)
    for number, variant in enumerate(todo):
        for path in variant.weights(tmp_path):
            torch.manual_seed(number)
            network = build(variant.recipe.network, split.train.layout, 2,
                            len(variant.split.train.labels)).eval()
            save_recogniser(TrainedRecogniser(
                network, variant.recipe, variant.split.train.labels), path / FILE_NAME)
    claims = measure(todo, tmp_path)
    torch.manual_seed(0)
    network = build(RECIPE.network, split.train.layout, 2, 4).eval()
    predict = predictor(network, RECIPE.sampling)
    truth = np.array([clip.label for clip in split.test.clips])
    right = predict(split.test).probabilities.argmax(1) == truth
    assert claims.top1 == pytest.approx([right.mean()] * 2)
    assert len(claims.ece) == len(claims.missing40_loss) == len(claims.completion_gain) == 2
    assert 0 <= claims.auroc <= 1
    assert 0 < claims.ece[0] < 1


@pytest.mark.slow
def test_trainings_leave_their_weights_and_tell_how_far_they_are(split, tmp_path):
    todo = variants(RECIPE, split, 1)[1:3]
    shares: dict[str, float] = {}
    train(todo, tmp_path, workers=2, watch=shares.__setitem__)
    assert shares == {f'{PLAIN}-0': 1.0, 'without-bend-float-0': 1.0}
    for variant in todo:
        assert (variant.weights(tmp_path)[0] / FILE_NAME).is_file()
    shares.clear()
    train(todo, tmp_path, resume=True, watch=shares.__setitem__)
    assert set(shares.values()) == {1.0}
