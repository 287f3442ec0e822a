"""Clips become answers: the task of the loop, mixing, and asking with several views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.augmentation import AugmentationConfig
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import Recogniser, build
from neuropose_ros.learning.sampling import Sampler, SamplingConfig
from neuropose_ros.learning.training.loop import fit
from neuropose_ros.learning.training.processes import Team, alone
from neuropose_ros.learning.training.recognition import (
    LabelledBatch,
    Recognition,
    ask,
    mix,
    predictor,
    scores,
)
from neuropose_ros.learning.training.settings import TrainingSettings

from ..little_people import little_people

SAMPLING = SamplingConfig(ticks=16, batch_size=9)
SETTINGS = TrainingSettings(
    epochs=8, learning_rate=0.01, completion_weight=0.5, motion_weight=0.5, frame_weight=0.2,
    checkpoint_every_s=0)
AUGMENTATION = AugmentationConfig(missing=0.2, jitter=0.02)


def network() -> Recogniser:
    torch.manual_seed(0)
    return build(NetworkConfig(width=16, blocks=1, completion_width=8, token_width=8), JHMDB15,
                 2, 3)


def test_it_learns_actions_with_all_losses() -> None:
    sampler = Sampler(little_people(36, 1), SAMPLING, AUGMENTATION, seed=0)
    trained = fit(Recognition(network(), sampler, SETTINGS, little_people(18, 2)), SETTINGS, 0)
    assert trained.score['top1'] > 0.9 and trained.score['macro_f1'] > 0.9
    assert {'label', 'frame', 'completion', 'motion'} <= set(trained.history[0])
    assert trained.history[-1]['label'] < trained.history[0]['label'] / 2


def test_clips_without_labels_are_refused() -> None:
    clips = little_people(6)
    bare = clips.only((*clips.clips[:5], replace(clips.clips[5], label=-1)))
    with pytest.raises(TrainingError, match='clips without a label'):
        Recognition(network(), Sampler(bare, SAMPLING), SETTINGS)


def test_every_process_needs_a_part_of_each_batch() -> None:
    task = Recognition(network(), Sampler(little_people(12), replace(SAMPLING, batch_size=2)),
                       SETTINGS)
    with pytest.raises(TrainingError, match='batches of 2 clips cannot be divided among 3'):
        next(task.batches(0, Team(0, 3, torch.device('cpu'))))


def test_processes_share_out_the_clips_of_an_epoch() -> None:
    task = Recognition(network(), Sampler(little_people(20), SAMPLING), SETTINGS)

    def names(rank: int, size: int) -> list[str]:
        team = Team(rank, size, torch.device('cpu'))
        return [name for batch in task.batches(3, team) for name in batch.batch.names]

    assert sorted(names(0, 2) + names(1, 2)) == sorted(names(0, 1))


def test_mixing_mixes_poses_and_labels_alike() -> None:
    task = Recognition(network(), Sampler(little_people(9), SAMPLING), SETTINGS)
    plain = next(task.batches(0, alone()))
    mask = plain.batch.mask.clone()
    mask[0, 3, 2] = 0
    plain = LabelledBatch(replace(
        plain.batch, mask=mask, keypoints=plain.batch.keypoints * mask[..., None]), plain.targets)
    mixed = mix(plain, 1.0, np.random.default_rng(0))
    assert torch.allclose(mixed.targets.sum(1), torch.ones(9))
    assert (mixed.targets * plain.targets).sum(1).min() >= 0.5
    assert 0.5 < float(mixed.targets.max(1).values.mean()) < 1.0
    # Solve for the share that made each clip: it must be the share in its labels.
    for row in range(9):
        own = float((mixed.targets[row] * plain.targets[row]).sum())
        fits = []
        for other in range(9):
            made = own * plain.batch.keypoints[row] + (1 - own) * plain.batch.keypoints[other]
            seen = (plain.batch.mask[row] * plain.batch.mask[other])[..., None]
            fits.append(torch.allclose(mixed.batch.keypoints[row], made * seen, atol=1e-5))
        assert any(fits) or own == 1.0
    assert mixed.batch.mask[0, 3, 2] == 0


def test_views_are_averaged_in_the_order_of_the_clips() -> None:
    clips, net = little_people(20), network().eval()
    logits, unknown, _ = ask(net, clips, SAMPLING, 3)
    assert logits.shape == (20, 3) and unknown is not None and unknown.shape == (20,)
    assert not torch.allclose(logits, ask(net, clips, SAMPLING, 1)[0])
    alone = ask(net, clips.only(clips.clips[13:14]), SAMPLING, 3).logits
    torch.testing.assert_close(alone[0], logits[13], atol=1e-5, rtol=1e-5)
    answers = predictor(net, SAMPLING, 3)(clips)
    assert np.allclose(answers.probabilities.sum(1), 1)


def test_scores_of_known_answers() -> None:
    clips = little_people(6)
    perfect = torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    assert scores(perfect, clips) == {'top1': 1.0, 'macro_f1': 1.0}
    assert scores(torch.eye(3)[[0] * 6], clips)['top1'] == pytest.approx(1 / 3)
