"""Learning to recognise: the loop's task for labelled clips, and asking what was learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning import metrics
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.evaluation import Answers
from neuropose_ros.learning.networks import losses
from neuropose_ros.learning.networks.recogniser import Output
from neuropose_ros.learning.sampling import Batch, Sampler, SamplingConfig
from neuropose_ros.learning.training.processes import Team
from neuropose_ros.learning.training.settings import TrainingSettings


@dataclass(frozen=True)
class LabelledBatch:
    """A batch and what is true of it.

    Attributes:
        targets: (N, C) shares of the labels.
    """

    batch: Batch
    targets: Tensor


class Recognition:
    """Learns the labels of clips; the loop's task."""

    def __init__(
        self, network: nn.Module, sampler: Sampler, settings: TrainingSettings,
        validation: ClipSet | None = None,
    ) -> None:
        """Take a network and what it learns from.

        Args:
            sampler: of labelled clips.
            validation: clips that judge it.

        Raises:
            TrainingError: the clips have no labels.
        """
        labels = sampler.clips.labels
        if labels is None or any(clip.label < 0 for clip in sampler.clips.clips):
            raise TrainingError(f'{sampler.clips.name}: clips without a label cannot teach '
                                'actions; `neuropose pretrain` learns from them')
        self.network = network
        self.steps_per_epoch = len(sampler)
        self._sampler, self._settings = sampler, settings
        self._validation, self._classes = validation, len(labels)

    def batches(self, epoch: int, team: Team) -> Iterator[LabelledBatch]:
        """Give the augmented, perhaps mixed batches of an epoch."""
        check_share(self._sampler, team)
        rng = np.random.default_rng([self._sampler.seed, epoch, team.rank, 2])
        for batch in self._sampler.epoch(epoch, team.rank, team.size):
            targets = functional.one_hot(batch.labels, self._classes).float()
            mixed = LabelledBatch(batch, targets)
            if self._settings.mixup_alpha:
                mixed = mix(mixed, self._settings.mixup_alpha, rng)
            yield LabelledBatch(moved(mixed.batch, team.device), mixed.targets.to(team.device))

    def losses(self, network: nn.Module, batch: LabelledBatch) -> dict[str, Tensor]:
        """Return the weighted losses that the settings name."""
        settings, seen = self._settings, batch.batch
        output = run(network, seen)
        out = {'label': losses.classification(
            output.stream_logits, batch.targets, settings.label_smoothing)}
        if settings.evidence_weight:
            out['evidence'] = settings.evidence_weight * losses.evidence(
                output.stream_logits, batch.targets)
        if settings.frame_weight:
            out['frame'] = settings.frame_weight * losses.frame_classification(
                output.frame_logits, batch.targets, seen.lengths, settings.label_smoothing)
        if settings.completion_weight:
            out['completion'] = settings.completion_weight * losses.completion(
                output, seen.truth, seen.truth_mask, seen.mask)
        if settings.motion_weight:
            out['motion'] = settings.motion_weight * losses.motion_prediction(
                output, seen.truth, seen.truth_mask)
        return out

    def score(self, network: nn.Module) -> dict[str, float]:
        """Return top-1 accuracy and macro-F1 on the validation part."""
        if self._validation is None:
            return {}
        asked = ask(network, self._validation, self._sampler.config)
        return scores(asked.logits, self._validation)


def check_share(sampler: Sampler, team: Team) -> None:
    """Check that every process gets a part of every batch: the others would wait for it.

    Raises:
        TrainingError: the batches are too small.
    """
    if len(sampler.clips) // len(sampler) < team.size:
        raise TrainingError(f'batches of {sampler.config.batch_size} clips cannot be divided '
                            f'among {team.size} processes: start fewer, or larger batches')


def run(network: nn.Module, batch: Batch) -> Output:
    """Return what a network says of a batch."""
    output: Output = network(
        batch.keypoints, batch.mask, batch.lengths, batch.scene, batch.scene_mask)
    return output


def moved(batch: Batch, device: torch.device) -> Batch:
    """Return the batch on a device."""
    if device.type == 'cpu':
        return batch
    tensors = {field.name: value.to(device, non_blocking=True) for field in fields(batch)
               if isinstance(value := getattr(batch, field.name), Tensor)}
    return replace(batch, **tensors)


def mix(labelled: LabelledBatch, alpha: float, rng: np.random.Generator) -> LabelledBatch:
    """Mix each clip with another (mixup, Zhang et al. 2018): poses and labels alike.

    A joint is known where both clips know it; the shorter clip ends both.
    """
    batch, targets = labelled.batch, labelled.targets
    count = len(targets)
    share = torch.from_numpy(rng.beta(alpha, alpha, count).astype(np.float32))
    other = torch.from_numpy(rng.permutation(count))
    share = torch.maximum(share, 1 - share)  # the clip itself prevails: its scene is kept

    def mixed(values: Tensor) -> Tensor:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        return part * values + (1 - part) * values[other]

    mask, truth_mask = (part * part[other] for part in (batch.mask, batch.truth_mask))
    return LabelledBatch(replace(
        batch, keypoints=mixed(batch.keypoints) * mask[..., None], mask=mask,
        truth=mixed(batch.truth) * truth_mask[..., None], truth_mask=truth_mask,
        lengths=torch.minimum(batch.lengths, batch.lengths[other])), mixed(targets))


class Asked(NamedTuple):
    """What a network says of N clips.

    Attributes:
        logits: (N, C).
        unknown: (N,) 0..1; None of a network that does not tell.
        strangeness: (N,) the same before it is calibrated.
    """

    logits: Tensor
    unknown: Tensor | None
    strangeness: Tensor | None


def ask(
    network: nn.Module, clips: ClipSet, config: SamplingConfig, views: int = 1,
) -> Asked:
    """Ask a network about clips, in their order.

    Args:
        views: test-time views whose answers are averaged.
    """
    weight = next(network.parameters())
    sampler = Sampler(clips, config)
    network.eval()
    found: list[list[Tensor]] = []
    with torch.inference_mode():
        for view in range(views):
            outputs = [run(network, moved(batch, weight.device))
                       for batch in sampler.ordered(view)]
            told = [name for name in Asked._fields if hasattr(outputs[0], name)]
            found.append([torch.cat([getattr(output, name).float().cpu() for output in outputs])
                          for name in told])
    means = dict(zip(told, (torch.stack(each).mean(0) for each in zip(*found, strict=True)),
                     strict=True))
    return Asked(means['logits'], means.get('unknown'), means.get('strangeness'))


def predictor(
    network: nn.Module, config: SamplingConfig, views: int = 1,
) -> Callable[[ClipSet], Answers]:
    """Return the network as `learning.evaluation` asks it."""
    def predict(clips: ClipSet) -> Answers:
        logits, unknown, _ = ask(network, clips, config, views)
        return Answers(metrics.softmax(logits.numpy()),
                       None if unknown is None else unknown.double().numpy())
    return predict


def labels_of(clips: ClipSet) -> NDArray[np.int64]:
    """Return (N,) label indices."""
    return np.array([clip.label for clip in clips.clips], np.int64)


def scores(logits: Tensor, clips: ClipSet) -> dict[str, float]:
    """Return top-1 accuracy and macro-F1 of (N, C) logits."""
    truth, classes = labels_of(clips), logits.shape[1]
    confusion = metrics.confusion_matrix(truth, logits.argmax(1).numpy(), classes)
    return {'top1': metrics.top1_accuracy(metrics.softmax(logits.numpy()), truth),
            'macro_f1': metrics.macro_f1(confusion)}
